"""What is certified, asked so that the database answers with an index: a collection may hold ten years of days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ...ground.time_range import TimeRange
from ..validity import time_range, timespan_of

if TYPE_CHECKING:
    from astropy.time import Time
    from lsst.daf.butler import Butler, Timespan

__all__ = ["Certified", "Sought", "certified", "latest", "nearest"]


@dataclass(frozen=True)
class Sought:
    """Which certified datasets are asked for; what is empty or None does not matter."""

    dataset_type: str  #: A registered dataset type.
    collections: Sequence[str]  #: CALIBRATION collections that exist.
    data_id: Mapping[str, Any]  #: Values of dimensions, e.g. instrument and physical_filter.
    detectors: Sequence[int] = ()  #: Detectors, of a type that is for detectors.
    datasets: Sequence[UUID] = ()  #: The very datasets.
    during: TimeRange | None = None  #: Those that are valid at some moment of it.

    def where(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return conditions of the butler's query language, with the values they name."""
        if self.detectors:
            yield "detector IN (those)", {"those": sorted(self.detectors)}
        if self.datasets:
            yield f"{self.dataset_type}.dataset_id IN (these)", {"these": list(self.datasets)}
        if self.during is not None:
            yield f"{self.dataset_type}.timespan OVERLAPS during", {"during": timespan_of(self.during)}


@dataclass(frozen=True)
class Certified:
    """A dataset and the range of time for which it is certified."""

    dataset: UUID  #: The dataset.
    #: RUN it is in, and CALIBRATION collection.
    run: str
    collection: str
    data_id: Mapping[str, Any]  #: Values of the required dimensions.
    timespan: Timespan  #: Validity range, as the butler has it.

    @property
    def validity(self) -> TimeRange:
        """The validity range."""
        return time_range(self.timespan)


def certified(
    butler: Butler,
    sought: Sought,
    *others: tuple[str, dict[str, Any]],
    order: str = "",
    limit: int | None = None,
) -> list[Certified]:
    """Return certified datasets.

    Parameters
    ----------
    *others : `tuple` [`str`, `dict`]
        Further conditions with the values they name.
    order : `str`, optional
        ``timespan.begin`` or ``timespan.end``, for the latest first with ``-`` before it.
    limit : `int`, optional
        At most so many.
    """
    if not sought.collections:
        return []
    kind = sought.dataset_type
    dimensions = butler.get_dataset_type(kind).dimensions
    with butler.query() as query:
        query = query.join_dataset_search(kind, [*sought.collections]).where(sought.data_id)
        for condition, bind in (*sought.where(), *others):
            query = query.where(condition, bind=bind)
        rows = query.general(
            dimensions,
            dataset_fields={kind: {"dataset_id", "run", "collection", "timespan"}},
            find_first=False,
        )
        if order:
            rows = rows.order_by(f"{order[: -len(order.lstrip('-'))]}{kind}.{order.lstrip('-')}")
        return [
            Certified(
                row[f"{kind}.dataset_id"],
                row[f"{kind}.run"],
                row[f"{kind}.collection"],
                {name: row[name] for name in dimensions.required},
                row[f"{kind}.timespan"],
            )
            for row in rows.limit(limit)
        ]


def latest(butler: Butler, sought: Sought, limit: int) -> list[Certified]:
    """Return the certified datasets whose ranges begin last, the last one first.

    Parameters
    ----------
    limit : `int`
        At most so many.
    """
    return certified(butler, sought, order="-timespan.begin", limit=limit)


def nearest(butler: Butler, sought: Sought, when: Timespan, limit: int) -> list[Certified]:
    """Return the certified datasets that are valid next before and next after a time, not in it.

    Parameters
    ----------
    limit : `int`
        At most so many on either side.
    """
    kind = sought.dataset_type

    def beyond(condition: str, moment: Time | None, order: str) -> list[Certified]:
        if moment is None:
            return []
        where = f"{kind}.{condition} moment", {"moment": moment}
        return certified(butler, sought, where, order=order, limit=limit)

    return [
        *reversed(beyond("timespan.end <=", when.begin, "-timespan.end")),
        *beyond("timespan.begin >=", when.end, "timespan.begin"),
    ]
