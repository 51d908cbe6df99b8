"""Reads a record, also one that is being written, or whose writer was killed: only what is new is read."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from math import inf
from pathlib import Path
from threading import Lock
from typing import IO

from ..errors import RecordError, describe
from .reading import continued, record_of
from .records import FORMAT, Record

__all__ = ["LARGEST", "Following", "read_record"]

LARGEST = 300_000_000
"""Size of a file that is not read, bytes: the arrivals of all images that one set of the largest camera may have."""

_LONGEST_LINE = 5_000_000
"""Longest line, bytes; the longest that a run writes names the 10,000 exposures of a set."""

_BLOCK = 2_000_000
"""How much is read at once, bytes: what a block holds is a multiple of it in memory."""


def read_record(path: Path) -> Record:
    """Read a record.

    Returns
    -------
    `Record`
        What it holds. A last line that was not written to its end is left out and reported as ``torn``; events
        that this version does not know are left out.

    Raises
    ------
    RecordError
        If the file cannot be read, is not a record, or is damaged elsewhere than at its end.
    """
    following = Following(path)
    record = following.read()
    return replace(record, torn=following.torn)


class Following:
    """Reads a record on as it grows; may be used by several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._forget()

    def _forget(self) -> None:
        self._record: Record | None = None
        self._identity = (0, 0)
        self._offset = 0
        #: Lines that were read, and those that are in the record.
        self._lines = self._taken = 0
        self._rest = b""
        self._damaged: tuple[tuple[int, int, int], str] | None = None

    @property
    def torn(self) -> bool:
        """Did what was read end in the middle of a line?"""
        return bool(self._rest)

    def read(self) -> Record:
        """Return the record as it is now. Blocks.

        Returns
        -------
        `Record`
            What it holds; a last line that is not written to its end yet is left out.

        Raises
        ------
        RecordError
            If the file cannot be read, is not a record, or is damaged elsewhere than at its end.
        """
        record = self.read_some(inf)
        assert record is not None
        return record

    def read_some(self, seconds: float) -> Record | None:
        """Read for at most some time, but at least something. Blocks.

        Parameters
        ----------
        seconds : `float`
            How long.

        Returns
        -------
        `Record` or `None`
            The record as it is now; None where there is more to be read.

        Raises
        ------
        RecordError
            As `read` does.
        """
        until = time.monotonic() + seconds
        with self._lock:
            try:
                with open(self.path, "rb") as file:
                    return self._read_on(file, until)
            except OSError as error:
                raise RecordError(f"The record {self.path} cannot be read: {describe(error)}") from error

    def _read_on(self, file: IO[bytes], until: float) -> Record | None:
        status = os.fstat(file.fileno())
        identity, now = (status.st_dev, status.st_ino), (status.st_ino, status.st_size, status.st_mtime_ns)
        if self._damaged and self._damaged[0] == now:
            # It is not read through again to find the same.
            raise RecordError(self._damaged[1])
        if self._damaged or identity != self._identity or status.st_size < self._offset:
            self._forget()
            self._identity = identity
        try:
            for text in self._new_texts(file):
                self._take(text)
                if time.monotonic() > until:
                    return None
            return self._complete(file)
        except RecordError as error:
            self._damaged = now, str(error)
            raise

    def _new_texts(self, file: IO[bytes]) -> Iterator[str]:
        """Return the complete lines that were not read before, some at a time."""
        if self._offset:
            file.seek(self._offset)
        self._rest = b""
        while data := file.read(_BLOCK):
            lines, ended, rest = (self._rest + data).rpartition(b"\n")
            self._rest = rest
            if self._offset + len(lines) > LARGEST or len(rest) > _LONGEST_LINE:
                raise RecordError(
                    f"The record {self.path} cannot be read: it, or one of its lines, is longer than any that a run "
                    "writes"
                )
            if ended:
                self._offset += len(lines) + 1
                yield (lines + ended).decode("utf-8", "replace")

    def _take(self, text: str) -> None:
        first, self._lines = self._lines + 1, self._lines + text.count("\n")
        if self._record is None:
            self._record, self._taken = record_of(self.path, text), self._lines
        elif self._record.header.record == FORMAT:
            self._record, self._taken = continued(self._record, text, first), self._lines

    def _complete(self, file: IO[bytes]) -> Record:
        """Return the record with all lines that were read; of an earlier layout one line depends on others."""
        if self._record is None or self._taken < self._lines:
            file.seek(0)
            text = file.read(self._offset).decode("utf-8", "replace")
            self._record, self._taken = record_of(self.path, text), self._lines
        return self._record
