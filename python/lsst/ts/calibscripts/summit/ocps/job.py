"""Jobs of the simulated OCPS; nothing here needs the middleware, so that a job's process does not import it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Protocol

__all__ = ["ABORTED", "Job", "JobRunner", "Phase"]

ABORTED = 255
"""Exit code of a job that was aborted."""


class Phase(StrEnum):
    """Phase of a job; the last three are final."""

    QUEUED = "queued"
    EXECUTING = "executing"
    COMPLETED = "completed"
    ERROR = "error"
    ABORTED = "aborted"


@dataclass(frozen=True)
class Job:
    """A job as it is now.

    Attributes
    ----------
    submitted, started, ended : `float` or `None`
        Times of the event loop, seconds.
    """

    job_id: str  #: 32 hex digits.
    instrument: str  #: Butler instrument name.
    #: As in the command.
    pipeline: str
    config: str
    data_query: str
    number: int  #: Number of the job among those of its pipeline, from 1.
    submitted: float
    phase: Phase = Phase.QUEUED  #: How far it is.
    started: float | None = None
    ended: float | None = None
    exit_code: int | None = None  #: None as long as it has not ended.

    @property
    def name(self) -> str:
        """Name of the pipeline: that of its subset where it has one, else of its file (``cpBias``)."""
        path, _, subset = self.pipeline.partition("#")
        return subset or PurePosixPath(path).stem


class JobRunner(Protocol):
    """What does the work of the jobs."""

    async def run(self, job: Job) -> int:
        """Run a job to its end; when it is cancelled nothing of the job runs on.

        Returns
        -------
        exit_code : `int`
            0 for success.
        """
