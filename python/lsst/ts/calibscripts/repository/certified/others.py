"""Which calibrations of a type a repository has instead: asked only when one is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ...ground.time_range import TimeRange
from ..connection import calibration_collections
from ..records import Valid
from ..validity import timespan_of
from .ranges import Sought, certified, nearest

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["calibrations"]

_FILTERS = 6
"""How many validity ranges of each detector are looked at before, at and after a time, of a type with filters."""


def calibrations(butler: Butler, sought: Sought, when: TimeRange) -> Iterator[Valid]:
    """Return certified calibrations of a type that an observer may want instead: valid at a time, or nearest to it.

    They are looked for in the collections that were searched, in the instrument's chain of calibrations and in its
    daily collection. To look through all collections takes longer with every job there ever was.

    Parameters
    ----------
    sought : `Sought`
        Type, instrument and detectors, and the collections that were searched; of these some may be chains or RUNs.
    when : `TimeRange`
        When the images are taken.

    Yields
    ------
    `Valid`
        One for each collection, filter and validity range.
    """
    instrument = str(sought.data_id["instrument"])
    near = calibration_collections(butler, sought.collections)
    shared = [f"{instrument}/calib", f"{instrument}/calib/daily"]
    far = [name for name in calibration_collections(butler, shared) if name not in near]
    dimensions = butler.get_dataset_type(sought.dataset_type).dimensions
    by_detector = "detector" in dimensions
    for name in (*near, *far):
        here = replace(sought, collections=(name,), detectors=sought.detectors if by_detector else ())
        most = max(len(here.detectors), 1) * (_FILTERS if "physical_filter" in dimensions else 1)
        rows = certified(butler, replace(here, during=when), order="timespan.begin", limit=most)
        rows += nearest(butler, here, timespan_of(when.kept), most)
        found: dict[tuple[TimeRange, str | None], set[int]] = defaultdict(set)
        for row in rows:
            ids = (int(row.data_id["detector"]),) if by_detector else ()
            found[row.validity, row.data_id.get("physical_filter")].update(ids)
        for (validity, physical_filter), detectors in found.items():
            yield Valid(name, validity, physical_filter, tuple(sorted(detectors)), name in near)
