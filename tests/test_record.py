"""The record of a run: complete, cheap, never in the way, and readable whatever became of its writer."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from effort import calls
from recorded import about, recorded_run

from lsst.ts.calibscripts.events.events import (
    CertificationRefused,
    Certified,
    Compared,
    DatasetsMade,
    Doubtful,
    Ended,
    Event,
    ExposuresAdopted,
    ExposureTaken,
    ExposureTimesRead,
    Failed,
    FilterFound,
    FlatDarkTaken,
    FlatTimeFound,
    ImageArrived,
    ImageSetClosed,
    JobEnded,
    JobOutcome,
    JobStarted,
    JobSubmitted,
    LevelMeasured,
    Opposed,
    OutputsFound,
    Planned,
    PlannedSet,
    ReferenceFound,
    RunOutcome,
    SetGivenUp,
    Stage,
    StageReached,
    StepEnded,
    StepOutcome,
    TooFewPairs,
    TrialFlatTaken,
    Verdicted,
    Warned,
)
from lsst.ts.calibscripts.events.parts import StepStanding
from lsst.ts.calibscripts.events.resume import resumption
from lsst.ts.calibscripts.ground.home import home_directory, provide_home, user_name
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.record import (
    Record,
    RecordError,
    find_records,
    open_record,
    read_record,
    record_directory,
)
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.tables.products import ImageType
from lsst.ts.calibscripts.testing.memory import Verification

BIAS_MADE, BIAS_CERTIFIED = StepId(Action.GENERATE, "BIAS"), StepId(Action.CERTIFY, "BIAS")
ONE_OF_EACH: tuple[Event, ...] = (
    Planned((PlannedSet(ImageType.BIAS, 2, 1, (1, 2)),), (BIAS_MADE, BIAS_CERTIFIED), {"BIAS": ("PTC",)}),
    ReferenceFound("bias", "old/run", None, (0, 2), "1970-01-01", None, "2025-01-03", 690, 400.0),
    StageReached("BIAS", Stage.TAKING),
    ExposureTaken(ImageType.BIAS, 2026091800001, 0.0, True),
    ExposuresAdopted(ImageType.DARK, (1, 2)),
    ExposureTimesRead((1, 2), (0.5, 1.5)),
    ImageArrived(2026091800001, 0, 1, "no “header”\nno file"),
    LevelMeasured(2026091800001, 20000.5),
    TrialFlatTaken(2026091800001, 2.5),
    FlatDarkTaken(2026091800009, 2.5),
    FlatTimeFound(5.0, 20000.5, 20000.0, 2, 1.25, "SDSSr_65mm~empty"),
    FilterFound("SDSSr_65mm~empty"),
    ImageSetClosed(ImageType.BIAS, (2026091800002,), (0,), (2026091800003,), (1, 2)),
    SetGivenUp(ImageType.FLAT, "too dark"),
    TooFewPairs(StepId(Action.GENERATE, "PTC")),
    JobSubmitted(BIAS_MADE, "${CP_PIPE_DIR}/x.yaml", "-j 8 -i a,b", "instrument='LATISS'"),
    JobStarted(BIAS_MADE, "0123"),
    JobEnded(BIAS_MADE, None, None, JobOutcome.FAILED, "rejected"),
    OutputsFound(BIAS_MADE, "u/ocps/0123/run", (0, 1)),
    DatasetsMade(BIAS_MADE, ("a", "b")),
    StepEnded(BIAS_CERTIFIED, StepOutcome.CANCELLED, "a reason"),
    Verdicted("BIAS", False, "u/ocps/0123", "BIAS calibration failed", 3, 3, 3, judged=False),
    Compared("BIAS", ("old/run",), (), ("RXX_S00 C00",), True),
    Certified("BIAS", "LATISS/calib/daily", "1950-01-01", None, ("a", "b"), True),
    Doubtful("DARK", "LATISS/calib/daily"),
    CertificationRefused("FLAT", "LATISS/calib/daily"),
    Opposed("BIAS", "0f3add403335"),
    Warned("a warning"),
    Failed("one thing"),
    Ended(RunOutcome.FAILED),
)
GENERATING = {
    "generate_calibrations": True,
    **dict.fromkeys(("n_bias", "n_dark", "n_flat"), 4),
    "exp_times_dark": 30,
    "calib_collection": "LATISS/calib/daily/test",
}


def test_every_kind_of_event_is_among_them():
    assert {type(event) for event in ONE_OF_EACH} == {*get_args(Event)}


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_every_event_is_read_as_it_was_reported(tmp_path: Path, event: Event):
    recorder = open_record(about(), warn=pytest.fail, directory=tmp_path)
    recorder(event)
    recorder.close()
    assert [entry.event for entry in read_record(recorder.path).entries] == [event]


def test_the_header_tells_configuration_and_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SETUP_CP_PIPE", "cp_pipe g1234abc+5 -f Linux64 -Z /opt/lsst")
    monkeypatch.delenv("SETUP_CP_VERIFY", raising=False)
    monkeypatch.setenv("CP_PIPE_DIR", "/opt/lsst/cp_pipe")
    recorder = open_record(about({"n_bias": 7}), warn=pytest.fail, directory=tmp_path)
    recorder.close()
    record = read_record(recorder.path)
    assert record.about == about({"n_bias": 7})
    assert record.about.given == {"n_bias": 7}
    assert record.about.config["calib_collection"] == "LATISS/calib/daily"
    assert record.header.versions["cp_pipe"] == "g1234abc+5"
    assert record.header.versions["cp_verify"] == "unknown"
    assert {"calibscripts", "daf_butler", "python"} <= record.header.versions.keys()
    assert record.header.environment["CP_PIPE_DIR"] == "/opt/lsst/cp_pipe"


def test_times_are_tai_and_of_the_clock_that_was_given(tmp_path: Path):
    seconds = iter([100.0, 107.5])
    recorder = open_record(about(), warn=pytest.fail, directory=tmp_path, clock=lambda: next(seconds))
    recorder(Warned("x"))
    recorder.close()
    record = read_record(recorder.path)
    utc = datetime.now(UTC).replace(tzinfo=None)
    # TAI has been 37 s ahead of UTC since 2017.
    assert timedelta(seconds=36) < record.begun - utc + timedelta(seconds=5) < timedelta(seconds=43)
    assert (record.begun_loop, record.entries[0].loop, record.seconds) == (100.0, 107.5, 7.5)


def test_records_go_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(tmp_path / "here"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert record_directory() == tmp_path / "here"
    monkeypatch.delenv("CALIBSCRIPTS_RECORD_DIR")
    assert record_directory() == tmp_path / "state" / "calibscripts"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert record_directory() == tmp_path / "home" / ".local" / "state" / "calibscripts"


NOBODY = 54_321
"""A user id without a name."""


@pytest.fixture
def without_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the test as a user without a name and without a home directory, as containers have them."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    for name in ("HOME", "XDG_STATE_HOME", "CALIBSCRIPTS_RECORD_DIR", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    os.seteuid(NOBODY)
    # What looks for a home directory asks for the real user.
    monkeypatch.setattr(os, "getuid", lambda: NOBODY)
    yield
    os.seteuid(0)


@pytest.mark.usefixtures("without_home")
def test_a_user_without_a_home_directory_has_no_record_and_one_warning():
    warnings: list[str] = []
    recorder = open_record(about(), warn=warnings.append)
    recorder(Warned("x"))
    recorder.close()
    assert recorder.problem
    (text,) = warnings
    assert "HOME is not set and user 54321 has no home directory; set CALIBSCRIPTS_RECORD_DIR" in text
    assert "The run is not affected" in text
    assert user_name() == str(NOBODY)
    with pytest.raises(FileNotFoundError, match="no directory for records: HOME is not set"):
        record_directory()


@pytest.mark.usefixtures("without_home")
def test_libraries_get_a_home_directory_which_is_none_for_records(monkeypatch: pytest.MonkeyPatch):
    # Set here first, so that they are as before afterwards.
    for name in ("HOME", "USER", "CALIBSCRIPTS_PROVIDED_HOME"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    provide_home()
    provided = Path.home()
    assert provided.is_dir()
    assert os.environ["USER"] == str(NOBODY)
    provide_home()
    assert Path.home() == provided
    assert home_directory() is None
    with pytest.raises(FileNotFoundError, match="no directory for records"):
        record_directory()
    provided.rmdir()


def test_who_has_a_home_directory_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USER", "me")
    provide_home()
    assert os.environ["USER"] == "me"
    assert home_directory() == tmp_path


def test_records_are_found_by_instrument_the_oldest_first(tmp_path: Path):
    assert find_records(tmp_path / "none") == ()
    for name in ("LSSTCam_20260101T000000_a", "LATISS_20260301T000000_b", "LATISS_20260201T000000_c"):
        (tmp_path / f"{name}.jsonl").touch()
    (tmp_path / "LATISS_20260201T000000_c.html").touch()
    assert [path.stem[-1] for path in find_records(tmp_path)] == ["a", "c", "b"]
    assert [path.stem[-1] for path in find_records(tmp_path, "LATISS")] == ["c", "b"]


def test_a_directory_that_cannot_be_written_to_is_one_warning(tmp_path: Path):
    (tmp_path / "file").touch()
    warnings: list[str] = []
    recorder = open_record(about(), warn=warnings.append, directory=tmp_path / "file" / "records")
    for event in ONE_OF_EACH:
        recorder(event)
    recorder.close()
    recorder.close()
    (warning,) = warnings
    assert str(recorder.path) in warning
    assert "The run is not affected" in warning


def test_a_file_that_may_not_grow_is_one_warning_and_keeps_what_it_had(tmp_path: Path):
    warnings: list[str] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    recorder = open_record(about(), warn=warnings.append, directory=tmp_path)
    recorder(Warned("before"))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        for _ in range(1000):
            recorder(Warned("x" * 100))
        recorder.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    recorder(Warned("after"))
    assert len(warnings) == 1
    assert "File too large" in warnings[0]
    record = read_record(recorder.path)
    assert next(record.events(Warned)) == Warned("before")
    assert "after" not in record.state.warnings


async def test_closing_does_not_block_the_event_loop(tmp_path: Path):
    recorder = open_record(about(), warn=pytest.fail, directory=tmp_path)
    for _ in range(20_000):
        recorder(ImageArrived(2026091800001, 0, 0))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(tick())
        await recorder.aclose()
        ticking.cancel()
    assert ticks > 10
    assert recorder.path.read_text().count("ImageArrived") == 20_000


def test_an_event_costs_the_event_loop_far_less_than_writing_it(tmp_path: Path):
    """189 detectors and 65 exposures, as when all are announced at once."""
    arrivals = [ImageArrived(2026091800000 + e, d, 0) for e in range(65) for d in range(189)]

    recorder = open_record(about(), warn=pytest.fail, directory=tmp_path)
    # JSON, written and flushed, would be twice as many.
    assert calls(lambda: [recorder(arrival) for arrival in arrivals]) < 6 * len(arrivals)
    recorder.close()
    assert recorder.path.stat().st_size < 200 * len(arrivals)


WRITER = """
import sys, time
from pathlib import Path
from recorded import about
from lsst.ts.calibscripts.events.events import ExposureTaken
from lsst.ts.calibscripts.record import open_record
from lsst.ts.calibscripts.tables.products import ImageType

recorder = open_record(about(), warn=print, directory=Path(sys.argv[1]))
for number in range(1, 6):
    recorder(ExposureTaken(ImageType.BIAS, number, 0.0, False))
while recorder.path.read_text().count("ExposureTaken") < 5 if recorder.path.exists() else True:
    time.sleep(0.001)
print("written", flush=True)
time.sleep(600)
"""


def test_what_happened_before_a_kill_is_there(tmp_path: Path):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        writer.send_signal(signal.SIGKILL)
    (path,) = find_records(tmp_path)
    record = read_record(path)
    assert record.state.sets[ImageType.BIAS].kept == (1, 2, 3, 4, 5)
    assert (record.outcome, record.state.ended) == (RunOutcome.UNFINISHED, None)


def written(tmp_path: Path) -> Path:
    recorder = open_record(about(), warn=pytest.fail, directory=tmp_path)
    for event in ONE_OF_EACH:
        recorder(event)
    recorder.close()
    return recorder.path


def test_a_torn_last_line_is_left_out(tmp_path: Path):
    path = written(tmp_path)
    whole = path.read_text()
    for cut in range(1, 40):
        path.write_text(whole[:-cut])
        record = read_record(path)
        assert record.torn
        assert [entry.event for entry in record.entries] == list(ONE_OF_EACH[:-1])
    path.write_text(whole)
    record = read_record(path)
    assert not record.torn
    state = record.state
    assert state.outcome is RunOutcome.FAILED
    assert state.standing(BIAS_CERTIFIED) is StepStanding.CANCELLED
    assert [*state.steps][:2] == [BIAS_MADE, BIAS_CERTIFIED]
    assert (state.failures, state.warnings) == (("one thing",), ("a warning",))


def test_a_letter_cut_in_two_is_a_torn_line(tmp_path: Path):
    path = written(tmp_path)
    path.write_bytes(path.read_bytes() + '{"event":"Warned","message":"“'.encode()[:-1])
    assert read_record(path).torn


def test_events_and_fields_of_a_newer_version_are_left_out(tmp_path: Path):
    path = written(tmp_path)
    lines = path.read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | {"mood": "good"})
    lines.insert(2, '{"event":"Invented","tai":"2026-01-01T00:00:00","loop":1.0}')
    path.write_text("\n".join(lines) + "\n")
    assert [entry.event for entry in read_record(path).entries] == list(ONE_OF_EACH)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no complete line"),
        ('{"record":1', "no complete line"),
        ('{"some":"json"}\n', "not a header"),
        ("nonsense\n", "line 1: column 1: not JSON: Expecting value"),
        ("[1]\n", "line 1 is not a JSON object"),
        ('{"record":99}\n', "newer version"),
        ('{"record":1}\n', "line 1"),
    ],
)
def test_what_is_no_record_is_said(tmp_path: Path, content: str, told: str):
    path = tmp_path / "LATISS_x.jsonl"
    path.write_text(content)
    with pytest.raises(RecordError, match=told):
        read_record(path)


def test_damage_in_the_middle_is_reported_with_its_line(tmp_path: Path):
    path = written(tmp_path)
    lines = path.read_text().splitlines(keepends=True)
    for damaged in (
        "garbage\n",
        '{"event":"Warned","tai":"2026-01-01T00:00:00","loop":1}\n',
        '{"event":"Warned","tai":"2026-01-01T00:00:00","loop":{},"message":"x"}\n',
    ):
        path.write_text("".join([*lines[:3], damaged, *lines[4:]]))
        with pytest.raises(RecordError, match="line 4"):
            read_record(path)


def test_a_missing_file_is_said(tmp_path: Path):
    with pytest.raises(RecordError, match="cannot be read"):
        read_record(tmp_path / "none.jsonl")


# Whole runs.


async def test_a_run_is_recorded_completely(tmp_path: Path):
    told: list[Event] = []
    record, outcome = await recorded_run(tmp_path, GENERATING, observers=[told.append])
    assert outcome.state is ScriptState.DONE
    assert [entry.event for entry in record.entries] == told
    assert [entry.loop for entry in record.entries] == sorted(entry.loop for entry in record.entries)
    state = record.state
    assert state.stages == dict.fromkeys(("BIAS", "DARK", "FLAT"), "CERTIFIED") | {"GAIN": "GENERATED"}
    darks = state.sets[ImageType.DARK]
    assert (len(darks.kept), len(darks.discarded)) == (4, 1)
    assert {str(job.step) for job in record.jobs} >= {"GENERATE BIAS", "VERIFY BIAS", "GENERATE GAIN"}
    assert all(job.completed and job.seconds for job in record.jobs)
    job = record.job(StepId(Action.GENERATE, "DARK"))
    assert job is not None
    assert f"-i u/ocps/{record.jobs[0].job_id}/run" in job.request.config
    assert state.certified["FLAT"].collection == "LATISS/calib/daily/test"
    assert {verdict.passed for verdict in state.verdicts.values()} == {True}


async def test_a_failed_verification_is_recorded(tmp_path: Path):
    record, outcome = await recorded_run(
        tmp_path, GENERATING, verifications={"verifyBias": Verification.FAILS}
    )
    assert outcome.state is ScriptState.FAILED
    assert record.outcome is RunOutcome.FAILED
    assert not record.state.verdicts["BIAS"].passed
    assert not record.state.certified
    assert "BIAS" in record.state.failures[0]
    assert all(job.completed or job.aborted for job in record.jobs)


# Resuming.


def resume_configuration(record: Record) -> dict[str, Any]:
    return resumption(record.state, record.about.given).config


async def test_a_run_stopped_after_its_images_resumes_with_them(tmp_path: Path):
    record, outcome = await recorded_run(tmp_path, GENERATING, stop="All images taken.*")
    assert outcome.state is ScriptState.STOPPED
    config = resume_configuration(record)
    taken = {str(name): list(images.kept) for name, images in record.state.sets.items()}
    assert config["exposures"] == taken
    assert {name: config[name] for name in GENERATING if name != "calib_collection"} == {
        name: value for name, value in GENERATING.items() if name != "calib_collection"
    }


async def test_a_set_that_is_not_complete_is_taken_anew(tmp_path: Path):
    record, _ = await recorded_run(tmp_path, GENERATING, stop="Taking 5 flats.*")
    assert resume_configuration(record)["exposures"].keys() == {"BIAS", "DARK"}
    record, _ = await recorded_run(tmp_path, GENERATING, stop="Taking 5 biases.*")
    assert resume_configuration(record) == GENERATING


async def test_exposures_that_never_arrived_are_not_resumed_with(tmp_path: Path):
    record, _ = await recorded_run(
        tmp_path, GENERATING | {"oods_timeout": 5}, faults=["image-missing:of=BIAS,at=3"]
    )
    closed = next(record.events(ImageSetClosed))
    assert closed.left_out_exposures
    assert resume_configuration(record)["exposures"]["BIAS"] == list(closed.exposures)


async def test_a_resumed_run_that_fails_resumes_with_the_same_images(tmp_path: Path):
    recorder = open_record(
        about(GENERATING | {"exposures": {"BIAS": [2026091800002, 2026091800003]}}),
        warn=pytest.fail,
        directory=tmp_path,
    )
    recorder.close()
    config = resume_configuration(read_record(recorder.path))
    assert config["exposures"] == {"BIAS": [2026091800002, 2026091800003]}


async def test_what_was_certified_already_asks_for_another_collection(tmp_path: Path):
    record, _ = await recorded_run(tmp_path, GENERATING)
    assert resume_configuration(record)["calib_collection"] == "LATISS/calib/daily/test.resumed"
