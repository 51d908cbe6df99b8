"""Verification of what is no combined image: where cp_verify has a pipeline for it, it decides what is certified."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_memory import run_in_memory

from lsst.ts.calibscripts.errors import StatisticsError
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Outcome
from lsst.ts.calibscripts.testing.memory import (
    Behaviour,
    MemoryButler,
    Verification,
    reference_calibrations,
)
from lsst.ts.calibscripts.verification.detectors import judge_detectors
from lsst.ts.calibscripts.verification.words import failure_report, verdict_line

EVERYTHING = {
    "generate_calibrations": True,
    "do_defects": True,
    "do_ptc": True,
    "n_bias": 3,
    "n_dark": 3,
    "exp_times_dark": 5,
    "exp_times_flat": [1, 1, 2, 2, 4, 4],
}


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *products: str) -> None:
    """Install pipelines that verify these."""
    monkeypatch.delenv("CP_PIPE_DIR", raising=False)
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(tmp_path / "records"))
    monkeypatch.setenv("CP_VERIFY_DIR", str(tmp_path))
    directory = tmp_path / "pipelines" / "LATISS"
    directory.mkdir(parents=True)
    for name in ("Bias", "Dark", "Flat", *products):
        (directory / f"verify{name}.yaml").write_text("description: x\ntasks:\n  verify: a.Task\n")


async def run(
    outcomes: Mapping[str, Verification] = {}, *, visits: bool | None = True, **config: object
) -> tuple[Outcome, list[LogLine], dict[str, list[str]]]:
    """Run with what the verification jobs find, by the names of their pipelines."""
    butler = MemoryButler(visits=visits)
    jobs: list[str] = []
    reference_calibrations(butler, "LATISS", (0,), ("bias", "dark", "flat", "camera"))

    def behave(job: Job) -> Behaviour:
        jobs.append(job.name)
        return Behaviour(verification=outcomes.get(job.name, Verification.PASSES))

    outcome, log, certified = await run_in_memory(butler, behave, EVERYTHING | config)
    return outcome, log, {"jobs": jobs, "certified": certified}


MERGES_BY_VISIT = """
description: x
tasks:
  verifyDefectsExp: lsst.cp.verify.CpVerifyVisitExpMergeTask
"""


@pytest.mark.parametrize("visits", [True, False, None])
async def test_flats_without_visits_cannot_verify_defects(
    visits: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch)
    (tmp_path / "pipelines/LATISS/verifyDefects.yaml").write_text(MERGES_BY_VISIT)
    outcome, _, found = await run(visits=visits)
    if visits is not False:
        assert outcome.state is ScriptState.DONE, outcome.reason
        return
    assert outcome.state is ScriptState.FAILED
    assert "No image was taken. VERIFY DEFECTS: " in outcome.reason
    assert "works on visits, but none of the latest flats have one in /repo/LATISS" in outcome.reason
    assert found["jobs"] == []
    outcome, _, _ = await run(visits=False, do_verify_products=False)
    assert outcome.state is ScriptState.DONE, outcome.reason


async def test_what_passes_is_certified_as_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "Defects", "Ptc")
    outcome, log, found = await run()
    assert outcome.state is ScriptState.DONE, outcome.reason
    assert {"verifyDefects", "verifyPtc"} <= set(found["jobs"])
    assert found["certified"] == ["bias", "dark", "defects", "flat", "ptc"]
    assert not any("WITHOUT verification" in line.message for line in log)
    assert any("PTC: 0 of 1 detectors failed, limit 1: verification passed" in line.message for line in log)


async def test_where_cp_verify_has_none_they_are_certified_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "Ptc")
    outcome, log, found = await run()
    assert outcome.state is ScriptState.DONE, outcome.reason
    assert found["certified"] == ["bias", "dark", "defects", "flat", "ptc"]
    warned = [
        line.message
        for line in log
        if "was certified WITHOUT verification" in line.message.partition("\n")[0]
    ]
    assert [text.partition(" ")[0] for text in warned] == ["DEFECTS"]


async def test_everything_there_is_can_be_made_in_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "Defects", "Ptc", "Linearizer")
    outcome, _, found = await run(do_linearizer=True, do_cti=True, do_bfk=True)
    assert outcome.state is ScriptState.DONE, outcome.reason
    assert found["certified"] == ["bfk", "bias", "cti", "dark", "defects", "flat", "linearizer", "ptc"]
    assert {"verifyDefects", "verifyPtc", "verifyLinearizer"} <= set(found["jobs"])
    made = [name for name in found["jobs"] if name.startswith("cp")]
    assert made.index("cpDefects") < made.index("cpLinearizer") < made.index("cpCti") < made.index("cpBfk")


@pytest.mark.parametrize("property_name", ["do_verify_products", "do_verify"])
async def test_they_need_not_be_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, property_name: str
) -> None:
    install(tmp_path, monkeypatch, "Defects", "Ptc")
    outcome, _, found = await run(**{property_name: False})
    assert outcome.state is ScriptState.DONE, outcome.reason
    assert not {"verifyDefects", "verifyPtc"} & set(found["jobs"])
    assert found["certified"] == ["bias", "dark", "defects", "flat", "ptc"]


@pytest.mark.parametrize(
    ("product", "outcome"),
    [
        ("Ptc", Verification.FAILS),
        ("Ptc", Verification.MISSING),
        ("Defects", Verification.FAILS),
        ("Defects", Verification.UNEXPLAINED),
        ("Defects", Verification.MISSING),
    ],
)
async def test_what_fails_is_not_certified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, product: str, outcome: Verification
) -> None:
    install(tmp_path, monkeypatch, "Defects", "Ptc")
    ended, _, found = await run({f"verify{product}": outcome})
    assert ended.state is ScriptState.FAILED
    assert product.upper() in ended.reason
    assert product.lower() not in found["certified"]
    others = {"bias", "dark", "flat", "defects", "ptc"} - {product.lower()}
    assert set(found["certified"]) == others


async def test_the_numbers_of_a_failure_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "Ptc")
    ended, log, _ = await run({"verifyPtc": Verification.FAILS}, do_defects=False)
    assert "PTC: 1 of 1 detectors failed, limit 1: NOT certified" in ended.reason
    text = next(
        line.message for line in log if "NOISE failed in 16 of 16 amplifiers (limit 9)" in line.message
    )
    assert "RXX_S00 failed" in text
    assert "Exposure ID" not in text


NAMES = {number: f"R22_S{number // 3}{number % 3}" for number in range(9)}


def of_detector(failed: int, of: int = 16, *, whole: bool = False) -> dict[str, Any]:
    """Return statistics of a detector of which a test has failed in some amplifiers."""
    amplifiers = {
        f"C{n:02}": {"PTC_GAIN": n >= failed, "OTHER": True, "SUCCESS": n >= failed} for n in range(of)
    }
    verify = {"AMP": amplifiers, **({"DET": {"WHOLE": False, "SUCCESS": False}} if whole else {})}
    return {"VERIFY": verify, "SUCCESS": not (failed or whole)}


@given(st.lists(st.integers(0, 16), min_size=1, max_size=9), st.sampled_from([8, 16]))
def test_a_detector_fails_by_a_majority_of_its_amplifiers_and_the_product_by_one_of_detectors(
    failed: list[int], amplifiers: int
) -> None:
    statistics = {(0, d): of_detector(min(n, amplifiers), amplifiers) for d, n in enumerate(failed)}
    verdict = judge_detectors("PTC", statistics, range(len(failed)), NAMES)
    bad = [d for d, n in enumerate(failed) if 2 * min(n, amplifiers) > amplifiers]
    assert list(verdict.failed_exposures) == bad
    assert verdict.passed == (2 * len(bad) <= len(failed))
    assert verdict.judged
    assert verdict.clean == (not any(failed))
    assert f"{len(bad)} of {len(failed)} detectors failed" in verdict_line(verdict, generating=True)


def test_a_test_of_a_detector_as_a_whole_fails_it() -> None:
    statistics = {(0, 0): of_detector(0, whole=True), (0, 1): of_detector(1)}
    verdict = judge_detectors("PTC", statistics, [0, 1], NAMES)
    assert verdict.failed_exposures == (0,)
    assert verdict.passed
    text = failure_report(verdict, None, "u/ocps/1")
    assert "R22_S00 failed: WHOLE failed in the detector as a whole" in text
    assert "R22_S01 passed: PTC_GAIN failed in 1 of 16 amplifiers (limit 9)" in text


def test_a_detector_without_statistics_is_missing_and_one_without_reasons_has_failed() -> None:
    vague = {"VERIFY": {"AMP": {}}, "SUCCESS": False}
    verdict = judge_detectors("PTC", {(0, 1): vague}, [0, 1, 2], NAMES)
    assert (verdict.missing, verdict.unexplained) == ((0, 2), (1,))
    assert not verdict.passed
    text = failure_report(verdict, None, "u/ocps/1")
    assert "detector 0 was not verified (no statistics, or no test in them)" in text
    assert "detector 1 failed, and the statistics do not say in which tests" in text


@pytest.mark.parametrize("tests", [{}, {"AMP": {}}, {"AMP": {"C00": {"SUCCESS": True}}, "DET": {}}])
def test_a_detector_that_succeeded_without_a_test_was_not_verified(tests: dict[str, Any]) -> None:
    untested = {"VERIFY": tests, "AMP": {"C00": {"PTC_GAIN": 1.0}}, "SUCCESS": True}
    verdict = judge_detectors("PTC", {(0, 0): untested, (0, 1): of_detector(0)}, [0, 1], NAMES)
    assert verdict.missing == (0,)
    assert not verdict.passed


def test_what_failed_has_failed_whatever_else_was_not_tested() -> None:
    untested = {"VERIFY": {"AMP": {}}, "SUCCESS": True}
    statistics = {(exposure, 0): of_detector(16) for exposure in range(4)} | {(4, 0): untested}
    verdict = judge_detectors("GAIN", statistics, [0], NAMES)
    assert verdict.judged
    assert verdict.failed_exposures == (0,)


@given(st.lists(st.booleans(), min_size=1, max_size=5))
def test_of_several_statistics_of_a_detector_a_majority_counts(pairs: list[bool]) -> None:
    statistics = {(exposure, 0): of_detector(16 if bad else 0) for exposure, bad in enumerate(pairs)}
    verdict = judge_detectors("GAIN", statistics, [0], NAMES)
    assert verdict.passed == (2 * sum(pairs) <= len(pairs))


@pytest.mark.parametrize("shape", [[], {"VERIFY": {"AMP": []}, "SUCCESS": True}, {"VERIFY": {"AMP": {}}}])
def test_unknown_shapes_are_errors(shape: Any) -> None:
    with pytest.raises(StatisticsError):
        judge_detectors("PTC", {(0, 0): shape}, [0], NAMES)
