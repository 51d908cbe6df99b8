"""Statistics of cp_verify as jobs without pixels write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["StatisticsLevels", "Verification", "statistics"]

AMPLIFIERS = tuple(f"C{row}{column}" for row in (1, 0) for column in range(8))
"""Names of the amplifiers of a detector."""

_TEST = "NOISE"


class Verification(StrEnum):
    """What the statistics of a verification say.

    ``VAGUE`` means that those of the run do not name what failed, as today's ``verifyFlatStats``: the finer
    ones do.
    """

    PASSES = "passes"
    SOME_FAIL = "some fail"
    VAGUE_SOME_FAIL = "vague, some fail"
    FAILS = "fails"
    VAGUE_FAILS = "vague, fails"
    UNEXPLAINED = "unexplained"
    INCOMPLETE = "incomplete"
    SKIPS = "of a detector, another exposure than asked for"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    MISSING = "missing"

    @property
    def passes(self) -> bool:
        """Is this a passed verification, of one exposure or more of any camera?"""
        return self in (Verification.PASSES, Verification.SOME_FAIL, Verification.VAGUE_SOME_FAIL)

    @property
    def _n_failing_amplifiers(self) -> int:
        if self in (Verification.FAILS, Verification.VAGUE_FAILS):
            return len(AMPLIFIERS)
        return int(self in (Verification.SOME_FAIL, Verification.VAGUE_SOME_FAIL))

    @property
    def _names_nothing(self) -> bool:
        return self in (Verification.VAGUE_SOME_FAIL, Verification.VAGUE_FAILS, Verification.UNEXPLAINED)


@dataclass(frozen=True)
class StatisticsLevels:
    """What a verification job writes; values are what a butler's get gives or raises.

    Attributes
    ----------
    run : `object` or `None`
        Of all exposures; None where it is not written.
    exposures : `dict` [`int`, `object`]
        By exposure.
    detectors : `dict` [(`int`, `str`), `object`]
        By exposure and name of the detector.
    """

    run: Any
    exposures: dict[int, Any]
    detectors: dict[tuple[int, str], Any]


def statistics(outcome: Verification, exposures: Sequence[int], detectors: Sequence[str]) -> StatisticsLevels:
    """Make statistics that say what is wanted.

    Parameters
    ----------
    outcome : `Verification`
        What they are to say.
    exposures : sequence of `int`
        Exposures that were verified.
    detectors : sequence of `str`
        Full names of the detectors.
    """
    failing = AMPLIFIERS[: outcome._n_failing_amplifiers]
    success = not failing and outcome is not Verification.UNEXPLAINED
    texts = [f"{detector} {amplifier} {_TEST}" for detector in detectors for amplifier in failing]
    told = [] if outcome._names_nothing else texts
    entry: dict[str, Any] = {"SUCCESS": True} if success else {"SUCCESS": False, "FAILURES": told}
    covered = exposures[:-1] if outcome is Verification.INCOMPLETE else exposures
    run: Any = {**dict.fromkeys(covered, entry), "SUCCESS": success}
    match outcome:
        case Verification.MISSING:
            run = None
        case Verification.UNREADABLE:
            run = ValueError("while parsing a flow mapping: expected ',' or '}'")
        case Verification.DAMAGED:
            run = {exposure: ["SUCCESS"] for exposure in exposures}
    of_detectors = {
        (exposure, detector): _of_detector(failing) for exposure in exposures for detector in detectors
    }
    if outcome is Verification.SKIPS:
        (exposure, detector), value = of_detectors.popitem()
        of_detectors[exposure + 1, detector] = value
    return StatisticsLevels(
        run, {exposure: _of_exposure(detectors, failing) for exposure in exposures}, of_detectors
    )


def _of_exposure(detectors: Sequence[str], failing: Sequence[str]) -> dict[str, Any]:
    failures = [f"{amplifier} {_TEST}" for amplifier in failing]
    entry = {"SUCCESS": False, "FAILURES": failures} if failing else {"SUCCESS": True}
    return {**dict.fromkeys(detectors, entry), "SUCCESS": not failing}


def _of_detector(failing: Sequence[str]) -> dict[str, Any]:
    tests = {name: {_TEST: name not in failing, "SUCCESS": name not in failing} for name in AMPLIFIERS}
    return {"VERIFY": {"AMP": tests}, "SUCCESS": not failing}
