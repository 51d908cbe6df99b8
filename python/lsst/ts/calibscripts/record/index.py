"""The list of the runs of a directory, kept beside the records, so that only new or changed ones are read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from ..errors import CalibScriptsError, InputError
from ..ground.appending import keep_json
from ..ground.untrusted import RECORD, parse_json, read_text
from .following import LARGEST, Following
from .reading import time_in_name
from .records import Record

__all__ = ["INDEX", "Index", "RowKind", "too_large"]

INDEX = "calibscripts.index.json"
"""Name of the file in a directory of records with what the list of runs says of them; made anew where it is lost."""

_LAYOUT = 4
_LARGE = 10_000_000
"""Size from which on a file is read after the others, bytes: that takes seconds."""

_Stamp = tuple[int, ...]
"""Size in bytes and time of the last change, microseconds, of a record and of what is kept beside it: numbers that
every reader of JSON keeps."""

Row = TypeVar("Row")


@dataclass(frozen=True)
class RowKind(Generic[Row]):
    """What a list says of a run."""

    adapter: TypeAdapter[Row]  #: Reads and writes a row.
    of: Callable[[Record], Row]  #: Makes the row of a record.
    #: Makes the row of a file that is not a record, or a damaged one, and of the reason.
    unreadable: Callable[[Path, str], Row]
    #: Ending, in place of a record's, of the file that is kept beside it and that its row depends on; empty for none.
    beside: str = ""
    index: str = INDEX  #: Name of the file that keeps the rows.
    begins: str = ""  #: What the names of the records begin with.


@dataclass(frozen=True)
class _File:
    """What is kept of the files of a directory: their stamps when they were read, and their rows."""

    index: int
    rows: Mapping[str, tuple[_Stamp, Any]] = field(default_factory=dict)


def too_large(size: int) -> str:
    """Report that a file is not read since it is too large.

    Parameters
    ----------
    size : `int`
        Its size, bytes.
    """
    return f"It was not read: {size / 1e6:,.0f} million bytes are more than any run writes."


class Index(Generic[Row]):
    """The runs of a directory. Not to be used by several threads at once.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where the records are; there need not be one.
    kind : `RowKind`
        What is kept of each.
    """

    def __init__(self, directory: Path, kind: RowKind[Row]) -> None:
        self.directory = directory
        self._kind = kind
        self._kept: dict[str, tuple[_Stamp, Row]] | None = None
        self._growing: dict[str, Following] = {}
        self._unread = 0

    @property
    def rows(self) -> tuple[Row, ...]:
        """The runs that were read, in no order."""
        return tuple(row for _, row in (self._kept or {}).values())

    @property
    def unread(self) -> int:
        """How many files were not read yet."""
        return self._unread

    @property
    def growing(self) -> tuple[Path, ...]:
        """Files of the runs that had no end when they were read."""
        return tuple(self.directory / name for name in self._growing)

    def refresh(self, seconds: float) -> None:
        """Read what is new, the newest first, for at most some time; what is left is read by later calls.

        Parameters
        ----------
        seconds : `float`
            How long.
        """
        end = time.monotonic() + seconds
        known = self._load()
        present = dict(self._present())
        for name in known.keys() - present.keys():
            del known[name]
            self._growing.pop(name, None)
        waiting = [name for name, stamp in present.items() if name not in known or known[name][0] != stamp]
        waiting.sort(key=lambda name: (present[name][0] < _LARGE, time_in_name(Path(name))), reverse=True)
        ended = False
        while waiting and (left := end - time.monotonic()) > 0:
            row = self._read(waiting[0], present[waiting[0]][0], left)
            if row is None:
                break
            name = waiting.pop(0)
            known[name] = present[name], row
            ended = ended or name not in self._growing
        self._unread = len(waiting)
        if ended:
            self._save(known)

    def _present(self) -> Iterator[tuple[str, _Stamp]]:
        found: dict[str, _Stamp] = {}
        endings = tuple(filter(None, (".jsonl", self._kind.beside)))
        try:
            with os.scandir(self.directory) as entries:
                for entry in entries:
                    wanted = entry.name.startswith(self._kind.begins) and entry.name.endswith(endings)
                    if wanted and entry.is_file():
                        status = entry.stat()
                        found[entry.name] = status.st_size, status.st_mtime_ns // 1000
        except OSError:
            # A directory that does not exist yet, or goes away, has no runs.
            return
        for name, stamp in found.items():
            if name.endswith(".jsonl") and "_" in name:
                yield name, (*stamp, *found.get(name.removesuffix(".jsonl") + self._kind.beside, ()))

    def _read(self, name: str, size: int, seconds: float) -> Row | None:
        """Read a file, or on in it; None where there is more to be read."""
        path = self.directory / name
        if size > LARGEST:
            return self._kind.unreadable(path, too_large(size))
        following = self._growing.pop(name, None) or Following(path)
        try:
            record = following.read_some(seconds)
        except CalibScriptsError as error:
            return self._kind.unreadable(path, str(error))
        if record is None or record.state.ended is None:
            self._growing[name] = following
        return None if record is None else self._kind.of(record)

    def _load(self) -> dict[str, tuple[_Stamp, Row]]:
        if self._kept is None:
            self._kept = {}
            try:
                text = read_text(self.directory / self._kind.index, RECORD)
                found = TypeAdapter(_File).validate_python(parse_json(text, RECORD))
                if found.index == _LAYOUT:
                    read = self._kind.adapter.validate_python
                    self._kept = {name: (stamp, read(row)) for name, (stamp, row) in found.rows.items()}
            except (InputError, ValidationError):
                # There is none, or one of another version: it is made anew from the records.
                return self._kept
        return self._kept

    def _save(self, known: Mapping[str, tuple[_Stamp, Row]]) -> None:
        write = self._kind.adapter.dump_python
        rows = {name: (stamp, write(row, mode="json")) for name, (stamp, row) in known.items()}
        keep_json(self.directory / self._kind.index, {"index": _LAYOUT, "rows": rows})
