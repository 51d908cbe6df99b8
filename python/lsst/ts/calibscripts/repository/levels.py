"""Signal levels of raw and of corrected images, read from their FITS files."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping
from typing import Any

from .records import Signal

__all__ = ["NOMINAL_GAIN", "NOMINAL_NOISE", "corrected_level", "nominal_values", "raw_signal"]

NOMINAL_GAIN = "LSST ISR GAIN"
"""Header keyword of processed images, followed by the amplifier's name; electron/ADU."""

NOMINAL_NOISE = "LSST ISR READNOISE"
"""The same of the read noise, electron."""

_SECTION = re.compile(r"\[\s*(\d+)\s*:\s*(\d+)\s*,\s*(\d+)\s*:\s*(\d+)\s*\]")


_ROW_STEP = 8
"""Of how many rows one is looked at for the noise; it does not need them all."""

_SIGMAS = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


def raw_signal(path: str) -> Signal:
    """Measure the signal of a raw image.

    Parameters
    ----------
    path : `str`
        FITS file with one extension for each amplifier, whose keywords DATASEC and BIASSEC locate image and overscan.

    Returns
    -------
    `Signal`
        Level: median over the amplifiers of (median of the image less median of the overscan), ADU. Noise of a pixel:
        median over them of the median absolute difference of neighbours in a row times 1.4826 / sqrt(2), ADU, which
        neither vignetting nor a few defects change.

    Raises
    ------
    ValueError
        If no extension has the keywords.
    """
    import numpy as np
    from astropy.io import fits

    levels, noises = [], []
    with fits.open(path) as hdus:
        for hdu in hdus[1:]:
            sections = (hdu.header.get("DATASEC"), hdu.header.get("BIASSEC"))
            if hdu.data is not None and all(sections):
                image, overscan = (hdu.data[_slices(str(section))] for section in sections)
                levels.append(float(np.median(image)) - float(np.median(overscan)))
                steps = np.abs(np.diff(image[::_ROW_STEP].astype(float), axis=1))
                noises.append(_SIGMAS / math.sqrt(2) * float(np.median(steps)))
    if not levels:
        raise ValueError(f"{path} has no extension with DATASEC and BIASSEC")
    return Signal(float(np.median(levels)), float(np.median(noises)))


def corrected_level(path: str) -> float:
    """Measure what is left in an image after its instrument signature was removed.

    Parameters
    ----------
    path : `str`
        FITS file; its first two-dimensional image is taken. Where its header says that it is in electrons, the
        gains in it lead back to ADU.

    Returns
    -------
    `float`
        Median of the pixels that have a value, ADU.

    Raises
    ------
    ValueError
        If there is no image in it, none of its pixels has a value, or it is in electrons and none of its gains is a
        positive number.
    """
    import numpy as np
    from astropy.io import fits

    with fits.open(path) as hdus:
        for hdu in hdus:
            if hdu.is_image and hdu.data is not None and hdu.data.ndim == 2:
                cards = {**hdus[0].header, **hdu.header}
                in_electrons = "electron" in f"{cards.get('BUNIT', '')}{cards.get('LSST ISR UNITS', '')}"
                gain = _gain(cards) if in_electrons else 1.0
                pixels = hdu.data[np.isfinite(hdu.data)]
                if not pixels.size:
                    raise ValueError(f"no pixel of {path} has a value")
                return float(np.median(pixels)) / gain
    raise ValueError(f"{path} holds no image")


def nominal_values(path: str, keyword: str) -> dict[str, float]:
    """Read the nominal gains or read noises out of the header of a processed image.

    Parameters
    ----------
    path : `str`
        FITS file.
    keyword : `str`
        `NOMINAL_GAIN` or `NOMINAL_NOISE`.

    Returns
    -------
    `dict` [`str`, `float`]
        By amplifier; empty where older versions of ip_isr did not note them down.
    """
    from astropy.io import fits

    start = f"{keyword} "
    with fits.open(path) as hdus:
        cards = {**hdus[0].header}
    return {key[len(start) :]: _number(value) for key, value in cards.items() if key.startswith(start)}


def _gain(cards: Mapping[str, Any]) -> float:
    """Return the median of the gains in a header, electron/ADU, of those that can be gains."""
    values = (_number(value) for name, value in cards.items() if name.startswith(NOMINAL_GAIN))
    gains = [value for value in values if math.isfinite(value) and value > 0]
    if not gains:
        raise ValueError("it is in electrons, and its header has no gain that is a positive number")
    return statistics.median(gains)


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return math.nan


def _slices(section: str) -> tuple[Any, Any]:
    """Return the slices of a FITS section ``[x0:x1,y0:y1]``, which counts from one and includes its ends."""
    match = _SECTION.fullmatch(section.strip())
    if match is None:
        raise ValueError(f"{section} is not a FITS section")
    x0, x1, y0, y1 = map(int, match.groups())
    return slice(y0 - 1, y1), slice(x0 - 1, x1)
