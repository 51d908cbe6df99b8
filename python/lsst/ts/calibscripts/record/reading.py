"""Reads a record, also one whose writer was killed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError, create_model

from ..config import PropertyNames
from ..errors import RecordError, describe
from ..events.events import Event, ImageArrived
from ..ground.untrusted import RECORD, InputError, parse_json
from ..tables.products import PRODUCTS
from .older import NUMBER, Line, modernised
from .records import EVENTS, FORMAT, Entry, Header, Record

__all__ = ["continued", "find_records", "record_of", "time_in_name"]


class _Known(BaseModel):
    """Properties of a configuration that reports and repetitions read; the others may be anything."""

    repo: str = ""
    script_mode: str = ""
    n_processes: int = 1
    n_bias: int | None = None
    n_dark: int | None = None
    n_flat: int | None = None
    n_discard_bias: int | None = None
    n_discard_dark: int | None = None
    n_discard_flat: int | None = None
    exposures: dict[str, list[int] | None] | None = None
    certify_calib_begin_date: str | None = None
    certify_calib_end_date: str | None = None


_THRESHOLDS: Mapping[str, Any] = {
    PropertyNames.of(name).threshold: (int, 1)
    for name, product in PRODUCTS.items()
    if product.always_verified
}
_CONFIGURATION = create_model("_CONFIGURATION", __base__=_Known, **_THRESHOLDS)
_MOST_DETECTORS = 1_000
"""More detectors than any camera has."""

_LONGEST = 30 * 86_400.0
"""Longest run, seconds. Whatever draws or counts time is as long as the time it draws."""


def find_records(directory: Path, instrument: str | None = None) -> tuple[Path, ...]:
    """Return the records in a directory, the oldest first.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where; there need not be one.
    instrument : `str`, optional
        Butler instrument name; records of all instruments where it is None.
    """
    paths = directory.glob(f"{instrument or '*'}_*.jsonl")
    return tuple(sorted(paths, key=lambda path: (time_in_name(path), path.stem)))


def time_in_name(path: Path) -> str:
    """Return when a run began as the name of its record says it, in a form that sorts.

    Parameters
    ----------
    path : `pathlib.Path`
        The file of the record.
    """
    return "".join(path.stem.split("_")[1:2])


def record_of(path: Path, text: str) -> Record:
    """Make a record of the text of its file.

    Returns
    -------
    `Record`
        As `read_record` returns it.

    Raises
    ------
    RecordError
        If it is not a record, or is damaged elsewhere than at its end.
    """
    lines, rest = text.split("\n")[:-1], text.rpartition("\n")[2]
    if not lines:
        raise RecordError(f"{path} is not a record of a run: it has no complete line")
    first = _object(path, 1, lines[0])
    if not isinstance(first.get("record"), int):
        raise RecordError(f"{path} is not a record of a run: its first line is not a header")
    if first["record"] > FORMAT:
        raise RecordError(
            f"{path} was written by a newer version of calibscripts (layout {first['record']}, this one knows "
            f"{FORMAT}): read it with that version"
        )
    try:
        header, begun = _headers().validate_python(first), _loop(first)
        _CONFIGURATION.model_validate(dict(header.about.config))
        record = Record(path, header, _time(first), begun, torn=bool(rest))
    except (ValidationError, TypeError, ValueError, KeyError) as error:
        raise RecordError(f"{path}, line 1: {describe(error)}") from error
    found = _lines(path, lines[1:], 2)
    current = found if first["record"] == FORMAT else modernised(first, header.about.config, found)
    return _heard(record.with_entries(_entries(path, current, begun)), found)


def continued(record: Record, text: str, number: int) -> Record:
    """Return a record of the present layout with what was written after it was read.

    Parameters
    ----------
    record : `Record`
        What was read before.
    text : `str`
        Complete lines that were written since.
    number : `int`
        Number of the first of them.

    Returns
    -------
    `Record`
        The record with all its entries.

    Raises
    ------
    RecordError
        If a line is damaged.
    """
    found = _lines(record.path, text.split("\n")[:-1], number)
    entries = _entries(record.path, found, record.begun_loop)
    return _heard(record.with_entries(entries), found)


def _lines(path: Path, texts: Sequence[str], number: int) -> list[Line]:
    return [{**_object(path, place, text), NUMBER: place} for place, text in enumerate(texts, number)]


def _heard(record: Record, lines: Sequence[Line]) -> Record:
    """Note when the last line was written, whatever it says: a heartbeat is a sign of life and nothing else."""
    if not lines:
        return record
    try:
        return replace(record, heard=_time(lines[-1]), heard_loop=_loop(lines[-1], record.begun_loop))
    except (TypeError, ValueError, KeyError) as error:
        raise RecordError(f"{record.path}, line {lines[-1][NUMBER]}: {describe(error)}") from error


def _entries(path: Path, lines: Iterable[Line], begun: float) -> Iterator[Entry]:
    number = 1
    try:
        for line in lines:
            number = line.get(NUMBER, number)
            adapter = _adapters().get(str(line.get("event")))
            if adapter is not None:
                yield Entry(_time(line), _loop(line, begun), _checked(adapter.validate_python(line)))
    except (ValidationError, TypeError, ValueError, KeyError) as error:
        raise RecordError(f"{path}, line {number}: {describe(error)}") from error


def _object(path: Path, number: int, text: str) -> Line:
    try:
        line = parse_json(text, RECORD)
    except InputError as error:
        # A line of its own has only columns.
        raise RecordError(f"{path}, line {number}: {str(error).removeprefix('line 1, ')}") from error
    if not isinstance(line, dict):
        raise RecordError(f"{path}, line {number} is not a JSON object")
    return line


def _time(line: Line) -> datetime:
    tai = datetime.fromisoformat(str(line["tai"]))
    if tai.tzinfo is not None:
        raise ValueError(f"tai {tai} has a time zone; TAI has none")
    return tai


def _loop(line: Line, begun: float | None = None) -> float:
    """Return the time of the clock; durations are made from it, so it must be one that a run can have."""
    loop = float(line["loop"])
    if not isfinite(loop):
        raise ValueError(f"loop {loop} is not a time")
    if begun is not None and not -_LONGEST <= loop - begun <= _LONGEST:
        raise ValueError(
            f"loop {loop:g} is {abs(loop - begun) / 86400:.3g} days from the beginning of the run"
        )
    return loop


def _checked(event: Event) -> Event:
    """Check what its types leave open."""
    for name, value in vars(event).items():
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(f"{name} is {value}")
        if name == "product" and not str(value).strip():
            raise ValueError(f"{name} is empty")
    if isinstance(event, ImageArrived) and not 0 <= event.detector < _MOST_DETECTORS:
        raise ValueError(f"{event.detector} is not a detector")
    return event


@cache
def _headers() -> TypeAdapter[Header]:
    return TypeAdapter(Header)


@cache
def _adapters() -> dict[str, TypeAdapter[Event]]:
    return {name: TypeAdapter(kind) for name, kind in EVENTS.items()}
