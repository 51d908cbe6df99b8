"""Reference calibrations in memory."""

from __future__ import annotations

from collections.abc import Iterable

from ...ground.time_range import TimeRange
from ...summit.hardware.focalplane import physical_filters
from ...tables.instruments import INSTRUMENTS
from ...tables.products import Content, holding, is_by_filter
from ...verification import WrittenGains
from .butler import CollectionKind, MemoryButler
from .jobs import NOISE, NOMINAL_GAIN
from .statistics import AMPLIFIERS

__all__ = ["ELECTRONICS", "reference_calibrations"]

ELECTRONICS = (
    "crosstalk",
    "linearizer",
    "ptc",
    "cti",
    "bfk",
    "defects",
    "biasBootstrap",
    "darkBootstrap",
    "flatBootstrap",
)
"""What the pipelines of the simulated summit read beside bias, dark and flat."""

_CURVES = frozenset(product.dataset_type for product in holding(Content.CURVES))


def reference_calibrations(
    butler: MemoryButler,
    instrument: str,
    detectors: Iterable[int] | None = None,
    dataset_types: Iterable[str] = ("bias", "dark", "flat"),
    *,
    electronics: Iterable[str] = ELECTRONICS,
    end: str | None = None,
) -> str:
    """Certify calibrations and put them behind the CHAINED collection ``<INSTRUMENT>/calib``.

    Parameters
    ----------
    butler : `MemoryButler`
        The butler.
    instrument : `str`
        LATISS, LSSTComCam or LSSTCam.
    detectors : iterable of `int` or `None`
        Detectors; those that are used by default where it is None.
    dataset_types : iterable of `str`
        Dataset types; flats are made for every physical filter.
    electronics : iterable of `str`, optional
        Dataset types beside these.
    end : `str`, optional
        Until when they are valid, ISO-8601, TAI; without, for ever.

    Returns
    -------
    collection : `str`
        The CALIBRATION collection.
    """
    record = INSTRUMENTS[instrument]
    collection = f"{record.calib_collection}/reference"
    wanted = record.detectors if detectors is None else tuple(detectors)
    datasets = [
        butler.put(
            kind,
            f"{collection}/run",
            instrument,
            detector=detector,
            physical_filter=name,
            value=_gains(detector) if kind in _CURVES else None,
        )
        for kind in dict.fromkeys((*dataset_types, *electronics))
        for detector in wanted
        for name in (physical_filters(instrument) if is_by_filter(kind) else (None,))
    ]
    butler.certify(collection, datasets, TimeRange.of(None, end))
    butler.register(record.calib_collection, CollectionKind.CHAINED, [collection])
    return collection


def _gains(detector: int) -> tuple[WrittenGains, ...]:
    gain, noise = (dict.fromkeys(AMPLIFIERS, value) for value in (NOMINAL_GAIN, NOISE))
    return (WrittenGains(detector, (), gain, noise),)
