"""Ranges of time as a butler has them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..ground.time_range import FIRST, TimeRange

if TYPE_CHECKING:
    from lsst.daf.butler import Timespan

__all__ = ["taken_at", "time_range", "timespan_of"]


def timespan_of(validity: TimeRange) -> Timespan:
    """Return a range of time as the butler takes it."""
    from astropy.time import Time
    from lsst.daf.butler import Timespan

    # The butler knows no time before its first, takes that instead, and would log so for every use of the date.
    begin, end = (
        None if moment is None else Time(max(moment, FIRST), scale="tai")
        for moment in (validity.begin, validity.end)
    )
    return Timespan(begin, end)


def time_range(timespan: Timespan) -> TimeRange:
    """Return a range of time of the butler; one without a moment has none here either."""
    if timespan.isEmpty():
        return TimeRange(FIRST, FIRST)
    return TimeRange(*(None if time is None else _moment(time) for time in (timespan.begin, timespan.end)))


def _moment(time: Any) -> datetime:
    moment: datetime = time.tai.to_datetime()
    return moment


def taken_at(timespan: Timespan | None) -> TimeRange | None:
    """Return when an exposure was taken, None where that is unknown."""
    if timespan is None or timespan.isEmpty() or timespan.begin is None or timespan.end is None:
        return None
    return time_range(timespan)
