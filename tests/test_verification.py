"""The acceptance rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import pytest
from cp_verify_support import AMPLIFIERS, FIRST, PASSED, failed, ids, names
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibscripts.tables.products import PRODUCTS
from lsst.ts.calibscripts.verification import (
    Failure,
    RunStatistics,
    Statistics,
    Thresholds,
    Verdict,
    enough_detectors,
    judge,
)
from lsst.ts.calibscripts.verification.reading import Verification
from lsst.ts.calibscripts.verification.reading import verdict_on as accept


def amplifier_failures(exposure: int, n_detectors: int, n: int, test: str = "NOISE") -> list[Failure]:
    """Let a test fail n times in an exposure, in as few detectors as hold them."""
    places = [(detector, amplifier) for detector in names(n_detectors) for amplifier in AMPLIFIERS]
    return [Failure(exposure, detector, amplifier, test) for detector, amplifier in places[:n]]


def verdict_on(
    failures: list[Failure], *, n_exposures: int, n_detectors: int = 1, threshold: int = 8, **changes: Any
) -> Verdict:
    statistics = Statistics(tuple(failures), frozenset(ids(n_exposures)))
    arguments: dict[str, Any] = {
        "exposures": ids(n_exposures),
        "detectors": names(n_detectors),
        "threshold": threshold,
        "image_type": "BIAS",
    }
    return judge(dataclasses.replace(statistics, **changes), **arguments)


class TestThresholds:
    @pytest.mark.parametrize(
        ("n_exposures", "limit"),
        [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 4), (19, 11), (20, 11), (21, 12), (22, 12)],
    )
    def test_exposures_that_fail_a_verification(self, n_exposures: int, limit: int) -> None:
        assert Thresholds(8, 1, n_exposures).exposures == limit

    @pytest.mark.parametrize(
        ("n_detectors", "majority", "tests"),
        [(1, 1, 8), (2, 2, 16), (3, 2, 16), (9, 5, 40), (189, 95, 760), (205, 103, 824)],
    )
    def test_tests_that_fail_an_exposure(self, n_detectors: int, majority: int, tests: int) -> None:
        thresholds = Thresholds(8, n_detectors, 20)
        assert (thresholds.detectors, thresholds.tests_per_exposure) == (majority, tests)


class TestAmplifierTests:
    @pytest.mark.parametrize(
        ("n_detectors", "threshold", "n_failed", "fails"),
        [
            (1, 8, 7, False),
            (1, 8, 8, True),
            (1, 8, 16, True),
            (1, 1, 1, True),
            (1, 17, 16, False),
            (2, 8, 15, False),
            (2, 8, 16, True),
            (9, 8, 39, False),
            (9, 8, 40, True),
            (205, 8, 823, False),
            (205, 8, 824, True),
        ],
    )
    def test_one_type_fails_an_exposure_when_it_reaches_the_threshold(
        self, n_detectors: int, threshold: int, n_failed: int, fails: bool
    ) -> None:
        verdict = verdict_on(
            amplifier_failures(FIRST, n_detectors, n_failed),
            n_exposures=1,
            n_detectors=n_detectors,
            threshold=threshold,
        )
        assert verdict.failed_exposures == ((FIRST,) if fails else ())
        assert verdict.passed is not fails
        assert not verdict.clean
        assert verdict.counts == {FIRST: {"NOISE": n_failed}}

    def test_types_are_not_added_up(self) -> None:
        failures = [f for test in ("NOISE", "MEAN", "NEW") for f in amplifier_failures(FIRST, 1, 7, test)]
        verdict = verdict_on(failures, n_exposures=1)
        assert verdict.passed
        assert verdict.counts == {FIRST: {"NOISE": 7, "MEAN": 7, "NEW": 7}}

    def test_exposures_are_not_added_up(self) -> None:
        failures = [f for exposure in ids(3) for f in amplifier_failures(exposure, 1, 7)]
        assert verdict_on(failures, n_exposures=3).passed

    def test_any_type_is_enough(self) -> None:
        failures = amplifier_failures(FIRST, 1, 1, "MEAN") + amplifier_failures(FIRST, 1, 8, "UNHEARD_OF")
        assert not verdict_on(failures, n_exposures=1).passed


class TestExposures:
    @pytest.mark.parametrize(
        ("n_exposures", "n_failed", "passes"),
        [
            (1, 0, True),
            (1, 1, False),
            (2, 1, True),
            (2, 2, False),
            (3, 2, True),
            (3, 3, False),
            (4, 2, True),
            (4, 3, False),
            (20, 10, True),
            (20, 11, False),
            (22, 11, True),
            (22, 12, False),
        ],
    )
    def test_a_majority_fails_the_verification(self, n_exposures: int, n_failed: int, passes: bool) -> None:
        failures = [f for exposure in ids(n_failed) for f in amplifier_failures(exposure, 1, 8)]
        verdict = verdict_on(failures, n_exposures=n_exposures)
        assert verdict.failed_exposures == tuple(ids(n_failed))
        assert verdict.passed is passes
        assert verdict.clean is (n_failed == 0)

    def test_nothing_to_verify_is_not_a_pass(self) -> None:
        assert not verdict_on([], n_exposures=0).passed

    def test_an_exposure_without_statistics_fails_the_verification(self) -> None:
        verdict = verdict_on([], n_exposures=20, exposures=frozenset(ids(20)[1:]))
        assert verdict.missing == (FIRST,)
        assert verdict.failed_exposures == ()
        assert not verdict.passed
        assert not verdict.clean

    def test_exposures_not_asked_for_do_not_count(self) -> None:
        other = FIRST - 1
        verdict = verdict_on(
            [*amplifier_failures(other, 1, 16), Failure(other, "R30_S00", "C00", "NOISE")],
            n_exposures=1,
            exposures=frozenset([FIRST, other]),
            unexplained=frozenset([(other, None)]),
        )
        assert verdict.clean
        assert verdict.exposures == (FIRST,)
        assert verdict.others == ()

    def test_an_exposure_asked_for_twice_is_one(self) -> None:
        statistics = Statistics((), frozenset([FIRST]))
        verdict = judge(
            statistics, exposures=[FIRST, FIRST], detectors=["A", "A"], threshold=8, image_type="FLAT"
        )
        assert verdict.thresholds == Thresholds(8, 1, 1)
        assert (verdict.exposures, verdict.image_type) == ((FIRST,), "FLAT")

    def test_unexplained_exposures_have_failed(self) -> None:
        verdict = verdict_on([], n_exposures=3, unexplained=frozenset((e, None) for e in ids(2)))
        assert verdict.unexplained == verdict.failed_exposures == tuple(ids(2))
        assert verdict.passed
        assert not verdict.clean
        assert not verdict_on([], n_exposures=3, unexplained=frozenset((e, None) for e in ids(3))).passed


class TestTestsWithoutAmplifier:
    @pytest.mark.parametrize(
        ("n_detectors", "n_failed", "fails"),
        [
            (1, 1, True),
            (2, 1, False),
            (2, 2, True),
            (9, 4, False),
            (9, 5, True),
            (205, 102, False),
            (205, 103, True),
        ],
    )
    def test_of_a_detector_fails_in_a_majority_of_detectors(
        self, n_detectors: int, n_failed: int, fails: bool
    ) -> None:
        failures = [Failure(FIRST, detector, None, "SCATTER") for detector in names(n_failed)]
        verdict = verdict_on(failures, n_exposures=1, n_detectors=n_detectors)
        assert verdict.failed_exposures == ((FIRST,) if fails else ())

    def test_of_a_detector_does_not_add_to_those_of_amplifiers(self) -> None:
        failures = [*amplifier_failures(FIRST, 3, 15), Failure(FIRST, names(3)[2], None, "NOISE")]
        verdict = verdict_on(failures, n_exposures=1, n_detectors=3)
        assert verdict.passed
        assert verdict.counts == {FIRST: {"NOISE": 16}}

    def test_of_two_types_do_not_add_up(self) -> None:
        failures = [Failure(FIRST, names(2)[0], None, "SCATTER"), Failure(FIRST, names(2)[1], None, "OTHER")]
        assert verdict_on(failures, n_exposures=1, n_detectors=2).passed

    @pytest.mark.parametrize("n_detectors", [1, 2, 205])
    def test_of_an_exposure_is_reported_and_does_not_decide(self, n_detectors: int) -> None:
        failures = [Failure(exposure, None, None, "SCATTER") for exposure in ids(3)]
        verdict = verdict_on(failures, n_exposures=3, n_detectors=n_detectors)
        assert verdict.failed_exposures == ()
        assert verdict.passed
        assert not verdict.clean
        assert verdict.undecisive == dict.fromkeys(ids(3), ("SCATTER",))
        assert verdict.counts == {exposure: {"SCATTER": 1} for exposure in ids(3)}


class TestDetectorsAskedFor:
    def test_others_do_not_count_but_are_reported(self) -> None:
        asked, others = names(3)[:1], names(3)[1:]
        statistics = Statistics(
            tuple(Failure(FIRST, other, amplifier, "NOISE") for other in others for amplifier in AMPLIFIERS),
            frozenset([FIRST]),
            frozenset([(FIRST, others[0])]),
        )
        verdict = judge(statistics, exposures=[FIRST], detectors=asked, threshold=1, image_type="BIAS")
        assert verdict.passed
        assert verdict.failures == ()
        assert verdict.unexplained == ()
        assert verdict.others == tuple(others)
        assert not verdict.clean

    def test_what_is_unexplained_counts_for_those_asked_for(self) -> None:
        unexplained = frozenset([(FIRST, names(1)[0])])
        assert verdict_on([], n_exposures=1, unexplained=unexplained).failed_exposures == (FIRST,)

    def test_with_their_number_alone_all_count(self) -> None:
        statistics = Statistics(tuple(amplifier_failures(FIRST, 9, 40)), frozenset([FIRST]))
        verdict = judge(statistics, exposures=[FIRST], detectors=9, threshold=8, image_type="BIAS")
        assert verdict.thresholds.n_detectors == 9
        assert verdict.failed_exposures == (FIRST,)
        assert verdict.others == ()


class TestDetectorsVerified:
    @pytest.mark.parametrize(
        ("n_left", "n_asked", "enough"),
        [
            (0, 1, False),
            (1, 1, True),
            (1, 2, False),
            (4, 9, False),
            (5, 9, True),
            (94, 189, False),
            (95, 189, True),
        ],
    )
    def test_more_than_half_of_those_asked_for_are_needed(
        self, n_left: int, n_asked: int, enough: bool
    ) -> None:
        assert enough_detectors(n_left, n_asked) is enough

    @given(data=st.data(), n_asked=st.integers(1, 9), broken=st.booleans())
    def test_the_limits_count_those_that_are_left(
        self, data: st.DataObject, n_asked: int, broken: bool
    ) -> None:
        """A set in which every amplifier of every detector that is left fails is never passed."""
        known = dict(enumerate(names(n_asked)))
        left = data.draw(st.sets(st.sampled_from(sorted(known)), min_size=1), label="left")
        texts = [f"{known[i]} {amplifier} NOISE" for i in sorted(left) for amplifier in AMPLIFIERS]
        entry = failed(*texts) if broken else PASSED
        run = dict.fromkeys(ids(4), entry) | {"SUCCESS": not broken}
        asked = Verification(
            product=PRODUCTS["BIAS"],
            run="u/ocps/1/run",
            exposures=ids(4),
            detectors=list(known.values()),
            known=known,
            processed=sorted(left),
        )
        verified = frozenset((exposure, i) for exposure in ids(4) for i in left)
        verdict = accept(asked, lambda: RunStatistics((run,), {}, {}, verified))
        assert verdict.passed is (not broken and 2 * len(left) > n_asked)
        assert verdict.thresholds.n_detectors == len(left)
        if 2 * len(left) <= n_asked:
            assert verdict.reason == (f"only {len(left)} of the {n_asked} detectors asked for were verified")


def test_without_statistics_every_verification_has_failed() -> None:
    asked = Verification(PRODUCTS["BIAS"], "u/ocps/1/run", [FIRST + 1, FIRST], names(9), {})
    verdict = asked.failed("no verifyBiasStats in u/ocps/1/run")
    assert not verdict.passed
    assert not verdict.clean
    assert verdict.reason == "no verifyBiasStats in u/ocps/1/run"
    assert verdict.missing == verdict.exposures == (FIRST, FIRST + 1)
    assert verdict.thresholds == Thresholds(8, 9, 2)
    assert not dataclasses.replace(verdict, missing=()).passed


FAILURES = st.builds(
    Failure,
    st.sampled_from(ids(4)),
    st.sampled_from([*names(3), None]),
    st.sampled_from([*AMPLIFIERS[:3], None]),
    st.sampled_from(["NOISE", "MEAN"]),
).map(lambda f: f if f.detector else dataclasses.replace(f, amplifier=None))


def verdict_of_four(failures: Collection[Failure], threshold: int) -> Verdict:
    return verdict_on(list(failures), n_exposures=4, n_detectors=3, threshold=threshold)


class TestProperties:
    @given(st.sets(FAILURES), st.sets(FAILURES), st.integers(1, 4))
    def test_more_failures_never_turn_a_fail_into_a_pass(
        self, failures: set[Failure], more: set[Failure], threshold: int
    ) -> None:
        before, after = verdict_of_four(failures, threshold), verdict_of_four(failures | more, threshold)
        assert before.passed or not after.passed
        assert set(before.failed_exposures) <= set(after.failed_exposures)

    @given(st.sets(FAILURES), st.integers(1, 4))
    def test_a_higher_threshold_never_turns_a_pass_into_a_fail(
        self, failures: set[Failure], threshold: int
    ) -> None:
        assert (
            verdict_of_four(failures, threshold + 1).passed or not verdict_of_four(failures, threshold).passed
        )

    @given(st.lists(FAILURES, unique=True), st.randoms(use_true_random=False), st.integers(1, 4))
    def test_the_order_does_not_matter(self, failures: list[Failure], random: Any, threshold: int) -> None:
        shuffled = random.sample(failures, len(failures))
        one, other = verdict_of_four(failures, threshold), verdict_of_four(shuffled, threshold)
        assert (one.passed, one.failed_exposures, one.counts) == (
            other.passed,
            other.failed_exposures,
            other.counts,
        )

    @given(st.sets(FAILURES), st.integers(1, 4))
    def test_the_rule_said_in_another_way(self, failures: set[Failure], threshold: int) -> None:
        """Count, exposure by exposure, in loops."""
        n_failed = 0
        for exposure in ids(4):
            here = [f for f in failures if f.exposure == exposure]
            reached = False
            for test in ("NOISE", "MEAN"):
                n_amplifiers = sum(f.test == test and f.amplifier is not None for f in here)
                n_detectors = len(
                    {f.detector for f in here if f.test == test and f.detector and not f.amplifier}
                )
                reached = reached or n_amplifiers >= 2 * threshold or n_detectors >= 2
            n_failed += reached
        assert len(verdict_of_four(failures, threshold).failed_exposures) == n_failed
        assert verdict_of_four(failures, threshold).passed is (n_failed < 3)
