"""International Atomic Time, in which everything in a record is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import cache

__all__ = ["observing_day", "tai_now", "tai_offset"]


@cache
def tai_offset() -> float:
    """Return TAI - UTC, seconds."""
    from astropy.time import Time

    now = Time(time.time(), format="unix")
    return float((now.tai.datetime - now.utc.datetime).total_seconds())


def tai_now() -> datetime:
    """Return the time, TAI, without a time zone."""
    return datetime.fromtimestamp(time.time() + tai_offset(), UTC).replace(tzinfo=None)


def observing_day(tai: datetime) -> int:
    """Return the observing day (YYYYMMDD) of a time, which begins and ends at noon UTC.

    Parameters
    ----------
    tai : `datetime.datetime`
        The time, TAI.
    """
    return int(f"{tai - timedelta(hours=12, seconds=tai_offset()):%Y%m%d}")
