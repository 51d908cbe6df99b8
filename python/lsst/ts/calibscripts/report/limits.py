"""What cp_verify's tests ask for, in words. Pure.

cp_verify writes the outcome of a test, not its limit. These are those of DMTN-101, as cp_verify has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["limit_of"]

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
