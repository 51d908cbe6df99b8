"""Where the OCPS keeps the log of a job."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["JOB_LOGS_VARIABLE", "job_log"]

JOB_LOGS_VARIABLE = "CALIBSCRIPTS_JOB_LOGS"
"""Environment variable with the directory of the logs; a rehearsal sets it to that of its own OCPS."""

SUMMIT_JOB_LOGS = "/scratch/uws"
"""The directory at the summit."""


def job_log(job_id: str) -> Path:
    """Return the path of a job's log; this machine need not be able to read it.

    Parameters
    ----------
    job_id : `str`
        Id of the OCPS job.
    """
    return Path(os.environ.get(JOB_LOGS_VARIABLE) or SUMMIT_JOB_LOGS) / job_id / "outs/ocps.log"
