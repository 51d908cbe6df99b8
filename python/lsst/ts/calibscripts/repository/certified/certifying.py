"""Certification: what stands in its way, the commit itself, and what a collection holds afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from ...ground.text import listed
from ...ground.time_range import TimeRange
from ...tables.products import PRODUCTS
from ..connection import registered
from ..records import Certification, Conflict
from ..validity import timespan_of
from .ranges import Certified, Sought, certified

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["commit", "conflicts", "holds", "registered_as"]

_RANGES = 20
"""How many validity ranges that stand in the way of a certification are named one by one."""


def conflicts(butler: Butler, wanted: Certification) -> tuple[Conflict, ...]:
    """Return what stands in the way of a certification into a collection that exists; see `Repository`."""
    from lsst.daf.butler import CollectionType

    kind = butler.collections.get_info(wanted.collection).type
    if kind is not CollectionType.CALIBRATION:
        return (Conflict(wanted, kind=kind.name),)
    if not registered(butler, wanted.dataset_type):
        return ()
    sought = _sought(wanted)
    most = _RANGES * max(len(wanted.detectors), 1)
    found = certified(butler, sought, order="timespan.begin", limit=most + 1)
    if len(found) > most:
        # Years of every day: what is in the way is said by where they begin and where they end.
        last = certified(butler, sought, order="-timespan.end", limit=1)
        span = TimeRange(found[0].validity.begin, last[0].validity.end)
        return (Conflict(wanted, span, _detectors(found), many=True),)
    by_range: dict[TimeRange, list[Certified]] = {}
    for present in found:
        by_range.setdefault(present.validity, []).append(present)
    return tuple(Conflict(wanted, range_, _detectors(those)) for range_, those in by_range.items())


def _detectors(found: Iterable[Certified]) -> tuple[int, ...]:
    return tuple(sorted({int(one.data_id["detector"]) for one in found}))


def _sought(wanted: Certification, datasets: Sequence[UUID] = ()) -> Sought:
    """Return what is certified already for the same data and an overlapping range."""
    data_id = {"instrument": wanted.instrument}
    if wanted.physical_filter and PRODUCTS[wanted.product].by_filter:
        data_id["physical_filter"] = wanted.physical_filter
    return Sought(
        wanted.dataset_type,
        (wanted.collection,),
        data_id,
        detectors=wanted.detectors,
        datasets=datasets,
        during=wanted.validity.kept,
    )


def registered_as(butler: Butler, wanted: Certification) -> str:
    """Return as what a dataset type is registered, where it cannot be certified so; see `Repository`."""
    if not registered(butler, wanted.dataset_type):
        return ""
    kind = butler.get_dataset_type(wanted.dataset_type)
    if not kind.isCalibration():
        return "no calibration"
    needed = {"instrument", "detector"} | (
        {"physical_filter"} if PRODUCTS[wanted.product].by_filter else set()
    )
    found = {*kind.dimensions.required}
    return "" if found == needed else f"one of {listed(sorted(found))}, not of {listed(sorted(needed))}"


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
    ids = [ref.id for ref in refs]
    found = {one.dataset for one in certified(butler, _sought(wanted, ids)) if one.timespan == timespan}
    return found.issuperset(ids)


class _RolledBackError(Exception):
    """Undoes a transaction that may not be committed any more."""
