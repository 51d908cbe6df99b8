"""What a record holds, as frozen data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar, get_args

from ..events.events import (
    ABORTED_BY_SCRIPT,
    STOPPED_WITHOUT_ID,
    Certified,
    Ending,
    Event,
    ExposureTaken,
    Failed,
    JobEnded,
    JobStarted,
    JobSubmitted,
    Planned,
    StageReached,
    StepEnded,
    Verdicted,
    Warned,
)

__all__ = ["EVENTS", "FORMAT", "About", "Ended", "Entry", "Header", "Job", "Noted", "Record"]

FORMAT = 2
"""Version of the layout of the file; a reader knows all up to its own.

Before 2 failures stood in the last line only, so that a run that was killed left none, and how steps ended was not
recorded or stood at the end.
"""


@dataclass(frozen=True)
class About:
    """What is known of a run before it begins.

    Attributes
    ----------
    script : `str`
        E.g. ``auxtel/make_latiss_calibrations.py``.
    instrument : `str`
        Butler instrument name.
    index : `int`
        SAL index of the script.
    given : mapping
        Configuration as the user wrote it.
    config : mapping
        Configuration with everything filled in.
    detectors : `tuple` [`int`]
        Detectors asked for.
    group_id, obs_id : `str`
        Of the script; may be empty.
    """

    script: str
    instrument: str
    index: int
    given: Mapping[str, Any]
    config: Mapping[str, Any]
    detectors: tuple[int, ...] = ()
    group_id: str = ""
    obs_id: str = ""


@dataclass(frozen=True)
class Header:
    """The first line of a record.

    Attributes
    ----------
    about : `About`
        Script and configuration.
    versions : mapping [`str`, `str`]
        Versions of this package, the middleware, daf_butler and the pipelines; ``unknown`` where they cannot
        be told.
    environment : mapping [`str`, `str`]
        Environment variables that decide what is run, as far as they are set.
    host : `str`
        Name of the machine.
    """

    about: About
    versions: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    host: str = ""


@dataclass(frozen=True)
class Ended:
    """The run has ended.

    Attributes
    ----------
    state : `str`
        DONE, FAILED or STOPPED.
    failures : `tuple` [`str`]
        One sentence each; in layout 1 only, later ones have an event for each.
    """

    state: str
    failures: tuple[str, ...] = ()


Noted: TypeAlias = Event | Ended
"""What a line after the first one holds."""

EVENTS: Mapping[str, type[Any]] = MappingProxyType({kind.__name__: kind for kind in get_args(Noted)})
"""Name of an event in the file -> its type."""

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Entry:
    """An event and when it was.

    Attributes
    ----------
    tai : `datetime.datetime`
        TAI, without a time zone.
    loop : `float`
        Time of the event loop, seconds; differences between entries are durations.
    event : `Noted`
        What happened.
    """

    tai: datetime
    loop: float
    event: Noted


@dataclass(frozen=True)
class Job:
    """An OCPS job from its command to its end.

    Attributes
    ----------
    request : `JobSubmitted`
        The command.
    submitted : `Entry`
        When it was sent.
    job_id : `str` or `None`
        None where it was never reported.
    ended : `Entry` or `None`
        None where it ran when the record ends.
    result : `JobEnded` or `None`
        How it ended.
    """

    request: JobSubmitted
    submitted: Entry
    job_id: str | None = None
    ended: Entry | None = None
    result: JobEnded | None = None

    @property
    def step(self) -> str:
        """What it was for, e.g. ``GENERATE BIAS``."""
        return self.request.step

    @property
    def collection(self) -> str | None:
        """Where its outputs are, as shown to an observer."""
        return f"u/ocps/{self.job_id}" if self.job_id else None

    @property
    def completed(self) -> bool:
        """Whether it has ended well."""
        return self.result is not None and self.result.outcome == "completed"

    @property
    def aborted(self) -> bool:
        """Whether it was ended by the script itself."""
        return self.result is not None and self.result.outcome in (ABORTED_BY_SCRIPT, STOPPED_WITHOUT_ID)

    @property
    def seconds(self) -> float | None:
        """How long it took from its command on, None where it has not ended."""
        return None if self.ended is None else self.ended.loop - self.submitted.loop


@dataclass(frozen=True)
class Record:
    """What became of a run, as far as it was recorded.

    Attributes
    ----------
    path : `pathlib.Path`
        The file.
    header : `Header`
        What was known before it began.
    begun : `datetime.datetime`
        When it began, TAI, without a time zone.
    begun_loop : `float`
        The same by the clock of the entries, seconds.
    entries : `tuple` [`Entry`]
        What happened, in order.
    torn : `bool`
        Does the file end in the middle of a line? Its writer was killed.
    """

    path: Path
    header: Header
    begun: datetime
    begun_loop: float
    entries: tuple[Entry, ...] = ()
    torn: bool = False

    @property
    def about(self) -> About:
        """Script and configuration."""
        return self.header.about

    @property
    def name(self) -> str:
        """Name of the run: that of its file without the ending."""
        return self.path.stem

    @property
    def ended(self) -> Ended | None:
        """How the run ended; None where the record ends before."""
        return next((event for event in self.events(Ended)), None)

    @property
    def state(self) -> str:
        """DONE, FAILED or STOPPED; UNFINISHED where the record has no end: it was killed, or it still runs."""
        return self.ended.state if self.ended else "UNFINISHED"

    @property
    def failures(self) -> tuple[str, ...]:
        """What went wrong, one sentence each."""
        noted = tuple(event.message for event in self.events(Failed))
        return noted or (self.ended.failures if self.ended else ())

    @cached_property
    def endings(self) -> dict[str, Ending]:
        """How steps have ended so far, in the order of the plan."""
        planned = [step for event in self.events(Planned) for step in event.steps]
        ended = {event.step: event.ending for event in self.events(StepEnded)}
        return {step: ended[step] for step in dict.fromkeys([*planned, *ended]) if step in ended}

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """All steps of the run, in the order of the plan; of a record without a plan those that had a job."""
        planned = [step for event in self.events(Planned) for step in event.steps]
        certified = [f"CERTIFY {name}" for name in self.certified]
        jobs = [job.step for job in self.jobs]
        return tuple(dict.fromkeys(planned or [*self.endings] or [*jobs, *certified]))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the observer was warned of."""
        return tuple(event.message for event in self.events(Warned))

    @property
    def seconds(self) -> float:
        """From the beginning to the last thing recorded."""
        return max((entry.loop for entry in self.entries), default=self.begun_loop) - self.begun_loop

    def events(self, kind: type[Kind]) -> Iterator[Kind]:
        """Return all events of a kind, in order."""
        return (entry.event for entry in self.entries if isinstance(entry.event, kind))

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """OCPS jobs in the order they were submitted."""
        started = {event.step: event.job_id for event in self.events(JobStarted)}
        ended = {e.event.step: (e, e.event) for e in self.entries if isinstance(e.event, JobEnded)}
        return tuple(
            Job(
                entry.event,
                entry,
                started.get(entry.event.step),
                *ended.get(entry.event.step, (None, None)),
            )
            for entry in self.entries
            if isinstance(entry.event, JobSubmitted)
        )

    def job(self, step: str) -> Job | None:
        """Return the job of a step, None where it had none."""
        return next((job for job in self.jobs if job.step == step), None)

    def exposures(self, image_type: str, *, discarded: bool = False) -> tuple[int, ...]:
        """Return the exposures of a type that were taken and kept, or those that were discarded."""
        return tuple(
            event.exposure
            for event in self.events(ExposureTaken)
            if event.image_type == image_type and event.discarded is discarded
        )

    @property
    def stages(self) -> dict[str, str]:
        """Last stage of every product that reached one."""
        return {event.product: event.stage.value for event in self.events(StageReached)}

    @property
    def certified(self) -> dict[str, Certified]:
        """What was certified, by product."""
        return {event.product: event for event in self.events(Certified)}

    @property
    def verdicts(self) -> dict[str, Verdicted]:
        """Verdicts, by product."""
        return {event.product: event for event in self.events(Verdicted)}
