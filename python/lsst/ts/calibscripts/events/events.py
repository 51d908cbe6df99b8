"""Stages of a product as data, and what happens in a run as typed events.

The state machine says everything it does to its observers; the record, the live display and the summary only
listen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from ..errors import TransitionError

__all__ = [
    "ABORTED_BY_SCRIPT",
    "FINISHED",
    "STOPPED_WITHOUT_ID",
    "TRANSITIONS",
    "Certified",
    "Doubtful",
    "Ending",
    "Event",
    "ExposureTaken",
    "Failed",
    "ImageArrived",
    "ImageSetClosed",
    "JobEnded",
    "JobStarted",
    "JobSubmitted",
    "LevelMeasured",
    "Observer",
    "Planned",
    "Progress",
    "Stage",
    "StageReached",
    "StepEnded",
    "Verdicted",
    "Warned",
]


class Stage(StrEnum):
    """How far a product has come."""

    WAITING = "WAITING"
    TAKING = "TAKING"
    INGESTED = "INGESTED"
    GENERATED = "GENERATED"
    VERIFIED = "VERIFIED"
    CERTIFIED = "CERTIFIED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


_ENDS = frozenset({Stage.FAILED, Stage.CANCELLED})

TRANSITIONS: Mapping[Stage, frozenset[Stage]] = MappingProxyType(
    {
        # DEFECTS, PTC and GAIN take no images of their own: they go from WAITING to GENERATED.
        Stage.WAITING: _ENDS | {Stage.TAKING, Stage.INGESTED, Stage.GENERATED},
        Stage.TAKING: _ENDS | {Stage.INGESTED},
        # External verification goes from INGESTED to VERIFIED: it makes nothing.
        Stage.INGESTED: _ENDS | {Stage.GENERATED, Stage.VERIFIED},
        # Without verification a product goes from GENERATED to CERTIFIED.
        Stage.GENERATED: _ENDS | {Stage.VERIFIED, Stage.CERTIFIED},
        Stage.VERIFIED: _ENDS | {Stage.CERTIFIED},
        Stage.CERTIFIED: frozenset(),
        Stage.FAILED: frozenset(),
        Stage.CANCELLED: frozenset(),
    }
)
"""Which stage may follow which. A stop or a failure ends a product at any stage but the last."""


@dataclass(frozen=True)
class Planned:
    """What a run is to do: its steps, in the order of the plan."""

    steps: tuple[str, ...]


@dataclass(frozen=True)
class StageReached:
    """A product has reached a stage."""

    product: str
    stage: Stage


@dataclass(frozen=True)
class ExposureTaken:
    """The camera has taken an exposure; times in seconds."""

    image_type: str
    exposure: int
    exposure_time: float
    discarded: bool


@dataclass(frozen=True)
class ImageArrived:
    """An image of one detector was announced by the OODS; ``status_code`` 0 is good."""

    exposure: int
    detector: int
    status_code: int
    description: str = ""


@dataclass(frozen=True)
class LevelMeasured:
    """The signal of a flat was measured: median of the image less that of the overscan, ADU."""

    exposure: int
    level: float


@dataclass(frozen=True)
class ImageSetClosed:
    """No further arrival of a set is waited for."""

    image_type: str
    exposures: tuple[int, ...]
    detectors: tuple[int, ...]
    left_out_exposures: tuple[int, ...] = ()
    left_out_detectors: tuple[int, ...] = ()


@dataclass(frozen=True)
class JobSubmitted:
    """A command went to the OCPS, with all its arguments."""

    step: str
    pipeline: str
    config: str
    data_query: str


@dataclass(frozen=True)
class JobStarted:
    """The OCPS has returned the identifier of a job."""

    step: str
    job_id: str


ABORTED_BY_SCRIPT = "aborted by this script"
STOPPED_WITHOUT_ID = "stopped before its job id was known"
"""Outcomes of a job that the script itself ended, so that it has not failed."""


@dataclass(frozen=True)
class JobEnded:
    """A job has ended; ``exit_code`` is None where no result had it."""

    step: str
    job_id: str | None
    exit_code: int | None
    outcome: str


class Ending(StrEnum):
    """How a step ended."""

    DONE = "done"
    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not judged"
    CANCELLED = "cancelled"
    ABORTED = "aborted"
    NOT_STARTED = "not started"


FINISHED = frozenset({Ending.DONE, Ending.PASSED})
"""How a step ends that did what it was to do."""


@dataclass(frozen=True)
class StepEnded:
    """A step has ended. Of several of one step the last one counts: one that was cancelled may still be done."""

    step: str
    ending: Ending


@dataclass(frozen=True)
class Verdicted:
    """A verification has been judged: how many of its exposures failed, and how many would fail it.

    Where its statistics are missing, unreadable or incomplete, ``judged`` is False: it has not passed either.
    """

    product: str
    passed: bool
    collection: str
    headline: str
    exposures: int = 0
    failed_exposures: int = 0
    limit: int = 0
    judged: bool = True


@dataclass(frozen=True)
class Certified:
    """A product is in the CALIBRATION collection, and was read back from there; dates are TAI."""

    product: str
    collection: str
    begin: str | None
    end: str | None
    datasets: tuple[str, ...]
    unverified: bool


@dataclass(frozen=True)
class Doubtful:
    """A product may be in the CALIBRATION collection; whether it is, is unknown."""

    product: str
    collection: str


@dataclass(frozen=True)
class Failed:
    """Something that was asked for was not done: the run does not end DONE."""

    message: str


@dataclass(frozen=True)
class Warned:
    """Something the observer should know that is not a failure."""

    message: str


Event = (
    Planned
    | StageReached
    | ExposureTaken
    | ImageArrived
    | LevelMeasured
    | ImageSetClosed
    | JobSubmitted
    | JobStarted
    | JobEnded
    | StepEnded
    | Verdicted
    | Certified
    | Doubtful
    | Failed
    | Warned
)


class Observer(Protocol):
    """Called with what happens, as it happens. It must not raise, and not take long."""

    def __call__(self, event: Event) -> None:
        """Record an event."""


class Progress:
    """The stage of every product of a run.

    Parameters
    ----------
    products : iterable of `str`
        Products of the run, all of them WAITING.
    observer : `Observer`
        Called with each stage that is reached.
    """

    def __init__(self, products: tuple[str, ...], observer: Observer) -> None:
        self._stages = dict.fromkeys(products, Stage.WAITING)
        self._observer = observer

    def advance(self, product: str, stage: Stage) -> None:
        """Move a product to its next stage.

        A product that has ended stays so: a step of it may go on though it cannot be certified any more.

        Raises
        ------
        TransitionError
            If the stage does not follow from the present one.
        """
        present = self._stages[product]
        if present in _ENDS:
            return
        if stage not in TRANSITIONS[present]:
            raise TransitionError(f"{product} cannot go from {present} to {stage}")
        self._stages[product] = stage
        self._observer(StageReached(product, stage))

    def end(self, product: str, stage: Stage) -> None:
        """End a product as FAILED or CANCELLED, unless it has ended already."""
        if stage in TRANSITIONS[self._stages[product]]:
            self.advance(product, stage)
