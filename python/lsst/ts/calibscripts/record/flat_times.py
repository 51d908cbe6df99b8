"""The exposure time of flats that was last found in a filter, from the records of earlier runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..events.events import FlatTimeFound
from ..ground.untrusted import RECORD, InputError, parse_json
from .reading import find_records

__all__ = ["last_flat_time"]

RECORDS_LOOKED_AT = 60
"""How many records are looked through, the newest first: those of some weeks."""

_MOST_READ = 20_000_000
"""How much of a record is looked through, bytes: the time is found before the flats are taken."""

_NAME = b'"FlatTimeFound"'


def last_flat_time(directory: Path, instrument: str, physical_filter: str) -> FlatTimeFound | None:
    """Return what was last found in a filter, None where no record of the last weeks has it. Blocks.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where the records are; there need not be one.
    instrument : `str`
        Butler instrument name.
    physical_filter : `str`
        The filter.
    """
    for path in reversed(find_records(directory, instrument)[-RECORDS_LOOKED_AT:]):
        for found in _found_in(path):
            if found.physical_filter == physical_filter:
                return found
    return None


def _found_in(path: Path) -> Iterator[FlatTimeFound]:
    """Read the events out of a record without reading the rest of it; what cannot be read is passed over."""
    adapter = TypeAdapter(FlatTimeFound)
    try:
        with path.open("rb") as file:
            lines = [line for line in file.read(_MOST_READ).split(b"\n") if _NAME in line]
    except OSError:
        return
    for line in reversed(lines):
        try:
            found = adapter.validate_python(parse_json(line.decode(errors="replace"), RECORD))
        except (InputError, ValidationError):
            continue
        if found.exposure_time > 0 and found.level > 0:
            yield found
