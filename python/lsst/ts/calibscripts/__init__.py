"""SAL scripts that take, generate, verify and certify calibrations, and a simulated summit to rehearse them."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["__version__", "get_blocks_dir", "get_scripts_dir"]

try:
    __version__ = version("lsst-ts-calibscripts")
except PackageNotFoundError:
    # Set up with eups, from a checkout, nothing is installed.
    __version__ = "0.1.0"


def get_scripts_dir() -> Path:
    """Return the directory with the executables of this package, for the ScriptQueue.

    Returns
    -------
    `pathlib.Path`
        The directory with the sub-directories ``auxtel`` and ``maintel``.
    """
    return Path(__file__).resolve().parent / "data" / "scripts"


def get_blocks_dir() -> Path:
    """Return where the BLOCK files of this package are: setup, weekly calibrations and shutdown of LATISS."""
    return Path(__file__).resolve().parent / "data" / "blocks"
