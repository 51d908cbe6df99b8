"""The documented reports, the gains and the summary of a run."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibscripts.events.events import (
    Certified,
    Ended,
    Event,
    ExposureTaken,
    Failed,
    ImageSetClosed,
    JobStarted,
    JobSubmitted,
    Planned,
    PlannedSet,
    RunOutcome,
    StepEnded,
    StepOutcome,
    Warned,
)
from lsst.ts.calibscripts.events.folding import state_of
from lsst.ts.calibscripts.events.summary import run_summary
from lsst.ts.calibscripts.ground.text import LOG_CHARACTERS, exposure_range, for_log, messages
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.tables.products import PRODUCTS, ImageType
from lsst.ts.calibscripts.verification import (
    Failure,
    Statistics,
    Verdict,
    judge,
    parse_statistics,
    reading,
)
from lsst.ts.calibscripts.verification.gains import PairGains, gain_report
from lsst.ts.calibscripts.verification.words import failure_report, headline, verdict_line

GOLDENS = Path(__file__).parent / "data" / "seed002"
FIRST = 2026091800002


def verdict_printed_in(report: str) -> Verdict:
    """Rebuild the statistics from the failures that a report prints, and judge them."""
    failures: dict[int, list[str]] = {}
    _, details = report.split("detector, and amplifier:")
    for line in map(str.strip, details.splitlines()):
        if line.startswith("Exposure ID: "):
            exposure = int(line.removeprefix("Exposure ID: "))
            failures[exposure] = []
        elif line.startswith("RXX_S00 "):
            failures[exposure].append(line)
    run: dict[object, object] = {
        exposure: {"SUCCESS": False, "FAILURES": found} if found else {"SUCCESS": True}
        for exposure, found in failures.items()
    }
    statistics = parse_statistics({**run, "SUCCESS": False})
    return judge(statistics, exposures=list(failures), detectors=["RXX_S00"], threshold=8, image_type="BIAS")


def unindented(name: str) -> list[str]:
    """Lines of a golden that hold something, without indentation and the log's prefix."""
    lines = (GOLDENS / name).read_text().splitlines()
    return [line.strip().removeprefix("Script WARNING: ") for line in lines if line.strip()]


class TestDocumentedReports:
    @pytest.mark.parametrize(
        ("name", "generation", "verification"),
        [
            ("failed", "u/ocps/329cb5f2f9ab4e1ebacf1577435d2eed", "u/ocps/5579591802f0470e88b7cdf6add8e1bf"),
            ("passed", "u/ocps/def62fc0cc6645d089edee4eb797e3f1", "u/ocps/85f23b5af0ba44cf967f183c59b1073e"),
        ],
    )
    def test_rebuilt_from_the_printed_failures(self, name: str, generation: str, verification: str) -> None:
        verdict = verdict_printed_in((GOLDENS / f"{name}_as_printed.txt").read_text())
        text = f"{headline(verdict, True)}\n{failure_report(verdict, generation, verification, ())}\n"
        assert text == (GOLDENS / f"{name}.txt").read_text()

    def test_failed_is_as_printed(self) -> None:
        first, second, *rest = unindented("failed.txt")
        assert first == "BIAS calibration failed verification and will not be certified."
        assert second == "BIAS: 3 of 3 exposures failed, limit 3: NOT certified"
        assert rest == unindented("failed_as_printed.txt")

    def test_passed_is_as_printed(self) -> None:
        first, second, *rest = unindented("passed.txt")
        assert second == "BIAS: 0 of 20 exposures failed, limit 11: verification passed"
        assert [first, first, *rest] == unindented("passed_as_printed.txt")


def verdict_on(*failures: Failure, n: int = 3, missing: int = 0, unexplained: int = 0) -> Verdict:
    exposures = [FIRST + k for k in range(n)]
    statistics = Statistics(
        failures,
        frozenset(exposures[missing:]),
        frozenset((exposure, None) for exposure in exposures[n - unexplained :]),
    )
    return judge(statistics, exposures=exposures, detectors=["RXX_S00"], threshold=1, image_type="DARK")


NOISY = [Failure(FIRST + k, "RXX_S00", "C00", "NOISE") for k in range(3)]
FAILED = verdict_on(*NOISY)
PASSED = verdict_on(NOISY[0])
CLEAN = verdict_on()
UNREADABLE = reading.Verification(PRODUCTS["DARK"], "u/ocps/2/run", [FIRST], ["RXX_S00"], {}).failed(
    "no verifyDarkStats in u/ocps/2/run"
)


class TestHeadline:
    @pytest.mark.parametrize(
        ("verdict", "generating", "text"),
        [
            (FAILED, True, "DARK calibration failed verification and will not be certified."),
            (UNREADABLE, True, "DARK calibration could not be judged and will not be certified."),
            (UNREADABLE, False, "DARK exposures could not be judged; there was nothing to certify."),
            (
                PASSED,
                True,
                "DARK calibration passed the overall verification  criteria and will be certified, "
                "but the are tests that did not pass: ",
            ),
            (CLEAN, True, "DARK calibration passed verification criteria and will be certified."),
            (FAILED, False, "DARK exposures failed verification; there was nothing to certify."),
            (
                PASSED,
                False,
                "DARK exposures passed the overall verification  criteria, "
                "but the are tests that did not pass: ",
            ),
            (CLEAN, False, "DARK exposures passed verification criteria."),
        ],
    )
    def test_words(self, verdict: Verdict, generating: bool, text: str) -> None:
        assert headline(verdict, generating) == text

    def test_what_passed_in_vain_is_not_said_to_be_certified(self) -> None:
        found = headline(CLEAN, True, in_vain=True)
        assert found.startswith(
            "DARK calibration passed verification criteria, but will not be certified, since"
        )
        assert headline(FAILED, True, in_vain=True) == headline(FAILED, True)


class TestVerdictLine:
    @pytest.mark.parametrize(
        ("verdict", "generating", "text"),
        [
            (FAILED, True, "DARK: 3 of 3 exposures failed, limit 3: NOT certified"),
            (FAILED, False, "DARK: 3 of 3 exposures failed, limit 3: verification FAILED"),
            (PASSED, True, "DARK: 1 of 3 exposures failed, limit 3: verification passed"),
            (CLEAN, False, "DARK: 0 of 3 exposures failed, limit 3: verification passed"),
            (
                verdict_on(missing=2),
                True,
                "DARK: 0 of 3 exposures failed, limit 3, 2 of 3 not in the statistics: NOT certified",
            ),
            (
                UNREADABLE,
                True,
                "DARK: could not be judged (no verifyDarkStats in u/ocps/2/run): NOT certified",
            ),
        ],
    )
    def test_words(self, verdict: Verdict, generating: bool, text: str) -> None:
        assert verdict_line(verdict, generating) == text


class TestFailureReport:
    def test_external_verification(self) -> None:
        lines = failure_report(FAILED, None, "u/ocps/2").splitlines()
        assert lines[0] == verdict_line(FAILED, generating=False)
        assert lines[-2:] == [
            "Generation collection: None. 'generate_calibrations' is False.",
            "Verification collection: u/ocps/2",
        ]

    def test_exposures_without_a_reason_or_without_statistics(self) -> None:
        report = failure_report(verdict_on(NOISY[1], n=4, missing=1, unexplained=1), "u/ocps/1", "u/ocps/2")
        assert f"that failed:\n{FIRST + 1}  {FIRST + 3}\n" in report
        assert f"Exposures without statistics: {FIRST}\n" in report
        details = report[report.index("detector, and amplifier:") : report.index("Exposures without")]
        assert details.splitlines()[1:] == [
            f"    Exposure ID: {FIRST}",
            "        Not in the statistics of cp_verify: counts as a failed verification.",
            f"    Exposure ID: {FIRST + 1}",
            "        RXX_S00 C00 NOISE",
            f"    Exposure ID: {FIRST + 2}",
            "        No failures in 'verify_stats' for this exposure.",
            f"    Exposure ID: {FIRST + 3}",
            "        Did not succeed, and the statistics do not say in which tests: "
            "counts as a failed exposure.",
        ]

    def test_tests_of_detectors_and_exposures(self) -> None:
        failures = (Failure(FIRST, None, None, "SCATTER"), Failure(FIRST, "RXX_S00", None, "SCATTER"))
        report = failure_report(verdict_on(*failures), "u/ocps/1", "u/ocps/2")
        assert "        SCATTER: 2\n" in report
        assert "        SCATTER\n        RXX_S00 SCATTER\n" in report

    def test_no_statistics(self) -> None:
        lines = failure_report(UNREADABLE, "u/ocps/1", "u/ocps/2").splitlines()
        assert lines[0] == verdict_line(UNREADABLE, generating=True)
        assert lines[1:3] == [f"Exposures without statistics: {FIRST}", "Threshold values:"]
        assert lines[-1] == "Verification collection: u/ocps/2"

    def test_nothing_failed(self) -> None:
        assert "that failed:\nnone\n" in failure_report(CLEAN, "u/ocps/1", "u/ocps/2")

    def test_detectors_not_asked_for(self) -> None:
        verdict = dataclasses.replace(CLEAN, others=("R22_S11", "R22_S12"))
        line = "Failed tests of detectors that were not asked for do not count: R22_S11, R22_S12"
        assert line in failure_report(verdict, None, "u/ocps/2").splitlines()


class TestForLog:
    def test_a_short_report_is_left_alone(self) -> None:
        text = "x" * LOG_CHARACTERS
        assert for_log(text, where="/report.txt") == text

    def test_of_205_detectors_the_numbers_and_the_collections_stay(self) -> None:
        failures = tuple(
            Failure(FIRST + k, f"R{d:03}", f"C{a:02}", test)
            for k in range(20)
            for d in range(205)
            for a in range(16)
            for test in ("MEAN", "NOISE")
        )
        statistics = Statistics(failures, frozenset(FIRST + k for k in range(20)))
        verdict = judge(
            statistics, exposures=list(statistics.exposures), detectors=205, threshold=8, image_type="BIAS"
        )
        report = failure_report(verdict, "u/ocps/1", "u/ocps/2")
        shown = for_log(report, where="/reports/1.txt")
        assert len(report) > 2_900_000
        assert len(shown) <= LOG_CHARACTERS
        lines = shown.splitlines()
        assert lines[0] == "BIAS: 20 of 20 exposures failed, limit 11: NOT certified"
        assert "        NOISE: 3280" in lines
        assert "Threshold values:" in lines
        assert lines[-1] == "Verification collection: u/ocps/2"
        n_lines = len(report.splitlines())
        left_out = f"{n_lines - len(lines) + 1} of {n_lines} lines are left out here"
        note = f"[... {left_out}; full report: /reports/1.txt ...]"
        assert lines.count(note) == 1

    @given(st.lists(st.text("abc ", max_size=30), max_size=60), st.integers(120, 400))
    def test_is_never_longer_than_the_limit(self, lines: list[str], limit: int) -> None:
        text = "\n".join(lines)
        shown = for_log(text, where="/r", limit=limit)
        assert len(shown) <= limit
        if shown != text:
            start, _, end = shown.partition("[... ")
            note, _, end = end.partition(" ...]")
            assert text.startswith(start)
            assert text.rstrip("\n").endswith(end.rstrip("\n"))
            assert note.endswith("full report: /r")


class TestExposureRange:
    @pytest.mark.parametrize(
        ("exposures", "text"),
        [
            ([], "none"),
            ([7], "7"),
            ([7, 8], "7..8"),
            ([2026091800002 + k for k in range(20)], "2026091800002..2026091800021"),
            ([9, 3, 1, 2, 2, 8, 5], "1..3, 5, 8..9"),
            ([2026091899999, 2026091900001], "2026091899999, 2026091900001"),
        ],
    )
    def test_ranges(self, exposures: list[int], text: str) -> None:
        assert exposure_range(exposures) == text

    @given(st.sets(st.integers(1, 60)))
    def test_tells_every_exposure_once(self, exposures: set[int]) -> None:
        told = [
            exposure
            for part in exposure_range(exposures).split(", ")
            if part != "none"
            for first, _, last in [part.partition("..")]
            for exposure in range(int(first), int(last or first) + 1)
        ]
        assert told == sorted(exposures)


def pair(first: int, detector: str | int, **gains: float) -> PairGains:
    return PairGains((first, first + 1), detector, gains, dict.fromkeys(gains, 5.25))


class TestGains:
    def test_report(self) -> None:
        pairs = [
            pair(FIRST, 0, C00=1.0, C01=1.02, C02=0.98),
            pair(FIRST + 2, 0, C00=1.01, C01=0.99, C02=1.5),
        ]
        nominal = {("0", "C00"): 1.0, ("0", "C01"): 1.1}
        assert gain_report(pairs, nominal).splitlines() == [
            "Gains estimated from flats pairs: 2 pairs, 1 detector",
            f"Pairs 1..2: {FIRST}..{FIRST + 3}, two each",
            "Detector 0, gain (electron/ADU); median, spread and nominal; read noise (ADU):",
            "  pair       1     2 median spread nominal noise",
            "  C00    1.000 1.010  1.005  0.007   1.000  5.25",
            "  C01    1.020 0.990  1.005  0.022   1.100  5.25",
            "  C02    0.980 1.500  1.240  0.385       -  5.25",
            "  median 1.000 1.010  1.005  0.022   1.050  5.25",
            "Detector 0: gain median 1.0050 electron/ADU, spread 0.0222 electron/ADU, nominal 1.0500 electron/ADU, "
            "6 values; read noise median 5.250 ADU",
            f"    outlier: C02 in pair 2 ({FIRST + 2}, {FIRST + 3}): 1.5000 electron/ADU, 49 % above the median",
        ]

    def test_ten_pairs_are_some_twenty_lines(self) -> None:
        names = [f"C{n:02o}" for n in range(16)]
        pairs = [pair(FIRST + 2 * n, 0, **dict.fromkeys(names, 1.0)) for n in range(10)]
        lines = gain_report(pairs, {("0", name): 1.0 for name in names}).splitlines()
        assert len(lines) == 22
        assert lines[1] == f"Pairs 1..10: {FIRST}..{FIRST + 19}, two each"

    def test_pairs_that_do_not_follow_one_another_are_named(self) -> None:
        pairs = [pair(FIRST + n, 0, C00=1.0) for n in (0, 2, 5, 9, 11)]
        assert gain_report(pairs).splitlines()[1:4] == [
            f"Pairs 1..2: {FIRST}..{FIRST + 3}, two each",
            f"Pair 3: {FIRST + 5}, {FIRST + 6}",
            f"Pairs 4..5: {FIRST + 9}..{FIRST + 12}, two each",
        ]

    def test_what_outliers_have_in_common_is_said(self) -> None:
        """An amplifier that is always wrong and a pair without light are a line each."""
        names = [f"C{n:02o}" for n in range(16)]
        pairs = [
            pair(
                FIRST + 2 * n, 0, **{name: 0.7 if n == 3 else 1.3 if name == "C04" else 1.0 for name in names}
            )
            for n in range(10)
        ]
        outliers = [line for line in gain_report(pairs).splitlines() if "outlier" in line]
        assert outliers == [
            "    outlier: C04 in pairs 1..3, 5..10: 1.3000 electron/ADU, 30 % above the median",
            f"    outlier: all 16 amplifiers in pair 4 ({FIRST + 6}, {FIRST + 7}): 0.7000 electron/ADU, "
            "30 % below the median",
        ]
        high = [pair(FIRST + 2 * n, 0, C00=1.0, C01=1.0, C02=1.0, C03=2.0) for n in range(3)]
        assert "outlier: C03 in all 3 pairs: 2.0000" in gain_report(high)

    def test_each_detector_has_its_own_median(self) -> None:
        lines = gain_report([pair(FIRST, "R22_S11", C00=1.0), pair(FIRST, "R22_S12", C00=2.0)]).splitlines()
        assert lines[0].endswith("1 pair, 2 detectors")
        assert lines[2] == "Detectors with outliers or with gains that were not measured: none"
        assert [line.partition(" electron")[0] for line in lines if "gain median" in line] == [
            "Detector R22_S11: gain median 1.0000",
            "Detector R22_S12: gain median 2.0000",
        ]
        assert len([line for line in lines if line.endswith("read noise (ADU):")]) == 2
        assert "outlier:" not in "".join(lines)

    def test_detectors_with_outliers_are_named_first(self) -> None:
        good = pair(FIRST, "R22_S11", C00=1.0, C01=1.0, C02=1.0)
        bad = pair(FIRST, "R22_S12", C00=1.0, C01=1.0, C02=math.nan)
        lines = gain_report([good, bad]).splitlines()
        assert lines[2] == "Detectors with outliers or with gains that were not measured: R22_S12"

    def test_what_could_not_be_measured_is_named_and_left_out_of_the_median(self) -> None:
        report = gain_report([pair(FIRST, 0, C00=1.0, C01=math.nan, C02=math.inf)])
        assert "gain median 1.0000 electron/ADU, spread 0.0000 electron/ADU, 1 value;" in report
        assert report.endswith(f"    not measured: C01, C02 in pair 1 ({FIRST}, {FIRST + 1})")
        assert "  C01      nan " in report

    def test_nothing_measured(self) -> None:
        pairs = [PairGains((FIRST, FIRST + 1), 0, {"C00": math.nan}, {})]
        assert gain_report(pairs).splitlines()[1:] == [
            f"Pair 1: {FIRST}, {FIRST + 1}",
            "Detector 0, gain (electron/ADU); median, spread and nominal; read noise (ADU):",
            "  pair     1 median spread noise",
            "  C00    nan      -      -     -",
            "  median   -      -      -     -",
            "Detector 0: none of 1 gain could be measured",
            f"    not measured: C00 in pair 1 ({FIRST}, {FIRST + 1})",
        ]

    def test_no_pairs(self) -> None:
        assert gain_report([]) == "Gains estimated from flats pairs: none"

    @pytest.mark.parametrize(("gain", "is_outlier"), [(1.009, False), (1.011, True), (0.989, True)])
    def test_equal_gains_do_not_make_outliers_of_rounding(self, gain: float, is_outlier: bool) -> None:
        report = gain_report([pair(FIRST, 0, C00=1.0, C01=1.0, C02=1.0, C03=gain)])
        assert ("outlier: C03" in report) is is_outlier

    @pytest.mark.parametrize(("gain", "is_outlier"), [(1.14, False), (1.16, True), (0.84, True)])
    def test_outliers_are_five_spreads_away(self, gain: float, is_outlier: bool) -> None:
        """The median absolute deviation of these is 0.02, so the spread is 0.02965."""
        gains = {f"C{k:02}": 1 + 0.02 * (-1) ** k for k in range(8)} | {"C10": 1.0, "C11": 1.0, "C12": gain}
        report = gain_report([pair(FIRST, 0, **gains)])
        assert ("outlier: C12" in report) is is_outlier
        assert report.count("outlier") == is_outlier

    def test_fit_of_a_photon_transfer_curve(self) -> None:
        fit = PairGains((), 0, {"C00": 1.1}, {"C00": 6.5}, noise_unit="electron")
        lines = gain_report([pair(FIRST, 0, C00=1.1), fit]).splitlines()
        assert lines[-1].endswith("2 values; read noise median 5.250 ADU; read noise median 6.500 electron")
        assert lines[0] == (
            "Gains estimated from flats pairs: 1 pair, 1 detector, and the photon transfer curve"
        )
        assert lines[2:-1] == [
            "Detector 0, gain (electron/ADU); median, spread and nominal; read noise (ADU), read noise (electron):",
            "  pair       1 curve median spread noise noise",
            "  C00    1.100 1.100  1.100      -  5.25  6.50",
            "  median 1.100 1.100  1.100      -  5.25  6.50",
        ]

    @pytest.mark.parametrize(("n_detectors", "n_pairs"), [(1, 10), (1, 30), (9, 10), (189, 10)])
    def test_every_value_is_in_a_message_that_love_can_show(self, n_detectors: int, n_pairs: int) -> None:
        names = [f"C{row}{column}" for row in (0, 1) for column in range(8)]
        pairs = [
            PairGains(
                (FIRST + 2 * n, FIRST + 2 * n + 1),
                f"R{detector // 9:02}_S{detector % 9 // 3}{detector % 3}",
                {name: 1 + (n + 40 * k) / 1e3 for k, name in enumerate(names)},
                {name: 5 + (n + 100 * k) / 1e3 for k, name in enumerate(names)},
            )
            for detector in range(n_detectors)
            for n in range(n_pairs)
        ]
        shown = messages(gain_report(pairs))
        text = "\n".join(shown)
        assert text == gain_report(pairs)
        assert max(len(message.encode()) for message in shown) < 1_000_000
        # A log of LOVE shows some hundred characters beside each other.
        tables = [line for line in text.splitlines() if re.match(r"  (pair|C\d\d|median) ", line)]
        assert max(map(len, tables)) <= 100
        values = [value for line in tables if line.startswith("  C") for value in line.split()[1:11]]
        assert sorted(values) == sorted(f"{gain:.3f}" for one in pairs for gain in one.gain.values())
        assert f"{n_pairs} pairs" in shown[0]

    @given(st.lists(st.text("ab ", min_size=1, max_size=12), max_size=20), st.integers(1, 30))
    def test_a_long_report_goes_on_in_the_next_message(self, lines: list[str], limit: int) -> None:
        text = "\n".join(lines)
        shown = messages(text, limit=limit)
        assert [line for message in shown for line in message.split("\n")] == text.splitlines()
        assert all(len(message) <= limit or "\n" not in message for message in shown)


BIAS_MADE, BIAS_VERIFIED, DARK_MADE, DARK_VERIFIED = (
    StepId(action, name) for name in ("BIAS", "DARK") for action in (Action.GENERATE, Action.VERIFY)
)


def taken(image_type: ImageType, exposures: Iterable[int], n_discarded: int = 1) -> Iterator[Event]:
    for number, exposure in enumerate(exposures):
        yield ExposureTaken(image_type, exposure, 0.0, number < n_discarded)


class TestRunSummary:
    def test_everything(self) -> None:
        bias, dark = ImageType.BIAS, ImageType.DARK
        certifying = StepId(Action.CERTIFY, "DARK")
        steps = (BIAS_MADE, BIAS_VERIFIED, DARK_MADE, DARK_VERIFIED, certifying)
        state = state_of(
            (
                Planned((PlannedSet(bias, 20, 1), PlannedSet(dark, 22, 1)), steps),
                *taken(bias, range(1, 22)),
                *taken(dark, range(22, 45)),
                ImageSetClosed(dark, tuple(range(23, 43)), (0,), (43, 44)),
                JobSubmitted(BIAS_MADE, "", "", ""),
                JobStarted(BIAS_MADE, "0a1b"),
                StepEnded(BIAS_MADE, StepOutcome.DONE),
                JobSubmitted(BIAS_VERIFIED, "", "", ""),
                JobStarted(BIAS_VERIFIED, "2c3d"),
                StepEnded(BIAS_VERIFIED, StepOutcome.DONE),
                JobSubmitted(DARK_MADE, "", "", ""),
                StepEnded(DARK_MADE, StepOutcome.FAILED, "exit code 1"),
                StepEnded(DARK_VERIFIED, StepOutcome.CANCELLED),
                StepEnded(certifying, StepOutcome.CANCELLED),
                Certified("BIAS", "LATISS/calib/daily", "1950-01-01", "2050-01-01", ("a",), False),
                Failed("GENERATE DARK: exit code 1."),
                Warned("2 darks did not arrive."),
                Warned("A second one."),
                Ended(RunOutcome.FAILED),
            )
        )
        text = run_summary(state, "auxtel/make_latiss_calibrations.py", {"n_dark": 22})
        assert text.splitlines() == [
            "auxtel/make_latiss_calibrations.py ends FAILED: "
            "44 images taken, 1 product certified, 2 steps cancelled, 1 failure, 2 warnings.",
            "Images taken:",
            "    BIAS: 20: 2..21; discarded 1",
            "    DARK: 20 of 22 wanted: 23..42; discarded 22; left out 43..44",
            "Steps:",
            "    GENERATE BIAS: done (job 0a1b, collection u/ocps/0a1b)",
            "    VERIFY BIAS: passed (job 2c3d, collection u/ocps/2c3d)",
            "    GENERATE DARK: failed",
            "    VERIFY DARK: cancelled",
            "    CERTIFY DARK: cancelled",
            "Certified:",
            "    BIAS in LATISS/calib/daily, valid 1950-01-01 .. 2050-01-01 (TAI)",
            "NOT certified:",
            "    DARK: a step it needs failed",
            "Failures:",
            "    GENERATE DARK: exit code 1.",
            "Warnings:",
            "    2 darks did not arrive.",
            "    A second one.",
            "What to do next:",
            "    To resume with these images, queue the script with the configuration below. "
            "With this configuration no image is taken:",
            "calib_collection: LATISS/calib/daily.resumed",
            "exposures:",
            "  BIAS: [2..21]",
            "  DARK: [23..42]",
            "n_dark: 22",
        ]

    def test_nothing(self) -> None:
        assert run_summary(state_of([Ended(RunOutcome.STOPPED)]), "a.py", {}).splitlines() == [
            "a.py ends STOPPED: 0 images taken, 0 products certified, 0 failures, 0 warnings.",
            "Images taken:",
            "    none",
            "Certified:",
            "    nothing",
        ]

    def test_open_validity_without_verification(self) -> None:
        state = state_of([Certified("PTC", "c", None, None, ("a",), True)])
        line = "    PTC in c, valid always before .. open (TAI), without verification"
        assert line in run_summary(state, "a.py", {}).splitlines()
