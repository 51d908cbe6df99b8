"""Files that several processes write: appended to a line at a time, or replaced as a whole."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["alone_with", "append_line", "is_whole", "keep_json"]


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Let others wait who ask for the same file, of this process or another. Blocks.

    Parameters
    ----------
    path : `pathlib.Path`
        A file; where it cannot be locked nobody waits.
    """
    with ExitStack() as held:
        with suppress(OSError):
            fcntl.flock(held.enter_context(open(path, "rb")), fcntl.LOCK_EX)
        yield


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
        file.seek(0)
        content = file.read()
        last = content.rpartition(b"\n")[2]
        if is_whole(last):
            # Somebody has edited the file.
            file.write(b"\n")
        elif last:
            # Whoever was killed while writing has left a part of a line, which does not record anything.
            file.truncate(len(content) - len(last))
        file.write(f"{text}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def is_whole(line: str | bytes) -> bool:
    """Return whether a last line without its end is a whole JSON object, and not what a killed writer has left."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def keep_json(path: Path, value: Any) -> None:
    """Write what can be made anew where it is lost: nothing in a directory that may only be read."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(value, separators=(",", ":")), encoding="utf-8")
        part.replace(path)
    except OSError:
        # Whoever needs it next makes it again.
        return
