"""What runs measured, kept beside their records, and how a run compares with those before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import cache
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ...ground.appending import keep_json
from ...ground.untrusted import RECORD, InputError, parse_json, read_text
from ...record import Record, find_records, time_in_name
from ..account import Account
from ..trends import LATEST, Measured, Past, Trend, compare
from .measuring import measure

__all__ = ["ENDING", "beside", "earlier", "recall", "remember", "trends_of", "with_history"]

ENDING = ".measured.json"
"""Ending of the file beside a record that keeps what its run measured."""


def recall(record: Path) -> Past | None:
    """Return what is kept beside a record, None where nothing is, or nothing that can be read."""
    try:
        return _pasts().validate_python(parse_json(read_text(beside(record), RECORD), RECORD))
    except (InputError, ValidationError):
        # It is made again from the butler.
        return None


@cache
def _pasts() -> TypeAdapter[Past]:
    """Return what reads a file; making it takes longer than reading one."""
    return TypeAdapter(Past)


def remember(record: Record, measured: Sequence[Measured]) -> tuple[Trend, ...]:
    """Keep what a run measured beside its record, with what was kept there before, where that can be written.

    Returns
    -------
    `tuple` [`Trend`]
        How all of that compares with earlier runs.
    """
    before = recall(record.path)
    kept = {(m.quantity, m.condition): m for m in (*(before.measured if before else ()), *measured)}
    trends = _compared(record, tuple(kept.values()))
    departed = tuple((trend.quantity, trend.condition) for trend in trends if trend.departures)
    past = Past(record.name, _tai(record), tuple(kept.values()), departed)
    keep_json(beside(record.path), asdict(past))
    return trends


def trends_of(record: Record) -> tuple[Trend, ...]:
    """Return how what is kept beside a record compares with earlier runs."""
    past = recall(record.path)
    return _compared(record, past.measured) if past else ()


def _compared(record: Record, measured: Sequence[Measured]) -> tuple[Trend, ...]:
    return compare(_tai(record), measured, earlier(record)) if measured else ()


def _tai(record: Record) -> str:
    return record.begun.isoformat(timespec="seconds")


def beside(record: Path) -> Path:
    """Return the file that keeps what a run measured."""
    return record.with_name(record.stem + ENDING)


def earlier(record: Record) -> tuple[Past, ...]:
    """Return what the latest runs before this one measured, in the same place and with the same camera.

    Returns
    -------
    `tuple` [`Past`]
        The oldest first, at most `LATEST`.
    """
    return tuple(sorted(islice(_before(record), LATEST), key=lambda run: run.tai))


def _before(record: Record) -> Iterator[Past]:
    """Yield what runs before this one measured, the latest first."""
    begun, began = _tai(record), time_in_name(record.path)
    for path in reversed(find_records(record.path.parent, record.about.instrument)):
        # What a name says costs nothing, what a file does costs time.
        if time_in_name(path) > began:
            continue
        run = recall(path)
        if run is not None and run.name != record.name and run.tai <= begun:
            yield run


def with_history(account: Account) -> Account:
    """Compare a recorded run with earlier ones, and keep what it measured for later ones. Blocks.

    Parameters
    ----------
    account : `Account`
        The report; one that is not of a record is returned unchanged.
    """
    record = account.record
    if record is None:
        return account
    measured = measure(account.evidence)
    return replace(account, trends=remember(record, measured) if measured else trends_of(record))
