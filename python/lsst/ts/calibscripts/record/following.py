"""A record that is read while it is written: only what is new is read."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock

from ..errors import RecordError, describe
from ..ground.untrusted import RECORD
from .reading import continued, read_record, record_of
from .records import FORMAT, Record

__all__ = ["Following"]


class Following:
    """Reads a record on as it grows; may be used by several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._record: Record | None = None
        self._identity = (0, 0)
        self._offset = 0
        self._lines = 0

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
        with self._lock:
            try:
                status = os.stat(self.path)
                identity = status.st_dev, status.st_ino
                if self._record is None or identity != self._identity or status.st_size < self._offset:
                    self._record, self._offset, self._lines = None, 0, 0
                    self._identity = identity
                elif status.st_size == self._offset:
                    return self._record
                text = self._new_text()
            except OSError as error:
                raise RecordError(f"The record {self.path} cannot be read: {describe(error)}") from error
            return self._take(text)

    def _new_text(self) -> str:
        """Return the complete lines that were not read before."""
        with open(self.path, "rb") as file:
            file.seek(self._offset)
            data = file.read(RECORD.characters + 1 - self._offset)
        if self._offset + len(data) > RECORD.characters:
            raise RecordError(
                f"The record {self.path} cannot be read: more than {RECORD.characters:,} bytes, which is more than "
                "any run writes"
            )
        data = data[: data.rfind(b"\n") + 1]
        self._offset += len(data)
        return data.decode("utf-8", "replace")

    def _take(self, text: str) -> Record:
        first, self._lines = self._lines + 1, self._lines + text.count("\n")
        if self._record is None:
            found = record_of(self.path, text)
        elif self._record.header.record == FORMAT:
            found = continued(self._record, text, first) if text else self._record
        else:
            # What a line of an earlier layout means depends on others.
            found = read_record(self.path)
        self._record = found
        return found
