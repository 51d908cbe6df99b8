"""What happened in a run, in order."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from soak.scenarios import Scenario

from lsst.ts.calibscripts.repository import ExposureRecord
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine
from lsst.ts.calibscripts.tables.instruments import INSTRUMENTS
from lsst.ts.calibscripts.testing.memory import Association, Dataset, MemoryButler

__all__ = ["Committed", "Ended", "Entry", "Exposed", "Journal", "Sent", "Story"]

T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """Something that happened, and when, in seconds of the event loop."""

    time: float
    what: Any


@dataclass(frozen=True)
class Committed:
    """A certification was committed while the script was in that state."""

    associations: tuple[Association, ...]
    state: ScriptState


@dataclass(frozen=True)
class Exposed:
    """The camera began an exposure, or has read it out."""

    exposure: int
    image_type: str
    ended: bool


@dataclass(frozen=True)
class Sent:
    """The operator has sent a command to the script."""

    command: str


@dataclass(frozen=True)
class Ended:
    """The script has ended."""

    state: ScriptState
    reason: str


@dataclass
class Journal:
    """Everything that happened, in order."""

    loop: asyncio.AbstractEventLoop
    entries: list[Entry] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _waiting: list[tuple[str, int, asyncio.Event]] = field(default_factory=list)

    def note(self, what: Any) -> None:
        self.entries.append(Entry(self.loop.time(), what))
        self._counts.update(["", type(what).__name__])
        if isinstance(what, Exposed) and what.ended:
            self._counts.update([f"{what.image_type} taken"])
        for kind, number, event in self._waiting:
            if self._counts[kind] >= number:
                event.set()

    async def reaches(self, number: int, kind: str = "") -> None:
        """Wait for a number of entries, of a kind or of any."""
        event = asyncio.Event()
        self._waiting.append((kind, number, event))
        if self._counts[kind] < number:
            await event.wait()


@dataclass(frozen=True)
class Story:
    """How a run went."""

    scenario: Scenario
    entries: tuple[Entry, ...]  #: What happened until the script had ended and all was closed.
    #: Final state; UNKNOWN for a script that was ended by a signal.
    state: ScriptState
    reason: str
    #: All jobs when the script ended, and a while later.
    jobs_at_end: tuple[Job, ...]
    jobs: tuple[Job, ...]
    #: When the script was told to run and when it had ended.
    began: float
    ended: float
    collections: frozenset[str]  #: Collections that the butler had before.
    butler: MemoryButler  #: The butler; a later run may have added to it.
    leaked: tuple[str, ...]  #: Tasks that were left, and errors that nobody was told.

    @cached_property
    def written(self) -> tuple[Dataset, ...]:
        """What the jobs of this run have written."""
        return tuple(d for job in self.jobs for d in self.butler.datasets(f"u/ocps/{job.job_id}/run"))

    @cached_property
    def levels(self) -> Mapping[tuple[int, int], float]:
        """Signal of the images that the butler has, by exposure and detector, ADU."""
        raws = self.butler.datasets(INSTRUMENTS[self.scenario.instrument].raw_collection, "raw")
        return {(int(raw.exposure or 0), int(raw.detector or 0)): float(raw.value) for raw in raws}

    @cached_property
    def records(self) -> Mapping[int, ExposureRecord]:
        """What the butler knows of exposures."""
        exposures = {exposure for exposure, _ in self.levels} | {e.exposure for _, e in self.of(Exposed)}
        exposures |= {*self.scenario.earlier}
        found = (self.butler.exposure(self.scenario.instrument, exposure) for exposure in exposures)
        return {record.id: record for record in found if record is not None}

    def of(self, kind: type[T]) -> Iterator[tuple[float, T]]:
        """Return what happened of a kind, with its time."""
        return ((entry.time, entry.what) for entry in self.entries if isinstance(entry.what, kind))

    @property
    def log(self) -> list[str]:
        """Messages of the script."""
        return [line.message for _, line in self.of(LogLine)]

    @property
    def summary(self) -> str:
        """The summary at the end; empty where there is none."""
        found = [text for text in self.log if re.match(r"\S+ ends [A-Z]+: ", text)]
        return found[-1] if found else ""

    def __str__(self) -> str:
        lines = [f"{entry.time:9.3f} {_brief(entry.what)}" for entry in self.entries]
        return "\n".join([repr(self.scenario), *lines, f"{self.state.name}: {self.reason}"])


def _brief(what: Any) -> str:
    if isinstance(what, Job):
        return f"job {what.name} {what.job_id[:6]} {what.phase} {what.exit_code}"
    if isinstance(what, LogLine):
        return f"{what.level_name} {what.message}"
    if isinstance(what, ScriptState):
        return f"script {what.name}"
    if isinstance(what, Committed):
        return f"COMMITTED in {what.state.name}: {[a.dataset.place for a in what.associations]}"
    return str(what)
