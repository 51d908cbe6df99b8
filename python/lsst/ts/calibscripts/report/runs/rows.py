"""A record, and what its run measured -> what lists of runs say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter

from ...decisions import Decision, Decisions, decisions_on
from ...events.events import Verdicted
from ...events.summary import headline_of_run
from ...ground.tai import observing_day
from ...ground.text import counted
from ...plan import Action
from ...record import Record
from ...record.index import Index, RowKind
from ...record.records import SILENCE
from ..account import alone
from ..standings import Standing, in_short
from .past import ENDING, recall

__all__ = ["Median", "Results", "RunRow", "RunStatus", "list_of_runs", "row_of"]

_LONGEST = 300
"""Longest text of a record that a list shows, characters."""


class RunStatus(StrEnum):
    """How a run stands, as lists say it."""

    RUNNING = "RUNNING"
    UNFINISHED = "UNFINISHED"
    DONE = "DONE"
    FAILED = "FAILED"
    STOPPED = "STOPPED"
    UNREADABLE = "UNREADABLE"


@dataclass(frozen=True)
class Median:
    """The median of a quantity that a run measured, see `Measured`; departed: did something leave its usual range?"""

    quantity: str
    condition: str
    unit: str
    value: float
    level: float | None = None
    departed: bool = False


@dataclass(frozen=True)
class Results:
    """What a run came to."""

    filter: str = "-"  #: Filters that its configuration asked for.
    verdicts: Mapping[str, str] = field(default_factory=dict)  #: What was verified -> the verdict, in words.
    jobs: int = 0  #: How many jobs it submitted.
    medians: tuple[Median, ...] | None = None  #: What it measured; None where that was never looked at.
    made: Mapping[str, str] = field(default_factory=dict)  #: Product -> RUN collection that holds it.


@dataclass(frozen=True)
class RunRow:
    """What the list of runs says of a run."""

    name: str  #: Name of its record.
    #: Butler instrument name and script.
    instrument: str
    script: str
    #: When it began and when its last line was written, ISO-8601, TAI.
    begun: str
    heard: str
    #: DONE, FAILED, STOPPED, or UNFINISHED where it has no end; empty for a record that cannot be read.
    outcome: str
    headline: str  #: One line; for a record that cannot be read, why.
    #: Product, flats with their filter -> what came of it, of a run without an end as if it still went on.
    products: Mapping[str, Standing] = field(default_factory=dict)
    failures: int = 0  #: How many failures it has reported.
    results: Results = field(default_factory=Results)

    @property
    def night(self) -> int:
        """Observing day (YYYYMMDD), 0 where it is unknown."""
        return observing_day(datetime.fromisoformat(self.begun)) if self.begun else 0

    @property
    def is_failing(self) -> bool:
        """Has something failed?"""
        return self.failures > 0 or any(standing.style == "bad" for standing in self.products.values())

    def decisions(self, label: str, decisions: Decisions) -> tuple[Decision, ...]:
        """Return the decisions that hold on one of its products, the oldest first.

        Parameters
        ----------
        label : `str`
            The product; flats with their filter or without.
        decisions : `Decisions`
            All that people have decided.
        """
        product = label.partition(" ")[0]
        made = self.results.made.get(product)
        return decisions_on(decisions, run=self.name, product=product, instrument=self.instrument, made=made)

    def decided(self, decisions: Decisions) -> str:
        """Return what was decided on its products and by whom, without the reasons; empty where nothing was.

        Parameters
        ----------
        decisions : `Decisions`
            All that people have decided.
        """
        said = (in_short(label, self.decisions(label, decisions)) for label in self.products)
        return "; ".join(filter(None, said))

    def status(self, now: datetime) -> RunStatus:
        """Return how the run stands.

        Parameters
        ----------
        now : `datetime.datetime`
            The time, TAI.
        """
        if not self.outcome:
            return RunStatus.UNREADABLE
        if self.outcome != RunStatus.UNFINISHED:
            return RunStatus(self.outcome)
        silence = (now - datetime.fromisoformat(self.heard)).total_seconds()
        return RunStatus.RUNNING if silence <= SILENCE else RunStatus.UNFINISHED

    def standings(self, now: datetime) -> Mapping[str, Standing]:
        """Return what came of its products; where a run has died, what was under way was not done.

        Parameters
        ----------
        now : `datetime.datetime`
            The time, TAI.
        """
        if self.status(now) is not RunStatus.UNFINISHED:
            return self.products
        return {name: standing.interrupted for name, standing in self.products.items()}


def list_of_runs(directory: Path) -> Index[RunRow]:
    """Return the list of the runs of a directory; it is to be refreshed.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where the records are; there need not be one.
    """
    return Index(directory, RowKind(_ADAPTER, row_of, _unreadable, ENDING))


def row_of(record: Record) -> RunRow:
    """Return what lists of runs say of a record. Blocks."""
    found = alone(record, running=record.state.ended is None).products
    products = dict.fromkeys((_label(record, step.product) for step in record.state.steps), Standing.NOT_DONE)
    products |= {_label(record, product.product): product.standing for product in found}
    return RunRow(
        name=record.name,
        instrument=_short(record.about.instrument),
        script=_short(record.about.script),
        begun=record.begun.isoformat(timespec="seconds"),
        heard=record.last_heard.isoformat(timespec="seconds"),
        outcome=str(record.outcome),
        headline=headline_of_run(record.state),
        products=products,
        failures=len(record.state.failures),
        results=_results(record),
    )


def _results(record: Record) -> Results:
    verdicts = {_short(name): _verdict(verdict) for name, verdict in record.state.verdicts.items()}
    steps = record.state.steps.items()
    made = {i.product: step.run for i, step in steps if i.action is Action.GENERATE and step.run}
    return Results(_filter(record), verdicts, len(record.jobs), _medians(record.path), made)


def _filter(record: Record) -> str:
    config = record.about.config
    if "FLAT" not in str(config.get("script_mode", "")):
        return "-"
    chosen = [str(config[name]) for name in ("filter", "grating") if config.get(name) is not None]
    return _short(", ".join(chosen)) or "as it was"


def _verdict(verdict: Verdicted) -> str:
    if not verdict.judged:
        return "could not be judged"
    result = "passed" if verdict.passed else "FAILED"
    if not verdict.exposures:
        return result
    return f"{result}, {verdict.failed_exposures} of {counted(verdict.exposures, verdict.noun)} failed"


def _medians(path: Path) -> tuple[Median, ...] | None:
    past = recall(path)
    if past is None:
        return None
    return tuple(
        Median(m.quantity, m.condition, m.unit, m.median, m.level, (m.quantity, m.condition) in past.departed)
        for m in past.measured
        if m.values
    )


def _unreadable(path: Path, why: str) -> RunRow:
    return RunRow(path.stem, _short(path.stem.partition("_")[0]), "", "", "", "", _short(why))


def _label(record: Record, product: str) -> str:
    chosen = record.state.physical_filter or record.about.config.get("filter")
    return f"{product} {_short(str(chosen))}" if product == "FLAT" and chosen else product


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


_ADAPTER = TypeAdapter(RunRow)
