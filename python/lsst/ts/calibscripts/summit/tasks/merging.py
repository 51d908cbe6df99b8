"""Statistics of detectors merged to those of exposures and of a run, in the shape of cp_verify."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

import numpy as np

from .statistics import Statistics

__all__ = ["add_exposure_scatter", "failures", "merge"]

_TOLERANCE = 0.05
"""Electrons: what cp_verify compares the scatter of the detectors' levels with. DMTN-101 means 5 %, but cp_verify
does not divide by the level, so that no flat of several detectors passes."""


def failures(statistics: Statistics) -> list[str]:
    """Return the tests that failed, as the next level up names them.

    As cp_verify does it: where there is a VERIFY, only what it says; else what was merged below, with the
    name of the part in front. The statistics of a flat exposure have a VERIFY of their own (SCATTER), so
    their amplifiers do not get into those of the run.

    Parameters
    ----------
    statistics
        Statistics of a detector, or merged ones of an exposure.

    Returns
    -------
    failures
        "C01 NOISE" for an amplifier, "SCATTER" for the whole, "RXX_S00 C01 NOISE" for a merged one.
    """
    if "VERIFY" in statistics:
        return list(_verify_failures(statistics["VERIFY"]))
    return [
        f"{part} {failure}"
        for part, result in statistics.items()
        if isinstance(result, Mapping) and not result.get("SUCCESS", True)
        for failure in result["FAILURES"]
    ]


def _verify_failures(verify: Mapping[str, Mapping[str, Mapping[str, bool] | bool]]) -> Iterator[str]:
    for level in ("EXP", "DET"):
        for test, passed in verify.get(level, {}).items():
            if test != "SUCCESS" and passed is False:
                yield test
    for amplifier, tests in verify.get("AMP", {}).items():
        if isinstance(tests, Mapping) and not tests["SUCCESS"]:
            yield from (
                f"{amplifier} {test}"
                for test, passed in tests.items()
                if test != "SUCCESS" and passed is False
            )


def merge(parts: Mapping[Hashable, Statistics]) -> Statistics:
    """Merge the statistics of detectors or exposures.

    Parameters
    ----------
    parts
        Statistics by name of the detector or by exposure id.

    Returns
    -------
    statistics
        The same keys, each with SUCCESS and, where it failed, FAILURES; and SUCCESS of the whole.
    """
    merged: Statistics = {}
    for name, statistics in parts.items():
        success = bool(statistics["SUCCESS"])
        result = {"SUCCESS": True} if success else {"SUCCESS": False, "FAILURES": failures(statistics)}
        merged[name] = result  # type: ignore[index]  # keys are exposure ids in the statistics of a run
    success = all(result["SUCCESS"] for result in merged.values())
    return merged | {"SUCCESS": success}


def add_exposure_scatter(merged: Statistics, detectors: Mapping[Hashable, Statistics]) -> Statistics:
    """Add the test of a flat exposure as a whole, SCATTER of the levels of its detectors, as cp_verify does it.

    Parameters
    ----------
    merged
        What `merge` made of the detectors.
    detectors
        Statistics of the detectors, by name.

    Returns
    -------
    statistics
        With EXP (SCATTER, standard deviation of the levels in electrons), VERIFY and the new SUCCESS.
    """
    means = [statistics["DET"]["MEAN"] for statistics in detectors.values()]
    scatter = float(np.std(means))
    uniform = scatter <= _TOLERANCE
    return merged | {
        "EXP": {"SCATTER": scatter},
        "VERIFY": {"EXP": {"SCATTER": uniform}},
        "SUCCESS": bool(merged["SUCCESS"] and uniform),
    }
