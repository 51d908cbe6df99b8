"""All records of a server: found by their names, which are those of files that exist and of nothing else."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from math import inf
from pathlib import Path
from threading import Lock

from ..decisions import LEDGER
from ..errors import RecordError, describe
from ..record import Following, Record
from ..record.following import LARGEST
from ..record.index import too_large
from ..report.runs.rows import RunRow, list_of_runs

__all__ = ["Shelf"]

_BUDGET = 0.5
"""How long a page may wait for records that were not read before, seconds."""

_MOST_OPEN = 32
"""Records that are kept in memory."""


class Shelf:
    """The records of several directories; may be used by several threads.

    Parameters
    ----------
    directories : sequence of `pathlib.Path`
        Where the records are.
    """

    def __init__(self, directories: Sequence[Path]) -> None:
        self.directories = tuple(dict.fromkeys(directory.absolute() for directory in directories))
        self._indices = [list_of_runs(directory) for directory in self.directories]
        self._open: OrderedDict[str, Following] = OrderedDict()
        self._lock = Lock()

    def rows(self, seconds: float = _BUDGET) -> tuple[tuple[RunRow, ...], int]:
        """Return the runs, the newest first, and how many were not read yet. Blocks.

        Parameters
        ----------
        seconds : `float`, optional
            How long to read what is new.
        """
        with self._lock:
            for index in self._indices:
                index.refresh(seconds / len(self._indices))
            rows = [row for index in self._indices for row in index.rows]
            unread = sum(index.unread for index in self._indices)
        rows.sort(key=lambda row: (row.begun, row.name), reverse=True)
        return tuple(rows), unread

    def path(self, name: str) -> Path | None:
        """Return the file of a record, None where there is none of that name.

        Parameters
        ----------
        name : `str`
            Name of a run, as anybody may have written it.
        """
        return next(iter(self.paths([name])), None)

    def paths(self, names: Iterable[str]) -> list[Path]:
        """Return the files of records; those that there are not are left out.

        Parameters
        ----------
        names : iterable of `str`
            Names of runs, as anybody may have written them.
        """
        # Names are compared with what is there: whatever is asked for, no other file is opened.
        present = [(directory, _names(directory)) for directory in self.directories]
        files = (f"{name}.jsonl" for name in names)
        found = (next((d / file for d, there in present if file in there), None) for file in files)
        return [path for path in found if path is not None]

    def record(self, path: Path) -> Record:
        """Return a record as it is now, read to its end. Blocks.

        Parameters
        ----------
        path : `pathlib.Path`
            Its file, as `path` returns it.

        Raises
        ------
        RecordError
            If it cannot be read, or is larger than any record.
        """
        record = self.record_within(path, inf)
        assert record is not None
        return record

    def record_within(self, path: Path, seconds: float) -> Record | None:
        """Return a record as it is now, None where more of it is to be read. Blocks.

        Parameters
        ----------
        path : `pathlib.Path`
            Its file, as `path` returns it.
        seconds : `float`
            How long to read what is new.

        Raises
        ------
        RecordError
            If it cannot be read, or is larger than any record.
        """
        try:
            size = path.stat().st_size
        except OSError as error:
            raise RecordError(f"The record {path} cannot be read: {describe(error)}") from error
        if size > LARGEST:
            raise RecordError(f"{path}: {too_large(size)}")
        with self._lock:
            following = self._open.pop(str(path), None) or Following(path)
            self._open[str(path)] = following
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
        return following.read_some(seconds)

    def stamp(self, path: Path | None = None) -> str:
        """Return a text that changes when a record, or any file of the directories, does. Blocks.

        Parameters
        ----------
        path : `pathlib.Path`, optional
            File of the record; all records by default.
        """
        return "-".join(_stamp(each) for each in ([path] if path else self._newest()))

    def stamp_of_decisions(self) -> str:
        """Return a text that changes when something is decided. Blocks."""
        return "-".join(_stamp(directory / LEDGER) for directory in self.directories)

    def _newest(self) -> list[Path]:
        with self._lock:
            growing = [path for index in self._indices for path in index.growing]
        return [*self.directories, *(directory / LEDGER for directory in self.directories), *growing]


def _names(directory: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(directory))
    except OSError:
        return frozenset()


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return "0"
    return f"{status.st_size:x}.{status.st_mtime_ns:x}"
