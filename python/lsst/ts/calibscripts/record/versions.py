"""What decides what a run does: versions and environment variables, as far as this machine knows them."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Sequence
from functools import cache

__all__ = ["environment", "versions"]

_DISTRIBUTIONS = {
    "calibscripts": ("lsst-ts-calibscripts",),
    "salobj": ("ts-salobj", "lsst-ts-salobj"),
    "observatory_control": ("ts-observatory-control", "lsst-ts-observatory-control"),
    "daf_butler": ("lsst-daf-butler",),
    "pipe_base": ("lsst-pipe-base",),
    "ctrl_mpexec": ("lsst-ctrl-mpexec",),
    "ctrl_bps": ("lsst-ctrl-bps",),
}
_PIPELINES = ("cp_pipe", "cp_verify")
_VARIABLES = ("CP_PIPE_DIR", "CP_VERIFY_DIR", "CALIBSCRIPTS_SAL")


def environment() -> dict[str, str]:
    """Return the environment variables that decide what is run, as far as they are set."""
    return {name: os.environ[name] for name in _VARIABLES if name in os.environ}


def versions() -> dict[str, str]:
    """Return the versions of Python, of the packages that are installed and of the pipelines.

    A version of a pipeline package that is not known is ``unknown``.
    """
    found = {name: _distribution(names) for name, names in _DISTRIBUTIONS.items()}
    return {
        "python": platform.python_version(),
        **{name: version for name, version in found.items() if version},
        **{name: _eups_version(name) for name in _PIPELINES},
    }


@cache
def _distribution(names: Sequence[str]) -> str:
    # Of what this process has imported: a package that is installed meanwhile does not change it.
    for name in names:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def _eups_version(name: str) -> str:
    """Return the version of a package that eups has set up, which it keeps in ``SETUP_<NAME>``."""
    setup = re.match(rf"{name}\s+(\S+)", os.environ.get(f"SETUP_{name.upper()}", ""))
    return setup[1] if setup else "unknown"
