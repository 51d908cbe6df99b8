"""How jobs, steps and runs end, and the names of steps in a record."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator

from ..plan import StepId

__all__ = ["JobOutcome", "RunOutcome", "StepName", "StepOutcome"]

StepName: TypeAlias = Annotated[
    StepId, BeforeValidator(lambda value: StepId.read(value) if isinstance(value, str) else value)
]
"""A step; a record has its name, e.g. ``GENERATE BIAS``."""


class RunOutcome(StrEnum):
    """How a run ended."""

    DONE = "DONE"
    FAILED = "FAILED"
    STOPPED = "STOPPED"
    UNFINISHED = "UNFINISHED"
    """It still runs, or it was killed."""


class JobOutcome(StrEnum):
    """How an OCPS job ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    ABORTED = "aborted"
    """By the script itself, so that it has not failed."""


class StepOutcome(StrEnum):
    """What became of a step."""

    DONE = "done"
    FAILED = "failed"
    NOT_JUDGED = "not judged"
    CANCELLED = "cancelled"
