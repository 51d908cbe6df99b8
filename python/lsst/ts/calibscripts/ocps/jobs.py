"""An OCPS job: what is asked for, how it ended, and what the answers of the OCPS mean."""

from __future__ import annotations

from dataclasses import dataclass
from string import whitespace
from typing import TYPE_CHECKING, TypeAlias

from .. import sal
from ..errors import JobError
from ..events.events import JobEnded, JobOutcome
from ..ground.untrusted import parse_json
from ..plan import StepId

if TYPE_CHECKING:
    import asyncio

__all__ = [
    "ABORTED",
    "JobRequest",
    "JobResult",
    "Outcome",
    "aborted",
    "has_failed",
    "job_id_in",
    "judge",
    "settle",
    "state_name",
    "too_long",
]

ABORTED = 255
"""exit_code of a job that was aborted."""


@dataclass(frozen=True)
class JobRequest:
    """One job: what it is for, and the arguments of the command execute."""

    step: StepId
    pipeline: str
    config: str
    data_query: str

    @property
    def name(self) -> str:
        """What it is for, in words."""
        return str(self.step)


@dataclass(frozen=True)
class JobResult:
    """A job that ended well; ``exit_code`` is None if its command completed but no job_result ever came."""

    job_id: str
    exit_code: int | None


Outcome: TypeAlias = "asyncio.Future[JobResult | JobError]"
"""How a job ends: set once, by the first sign of its end."""


def job_id_in(result: str) -> str:
    """Return the job id in the result of an acknowledgement, or nothing."""
    try:
        answer = parse_json(result)
    except ValueError:
        return ""
    job_id = answer.get("job_id") if isinstance(answer, dict) else ""
    # Anything else would be looked for as a collection, and waited for as the id of a result.
    known = (
        isinstance(job_id, str | int) and not isinstance(job_id, bool) and not {*str(job_id)} & {*whitespace}
    )
    return str(job_id) if known else ""


def state_name(state: int) -> str:
    """Return the name of a summary state, also of an unknown one."""
    # Looked up here: who only reads what a job is asked for does not wait for the middleware's import.
    return sal.State(state).name if state in {*sal.State} else f"in the unknown state {state}"


def settle(outcome: Outcome, answer: JobResult | JobError) -> None:
    """Set an outcome; the first answer counts."""
    if not outcome.done():
        outcome.set_result(answer)


def too_long(step: str, job_id: str, timeout: float) -> JobError:
    """Return the error of a job that did not end in time."""
    return JobError(step, f"the job did not end within pipetask_timeout, {timeout:g} s", job_id=job_id)


def aborted(step: StepId, job_id: str | None) -> JobEnded:
    """Return the event of a job that the script itself has ended."""
    reason = "aborted by this script" if job_id else "stopped before its job id was known"
    return JobEnded(step, job_id, None, JobOutcome.ABORTED, reason)


def has_failed(error: JobError) -> bool:
    """Return whether the OCPS has said that a job failed by itself, so that another attempt may succeed."""
    return error.exit_code not in (None, 0, ABORTED)


def judge(step: str, job_id: str, exit_code: int) -> JobResult | JobError:
    """Return what an exit code says of a job."""
    if exit_code == 0:
        return JobResult(job_id, 0)
    reason = "the job was aborted" if exit_code == ABORTED else "the job failed"
    return JobError(step, f"{reason} with exit code {exit_code}", job_id=job_id, exit_code=exit_code)
