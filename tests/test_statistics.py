"""cp_verify's shapes -> failures."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from cp_verify_support import (
    CAMERAS,
    FIRST,
    PASSED,
    Camera,
    amplifiers_of,
    failed,
    ids,
    merged,
    names,
    truth,
)
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibscripts.errors import StatisticsError
from lsst.ts.calibscripts.verification import (
    Failure,
    Statistics,
    exposures_to_look_into,
    judge,
    parse_statistics,
)


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

    def test_a_failure_reported_twice_is_one(self) -> None:
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


# Today's verifyFlatStats keeps only what failed for an exposure as a whole.
VAGUE_RUN = {FIRST: failed(), FIRST + 1: PASSED, FIRST + 2: failed("SCATTER"), "SUCCESS": False}
# What remains unexplained of the above where only its first exposure is looked into.
NOT_LOOKED_INTO = (FIRST + 2, None)


class TestLookingDeeper:
    def test_where_to_look(self) -> None:
        run = {**VAGUE_RUN, FIRST + 3: failed("A C00 NOISE", "SCATTER"), str(FIRST + 4): failed("A SCATTER")}
        assert exposures_to_look_into(run, {}) == {FIRST, FIRST + 2}
        explained = {"A": failed("SCATTER"), "B": PASSED, "SUCCESS": False}
        assert exposures_to_look_into(run, {FIRST: explained}) == {FIRST + 2}
        assert exposures_to_look_into(run, {FIRST: {**explained, "B": failed()}}) == {FIRST, FIRST + 2}

    @given(CAMERAS, st.booleans())
    def test_a_run_that_says_all_succeeded_hides_nothing(self, camera: Camera, by_filter: bool) -> None:
        run, wholes = merged(camera, by_filter)
        wrong = {**dict.fromkeys(camera, PASSED), "SUCCESS": True}
        statistics = parse_statistics(wrong, exposure_stats=wholes)
        assert statistics == parse_statistics(run, exposure_stats=wholes)
        assert {*statistics.failures} == truth(camera, by_filter)

    def test_a_detector_that_failed_without_a_reason_where_the_run_says_the_exposure_succeeded(self) -> None:
        whole = {"A": failed(), "B": PASSED, "SUCCESS": False}
        statistics = parse_statistics({FIRST: PASSED, "SUCCESS": True}, exposure_stats={FIRST: whole})
        assert statistics.unexplained == {(FIRST, "A")}

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

    def test_details_of_a_detector_that_succeeded_by_its_exposure_change_nothing(self) -> None:
        """They are read for a whole exposure as soon as one of its detectors needs them."""
        whole = {"A": failed(), "B": PASSED, "SUCCESS": False}
        details = amplifiers_of({"C00": {"NOISE": False}})
        statistics = parse_statistics(
            VAGUE_RUN,
            exposure_stats={FIRST: whole},
            detector_stats={(FIRST, "A"): details, (FIRST, "B"): details},
        )
        assert [f.detector for f in statistics.failures if f.exposure == FIRST] == ["A"]

    def test_what_the_run_and_the_exposure_say_failed_both_failed(self) -> None:
        run = {FIRST: failed("A C00 NOISE"), "SUCCESS": False}
        whole = {FIRST: {"A": failed("C05 NOISE"), "SUCCESS": False}}
        amplifiers = [failure.amplifier for failure in parse_statistics(run, exposure_stats=whole).failures]
        assert amplifiers == ["C00", "C05"]

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


class TestWhateverCpVerifyWrites:
    @given(CAMERAS, st.booleans())
    def test_every_failed_test_is_found(self, camera: Camera, by_filter: bool) -> None:
        run, wholes = merged(camera, by_filter)
        statistics = parse_statistics(run, exposure_stats=wholes)
        assert set(statistics.failures) == truth(camera, by_filter)
        assert statistics.exposures == set(camera)
        assert statistics.unexplained == frozenset()

    @given(CAMERAS)
    def test_detector_statistics_alone_explain_what_the_run_does_not(self, camera: Camera) -> None:
        run, _ = merged(camera, by_filter=True)
        details = {
            (e, name): stats for e, (detectors, _) in camera.items() for name, stats in detectors.items()
        }
        assert set(parse_statistics(run, detector_stats=details).failures) == truth(camera, by_filter=True)

    @given(CAMERAS, st.booleans(), st.randoms(use_true_random=False))
    def test_keys_and_order_do_not_matter(self, camera: Camera, by_filter: bool, random: Any) -> None:
        run, wholes = merged(camera, by_filter)
        items = [(str(key), copy.deepcopy(value)) for key, value in run.items()]
        random.shuffle(items)
        for _, value in items:
            if isinstance(value, dict):
                random.shuffle(value.get("FAILURES", []))
        shuffled = parse_statistics(dict(items), exposure_stats=wholes)
        assert shuffled == parse_statistics(run, exposure_stats=wholes)

    @given(CAMERAS)
    def test_without_details_what_failed_stays_failed(self, camera: Camera) -> None:
        run, _ = merged(camera, by_filter=True)
        verdict = judge(
            parse_statistics(run), exposures=list(camera), detectors=names(3), threshold=8, image_type="FLAT"
        )
        assert set(verdict.failed_exposures) == {
            e for e, entry in run.items() if e != "SUCCESS" and not entry["SUCCESS"]
        }
