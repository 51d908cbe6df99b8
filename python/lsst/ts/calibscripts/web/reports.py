"""Reports of runs that have ended, made beside the server, since reading a repository can take minutes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from ..decisions import Decision, Decisions
from ..errors import describe
from ..record import Record
from ..report.account import Account, decided, of_record
from ..report.page import page_values
from ..report.runs.past import with_history
from ..report.scripts import scripts_of

__all__ = ["Report", "Reports"]

_MOST = 8
"""Reports that are kept in memory; one of the largest camera has a few million characters."""


_Key = tuple[Path, str, tuple[Decision, ...]]
"""Record, its stamp, and all decisions."""


@dataclass(frozen=True)
class Report:
    """A report: what its page is filled in with, once it is made, or why it could not be made."""

    values: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    ready: bool = False


class Reports:
    """Makes reports, one after another, and keeps the latest; may be used by several threads.

    Parameters
    ----------
    repos : mapping [`str`, `str`]
        Instrument, or repository as a run names it -> butler repository to read instead.
    """

    def __init__(self, repos: Mapping[str, str]) -> None:
        self._repos = repos
        self._made: OrderedDict[_Key, Future[Mapping[str, Any]]] = OrderedDict()
        self._read: OrderedDict[tuple[Path, str], Account] = OrderedDict()
        self._lock = Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="report")

    def repo_of(self, record: Record) -> str | None:
        """Return the repository to read for a run, None for the one that it names."""
        about = record.about
        return self._repos.get(str(about.config.get("repo")), self._repos.get(about.instrument))

    def of(self, record: Record, stamp: str, decisions: Decisions) -> Report:
        """Return the report of a run, which is begun where there is none yet. Never blocks.

        Parameters
        ----------
        stamp : `str`
            Changes when the record does.
        decisions : `Decisions`
            What people have decided.
        """
        key = record.path, stamp, decisions.all
        with self._lock:
            future = self._made.pop(key, None) or self._worker.submit(self._make, record, stamp, decisions)
            self._made[key] = future
            while len(self._made) > _MOST:
                self._made.popitem(last=False)[1].cancel()
        if not future.done():
            return Report()
        error = future.exception()
        return Report(ready=True, problem=describe(error)) if error else Report(future.result(), ready=True)

    def close(self) -> None:
        """Make no further report."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    # In the worker.

    def _make(self, record: Record, stamp: str, decisions: Decisions) -> Mapping[str, Any]:
        account = decided(self._account(record, stamp), decisions)
        return page_values(account, scripts_of(account.record))

    def _account(self, record: Record, stamp: str) -> Account:
        """Return what was read of a run; a decision does not make it read again."""
        key = record.path, stamp
        account = self._read.pop(key, None) or with_history(of_record(record, self.repo_of(record)))
        self._read[key] = account
        while len(self._read) > _MOST:
            self._read.popitem(last=False)
        return account
