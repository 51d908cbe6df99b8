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
from ..tables.products import is_by_filter
from .amplifiers import amplifier_names, amplifier_places, by_amplifier
from .outputs import WrittenGains

__all__ = [
    "BEYOND",
    "BINNED",
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

FLAT_REPEATS = 0.001
"""Relative noise of the difference of two flats below which what is expected is not believed.

The mean of twenty flats, binned by eight, has a noise of 2e-4: it would see gains that differ by 4e-4, and the lamp.
Gains are not known as well (`GAIN_REPEATS`), and the light on a screen is not the same twice.
"""

STRAY = 4
"""Pixels of an amplifier that may be far off, however few it has: a particle, or a pixel that comes and goes.

It decides only where amplifiers are small, as in the binned images of a rehearsal.
"""

BINNED = "Bin8"
"""Ending of the dataset types of calibrations that are binned by eight."""

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
    #: Fraction of the pixels that are more than `BEYOND` standard deviations from the median, or that only one of the
    #: two has; of defects, of those that are new or have vanished and touch another one.
    beyond: Values = ()
    gain_ratio: Values = ()  #: Of photon transfer curves: gain over that before; 0 where there is none any more.
    noise_ratio: Values = ()  #: The same of the read noise.
    appeared: tuple[int, ...] = ()  #: Pixels that are new defects.
    vanished: tuple[int, ...] = ()  #: Pixels that were defects before.
    pixels: int = 0  #: Pixels of an amplifier that are compared; 0 where it is not known.


@dataclass(frozen=True)
class Allowed:
    """How far a calibration may be from the one before it."""

    sigmas: float  #: Largest shift of an amplifier, and largest structure in it, in units of the noise of a pixel.
    #: Largest fraction of its pixels beyond `BEYOND` standard deviations; of defects, that are new or have vanished
    #: and touch another one.
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
    alone = _alone(new, old)
    beyond = (far | alone).sum(axis=1) / np.maximum((known | alone).sum(axis=1), 1)
    median, spread = (_rounded(np.where(dead, np.nan, each)) for each in (shift, scatter))
    part = _rounded(np.where(dead & ~alone.any(axis=1), np.nan, beyond))
    return Difference(detector, names, median, spread, part, pixels=pulls.shape[1])


def per_noise(new: Master, old: Master) -> Pixels:
    """Return the difference of two calibrations over the noise of both, pixel by pixel.

    Parameters
    ----------
    new, old : `Master`
        The calibrations, of one size.

    Returns
    -------
    array
        Shape ``(rows, columns)``; NaN where one of them is masked, and where a pixel belongs to two amplifiers.

    Raises
    ------
    StatisticsError
        If they cannot be compared.
    """
    _, pulls = _pulls(new, old)
    image = np.full_like(new.pixels, np.nan)
    for place, values in zip(amplifier_places(image.shape), pulls, strict=True):
        image[place] = values.reshape(image[place].shape)
    return image


def gain_difference(new: WrittenGains, old: WrittenGains, detector: str) -> Difference:
    """Compare the gains and read noises of two photon transfer curves.

    Parameters
    ----------
    new, old : `WrittenGains`
        Of the curves.
    detector : `str`
        Full name.
    """
    names = tuple({**new.gain, **old.gain})
    shift = [
        (new.gain.get(name, math.nan) - old.gain.get(name, math.nan))
        / math.hypot(*(_gain_error(gains, name) for gains in (new, old)))
        for name in names
    ]
    ratios = (
        [_ratio(after.get(name, math.nan), before.get(name, math.nan)) for name in names]
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
        How far they may be. A gain may be `BEYOND` times its error away, and `STRAY` pixels may be anywhere.

    Yields
    ------
    `str`
        E.g. ``R22_S11 C04``.
    """
    sigmas = BEYOND if difference.gain_ratio else allowed.sigmas
    stray = STRAY / difference.pixels if difference.pixels else 0.0
    empty = (None,) * len(difference.amplifiers)
    values = (difference.shift, difference.scatter, difference.beyond, difference.gain_ratio)
    columns = (column or empty for column in values)
    for name, shift, scatter, beyond, ratio in zip(difference.amplifiers, *columns, strict=True):
        structure = math.sqrt(max((scatter or 1.0) ** 2 - 1.0, 0.0))
        far = max(abs(shift or 0.0), structure) > sigmas or (beyond or 0.0) > max(allowed.pixels, stray)
        if far or ratio == 0.0:
            yield f"{difference.detector} {name}"


def _pulls(new: Master, old: Master) -> tuple[tuple[str, ...], Pixels]:
    """Return the names of the amplifiers, and the pixels of each: the difference over the noise of both."""
    if new.pixels.shape != old.pixels.shape:
        sizes = " and ".join(f"{m.pixels.shape[1]} x {m.pixels.shape[0]}" for m in (new, old))
        raise StatisticsError(f"they have {sizes} pixels")
    names = amplifier_names(new.pixels.shape)
    difference = by_amplifier(_without_middle(new.pixels - old.pixels, new.dataset_type))
    pixels = difference.reshape(len(names), -1)
    least = np.float32(FLAT_REPEATS if is_by_filter(new.dataset_type) else 0.0)
    noise: Pixels
    with np.errstate(invalid="ignore"):
        if new.variance is None or old.variance is None:
            noise = np.maximum(_noise_of(difference), least)[:, np.newaxis]
            noise[noise == 0.0] = np.inf
        else:
            noise = np.sqrt(by_amplifier(new.variance + old.variance)).reshape(pixels.shape)
            noise[noise == 0.0] = np.nan
        pulls: Pixels = np.divide(pixels, np.maximum(noise, least), dtype=np.float32)
    pulls[~np.isfinite(pulls)] = np.nan
    return names, pulls


def _without_middle(difference: Pixels, dataset_type: str) -> Pixels:
    """Leave out the row that holds pixels of both halves where a sensor of e2v, of 4004 rows, is binned by eight."""
    if dataset_type.endswith(BINNED):
        difference[len(difference) // 2] = np.nan
    return difference


def _noise_of(difference: Pixels) -> NDArray[np.float32]:
    """Return the noise of each amplifier from neighbours in its rows, in whose difference what is smooth cancels."""
    width = difference.shape[2] // 2 * 2
    steps = np.abs(difference[:, :, 1:width:2] - difference[:, :, 0:width:2]).reshape(len(difference), -1)
    dead = ~np.isfinite(steps).any(axis=1)
    steps[dead] = 0.0
    noise: NDArray[np.float32] = _MAD_TO_SIGMA / np.float32(math.sqrt(2)) * np.nanmedian(steps, axis=1)
    return noise


def _alone(new: Master, old: Master) -> NDArray[np.bool_]:
    """Return which pixels only one of two calibrations has, amplifier by amplifier."""
    has, had = (np.isfinite(master.pixels) for master in (new, old))
    alone = by_amplifier(has ^ had)
    return alone.reshape(len(alone), -1)


def _gain_error(gains: WrittenGains, amplifier: str) -> float:
    repeats = GAIN_REPEATS * abs(gains.gain.get(amplifier, math.nan))
    return max(gains.gain_error.get(amplifier, 0.0), repeats, 1e-9)


def _ratio(new: float, old: float) -> float:
    if not math.isfinite(new) and math.isfinite(old):
        return 0.0
    return new / old if old else math.nan


def _rounded(values: Iterable[float]) -> Values:
    """Return values as a record has them: four digits, None for what is not a number."""
    return tuple(float(f"{value:.4g}") if math.isfinite(value) else None for value in map(float, values))
