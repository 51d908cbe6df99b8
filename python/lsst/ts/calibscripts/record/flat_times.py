"""The exposure times of flats that were last found, or good, in a filter, from the records of earlier runs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from ..events.events import ExposureTaken, FlatTimeFound
from ..tables.products import ImageType
from .index import Index, RowKind
from .reading import time_in_name
from .records import Record

__all__ = ["last_flat_time", "last_good_times"]

SECONDS = 2.0
"""How long records that nobody has read yet are read, seconds, the newest first, while a camera waits for that."""

PATIENCE = 60.0
"""The same where only a person waits."""


@dataclass(frozen=True)
class _FlatsRow:
    """What is kept of a run."""

    begun: str  #: In a form that sorts.
    physical_filter: str | None = None  #: Filter of its flats.
    found: FlatTimeFound | None = None  #: What its test flats have shown.
    good: float | None = None  #: The one exposure time of its flats, seconds; None where they are not good.


_ADAPTER = TypeAdapter(_FlatsRow)


def last_flat_time(directory: Path, instrument: str, physical_filter: str) -> FlatTimeFound | None:
    """Return what was last found in a filter, None where no record has it. Blocks.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where the records are; there need not be one.
    instrument : `str`
        Butler instrument name.
    physical_filter : `str`
        The filter.
    """
    found = (row.found for row in _rows(directory, instrument, SECONDS) if row.found is not None)
    return next((each for each in found if each.physical_filter == physical_filter), None)


def last_good_times(directory: Path, instrument: str, wanted: Collection[str]) -> dict[str, float]:
    """Return the exposure times of the last good flats in each filter. Blocks.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where the records are; there need not be one.
    instrument : `str`
        Butler instrument name.
    wanted : collection of `str`
        Filters as the butler calls them.

    Returns
    -------
    `dict` [`str`, `float`]
        Filter -> seconds, where a run has taken all its flats with one time and nothing of them was refused.
    """
    found: dict[str, float] = {}
    for row in _rows(directory, instrument, PATIENCE):
        if row.physical_filter in wanted and row.good is not None:
            found.setdefault(str(row.physical_filter), row.good)
    return found


def _rows(directory: Path, instrument: str, seconds: float) -> list[_FlatsRow]:
    """Return what is kept of each run, the latest first; only records that are new are read, for so many seconds."""
    index = Index(
        directory,
        RowKind(
            _ADAPTER,
            _row_of,
            lambda path, reason: _FlatsRow(time_in_name(path)),
            index=f"calibscripts.flats.{instrument}.json",
            begins=f"{instrument}_",
        ),
    )
    index.refresh(seconds)
    return sorted(index.rows, key=lambda row: row.begun, reverse=True)


def _row_of(record: Record) -> _FlatsRow:
    flats = record.state.sets.get(ImageType.FLAT)
    found = None if flats is None else flats.time_found
    if found is not None and not (found.exposure_time > 0 and found.level > 0):
        found = None
    return _FlatsRow(time_in_name(record.path), record.state.physical_filter, found, _good_time(record))


def _good_time(record: Record) -> float | None:
    """Return the one exposure time of the flats of a run, seconds; None where they are not good or have several."""
    flats, verdict = record.state.sets.get(ImageType.FLAT), record.state.verdicts.get("FLAT")
    if flats is None or flats.closed is None or not flats.closed.found.complete:
        return None
    if verdict is not None and verdict.failed:
        return None
    taken = record.events(ExposureTaken)
    times = {event.exposure_time for event in taken if event.exposure in flats.used}
    return times.pop() if len(times) == 1 else None
