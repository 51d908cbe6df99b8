"""How far the images and the steps of a run have come. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..events.parts import SetState, StepStanding
from ..ground.text import exposure_range
from ..plan import StepId
from ..record import Record
from .reading.exposed import duration

__all__ = ["SetProgress", "StepProgress", "sets_of", "steps_of"]

_STYLES = {
    StepStanding.NOT_STARTED: "idle",
    StepStanding.RUNNING: "next",
    StepStanding.DONE: "good",
    StepStanding.PASSED: "good",
    StepStanding.FAILED: "bad",
    StepStanding.NOT_JUDGED: "bad",
    StepStanding.CANCELLED: "idle",
    StepStanding.ABORTED: "idle",
}


@dataclass(frozen=True)
class SetProgress:
    """How far the images of one type have come."""

    image_type: str  #: BIAS, DARK or FLAT.
    #: Exposures, discarded ones among them.
    taken: int
    wanted: int
    #: Images of single detectors that have arrived and are good, of the kept exposures, and how many there
    #: will be.
    images: int
    images_wanted: int
    exposures: str  #: Ids of the exposures so far.
    note: str  #: What else there is to say.


@dataclass(frozen=True)
class StepProgress:
    """How far a step has come: how it stands, how that is shown, for how long its job has run, and its collection."""

    step: str
    standing: str
    style: str
    took: str
    collection: str


def sets_of(record: Record) -> tuple[SetProgress, ...]:
    """Return how far the images have come."""
    return tuple(_set(record, images) for images in record.state.sets.values())


def _set(record: Record, images: SetState) -> SetProgress:
    planned = images.planned
    left_out = f"left out {exposure_range(images.left_out)}" if images.left_out else ""
    notes = (
        "taken before this run" if images.existing else "",
        left_out,
        f"test flats {exposure_range(images.tests)}" if images.tests else "",
        images.time_found.text if images.time_found else "",
        "given up" if images.given_up else "",
    )
    return SetProgress(
        image_type=str(images.image_type),
        taken=len(images.taken),
        wanted=planned.n_kept + planned.n_discarded,
        images=record.state.n_images(images.image_type),
        images_wanted=planned.n_kept * max(1, len(record.about.detectors)),
        exposures=exposure_range(images.taken) if images.taken else "",
        note="; ".join(filter(None, notes)),
    )


def steps_of(record: Record) -> tuple[StepProgress, ...]:
    """Return how far the steps have come, in the order of the plan."""
    return tuple(_steps(record))


def _steps(record: Record) -> Iterator[StepProgress]:
    seconds = {job.step: _seconds(record, job.step) for job in record.jobs}
    for step_id, standing in record.state.standings.items():
        took, attempt = seconds.get(step_id), len(record.state.step(step_id).attempts)
        yield StepProgress(
            step=str(step_id),
            standing=f"{standing}, attempt {attempt}" if attempt > 1 else str(standing),
            style=_STYLES[standing],
            took="" if took is None else duration(took),
            collection=record.state.step(step_id).collection or "",
        )


def _seconds(record: Record, step_id: StepId) -> float | None:
    """Return how long a job took, or has run until now."""
    job = record.job(step_id)
    if job is None:
        return None
    return job.seconds if job.ended else record.begun_loop + record.seconds - job.submitted.loop
