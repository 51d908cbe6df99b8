"""The list of the runs of a directory, kept beside the records, so that only new or changed ones are read."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..errors import CalibScriptsError, InputError
from ..ground.untrusted import RECORD, parse_json, read_text
from ..record import Following
from .rows import RunRow, row_of, unreadable

__all__ = ["INDEX", "LARGEST", "Index", "too_large"]

INDEX = "calibscripts.index.json"
"""Name of the file in a directory of records with what the list of runs says of them; made anew where it is lost."""

_LAYOUT = 1
LARGEST = 20_000_000
"""Size of a file that no page reads, bytes; a night of the largest camera has a tenth of it."""

_Stamp = tuple[int, int]
"""Size in bytes and time of the last change, microseconds, of a file: a number that every reader of JSON keeps."""


@dataclass(frozen=True)
class _Kept:
    """What is kept of a file: its size and its last change when it was read, and what its record says."""

    size: int
    changed: int
    row: RunRow

    @property
    def stamp(self) -> _Stamp:
        return self.size, self.changed


@dataclass(frozen=True)
class _File:
    """What is kept of the files of a directory."""

    index: int
    rows: Mapping[str, _Kept] = field(default_factory=dict)


def too_large(size: int) -> str:
    """Report that a file is not read since it is too large.

    Parameters
    ----------
    size : `int`
        Its size, bytes.
    """
    return f"It was not read: {size / 1e6:,.0f} million bytes are more than any run writes."


class Index:
    """The runs of a directory. Not to be used by several threads at once.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where the records are; there need not be one.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._kept: dict[str, _Kept] | None = None
        self._growing: dict[str, Following] = {}
        self._unread = 0

    @property
    def rows(self) -> tuple[RunRow, ...]:
        """The runs that were read, in no order."""
        return tuple(kept.row for kept in (self._kept or {}).values())

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
        waiting = [name for name, stamp in present.items() if name not in known or known[name].stamp != stamp]
        waiting.sort(key=lambda name: name.split("_")[1:2], reverse=True)
        ended = False
        while waiting and time.monotonic() < end:
            name = waiting.pop(0)
            known[name] = kept = _Kept(*present[name], self._read(name, present[name]))
            ended = ended or kept.row.outcome != "UNFINISHED"
        self._unread = len(waiting)
        if ended:
            self._save(known)

    def _present(self) -> Iterable[tuple[str, _Stamp]]:
        try:
            with os.scandir(self.directory) as entries:
                for entry in entries:
                    if entry.name.endswith(".jsonl") and "_" in entry.name and entry.is_file():
                        status = entry.stat()
                        yield entry.name, (status.st_size, status.st_mtime_ns // 1000)
        except OSError:
            # A directory that does not exist yet, or goes away, has no runs.
            return

    def _read(self, name: str, stamp: _Stamp) -> RunRow:
        path = self.directory / name
        if stamp[0] > LARGEST:
            return unreadable(path, too_large(stamp[0]))
        following = self._growing.pop(name, None) or Following(path)
        try:
            row = row_of(following.read())
        except CalibScriptsError as error:
            return unreadable(path, str(error))
        if row.outcome == "UNFINISHED":
            self._growing[name] = following
        return row

    def _load(self) -> dict[str, _Kept]:
        if self._kept is None:
            self._kept = {}
            try:
                text = read_text(self.directory / INDEX, RECORD)
                found = TypeAdapter(_File).validate_python(parse_json(text, RECORD))
            except (InputError, ValidationError):
                # There is none, or one of another version: it is made anew from the records.
                return self._kept
            if found.index == _LAYOUT:
                self._kept = dict(found.rows)
        return self._kept

    def _save(self, rows: Mapping[str, _Kept]) -> None:
        path = self.directory / INDEX
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            part.write_text(json.dumps(asdict(_File(_LAYOUT, rows)), separators=(",", ":")), encoding="utf-8")
            part.replace(path)
        except OSError:
            # A directory that may only be read: the next server reads the records again.
            return
