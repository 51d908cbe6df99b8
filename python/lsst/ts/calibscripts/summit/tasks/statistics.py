"""Statistics of processed images and the tests of DMTN-101, in the shape of cp_verify; numbers only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from astropy.nddata import CCDData
from numpy.typing import NDArray
from scipy import ndimage

from ..datasets.types import amplifier_views
from .signature import GAIN, OVERSCAN_NOISE, READ_NOISE, amplifier_values

__all__ = [
    "AmplifierStatistics",
    "Statistics",
    "clipped_level",
    "cosmic_rays",
    "dark_level_statistics",
    "flat_noise_passes",
    "flat_statistics",
    "measure_amplifiers",
    "read_noise_agrees",
]

Statistics: TypeAlias = dict[str, Any]
"""Statistics of cp_verify: nested dictionaries of numbers, booleans and texts."""
AmplifierStatistics: TypeAlias = dict[str, dict[str, float]]
"""Amplifier to statistic to value."""

_TOLERANCE = 0.05
"""DMTN-101: agreement within 5 %."""
_SAMPLE = 16384
"""Pixels that median and quartiles are taken from."""
_QUARTILES = 1.34898
"""Distance of the quartiles of the normal distribution in standard deviations."""


def clipped_level(
    values: NDArray[np.float32], sigma: float = 5.0, iterations: int = 3
) -> tuple[float, float]:
    """Return the mean and standard deviation after clipping, starting from median and quartiles.

    Parameters
    ----------
    values
        Pixels, any shape.
    sigma
        Pixels farther from the mean than this are left out (standard deviations).
    iterations
        How often.

    Returns
    -------
    mean, noise
        In the unit of the values; NaN without values.
    """
    if not values.size:
        return float("nan"), float("nan")
    # A start only, for which a part of the pixels does.
    sample = values.reshape(-1)[:: max(1, values.size // _SAMPLE)]
    low, center, high = np.percentile(sample, (25, 50, 75))
    spread = (high - low) / _QUARTILES
    for _ in range(iterations):
        values = values[np.abs(values - center) <= sigma * spread]
        center, spread = np.mean(values, dtype=np.float64), np.std(values, dtype=np.float64)
    return float(center), float(spread)


def cosmic_rays(values: NDArray[np.float32], level: float, noise: float) -> NDArray[np.bool_]:
    """Return the pixels hit by a cosmic ray: more than 5 standard deviations above the level, with neighbours.

    Only an excess of charge is one; a deficit is not, and stays to be seen.

    Parameters
    ----------
    values
        Pixels of an amplifier, shape ``(rows, columns)``.
    level, noise
        Their clipped mean and standard deviation, same unit.

    Returns
    -------
    mask
        True for touched pixels.
    """
    hit = values > level + 5 * noise
    if not hit.any():
        return hit
    return np.asarray(ndimage.binary_dilation(hit, np.ones((3, 3), dtype=bool)))


def measure_amplifiers(image: CCDData) -> AmplifierStatistics:
    """Measure mean and noise of every amplifier.

    Parameters
    ----------
    image
        Processed image; masked pixels are left out.

    Returns
    -------
    statistics
        By amplifier, in the unit of the image: MEAN, NOISE (clipped standard deviation) and CR_NOISE
        (standard deviation of all pixels that no cosmic ray touched); NaN where a pixel is not a number or
        none is left.
    """
    masks = None if image.mask is None else amplifier_views(image.mask)
    statistics = {}
    for name, pixels in amplifier_views(image.data).items():
        good = np.ones(pixels.shape, dtype=bool) if masks is None else ~masks[name]
        values = pixels[good]
        if not (values.size and np.isfinite(values).all()):
            statistics[name] = dict.fromkeys(("MEAN", "NOISE", "CR_NOISE"), float("nan"))
            continue
        level, noise = clipped_level(values)
        good &= ~cosmic_rays(pixels, level, noise)
        rest = pixels[good]
        statistics[name] = {
            "MEAN": float(np.mean(values, dtype=np.float64)),
            "NOISE": noise,
            "CR_NOISE": float(np.std(rest, dtype=np.float64)),
        }
    return statistics


def dark_level_statistics(image: CCDData, *, two_sided: bool = False) -> Statistics:
    """Return the tests of an image that should hold nothing but read noise: a corrected bias or dark.

    DMTN-101 tests 4.2 to 4.4 and 5.2 to 5.4. As in cp_verify READ_NOISE_CONSISTENT, which compares the
    overscan with the nominal read noise, is reported but does not by itself make an amplifier fail, and
    PROCESSING exists only where it fails.

    Parameters
    ----------
    image
        Image in electrons.
    two_sided
        Test NOISE as DMTN-101 and cp_verify before March 2023 do, see `read_noise_agrees`.

    Returns
    -------
    statistics
        AMP, METADATA, VERIFY and SUCCESS as cp_verify writes them for a detector.
    """
    amplifiers = measure_amplifiers(image)
    nominal = amplifier_values(image.meta, READ_NOISE)
    gains = amplifier_values(image.meta, GAIN)
    overscan = amplifier_values(image.meta, OVERSCAN_NOISE)
    verify = {}
    for name, measured in amplifiers.items():
        noise, cr_noise = measured["NOISE"], measured["CR_NOISE"]
        tests = {
            "MEAN": abs(measured["MEAN"]) < noise,
            "NOISE": read_noise_agrees(noise, nominal[name], two_sided=two_sided),
            "CR_NOISE": abs(noise - cr_noise) <= _TOLERANCE * cr_noise,
        }
        if not np.isfinite(list(measured.values())).all():
            tests["PROCESSING"] = False
        success = all(tests.values())
        consistent = read_noise_agrees(overscan[name] * gains[name], nominal[name])
        verify[name] = tests | {"SUCCESS": success, "READ_NOISE_CONSISTENT": consistent}
    return _detector_statistics(amplifiers, {"READ_NOISE_ADU": overscan}, {}, {"AMP": verify})


def read_noise_agrees(noise: float, nominal: float, *, two_sided: bool = False) -> bool:
    """Test the noise of a corrected bias or dark against the nominal read noise.

    Parameters
    ----------
    noise, nominal
        Same unit.
    two_sided
        Must the noise be within 5 % of the nominal one, as DMTN-101 says? cp_verify has only tested for too much
        noise since March 2023: images verified against their own mean are too quiet by sqrt(1 - 1/n).

    Returns
    -------
    passed
        False where one is not a number.
    """
    excess = noise - nominal
    return bool((abs(excess) if two_sided else excess) <= _TOLERANCE * nominal)


def flat_statistics(image: CCDData) -> Statistics:
    """Return the tests of a corrected flat: noise of photons only, and the same level everywhere.

    DMTN-101 tests 10.X (per amplifier, NOISE: not more than the square root of the level) and 10.Y (per detector,
    SCATTER: the means of the amplifiers scatter by not more than 5 %).

    Parameters
    ----------
    image
        Flat-fielded image in electrons.

    Returns
    -------
    statistics
        AMP, DET, VERIFY and SUCCESS as cp_verify writes them for a detector.
    """
    amplifiers = measure_amplifiers(image)
    verify = {}
    for name, measured in amplifiers.items():
        passed = flat_noise_passes(measured["NOISE"], measured["MEAN"])
        verify[name] = {"NOISE": passed, "SUCCESS": passed}
    means = [measured["MEAN"] for measured in amplifiers.values()]
    detector = {"MEAN": float(np.mean(means)), "SCATTER": float(np.std(means, ddof=1))}
    uniform = detector["SCATTER"] <= _TOLERANCE * detector["MEAN"]
    return _detector_statistics(
        amplifiers, {}, detector, {"AMP": verify, "DET": {"SCATTER": uniform, "SUCCESS": uniform}}
    )


def flat_noise_passes(noise: float, level: float) -> bool:
    """Test the noise of a corrected flat: not more than that of the photons.

    Parameters
    ----------
    noise, level
        Electrons.

    Returns
    -------
    passed
        False for a level below zero, and where one is not a number.
    """
    return level >= 0 and noise <= math.sqrt(level)


def _detector_statistics(
    amplifiers: AmplifierStatistics,
    metadata: Mapping[str, Mapping[str, float]],
    detector: Mapping[str, float],
    verify: Mapping[str, Mapping[str, Any]],
) -> Statistics:
    parts = [*verify["AMP"].values(), verify.get("DET", {"SUCCESS": True})]
    return {
        "AMP": amplifiers,
        "METADATA": dict(metadata),
        "CATALOG": {},
        "DET": dict(detector),
        "VERIFY": dict(verify),
        "SUCCESS": all(part["SUCCESS"] for part in parts),
    }
