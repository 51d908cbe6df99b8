"""Runs a case in the simulated summit, and measures it beside what the summit itself took.

Camera and jobs are measured as the summit did them, so that a camera or a job that was late does not count against
the script: exposures from startIntegration to endReadout, jobs from their start to their end. All else is the
script's: checks before the first exposure, what is between two exposures, between the last image and its job, one job
and the next one, the last job and the final state; the middleware in between, too.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import yaml
from bench.bound import Job
from bench.cases import Case, durations
from bench.load import LoadFreeClock
from bench.summit import INGEST_SECONDS, SlowIngest, TimedRunner, step_of

from lsst.ts.calibscripts.config.scripts import find_record
from lsst.ts.calibscripts.plan import Action, Plan
from lsst.ts.calibscripts.record import DIRECTORY_VARIABLE, find_records, read_record
from lsst.ts.calibscripts.report.timeline import Kind, spans
from lsst.ts.calibscripts.sal import Domain, Remote
from lsst.ts.calibscripts.summit.ocps.job import Job as OcpsJob
from lsst.ts.calibscripts.summit.queue.script_queue import ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.tables.instruments import Instrument
from lsst.ts.calibscripts.tables.products import ImageType
from lsst.ts.calibscripts.testing.clock import JumpingEventLoop
from lsst.ts.calibscripts.testing.memory import MemoryButler, MemoryRepository, reference_calibrations

__all__ = ["Measured", "run_case"]


@dataclass(frozen=True)
class Measured:
    """What a run took, seconds of the event loop's clock."""

    makespan: float  #: From the state RUNNING to the final state.
    camera: float  #: All exposures one after another.
    #: From the end of one exposure to the beginning of the next one, seconds of real time; what threads
    #: waited for a core of the machine is left out.
    gaps: tuple[float, ...]
    #: Jobs as long as they took, ready when the exposures before them were taken and in the OODS.
    jobs: tuple[Job, ...]
    timeline: tuple[str, ...]  #: What took the time.


def run_case(case: Case, workers: int, *, real: bool = False, seed: int | None = None) -> Measured:
    """Run a case.

    Parameters
    ----------
    case : `Case`
        What is run.
    workers : `int`
        How many jobs the OCPS does at once.
    real : `bool`
        In real time, sped up as the case says; else on a clock that jumps.
    seed : `int`, optional
        Varies how long the jobs take.
    """
    with TemporaryDirectory() as directory, patch.dict(os.environ, {DIRECTORY_VARIABLE: directory}):
        for name in ("CP_PIPE_DIR", "CP_VERIFY_DIR"):
            os.environ.pop(name, None)
        with asyncio.Runner(loop_factory=asyncio.new_event_loop if real else JumpingEventLoop) as runner:
            stage = _Stage(case, workers, real, seed)
            runner.run(stage.play())
        return stage.measured(_timeline(Path(directory)))


@dataclass
class _Stage:
    """The summit around a case, and what was seen there."""

    case: Case
    workers: int
    real: bool
    seed: int | None
    exposures: list[tuple[str, float, float]] = field(default_factory=list)
    states: dict[str, float] = field(default_factory=dict)
    jobs: dict[str, OcpsJob] = field(default_factory=dict)
    plan: Plan | None = None
    clock: LoadFreeClock = field(default_factory=LoadFreeClock)

    @property
    def instrument(self) -> Instrument:
        return find_record(self.case.script).instrument

    @property
    def speed(self) -> float:
        return self.case.speed if self.real else 1.0

    async def play(self) -> None:
        """Run the script to its end."""
        butler, name = MemoryButler(), self.instrument.name
        reference_calibrations(butler, name)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(
                Summit(
                    "memory",
                    [name],
                    speed=self.speed,
                    workers=self.workers,
                    detectors=self.instrument.detectors,
                    ingest=SlowIngest(butler, self.speed),
                    runner=TimedRunner(butler, self._seconds),
                    on_job=self._note_job,
                )
            )
            await self._watch_camera(await stack.enter_async_context(Domain()))
            queue = ScriptQueue(on_state=self._note_state)
            config = yaml.safe_dump(dict(self.case.config))
            outcome = await queue.run(self.case.script, config, make=partial(self._make, butler))
        if outcome.state.name != "DONE":
            raise RuntimeError(f"{self.case.name} ended {outcome.state.name}: {outcome.reason}")

    def _make(self, butler: MemoryButler, index: int) -> Any:
        self._script = self.case.make(index)
        self._script.repository = MemoryRepository(butler)
        return self._script

    def _seconds(self, job: OcpsJob) -> float:
        if self.plan is None:
            self.plan = self._script.spec.plan
            n_processes = self._script.spec.config.n_processes
            self._durations = durations(self.plan, len(self.instrument.detectors), n_processes, self.seed)
        return self._durations[step_of(job)] / (self.case.job_speed if self.real else 1.0)

    def _note_job(self, job: OcpsJob) -> None:
        self.jobs[step_of(job)] = job

    def _note_state(self, state: str, reason: str, checkpoint: str) -> None:
        self.states.setdefault(state, asyncio.get_running_loop().time())

    async def _watch_camera(self, domain: Domain) -> None:
        events = ("startIntegration", "endReadout")
        camera = Remote(domain, self.instrument.components.camera, readonly=True, include=events)
        await camera.start_task
        for event in events:
            getattr(camera, f"evt_{event}").callback = self._note_exposure

    async def _note_exposure(self, data: Any) -> None:
        keys = dict(zip(data.additionalKeys.split(":"), data.additionalValues.split(":"), strict=False))
        # The camera has published an image of the day before, which has no type.
        if image_type := keys.get("imageType"):
            self.exposures.append((image_type, asyncio.get_running_loop().time(), self.clock()))

    def measured(self, timeline: tuple[str, ...]) -> Measured:
        """Say what was seen."""
        begun, ended = self.exposures[::2], self.exposures[1::2]
        camera, there = 0.0, {}
        for (image_type, begin, _), (_, end, _) in zip(begun, ended, strict=True):
            camera += end - begin
            there[ImageType(image_type)] = camera + INGEST_SECONDS / self.speed
        return Measured(
            self.states["DONE"] - self.states["RUNNING"],
            camera,
            tuple(begin - end for (*_, end), (*_, begin) in zip(ended, begun[1:], strict=False)),
            self._as_jobs(there),
            timeline,
        )

    def _as_jobs(self, there: dict[ImageType, float]) -> tuple[Job, ...]:
        assert self.plan is not None
        found = []
        for step in self.plan.steps:
            if step.id.action is not Action.CERTIFY:
                job = self.jobs[str(step.id)]
                assert job.started is not None
                assert job.ended is not None
                after = tuple(str(earlier) for earlier in step.after)
                ready = max(there[image_type] for image_type in step.images)
                found.append(Job(str(step.id), job.ended - job.started, ready, after))
        return tuple(found)


def _timeline(directory: Path) -> tuple[str, ...]:
    (path,) = find_records(directory)
    return tuple(
        f"{span.begin:9.2f} .. {span.end:9.2f} s  {span.row:16} {span.text}"
        for span in spans(read_record(path))
        if span.kind not in (Kind.EXPOSURE, Kind.DISCARDED, Kind.ARRIVAL)
    )
