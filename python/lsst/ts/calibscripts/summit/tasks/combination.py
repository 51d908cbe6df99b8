"""Clipped, weighted combination of a stack of frames; numbers only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

__all__ = ["combine"]

_TILE_PIXELS = 32768
"""Pixels of a tile: the frames of one tile fit into a processor's cache."""
_THREADS_FROM_PIXELS = 1_000_000
"""Below this size of a frame starting threads costs more than it saves."""
_QUARTILE = 0.67449
"""Upper quartile of the normal distribution in standard deviations."""


def combine(
    stack: NDArray[np.float32], noise: NDArray[np.float64], clip: float, columns: int, *, threads: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Combine frames of equal expectation, leaving out values that do not belong.

    A value is left out when it is more than ``clip`` standard deviations from the median of its pixel. The
    standard deviation is the larger of two: that of the pixel, taken from the lower half of its values
    because the charge of cosmic rays only adds, and the typical one of the neighbourhood, because a few
    values tell a standard deviation badly. The mean of the rest is weighted with the inverse variance.

    Parameters
    ----------
    stack
        Shape ``(n_frames, height, width)``; NaN where a pixel must not be used.
    noise
        Noise of each frame relative to the others, shape ``(n_frames,)``.
    clip
        Standard deviations.
    columns
        Width of an amplifier: noise is compared within one amplifier only.
    threads
        Threads to use; 0 means one for each processor, at most four, where frames are large.

    Returns
    -------
    image
        The weighted mean, float32, 0 where there is no value.
    empty
        True where no frame has a value.
    """
    _, height, width = stack.shape
    image = np.empty((height, width), dtype=np.float32)
    empty = np.empty((height, width), dtype=bool)

    def combine_tile(tile: tuple[slice, slice]) -> None:
        image[tile], empty[tile] = _combine_tile(stack[:, *tile], noise, clip)

    tiles = list(_tiles(height, width, columns))
    if not threads:
        threads = min(4, os.cpu_count() or 1) if height * width >= _THREADS_FROM_PIXELS else 1
    if threads == 1:
        for tile in tiles:
            combine_tile(tile)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(combine_tile, tiles))
    return image, empty


def _tiles(height: int, width: int, columns: int) -> Iterator[tuple[slice, slice]]:
    """Tiles that lie within one amplifier each."""
    half = height // 2
    rows = max(1, _TILE_PIXELS // columns)
    for bottom, top in ((0, half), (half, height)):
        for y in range(bottom, top, rows):
            for x in range(0, width, columns):
                yield slice(y, min(y + rows, top)), slice(x, x + columns)


def _combine_tile(
    values: NDArray[np.float32], noise: NDArray[np.float64], clip: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    ordered = np.sort(values, axis=0)
    n_frames = len(ordered)
    center: NDArray[np.float32] = (ordered[(n_frames - 1) // 2] + ordered[n_frames // 2]) * np.float32(0.5)
    sigma = np.maximum(_pixel_sigma(ordered, center) / np.median(noise), _typical_sigma(values, noise))
    # The median itself is uncertain: pi / 2 times the variance of a mean.
    bounds = clip * np.sqrt(noise**2 + np.pi / 2 * np.mean(noise**2) / n_frames)
    total = np.zeros_like(center)
    weight_sum = np.zeros_like(center)
    for frame, weight, bound in zip(values, 1.0 / noise**2, bounds, strict=True):
        good = np.abs(frame - center) <= np.float32(bound) * sigma
        total += np.where(good, frame, np.float32(0.0)) * np.float32(weight)
        weight_sum += good * np.float32(weight)
    rejected = weight_sum == 0.0
    # With two frames that disagree nothing is left; the lower one is the one without the cosmic ray.
    image = np.where(rejected, ordered[0], total / np.where(rejected, np.float32(1.0), weight_sum))
    empty = np.isnan(image)
    image[empty] = 0.0
    return image, empty


def _pixel_sigma(ordered: NDArray[np.float32], center: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standard deviation of each pixel from the lower quartile of its ordered values."""
    position = 0.25 * (len(ordered) - 1)
    below = int(position)
    fraction = np.float32(position - below)
    quartile = ordered[below] + (ordered[min(below + 1, len(ordered) - 1)] - ordered[below]) * fraction
    sigma: NDArray[np.float32] = (center - quartile) / np.float32(_QUARTILE)
    return sigma


def _typical_sigma(values: NDArray[np.float32], noise: NDArray[np.float64]) -> np.float32:
    """Standard deviation of a pixel of unit noise from differences of consecutive frames."""
    if len(values) == 1:
        return np.float32(np.inf)
    step = max(1, values[0].size // 4096)
    sample = values.reshape(len(values), -1)[:, ::step]
    scale = np.hypot(noise[1:], noise[:-1]).astype(np.float32)
    differences = np.abs(np.diff(sample, axis=0)) / scale[:, None]
    return (
        np.float32(np.nanmedian(differences) / _QUARTILE) if np.isfinite(differences).any() else np.float32(0)
    )
