"""The simulated OCPS: takes commands as dm_OCPS does and passes its jobs to a runner."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from ...sal import ExpectedError, State
from ..faults.faults import Faults
from ..hardware.csc import SimulatedCsc, write
from .job import ABORTED, Job, JobRunner, Phase

__all__ = ["ABORTED", "Job", "JobRunner", "Phase", "SimulatedOcps"]

ACKNOWLEDGE_TIMEOUT = 600.0
"""Timeout of the acknowledgement that has the job id, seconds."""


@dataclass
class _Entry:
    """A job as it is now, what runs it, and its end."""

    job: Job
    done: asyncio.Event
    task: asyncio.Task[None] | None = None
    published: bool = False
    lost: bool = False


class SimulatedOcps(SimulatedCsc):
    """An OCPS that runs several jobs at once.

    Parameters
    ----------
    index : `int`
        SAL index.
    instrument : `str`
        Butler name of its instrument.
    runner : `JobRunner`
        What does the work.
    workers : `asyncio.Semaphore` or `None`
        Limits how many jobs run at once, over all OCPS that share it; None is without limit.
    faults : `Faults`
        What misbehaves.
    on_change : callable
        Takes every `Job` whenever its phase has changed; does not block.
    """

    def __init__(
        self,
        index: int,
        instrument: str,
        runner: JobRunner,
        *,
        workers: asyncio.Semaphore | None = None,
        faults: Faults | None = None,
        on_change: Callable[[Job], None] = lambda job: None,
    ) -> None:
        super().__init__("OCPS", index, faults=faults)
        self._instrument = instrument
        self._runner = runner
        self._workers = workers
        self._on_change = on_change
        self._entries: dict[str, _Entry] = {}
        self._submitted: Counter[str] = Counter()
        self._a_result_is_out = asyncio.Condition()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs as they are now, in the order they were submitted."""
        return tuple(entry.job for entry in self._entries.values())

    async def begin(self) -> None:
        """Handle execute, several at once, and abort_job."""
        self.controller.cmd_execute.callback = self.execute
        self.controller.cmd_execute.allow_multiple_callbacks = True
        self.controller.cmd_abort_job.callback = self.abort_job
        await write(self.controller.evt_configurationApplied, configurations=f"_init,{self._instrument}")

    async def execute(self, data: Any) -> None:
        """Run a job; the command ends when the job has ended, whether it succeeded or not.

        Raises
        ------
        lsst.ts.salobj.ExpectedError
            If the OCPS is not enabled, goes to FAULT, or does not know a job that is to be waited for.
        """
        self.assert_enabled("execute")
        for job_id in filter(None, map(str.strip, data.prereq_jobs.split(","))):
            await self._entry(job_id).done.wait()
        entry = await self._submit(data)
        early = self._hits("result-before-ack", entry.job)
        if early:
            await self._finish(entry)
        await self.controller.cmd_execute.ack_in_progress(
            data, timeout=ACKNOWLEDGE_TIMEOUT, result=json.dumps({"job_id": entry.job.job_id})
        )
        if not early and not self._hits("command-forgetful", entry.job):
            await self._finish(entry)

    async def abort_job(self, data: Any) -> None:
        """Abort a job and wait until nothing of it runs; one that has ended stays as it is.

        Raises
        ------
        lsst.ts.salobj.ExpectedError
            If the OCPS is not enabled or does not know the job.
        """
        self.assert_enabled("abort_job")
        entry = self._entry(data.job_id)
        if entry.task is not None:
            entry.task.cancel()
        await entry.done.wait()

    async def set_state(self, state: State) -> None:
        """Change the summary state: FAULT and STANDBY lose the jobs that run, and never publish their results."""
        await super().set_state(state)
        if state not in (State.FAULT, State.STANDBY):
            return
        for entry in self._entries.values():
            if entry.task is not None and not entry.done.is_set():
                entry.lost = True
                entry.task.cancel()

    def _entry(self, job_id: str) -> _Entry:
        entry = self._entries.get(job_id)
        if entry is None or entry.lost:
            raise ExpectedError(f"{self.name} knows no job {job_id!r}")
        return entry

    async def _submit(self, data: Any) -> _Entry:
        job = Job(
            job_id=uuid.uuid4().hex,
            instrument=self._instrument,
            pipeline=data.pipeline,
            config=data.config,
            data_query=data.data_query,
            number=0,
            submitted=asyncio.get_running_loop().time(),
        )
        self._submitted[job.name] += 1
        job = replace(job, number=self._submitted[job.name])
        if self._hits("command-rejected", job):
            raise ExpectedError("the back end does not answer: HTTP 503 Service Unavailable")
        if self._hits("no-acknowledgement", job):
            await asyncio.Event().wait()
        if self._entries and self._hits("job-id-repeated", job):
            return next(iter(self._entries.values()))
        entry = self._entries[job.job_id] = _Entry(job, asyncio.Event())
        self._on_change(job)
        entry.task = self.spawn(self._run(entry))
        entry.task.add_done_callback(lambda task: self._close(entry, task))
        return entry

    async def _run(self, entry: _Entry) -> None:
        slot: AbstractAsyncContextManager[object] = self._workers or nullcontext()
        async with slot:
            self._change(entry, phase=Phase.EXECUTING, started=asyncio.get_running_loop().time())
            exit_code = await self._work(entry.job)
        self._end(entry, Phase.ERROR if exit_code else Phase.COMPLETED, exit_code)

    def _close(self, entry: _Entry, task: asyncio.Task[None]) -> None:
        """Let those go on who wait for the end of a job, also of one that was cancelled before it began."""
        if task.cancelled():
            self._end(entry, Phase.ABORTED, ABORTED)
        entry.done.set()

    async def _work(self, job: Job) -> int:
        if self._hits("job-slow", job):
            await asyncio.sleep(self.faults["job-slow"].delay)
        if self._hits("ocps-fault", job):
            await self.fault("the connection to the back end is lost")
        if self._hits("ocps-dead", job):
            await self.die()
            raise asyncio.CancelledError
        if self._hits("job-aborted", job):
            raise asyncio.CancelledError
        if self._hits("images-left-out", job):
            job = replace(job, data_query=re.sub(r",\d+\)$", ")", job.data_query))
        if self._hits("job-error", job):
            job = replace(job, config=f"{job.config} -c noSuchTask:broken=True")
            return await self._runner.run(job) or 1
        return await self._runner.run(job)

    def _end(self, entry: _Entry, phase: Phase, exit_code: int) -> None:
        ended = asyncio.get_running_loop().time()
        self._change(entry, phase=phase, exit_code=exit_code, ended=ended)

    def _change(self, entry: _Entry, **changes: Any) -> None:
        entry.job = replace(entry.job, **changes)
        self._on_change(entry.job)

    async def _finish(self, entry: _Entry) -> None:
        """Wait for the end of a job and publish its result."""
        await entry.done.wait()
        job = entry.job
        if self.state == State.FAULT:
            raise ExpectedError(f"{self.name} went to FAULT; what became of job {job.job_id} is unknown")
        if entry.lost:
            # Nobody sees to it any more.
            await asyncio.Event().wait()
        if self._hits("results-swapped", job):
            await self._let_others_go_first(entry)
        if not self._hits("result-never", job):
            await self._publish(job, job.exit_code)
        if self._hits("job-aborted", job):
            await self._publish(job, 1)
        async with self._a_result_is_out:
            entry.published = True
            self._a_result_is_out.notify_all()

    async def _let_others_go_first(self, entry: _Entry) -> None:
        """Hold a result back until those of the jobs that run beside it are out, but not for ever."""
        beside = [other for other in self._entries.values() if not other.done.is_set()]
        try:
            async with asyncio.timeout(self.faults["results-swapped"].delay), self._a_result_is_out:
                await self._a_result_is_out.wait_for(lambda: all(other.published for other in beside))
        except TimeoutError:
            self.controller.log.info(f"No other result came before that of job {entry.job.job_id}")

    async def _publish(self, job: Job, exit_code: int | None) -> None:
        foreign = self._hits("results-foreign", job)
        answer = {"jobId": job.job_id, "runId": job.name, "owner": "ocps", "phase": str(Phase.QUEUED)}
        text = "<html>502 Bad Gateway</html>" if self._hits("result-not-json", job) else json.dumps(answer)
        if foreign:
            await self._publish_foreign()
        await write(self.controller.evt_job_result, job_id=job.job_id, exit_code=exit_code, result=text)
        if foreign:
            await self._publish_foreign()

    async def _publish_foreign(self) -> None:
        await write(self.controller.evt_job_result, job_id=uuid.uuid4().hex, exit_code=1, result="aborted")

    def _hits(self, fault: str, job: Job) -> bool:
        return self.faults.hits(fault, job.name, job.number)
