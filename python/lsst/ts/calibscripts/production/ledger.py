"""The ledger of a production: what was done, by whom, with which commands, as it happened.

A file of JSON lines beside the selection, one for each thing that was done, only ever appended to. Unlike the
record of a script, which is of one run with one end, it continues for as long as the production does, and later
steps read it: what was approved, and how a chain was before it was changed.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self, TypeAlias, TypeVar

from pydantic import TypeAdapter, ValidationError

from ..errors import LedgerError, describe
from ..ground.appending import append_line
from ..ground.home import user_name
from ..ground.tai import tai_now
from ..ground.untrusted import RECORD, InputError, parse_json, read_text
from ..record import environment, versions

__all__ = ["Approved", "Chained", "Did", "Ledger", "Line"]


@dataclass(frozen=True)
class Did:
    """Something was done, or was tried and failed."""

    step: str  #: generate, verify, certify, ...
    what: str  #: Label of a calibration, or a collection, or a repository.
    repo: str  #: Butler repository.
    succeeded: bool  #: Was it done?
    text: str  #: What came of it.
    commands: tuple[str, ...] = ()  #: Equivalent commands.
    #: RUN, exit code, seconds, log file, datasets and the like.
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Approved:
    """Somebody has approved a calibration."""

    label: str  #: Which.
    #: Who, and why.
    approved_by: str
    reason: str
    despite_failures: str  #: Why although it failed its verification, or had none; empty where it passed.
    verdict: str  #: What the verification said.
    run: str  #: RUN with the calibration.
    datasets: tuple[str, ...]  #: Identifiers of the datasets: these alone are approved.


@dataclass(frozen=True)
class Chained:
    """Chains were changed."""

    repo: str  #: Butler repository.
    #: Chain -> children; None where there was none.
    before: Mapping[str, tuple[str, ...] | None]
    after: Mapping[str, tuple[str, ...] | None]
    undoes: bool = False  #: Was an earlier change undone?


Event: TypeAlias = Did | Approved | Chained
_ADAPTERS: Mapping[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind) for kind in (Did, Approved, Chained)
}
Kind = TypeVar("Kind", Did, Approved, Chained)


@dataclass(frozen=True)
class Line:
    """A line of the ledger: what happened, when (TAI), and who did it where."""

    tai: str
    user: str
    host: str
    event: Event


class Ledger:
    """The ledger of a production.

    Parameters
    ----------
    path : `pathlib.Path`
        The file; it is made when there is something to write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, selection: Path) -> Self:
        """Return the ledger of the production that a selection file is for."""
        return cls(selection.with_suffix(".record.jsonl"))

    def __iter__(self) -> Iterator[Line]:
        """Return what was written, in order.

        Raises
        ------
        LedgerError
            If it cannot be read. A last line that was not written to its end is left out.
        """
        if not self.path.exists():
            return
        try:
            *texts, _torn = read_text(self.path, RECORD).split("\n")
        except InputError as error:
            raise LedgerError(f"The ledger {self.path} cannot be read: {error}") from error
        for number, text in enumerate(texts, 1):
            try:
                line = parse_json(text, RECORD)
                event = _ADAPTERS[line["event"]].validate_python(line["what"])
                yield Line(line["tai"], line["user"], line["host"], event)
            except (ValueError, KeyError, TypeError, ValidationError) as error:
                raise LedgerError(f"{self.path}, line {number}: {describe(error)}") from error

    def events(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """Return all events of a kind, in order."""
        return tuple(line.event for line in self if isinstance(line.event, kind))

    def write(self, event: Event) -> None:
        """Append an event.

        Raises
        ------
        LedgerError
            If it cannot be written.
        """
        line = {
            "event": type(event).__name__,
            "tai": tai_now().isoformat(timespec="milliseconds"),
            "user": user_name(),
            "host": platform.node(),
            "versions": versions(),
            "environment": environment(),
            "what": asdict(event),
        }
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        try:
            append_line(self.path, text)
        except OSError as error:
            raise LedgerError(
                f"The ledger {self.path} cannot be written to: {describe(error)}. Not recorded: {text}"
            ) from error
