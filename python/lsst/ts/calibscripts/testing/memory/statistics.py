"""Statistics of cp_verify as jobs without pixels write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["StatisticsLevels", "Verification", "statistics"]

AMPLIFIERS = tuple(f"C{row}{column}" for row in (1, 0) for column in range(8))
"""Names of the amplifiers of a detector."""

_TEST, _OF_EXPOSURE = "NOISE", "SCATTER"


class Verification(StrEnum):
    """What the statistics of a verification say.

    ``VAGUE`` means that those of the run do not name what failed, as today's ``verifyFlatStats``: the finer
    ones do. ``SCATTERED`` is a test of each exposure as a whole, all amplifiers and detectors being well.
    """

    PASSES = "passes"
    SOME_FAIL = "some fail"
    VAGUE_SOME_FAIL = "vague, some fail"
    ONE_DETECTOR_FAILS = "one detector fails"
    SCATTERED = "scattered"
    VAGUE_SCATTERED = "vague, scattered"
    FAILS = "fails"
    VAGUE_FAILS = "vague, fails"
    UNEXPLAINED = "unexplained"
    INCOMPLETE = "incomplete"
    SKIPS = "of a detector, another exposure than asked for"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    MISSING = "missing"

    def passes(self, n_detectors: int = 1) -> bool:
        """Return whether this is a passed verification, of that many detectors and of one exposure or more."""
        if self is Verification.ONE_DETECTOR_FAILS:
            # Of 16 failed tests, a majority of four detectors may have 24.
            return n_detectors > 3
        return self in _PASSED

    @property
    def is_judged(self) -> bool:
        """Whether tests decide; the other outcomes are statistics that cannot be judged."""
        return self in _PASSED | _FAILED

    def _failing(self, detectors: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the amplifiers that fail, by detector."""
        match self:
            case Verification.FAILS | Verification.VAGUE_FAILS:
                return dict.fromkeys(detectors, AMPLIFIERS)
            case Verification.SOME_FAIL | Verification.VAGUE_SOME_FAIL:
                return dict.fromkeys(detectors, AMPLIFIERS[:1])
            case Verification.ONE_DETECTOR_FAILS:
                return dict.fromkeys(detectors[:1], AMPLIFIERS)
        return {}

    @property
    def _names_nothing(self) -> bool:
        return self.name.startswith("VAGUE") or self is Verification.UNEXPLAINED

    @property
    def _scatters(self) -> bool:
        return self in (Verification.SCATTERED, Verification.VAGUE_SCATTERED)


_PASSED = frozenset(
    {
        Verification.PASSES,
        Verification.SOME_FAIL,
        Verification.VAGUE_SOME_FAIL,
        Verification.SCATTERED,
        Verification.VAGUE_SCATTERED,
    }
)
_FAILED = frozenset(
    {
        Verification.ONE_DETECTOR_FAILS,
        Verification.FAILS,
        Verification.VAGUE_FAILS,
        Verification.UNEXPLAINED,
    }
)


@dataclass(frozen=True)
class StatisticsLevels:
    """What a verification job writes; values are what a butler's get gives or raises."""

    run: Any  #: Of all exposures; None where it is not written.
    exposures: dict[int, Any]  #: By exposure.
    detectors: dict[tuple[int, str], Any]  #: By exposure and name of the detector.


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
    failing = outcome._failing(detectors)
    success = not failing and not outcome._scatters and outcome is not Verification.UNEXPLAINED
    texts = [f"{detector} {amplifier} {_TEST}" for detector in failing for amplifier in failing[detector]]
    texts += [_OF_EXPOSURE] if outcome._scatters else []
    named = [] if outcome._names_nothing else texts
    entry: dict[str, Any] = {"SUCCESS": True} if success else {"SUCCESS": False, "FAILURES": named}
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
        (exposure, detector): _of_detector(failing.get(detector, ()))
        for exposure in exposures
        for detector in detectors
    }
    if outcome is Verification.SKIPS:
        (exposure, detector), value = of_detectors.popitem()
        of_detectors[exposure + 1, detector] = value
    of_exposure = _of_exposure(detectors, failing, outcome._scatters)
    return StatisticsLevels(run, dict.fromkeys(exposures, of_exposure), of_detectors)


def _of_exposure(
    detectors: Sequence[str], failing: Mapping[str, Sequence[str]], scatters: bool
) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for detector in detectors:
        failures = [f"{amplifier} {_TEST}" for amplifier in failing.get(detector, ())]
        entries[detector] = {"SUCCESS": False, "FAILURES": failures} if failures else {"SUCCESS": True}
    whole = {"EXP": {_OF_EXPOSURE: not scatters, "SUCCESS": not scatters}}
    return {**entries, "VERIFY": whole, "SUCCESS": not failing and not scatters}


def _of_detector(failing: Sequence[str]) -> dict[str, Any]:
    tests = {name: {_TEST: name not in failing, "SUCCESS": name not in failing} for name in AMPLIFIERS}
    values = {name: {_TEST: 6.5 if name in failing else 5.0} for name in AMPLIFIERS}
    return {"AMP": values, "VERIFY": {"AMP": tests}, "SUCCESS": not failing}
