"""What cp_verify's tests ask for, in words. Pure.

cp_verify writes the outcome of a test, not its limit. These are those of DMTN-101, as cp_verify has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["NOMINAL_NOISE", "Comparison", "comparison_of", "limit_of"]

NOMINAL_NOISE = "nominal read noise"
"""What is no statistic of cp_verify, but in the headers of the corrected images."""


@dataclass(frozen=True)
class Comparison:
    """What cp_verify compares a statistic with."""

    reference: str  #: Name of a statistic, or `NOMINAL_NOISE`.
    above: str  #: How that is called: so much above ``above``.
    limit: str  #: In short.
    of_photons: bool = False  #: Is the square root of the reference meant?


_DARK_LEVEL = {
    "MEAN": "less than NOISE away from 0",
    "NOISE": "at most 5 % above the nominal read noise (until March 2023: within 5 % of it)",
    "CR_NOISE": "within 5 % of NOISE",
    "READ_NOISE_CONSISTENT": "noise of the overscan at most 5 % above the nominal read noise",
    "PROCESSING": "all values are finite numbers",
}

_LIMITS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        **{(product, test): limit for product in ("BIAS", "DARK") for test, limit in _DARK_LEVEL.items()},
        ("FLAT", "NOISE"): "at most what the photons explain, the square root of MEAN",
        ("FLAT", "SCATTER"): "means of the amplifiers scatter by at most 5 % of the mean of the detector",
    }
)

_OF_NOISE = {
    "NOISE": Comparison(NOMINAL_NOISE, "nominal", "5 %"),
    "CR_NOISE": Comparison("NOISE", "NOISE", "5 %"),
}

_COMPARISONS: Mapping[tuple[str, str], Comparison] = MappingProxyType(
    {
        **{(product, test): found for product in ("BIAS", "DARK") for test, found in _OF_NOISE.items()},
        ("FLAT", "NOISE"): Comparison("MEAN", "what the photons explain", "0 %", of_photons=True),
    }
)


def comparison_of(product: str, test: str) -> Comparison | None:
    """Return what a statistic is compared with as a ratio; None where it is not, or that is unknown.

    Parameters
    ----------
    product : `str`
        BIAS, DARK or FLAT.
    test : `str`
        Name of the test.
    """
    return _COMPARISONS.get((product, test))


def limit_of(product: str, test: str) -> str:
    """Return what a test asks for; empty for a test that is not among those of DMTN-101.

    Parameters
    ----------
    product : `str`
        BIAS, DARK or FLAT.
    test : `str`
        Name of the test, e.g. ``NOISE``.
    """
    return _LIMITS.get((product, test), "")
