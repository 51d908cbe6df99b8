"""Which calibrations are valid when images are taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..ground.time_range import FIRST, TimeRange, hull

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, Timespan

__all__ = ["FOR_ALL", "detectors_with", "taken_at", "time_range", "timespan_of"]

FOR_ALL = -1
"""Stands for the detectors of a calibration that is for all of them, e.g. the camera."""


def detectors_with(
    butler: Butler,
    dataset_type: str,
    collections: Sequence[str],
    data_id: Mapping[str, Any],
    spans: Sequence[TimeRange],
) -> frozenset[int]:
    """Return the detectors that have a calibration, in a CALIBRATION collection one that is valid all the time.

    Of one that is not for a detector `FOR_ALL` is returned.

    Parameters
    ----------
    dataset_type : `str`
        A registered dataset type.
    collections : sequence of `str`
        Where it is looked for.
    data_id : mapping
        Instrument, and physical_filter where it matters.
    spans : sequence of `TimeRange`
        When the images are taken. A certified calibration, or several one after another, must be valid at every
        moment of them.
    """
    from lsst.daf.butler import CollectionType

    kinds = {info.name: info.type for info in butler.collections.query_info(collections, flatten_chains=True)}
    certified = [name for name, kind in kinds.items() if kind is CollectionType.CALIBRATION]
    others = [name for name in kinds if name not in certified]
    # One that is not for a detector is for all of them.
    by_detector = "detector" in butler.get_dataset_type(dataset_type).dimensions
    dimensions = ["detector" if by_detector else "instrument"]

    def of(row: Any) -> int:
        return int(row["detector"]) if by_detector else FOR_ALL

    found: set[int] = set()
    # The database selects: to look through years of calibrations takes seconds, this milliseconds.
    with butler.query() as query:
        if others:
            here = query.join_dataset_search(dataset_type, others).where(data_id)
            found.update(of(row) for row in here.data_ids(dimensions))
        if certified:
            whole = timespan_of(hull(spans))
            rows = (
                query.join_dataset_search(dataset_type, certified)
                .where(data_id, f"{dataset_type}.timespan OVERLAPS whole", bind={"whole": whole})
                .general(dimensions, f"{dataset_type}.timespan", find_first=False)
            )
            valid: dict[int, list[TimeRange]] = defaultdict(list)
            for row in rows:
                valid[of(row)].append(time_range(row[f"{dataset_type}.timespan"]))
            found.update(d for d, ranges in valid.items() if all(span.covered(ranges) for span in spans))
    return frozenset(found)


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
