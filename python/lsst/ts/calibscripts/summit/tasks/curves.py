"""Photon transfer curves of all amplifiers of a detector, measured and fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from astropy.nddata import CCDData

from ..datasets.types import AMPLIFIERS, PhotonTransferCurve, amplifier_views
from .photon_transfer import CurveFit, PairMeasurement, fit_curve, measure_pair
from .signature import OVERSCAN_NOISE, amplifier_values

__all__ = ["combine_partials", "dummy_curve", "measure_amplifier_pairs", "partial_curve"]


def measure_amplifier_pairs(first: CCDData, second: CCDData) -> dict[str, PairMeasurement]:
    """Measure all amplifiers of a pair of flats, see `measure_pair`.

    Parameters
    ----------
    first, second
        Processed flats in ADU; what is masked in either is left out.

    Returns
    -------
    measurements
        By amplifier. The read noise is that of the overscan of both frames.
    """
    good = np.ones(first.data.shape, dtype=bool)
    for image in (first, second):
        if image.mask is not None:
            good &= ~image.mask
    noises = [amplifier_values(image.meta, OVERSCAN_NOISE) for image in (first, second)]
    ones, twos, used = (amplifier_views(array) for array in (first.data, second.data, good))
    return {
        name: measure_pair(
            ones[name][used[name]],
            twos[name][used[name]],
            float(np.hypot(noises[0][name], noises[1][name]) / 2**0.5),
        )
        for name in AMPLIFIERS
    }


def partial_curve(
    pair: tuple[int, int], measurements: Mapping[str, PairMeasurement], exposure_time: float
) -> PhotonTransferCurve:
    """Return what one pair shows, as a dataset.

    Parameters
    ----------
    pair
        Exposure ids.
    measurements
        By amplifier.
    exposure_time
        That of both exposures in s.

    Returns
    -------
    curve
        Gains with errors, read noise in electrons (its error is that of the gain), and one mean and variance each.
    """
    return PhotonTransferCurve(
        gain={name: one.gain for name, one in measurements.items()},
        gain_error={name: one.gain_error for name, one in measurements.items()},
        noise={name: one.noise * one.gain for name, one in measurements.items()},
        noise_error={name: one.noise * one.gain_error for name, one in measurements.items()},
        exposure_pairs=(pair,),
        means={name: (one.mean,) for name, one in measurements.items()},
        variances={name: (one.variance,) for name, one in measurements.items()},
        outliers={name: (not np.isfinite(one.gain),) for name, one in measurements.items()},
        noises={name: (one.noise * one.gain,) for name, one in measurements.items()},
        exposure_times=(exposure_time,),
    )


def dummy_curve() -> PhotonTransferCurve:
    """Return what an exposure without a measurement gets: no pair, and NaN for all amplifiers."""
    nothing = dict.fromkeys(AMPLIFIERS, float("nan"))
    return PhotonTransferCurve(gain=nothing, gain_error=nothing, noise=nothing, noise_error=nothing)


def combine_partials(
    partials: Sequence[PhotonTransferCurve], *, brighter_fatter: bool, clip: float
) -> PhotonTransferCurve:
    """Fit the curves of all amplifiers.

    Parameters
    ----------
    partials
        One for each pair; without dummies.
    brighter_fatter, clip
        See `fit_curve`.

    Returns
    -------
    curve
        The read noise in electrons is the median of the pairs, in ADU, times the fitted gain.
    """
    pairs = {name: [_measurement(partial, name) for partial in partials] for name in AMPLIFIERS}
    fits = {name: fit_curve(pairs[name], brighter_fatter=brighter_fatter, clip=clip) for name in AMPLIFIERS}
    curved = any(np.isfinite(fit.a00_error) for fit in fits.values())
    noises = {name: _noise(pairs[name], fits[name]) for name in AMPLIFIERS}
    return PhotonTransferCurve(
        gain={name: fit.gain for name, fit in fits.items()},
        gain_error={name: fit.gain_error for name, fit in fits.items()},
        noise={name: noise for name, (noise, _) in noises.items()},
        noise_error={name: error for name, (_, error) in noises.items()},
        turnoff={name: fit.turnoff for name, fit in fits.items()},
        a00={name: fit.a00 for name, fit in fits.items()},
        a00_error={name: fit.a00_error for name, fit in fits.items()},
        exposure_pairs=tuple(partial.exposure_pairs[0] for partial in partials),
        means={name: tuple(one.mean for one in pairs[name]) for name in AMPLIFIERS},
        variances={name: tuple(one.variance for one in pairs[name]) for name in AMPLIFIERS},
        outliers={name: tuple(fit.outliers.tolist()) for name, fit in fits.items()},
        noises={name: tuple(one.noise * fits[name].gain for one in pairs[name]) for name in AMPLIFIERS},
        exposure_times=tuple(partial.exposure_times[0] for partial in partials),
        fit_type="EXPAPPROXIMATION" if curved else "LINEAR",
    )


def _measurement(partial: PhotonTransferCurve, name: str) -> PairMeasurement:
    gain = partial.gain[name]
    return PairMeasurement(
        mean=partial.means[name][0],
        variance=partial.variances[name][0],
        noise=partial.noise[name] / gain,
        gain=gain,
        gain_error=partial.gain_error[name],
    )


def _noise(pairs: Sequence[PairMeasurement], fit: CurveFit) -> tuple[float, float]:
    """Read noise in electrons and its error, from the scatter of the pairs and the error of the gain."""
    noises = np.array([pair.noise for pair in pairs])
    noises = noises[np.isfinite(noises)]
    if not noises.size:
        return float("nan"), float("nan")
    noise = float(np.median(noises))
    error = float(np.std(noises) / np.sqrt(noises.size))
    return noise * fit.gain, float(np.hypot(error * fit.gain, noise * fit.gain_error))
