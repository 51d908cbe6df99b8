"""The forms of the pages -> decisions. Blocks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from ..decisions import Decision, ExposureSubject, MasterSubject, Verb, read_decisions
from ..errors import DecisionError
from .deciding import certify, mark_bad, on_product, withdraw
from .reports import Reports
from .shelf import Shelf

__all__ = ["LARGEST", "Forms", "place_of"]

LARGEST = 100_000
"""Most bytes of a form."""


def place_of(form: Mapping[str, str]) -> str:
    """Return the address of the page that a form is on, where its decision is shown."""
    return f"/runs/{quote(form['run'], safe='')}#decisions" if "run" in form else "/decisions"


class Forms:
    """Makes the decisions that forms ask for.

    Parameters
    ----------
    shelf : `Shelf`
        The records.
    reports : `Reports`
        Knows which repository a run is in.
    """

    def __init__(self, shelf: Shelf, reports: Reports) -> None:
        self._shelf = shelf
        self._reports = reports

    def decide(self, who: str, form: Mapping[str, str]) -> str:
        """Make a decision.

        Returns
        -------
        `str`
            Address of the page that shows it.

        Raises
        ------
        CalibScriptsError
            If nothing could be decided; the text says why.
        """
        if "run" in form:
            self._on_run(who, form)
        else:
            self._on_others(who, form)
        return place_of(form)

    def _on_run(self, who: str, form: Mapping[str, str]) -> Decision:
        path = self._shelf.path(form["run"])
        if path is None:
            raise DecisionError(f"No record is called {form['run']}. Nothing was decided.")
        record, why, product = self._shelf.record(path), form.get("why", ""), form.get("product", "")
        match form.get("verb"):
            case Verb.CERTIFY:
                repo = self._reports.repo_of(record)
                return certify(self._shelf.directories, record, product, who, why, repo)
            case Verb.APPROVE | Verb.REJECT as verb:
                return on_product(path.parent, record, product, Verb(verb), who, why)
            case _:
                raise DecisionError("Say what is decided: approve, reject or certify. Nothing was decided.")

    def _on_others(self, who: str, form: Mapping[str, str]) -> Decision:
        why, first = form.get("why", ""), self._shelf.directories[0]
        if "decision" in form:
            return withdraw(self._ledger_of(form["decision"]), form["decision"], who, why)
        instrument = form.get("instrument", "")
        if "exposure" in form:
            if not form["exposure"].strip().isdecimal():
                raise DecisionError(f"{form['exposure']!r} is not an exposure id. Nothing was decided.")
            return mark_bad(first, ExposureSubject(instrument, int(form["exposure"])), who, why)
        collection = form.get("collection", "").strip()
        if not collection:
            raise DecisionError("Name the RUN collection that holds the master. Nothing was decided.")
        return mark_bad(first, MasterSubject(instrument, form.get("type", ""), collection), who, why)

    def _ledger_of(self, decision: str) -> Path:
        """Return the directory whose ledger has a decision; the first one where none has it."""
        for directory in self._shelf.directories:
            if any(each.id == decision for each in read_decisions([directory]).all):
                return directory
        return self._shelf.directories[0]
