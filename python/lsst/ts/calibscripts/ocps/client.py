"""Submits and aborts OCPS jobs; the only reader of job_result, which it routes by job id."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import JobError, describe
from ..events.events import JobEnded, JobOutcome, JobStarted, JobSubmitted
from ..ground.cancellation import STOP_GRACE, is_cancelled
from ..ground.heartbeats import LOOK_PERIOD
from ..plan import StepId
from ..sal import AckError, AckTimeoutError, SalRetCode
from .jobs import JobRequest, JobResult, Outcome, aborted, job_id_in, judge, settle, too_long
from .presence import Presence

__all__ = ["JobRequest", "JobResult", "Ocps"]

ACKNOWLEDGE_TIMEOUT = 600.0
"""Longest wait for the acknowledgement with the job id, seconds."""

LATE_RESULT_WAIT = 30.0
"""How long a job_result may come after the command's final acknowledgement, seconds."""

ABORT_RESERVE = 2.0
"""How much of `STOP_GRACE` is kept for abort_job where the job id comes late, seconds."""

_UNFINISHED = frozenset({SalRetCode.CMD_ACK, SalRetCode.CMD_INPROGRESS})


class Ocps:
    """The OCPS of an instrument.

    Parameters
    ----------
    remote : `Remote`
        Remote of the OCPS. Its job_result callback is ours from now on.
    log : `logging.Logger`
        Log of the script.
    observer : callable
        Called with every job's beginning and end.
    warn : callable
        Takes warnings.
    others : sequence of `Remote`, optional
        Remotes of other components: as long as they are not heard either, it is the middleware that is silent.
    """

    def __init__(
        self,
        remote: Any,
        log: logging.Logger,
        observer: Callable[[Any], None],
        warn: Callable[[str], None],
        others: Sequence[Any] = (),
    ) -> None:
        self._remote = remote
        self._log = log
        self._observer = observer
        self._warn = warn
        # By job id, also of jobs not known yet: a result may come before its acknowledgement.
        self._results: dict[str, int] = {}
        # Of all jobs that are said to have failed, whenever that comes.
        self._failed: dict[str, int] = {}
        self._waiting: dict[str, asyncio.Future[int]] = {}
        self._ours: set[str] = set()
        self._presence = Presence(remote, others)
        remote.evt_job_result.callback = self._note_result

    def close(self) -> None:
        """Stop reading job_result."""
        self._remote.evt_job_result.callback = None

    def failure_of(self, job_id: str) -> int | None:
        """Return the exit code with which the OCPS has said of a job that it failed, None if it has not.

        A result may come after the outputs of its job have decided, or contradict the one before.

        Parameters
        ----------
        job_id : `str`
            Id of the OCPS job.
        """
        return self._failed.get(job_id)

    async def _note_result(self, data: Any) -> None:
        """Take one sample of job_result: only job_id and exit_code are trusted, and the first of a job ends it."""
        job_id = str(data.job_id)
        exit_code = self._results.setdefault(job_id, int(data.exit_code))
        if data.exit_code:
            self._failed.setdefault(job_id, int(data.exit_code))
        waiting = self._waiting.get(job_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(exit_code)

    async def run(self, request: JobRequest, timeout: float, on_started: Callable[[str], None]) -> JobResult:
        """Run a job to its end.

        Parameters
        ----------
        request : `JobRequest`
            The job.
        timeout : `float`
            Longest time for it, seconds, from its acknowledgement.
        on_started : callable
            Called with the job id as soon as it is known.

        Returns
        -------
        `JobResult`
            Its identifier; ``exit_code`` is 0, or None where no result came and the outputs must decide.

        Raises
        ------
        JobError
            If it was rejected, was not acknowledged, failed, was aborted, took too long, or the OCPS left
            ENABLED or has died. A job that may still run has been aborted.
        """
        self._observer(JobSubmitted(request.step, request.pipeline, request.config, request.data_query))
        job_id: str | None = None
        ended = frozenset(self._results)
        mark = self._presence.mark()
        try:
            submitted, ack = await self._submit(request, mark, on_started)
            if submitted in ended or submitted in self._ours:
                # What is heard of it would be the other job's.
                reason = f"the OCPS returned job id {submitted}, which already belongs to an earlier job"
                raise JobError(request.name, reason)
            self._ours.add(submitted)
            job_id = submitted
            self._observer(JobStarted(request.step, job_id))
            on_started(job_id)
            result = await self._end_of(request.name, job_id, ack, mark, timeout)
        except JobError as error:
            self._observer(
                JobEnded(request.step, error.job_id, error.exit_code, JobOutcome.FAILED, str(error))
            )
            if error.job_id and error.exit_code is None:
                await self._abort(error.job_id)
            raise
        except (asyncio.CancelledError, Exception):
            # Also for what was not expected: no job of ours may be left running.
            if job_id is not None:
                await self._abort(job_id)
                self._observer(aborted(request.step, job_id))
            raise
        self._observer(JobEnded(request.step, job_id, result.exit_code, JobOutcome.COMPLETED))
        return result

    async def give_up(self, step: StepId, job_id: str) -> None:
        """Abort the job of a step of which nobody has heard how it ended: it may still run."""
        await self._abort(job_id)
        self._observer(aborted(step, job_id))

    async def _submit(
        self, request: JobRequest, mark: int, on_started: Callable[[str], None]
    ) -> tuple[str, Any]:
        """Send the command and wait for the acknowledgement that has the job id.

        A stop that comes in between waits for the identifier a little, since only so the job can be aborted.
        """
        # Outside the run's TaskGroup on purpose: its cancellation must not lose the job id. It is awaited here.
        acknowledged = asyncio.create_task(self._acknowledgement(request))
        try:
            async with asyncio.TaskGroup() as watchers:
                lost = watchers.create_task(self._presence.until_lost(mark))
                await asyncio.wait({acknowledged, lost}, return_when=asyncio.FIRST_COMPLETED)
                if not acknowledged.done():
                    # A rejection may be on its way; it says more.
                    await asyncio.wait({acknowledged}, timeout=LOOK_PERIOD)
                lost.cancel()
            if acknowledged.done():
                return acknowledged.result()
            acknowledged.cancel()
            raise JobError(request.name, lost.result())
        except asyncio.CancelledError:
            loop = asyncio.get_running_loop()
            deadline = loop.time() + STOP_GRACE
            done, _ = await asyncio.wait([acknowledged], timeout=STOP_GRACE - ABORT_RESERVE)
            if not done:
                acknowledged.cancel()
                await asyncio.wait([acknowledged])
            if acknowledged.cancelled():
                self._warn(f"{request.name}: stopped before the OCPS returned the job id; nothing to abort.")
                self._observer(aborted(request.step, None))
            elif acknowledged.exception() is None:
                job_id = acknowledged.result()[0]
                self._observer(JobStarted(request.step, job_id))
                on_started(job_id)
                await self._abort(job_id, deadline - loop.time())
                self._observer(aborted(request.step, job_id))
            raise

    async def _acknowledgement(self, request: JobRequest) -> tuple[str, Any]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ACKNOWLEDGE_TIMEOUT
        command = self._remote.cmd_execute
        try:
            ack = await command.set_start(
                timeout=ACKNOWLEDGE_TIMEOUT,
                wait_done=False,
                pipeline=request.pipeline,
                version="",
                config=request.config,
                data_query=request.data_query,
            )
            while True:
                if job_id := job_id_in(ack.result):
                    return job_id, ack
                if ack.ack not in _UNFINISHED:
                    raise JobError(request.name, "the OCPS ended the command without returning a job id")
                left = max(deadline - loop.time(), 0.001)
                ack = await command.next_ackcmd(ack, timeout=left, wait_done=False)
        except RuntimeError as error:
            # salobj forgets a command that ends before its next acknowledgement is waited for.
            raise JobError(request.name, "the OCPS ended the command without returning a job id") from error
        except AckTimeoutError as error:
            raise JobError(
                request.name, f"the OCPS did not acknowledge the job within {ACKNOWLEDGE_TIMEOUT:.0f} s"
            ) from error
        except AckError as error:
            raise JobError(request.name, f"the OCPS rejected the job: {describe(error)}") from error

    async def _end_of(self, step: str, job_id: str, ack: Any, mark: int, timeout: float) -> JobResult:
        """Wait for the end of a job, whichever of its signs comes first."""
        outcome: asyncio.Future[JobResult | JobError] = asyncio.get_running_loop().create_future()
        result: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        completed = asyncio.Event()
        self._waiting[job_id] = result
        if job_id in self._results:
            result.set_result(self._results[job_id])
        try:
            async with asyncio.TaskGroup() as watchers:
                tasks = [
                    watchers.create_task(coroutine)
                    for coroutine in (
                        self._watch_result(step, job_id, result, outcome),
                        self._watch_command(step, job_id, ack, timeout, completed, outcome),
                        self._watch_state(step, job_id, mark, outcome),
                    )
                ]
                await asyncio.wait([outcome], timeout=timeout)
                if completed.is_set():
                    # It ended in time: a late result has its own wait, at the end of which the outcome is settled.
                    await asyncio.wait([outcome])
                for task in tasks:
                    task.cancel()
        finally:
            del self._waiting[job_id]
        if not outcome.done():
            raise too_long(step, job_id, timeout)
        answer = outcome.result()
        if isinstance(answer, JobError):
            raise answer
        return answer

    async def _watch_result(
        self, step: str, job_id: str, result: asyncio.Future[int], outcome: Outcome
    ) -> None:
        """Settle the outcome by the job's result."""
        settle(outcome, judge(step, job_id, await result))

    async def _watch_command(
        self, step: str, job_id: str, ack: Any, timeout: float, completed: asyncio.Event, outcome: Outcome
    ) -> None:
        """Settle the outcome by the command's end, unless a result follows: a failed job completes it, too."""
        try:
            if ack.ack in _UNFINISHED:
                await self._remote.cmd_execute.next_ackcmd(ack, timeout=timeout, wait_done=True)
        except RuntimeError:
            # salobj forgets a command that ends before its end is waited for: it has ended, one way or another.
            self._log.debug(f"{step}: the command had already ended.")
        except AckTimeoutError:
            settle(outcome, too_long(step, job_id, timeout))
        except AckError as error:
            reason = f"the OCPS ended the command: {describe(error)}"
            settle(outcome, JobError(step, reason, job_id=job_id))
        if is_cancelled():
            return
        completed.set()
        await asyncio.wait([outcome], timeout=LATE_RESULT_WAIT)
        settle(outcome, JobResult(job_id, None))

    async def _watch_state(self, step: str, job_id: str, mark: int, outcome: Outcome) -> None:
        """Settle the outcome when the OCPS leaves ENABLED, or has died."""
        settle(outcome, JobError(step, await self._presence.until_lost(mark), job_id=job_id))

    async def _abort(self, job_id: str, timeout: float = STOP_GRACE) -> None:
        """Ask the OCPS to abort a job; nothing more can be done than to say so where it cannot."""
        try:
            await self._remote.cmd_abort_job.set_start(job_id=job_id, timeout=timeout)
            self._log.info(f"OCPS job {job_id} was aborted.")
        except (AckError, RuntimeError) as error:
            # RuntimeError: the process is being terminated, and its middleware is closed already.
            self._warn(f"OCPS job {job_id} could not be aborted and may still run: {describe(error)}.")
