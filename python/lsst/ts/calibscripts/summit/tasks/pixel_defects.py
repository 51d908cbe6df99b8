"""Bad pixels found by thresholds, and boxes that describe them; numbers only."""

from __future__ import annotations

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from ..datasets.types import amplifier_views

__all__ = ["boxes", "cold_pixels", "fill_columns", "hot_pixels"]


def hot_pixels(image: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """Return the pixels above the median of their amplifier by more than a threshold.

    Parameters
    ----------
    image
        Combined bias or dark.
    threshold
        In the unit of the image.

    Returns
    -------
    mask
        True for hot pixels.
    """
    mask = np.empty(image.shape, dtype=bool)
    for pixels, flags in zip(amplifier_views(image).values(), amplifier_views(mask).values(), strict=True):
        flags[:] = pixels - np.median(pixels) > threshold
    return mask


def cold_pixels(image: NDArray[np.float32], fraction: float) -> NDArray[np.bool_]:
    """Return the pixels that respond less than a fraction of the median of their amplifier.

    Parameters
    ----------
    image
        Combined flat.
    fraction
        Of the median.

    Returns
    -------
    mask
        True for cold and dead pixels.
    """
    mask = np.empty(image.shape, dtype=bool)
    for pixels, flags in zip(amplifier_views(image).values(), amplifier_views(mask).values(), strict=True):
        flags[:] = pixels < fraction * np.median(pixels)
    return mask


def fill_columns(mask: NDArray[np.bool_], threshold: int) -> NDArray[np.bool_]:
    """Mark the whole amplifier column where many of its pixels are bad.

    Parameters
    ----------
    mask
        Bad pixels.
    threshold
        Columns with more bad pixels than this are filled; negative: none.

    Returns
    -------
    mask
        With filled columns.
    """
    filled = mask.copy()
    if threshold >= 0:
        for flags in amplifier_views(filled).values():
            flags[:, flags.sum(axis=0) > threshold] = True
    return filled


def boxes(mask: NDArray[np.bool_]) -> Table:
    """Describe bad pixels as boxes, one for each uninterrupted piece of an amplifier column.

    Parameters
    ----------
    mask
        Bad pixels of the assembled image.

    Returns
    -------
    defects
        Columns x0, y0, width, height in pixels of the assembled image, and amplifier; the shape of the image is in
        ``meta["shape"]``.
    """
    rows: list[tuple[int, int, int, int, str]] = []
    height, width = mask.shape
    for index, (name, flags) in enumerate(amplifier_views(mask).items()):
        steps = np.diff(np.pad(flags, ((1, 1), (0, 0))).astype(np.int8), axis=0)
        # Transposed, starts and ends come column by column and belong together one by one.
        x, start = np.nonzero(steps.T == 1)
        _, end = np.nonzero(steps.T == -1)
        left, bottom = index % 8 * (width // 8), height // 2 if index < 8 else 0
        rows += [
            (left + int(i), bottom + int(a), 1, int(b - a), name)
            for i, a, b in zip(x, start, end, strict=True)
        ]
    return Table(
        rows=rows or None,
        names=("x0", "y0", "width", "height", "amplifier"),
        dtype=(np.int64, np.int64, np.int64, np.int64, "U3"),
        meta={"shape": [height, width]},
    )
