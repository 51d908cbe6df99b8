"""Gain from pairs of flats, and the photon transfer curve through many pairs; numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from ...config import Pairing, flat_pairs
from .statistics import clipped_level

__all__ = [
    "CurveFit",
    "PairMeasurement",
    "exponential_variance",
    "find_pairs",
    "fit_curve",
    "measure_pair",
]

_SYSTEMATIC = 0.002
"""Part of a variance that the model may miss: what large, noiseless frames would otherwise call outliers."""
_START_RATIO = 1.6
"""The first fit uses pairs whose gain is within this factor of that of the faint ones: the brighter-fatter effect
makes it 1.3 at full well, saturation more than 2."""
_ITERATIONS = 10


@dataclass(frozen=True)
class PairMeasurement:
    """What one pair of flats shows about one amplifier."""

    mean: float  #: Mean of the two frames in ADU.
    variance: float  #: Variance of one frame in ADU²: half that of the difference.
    noise: float  #: Read noise in ADU.
    #: electron/ADU; NaN where the variance is not above that of the read noise.
    gain: float
    gain_error: float


@dataclass(frozen=True, eq=False)
class CurveFit:
    """Photon transfer curve of one amplifier."""

    #: electron/ADU.
    gain: float
    gain_error: float
    #: Brighter-fatter term in 1/electron; 0 and NaN for a straight line.
    a00: float
    a00_error: float
    #: Mean in ADU at which the variance has broken down to half the curve, between the pairs on either side;
    #: the highest mean where it has not.
    turnoff: float
    outliers: NDArray[np.bool_]  #: True for pairs that do not follow the curve, in the order given.


def find_pairs(exposures: Sequence[tuple[int, float]], match: str) -> list[tuple[int, int]]:
    """Pair exposures as cp_pipe does.

    Parameters
    ----------
    exposures
        Id and exposure time in s of each, in the order taken.
    match
        ``TIME``: of a run of equal times the first two make a pair, and the others none. ``EXPID``: each two
        consecutive ones, whatever their times.

    Returns
    -------
    pairs
        Ids; an exposure without a partner is in none.
    """
    ids, times = [exposure for exposure, _ in exposures], [time for _, time in exposures]
    if match == Pairing.EXPID:
        return list(zip(ids[::2], ids[1::2], strict=False))
    return [(ids[first], ids[second]) for first, second in flat_pairs(times, Pairing.TIME).pairs]


def measure_pair(first: NDArray[np.float32], second: NDArray[np.float32], noise: float) -> PairMeasurement:
    """Return the gain from the mean and the variance of the difference of two flats.

    Photon noise has the variance μ/g in ADU² at the mean μ in ADU, so g = μ / (V - n²), where V is half the
    variance of the difference, which removes all that is fixed in the frames, and n the read noise in ADU
    (Janesick 2001, Scientific Charge-Coupled Devices, section 2.2.9). Both frames are scaled to their common
    mean first, in case the lamp has drifted.

    The brighter-fatter effect lowers V, so g comes out too high by about ``-a00 μ g`` of itself: 4 % at 18,000
    electrons for -2.4e-6 per electron. The fit of `fit_curve` knows about it.

    Parameters
    ----------
    first, second
        Pixels of one amplifier in ADU, bias and dark subtracted, defects left out; same shape.
    noise
        Read noise in ADU.

    Returns
    -------
    measurement
        The error of the gain is that of the variance, V sqrt(2/N) for N pixels.
    """
    levels = np.mean(first, dtype=np.float64), np.mean(second, dtype=np.float64)
    mean = (levels[0] + levels[1]) / 2
    difference = first * np.float32(mean / levels[0]) - second * np.float32(mean / levels[1])
    variance = clipped_level(difference)[1] ** 2 / 2
    photons = variance - noise**2
    gain = mean / photons if photons > 0 else float("nan")
    error = gain * variance / photons * np.sqrt(2 / difference.size) if photons > 0 else float("nan")
    return PairMeasurement(float(mean), float(variance), noise, float(gain), float(error))


def exponential_variance(
    mean: NDArray[np.float64], gain: float, a00: float, noise_squared: float
) -> NDArray[np.float64]:
    """Return the variance of a flat with brighter-fatter effect, approximation of Astier et al. (2019).

    V = (exp(2 a00 μ g) - 1) / (2 g² a00) + n²/g² (A&A 629, A36, equation 16); for a00 = 0 the straight line
    μ/g + n²/g².

    Parameters
    ----------
    mean
        Mean signal μ in ADU.
    gain
        g in electron/ADU.
    a00
        In 1/electron; negative.
    noise_squared
        Variance n²/g² of the read noise in ADU².

    Returns
    -------
    variance
        In ADU².
    """
    exponent = 2 * a00 * mean * gain
    small = np.abs(exponent) < 1e-9
    shrinkage = np.where(small, 1.0, np.expm1(exponent) / np.where(small, 1.0, exponent))
    return np.asarray(mean / gain * shrinkage + noise_squared)


def fit_curve(pairs: Sequence[PairMeasurement], *, brighter_fatter: bool, clip: float) -> CurveFit:
    """Fit a photon transfer curve, leaving out pairs that do not follow it.

    The read noise is that of the overscan and is not fitted: flats of thousands of ADU hardly know it. Saturated
    pairs are seen by their gain; then pairs are left out or taken back until the set does not change. Where only
    one level is left the curve is a straight line.

    Parameters
    ----------
    pairs
        The pairs of one amplifier.
    brighter_fatter
        Fit `exponential_variance`; False fits a straight line.
    clip
        Pairs farther from the curve than this many standard deviations are left out.

    Returns
    -------
    fit
        All NaN and outliers where no pair has a gain.
    """
    mean, variance, noise = (
        np.array([getattr(pair, name) for pair in pairs], dtype=np.float64)
        for name in ("mean", "variance", "noise")
    )
    gain, gain_error = (np.array([getattr(pair, name) for pair in pairs]) for name in ("gain", "gain_error"))
    measured = np.isfinite(gain) & np.isfinite(gain_error)
    if not measured.any():
        nan = float("nan")
        return CurveFit(nan, nan, nan, nan, nan, ~measured)
    data = _Data(
        mean, variance, noise, np.hypot(gain_error / gain * (variance - noise**2), _SYSTEMATIC * variance)
    )
    faint = np.argsort(np.where(measured, mean, np.inf))[: max(3, len(pairs) // 3)]
    start = float(np.nanmedian(np.where(measured, gain, np.nan)[faint]))
    good = measured & (np.abs(np.log(np.where(measured, gain, start) / start)) <= np.log(_START_RATIO))
    for _ in range(_ITERATIONS):
        values, errors = _fit(data, good, start, brighter_fatter)
        kept = measured & (np.abs(data.residual(values)) <= clip * data.error)
        if (kept == good).all() or not kept.any():
            break
        good = kept
    return CurveFit(values[0], errors[0], values[1], errors[1], _turnoff(data, values), ~good)


@dataclass(frozen=True, eq=False)
class _Data:
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    noise: NDArray[np.float64]
    error: NDArray[np.float64]

    def residual(self, values: tuple[float, float]) -> NDArray[np.float64]:
        model = exponential_variance(self.mean, values[0], values[1], 0.0) + self.noise**2
        return np.asarray(self.variance - model)


def _turnoff(data: _Data, values: tuple[float, float]) -> float:
    """Return the mean in ADU at which the variance of the photons is half that of the curve."""
    order = np.argsort(data.mean)
    mean = data.mean[order]
    photons = (data.variance - data.noise**2)[order]
    # A pair without a gain has no photon noise left.
    ratio = np.nan_to_num(photons / exponential_variance(mean, values[0], values[1], 0.0), nan=0.0)
    last = int(np.flatnonzero(ratio >= 0.5)[-1])
    if last == len(mean) - 1:
        return float(mean[last])
    fraction = (ratio[last] - 0.5) / (ratio[last] - ratio[last + 1])
    return float(mean[last] + fraction * (mean[last + 1] - mean[last]))


def _fit(
    data: _Data, good: NDArray[np.bool_], gain: float, brighter_fatter: bool
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the gain and a00 with their errors; robust, because outliers may be among the pairs."""
    levels = np.unique(np.round(np.log(data.mean[good]), 1)).size
    start = [gain, -1.0] if brighter_fatter and levels >= 2 else [gain]

    def weighted(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        # a00 in units of 1e-6, so that both parameters are of order one.
        a00 = parameters[1] * 1e-6 if len(parameters) == 2 else 0.0
        return np.asarray(data.residual((parameters[0], a00))[good] / data.error[good])

    result = least_squares(weighted, start, loss="soft_l1")
    covariance = np.linalg.pinv(result.jac.T @ result.jac)
    errors = np.sqrt(np.diag(covariance))
    if len(start) == 1:
        return (float(result.x[0]), 0.0), (float(errors[0]), float("nan"))
    return (float(result.x[0]), float(result.x[1]) * 1e-6), (float(errors[0]), float(errors[1]) * 1e-6)
