"""Which calibrations of a type a repository has anywhere: asked only when one is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..ground.time_range import TimeRange
from .records import Valid
from .validity import time_range

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["calibrations"]

_COLLECTIONS = 20
"""How many collections are looked through: this is a help for the observer, who waits."""


def calibrations(
    butler: Butler, dataset_type: str, instrument: str, detectors: Collection[int], near: Sequence[str]
) -> Iterator[Valid]:
    """Return the certified calibrations of a type, wherever they are.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    dataset_type : `str`
        A registered dataset type.
    instrument : `str`
        Butler instrument name.
    detectors : collection of `int`
        Detectors of interest.
    near : sequence of `str`
        Collections that come first.

    Yields
    ------
    `Valid`
        One for each collection, filter and validity range.
    """
    from lsst.daf.butler import CollectionType

    here = [info.name for info in butler.collections.query_info(near, flatten_chains=True)]
    known = butler.collections.query_info(
        "*", CollectionType.CALIBRATION, include_summary=True, summary_datasets=[dataset_type]
    )
    names = [info.name for info in known if dataset_type in (info.dataset_types or ())]
    ordered = sorted(names, key=lambda name: (name not in here, name))
    for name in ordered[:_COLLECTIONS]:
        found: dict[tuple[TimeRange, str | None], set[int]] = defaultdict(set)
        for row in _rows(butler, dataset_type, name, instrument):
            detector = row.get("detector")
            if detector is None or detector in detectors:
                validity = time_range(row[f"{dataset_type}.timespan"])
                found[validity, row.get("physical_filter")].update(() if detector is None else (detector,))
        for (validity, physical_filter), ids in found.items():
            yield Valid(name, validity, physical_filter, tuple(sorted(ids)), name in here)


def _rows(butler: Butler, dataset_type: str, collection: str, instrument: str) -> Iterator[Mapping[str, Any]]:
    names = butler.get_dataset_type(dataset_type).dimensions.names
    dimensions = [name for name in ("detector", "physical_filter") if name in names]
    with butler.query() as query:
        yield from (
            query.join_dataset_search(dataset_type, [collection])
            .where({"instrument": instrument})
            .general(dimensions or ["instrument"], f"{dataset_type}.timespan", find_first=False)
        )
