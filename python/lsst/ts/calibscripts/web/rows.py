"""A record -> what the list of runs says of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from ..events.summary import headline_of_run
from ..ground.tai import observing_day
from ..record import Record
from ..record.records import SILENCE
from ..report.account import alone
from ..report.contents import Standing

__all__ = ["RunRow", "RunStatus", "row_of", "unreadable"]

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

    @property
    def night(self) -> int:
        """Observing day (YYYYMMDD), 0 where it is unknown."""
        return observing_day(datetime.fromisoformat(self.begun)) if self.begun else 0

    @property
    def is_failing(self) -> bool:
        """Has something failed?"""
        return self.failures > 0 or any(standing.style == "bad" for standing in self.products.values())

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


def row_of(record: Record) -> RunRow:
    """Return what the list of runs says of a record.

    Parameters
    ----------
    record : `Record`
        The record.
    """
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
    )


def unreadable(path: Path, why: str) -> RunRow:
    """Return what the list of runs says of a file that is not a record, or a damaged one.

    Parameters
    ----------
    path : `pathlib.Path`
        The file.
    why : `str`
        Why it cannot be read.
    """
    return RunRow(path.stem, _short(path.stem.partition("_")[0]), "", "", "", "", _short(why))


def _label(record: Record, product: str) -> str:
    chosen = record.state.physical_filter or record.about.config.get("filter")
    return f"{product} {_short(str(chosen))}" if product == "FLAT" and chosen else product


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
