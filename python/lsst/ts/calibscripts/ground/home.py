"""A home directory, and a name, for libraries that cannot work without them.

In a container a user need not have either. astropy, and with it the butler, looks for its configuration in the home
directory when it is imported, and raises where there is none; pipetask asks for the name.
"""

from __future__ import annotations

import atexit
import getpass
import os
import shutil
import tempfile
from pathlib import Path

from platformdirs import user_state_path

__all__ = ["DIRECTORY_VARIABLE", "home_directory", "provide_home", "record_directory", "user_name"]

DIRECTORY_VARIABLE = "CALIBSCRIPTS_RECORD_DIR"
"""Environment variable with the directory of the records."""

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
    """Set an empty home directory that lasts as long as the process, and a name, where the user has none."""
    if home_directory() is None and _PROVIDED not in os.environ:
        directory = tempfile.mkdtemp(prefix="calibscripts-home-")
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        os.environ |= {"HOME": directory, _PROVIDED: directory}
    os.environ.setdefault("USER", user_name())


def record_directory() -> Path:
    """Return where records go: ``CALIBSCRIPTS_RECORD_DIR``, else ``calibscripts`` in the user's state directory.

    Raises
    ------
    FileNotFoundError
        If the user has no home directory, as in a container.
    """
    given = os.environ.get(DIRECTORY_VARIABLE)
    if given:
        return Path(given)
    if not os.environ.get("XDG_STATE_HOME") and home_directory() is None:
        raise FileNotFoundError(
            f"no directory for records: HOME is not set and user {os.getuid()} has no home directory; set "
            f"{DIRECTORY_VARIABLE}"
        )
    return user_state_path("calibscripts")


def user_name() -> str:
    """Return the name of the user, or the number where that has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
