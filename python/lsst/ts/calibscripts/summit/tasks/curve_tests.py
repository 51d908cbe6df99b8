"""Tests of photon transfer curves, gains and linearizers, in the shape of cp_verify; numbers only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..datasets.calibrations import Linearizer
from ..datasets.types import PhotonTransferCurve, RawFrame
from .statistics import Statistics

__all__ = ["gain_statistics", "linearity_statistics", "ptc_statistics"]

_TOLERANCE = 5.0
"""DMTN-101, 6.1, 6.2, 16.1 and 16.2: gain and noise agree with the nominal ones within 5 %."""
_FULL_WELL = 90_000
"""DMTN-101, 16.3: electrons that the curve must reach."""
_A00 = (-4.56e-6, 6.91e-7)
"""DMTN-101, 16.4: range of the brighter-fatter term, 1/electron, of detectors made by ITL."""
_NOISE_SCATTER = 1.25
_GAIN_SLOPE = 0.00027
"""By how many percent per ADU the brighter-fatter effect makes the gain of a pair too high (ITL)."""
_RESIDUAL = 1.0
"""Percent that counts may deviate from linear ones."""


def _nominal(raw: RawFrame) -> Mapping[str, tuple[float, float]]:
    """Return gain and read noise of each amplifier as the header has them."""
    values = zip(raw.gains, raw.read_noises, strict=True)
    return dict(zip(raw.amplifiers, values, strict=True))


def _percent(value: float, nominal: float) -> float:
    return abs(value - nominal) / nominal * 100


def ptc_statistics(curve: PhotonTransferCurve, raw: RawFrame) -> Statistics:
    """Return the tests of photon transfer curves.

    Parameters
    ----------
    curve
        The curves of a detector.
    raw
        Any frame of the detector: its header has the nominal values.

    Returns
    -------
    statistics
        AMP, DET, VERIFY and SUCCESS as cp_verify writes them for a detector; a value that is not a number fails.
    """
    amplifiers, verify = {}, {}
    for name, (gain, noise) in _nominal(raw).items():
        outliers = curve.outliers.get(name, ())
        scatter = [value for value, out in zip(curve.noises.get(name, ()), outliers, strict=True) if not out]
        turnoff = curve.turnoff[name]
        amplifiers[name] = {
            "PTC_GAIN": curve.gain[name],
            "AMP_GAIN": gain,
            "PTC_NOISE": curve.noise[name],
            "AMP_NOISE": noise,
            "PTC_TURNOFF": turnoff,
            "PTC_FIT_TYPE": curve.fit_type,
            "PTC_BFE_A00": curve.a00[name],
        }
        verify[name] = {
            "PTC_GAIN": _percent(curve.gain[name], gain) < _TOLERANCE,
            "PTC_NOISE": _percent(curve.noise[name], noise) < _TOLERANCE,
            "NOISE_SIGNAL_INDEPENDENCE": float(np.std(scatter)) < _NOISE_SCATTER if scatter else True,
            "PTC_TURNOFF": turnoff * curve.gain[name] > _FULL_WELL,
            "PTC_BFE_A00": _A00[0] < curve.a00[name] < _A00[1],
        }
    return _statistics(amplifiers, verify, {})


def gain_statistics(curve: PhotonTransferCurve, raw: RawFrame) -> Statistics:
    """Return the tests of the gains of one pair of flats.

    Parameters
    ----------
    curve
        What the pair shows; one without a pair fails.
    raw
        Any frame of the detector.

    Returns
    -------
    statistics
        As for `ptc_statistics`, but VERIFY has, as in cp_verify, only the tests that failed in some amplifier.
    """
    amplifiers: dict[str, dict[str, float]] = {}
    failed: dict[str, bool] = {}
    for name, (gain, noise) in _nominal(raw).items():
        mean = curve.means[name][0] if curve.exposure_pairs else math.nan
        factor = 1 - _GAIN_SLOPE * mean / 100
        amplifiers[name] = {
            "MEAN_FLUX_FLAT_PAIR": mean,
            "GAIN_FROM_FLAT_PAIR": curve.gain[name],
            "GAIN_CORRECTION_FACTOR": factor,
            "AMP_GAIN": gain,
            "ISR_NOISE": factor * curve.noise[name],
            "AMP_NOISE": noise,
        }
        if not _percent(factor * curve.gain[name], gain) < _TOLERANCE:
            failed["GAIN_FROM_FLAT_PAIR"] = False
        if not _percent(factor * curve.noise[name], noise) < _TOLERANCE:
            failed["ISR_NOISE"] = False
    return {"AMP": amplifiers, "DET": {}, "VERIFY": failed, "SUCCESS": not failed}


def linearity_statistics(second: Linearizer) -> Statistics:
    """Return the test of a linearizer.

    Parameters
    ----------
    second
        Linearizer found from flats that were made linear already: all that is in it is error.

    Returns
    -------
    statistics
        As for `ptc_statistics`.
    """
    amplifiers: dict[str, dict[str, object]] = {}
    verify: dict[str, dict[str, bool]] = {}
    for name, coefficient in second.coefficient.items():
        error = _largest_error(coefficient, second.means[name], second.residuals[name])
        amplifiers[name] = {
            "LINEARITY_TYPE": second.kind,
            "LINEARITY_COEFFS": [coefficient],
            "FIT_RESIDUALS": list(second.residuals[name]),
            "MAX_RESIDUAL": error,
        }
        verify[name] = {"MAX_RESIDUAL_ERROR": error <= _RESIDUAL}
    passed = all(tests["MAX_RESIDUAL_ERROR"] for tests in verify.values())
    return _statistics(amplifiers, verify, {} if passed else {"MAX_RESIDUAL_ERROR": False})


def _largest_error(coefficient: float, means: Sequence[float], residuals: Sequence[float]) -> float:
    """Return the largest deviation from linear counts in percent; NaN without a fit."""
    errors = np.abs(coefficient * np.array(means) + np.array(residuals)) * 100
    return float(np.nanmax(errors)) if np.isfinite(errors).any() else math.nan


def _statistics(
    amplifiers: Mapping[str, Mapping[str, object]],
    verify: Mapping[str, dict[str, bool]],
    detector: Mapping[str, bool],
) -> Statistics:
    tests = {name: {**results, "SUCCESS": all(results.values())} for name, results in verify.items()}
    return {
        "AMP": {name: dict(values) for name, values in amplifiers.items()},
        "DET": {},
        "VERIFY": {"AMP": tests} | ({"DET": dict(detector)} if detector else {}),
        "SUCCESS": all(results["SUCCESS"] for results in tests.values()),
    }
