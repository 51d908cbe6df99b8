"""Files that are only ever appended to, a line at a time, by several processes."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

__all__ = ["append_line"]


def append_line(path: Path, text: str) -> None:
    """Append a line to a file, which is made where there is none; it is on the disk when this returns.

    Parameters
    ----------
    text : `str`
        The line, without its end.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with open(path, "a+b") as file:
        # Several people may write; closing the file releases the lock.
        fcntl.flock(file, fcntl.LOCK_EX)
        # Whoever was killed while writing has left a part of a line, which does not record anything.
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        file.write(f"{text}\n".encode())
        file.flush()
        os.fsync(file.fileno())
