"""Shows a rehearsal while it runs: live tables in a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ...events.events import (
    Event,
    ExposureTaken,
    FlatDarkTaken,
    ImageSetClosed,
    JobEnded,
    JobSubmitted,
    StageReached,
)
from ...events.folding import fold
from ...events.state import RunState
from ...plan import StepId
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
    step: StepId | None = None


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
        self.run = RunState()
        self.spans: list[Span] = []
        self._state = ""
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
        shown = f"Script {state}" + (f", checkpoint: {checkpoint}" if checkpoint else "")
        # A script also reports its state where something else changes, such as its group id.
        if shown != self._state:
            self._state = shown
            self.console.print(Text(f"{stamp()} {shown}", style="cyan"), soft_wrap=True)

    def __call__(self, event: Event) -> None:
        """Record an event of the run."""
        now = asyncio.get_running_loop().time()
        self.run = fold(self.run, event)
        match event:
            case ExposureTaken(image_type):
                self._span(f"TAKE {image_type}", now).end = now
            case FlatDarkTaken():
                self._span("TAKE FLAT-DARK", now).end = now
            case ImageSetClosed(image_type, exposures):
                self._plain(f"{image_type}: {len(exposures)} images are in the OODS")
            case StageReached(product, stage):
                self._plain(f"{product}: {stage}")
            case JobSubmitted(step):
                span = self._span(str(step), now)
                span.step, span.end = step, None
            case JobEnded(step, _, _, outcome):
                span = self._span(str(step), now)
                span.end = now
                self._plain(f"{step}: {outcome} after {now - span.begin:.1f} s")

    def _span(self, name: str, now: float) -> Span:
        """Return what is going on under a name, beginning it where nothing is."""
        found = next((span for span in self.spans if span.name == name), None)
        if found is None:
            found = Span(name, now)
            self.spans.append(found)
        return found

    def _plain(self, text: str) -> None:
        if self._live is None:
            self.console.print(Text(f"{stamp()}         {text}", style="dim"), soft_wrap=True)

    def _tables(self) -> Group:
        """Return what the live display shows."""
        images = Table("images", "taken", "arrived", title="Images", title_justify="left")
        for image_type, found in self.run.sets.items():
            arrived = sum(map(bool, self.run.arrivals(image_type).values()))
            images.add_row(image_type, str(len(found.taken)), f"{arrived} of {len(found.kept)}")
        stages = Table("product", "stage", title="Products", title_justify="left")
        for product, stage in self.run.stages.items():
            stages.add_row(product, stage)
        jobs = Table("job", "id", "state", "seconds", title="OCPS jobs", title_justify="left")
        now = asyncio.get_running_loop().time()
        for span in self.spans:
            if span.step is not None:
                step = self.run.step(span.step)
                state = "running" if step.job is None else step.job.outcome.value
                jobs.add_row(span.name, step.job_id or "", state, f"{(span.end or now) - span.begin:.1f}")
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
