"""Answers that no camera, butler or subclass should give: the run ends with a sentence, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from fault_table_stages import EVENING
from scripts_over import ComCamInMemory, LatissInMemory

from lsst.ts.calibscripts.errors import RepositoryError, job_log
from lsst.ts.calibscripts.events.events import (
    Certified,
    Event,
    ExposureTaken,
    JobEnded,
    JobOutcome,
    JobStarted,
)
from lsst.ts.calibscripts.repository import Certification, Detector
from lsst.ts.calibscripts.sal import (
    LATISS,
    AckError,
    AckTimeoutError,
    Domain,
    Remote,
    SalRetCode,
    ScriptState,
)
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Outcome, ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import (
    Behaviour,
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    Trouble,
    reference_calibrations,
)

CONFIG = {"script_mode": "BIAS", "generate_calibrations": True, "n_bias": 3}
FLATS = {"script_mode": "FLAT", "generate_calibrations": True, "n_flat": 2}
NO_REASON = "the command ended with CMD_FAILED, without a reason"
PERHAPS = "An exposure may have been taken, but its id is unknown."


def said(result: str) -> SimpleNamespace:
    """Return an acknowledgement."""
    return SimpleNamespace(ack=SalRetCode.CMD_FAILED, error=0, result=result, private_seqNum=1)


class OddCamera(LATISS):
    """A camera class that tells something else than one exposure id for its third image, or refuses to take it."""

    answer: Any = None
    refuses = False
    images = 0

    async def take_imgtype(self, *args: Any, **kwargs: Any) -> Any:
        if self.refuses and self.images == 2:
            raise self.answer
        told = await super().take_imgtype(*args, **kwargs)
        self.images += 1
        if self.images != 3:
            return told
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Odd(LatissInMemory):
    """A script with such a camera class, or whose filter cannot be told."""

    loop: asyncio.AbstractEventLoop
    answer: Any = None
    refuses = False
    filter_error: Exception | None = None
    late = False
    untold = False

    async def start_remotes(self) -> None:
        self.loop = asyncio.get_running_loop()
        if self.answer is not None:
            self._camera = OddCamera(domain=self.domain, log=self.log)
            self._camera.answer, self._camera.refuses = self.answer, self.refuses
            await self._camera.start_task
        await super().start_remotes()

    async def get_physical_filter(self, *, set_up: bool) -> str | None:
        if self.filter_error is not None and set_up is self.late:
            raise self.filter_error
        if self.untold:
            return None
        return await super().get_physical_filter(set_up=set_up)


class WithoutDetectors(MemoryRepository):
    """A repository in which nobody has registered the detectors of the instrument."""

    def detectors(self, instrument: str) -> tuple[Detector, ...]:
        super().detectors(instrument)
        return ()


class PausedBeforeTheCommit(MemoryRepository):
    """Somebody pauses the script when a certification has begun, and resumes it when it has been answered."""

    script: Any = None
    answers: list[tuple[str, ...] | None]

    def certify(
        self, wanted: Certification, run: str, may_commit: Callable[[], bool]
    ) -> tuple[str, ...] | None:
        first, self.answers = not hasattr(self, "answers"), getattr(self, "answers", [])
        if first:
            self._set_state(ScriptState.PAUSED)
        self.answers.append(super().certify(wanted, run, may_commit))
        if first:
            self._set_state(ScriptState.RUNNING)
        return self.answers[-1]

    def _set_state(self, state: ScriptState) -> None:
        asyncio.run_coroutine_threadsafe(self.script.set_state(state), self.script.loop).result()


class Run:
    """How a run ended, and what was told of it."""

    def __init__(self, outcome: Outcome, log: list[LogLine], events: list[Event], record: Path) -> None:
        self.outcome, self.log, self.events, self.record = outcome, log, events, record

    @property
    def taken(self) -> int:
        return sum(isinstance(event, ExposureTaken) for event in self.events)

    @property
    def recorded_failures(self) -> list[str]:
        lines = [json.loads(line) for line in self.record.read_text().splitlines()]
        assert lines[-1]["event"] == "Ended"
        return [line["message"] for line in lines if line.get("event") == "Failed"]


async def run_of(
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: dict[str, Any] = CONFIG,
    troubles: tuple[Trouble, ...] = (),
    start: float = EVENING,
    seconds: float = 5.0,
    beside: Callable[[Remote, list[Event]], Awaitable[None]] | None = None,
    repository: type[MemoryRepository] = MemoryRepository,
    runner_type: type[MemoryRunner] = MemoryRunner,
    **oddities: Any,
) -> Run:
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(directory))
    butler, log, events = MemoryButler(), [], []
    reference_calibrations(butler, "LATISS", (0,))

    def make(index: int) -> Odd:
        script = Odd(index)
        script.repository = repository(butler, troubles)
        if isinstance(script.repository, PausedBeforeTheCommit):
            script.repository.script = script
        for name, value in oddities.items():
            setattr(script, name, value)
        return script

    async def while_running(script: Remote) -> None:
        if beside is not None:
            await beside(script, events)

    ingest, runner = MemoryIngest(butler), runner_type(butler, lambda job: Behaviour(seconds))
    async with Summit("memory", ["LATISS"], start=start, ingest=ingest, runner=runner):
        outcome = await ScriptQueue(log.append).run(
            "auxtel/make_latiss_calibrations.py",
            yaml.safe_dump({"repo": "/repo/LATISS", **config}),
            observers=[events.append],
            make=make,
            while_running=while_running,
        )
    (record,) = await asyncio.to_thread(lambda: list(directory.glob("*.jsonl")))
    return Run(outcome, log, events, record)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([], "the camera returned [] instead of one new exposure id (later than 2026091800002)"),
        ([2026091800009, 2026091800010], "returned [2026091800009, 2026091800010] instead of one new"),
        (
            [2026091800001],
            "returned [2026091800001] instead of one new exposure id (later than 2026091800002)",
        ),
        (["AT_O_20260918_000003"], "BIAS exposure 3 of 4 failed: the camera returned ['AT_O_"),
        ([None], "the camera returned [None] instead"),
        (2026091800003, "the camera returned 2026091800003 instead"),
        (
            RuntimeError("Timeout waiting for endReadout"),
            f"failed: Timeout waiting for endReadout. {PERHAPS}",
        ),
        (AckTimeoutError("silent", said("No acknowledgement")), f"failed: No acknowledgement. {PERHAPS}"),
        (AckError("too late", said("no power")), f"failed: no power. {PERHAPS}"),
    ],
    ids=["none", "two", "an earlier one", "a name", "null", "no list", "no readout", "silent", "too late"],
)
async def test_a_camera_that_does_not_tell_one_new_exposure(
    answer: Any, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await run_of(tmp_path, monkeypatch, answer=answer)
    assert run.outcome.state is ScriptState.FAILED
    assert words in run.outcome.reason
    assert "2 of 4 were taken; no further images are taken" in run.outcome.reason
    assert run.taken == 2
    assert len(run.recorded_failures) == 1


@pytest.mark.parametrize(("result", "words"), [("no power", "no power"), ("", NO_REASON)])
async def test_an_image_that_the_camera_refuses_was_not_taken(
    result: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await run_of(tmp_path, monkeypatch, answer=AckError("refused", said(result)), refuses=True)
    assert f"BIAS exposure 3 of 4 was not taken: {words}. 2 of 4 were taken" in run.outcome.reason


@pytest.mark.parametrize("late", [False, True], ids=["before the set-up", "after it"])
async def test_what_nobody_expects_before_the_first_exposure_is_reported_like_every_failure(
    late: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = RuntimeError("the wheel has no name")
    run = await run_of(tmp_path, monkeypatch, FLATS, filter_error=error, late=late)
    assert run.outcome.state is ScriptState.FAILED
    assert "RuntimeError: the wheel has no name" in run.outcome.reason
    assert run.taken == 0
    assert run.recorded_failures == ["Unexpected RuntimeError: the wheel has no name."]
    assert any("Failures:" in line.message and "the wheel has no name" in line.message for line in run.log)


async def test_a_repository_of_another_camera_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await run_of(tmp_path, monkeypatch, repository=WithoutDetectors)
    assert (run.outcome.state, run.taken) == (ScriptState.FAILED, 0)
    assert "Repository /repo/LATISS does not know detector 0 of LATISS" in run.outcome.reason
    assert "check the properties repo and detectors" in run.outcome.reason


async def test_nothing_is_committed_when_the_script_was_paused_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[PausedBeforeTheCommit] = []

    class Watched(PausedBeforeTheCommit):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    run = await run_of(tmp_path, monkeypatch, repository=Watched)
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    refused, certified = made[0].answers
    assert refused is None
    assert certified
    assert sum(isinstance(event, Certified) for event in run.events) == 1


async def test_a_filter_that_nobody_tells_is_the_one_the_butler_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await run_of(tmp_path, monkeypatch, FLATS, untold=True)
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    assert run.taken == 3
    (certified,) = [event for event in run.events if isinstance(event, Certified)]
    assert (certified.product, certified.collection) == ("FLAT", "LATISS/calib/daily")


async def test_images_that_the_butler_cannot_be_asked_about_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubles = (Trouble("exposures", error=RepositoryError("the registry is busy")),)
    run = await run_of(tmp_path, monkeypatch, troubles=troubles)
    assert run.outcome.state is ScriptState.FAILED
    assert "The biases could not be looked up in the butler: the registry is busy." in run.outcome.reason
    assert not any(isinstance(event, JobStarted | Certified) for event in run.events)
    # Nothing is wrong with them, as far as is known.
    assert any("BIAS: [2026" in line.message for line in run.log)


async def test_the_observing_day_ends_while_biases_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 12:00 UTC is 37 s later in TAI.
    noon = EVENING - 8 * 3600.0 + 37.0
    run = await run_of(tmp_path, monkeypatch, start=noon - 42.0)
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    days = {event.exposure // 100_000 for event in run.events if isinstance(event, ExposureTaken)}
    assert days == {20260917, 20260918}
    assert any("certified" in line.message for line in run.log)


async def test_the_wait_between_exposures_does_not_hold_the_processing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CONFIG | {"wait_between_exposures": 100.0}
    run = await run_of(tmp_path, monkeypatch, config)
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    _, *lines = map(json.loads, run.record.read_text().splitlines())
    taken = [line["loop"] for line in lines if line["event"] == "ExposureTaken"]
    submitted = [line["loop"] for line in lines if line["event"] == "JobSubmitted"]
    assert min(after - before for before, after in pairwise(taken)) > 100.0
    assert submitted[0] - taken[-1] < 100.0


async def until_a_job_runs(events: list[Event]) -> None:
    await asyncio.sleep(50.0)
    assert any(isinstance(event, JobStarted) for event in events)


async def test_who_presses_stop_again_stops_it_no_worse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def press_three_times(script: Remote, events: list[Event]) -> None:
        await until_a_job_runs(events)
        for _ in range(3):
            await script.cmd_stop.start(timeout=30.0)

    run = await run_of(tmp_path, monkeypatch, seconds=1000.0, beside=press_three_times)
    assert run.outcome.state is ScriptState.STOPPED
    assert [event.outcome for event in run.events if isinstance(event, JobEnded)] == [JobOutcome.ABORTED]
    assert any(" ends STOPPED: 4 images taken" in line.message for line in run.log)


@pytest.mark.parametrize("moments", [0.0, 5.0], ids=["at once", "after a while"])
async def test_an_ocps_that_leaves_enabled_and_comes_back(
    moments: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def switch_off_and_on(script: Remote, events: list[Event]) -> None:
        await until_a_job_runs(events)
        async with Domain() as domain, Remote(domain, "OCPS", 1, include=[]) as ocps:
            await ocps.cmd_disable.start(timeout=30.0)
            await asyncio.sleep(moments)
            await ocps.cmd_enable.start(timeout=30.0)

    run = await run_of(tmp_path, monkeypatch, seconds=100.0, beside=switch_off_and_on)
    ended = [event.outcome for event in run.events if isinstance(event, JobEnded)]
    if moments:
        assert run.outcome.state is ScriptState.FAILED
        assert "GENERATE BIAS: the OCPS left ENABLED, it is DISABLED" in run.outcome.reason
    else:
        # It does not lose its jobs by that.
        assert (run.outcome.state, ended) == (ScriptState.DONE, [JobOutcome.COMPLETED] * 2)


class NoIngest:
    """An OODS that announces every image and ingests none."""

    async def __call__(self, *image: Any) -> None:
        """Ingest nothing."""


async def test_events_with_unknown_names_of_detectors_are_said_with_the_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(tmp_path))
    butler = MemoryButler()
    reference_calibrations(butler, "LSSTComCam", tuple(range(9)))

    make = ComCamInMemory.over(MemoryRepository(butler, ()))

    config = {**CONFIG, "repo": "/repo/LSSTComCam"}
    async with Summit(
        "memory",
        ["LSSTComCam"],
        start=EVENING,
        ingest=NoIngest(),
        runner=MemoryRunner(butler),
        faults=["detectors-renamed"],
    ):
        outcome = await ScriptQueue(lambda line: None).run(
            "maintel/make_comcam_calibrations.py", yaml.safe_dump(config), make=make
        )
    assert outcome.state is ScriptState.FAILED
    assert "Only 0 of 3 biases and 9 of 9 detectors have arrived: the set is given up." in outcome.reason
    assert "names that are not names of detectors of LSSTComCam in /repo/LSSTComCam" in outcome.reason
    assert "R22_XS00, R22_XS01, R22_XS02, R22_XS10, R22_XS11 and 4 more." in outcome.reason


class FailingRunner(MemoryRunner):
    """Jobs that end with exit code 1, and leave a log that says why."""

    async def run(self, job: Job) -> int:
        def write() -> None:
            path = job_log(job.job_id)
            path.parent.mkdir(parents=True)
            path.write_text(
                "Traceback (most recent call last):\n  File x\nLookupError: no flat of detector 0\n"
            )

        await asyncio.to_thread(write)
        return 1


async def test_the_last_error_in_the_log_of_a_job_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBSCRIPTS_JOB_LOGS", str(tmp_path / "uws"))
    run = await run_of(tmp_path, monkeypatch, runner_type=FailingRunner)
    assert run.outcome.state is ScriptState.FAILED
    assert f"its log: {tmp_path}/uws/" in run.outcome.reason
    assert "The last error in the log: LookupError: no flat of detector 0" in run.outcome.reason


@pytest.mark.parametrize("policy", ["fail", "warn"])
async def test_what_could_not_be_judged_has_not_failed_verification(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubles = (Trouble("statistics", error=RepositoryError("the registry is gone")),)
    config = {**CONFIG, "on_verification_failure": policy}
    run = await run_of(tmp_path, monkeypatch, config, troubles=troubles)
    text = "\n".join(line.message for line in run.log)
    # The policy is for tests that failed: nobody knows whether these have.
    assert run.outcome.state is ScriptState.FAILED
    assert "could not be judged and will not be certified" in run.outcome.reason
    assert "the registry is gone" in run.outcome.reason
    assert "failed verification" not in text
    assert "failure criterium" not in text
    assert "look at the failed tests" not in text
    assert "VERIFY BIAS: not judged" in text
    assert "BIAS: it could not be judged" in text
    assert "With this configuration no image is taken:" in text
    assert "exposures:\n  BIAS: [2026091800002..2026091800004]" in text
    assert not any(isinstance(event, Certified) for event in run.events)


@pytest.mark.parametrize(
    ("config", "pause"),
    [
        (CONFIG, ""),
        (CONFIG, ".*"),
        (CONFIG | {"script_mode": "BIAS_DARK_FLAT", "n_dark": 2, "exp_times_dark": 5, "n_flat": 2}, ""),
    ],
)
async def test_a_run_passes_as_many_checkpoints_as_announced(
    config: dict[str, Any], pause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced: list[int] = []

    async def look(script: Remote, events: list[Event]) -> None:
        announced.append((await script.evt_metadata.aget(timeout=30.0)).totalCheckpoints)
        if pause:
            await script.cmd_setCheckpoints.set_start(pause=pause, stop="", timeout=30.0)
        while script.evt_state.get().state not in (ScriptState.DONE, ScriptState.FAILED):
            await asyncio.sleep(1.0)
            if script.evt_state.get().state == ScriptState.PAUSED:
                await script.cmd_resume.start(timeout=30.0)

    run = await run_of(tmp_path, monkeypatch, config, beside=look)
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    assert announced == [len(run.outcome.checkpoints)]
    assert re.fullmatch(r"DONE: \d+ images taken, . products? certified, .*", run.outcome.checkpoints[-1])


@pytest.mark.parametrize("pause", ["", ".*"])
async def test_a_stop_is_said_by_the_last_checkpoint_and_does_not_pause_there(
    pause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stop(script: Remote, events: list[Event]) -> None:
        await until_a_job_runs(events)
        await script.cmd_setCheckpoints.set_start(pause=pause, stop="", timeout=30.0)
        await script.cmd_stop.start(timeout=30.0)

    run = await run_of(tmp_path, monkeypatch, seconds=1000.0, beside=stop)
    assert run.outcome.state is ScriptState.STOPPED
    said = run.outcome.checkpoints[-1].startswith(
        "STOPPED: 4 images taken, 0 products certified, 1 step aborted"
    )
    assert said is not bool(pause)


async def test_a_stop_at_the_last_checkpoint_is_recorded_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stop(script: Remote, events: list[Event]) -> None:
        await script.cmd_setCheckpoints.set_start(pause="", stop="DONE: .*", timeout=30.0)

    run = await run_of(tmp_path, monkeypatch, beside=stop)
    assert run.outcome.state is ScriptState.STOPPED
    assert json.loads(run.record.read_text().splitlines()[-1])["state"] == "STOPPED"
    text = "\n".join(line.message for line in run.log)
    assert " ends STOPPED: 4 images taken, 1 product certified" in text
    # Nothing is left to do.
    assert "queue the script with the configuration below" not in text
