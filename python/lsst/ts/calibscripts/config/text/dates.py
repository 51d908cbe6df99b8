"""Dates of validity ranges: how they are written, and which of them the butler can keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime

from ...ground.time_range import FIRST, LAST, TimeRange

__all__ = ["DATE_PATTERN", "check_date", "open_end", "range_problems", "text_of_date"]

DATE_PATTERN = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?$"


def text_of_date(value: object) -> object:
    """Make a text of the date that YAML makes of 2022-11-04 without quotes, which means the same.

    Returns
    -------
    `object`
        The text of a date, else the value.
    """
    return value.isoformat() if isinstance(value, date) else value


def check_date(value: str) -> str:
    """Check that a text is a date.

    Raises
    ------
    ValueError
        If it is not a date, with how to write one.
    """
    if re.search(r"(?<=\d)(Z|[+-]\d{2}:?\d{2})$", value) and "T" in value.replace(" ", "T"):
        raise ValueError(f"{value!r} has a time zone; dates are TAI, write it without one")
    if not re.fullmatch(DATE_PATTERN.strip("^$"), value):
        raise ValueError(f"{value!r} is not a date: write YYYY-MM-DD or YYYY-MM-DDThh:mm:ss (TAI)")
    try:
        datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not a date that exists ({error})") from None
    return value


def open_end(value: str | None) -> str | None:
    """Read the end 9999-12-31 as what it stands for: None, an open end."""
    return None if TimeRange.of(None, value).end is None else value


def range_problems(validity: TimeRange, begin: str) -> Iterator[tuple[str, str]]:
    """Report what is wrong with a validity range for a butler.

    Parameters
    ----------
    begin : `str`
        What the user calls its begin.

    Yields
    ------
    which, text : `str`
        ``begin`` or ``end``, and one sentence.
    """
    first, last = validity.begin, validity.end
    first_text, last_text = validity.texts
    kept = f"the butler keeps dates from {FIRST.date()} to {LAST.date()} only"
    if first is not None and first >= LAST:
        yield "begin", f"{first_text} is too late, {kept}; check the year"
    elif last is not None and last > LAST:
        yield (
            "end",
            f"{last_text} is too late, {kept}; check the year, or write null for a range without an end",
        )
    elif last is not None and last <= FIRST:
        yield "end", f"{last_text} is too early, {kept}; the range would be empty"
    elif first is not None and last is not None and first >= last:
        yield "end", f"{last_text} is not after {begin} {first_text}"
