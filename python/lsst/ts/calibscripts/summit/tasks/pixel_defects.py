"""Bad pixels found by thresholds; numbers only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..datasets.types import amplifier_views

__all__ = ["cold_pixels", "fill_columns", "hot_pixels"]


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
