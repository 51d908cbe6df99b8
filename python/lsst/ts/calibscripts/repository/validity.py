"""Which calibrations there are for some time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["detectors_with"]


def detectors_with(
    butler: Butler,
    dataset_type: str,
    collections: Sequence[str],
    data_id: Mapping[str, Any],
    within: tuple[str, str],
) -> frozenset[int]:
    """Give the detectors of which there is a calibration, in a CALIBRATION collection one that is valid.

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
    within : `tuple` [`str`, `str`]
        Range of time, TAI, half open, at some moment of which a certified one must be valid.
    """
    from astropy.time import Time
    from lsst.daf.butler import CollectionType, Timespan

    kinds = {info.name: info.type for info in butler.collections.query_info(collections, flatten_chains=True)}
    certified = [name for name, kind in kinds.items() if kind is CollectionType.CALIBRATION]
    others = [name for name in kinds if name not in certified]
    times = Timespan(*(Time(date, scale="tai") for date in within))
    found: set[int] = set()
    # The database selects: to look through years of calibrations takes seconds, this milliseconds.
    with butler.query() as query:
        if others:
            here = query.join_dataset_search(dataset_type, others).where(data_id)
            found.update(int(row["detector"]) for row in here.data_ids(["detector"]))
        if certified:
            valid = query.join_dataset_search(dataset_type, certified).where(
                data_id, f"{dataset_type}.timespan OVERLAPS times", bind={"times": times}
            )
            found.update(int(row["detector"]) for row in valid.data_ids(["detector"]))
    return frozenset(found)
