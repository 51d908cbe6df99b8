"""Where the calibrations are from that jobs would use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...ground.time_range import ALWAYS, TimeRange, hull
from ..records import FOR_ALL, Source
from ..validity import time_range, timespan_of

if TYPE_CHECKING:
    from lsst.daf.butler import Butler
    from lsst.daf.butler.queries.tree import DatasetFieldName

__all__ = ["sources_with"]


def sources_with(
    butler: Butler,
    dataset_type: str,
    collections: Sequence[str],
    data_id: Mapping[str, Any],
    spans: Sequence[TimeRange],
) -> tuple[Source, ...]:
    """Return the RUNs that hold the calibrations that would be used, their validity and when they were written.

    Parameters
    ----------
    dataset_type : `str`
        A registered dataset type.
    collections : sequence of `str`
        Where it is looked for. The first collection that has one counts; later ones, too, where that one is not
        valid all the time.
    data_id : mapping
        Instrument, and physical_filter where it matters.
    spans : sequence of `TimeRange`
        When the images are taken.
    """
    from lsst.daf.butler import CollectionType

    seen: set[tuple[int, object]] = set()
    found: dict[tuple[str, TimeRange], dict[int, datetime | None]] = {}
    for info in butler.collections.query_info(collections, flatten_chains=True):
        certified = info.type is CollectionType.CALIBRATION
        rows = _rows(butler, dataset_type, info.name, data_id, hull(spans) if certified else None)
        here: dict[tuple[int, object], list[TimeRange]] = {}
        for row in rows:
            detector = int(row.get("detector", FOR_ALL))
            place = detector, row.get("physical_filter")
            if place not in seen:
                validity = time_range(row[f"{dataset_type}.timespan"]) if certified else ALWAYS
                here.setdefault(place, []).append(validity)
                of_run = found.setdefault((row[f"{dataset_type}.run"], validity), {})
                of_run[detector] = _moment(row[f"{dataset_type}.ingest_date"])
        seen |= {place for place, ranges in here.items() if all(span.covered(ranges) for span in spans)}
    return tuple(
        Source(run, frozenset(of), validity, min((w for w in of.values() if w is not None), default=None))
        for (run, validity), of in found.items()
    )


def _rows(
    butler: Butler, dataset_type: str, collection: str, data_id: Mapping[str, Any], during: TimeRange | None
) -> list[dict[str, Any]]:
    """Return the datasets of a collection; of a CALIBRATION collection those that are valid at some moment."""
    with butler.query() as query:
        query = query.join_dataset_search(dataset_type, [collection]).where(data_id)
        fields: set[DatasetFieldName] = {"run", "ingest_date"}
        if during is not None:
            condition = f"{dataset_type}.timespan OVERLAPS during"
            query = query.where(condition, bind={"during": timespan_of(during)})
            fields.add("timespan")
        dimensions = butler.get_dataset_type(dataset_type).dimensions
        return list(query.general(dimensions, dataset_fields={dataset_type: fields}, find_first=False))


def _moment(date: Any) -> datetime | None:
    """Return a date of the butler as UTC without a time zone; older schemas keep a datetime, today's a Time."""
    if date is None:
        return None
    moment: datetime = date if isinstance(date, datetime) else date.utc.to_datetime()
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
