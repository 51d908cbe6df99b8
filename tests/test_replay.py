"""Replaying a record: the same products from a shell script, and nothing of a record is ever executed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from astropy.nddata import CCDData
from astropy.table import Table
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lsst.daf.butler import Butler, CollectionType
from quick_programs import quick_programs
from recorded import Rehearsed, about, recorded_run, rehearsed_once

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.events.events import (
    Certified,
    Event,
    JobEnded,
    JobOutcome,
    JobStarted,
    JobSubmitted,
    Stage,
    StageReached,
    Verdicted,
    Warned,
)
from lsst.ts.calibscripts.plan import StepId
from lsst.ts.calibscripts.record import Record, open_record, read_record
from lsst.ts.calibscripts.record.replay import replay_script
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.datasets.types import PhotonTransferCurve
from lsst.ts.calibscripts.summit.ocps.pipetask import PIPELINES
from lsst.ts.calibscripts.testing.memory import Behaviour, Verification

GENERATING = {
    "generate_calibrations": True,
    "n_bias": 3,
    "n_dark": 3,
    "exp_times_dark": 30,
    "n_flat": 2,
    "calib_collection": "LATISS/calib/daily/test",
    # More than a detector has amplifiers: three images are too few to pass otherwise.
    "number_verification_tests_threshold_bias": 17,
    "number_verification_tests_threshold_dark": 17,
}


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    return rehearsed_once(tmp_path_factory.getbasetemp())


def bash(script: Path, *arguments: str, path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script with a shell, with the programs of a directory."""
    programs = os.pathsep.join([str(path), os.environ["PATH"]])
    return subprocess.run(
        ["bash", str(script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment | {"PATH": programs},
    )


def test_the_script_makes_the_same_products_in_a_copy_of_the_repository(tmp_path: Path, rehearsed: Rehearsed):
    record = rehearsed.record
    copy = shutil.copytree(rehearsed.repo, tmp_path / "copy")
    script = tmp_path / "replay.sh"
    told = CliRunner().invoke(main, ["replay", str(record.path), "--output", str(script)])
    assert told.exit_code == 0, told.output
    assert os.access(script, os.X_OK)
    with quick_programs() as programs:
        ran = bash(
            script,
            str(copy),
            path=programs,
            PREFIX="u/somebody/replay",
            PROCESSES="1",
            CP_PIPE_DIR=str(PIPELINES / "cp_pipe"),
            CP_VERIFY_DIR=str(PIPELINES / "cp_verify"),
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with Butler.from_config(str(copy)) as butler:
        for dataset_type in ("bias", "dark", "flat", "defects", "ptc"):
            original, repeated = _pair(butler, dataset_type)
            assert _content(original) == _content(repeated)
        statistics = butler.query_datasets("verifyDarkStats", "u/somebody/replay/verify-dark/run")
        job = record.job(StepId.read("VERIFY DARK"))
        assert job is not None
        (first,) = butler.query_datasets("verifyDarkStats", f"{job.collection}/run")
        assert [butler.get(ref) for ref in statistics] == [butler.get(first)]


def _pair(butler: Butler, dataset_type: str) -> tuple[Any, Any]:
    """Return what the run certified and what the script did, for the same times."""
    found = []
    for collection in ("LATISS/calib/daily/test", "u/somebody/replay/calib"):
        (association,) = butler.registry.queryDatasetAssociations(
            dataset_type, collections=collection, collectionTypes={CollectionType.CALIBRATION}
        )
        found.append(association)
    assert found[0].ref.id != found[1].ref.id
    assert (found[0].ref.dataId, found[0].timespan) == (found[1].ref.dataId, found[1].timespan)
    return butler.get(found[0].ref), butler.get(found[1].ref)


def _content(dataset: Any) -> Any:
    """Return what must be the same, without the provenance."""
    match dataset:
        case CCDData():
            return dataset.data.tobytes(), str(dataset.unit)
        case Table():
            return [tuple(row) for row in dataset]
        case PhotonTransferCurve():
            return repr(replace(dataset, provenance={}))
    raise AssertionError(type(dataset))


async def test_what_failed_verification_is_made_but_not_certified(tmp_path: Path):
    record, _ = await recorded_run(tmp_path, GENERATING, verifications={"verifyFlat": Verification.FAILS})
    lines = replay_script(record).splitlines()
    commands = [line for line in lines if line.startswith("butler certify-calibrations")]
    assert [line.split()[5] for line in commands] == ["bias", "dark"]
    assert any(line.startswith("# FLAT was NOT certified: FLAT calibration failed") for line in lines)
    assert not any("certify-calibrations" in line and "flat" in line for line in lines)
    assert "echo '== VERIFY FLAT =='" in lines


async def test_jobs_that_the_run_aborted_are_comments(tmp_path: Path):
    record, outcome = await recorded_run(
        tmp_path, GENERATING, stop="All images taken.*", usual=Behaviour(seconds=90.0)
    )
    assert outcome.state is ScriptState.STOPPED
    assert {job.aborted for job in record.jobs} == {True, False}
    text = replay_script(record)
    for job in record.jobs:
        assert f"\n# {job.step}: OCPS job {job.job_id}" in text
        assert (f"\necho '== {job.step} =='\n" in text) is not job.aborted
    assert "\n# BIAS was NOT certified: the run ended before it was verified.\n" in text


async def test_what_passed_and_could_not_be_certified_can_be_by_hand(tmp_path: Path):
    recorder = open_record(about(GENERATING), warn=pytest.fail, directory=tmp_path)
    for event in (
        JobSubmitted(StepId.read("GENERATE BIAS"), "cpBias.yaml", "-j 1 -i a", "x"),
        JobStarted(StepId.read("GENERATE BIAS"), "01"),
        JobEnded(StepId.read("GENERATE BIAS"), "01", 0, JobOutcome.COMPLETED),
        StageReached("BIAS", Stage.VERIFIED),
        Verdicted("BIAS", True, "u/ocps/02", "BIAS calibration passed", 3, 0, 3),
        StageReached("BIAS", Stage.FAILED),
    ):
        recorder(event)
    recorder.close()
    lines = replay_script(read_record(recorder.path)).splitlines()
    assert lines[-1] == (
        '# butler certify-calibrations "$REPO" "$PREFIX/generate-bias/run" "$CALIB_COLLECTION" bias '
        "--begin-date 1950-01-01 --end-date 2050-01-01"
    )


async def test_a_job_that_failed_does_not_end_the_script(tmp_path: Path):
    record, _ = await recorded_run(tmp_path, GENERATING, faults=["job-error:of=cpPtcGainFromFlatPairs"])
    job = record.job(StepId.read("GENERATE GAIN"))
    assert job is not None
    assert job.result is not None
    assert job.result.exit_code == 1
    text = replay_script(record)
    assert "|| \\\n    echo 'GENERATE GAIN failed, as it did in the run.' >&2" in text


def test_what_is_no_record_is_said(tmp_path: Path):
    path = tmp_path / "x.jsonl"
    path.write_text("no record\n")
    told = CliRunner().invoke(main, ["replay", str(path)])
    assert told.exit_code == 1
    assert "not JSON" in told.output


# Quoting.

_STUB = f"""#!{sys.executable}
import json, os, sys
with open(os.environ["CALLS"], "a") as file:
    file.write(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
"""


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with programs of the names of pipetask and butler that note down how they are called."""
    directory = tmp_path_factory.mktemp("stubs")
    for name in ("pipetask", "butler"):
        (directory / name).write_text(_STUB)
        (directory / name).chmod(0o755)
    return directory


def record_of(directory: Path, repo: str, *events: Event) -> Record:
    told = replace(about(), config={"repo": repo})
    recorder = open_record(told, warn=pytest.fail, directory=directory)
    for event in events:
        recorder(event)
    recorder.close()
    return read_record(recorder.path)


def called(
    stubs: Path, directory: Path, text: str, environment: Iterable[tuple[str, str]]
) -> list[list[str]]:
    script, calls = directory / "replay.sh", directory / "calls"
    script.write_text(text)
    calls.write_text("")
    ran = bash(script, path=stubs, CALLS=str(calls), PREFIX="p", PROCESSES="4", **dict(environment))
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in calls.read_text().splitlines()]


NASTY = "a b'c\"d $(touch x) `touch y` ; rm -rf z & \\ | < > * ~ #! é\n#\r\ntouch w }"
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=words, pipeline=words, option=words, collection=words, told=words, repo=words)
@example(query=NASTY, pipeline=NASTY, option=NASTY, collection=NASTY, told=NASTY, repo=NASTY)
@example(query="detector IN (0) AND x='y'", pipeline="p", option="-", collection="c", told="$x", repo="}")
def test_nothing_of_a_record_is_executed(
    tmp_path: Path, stubs: Path, query: str, pipeline: str, option: str, collection: str, told: str, repo: str
):
    collection = collection.replace(",", "_")
    config = f"-j 8 -i {shlex.quote(collection)} {shlex.quote(option)} -c {shlex.quote(told)}"
    record = record_of(
        tmp_path,
        repo,
        JobSubmitted(StepId.read("GENERATE BIAS"), pipeline, config, query),
        JobStarted(StepId.read("GENERATE BIAS"), told),
        JobEnded(StepId.read("GENERATE BIAS"), told, 1, JobOutcome.FAILED, told),
        Certified("BIAS", collection, told, None, (told,), True),
        Warned(told),
    )
    before = set(tmp_path.iterdir())
    pipetask, butler = called(stubs, tmp_path, replay_script(record), [("CP_PIPE_DIR", "/pipe")])
    assert set(tmp_path.iterdir()) - before <= {tmp_path / "replay.sh", tmp_path / "calls"}
    assert pipetask == [
        *("pipetask", "--long-log", "run", "-b", repo, "-p", pipeline),
        *("-i", f"{collection},LATISS/raw/all"),
        *("-o", "p/generate-bias", "--output-run", "p/generate-bias/run"),
        *("-d", query, "-j", "4", option, "-c", told),
    ]
    assert butler == [
        "butler",
        "certify-calibrations",
        repo,
        "p/generate-bias/run",
        "p/calib",
        "bias",
        "--begin-date",
        told,
    ]
