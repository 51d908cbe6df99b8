"""Shows a rehearsal while it runs: live tables in a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ...events.events import (
    Event,
    ExposureTaken,
    ImageArrived,
    ImageSetClosed,
    JobEnded,
    JobStarted,
    JobSubmitted,
    StageReached,
)
from ..queue.script_queue import LogLine

__all__ = ["Display", "Span", "stamp"]

_STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
_BAR = 60


def stamp() -> str:
    """Return the time of day, UTC, as it stands before each line."""
    return datetime.now(UTC).strftime("%H:%M:%S.%f")[:10]


@dataclass
class Span:
    """Something that takes time: a set of images or a job; seconds of the event loop's clock."""

    name: str
    begin: float
    end: float | None = None
    note: str = ""
    job_id: str = ""


@dataclass
class _Images:
    """Counts of one image type."""

    taken: int = 0
    exposures: set[int] = field(default_factory=set)
    arrived: set[int] = field(default_factory=set)


class Display:
    """Follows the events of a run and shows them.

    Parameters
    ----------
    console : `rich.console.Console`
        Where to.
    live : `bool`, optional
        Show tables that change; by default where the console is a terminal.

    Notes
    -----
    A context manager: leaving it ends the live tables.
    """

    def __init__(self, console: Console, live: bool | None = None) -> None:
        self.console = console
        self._images: dict[str, _Images] = {}
        self._stages: dict[str, str] = {}
        self.spans: list[Span] = []
        wanted = console.is_terminal if live is None else live
        self._live = Live(get_renderable=self._tables, console=console, transient=True) if wanted else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *args: object) -> None:
        if self._live is not None:
            self._live.stop()

    def log(self, line: LogLine) -> None:
        """Print a log message of the script as LOVE would."""
        style = _STYLES.get(line.level_name, "")
        self.console.print(Text(f"{stamp()} {line.level_name:8}{line.message}", style=style), soft_wrap=True)

    def state(self, state: str, reason: str, checkpoint: str) -> None:
        """Print the state of the script, and the checkpoint it has come to."""
        where = f", checkpoint: {checkpoint}" if checkpoint else ""
        self.console.print(Text(f"{stamp()} Script {state}{where}", style="cyan"), soft_wrap=True)

    def __call__(self, event: Event) -> None:
        """Record an event of the run."""
        now = asyncio.get_running_loop().time()
        match event:
            case ExposureTaken(image_type, exposure, _, discarded):
                self._note_exposure(image_type, exposure, discarded, now)
            case ImageArrived(exposure, _, 0):
                for images in self._images.values():
                    images.arrived |= images.exposures & {exposure}
            case ImageSetClosed(image_type, exposures):
                self._plain(f"{image_type}: {len(exposures)} images are in the OODS")
            case StageReached(product, stage):
                self._stages[product] = stage.value
                self._plain(f"{product}: {stage.value}")
            case JobSubmitted(step):
                self.spans.append(Span(step, now))
            case JobStarted(step, job_id):
                self._span(step).job_id = job_id
            case JobEnded(step, _, _, outcome):
                span = self._span(step)
                span.end, span.note = now, outcome if outcome == "completed" else "failed"
                self._plain(f"{step}: {span.note} after {now - span.begin:.1f} s")

    def _note_exposure(self, image_type: str, exposure: int, discarded: bool, now: float) -> None:
        images = self._images.get(image_type)
        if images is None:
            images = self._images[image_type] = _Images()
            self.spans.append(Span(f"TAKE {image_type}", now))
        images.taken += 1
        if not discarded:
            images.exposures.add(exposure)
        self._span(f"TAKE {image_type}").end = now

    def _span(self, name: str) -> Span:
        return next(span for span in reversed(self.spans) if span.name == name)

    def _plain(self, text: str) -> None:
        if self._live is None:
            self.console.print(Text(f"{stamp()}         {text}", style="dim"), soft_wrap=True)

    def _tables(self) -> Group:
        """Return what the live display shows."""
        images = Table("images", "taken", "arrived", title="Images", title_justify="left")
        for name, counts in self._images.items():
            images.add_row(name, str(counts.taken), f"{len(counts.arrived)} of {len(counts.exposures)}")
        stages = Table("product", "stage", title="Products", title_justify="left")
        for product, stage in self._stages.items():
            stages.add_row(product, stage)
        jobs = Table("job", "id", "state", "seconds", title="OCPS jobs", title_justify="left")
        now = asyncio.get_running_loop().time()
        for span in self.spans:
            if not span.name.startswith("TAKE"):
                state = span.note or "running"
                jobs.add_row(span.name, span.job_id, state, f"{(span.end or now) - span.begin:.1f}")
        return Group(images, stages, jobs)

    def timeline(self) -> Iterator[str]:
        """Draw what took how long, and beside what.

        Yields
        ------
        `str`
            A line for each set of images and each job.
        """
        if not self.spans:
            return
        begin = min(span.begin for span in self.spans)
        length = max(max(span.end or span.begin for span in self.spans) - begin, 0.001)
        for span in self.spans:
            end = span.begin if span.end is None else span.end
            left = round(_BAR * (span.begin - begin) / length)
            width = max(1, round(_BAR * (end - span.begin) / length))
            bar = (" " * left + "█" * width)[: _BAR + 1]
            yield f"{span.name:17} {bar:{_BAR + 1}} {span.begin - begin:6.1f} to {end - begin:6.1f} s"
