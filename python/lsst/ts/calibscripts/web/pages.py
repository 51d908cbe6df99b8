"""What the pages are made of: the templates of the report, and those around them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jinja2

from ..errors import CalibScriptsError
from ..ground.tai import tai_now
from ..record import Record
from ..report.account import alone
from ..report.page import page_environment, page_source, page_values
from ..report.scripts import scripts_of
from .listing import listing
from .reports import Reports
from .rows import RunRow
from .shelf import Shelf

__all__ = ["FILES", "Pages"]

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
        self._templates = page_environment(_TEMPLATES)

    def runs(self, asked: Mapping[str, str]) -> str:
        """Write the list of runs.

        Parameters
        ----------
        asked : mapping [`str`, `str`]
            Filters and page, as somebody wrote them.
        """
        version = self.runs_version()
        rows, unread = self._shelf.rows()
        shown = listing(rows, asked, tai_now())
        return self._page("runs.html.j2", "Runs", listing=shown, unread=unread, version=version)

    def runs_version(self) -> str:
        """Return a text that changes with the list of runs."""
        rows, unread = self._shelf.rows(seconds=0.2)
        return f"{_pulse(rows, tai_now())}-{unread}-{self._shelf.stamp()}"

    def run(self, name: str) -> str | None:
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
        version = self._version(name)
        try:
            record = self._shelf.record(path)
            values, remark = self._values(record)
        except CalibScriptsError as error:
            return self._page("problem.html.j2", "Runs", title=name, problem=str(error), version=version)
        events = f"/runs/{record.name}/events"
        return self._page("run.html.j2", "Runs", **values, remark=remark, events=events, version=version)

    def run_version(self, name: str) -> str:
        """Return a text that changes with the page of a run.

        Parameters
        ----------
        name : `str`
            Its name.
        """
        return self._version(name)

    def problem(self, title: str, text: str) -> str:
        """Write a page that says that something is not possible.

        Parameters
        ----------
        title, text : `str`
            What, and why.
        """
        return self._page("problem.html.j2", "", title=title, problem=text, version="")

    def _values(self, record: Record) -> tuple[Mapping[str, Any], str]:
        """Return what the page of a run is filled in with, and a remark on it."""
        if record.is_running(tai_now()):
            return page_values(alone(record, running=True)), ""
        report = self._reports.of(record, self._shelf.stamp(record.path))
        if report.values:
            return report.values, ""
        values = page_values(alone(record), scripts_of(record))
        if report.problem:
            return values, f"The repository could not be read: {report.problem}. This is the record alone."
        return values, "The repository is being read; the full report replaces this page when it is ready."

    def _version(self, name: str) -> str:
        path = self._shelf.path(name)
        if path is None:
            return "gone"
        stamp = self._shelf.stamp(path)
        try:
            record = self._shelf.record(path)
        except CalibScriptsError:
            return f"{stamp}-problem"
        if record.is_running(tai_now()):
            return f"{stamp}-running"
        return f"{stamp}-{'report' if self._reports.of(record, stamp).ready else 'record'}"

    def _page(self, template: str, place: str, **values: Any) -> str:
        shown = {"events": "", "version": "", "place": place, **values}
        return self._templates.get_template(template).render(shown)


def _pulse(rows: tuple[RunRow, ...], now: datetime) -> str:
    """Return which runs go on, in short: it changes when one falls silent."""
    return f"{sum(row.status(now) == 'RUNNING' for row in rows)}.{len(rows)}"
