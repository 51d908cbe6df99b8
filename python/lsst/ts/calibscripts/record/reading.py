"""Reads a record, also one whose writer was killed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..errors import RecordError, describe
from .records import EVENTS, FORMAT, Entry, Header, Noted, Record

__all__ = ["find_records", "read_record"]


def find_records(directory: Path, instrument: str | None = None) -> tuple[Path, ...]:
    """Give the records in a directory, the oldest first.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where; there need not be one.
    instrument : `str`, optional
        Butler instrument name; records of all instruments where it is None.
    """
    paths = directory.glob(f"{instrument or '*'}_*.jsonl")
    # The name goes on with the time.
    return tuple(sorted(paths, key=lambda path: (path.stem.split("_")[1:], path.stem)))


def read_record(path: Path) -> Record:
    """Read a record.

    Parameters
    ----------
    path : `pathlib.Path`
        The file.

    Returns
    -------
    `Record`
        What it holds. A last line that was not written to its end is left out and told as ``torn``; events
        that this version does not know are left out.

    Raises
    ------
    RecordError
        If the file cannot be read, is no record, or is damaged in another place than its end.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RecordError(f"The record {path} cannot be read: {describe(error)}") from error
    lines, rest = text.split("\n")[:-1], text.rpartition("\n")[2]
    if not lines:
        raise RecordError(f"{path} is no record of a run: it has no complete line")
    first = _object(path, 1, lines[0])
    if not isinstance(first.get("record"), int):
        raise RecordError(f"{path} is no record of a run: its first line is no header")
    if first["record"] > FORMAT:
        raise RecordError(
            f"{path} was written by a newer version of calibscripts (layout {first['record']}, this one knows "
            f"{FORMAT}): read it with that version"
        )
    entries = tuple(_entries(path, lines))
    try:
        header = TypeAdapter(Header).validate_python(first)
        return Record(path, header, _time(first), float(first["loop"]), entries, torn=bool(rest))
    except (ValidationError, TypeError, ValueError, KeyError) as error:
        raise RecordError(f"{path}, line 1: {describe(error)}") from error


def _entries(path: Path, lines: list[str]) -> Iterator[Entry]:
    for number, text in enumerate(lines[1:], 2):
        line = _object(path, number, text)
        adapter = _adapters().get(str(line.get("event")))
        if adapter is None:
            continue
        try:
            yield Entry(_time(line), float(line["loop"]), adapter.validate_python(line))
        except (ValidationError, TypeError, ValueError, KeyError) as error:
            raise RecordError(f"{path}, line {number}: {describe(error)}") from error


def _object(path: Path, number: int, text: str) -> Mapping[str, Any]:
    try:
        line = json.loads(text)
    except ValueError as error:
        raise RecordError(f"{path}, line {number} is no JSON: {error}") from error
    if not isinstance(line, dict):
        raise RecordError(f"{path}, line {number} is no JSON object")
    return line


def _time(line: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(line["tai"]))


@cache
def _adapters() -> dict[str, TypeAdapter[Noted]]:
    return {name: TypeAdapter(kind) for name, kind in EVENTS.items()}
