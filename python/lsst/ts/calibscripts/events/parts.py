"""What is known of an exposure, a set of images, a step and a product of a run, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..plan import Action, StepId
from ..tables.products import ImageType
from .events import (
    CertificationRefused,
    Certified,
    Compared,
    Doubtful,
    FlatTimeFound,
    ImageSetClosed,
    JobEnded,
    JobOutcome,
    JobSubmitted,
    Opposed,
    OutputsFound,
    PlannedSet,
    SetGivenUp,
    Stage,
    StepEnded,
    StepOutcome,
    Verdicted,
)

__all__ = ["FINISHED", "ExposureState", "ProductState", "SetState", "StepStanding", "StepState"]


class StepStanding(StrEnum):
    """How a step stands."""

    NOT_STARTED = "not started"
    RUNNING = "running"
    DONE = "done"
    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not judged"
    CANCELLED = "cancelled"
    ABORTED = "aborted"


FINISHED = frozenset({StepStanding.DONE, StepStanding.PASSED})
"""How a step stands that did what it was to do."""


@dataclass(frozen=True)
class ExposureState:
    """One exposure."""

    #: Seconds: as asked for, and as the butler has it once it was looked up there; None while it is unknown.
    exposure_time: float | None = None
    level: float | None = None  #: Signal of a flat, ADU, where it was measured.
    detectors: int = 0  #: Detectors whose image has arrived and is good: bit n is set for detector n.
    #: Detectors whose image the OODS has last reported as bad: bits as in `detectors`.
    bad_detectors: int = 0

    @property
    def arrived(self) -> frozenset[int]:
        """Detectors whose image has arrived and is good."""
        return _numbers(self.detectors)

    @property
    def bad(self) -> frozenset[int]:
        """Detectors whose image the OODS has last reported as bad."""
        return _numbers(self.bad_detectors)


def _numbers(bits: int) -> frozenset[int]:
    return frozenset(n for n in range(bits.bit_length()) if bits >> n & 1)


@dataclass(frozen=True)
class SetState:
    """The images of one type."""

    planned: PlannedSet  #: What is to be taken.
    begun: bool = False  #: Was their taking begun, or are existing ones used?
    #: Exposures so far: those that are never used, and the others.
    discarded: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()
    closed: ImageSetClosed | None = None  #: What of them is used, once no further arrival is awaited.
    given_up: SetGivenUp | None = None  #: Why this run uses nothing of them, where that is so.
    #: Were the flats that can be used too few pairs for a step that was asked for?
    lacking_pairs: bool = False
    tests: tuple[int, ...] = ()  #: Flats that were taken only to see their level.
    time_found: FlatTimeFound | None = None  #: What these have shown.

    @property
    def image_type(self) -> ImageType:
        """BIAS, DARK or FLAT."""
        return self.planned.image_type

    @property
    def existing(self) -> bool:
        """Do the images exist already, so that none is taken?"""
        return bool(self.planned.existing)

    @property
    def taken(self) -> tuple[int, ...]:
        """Exposures so far, the discarded ones first; without the test flats."""
        return self.discarded + self.kept

    @property
    def left_out(self) -> tuple[int, ...]:
        """Kept exposures that are not used."""
        return () if self.closed is None else self.closed.left_out_exposures

    @property
    def used(self) -> tuple[int, ...]:
        """Kept exposures that are not left out."""
        left_out = frozenset(self.left_out)
        return tuple(exposure for exposure in self.kept if exposure not in left_out)

    @property
    def complete(self) -> bool:
        """Were all exposures taken that are to be kept?"""
        return len(self.kept) == self.planned.n_kept

    @property
    def offered(self) -> tuple[int, ...]:
        """Exposures that another run may process; none where the set is not complete, was refused or given up."""
        if self.lacking_pairs:
            return ()
        if self.closed is not None:
            return self.closed.exposures if self.closed.found.complete else ()
        if self.given_up is not None:
            return ()
        return self.kept if self.complete else self.planned.existing


@dataclass(frozen=True)
class StepState:
    """One step."""

    id: StepId  #: Its name.
    request: JobSubmitted | None = None  #: Command of its job.
    job_id: str | None = None  #: Its OCPS job, once its identifier is known.
    job: JobEnded | None = None  #: How the job ended.
    outputs: OutputsFound | None = None  #: RUN with what the job wrote, and the detectors it was to process.
    #: Identifiers in the butler of what it wrote to be certified; empty in records that do not have them.
    datasets: tuple[str, ...] = ()
    ended: StepEnded | None = None  #: How the step ended.
    earlier: tuple[StepState, ...] = ()  #: Its earlier jobs: each failed, and was submitted again.

    @property
    def attempts(self) -> tuple[StepState, ...]:
        """What is known of each of its jobs, the present one last."""
        return (*self.earlier, self)

    @property
    def collection(self) -> str | None:
        """Collection of the job, as shown to an observer."""
        return f"u/ocps/{self.job_id}" if self.job_id else None

    @property
    def run(self) -> str | None:
        """RUN with the outputs of the job."""
        return None if self.outputs is None else self.outputs.run

    @property
    def detectors(self) -> tuple[int, ...]:
        """Detectors that the job was to process; none before it has ended."""
        return () if self.outputs is None else self.outputs.detectors

    @property
    def completed(self) -> bool:
        """Has its job ended well?"""
        return self.job is not None and self.job.outcome is JobOutcome.COMPLETED

    @property
    def aborted(self) -> bool:
        """Was its job ended by the script itself?"""
        return self.job is not None and self.job.outcome is JobOutcome.ABORTED

    @property
    def standing(self) -> StepStanding:
        """How the step stands while the run goes on."""
        if self.ended is None:
            return StepStanding.NOT_STARTED if self.request is None else StepStanding.RUNNING
        match self.ended.outcome:
            case StepOutcome.DONE if self.id.action is Action.VERIFY:
                return StepStanding.PASSED
            case StepOutcome.DONE:
                return StepStanding.DONE
            case StepOutcome.FAILED:
                return StepStanding.FAILED
            case StepOutcome.NOT_JUDGED:
                return StepStanding.NOT_JUDGED
            case StepOutcome.CANCELLED:
                return self.interrupted

    @property
    def interrupted(self) -> StepStanding:
        """How the step stands where it was cancelled, or the run has ended before it did."""
        failed = self.job is not None and self.job.outcome is JobOutcome.FAILED
        # A job that had failed before, and was to be submitted again, was not aborted.
        return StepStanding.ABORTED if self.job_id and not failed else StepStanding.CANCELLED


@dataclass(frozen=True)
class ProductState:
    """One product."""

    stage: Stage = Stage.WAITING  #: The last stage it has reached.
    generated: bool = False  #: Was it generated, whatever became of it later?
    verdict: Verdicted | None = None  #: What its verification said.
    compared: Compared | None = None  #: How it compares with what was valid before.
    certified: Certified | None = None  #: Where it is certified.
    doubtful: Doubtful | None = None  #: Where it may be certified.
    refused: CertificationRefused | None = None  #: Where it could not be certified.
    opposed: Opposed | None = None  #: Which decision stands against it.
