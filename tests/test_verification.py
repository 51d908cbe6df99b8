"""cp_verify's shapes -> failures, and the acceptance rule."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsst.ts.calibscripts.errors import StatisticsError
from lsst.ts.calibscripts.tables.products import PRODUCTS
from lsst.ts.calibscripts.verification import (
    Failure,
    RunStatistics,
    Statistics,
    Thresholds,
    Verdict,
    enough_detectors,
    exposures_to_look_into,
    judge,
    parse_statistics,
    without_statistics,
)
from lsst.ts.calibscripts.verification.reading import Verification
from lsst.ts.calibscripts.verification.reading import verdict_on as accept

FIRST = 2026091800002
# Other work on the same machine must not fail a property.
UNTIMED = settings(deadline=None)
AMPLIFIERS = [f"C{n:02o}" for n in range(16)]


def ids(n: int) -> list[int]:
    return [FIRST + k for k in range(n)]


def names(n: int) -> list[str]:
    return [f"R{k // 9:02d}_S{k % 9 // 3}{k % 3}" for k in range(n)]


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
    def test_others_do_not_count_but_are_told(self) -> None:
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

    @UNTIMED
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
    verdict = without_statistics(
        "no verifyBiasStats in u/ocps/1/run",
        exposures=[FIRST + 1, FIRST],
        detectors=names(9),
        threshold=8,
        image_type="BIAS",
    )
    assert not verdict.passed
    assert not verdict.clean
    assert verdict.reason == "no verifyBiasStats in u/ocps/1/run"
    assert verdict.missing == verdict.exposures == (FIRST, FIRST + 1)
    assert verdict.thresholds == Thresholds(8, 9, 2)
    assert not dataclasses.replace(verdict, missing=()).passed


PASSED = {"SUCCESS": True}


def failed(*failures: str) -> dict[str, object]:
    return {"SUCCESS": False, "FAILURES": list(failures)}


class TestRunLevel:
    @pytest.mark.parametrize(
        ("text", "failure"),
        [
            ("RXX_S00 C01 NOISE", Failure(FIRST, "RXX_S00", "C01", "NOISE")),
            ("R22_S11 SCATTER", Failure(FIRST, "R22_S11", None, "SCATTER")),
            ("SCATTER", Failure(FIRST, None, None, "SCATTER")),
            ("RXX_S00  C01 BRAND_NEW", Failure(FIRST, "RXX_S00", "C01", "BRAND_NEW")),
        ],
    )
    @pytest.mark.parametrize("key", [FIRST, str(FIRST)])
    def test_failures(self, text: str, failure: Failure, key: object) -> None:
        statistics = parse_statistics({key: failed(text), "SUCCESS": False})
        # What failed for the exposure as a whole does not say that its amplifiers passed.
        unexplained = frozenset() if failure.decides else frozenset([(FIRST, None)])
        assert statistics == Statistics((failure,), frozenset([FIRST]), unexplained)

    @pytest.mark.parametrize("key", [FIRST, str(FIRST)])
    def test_before_may_2024_a_failed_exposure_had_no_success(self, key: object) -> None:
        texts = ["RXX_S00 C01 NOISE", "RXX_S00 SCATTER"]
        run = {key: {"FAILURES": texts}, FIRST + 1: PASSED, "SUCCESS": False}
        assert parse_statistics(run) == parse_statistics({**run, key: failed(*texts)})
        assert len(parse_statistics(run).failures) == 2

    def test_before_may_2024_without_a_reason(self) -> None:
        statistics = parse_statistics({FIRST: {"FAILURES": []}, FIRST + 1: PASSED, "SUCCESS": False})
        assert statistics.unexplained == {(FIRST, None)}

    def test_other_keys_are_not_exposures(self) -> None:
        run = {FIRST: PASSED, "RUN": {"SCATTER": 0.1}, "VERIFY": {"RUN": {}}, "SUCCESS": True}
        assert parse_statistics(run) == Statistics((), frozenset([FIRST]))

    def test_no_exposures_at_all(self) -> None:
        assert parse_statistics({"SUCCESS": False}) == Statistics((), frozenset())

    def test_a_failure_told_twice_is_one(self) -> None:
        statistics = parse_statistics({FIRST: failed(*["RXX_S00 C01 NOISE"] * 8), "SUCCESS": False})
        assert len(statistics.failures) == 1

    def test_failures_of_an_exposure_that_says_it_succeeded_count(self) -> None:
        entry = {"SUCCESS": True, "FAILURES": ["RXX_S00 C01 NOISE"]}
        assert len(parse_statistics({FIRST: entry, "SUCCESS": True}).failures) == 1

    def test_order(self) -> None:
        run = {
            FIRST + 1: failed("B C01 NOISE"),
            FIRST: failed("B C00 NOISE", "A C01 NOISE", "A C00 NOISE", "A C00 MEAN", "A SCATTER", "SCATTER"),
            "SUCCESS": False,
        }
        assert parse_statistics(run).failures == (
            Failure(FIRST, None, None, "SCATTER"),
            Failure(FIRST, "A", None, "SCATTER"),
            Failure(FIRST, "A", "C00", "MEAN"),
            Failure(FIRST, "A", "C00", "NOISE"),
            Failure(FIRST, "A", "C01", "NOISE"),
            Failure(FIRST, "B", "C00", "NOISE"),
            Failure(FIRST + 1, "B", "C01", "NOISE"),
        )

    @pytest.mark.parametrize("entry", [failed(), {"SUCCESS": False}])
    def test_failure_without_a_reason_is_unexplained(self, entry: dict[str, object]) -> None:
        statistics = parse_statistics({FIRST: entry, FIRST + 1: PASSED, "SUCCESS": False})
        assert statistics == Statistics((), frozenset([FIRST, FIRST + 1]), frozenset([(FIRST, None)]))

    def test_success_of_the_run_does_not_outweigh_an_exposure(self) -> None:
        """Of several dicts, one per filter, merged by hand, the last one's SUCCESS may have been kept."""
        assert len(parse_statistics({FIRST: failed("A C00 NOISE"), "SUCCESS": True}).failures) == 1

    @pytest.mark.parametrize(
        ("run", "found"),
        [
            (None, "of the run: expected a mapping, found None"),
            ([FIRST], "of the run: expected a mapping"),
            ({}, "of the run: expected true or false as SUCCESS, found {}"),
            ({FIRST: PASSED, "SUCCESS": 1}, "of the run: expected true or false as SUCCESS, found 1"),
            ({FIRST: True, "SUCCESS": True}, f"of exposure {FIRST}: expected a mapping, found True"),
            (
                {FIRST: {}, "SUCCESS": True},
                f"of exposure {FIRST}: expected true or false as SUCCESS, found {{}}",
            ),
            ({FIRST: {"SUCCESS": "yes"}, "SUCCESS": True}, "expected true or false as SUCCESS, found 'yes'"),
            ({FIRST: failed("A B C NOISE"), "SUCCESS": False}, "found 'A B C NOISE'"),
            ({FIRST: failed(" "), "SUCCESS": False}, r"expected texts as FAILURES, found \[' '\]"),
            ({FIRST: {"SUCCESS": False, "FAILURES": "A NOISE"}, "SUCCESS": False}, "found 'A NOISE'"),
            ({FIRST: {"SUCCESS": False, "FAILURES": [7]}, "SUCCESS": False}, r"found \[7\]"),
            ({FIRST: {"SUCCESS": False, "FAILURES": None}, "SUCCESS": False}, "found None"),
            ({float(FIRST): PASSED, "SUCCESS": True}, "expected an exposure id or a text as key"),
            ({True: PASSED, "SUCCESS": True}, "expected an exposure id or a text as key, found True"),
            ({FIRST: PASSED, str(FIRST): PASSED, "SUCCESS": True}, f"exposure {FIRST} twice"),
            (
                {FIRST: PASSED, FIRST + 1: PASSED, "VERIFY": {"RUN": {"DRIFT": False}}, "SUCCESS": False},
                "the run failed and that all of its 2 exposures succeeded; .*DRIFT",
            ),
        ],
    )
    def test_unknown_shapes(self, run: Any, found: str) -> None:
        with pytest.raises(StatisticsError, match=found):
            parse_statistics(run)

    def test_what_was_found_is_not_shown_at_full_length(self) -> None:
        with pytest.raises(StatisticsError) as caught:
            parse_statistics({FIRST: ["A C00 NOISE"] * 1000, "SUCCESS": False})
        assert len(str(caught.value)) < 200
        assert str(caught.value).endswith("...")


def amplifiers_of(passed: dict[str, dict[str, bool]]) -> dict[str, object]:
    """Statistics of a detector, in which these tests of amplifiers passed or not."""
    return {
        "AMP": {amplifier: {"MEAN": 0.1} for amplifier in passed},
        "DET": {},
        "VERIFY": {
            "AMP": {name: {**tests, "SUCCESS": all(tests.values())} for name, tests in passed.items()},
            "DET": {"SCATTER": True, "SUCCESS": True},
        },
        "SUCCESS": all(all(tests.values()) for tests in passed.values()),
    }


# Today's verifyFlatStats keeps only what failed for an exposure as a whole.
VAGUE_RUN = {FIRST: failed(), FIRST + 1: PASSED, FIRST + 2: failed("SCATTER"), "SUCCESS": False}
# What remains unexplained of the above where only its first exposure is looked into.
NOT_LOOKED_INTO = (FIRST + 2, None)


class TestLookingDeeper:
    def test_where_to_look(self) -> None:
        run = {**VAGUE_RUN, FIRST + 3: failed("A C00 NOISE", "SCATTER"), str(FIRST + 4): failed("A SCATTER")}
        assert exposures_to_look_into(run) == {FIRST, FIRST + 2}

    def test_exposure_statistics(self) -> None:
        scatter = {"EXP": {"SCATTER": 0.1}, "VERIFY": {"EXP": {"SCATTER": False}}, "SUCCESS": False}
        statistics = parse_statistics(
            VAGUE_RUN,
            exposure_stats={
                FIRST: {"A": failed("C00 NOISE", "SCATTER"), "B": PASSED, "SUCCESS": False},
                FIRST + 2: {7: failed("C01 NOISE"), "B": PASSED, **scatter},
            },
            detector_names={7: "A"},
        )
        assert statistics == Statistics(
            (
                Failure(FIRST, "A", None, "SCATTER"),
                Failure(FIRST, "A", "C00", "NOISE"),
                Failure(FIRST + 2, None, None, "SCATTER"),
                Failure(FIRST + 2, "A", "C01", "NOISE"),
            ),
            frozenset(ids(3)),
        )

    def test_detector_statistics(self) -> None:
        details = amplifiers_of({"C00": {"NOISE": False, "MEAN": True}, "C01": {"NOISE": True}})
        statistics = parse_statistics(
            VAGUE_RUN,
            exposure_stats={FIRST: {"A": failed(), "B": failed(), "C": failed(), "SUCCESS": False}},
            detector_stats={
                (FIRST, "A"): details,
                (FIRST, 8): {"VERIFY": {"DET": {"SCATTER": False, "SUCCESS": False}}},
                (FIRST + 1, "A"): details,
            },
            detector_names={8: "B"},
        )
        assert statistics.failures == (
            Failure(FIRST, "A", "C00", "NOISE"),
            Failure(FIRST, "B", None, "SCATTER"),
            Failure(FIRST + 2, None, None, "SCATTER"),
        )
        assert statistics.unexplained == {(FIRST, "C"), NOT_LOOKED_INTO}

    def test_detector_statistics_without_those_of_the_exposure(self) -> None:
        statistics = parse_statistics(
            VAGUE_RUN, detector_stats={(FIRST, "A"): amplifiers_of({"C00": {"NOISE": False}})}
        )
        assert Failure(FIRST, "A", "C00", "NOISE") in statistics.failures
        assert statistics.unexplained == {NOT_LOOKED_INTO}

    def test_what_the_run_tells_stays(self) -> None:
        statistics = parse_statistics(
            VAGUE_RUN, exposure_stats={FIRST + 2: {"A": failed("C00 NOISE"), "SUCCESS": False}}
        )
        assert {f for f in statistics.failures if f.exposure == FIRST + 2} == {
            Failure(FIRST + 2, None, None, "SCATTER"),
            Failure(FIRST + 2, "A", "C00", "NOISE"),
        }

    def test_a_detector_that_is_unexplained_is_no_blame_on_the_others(self) -> None:
        statistics = parse_statistics(VAGUE_RUN, exposure_stats={FIRST: {"A": failed(), "B": PASSED}})
        assert statistics.unexplained == {(FIRST, "A"), NOT_LOOKED_INTO}

    def test_not_looked_into_where_the_run_tells(self) -> None:
        run = {FIRST: failed("A C00 NOISE"), "SUCCESS": False}
        whole = {FIRST: {"A": failed("C05 NOISE"), "SUCCESS": False}}
        assert parse_statistics(run, exposure_stats=whole) == parse_statistics(run)

    def test_not_looked_into_below_what_the_exposure_tells(self) -> None:
        statistics = parse_statistics(
            VAGUE_RUN,
            exposure_stats={FIRST: {"A": failed("C05 NOISE"), "SUCCESS": False}},
            detector_stats={(FIRST, "A"): amplifiers_of({"C00": {"NOISE": False}})},
        )
        assert Failure(FIRST, "A", "C05", "NOISE") in statistics.failures
        assert Failure(FIRST, "A", "C00", "NOISE") not in statistics.failures

    @pytest.mark.parametrize("whole", [{}, {"A": PASSED, "VERIFY": {"EXP": {"SCATTER": True}}}])
    def test_what_contradicts_itself_is_unexplained(self, whole: dict[str, object]) -> None:
        statistics = parse_statistics(
            VAGUE_RUN,
            exposure_stats={FIRST: whole},
            detector_stats={(FIRST, "A"): amplifiers_of({"C00": {"NOISE": True}})},
        )
        assert statistics.unexplained == {(FIRST, None), NOT_LOOKED_INTO}

    def test_a_detector_that_failed_without_a_failed_test_is_unexplained(self) -> None:
        statistics = parse_statistics(
            VAGUE_RUN,
            exposure_stats={FIRST: {"A": failed(), "B": failed("C00 NOISE")}},
            detector_stats={(FIRST, "A"): amplifiers_of({"C00": {"NOISE": True}})},
        )
        assert statistics.unexplained == {(FIRST, "A"), NOT_LOOKED_INTO}

    def test_a_test_that_decides_nothing_for_cp_verify_does_not_for_us(self) -> None:
        """READ_NOISE_CONSISTENT is added after SUCCESS of the amplifier was decided."""
        tests = {"NOISE": True, "SUCCESS": True, "READ_NOISE_CONSISTENT": False}
        bad = {"NOISE": False, "SUCCESS": False, "READ_NOISE_CONSISTENT": False}
        statistics = parse_statistics(
            VAGUE_RUN, detector_stats={(FIRST, "A"): {"VERIFY": {"AMP": {"C00": tests, "C01": bad}}}}
        )
        assert [f.test for f in statistics.failures if f.amplifier == "C00"] == []
        assert [f.test for f in statistics.failures if f.amplifier == "C01"] == [
            "NOISE",
            "READ_NOISE_CONSISTENT",
        ]

    @pytest.mark.parametrize(
        ("exposure_stats", "detector_stats", "found"),
        [
            ({FIRST: []}, {}, rf"exposure {FIRST}: expected a mapping, found \[\]"),
            ({FIRST: {"A": 7}}, {}, f"exposure {FIRST}, detector A: expected a mapping, found 7"),
            ({FIRST: {"VERIFY": 7}}, {}, f"exposure {FIRST}: expected a mapping, found 7"),
            (
                {FIRST: {"VERIFY": {"EXP": {"SCATTER": None}}}},
                {},
                "expected true or false as SCATTER, found None",
            ),
            ({FIRST: {"A": failed("B C00 NOISE")}}, {}, "found 'A B C00 NOISE'"),
            ({FIRST: {99: PASSED}}, {}, "the id of a known one, found 99"),
            ({}, {(FIRST, 99): {}}, "the id of a known one, found 99"),
            ({}, {(FIRST, "A"): {}}, f"exposure {FIRST}, detector A: expected a mapping, found None"),
            ({}, {(FIRST, "A"): {"VERIFY": {"AMP": []}}}, r"detector A: expected a mapping, found \[\]"),
            ({}, {(FIRST, "A"): {"VERIFY": {"DET": {"SCATTER": 0.1}}}}, "as SCATTER, found 0.1"),
        ],
    )
    def test_unknown_shapes(self, exposure_stats: Any, detector_stats: Any, found: str) -> None:
        with pytest.raises(StatisticsError, match=found):
            parse_statistics(VAGUE_RUN, exposure_stats=exposure_stats, detector_stats=detector_stats)


TESTS = st.dictionaries(st.sampled_from(["MEAN", "NOISE", "CR_NOISE"]), st.booleans(), min_size=1)


@st.composite
def detector_statistics(draw: st.DrawFn) -> dict[str, Any]:
    stats = amplifiers_of(draw(st.dictionaries(st.sampled_from(AMPLIFIERS[:3]), TESTS, min_size=1)))
    scatter = draw(st.booleans())
    stats["VERIFY"]["DET"] = {"SCATTER": scatter, "SUCCESS": scatter}  # type: ignore[index]
    return {**stats, "SUCCESS": stats["SUCCESS"] and scatter}


CAMERAS = st.dictionaries(
    st.sampled_from(ids(3)),
    st.tuples(st.dictionaries(st.sampled_from(names(3)), detector_statistics(), min_size=1), st.booleans()),
    min_size=1,
)


def merged(camera: dict[int, tuple[dict[str, Any], bool]], by_filter: bool) -> tuple[Any, Any]:
    """Merge detectors to exposures and these to the run as cp_verify does, for flats and for the others."""
    run: dict[Any, Any] = {}
    wholes: dict[int, Any] = {}
    for exposure, (detectors, scatter) in camera.items():
        whole: dict[str, Any] = {}
        for name, stats in detectors.items():
            tests = [(None, "SCATTER", stats["VERIFY"]["DET"]["SCATTER"])] + [
                (amplifier, test, ok)
                for amplifier, results in stats["VERIFY"]["AMP"].items()
                for test, ok in results.items()
                if test != "SUCCESS"
            ]
            texts = [f"{amplifier} {test}" if amplifier else test for amplifier, test, ok in tests if not ok]
            whole[name] = PASSED if stats["SUCCESS"] else failed(*texts)
        good = all(detector["SUCCESS"] for detector in whole.values())
        everything = [f"{name} {text}" for name, entry in whole.items() for text in entry.get("FAILURES", [])]
        if by_filter:
            whole |= {"EXP": {"SCATTER": 0.01}, "VERIFY": {"EXP": {"SCATTER": scatter}}}
            good, everything = good and scatter, [] if scatter else ["SCATTER"]
        run[exposure] = PASSED if good else failed(*everything)
        wholes[exposure] = {**whole, "SUCCESS": good}
    return {**run, "SUCCESS": all(entry["SUCCESS"] for entry in run.values())}, wholes


def truth(camera: dict[int, tuple[dict[str, Any], bool]], by_filter: bool) -> set[Failure]:
    failures = set()
    for exposure, (detectors, scatter) in camera.items():
        if by_filter and not scatter:
            failures.add(Failure(exposure, None, None, "SCATTER"))
        for name, stats in detectors.items():
            if not stats["VERIFY"]["DET"]["SCATTER"]:
                failures.add(Failure(exposure, name, None, "SCATTER"))
            for amplifier, results in stats["VERIFY"]["AMP"].items():
                failures |= {
                    Failure(exposure, name, amplifier, test)
                    for test, ok in results.items()
                    if test != "SUCCESS" and not ok
                }
    return failures


class TestWhateverCpVerifyWrites:
    @UNTIMED
    @given(CAMERAS, st.booleans())
    def test_every_failed_test_is_found(
        self, camera: dict[int, tuple[dict[str, Any], bool]], by_filter: bool
    ) -> None:
        run, wholes = merged(camera, by_filter)
        statistics = parse_statistics(run, exposure_stats=wholes)
        assert set(statistics.failures) == truth(camera, by_filter)
        assert statistics.exposures == set(camera)
        assert statistics.unexplained == frozenset()

    @UNTIMED
    @given(CAMERAS)
    def test_detector_statistics_alone_explain_what_the_run_does_not(
        self, camera: dict[int, tuple[dict[str, Any], bool]]
    ) -> None:
        run, _ = merged(camera, by_filter=True)
        details = {
            (e, name): stats for e, (detectors, _) in camera.items() for name, stats in detectors.items()
        }
        assert set(parse_statistics(run, detector_stats=details).failures) == truth(camera, by_filter=True)

    @UNTIMED
    @given(CAMERAS, st.booleans(), st.randoms(use_true_random=False))
    def test_keys_and_order_do_not_matter(
        self, camera: dict[int, tuple[dict[str, Any], bool]], by_filter: bool, random: Any
    ) -> None:
        run, wholes = merged(camera, by_filter)
        items = [(str(key), copy.deepcopy(value)) for key, value in run.items()]
        random.shuffle(items)
        for _, value in items:
            if isinstance(value, dict):
                random.shuffle(value.get("FAILURES", []))
        shuffled = parse_statistics(dict(items), exposure_stats=wholes)
        assert shuffled == parse_statistics(run, exposure_stats=wholes)

    @UNTIMED
    @given(CAMERAS)
    def test_without_details_what_failed_stays_failed(
        self, camera: dict[int, tuple[dict[str, Any], bool]]
    ) -> None:
        run, _ = merged(camera, by_filter=True)
        verdict = judge(
            parse_statistics(run), exposures=list(camera), detectors=names(3), threshold=8, image_type="FLAT"
        )
        assert set(verdict.failed_exposures) == {
            e for e, entry in run.items() if e != "SUCCESS" and not entry["SUCCESS"]
        }


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
    @UNTIMED
    @given(st.sets(FAILURES), st.sets(FAILURES), st.integers(1, 4))
    def test_more_failures_never_turn_a_fail_into_a_pass(
        self, failures: set[Failure], more: set[Failure], threshold: int
    ) -> None:
        before, after = verdict_of_four(failures, threshold), verdict_of_four(failures | more, threshold)
        assert before.passed or not after.passed
        assert set(before.failed_exposures) <= set(after.failed_exposures)

    @UNTIMED
    @given(st.sets(FAILURES), st.integers(1, 4))
    def test_a_higher_threshold_never_turns_a_pass_into_a_fail(
        self, failures: set[Failure], threshold: int
    ) -> None:
        assert (
            verdict_of_four(failures, threshold + 1).passed or not verdict_of_four(failures, threshold).passed
        )

    @UNTIMED
    @given(st.lists(FAILURES, unique=True), st.randoms(use_true_random=False), st.integers(1, 4))
    def test_the_order_does_not_matter(self, failures: list[Failure], random: Any, threshold: int) -> None:
        shuffled = random.sample(failures, len(failures))
        one, other = verdict_of_four(failures, threshold), verdict_of_four(shuffled, threshold)
        assert (one.passed, one.failed_exposures, one.counts) == (
            other.passed,
            other.failed_exposures,
            other.counts,
        )

    @UNTIMED
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
