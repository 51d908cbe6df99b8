"""The acceptance rule: typed failures -> verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from .statistics import Failure, Statistics

__all__ = ["Thresholds", "Verdict", "enough_detectors", "judge"]


@dataclass(frozen=True)
class Thresholds:
    """What has to be reached for a verification to fail."""

    tests_per_detector: int  #: Failed tests of one type in one detector, as configured.
    #: Detectors that were verified in this set. Those asked for but left out do not count: otherwise the few
    #: that are left could never reach a limit.
    n_detectors: int
    n_exposures: int  #: Exposures asked for; of a verdict by detector, detectors.
    by_detector: bool = False  #: Is it a verdict on detectors, not on exposures?

    @property
    def noun(self) -> str:
        """What is counted, in the singular."""
        return "detector" if self.by_detector else "exposure"

    @property
    def detectors(self) -> int:
        """A majority of the detectors."""
        return self.n_detectors // 2 + 1

    @property
    def tests_per_exposure(self) -> int:
        """Failed tests of one type, summed over the detectors, that fail an exposure."""
        return self.tests_per_detector * self.detectors

    @property
    def exposures(self) -> int:
        """Failed exposures that fail the verification: 1 of 1, 3 of 3, 11 of 20; a majority of detectors."""
        if self.by_detector:
            return self.detectors
        return min(self.n_exposures, (self.n_exposures + 1) // 2 + 1)


def enough_detectors(n_left: int, n_asked: int) -> bool:
    """Return whether the detectors left of a set are enough to process and judge it: more than half.

    Parameters
    ----------
    n_left : `int`
        Detectors left in the set.
    n_asked : `int`
        Detectors asked for.

    Returns
    -------
    `bool`
        Half or fewer are not enough.
    """
    return 2 * n_left > n_asked


@dataclass(frozen=True)
class Verdict:
    """Whether a set of exposures, or a product, passed its verification, and all that was counted."""

    image_type: str  #: BIAS, DARK or FLAT, or the product.
    #: Exposures asked for, ascending; of a verdict by detector these, and all that is said of exposures below
    #: holds for the detectors.
    exposures: tuple[int, ...]
    thresholds: Thresholds  #: The limits.
    #: Failed tests of these exposures and of the detectors verified, in the order of `Statistics`.
    failures: tuple[Failure, ...] = ()
    missing: tuple[int, ...] = ()  #: Exposures that the statistics do not cover.
    unexplained: tuple[int, ...] = ()  #: Exposures that did not succeed though no test is named.
    #: Detectors with failed tests that are not among those to verify; these tests do not count.
    others: tuple[str, ...] = ()
    reason: str = ""  #: Why there are no statistics to judge; empty where there are.
    #: Number of amplifiers of each detector, of a verdict by detector.
    amplifiers: Mapping[int, int] = field(default_factory=dict)

    @cached_property
    def by_exposure(self) -> Mapping[int, tuple[Failure, ...]]:
        """Failed tests of each exposure that has any."""
        grouped: dict[int, list[Failure]] = {}
        for failure in self.failures:
            grouped.setdefault(failure.exposure, []).append(failure)
        return {exposure: tuple(failures) for exposure, failures in grouped.items()}

    @cached_property
    def counts(self) -> Mapping[int, Mapping[str, int]]:
        """Failed tests of each exposure that has any, by test type in the order of first appearance."""
        return {
            exposure: Counter(f.test for f in failures) for exposure, failures in self.by_exposure.items()
        }

    @cached_property
    def failed_exposures(self) -> tuple[int, ...]:
        """Exposures that failed, ascending; those in `missing` are not among them."""
        return tuple(
            exposure for exposure in self.exposures if exposure in self.unexplained or self._fails(exposure)
        )

    def _fails(self, exposure: int) -> bool:
        failures = self.by_exposure.get(exposure, ())
        if not self.thresholds.by_detector:
            return _exposure_fails(failures, self.thresholds)
        own = self.amplifiers.get(exposure, 0) // 2 + 1
        return _exposure_fails(failures, Thresholds(own, n_detectors=1, n_exposures=1))

    @property
    def passed(self) -> bool:
        """Whether all exposures were verified and too few failed to fail the verification."""
        verified = not self.reason and not self.missing
        return verified and len(self.failed_exposures) < self.thresholds.exposures

    @property
    def undecisive(self) -> Mapping[int, tuple[str, ...]]:
        """Tests of an exposure as a whole that failed, by exposure: reported, but they decide nothing."""
        found = {
            exposure: tuple(f.test for f in failures if not f.decides)
            for exposure, failures in self.by_exposure.items()
        }
        return {exposure: tests for exposure, tests in found.items() if tests}

    @property
    def judged(self) -> bool:
        """Whether tests decided: statistics of every exposure exist, or enough exposures failed without the rest."""
        decided = len(self.failed_exposures) >= self.thresholds.exposures
        return not self.reason and (decided or not self.missing)

    @property
    def clean(self) -> bool:
        """Whether it passed without a single failed test."""
        return self.passed and not (self.failures or self.unexplained or self.others)


def judge(
    statistics: Statistics,
    *,
    exposures: Sequence[int],
    detectors: Sequence[str] | int,
    threshold: int,
    image_type: str,
) -> Verdict:
    """Decide whether a set of exposures passed its verification.

    It failed when, for at least one type of test, a majority of tests failed in a majority of detectors in a
    majority of exposures (DMTN-222). One exposure has failed when the failed tests of one type reach
    `threshold` times a majority of the detectors verified, when a test reported per detector failed in a
    majority of them, or when it did not succeed though no test is named. A failed test of the exposure as a
    whole is reported and does not decide: the rule speaks of detectors, and cp_verify compares the scatter of
    the detectors' means, in electrons, with 0.05. Statistics that do not cover every exposure count as a
    failed verification.

    Parameters
    ----------
    statistics : `Statistics`
        What cp_verify found.
    exposures : sequence of `int`
        Exposures asked for; others do not count.
    detectors : sequence of `str`, or `int`
        Full names of the detectors verified in this set, others do not count; or their number alone, then all
        count.
    threshold : `int`
        Failed tests of one type per detector, ``number_verification_tests_threshold_*``.
    image_type : `str`
        BIAS, DARK or FLAT.
    """
    asked = frozenset(exposures)
    names = None if isinstance(detectors, int) else frozenset(detectors)
    n_detectors = detectors if isinstance(detectors, int) else len(set(detectors))

    def counts(detector: str | None) -> bool:
        return names is None or detector is None or detector in names

    relevant = [failure for failure in statistics.failures if failure.exposure in asked]
    unexplained = {exposure for exposure, detector in statistics.unexplained if counts(detector)}
    return Verdict(
        image_type=image_type,
        exposures=tuple(sorted(asked)),
        thresholds=Thresholds(threshold, n_detectors, len(asked)),
        failures=tuple(failure for failure in relevant if counts(failure.detector)),
        missing=tuple(sorted(asked - statistics.exposures)),
        unexplained=tuple(sorted(asked & unexplained)),
        others=tuple(sorted({str(f.detector) for f in relevant if not counts(f.detector)})),
    )


def _exposure_fails(failures: Sequence[Failure], thresholds: Thresholds) -> bool:
    deciding = [failure for failure in failures if failure.decides]
    of_amplifiers = Counter(failure.test for failure in deciding if failure.amplifier is not None)
    of_detectors = Counter(failure.test for failure in deciding if failure.amplifier is None)
    return any(n >= thresholds.tests_per_exposure for n in of_amplifiers.values()) or any(
        n >= thresholds.detectors for n in of_detectors.values()
    )
