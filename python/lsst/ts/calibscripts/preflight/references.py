"""When the images of a run are taken: a calibration that a job reads must be valid then."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from ..repository import ExposureRecord

__all__ = ["from_now", "spans", "when_words"]


def spans(records: Iterable[ExposureRecord]) -> tuple[tuple[str, str], ...]:
    """Return when exposures were taken; of one whose time is unknown, the noon its observing day begins with.

    Parameters
    ----------
    records : iterable of `ExposureRecord`
        What the butler knows of them.

    Returns
    -------
    `tuple` [(`str`, `str`)]
        Begin and end of each, ISO-8601, TAI, half open.
    """
    return tuple(record.taken or _noon(record.id) for record in records)


def _noon(exposure: int) -> tuple[str, str]:
    day = date(exposure // 10**9, exposure // 10**7 % 100, exposure // 10**5 % 100)
    return f"{day}T12:00:00", f"{day}T12:00:01"


def from_now(seconds: float) -> tuple[str, str]:
    """Return the time from now until the images are taken as planned, ISO-8601, TAI.

    Parameters
    ----------
    seconds : `float`
        How long the camera takes for them.
    """
    from astropy.time import Time, TimeDelta

    now = Time(datetime.now(UTC)).tai
    return str(now.isot), str((now + TimeDelta(max(seconds, 1.0), format="sec")).isot)


def when_words(when: Sequence[tuple[str, str]], seconds: float | None) -> str:
    """Say when a calibration must be valid.

    Parameters
    ----------
    when : sequence of (`str`, `str`)
        All times.
    seconds : `float` or `None`
        How long the camera takes for the images of this run; None where it takes none.
    """
    if seconds is None:
        return "for these exposures"
    also = " and for these exposures" if len(when) > 1 else ""
    return f"from now until the images are taken ({math.ceil(seconds / 60)} min){also}"
