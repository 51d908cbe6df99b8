"""What the butler knows of exposures."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

from .records import ExposureRecord
from .validity import taken_at

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DimensionRecord

__all__ = ["exposure_records", "have_visits", "recorded"]

_LATEST = 10
"""How many of the latest flats are looked at."""


def exposure_records(
    butler: Butler, instrument: str, exposures: Collection[int]
) -> tuple[ExposureRecord, ...]:
    """Return what is known of exposures; see `Repository`.

    Parameters
    ----------
    instrument : `str`
        Butler instrument name.
    """
    return tuple(
        ExposureRecord(
            r.id,
            str(r.observation_type or "").upper(),
            _seconds(r),
            str(r.physical_filter or ""),
            taken_at(r.timespan),
            _group(r),
        )
        for r in recorded(butler, instrument, "exposure", exposures)
    )


def recorded(
    butler: Butler, instrument: str, field: str, wanted: Collection[int], of: str = "exposure"
) -> list[DimensionRecord]:
    """Return the records of exposures, or of what is defined by them, by one of their fields.

    Parameters
    ----------
    instrument : `str`
        Butler instrument name.
    field : `str`
        E.g. ``exposure`` or ``exposure.day_obs``.
    wanted : collection of `int`
        Its values.
    of : `str`, optional
        Dimension whose records are returned.
    """
    if not wanted:
        return []
    return butler.query_dimension_records(
        of,
        instrument=instrument,
        where=f"{field} IN (wanted)",
        bind={"wanted": sorted(wanted)},
        explain=False,
        limit=None,
    )


def have_visits(butler: Butler, instrument: str, flats: Collection[int]) -> bool | None:
    """Return whether flats have visits; see `Repository`.

    Parameters
    ----------
    instrument : `str`
        Butler instrument name.
    flats : collection of `int`
        Exposures; none for the latest flats.
    """
    wanted = sorted(flats) or [
        record.id
        for record in butler.query_dimension_records(
            "exposure",
            instrument=instrument,
            where="exposure.observation_type IN (flat)",
            bind={"flat": ["flat", "FLAT"]},
            order_by="-exposure",
            explain=False,
            limit=_LATEST,
        )
    ]
    if not wanted:
        return None
    records = recorded(butler, instrument, "exposure", wanted, of="visit_definition")
    found = {record.exposure for record in records}
    return found >= {*wanted} if flats else bool(found)


def _seconds(exposure: DimensionRecord) -> float:
    """Return the exposure time of an exposure, seconds; NaN where it is unknown, but 0 for a bias."""
    if exposure.exposure_time is None:
        return 0.0 if str(exposure.observation_type).lower() == "bias" else math.nan
    return float(exposure.exposure_time)


def _group(exposure: DimensionRecord) -> str:
    """Return the group id of an exposure; where the header has none, something of the exposure itself stands for it.

    The translators write the exposure id, the simulated header service writes the name of the image.
    """
    # Universes of before 2024 have it under another name.
    group = str(getattr(exposure, "group", None) or getattr(exposure, "group_name", None) or "").strip()
    return "" if group in (str(exposure.id), exposure.obs_id) else group
