"""What is made once for all tests, whichever worker needs it first."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

__all__ = ["made_once"]


def made_once(directory: Path, name: str, make: Callable[[Path], object]) -> Path:
    """Return a directory with something that tests only read.

    Parameters
    ----------
    directory
        Where pytest puts temporary files; each worker has its own, and they lie in one directory.
    name
        Of the directory.
    make
        Fills it, given its path.
    """
    shared = directory.parent if "PYTEST_XDIST_WORKER" in os.environ else directory
    made, mark = shared / name, shared / f"{name}.made"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            made.mkdir()
            make(made)
            mark.touch()
    return made
