"""Which calibrations are valid when images are taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, Timespan

__all__ = ["FOR_ALL", "bounds", "covered", "detectors_with"]

FOR_ALL = -1
"""Stands for the detectors of a calibration that is for all of them, e.g. the camera."""


def detectors_with(
    butler: Butler,
    dataset_type: str,
    collections: Sequence[str],
    data_id: Mapping[str, Any],
    spans: Sequence[tuple[str, str]],
) -> frozenset[int]:
    """Return the detectors that have a calibration, in a CALIBRATION collection one that is valid all the time.

    Of one that is not for a detector `FOR_ALL` is returned.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    dataset_type : `str`
        A registered dataset type.
    collections : sequence of `str`
        Where it is looked for.
    data_id : mapping
        Instrument, and physical_filter where it matters.
    spans : sequence of (`str`, `str`)
        When the images are taken: ranges of time, ISO-8601, TAI, half open. A certified calibration, or several one
        after another, must be valid at every moment of them.
    """
    from astropy.time import Time
    from lsst.daf.butler import CollectionType, Timespan

    kinds = {info.name: info.type for info in butler.collections.query_info(collections, flatten_chains=True)}
    certified = [name for name, kind in kinds.items() if kind is CollectionType.CALIBRATION]
    others = [name for name in kinds if name not in certified]
    # One that is not for a detector is for all of them.
    dimensions = (
        ["detector"] if "detector" in butler.get_dataset_type(dataset_type).dimensions else ["instrument"]
    )

    def of(row: Any) -> int:
        return int(row["detector"]) if "detector" in dimensions else FOR_ALL

    found: set[int] = set()
    # The database selects: to look through years of calibrations takes seconds, this milliseconds.
    with butler.query() as query:
        if others:
            here = query.join_dataset_search(dataset_type, others).where(data_id)
            found.update(of(row) for row in here.data_ids(dimensions))
        if certified:
            times = [Timespan(*(Time(date, scale="tai") for date in span)) for span in spans]
            texts = [date for span in spans for date in span]
            hull = Timespan(*(Time(date, scale="tai") for date in (min(texts), max(texts))))
            rows = (
                query.join_dataset_search(dataset_type, certified)
                .where(data_id, f"{dataset_type}.timespan OVERLAPS hull", bind={"hull": hull})
                .general(dimensions, f"{dataset_type}.timespan", find_first=False)
            )
            valid: dict[int, list[Timespan]] = defaultdict(list)
            for row in rows:
                valid[of(row)].append(row[f"{dataset_type}.timespan"])
            found.update(d for d, ranges in valid.items() if all(covered(t, ranges) for t in times))
    return frozenset(found)


def bounds(timespan: Timespan | None) -> tuple[str, str] | None:
    """Return begin and end of a range of time, ISO-8601, TAI; None where it is unknown or open."""
    if timespan is None:
        return None
    # A bound that is open, or of an empty range, is not a time.
    begin, end = (getattr(time, "tai", None) for time in (timespan.begin, timespan.end))
    return None if begin is None or end is None else (str(begin.isot), str(end.isot))


def covered(span: Timespan, ranges: Iterable[Timespan]) -> bool:
    """Check whether every moment of a range of time lies in one of several ranges.

    Parameters
    ----------
    span : `lsst.daf.butler.Timespan`
        The range.
    ranges : iterable of `lsst.daf.butler.Timespan`
        The others, in any order.
    """
    left = [span]
    for each in ranges:
        left = [rest for part in left for rest in part.difference(each)]
    return not left
