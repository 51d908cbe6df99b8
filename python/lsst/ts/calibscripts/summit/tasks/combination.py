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
_SAMPLE = 1024
"""Pixels of a tile that its typical noise is taken from."""
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
    values estimate a standard deviation badly. The mean of the rest is weighted with the inverse variance.

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
    """Return the tiles that lie within one amplifier each."""
    half = height // 2
    rows = max(1, _TILE_PIXELS // columns)
    for bottom, top in ((0, half), (half, height)):
        for y in range(bottom, top, rows):
            for x in range(0, width, columns):
                yield slice(y, min(y + rows, top)), slice(x, x + columns)


def _combine_tile(
    values: NDArray[np.float32], noise: NDArray[np.float64], clip: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    shape = values.shape[1:]
    values = values.reshape(len(values), -1)
    ordered = np.sort(values, axis=0)
    center: NDArray[np.float32] = (ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) * np.float32(
        0.5
    )
    sigma = np.maximum(_pixel_sigma(ordered, center, noise), _typical_sigma(values, noise))
    # The median itself is uncertain: pi / 2 times the variance of a mean.
    bounds = (clip * np.sqrt(noise**2 + np.pi / 2 * np.mean(noise**2) / len(values))).astype(np.float32)
    weights = (noise**-2 / np.sum(noise**-2)).astype(np.float32)
    # Not weights @ values: the threads of a BLAS and those of `combine` would fight.
    image = np.einsum("i,ij->j", weights, values)
    limit = bounds.min() * sigma
    # Almost no pixel has a value so far off that it might have to go; NaN compares false.
    suspect = ~((ordered[-1] - center <= limit) & (center - ordered[0] <= limit))
    if suspect.any():
        image[suspect] = _clipped_mean(
            values[:, suspect],
            center[suspect],
            bounds[:, None] * sigma[suspect],
            weights,
            ordered[0, suspect],
        )
    empty = np.isnan(image)
    image[empty] = 0.0
    return image.reshape(shape), empty.reshape(shape)


def _clipped_mean(
    values: NDArray[np.float32],
    center: NDArray[np.float32],
    limits: NDArray[np.float32],
    weights: NDArray[np.float32],
    lowest: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the weighted mean of values near the center; the lowest value where none is, NaN without any value."""
    good = np.abs(values - center) <= limits
    weight = np.einsum("i,ij->j", weights, good)
    total = np.einsum("i,ij->j", weights, np.where(good, values, np.float32(0.0)))
    # With two frames that disagree nothing is near; the lower one is the one without the cosmic ray.
    return np.where(weight > 0, total / np.where(weight > 0, weight, np.float32(1.0)), lowest)


def _pixel_sigma(
    ordered: NDArray[np.float32], center: NDArray[np.float32], noise: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the standard deviation of each pixel, for unit noise, from the lower quartile of its ordered values.

    Zero, so that only the typical one counts, where two values cannot show which of them is off.
    """
    if len(ordered) < 3:
        return np.zeros_like(center)
    position = 0.25 * (len(ordered) - 1)
    below = int(position)
    fraction = np.float32(position - below)
    quartile = ordered[below] + (ordered[min(below + 1, len(ordered) - 1)] - ordered[below]) * fraction
    return np.asarray((center - quartile) / np.float32(_QUARTILE * np.median(noise)))


def _typical_sigma(values: NDArray[np.float32], noise: NDArray[np.float64]) -> np.float32:
    """Return the standard deviation of a pixel, for unit noise, from differences of consecutive frames."""
    sample = values[:, :: max(1, values.shape[1] // _SAMPLE)]
    scale = np.hypot(noise[1:], noise[:-1]).astype(np.float32)
    differences = np.abs(np.diff(sample, axis=0)) / scale[:, None]
    differences = differences[np.isfinite(differences)]
    return np.float32(np.median(differences) / _QUARTILE if differences.size else np.inf)
