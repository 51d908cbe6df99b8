"""When the images of a run are taken, so that the calibrations which its jobs read must be valid."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from ..ground.time_range import TimeRange, day_of, night_of
from ..repository import ExposureRecord

__all__ = ["from_now", "spans", "when_words"]


def spans(records: Iterable[ExposureRecord]) -> tuple[TimeRange, ...]:
    """Return when exposures were taken; of one whose time is unknown, the noon its observing day begins with.

    Parameters
    ----------
    records : iterable of `ExposureRecord`
        What the butler knows of them.
    """
    return tuple(record.taken or _noon(record.id) for record in records)


def _noon(exposure: int) -> TimeRange:
    noon = night_of(day_of(exposure)).begin
    return TimeRange(noon, noon and noon + timedelta(seconds=1))


def from_now(seconds: float) -> TimeRange:
    """Return the time from now until the images are taken as planned.

    Parameters
    ----------
    seconds : `float`
        How long the camera takes for them.
    """
    from astropy.time import Time

    now = Time(datetime.now(UTC)).tai.to_datetime()
    return TimeRange(now, now + timedelta(seconds=max(seconds, 1.0)))


def when_words(when: Sequence[TimeRange], seconds: float | None) -> str:
    """Report when a calibration must be valid.

    Parameters
    ----------
    when : sequence of `TimeRange`
        All times.
    seconds : `float` or `None`
        How long the camera takes for the images of this run; None where it takes none.
    """
    if seconds is None:
        return "for these exposures"
    also = " and for these exposures" if len(when) > 1 else ""
    return f"from now until the images are taken ({math.ceil(seconds / 60)} min){also}"
