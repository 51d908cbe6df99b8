"""What the pages are made of: the templates of the report, and those around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from ..decisions import Decisions, read_decisions
from ..errors import CalibScriptsError
from ..ground.tai import tai_now
from ..record import Record, with_decisions
from ..report.account import alone
from ..report.page import page_environment, page_source, page_values
from ..report.runs.rows import RunRow
from ..report.scripts import scripts_of
from ..run.afterwards import certifiable
from ..tables.instruments import INSTRUMENTS
from ..tables.products import PRODUCTS
from .drawing import drawing_of
from .forms import place_of
from .listing import listing
from .memories import Memories
from .nights import nights_of
from .reports import Reports
from .shelf import Shelf
from .trending import MOST, parts_of, series_of

__all__ = ["FILES", "Pages", "Visitor"]

_TEMPLATES = jinja2.PackageLoader(__package__, "templates")

FILES: Mapping[str, tuple[str, str]] = {
    "page.css": ("text/css", page_source("page.css")),
    "page.js": ("text/javascript", page_source("page.js")),
    **{
        name: (kind, _TEMPLATES.get_source(jinja2.Environment(autoescape=True), name)[0])
        for name, kind in (("site.css", "text/css"), ("site.js", "text/javascript"))
    },
}
"""Name of a file that pages refer to -> its type and its text. There are no others."""


_PATIENCE = 2.0
"""How long a page waits for a record to be read, seconds: a run of the largest camera can take ten."""

_MOST_NIGHTS = 30
"""Nights on the page of all nights."""

_MASTERS = sorted(product.dataset_type for product in PRODUCTS.values() if product.certified)


@dataclass(frozen=True)
class Visitor:
    """Who looks at a page: a name and the token for changes, each empty where there is none."""

    user: str = ""
    token: str = ""


class Pages:
    """Makes the pages of a server. Blocks.

    Parameters
    ----------
    shelf : `Shelf`
        The records.
    reports : `Reports`
        Makes the reports.
    """

    def __init__(self, shelf: Shelf, reports: Reports) -> None:
        self._shelf = shelf
        self._reports = reports
        self._past = Memories()
        self._decided: tuple[str, Decisions] | None = None
        self._templates = page_environment(_TEMPLATES)

    def runs(self, visitor: Visitor, asked: Mapping[str, str]) -> str:
        """Write the list of runs.

        Parameters
        ----------
        asked : mapping [`str`, `str`]
            Filters and page, as somebody wrote them.
        """
        version = self.runs_version()
        rows, unread = self._shelf.rows()
        shown = listing(rows, asked, tai_now(), self.decisions())
        return self._page("runs.html.j2", "Runs", visitor, listing=shown, unread=unread, version=version)

    def runs_version(self) -> str:
        """Return a text that changes with the list of runs."""
        rows, unread = self._shelf.rows(seconds=0.2)
        return f"{_pulse(rows, tai_now())}-{unread}-{self._shelf.stamp()}"

    def run(self, visitor: Visitor, name: str) -> str | None:
        """Write the page of a run: while it goes on what its record says, afterwards its report.

        Parameters
        ----------
        name : `str`
            Its name, as somebody wrote it.

        Returns
        -------
        `str` or `None`
            The page; None where there is no such run.
        """
        path = self._shelf.path(name)
        if path is None:
            return None
        version = self.run_version(name)
        events = f"/runs/{quote(name, safe='')}/events"
        try:
            record = self._shelf.record_within(path, _PATIENCE)
            if record is None:
                text = "The record is long, and is being read; the run replaces this page when it has been."
                return self._page(
                    "problem.html.j2",
                    "Runs",
                    visitor,
                    title=name,
                    problem=text,
                    events=events,
                    version=version,
                )
            values, remark = self._values(record)
        except CalibScriptsError as error:
            return self._page("problem.html.j2", "Runs", visitor, title=name, problem=str(error))
        shown = {**values, "remark": remark, **self._decidable(record)}
        return self._page("run.html.j2", "Runs", visitor, **shown, events=events, version=version)

    def run_version(self, name: str) -> str:
        """Return a text that changes with the page of a run."""
        path = self._shelf.path(name)
        if path is None:
            return "gone"
        stamp = f"{self._shelf.stamp(path)}-{self._shelf.stamp_of_decisions()}"
        try:
            record = self._shelf.record_within(path, _PATIENCE)
        except CalibScriptsError:
            return f"{stamp}-problem"
        if record is None:
            return "reading"
        if record.is_running(tai_now()):
            return f"{stamp}-running"
        report = self._reports.of(record, self._shelf.stamp(path), self.decisions())
        return f"{stamp}-{'report' if report.ready else 'record'}"

    def nights(self, visitor: Visitor, day: int | None = None) -> str | None:
        """Write the nights, or one.

        Parameters
        ----------
        day : `int`, optional
            Observing day (YYYYMMDD); the latest ones by default.

        Returns
        -------
        `str` or `None`
            The page; None where there is no such night.
        """
        version = self.runs_version()
        rows, _ = self._shelf.rows()
        chosen = (row for row in rows if day in (None, row.night))
        found = nights_of(chosen, self.decisions(), tai_now(), _MOST_NIGHTS + 1)
        if day is not None and not found:
            return None
        title = f"Night {day}" if day else "Nights"
        more = len(found) > _MOST_NIGHTS
        values = {"title": title, "nights": found[:_MOST_NIGHTS], "more": more and day is None}
        return self._page("nights.html.j2", "Nights", visitor, **values, events="/events", version=version)

    def trends(self, visitor: Visitor, asked: Mapping[str, str]) -> str:
        """Write what runs have measured over time.

        Parameters
        ----------
        asked : mapping [`str`, `str`]
            Instrument and part (detector and amplifier), as somebody wrote them.
        """
        rows, _ = self._shelf.rows()
        instruments = sorted({row.instrument for row in rows if row.outcome})
        instrument = asked.get("instrument") or (instruments[0] if instruments else "")
        latest = [row for row in reversed(rows) if row.instrument == instrument][-MOST:]
        past = self._past.of(self._shelf.paths([row.name for row in latest]))
        decisions = self.decisions()
        notes = {row.name: row.decided(decisions) for row in latest}
        part = asked.get("part", "")
        shown = [(series, Markup(drawing_of(series))) for series in series_of(past, part, notes)]
        values = {"instruments": instruments, "instrument": instrument, "part": part, "parts": parts_of(past)}
        return self._page("trends.html.j2", "Trends", visitor, series=shown, **values)

    def ledger(self, visitor: Visitor) -> str:
        """Write the decisions."""
        version, decisions = self.runs_version(), self.decisions()
        values = {"decisions": decisions, "types": _MASTERS, "instruments": list(INSTRUMENTS)}
        return self._page(
            "decisions.html.j2", "Decisions", visitor, **values, events="/events", version=version
        )

    def decisions(self) -> Decisions:
        """Return what people have decided; it is read again where it has changed."""
        stamp = self._shelf.stamp_of_decisions()
        if self._decided is None or self._decided[0] != stamp:
            self._decided = stamp, read_decisions(self._shelf.directories)
        return self._decided[1]

    def problem(self, visitor: Visitor, title: str, text: str) -> str:
        """Write a page that says that something is not possible.

        Parameters
        ----------
        title, text : `str`
            What, and why.
        """
        return self._page("problem.html.j2", "", visitor, title=title, problem=text)

    def undecided(self, visitor: Visitor, text: str, form: Mapping[str, str]) -> str:
        """Write a page that says that nothing was decided, and lets one try again.

        Parameters
        ----------
        text : `str`
            Why.
        form : mapping [`str`, `str`]
            What was sent.
        """
        again = {"back": place_of(form), "reason": form.get("why", "")}
        return self._page("problem.html.j2", "", visitor, title="Nothing was decided", problem=text, **again)

    def _values(self, record: Record) -> tuple[Mapping[str, Any], str]:
        """Return what the page of a run is filled in with, and a remark on it."""
        decisions = self.decisions()
        if record.is_running(tai_now()):
            return page_values(alone(record, running=True, decisions=decisions)), ""
        report = self._reports.of(record, self._shelf.stamp(record.path), decisions)
        if report.values:
            return report.values, ""
        account = alone(record, decisions=decisions)
        values = page_values(account, scripts_of(account.record))
        if report.problem:
            return values, f"The repository could not be read: {report.problem}. This is the record alone."
        return values, "The repository is being read; the full report replaces this page when it is ready."

    def _decidable(self, record: Record) -> dict[str, Any]:
        """Return what was decided on a run, and what can be decided."""
        decisions = self.decisions()
        record = with_decisions(record, decisions)
        state, instrument = record.state, record.about.instrument
        taken = frozenset(state.exposures) | {e for s in state.sets.values() for e in s.kept}
        bad = decisions.bad_exposures(instrument)
        names = {record.name, *(step.run for step in state.steps.values() if step.run)}
        of_run = [d for d in decisions.all if getattr(d.subject, "run", None) in names]
        products = dict.fromkeys(step.product for step in state.steps)
        return {
            "decisions": [*of_run, *(d for exposure, d in bad.items() if exposure in taken)],
            "withdrawn": decisions.withdrawn,
            "ledger_problems": decisions.problems,
            "products": list(products),
            "certifiable": [name for name in products if not certifiable(record, name, decisions)],
        }

    def _page(self, template: str, place: str, visitor: Visitor, **values: Any) -> str:
        shown = {"events": "", "version": "", "place": place, "visitor": visitor, **values}
        return self._templates.get_template(template).render(shown)


def _pulse(rows: tuple[RunRow, ...], now: datetime) -> str:
    """Return which runs go on, in short: it changes when one falls silent."""
    return f"{sum(row.status(now) == 'RUNNING' for row in rows)}.{len(rows)}"
