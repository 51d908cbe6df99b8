"""Ranges of time: how long a calibration is valid, and when images are taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

__all__ = ["ALWAYS", "FIRST", "LAST", "TimeRange", "day_of", "hull", "night_of", "text_of_moment"]

FIRST, LAST = datetime(1970, 1, 1), datetime(2100, 1, 1)
"""The butler's first and last moment, TAI; it would silently make an open end of anything later."""

_OPEN = date(9999, 12, 31)
"""How other tools write that a range has no end."""


@dataclass(frozen=True)
class TimeRange:
    """A range of time, TAI, half open."""

    #: Without a time zone; None is open.
    begin: datetime | None = None
    end: datetime | None = None

    @classmethod
    def of(cls, begin: str | None, end: str | None) -> TimeRange:
        """Read a range as it is written in configurations, commands and records.

        Parameters
        ----------
        begin, end : `str` or `None`
            ISO-8601, TAI; None is open, and so is an end of 9999-12-31.

        Raises
        ------
        ValueError
            If one is not a date.
        """
        first, last = (None if text is None else datetime.fromisoformat(text) for text in (begin, end))
        return cls(first, None if last is not None and last.date() == _OPEN else last)

    @property
    def texts(self) -> tuple[str | None, str | None]:
        """Begin and end as `of` reads them."""
        begin, end = (None if moment is None else text_of_moment(moment) for moment in (self.begin, self.end))
        return begin, end

    @property
    def kept(self) -> TimeRange:
        """The range as a butler keeps it and returns it: open where it goes beyond what that knows."""
        begin = None if self.begin is None or self.begin <= FIRST else self.begin
        return TimeRange(begin, None if self.end is None or self.end >= LAST else self.end)

    @property
    def interval(self) -> str:
        """The range with its brackets, e.g. ``[2026-09-18, open) TAI``."""
        begin, end = (text or "open" for text in self.texts)
        return f"[{begin}, {end}) TAI"

    def __str__(self) -> str:
        """Write it as an observer reads it, e.g. ``2026-09-18 to 2026-09-19T12:00:00`` or ``2026-09-18 to open``."""
        return " to ".join(text or "open" for text in self.texts)

    def overlaps(self, other: TimeRange) -> bool:
        """Return whether two ranges have a moment in common; one without a moment of its own has none."""
        return max(self._first, other._first) < min(self._last, other._last)

    def contains(self, moment: datetime) -> bool:
        """Return whether a moment, TAI without a time zone, is in the range."""
        return self._first <= moment < self._last

    def covered(self, ranges: Iterable[TimeRange]) -> bool:
        """Return whether every moment of this range is in one of several ranges, given in any order."""
        moment = self._first
        for each in sorted(ranges, key=lambda one: one._first):
            if each._first > moment:
                break
            moment = max(moment, each._last)
        return moment >= self._last

    def distance(self, other: TimeRange) -> timedelta:
        """Return how long this range ends before another begins, or begins after it ends; zero where they overlap."""
        return max(other._first - self._last, self._first - other._last, timedelta(0))

    @property
    def _first(self) -> datetime:
        return self.begin or datetime.min

    @property
    def _last(self) -> datetime:
        return self.end or datetime.max


ALWAYS = TimeRange()
"""From the first moment to the last."""


def hull(ranges: Iterable[TimeRange]) -> TimeRange:
    """Return the smallest range that contains all of several.

    Parameters
    ----------
    ranges : iterable of `TimeRange`
        One at least.
    """
    all_of_them = [*ranges]
    begin, end = min(r._first for r in all_of_them), max(r._last for r in all_of_them)
    return TimeRange(None if begin == datetime.min else begin, None if end == datetime.max else end)


def night_of(day: date) -> TimeRange:
    """Return the range of an observing day, which begins at noon.

    Parameters
    ----------
    day : `datetime.date`
        The observing day.
    """
    noon = datetime.combine(day, time(12))
    return TimeRange(noon, noon + timedelta(days=1))


def day_of(exposure: int) -> date:
    """Return the observing day that the id of an exposure begins with.

    Parameters
    ----------
    exposure : `int`
        E.g. 2026091800002.

    Raises
    ------
    ValueError
        If it does not begin with a date.
    """
    return date(exposure // 10**9, exposure // 10**7 % 100, exposure // 10**5 % 100)


def text_of_moment(moment: datetime) -> str:
    """Write a moment as short as it can be read again: a date where it is midnight.

    Parameters
    ----------
    moment : `datetime.datetime`
        TAI, without a time zone.
    """
    if moment.time() == time():
        return moment.date().isoformat()
    text = moment.isoformat()
    return text.rstrip("0") if moment.microsecond else text
