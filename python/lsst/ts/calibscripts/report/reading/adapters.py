"""Datasets as whichever stack wrote them -> plain numbers.

The Science Pipelines write afw exposures and ip_isr PhotonTransferCurveDatasets, the simulated summit astropy
images and records of its own. They are distinguished by what they offer, so that none of these packages is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...repository.certified.masters import boxes_of, pixels_of
from .evidence import Curve, Defects, Image

__all__ = [
    "curves_of",
    "defects_of",
    "image_of",
    "nominal_of",
    "small",
    "variance_of",
]

ALONE_PIXELS = 256
"""Longest side of the picture of a camera's only detector."""

TOGETHER_PIXELS = 768
"""Longest side of the picture of all detectors together."""


def image_of(dataset: Any, title: str, detector: str, n_detectors: int, exposure: int | None = None) -> Image:
    """Bin an image so that those of all detectors together stay small.

    Parameters
    ----------
    dataset : object
        ``astropy.nddata.CCDData`` or ``lsst.afw.image.Exposure``.
    title, detector, exposure
        As `Image` has them.
    n_detectors : `int`
        How many detectors are shown beside each other.
    """
    unit = str(getattr(dataset, "unit", "") or "")
    return replace(small(pixels_of(dataset), title, detector, n_detectors, unit), exposure=exposure)


def small(pixels: NDArray[np.float32], title: str, detector: str, n_detectors: int, unit: str) -> Image:
    """Bin pixels so that those of all detectors together stay small.

    Parameters
    ----------
    pixels : array
        Shape ``(rows, columns)``; NaN where they are masked.
    title, detector, unit
        As `Image` has them.
    n_detectors : `int`
        How many detectors are shown beside each other.
    """
    side = ALONE_PIXELS if n_detectors == 1 else TOGETHER_PIXELS // max(3, math.ceil(math.sqrt(n_detectors)))
    factor = max(1, math.ceil(max(pixels.shape) / side))
    middle = float(np.nanmedian(pixels)) if np.isfinite(pixels).any() else float("nan")
    return Image(title, detector, _binned(pixels, factor), unit, middle, binned=factor)


def _binned(pixels: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return the mean of blocks of ``factor`` by ``factor`` pixels; what is left over at the edges is cut off."""
    rows, columns = (n // factor for n in pixels.shape)
    blocks = pixels[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    good = np.isfinite(blocks)
    n = good.sum(axis=(1, 3))
    total = np.where(good, blocks, 0).sum(axis=(1, 3), dtype=np.float64)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan).astype(np.float32)


def nominal_of(dataset: Any, keyword: str) -> dict[str, float]:
    """Return a nominal value of every amplifier from the header of a processed image.

    Parameters
    ----------
    dataset : object
        ``astropy.nddata.CCDData`` or ``lsst.afw.image.Exposure``; ip_isr writes ``<keyword> <amplifier>``.
    keyword : `str`
        `~lsst.ts.calibscripts.repository.levels.NOMINAL_GAIN` or ``NOMINAL_NOISE``.
    """
    header: Mapping[str, Any] = getattr(dataset, "meta", None) or getattr(dataset, "metadata", None) or {}
    start = f"{keyword} "
    return {str(key)[len(start) :]: float(header[key]) for key in header if str(key).startswith(start)}


def defects_of(dataset: Any, detector: str) -> Defects:
    """Return the defects of a detector.

    Parameters
    ----------
    dataset : object
        ``ip_isr``'s Defects, or a table with the columns x0, y0, width and height, pixels.
    detector : `str`
        Full name.
    """
    return Defects(detector, boxes_of(dataset).places)


def curves_of(dataset: Any, detector: str) -> Iterator[Curve]:
    """Return the photon transfer curves of a detector.

    Parameters
    ----------
    dataset : object
        ``ip_isr``'s PhotonTransferCurveDataset or the record of the simulated summit.
    detector : `str`
        Full name.
    """
    real = hasattr(dataset, "rawMeans")
    means, variances = (dataset.rawMeans, dataset.rawVars) if real else (dataset.means, dataset.variances)
    turnoff = dataset.ptcTurnoff if real else dataset.turnoff
    errors = dataset.gainErr if real else dataset.gain_error
    for amplifier in means:
        measured = np.asarray(means[amplifier], dtype=np.float64)
        gain, noise = float(dataset.gain[amplifier]), float(dataset.noise[amplifier])
        if real:
            fitted = np.asarray(dataset.finalModelVars[amplifier], dtype=np.float64)
            used = np.asarray(dataset.expIdMask[amplifier], dtype=bool)
        else:
            fitted = variance_of(measured, gain, noise, float(dataset.a00.get(amplifier, 0.0)))
            used = ~np.asarray(dataset.outliers.get(amplifier, [False] * len(measured)), dtype=bool)
        yield Curve(
            detector,
            amplifier,
            measured,
            np.asarray(variances[amplifier], dtype=np.float64),
            _of_length(fitted, len(measured)),
            used,
            gain,
            float(errors.get(amplifier, math.nan)),
            noise,
            float(turnoff.get(amplifier, math.nan)),
        )


def _of_length(values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    return values if len(values) == n else np.full(n, np.nan)


def variance_of(
    means: Sequence[float] | NDArray[np.float64], gain: float, noise: float, a00: float
) -> NDArray[np.float64]:
    """Return the variance of a frame as the EXPAPPROXIMATION has it, Astier et al. (2019), equation 16.

    Parameters
    ----------
    means : array
        Mean levels, ADU.
    gain : `float`
        electron/ADU.
    noise : `float`
        Read noise, electron.
    a00 : `float`
        Brighter-fatter term, 1/electron; negative.

    Returns
    -------
    array
        ADU².
    """
    levels = np.asarray(means, dtype=np.float64)
    readout = (noise / gain) ** 2
    if abs(a00) < 1e-12:
        return levels / gain + readout
    result: NDArray[np.float64] = np.expm1(2 * a00 * levels * gain) / (2 * gain**2 * a00) + readout
    return result
