"""What happens in a run, as typed events.

Everything a run does is one of these: a failure, a doubt or a set that is given up is an event like an exposure. A
record is their list, and `RunState` their fold: nothing else keeps what a run has done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from .comparisons import Compared
from .imaging import (
    ExposuresAdopted,
    ExposureTaken,
    ExposureTimesRead,
    FilterFound,
    FlatDarkTaken,
    FlatEvent,
    FlatTimeFound,
    ImageArrived,
    ImageEvent,
    ImageSetClosed,
    LevelMeasured,
    PlannedSet,
    SetGivenUp,
    TooFewPairs,
    TrialFlatTaken,
)
from .outcomes import JobOutcome, RunOutcome, StepName, StepOutcome
from .references import ReferenceFound
from .stages import Stage

__all__ = [
    "CertificationRefused",
    "Certified",
    "Compared",
    "DatasetsMade",
    "Doubtful",
    "Ended",
    "Event",
    "ExposureTaken",
    "ExposureTimesRead",
    "ExposuresAdopted",
    "Failed",
    "FilterFound",
    "FlatDarkTaken",
    "FlatEvent",
    "FlatTimeFound",
    "ImageArrived",
    "ImageEvent",
    "ImageSetClosed",
    "JobEnded",
    "JobOutcome",
    "JobStarted",
    "JobSubmitted",
    "LevelMeasured",
    "Message",
    "Observer",
    "Opposed",
    "OutputsFound",
    "Planned",
    "PlannedSet",
    "ProductEvent",
    "ReferenceFound",
    "RunOutcome",
    "SetGivenUp",
    "Stage",
    "StageReached",
    "StepEnded",
    "StepEvent",
    "StepName",
    "StepOutcome",
    "TooFewPairs",
    "TrialFlatTaken",
    "Verdicted",
    "Warned",
]


@dataclass(frozen=True)
class Planned:
    """What a run is to do."""

    sets: tuple[PlannedSet, ...]  #: Its images in the order they are taken.
    steps: tuple[StepName, ...]  #: Its steps in the order of the plan.
    #: Products of the run that the job of each product reads; empty in records that do not hold it.
    made_from: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


# Steps.


@dataclass(frozen=True)
class JobSubmitted:
    """A command was sent to the OCPS, with all its arguments."""

    step: StepName
    pipeline: str
    config: str
    data_query: str


@dataclass(frozen=True)
class JobStarted:
    """The OCPS has returned the identifier of a job."""

    step: StepName
    job_id: str


@dataclass(frozen=True)
class JobEnded:
    """A job has ended."""

    step: StepName  #: What it was for.
    job_id: str | None  #: Its identifier; None where the OCPS never returned one.
    exit_code: int | None  #: Exit code; None where no result had it.
    outcome: JobOutcome  #: How it ended.
    reason: str = ""  #: Why, in a sentence; empty for a job that completed.

    @property
    def words(self) -> str:
        """How it ended, with the reason where there is one."""
        return self.reason or self.outcome.value


@dataclass(frozen=True)
class OutputsFound:
    """A job has left its outputs in a RUN, None where it left none; ``detectors`` are those it was to process."""

    step: StepName
    run: str | None
    detectors: tuple[int, ...]


@dataclass(frozen=True)
class DatasetsMade:
    """A job has written what is to be certified; ``datasets`` are its identifiers in the butler, sorted."""

    step: StepName
    datasets: tuple[str, ...]


@dataclass(frozen=True)
class StepEnded:
    """A step has ended; ``reason`` is a sentence where it failed.

    Of several of one step the last one counts: one that was cancelled may still be done.
    """

    step: StepName
    outcome: StepOutcome
    reason: str = ""


# Products.


@dataclass(frozen=True)
class StageReached:
    """A product has reached a stage."""

    product: str
    stage: Stage


@dataclass(frozen=True)
class Verdicted:
    """A verification has been judged: how many of its exposures failed, and how many would fail it.

    Of a product that is verified ``by_detector`` these are detectors. Where its statistics are missing, unreadable or
    incomplete, ``judged`` is False: it has not passed either. ``pattern`` is what the failed tests have in common.
    """

    product: str
    passed: bool
    collection: str
    headline: str
    exposures: int = 0
    failed_exposures: int = 0
    limit: int = 0
    judged: bool = True
    by_detector: bool = False
    pattern: str = ""

    @property
    def noun(self) -> str:
        """What is counted, in the singular."""
        return "detector" if self.by_detector else "exposure"

    @property
    def failed(self) -> bool:
        """Did it fail by its tests? One that could not be judged did not."""
        return self.judged and not self.passed


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
class CertificationRefused:
    """The butler did not certify a product into the CALIBRATION collection, most likely since it holds another."""

    product: str
    collection: str


@dataclass(frozen=True)
class Opposed:
    """A product was not certified since a decision that somebody made during the run stands against it."""

    product: str
    decision: str  #: Identifies the decision.


# What the observer is to know, and the end.


@dataclass(frozen=True)
class Failed:
    """Something that was asked for was not done: the run does not end DONE."""

    message: str


@dataclass(frozen=True)
class Warned:
    """Something the observer should know that is not a failure."""

    message: str


@dataclass(frozen=True)
class Ended:
    """The run has ended: DONE, FAILED or STOPPED."""

    state: RunOutcome


StepEvent: TypeAlias = JobSubmitted | JobStarted | JobEnded | OutputsFound | DatasetsMade | StepEnded
ProductEvent: TypeAlias = (
    StageReached | Verdicted | Compared | Certified | Doubtful | CertificationRefused | Opposed
)
Message: TypeAlias = Failed | Warned
Event: TypeAlias = Planned | ReferenceFound | ImageEvent | StepEvent | ProductEvent | Message | Ended


class Observer(Protocol):
    """Called with what happens, as it happens. It must not raise, and not take long."""

    def __call__(self, event: Event) -> None:
        """Record an event."""
