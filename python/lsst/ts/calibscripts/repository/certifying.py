"""Certification: what stands in its way, the commit itself, and what a collection holds afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from .records import Certification, Conflict

if TYPE_CHECKING:
    from astropy.time import Time
    from lsst.daf.butler import Butler, DatasetAssociation, DatasetRef, Timespan

__all__ = ["commit", "conflicts", "holds"]


def conflicts(butler: Butler, wanted: Certification) -> tuple[Conflict, ...]:
    """Return what stands in the way of a certification into a collection that exists; see `Repository`."""
    from lsst.daf.butler import CollectionType

    kind = butler.collections.get_info(wanted.collection).type
    if kind is not CollectionType.CALIBRATION:
        return (Conflict(wanted, kind=kind.name),)
    if not any(True for _ in butler.registry.queryDatasetTypes(wanted.dataset_type)):
        return ()
    timespan = _timespan(wanted)
    found: dict[tuple[str | None, str | None], set[int]] = {}
    for present in _associations(butler, wanted):
        data_id = present.ref.dataId
        if (
            data_id["detector"] in wanted.detectors
            and data_id["instrument"] == wanted.instrument
            and wanted.physical_filter in (None, data_id.get("physical_filter", wanted.physical_filter))
            and present.timespan is not None
            and present.timespan.overlaps(timespan)
        ):
            dates = _date(present.timespan.begin), _date(present.timespan.end)
            found.setdefault(dates, set()).add(int(data_id["detector"]))
    return tuple(Conflict(wanted, *dates, tuple(sorted(ids))) for dates, ids in found.items())


def _date(moment: Time | None) -> str | None:
    return None if moment is None else str(moment.tai.isot)


def commit(
    butler: Butler, wanted: Certification, refs: Sequence[DatasetRef], may_commit: Callable[[], bool]
) -> bool:
    """Certify datasets, all or none; False where they may not be committed any more when it comes to that."""
    try:
        with butler.transaction():
            butler.registry.certify(wanted.collection, refs, _timespan(wanted))
            if not may_commit():
                raise _RolledBackError
    except _RolledBackError:
        return False
    return True


def holds(butler: Butler, wanted: Certification, refs: Sequence[DatasetRef]) -> bool:
    """Return whether the collection holds all these datasets for this validity range."""
    timespan = _timespan(wanted)
    found = {a.ref.id for a in _associations(butler, wanted) if a.timespan == timespan}
    return found.issuperset(ref.id for ref in refs)


def _associations(butler: Butler, wanted: Certification) -> Iterator[DatasetAssociation]:
    from lsst.daf.butler import CollectionType

    return butler.registry.queryDatasetAssociations(
        wanted.dataset_type, collections=wanted.collection, collectionTypes={CollectionType.CALIBRATION}
    )


class _RolledBackError(Exception):
    """Undoes a transaction that may not be committed any more."""


def _timespan(wanted: Certification) -> Timespan:
    from astropy.time import Time
    from lsst.daf.butler import Timespan

    # The butler knows no time before 1970, takes that instead, and would log so for every use of the date.
    epoch = Time("1970-01-01", scale="tai")
    begin, end = (
        max(Time(date, scale="tai"), epoch) if date else None for date in (wanted.begin, wanted.end)
    )
    return Timespan(begin, end)
