"""Tests of defects, in the shape of cp_verify; numbers only."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from astropy.nddata import CCDData
from numpy.typing import NDArray

from ..datasets.types import amplifier_views
from .statistics import Statistics, clipped_level

__all__ = ["defect_statistics"]

_ROUNDING = 1.001
"""What masking a few pixels may change the scatter of the others by."""


def defect_statistics(masked: CCDData, unmasked: CCDData) -> Statistics:
    """Return the tests of the pixels that are left when defects are masked: not worse than all pixels together.

    PROB_TEST wants as many outliers in the image as there are defects, which even a flawless table does not have:
    cp_verify itself calls it bad, but writes it.

    Parameters
    ----------
    masked, unmasked
        The same image with and without its defects masked.

    Returns
    -------
    statistics
        AMP, DET, VERIFY and SUCCESS as cp_verify writes them for a detector; an amplifier of which nothing is left
        fails.
    """
    shape = masked.data.shape
    good = np.ones(shape, dtype=bool) if masked.mask is None else ~masked.mask
    amplifiers, verify = {}, {}
    everything = amplifier_views(unmasked.data)
    for name, used in amplifier_views(good).items():
        pixels = everything[name]
        part, whole = _measure(amplifier_views(masked.data)[name][used]), _measure(pixels.ravel())
        n_defects = int(used.size - np.count_nonzero(used))
        part |= {"DEFECT_PIXELS": n_defects, "FRAC": n_defects / used.size}
        part |= {"STAT_OUTLIERS": _improbable(pixels, part)}
        amplifiers[name] = part | {f"UNMASKED_{key}": value for key, value in whole.items()}
        verify[name] = _tests(part, whole)
    return {
        "AMP": amplifiers,
        "METADATA": {},
        "CATALOG": {},
        "DET": {},
        "VERIFY": {"AMP": verify},
        "SUCCESS": all(tests["SUCCESS"] for tests in verify.values()),
    }


def _tests(part: Mapping[str, float], whole: Mapping[str, float]) -> dict[str, bool]:
    tests = {
        "OUTLIERS": whole["OUTLIERS"] >= part["OUTLIERS"],
        "STDEV": whole["STDEV"] * _ROUNDING >= part["STDEV"],
        "MIN": whole["MIN"] <= part["MIN"],
        "MAX": whole["MAX"] >= part["MAX"],
        "PROB_TEST": part["STAT_OUTLIERS"] == part["DEFECT_PIXELS"],
    }
    return tests | {"SUCCESS": all(tests.values())}


def _measure(pixels: NDArray[np.float32]) -> dict[str, float]:
    """Return statistics of some pixels; NaN where there are none."""
    if not pixels.size:
        return dict.fromkeys(("OUTLIERS", "MEDIAN", "STDEV", "MIN", "MAX"), math.nan)
    level, scatter = clipped_level(pixels)
    return {
        "OUTLIERS": int(np.count_nonzero(np.abs(pixels - level) > 5 * scatter)),
        "MEDIAN": float(np.median(pixels)),
        "STDEV": scatter,
        "MIN": float(pixels.min()),
        "MAX": float(pixels.max()),
    }


def _improbable(pixels: NDArray[np.float32], part: Mapping[str, float]) -> int:
    """Return the number of pixels of an amplifier that a normal distribution hardly explains."""
    deviation = (pixels - part["MEDIAN"]) / part["STDEV"]
    density = np.exp(-0.5 * deviation**2) / math.sqrt(2 * math.pi)
    return int(np.count_nonzero(density < 1 / pixels.size))
