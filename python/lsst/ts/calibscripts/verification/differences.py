"""How far a new calibration is from the one before it, amplifier by amplifier. Pure, and numpy's alone.

The statistics are robust: a median, and as scatter 1.4826 times the median absolute deviation, which is the standard
deviation where the deviations are normal (Rousseeuw & Croux 1993, JASA 88, 1273, section 1).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import StatisticsError
from .amplifiers import amplifier_names, by_amplifier, halves
from .outputs import WrittenGains

__all__ = [
    "BEYOND",
    "Allowed",
    "Difference",
    "Master",
    "difference_of",
    "gain_difference",
    "moved",
    "per_noise",
]

BEYOND = 5.0
"""Deviations of a pixel or of a gain above this number of standard deviations are no noise."""

GAIN_REPEATS = 0.002
"""Relative error of a gain below which that of its fit is not believed: no lamp is twice the same."""

_MAD_TO_SIGMA = 1.4826

Pixels: TypeAlias = NDArray[np.float32]
Values: TypeAlias = tuple[float | None, ...]


@dataclass(frozen=True, eq=False)
class Master:
    """A combined calibration of one detector."""

    dataset_type: str  #: What it is in the butler, e.g. ``bias`` or, binned, ``biasBin8``.
    #: Shape ``(rows, columns)``, row 0 at the bottom, in electrons, electron/s or relative; NaN where masked.
    pixels: Pixels
    #: Of each pixel, of the same shape, as the pipelines expect it; None where they did not write it.
    variance: Pixels | None = None


@dataclass(frozen=True)
class Difference:
    """How far a calibration of a detector is from the one before it: a value of each amplifier, None for no value."""

    detector: str  #: Full name.
    amplifiers: tuple[str, ...]  #: Names of the amplifiers.
    #: Median of the difference over the noise that is expected of both; of a gain, the difference over its error.
    shift: Values = ()
    #: Robust standard deviation of the difference over the noise of both: 1 where nothing but noise differs.
    scatter: Values = ()
    #: Fraction of the pixels that are more than `BEYOND` standard deviations from the median; of defects, of those
    #: that are new or have vanished.
    beyond: Values = ()
    gain_ratio: Values = ()  #: Of photon transfer curves: gain over that before.
    noise_ratio: Values = ()  #: The same of the read noise.
    appeared: tuple[int, ...] = ()  #: Pixels that are new defects.
    vanished: tuple[int, ...] = ()  #: Pixels that were defects before.


@dataclass(frozen=True)
class Allowed:
    """How far a calibration may be from the one before it."""

    sigmas: float  #: Largest shift of an amplifier, and largest structure in it, in units of the noise of a pixel.
    #: Largest fraction of its pixels beyond `BEYOND` standard deviations; of defects, that are new or have vanished.
    pixels: float


def difference_of(new: Master, old: Master, detector: str) -> Difference:
    """Compare two calibrations of a detector.

    Parameters
    ----------
    new, old : `Master`
        The calibrations, of one size.
    detector : `str`
        Full name.

    Raises
    ------
    StatisticsError
        If they cannot be compared: they differ in size, or are no images of amplifiers.
    """
    names, pulls = _pulls(new, old)
    known = np.isfinite(pulls)
    dead = ~known.any(axis=1)
    pulls[dead] = 0.0
    shift = np.nanmedian(pulls, axis=1)
    off = np.abs(pulls - shift[:, np.newaxis])
    scatter = _MAD_TO_SIGMA * np.nanmedian(off, axis=1)
    # What is expected may be too little: the noise of the bias is common to all the darks it is subtracted from.
    far = off > BEYOND * np.maximum(1.0, scatter)[:, np.newaxis]
    beyond = far.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    median, spread, part = (_rounded(np.where(dead, np.nan, each)) for each in (shift, scatter, beyond))
    return Difference(detector, names, median, spread, part)


def per_noise(new: Master, old: Master) -> Pixels:
    """Return the difference of two calibrations over the noise of both, pixel by pixel.

    Parameters
    ----------
    new, old : `Master`
        The calibrations, of one size.

    Returns
    -------
    array
        Shape ``(rows, columns)``; NaN where one of them is masked.

    Raises
    ------
    StatisticsError
        If they cannot be compared.
    """
    shape = new.pixels.shape
    rows, columns = halves(shape)
    _, pulls = _pulls(new, old)
    across = pulls.reshape(rows, columns, shape[0] // rows, shape[1] // columns)
    return across[::-1].transpose(0, 2, 1, 3).reshape(shape[0] // rows * rows, shape[1] // columns * columns)


def gain_difference(new: WrittenGains, old: WrittenGains, detector: str) -> Difference:
    """Compare the gains and read noises of two photon transfer curves.

    Parameters
    ----------
    new, old : `WrittenGains`
        Of the curves.
    detector : `str`
        Full name.
    """
    names = tuple(new.gain)
    shift = [
        (new.gain[name] - old.gain.get(name, math.nan))
        / math.hypot(*(_gain_error(gains, name) for gains in (new, old)))
        for name in names
    ]
    ratios = (
        [_ratio(after[name], before.get(name, math.nan)) for name in names]
        for after, before in ((new.gain, old.gain), (new.noise, old.noise))
    )
    gain_ratio, noise_ratio = map(_rounded, ratios)
    return Difference(detector, names, _rounded(shift), gain_ratio=gain_ratio, noise_ratio=noise_ratio)


def moved(difference: Difference, allowed: Allowed) -> Iterator[str]:
    """Return the names of the amplifiers that are farther from the one before than is allowed.

    Parameters
    ----------
    difference : `Difference`
        Of a detector.
    allowed : `Allowed`
        How far they may be. A gain may be `BEYOND` times its error away.

    Yields
    ------
    `str`
        E.g. ``R22_S11 C04``.
    """
    sigmas = BEYOND if difference.gain_ratio else allowed.sigmas
    empty = (None,) * len(difference.amplifiers)
    columns = (column or empty for column in (difference.shift, difference.scatter, difference.beyond))
    for name, shift, scatter, beyond in zip(difference.amplifiers, *columns, strict=True):
        structure = math.sqrt(max((scatter or 1.0) ** 2 - 1.0, 0.0))
        if max(abs(shift or 0.0), structure) > sigmas or (beyond or 0.0) > allowed.pixels:
            yield f"{difference.detector} {name}"


def _pulls(new: Master, old: Master) -> tuple[tuple[str, ...], Pixels]:
    """Return the names of the amplifiers, and the pixels of each: the difference over the noise of both."""
    if new.pixels.shape != old.pixels.shape:
        sizes = " and ".join(f"{m.pixels.shape[1]} x {m.pixels.shape[0]}" for m in (new, old))
        raise StatisticsError(f"they have {sizes} pixels")
    names = amplifier_names(new.pixels.shape)
    difference = by_amplifier(new.pixels - old.pixels)
    if new.variance is None or old.variance is None:
        noise = _noise_of(difference)
        noise[noise == 0.0] = np.inf
        pulls = difference.reshape(len(names), -1) / noise[:, np.newaxis]
    else:
        variance = by_amplifier(new.variance + old.variance)
        with np.errstate(divide="ignore", invalid="ignore"):
            pulls = (difference / np.sqrt(variance)).reshape(len(names), -1)
        pulls[~np.isfinite(pulls)] = np.nan
    return names, pulls


def _noise_of(difference: Pixels) -> NDArray[np.float32]:
    """Return the noise of each amplifier from neighbours in its rows, in whose difference what is smooth cancels."""
    width = difference.shape[2] // 2 * 2
    steps = np.abs(difference[:, :, 1:width:2] - difference[:, :, 0:width:2]).reshape(len(difference), -1)
    dead = ~np.isfinite(steps).any(axis=1)
    steps[dead] = 0.0
    noise: NDArray[np.float32] = _MAD_TO_SIGMA / np.float32(math.sqrt(2)) * np.nanmedian(steps, axis=1)
    return noise


def _gain_error(gains: WrittenGains, amplifier: str) -> float:
    return max(gains.gain_error.get(amplifier, 0.0), GAIN_REPEATS * abs(gains.gain[amplifier]), 1e-9)


def _ratio(new: float, old: float) -> float:
    return new / old if old else math.nan


def _rounded(values: Iterable[float]) -> Values:
    """Return values as a record has them: four digits, None for what is not a number."""
    return tuple(float(f"{value:.4g}") if math.isfinite(value) else None for value in map(float, values))
