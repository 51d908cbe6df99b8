"""What a record holds, as frozen data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from ..events.events import Event, ImageArrived, JobEnded, JobSubmitted, RunOutcome
from ..events.folding import state_of
from ..events.parts import StepState
from ..events.state import RunState
from ..plan import StepId

__all__ = ["EVENTS", "FORMAT", "HEARTBEAT", "SILENCE", "About", "Entry", "Header", "Job", "Record"]

FORMAT = 3
"""Version of the layout of the file; a reader knows all up to its own.

Before 2 failures stood in the last line only, so that a run that was killed left none, and how steps ended was not
recorded or stood at the end. Before 3 outcomes of jobs were free text, and what a plan takes was not recorded.
"""


HEARTBEAT = "Heartbeat"
"""Name of the line that says that a run goes on, though nothing happens; readers that do not know it skip it."""

SILENCE = 45.0
"""After how long without a line a run without an end no longer goes on, seconds: several heartbeats."""


@dataclass(frozen=True)
class About:
    """What is known of a run before it begins."""

    script: str  #: E.g. ``auxtel/make_latiss_calibrations.py``.
    instrument: str  #: Butler instrument name.
    index: int  #: SAL index of the script.
    given: Mapping[str, Any]  #: Configuration as the user wrote it.
    config: Mapping[str, Any]  #: Configuration with everything filled in.
    detectors: tuple[int, ...] = ()  #: Detectors asked for.
    #: Of the script; may be empty.
    group_id: str = ""
    obs_id: str = ""


@dataclass(frozen=True)
class Header:
    """The first line of a record."""

    about: About  #: Script and configuration.
    #: Versions of this package, the middleware, daf_butler and the pipelines; ``unknown`` where they cannot
    #: be found out.
    versions: Mapping[str, str] = field(default_factory=dict)
    #: Environment variables that decide what is run, as far as they are set.
    environment: Mapping[str, str] = field(default_factory=dict)
    host: str = ""  #: Name of the machine.
    record: int = FORMAT  #: Layout of the file.


EVENTS: Mapping[str, type[Any]] = MappingProxyType({kind.__name__: kind for kind in get_args(Event)})
"""Name of an event in the file -> its type."""

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Entry:
    """An event and when it was."""

    tai: datetime  #: TAI, without a time zone.
    loop: float  #: Time of the event loop, seconds; differences between entries are durations.
    event: Event  #: What happened.


@dataclass(frozen=True)
class Job:
    """An OCPS job from its command to its end."""

    state: StepState  #: What is known of it.
    request: JobSubmitted  #: The command.
    submitted: Entry  #: When it was sent.
    ended: Entry | None = None  #: When it ended; None where it ran when the record ends.
    repeated: bool = False  #: Was it submitted again, since it failed?

    @property
    def step(self) -> StepId:
        """What it was for, e.g. ``GENERATE BIAS``."""
        return self.state.id

    @property
    def job_id(self) -> str | None:
        """Its identifier; None where it was never reported."""
        return self.state.job_id

    @property
    def collection(self) -> str | None:
        """Where its outputs are, as shown to an observer."""
        return self.state.collection

    @property
    def result(self) -> JobEnded | None:
        """How it ended; None where it ran when the record ends."""
        return self.state.job

    @property
    def completed(self) -> bool:
        """Whether it has ended well."""
        return self.state.completed

    @property
    def aborted(self) -> bool:
        """Whether it was ended by the script itself."""
        return self.state.aborted

    @property
    def seconds(self) -> float | None:
        """How long it took from its command on, None where it has not ended."""
        return None if self.ended is None else self.ended.loop - self.submitted.loop


def _without_earlier_arrivals(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    last = {exposure: place for place, entry in enumerate(entries) if (exposure := _arrived(entry.event))}
    return tuple(
        entry for place, entry in enumerate(entries) if last.get(_arrived(entry.event) or 0, place) == place
    )


def _arrived(event: Event) -> int | None:
    """Return the exposure of which an image has arrived well, None where this is another event."""
    return event.exposure if isinstance(event, ImageArrived) and event.status_code == 0 else None


@dataclass(frozen=True)
class Record:
    """A run as far as it was recorded: what happened and when; what that comes to is its `state`."""

    path: Path  #: The file.
    header: Header  #: What was known before it began.
    begun: datetime  #: When it began, TAI, without a time zone.
    begun_loop: float  #: The same by the clock of the entries, seconds.
    #: What happened, in order; of the images of an exposure that have arrived well only the last one: all are
    #: in the state, and a large camera sends hundreds.
    entries: tuple[Entry, ...] = ()
    torn: bool = False  #: Does the file end in the middle of a line? Its writer was killed.
    #: When its last line was written, TAI; None where it has only its first one.
    heard: datetime | None = None
    heard_loop: float | None = None  #: The same by the clock of the entries, seconds.
    #: What the run has done, as its script knew it: what the entries add up to.
    state: RunState = field(default_factory=RunState)

    def with_entries(self, entries: Iterable[Entry]) -> Record:
        """Return the record with what happened afterwards; what happened before is not looked at again.

        Parameters
        ----------
        entries : iterable of `Entry`
            What happened, in order.
        """
        further = tuple(entries)
        state = state_of((entry.event for entry in further), self.state)
        return replace(self, entries=_without_earlier_arrivals((*self.entries, *further)), state=state)

    @property
    def about(self) -> About:
        """Script and configuration."""
        return self.header.about

    @property
    def name(self) -> str:
        """Name of the run: that of its file without the ending."""
        return self.path.stem

    @property
    def outcome(self) -> RunOutcome:
        """DONE, FAILED or STOPPED; UNFINISHED where the record has no end: it was killed, or it still runs."""
        return self.state.outcome

    @property
    def seconds(self) -> float:
        """From the beginning to the last thing recorded; of a run without an end to its last sign of life."""
        last = max((entry.loop for entry in self.entries), default=self.begun_loop)
        if self.state.ended is None and self.heard_loop is not None:
            last = max(last, self.heard_loop)
        return last - self.begun_loop

    @property
    def last_heard(self) -> datetime:
        """When its last line was written, TAI."""
        return self.heard or self.begun

    def is_running(self, now: datetime) -> bool:
        """Check whether the run goes on: it has no end, and has shown a sign of life not long ago.

        Parameters
        ----------
        now : `datetime.datetime`
            The time, TAI.
        """
        return self.state.ended is None and (now - self.last_heard).total_seconds() <= SILENCE

    def events(self, kind: type[Kind]) -> Iterator[Kind]:
        """Return all events of a kind, in order."""
        return (entry.event for entry in self.entries if isinstance(entry.event, kind))

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """OCPS jobs in the order they were submitted."""
        steps = self.state.steps.values()
        states = {
            id(attempt.request): (attempt, attempt is not step) for step in steps for attempt in step.attempts
        }
        ended = {id(e.event): e for e in self.entries if isinstance(e.event, JobEnded)}
        return tuple(
            Job(state, e.event, e, ended.get(id(state.job)), repeated)
            for e in self.entries
            if isinstance(e.event, JobSubmitted)
            for state, repeated in [states[id(e.event)]]
        )

    def job(self, step: StepId) -> Job | None:
        """Return the last job of a step, None where it had none."""
        return next((job for job in reversed(self.jobs) if job.step == step), None)
