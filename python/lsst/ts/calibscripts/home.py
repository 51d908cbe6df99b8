"""A home directory for libraries that cannot be imported without one.

In a container a user need not have a name or a home directory. astropy, and with it the butler, looks for its
configuration there when it is imported, and raises where there is none.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["home_directory", "provide_home"]

_PROVIDED = "CALIBSCRIPTS_PROVIDED_HOME"
"""Environment variable that says, to processes started from here as well, that HOME is only for libraries."""


def home_directory() -> Path | None:
    """Return the home directory of the user, None where the user has none."""
    if _PROVIDED in os.environ:
        return None
    try:
        return Path.home()
    except RuntimeError:
        return None


def provide_home() -> None:
    """Set an empty home directory that lasts as long as the process, where the user has none."""
    if home_directory() is None and _PROVIDED not in os.environ:
        directory = tempfile.mkdtemp(prefix="calibscripts-home-")
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        os.environ |= {"HOME": directory, _PROVIDED: directory}
