"""Certification: what stands in its way, the commit itself, and what a collection holds afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..ground.time_range import TimeRange
from .records import Certification, Conflict
from .validity import time_range, timespan_of

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetAssociation, DatasetRef

__all__ = ["commit", "conflicts", "holds"]


def conflicts(butler: Butler, wanted: Certification) -> tuple[Conflict, ...]:
    """Return what stands in the way of a certification into a collection that exists; see `Repository`."""
    from lsst.daf.butler import CollectionType

    kind = butler.collections.get_info(wanted.collection).type
    if kind is not CollectionType.CALIBRATION:
        return (Conflict(wanted, kind=kind.name),)
    if not any(True for _ in butler.registry.queryDatasetTypes(wanted.dataset_type)):
        return ()
    validity = wanted.validity.kept
    found: dict[TimeRange, set[int]] = {}
    for present in _associations(butler, wanted):
        data_id = present.ref.dataId
        if (
            data_id["detector"] in wanted.detectors
            and data_id["instrument"] == wanted.instrument
            and wanted.physical_filter in (None, data_id.get("physical_filter", wanted.physical_filter))
            and present.timespan is not None
            and (range_ := time_range(present.timespan)).overlaps(validity)
        ):
            found.setdefault(range_, set()).add(int(data_id["detector"]))
    return tuple(Conflict(wanted, range_, tuple(sorted(ids))) for range_, ids in found.items())


def commit(
    butler: Butler, wanted: Certification, refs: Sequence[DatasetRef], may_commit: Callable[[], bool]
) -> bool:
    """Certify datasets, all or none; False where they may not be committed any more when it comes to that."""
    try:
        with butler.transaction():
            butler.registry.certify(wanted.collection, refs, timespan_of(wanted.validity))
            if not may_commit():
                raise _RolledBackError
    except _RolledBackError:
        return False
    return True


def holds(butler: Butler, wanted: Certification, refs: Sequence[DatasetRef]) -> bool:
    """Return whether the collection holds all these datasets for this validity range."""
    timespan = timespan_of(wanted.validity)
    found = {a.ref.id for a in _associations(butler, wanted) if a.timespan == timespan}
    return found.issuperset(ref.id for ref in refs)


def _associations(butler: Butler, wanted: Certification) -> Iterator[DatasetAssociation]:
    from lsst.daf.butler import CollectionType

    return butler.registry.queryDatasetAssociations(
        wanted.dataset_type, collections=wanted.collection, collectionTypes={CollectionType.CALIBRATION}
    )


class _RolledBackError(Exception):
    """Undoes a transaction that may not be committed any more."""
