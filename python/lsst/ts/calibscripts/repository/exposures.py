"""What the butler knows of exposures."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

from .records import ExposureRecord
from .validity import taken_at

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DimensionRecord

__all__ = ["exposure_records"]


def exposure_records(
    butler: Butler, instrument: str, exposures: Collection[int]
) -> tuple[ExposureRecord, ...]:
    """Return what is known of exposures; see `Repository`.

    Parameters
    ----------
    instrument : `str`
        Butler instrument name.
    """
    if not exposures:
        return ()
    records = butler.query_dimension_records(
        "exposure",
        instrument=instrument,
        where="exposure IN (wanted)",
        bind={"wanted": sorted(exposures)},
        explain=False,
        limit=None,
    )
    return tuple(
        ExposureRecord(
            r.id,
            str(r.observation_type or "").upper(),
            _seconds(r),
            str(r.physical_filter or ""),
            taken_at(r.timespan),
        )
        for r in records
    )


def _seconds(exposure: DimensionRecord) -> float:
    """Return the exposure time of an exposure, seconds; NaN where it is unknown, but 0 for a bias."""
    if exposure.exposure_time is None:
        return 0.0 if str(exposure.observation_type).lower() == "bias" else math.nan
    return float(exposure.exposure_time)
