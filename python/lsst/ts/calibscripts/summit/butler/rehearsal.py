"""The butler repository of a rehearsal: empty but for reference calibrations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from lsst.daf.butler import Butler

from ...tables.instruments import LSSTCAM
from ..sensor import SMALL_SCALE
from .reference import make_reference_calibrations
from .registry import removed_unless_finished
from .repository import make_repository

__all__ = ["frame_scale", "make_rehearsal_repository"]

_LSSTCAM_SCALE = 32
"""Of 189 detectors, frames of 496 x 128 pixels are enough to rehearse with."""


def frame_scale(instrument: str) -> int:
    """Report how much smaller than real ones the frames of a rehearsal are, in each direction.

    Parameters
    ----------
    instrument : `str`
        LATISS, LSSTComCam or LSSTCam.
    """
    return _LSSTCAM_SCALE if instrument == LSSTCAM.name else SMALL_SCALE


def make_rehearsal_repository(
    root: Path,
    instruments: Iterable[str] = ("LATISS",),
    *,
    seed: int = 0,
    full_scale: bool = False,
    detectors: Sequence[int] | None = None,
    filters: Sequence[str] | None = None,
    registry: str | None = None,
) -> str:
    """Make a repository with reference calibrations; blocks for a second or more.

    Parameters
    ----------
    root : `pathlib.Path`
        Directory of the repository; it is made.
    instruments : iterable of `str`
        LATISS, LSSTComCam, LSSTCam.
    seed, full_scale
        As `Summit` has them.
    detectors : sequence of `int` or `None`
        Detectors with reference calibrations; those used by default where it is None.
    filters : sequence of `str` or `None`
        Physical filters with a flat; all where it is None.
    registry : `str` or `None`
        PostgreSQL database of the registry, ``postgresql://user@host:port/database``; SQLite where it is None.

    Returns
    -------
    repo : `str`
        The repository.

    Raises
    ------
    FileExistsError
        If there is a repository already.
    RepositoryError
        If the database cannot be used.
    """
    names = list(instruments)
    with removed_unless_finished(root):
        repo = make_repository(root, names, registry)
        with Butler.from_config(repo, writeable=True) as butler:
            for name in names:
                scale = 1 if full_scale else frame_scale(name)
                make_reference_calibrations(
                    butler, name, seed=seed, scale=scale, detectors=detectors, filters=filters
                )
    return repo
