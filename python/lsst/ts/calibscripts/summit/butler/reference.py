"""Calibrations that a fresh repository holds already, for new images to be verified against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import Table
from lsst.daf.butler import (
    Butler,
    CollectionType,
    DatasetRef,
    Timespan,
)
from numpy.typing import NDArray

from ...tables.instruments import INSTRUMENTS
from ..datasets.defects import boxes
from ..datasets.types import assemble
from ..hardware.focalplane import physical_filters
from ..sensor import REFERENCE_GAIN, SMALL_SCALE, SensorModel, expectation
from ..sensor.model import generator, per_amplifier
from . import reference_electronics as electronics

__all__ = ["REFERENCE_PRODUCTS", "make_reference_calibrations"]

_FRAMES = 50
_DARK_TIME = 30.0
_FLAT_LEVEL = 25_000 * REFERENCE_GAIN
"""Electrons in each flat."""
_HOT = 3.0
"""electron/s from which on a pixel is a defect."""


def make_reference_calibrations(
    butler: Butler,
    instrument: str = "LATISS",
    *,
    products: Iterable[str] | None = None,
    filters: Sequence[str] | None = None,
    detectors: Sequence[int] | None = None,
    seed: int = 0,
    scale: int = SMALL_SCALE,
) -> str:
    """Certify calibrations and put them behind the CHAINED collection ``<INSTRUMENT>/calib``.

    They are what the sensor model predicts, images with the noise that combining 50 frames (darks of 30 s, flats of
    25,000 ADU) leaves, not made from frames, so that a repository is ready in a second. They are valid
    for ever.

    Parameters
    ----------
    butler
        A writeable butler.
    instrument
        LATISS, LSSTComCam or LSSTCam.
    products
        Some of `REFERENCE_PRODUCTS`; all where None.
    filters
        Physical filters with a flat; all of the camera where None.
    detectors
        Detector ids; those that are used by default where None.
    seed, scale
        Those of the frames, see `SensorModel.for_detector`.

    Returns
    -------
    collection
        The CALIBRATION collection ``<INSTRUMENT>/calib/reference``.

    Raises
    ------
    KeyError
        If there is no such instrument, product or filter.
    lsst.daf.butler.registry.ConflictingDefinitionError
        If there are reference calibrations already.
    """
    record = INSTRUMENTS[instrument]
    collection = f"{record.calib_collection}/reference"
    butler.collections.register(f"{collection}/run", CollectionType.RUN)
    butler.collections.register(collection, CollectionType.CALIBRATION)
    chosen = physical_filters(instrument) if filters is None else filters
    refs: list[DatasetRef] = []
    with butler.transaction():
        for detector in record.detectors if detectors is None else detectors:
            model = SensorModel.for_detector(instrument, detector, seed, scale)
            for product in REFERENCE_PRODUCTS if products is None else products:
                for data_id, image in _calibrations(model, product, chosen):
                    refs.append(butler.put(image, product, data_id, run=f"{collection}/run"))
        butler.registry.certify(collection, refs, Timespan(None, None))
    if collection not in butler.collections.get_info(record.calib_collection).children:
        butler.collections.extend_chain(record.calib_collection, collection)
    return collection


def _calibrations(
    model: SensorModel, product: str, filters: Sequence[str]
) -> Iterator[tuple[dict[str, Any], Any]]:
    data_id = {"instrument": model.instrument, "detector": model.detector.id}
    if product in _OF_FILTER:
        for filter in filters:
            yield data_id | {"physical_filter": filter}, _OF_FILTER[product](model, filter)
    else:
        yield data_id, _OF_DETECTOR[product](model)


def _bias(model: SensorModel) -> CCDData:
    noise = expectation.frame_noise(model) / np.sqrt(_FRAMES)
    return _image(model, "bias", expectation.bias_image(model), noise, "electron")


def _dark(model: SensorModel) -> CCDData:
    noise = expectation.dark_noise(model, np.full(_FRAMES, _DARK_TIME))
    return _image(model, "dark", expectation.dark_image(model), noise, "electron/s")


def _flat(model: SensorModel, physical_filter: str, *, sharpened: bool) -> CCDData:
    noise = expectation.flat_noise(model, _FLAT_LEVEL, _FRAMES)
    flat = expectation.flat_image(model, physical_filter, 0.0 if sharpened else _FLAT_LEVEL)
    return _image(model, f"flat {physical_filter}", flat, noise, "")


def _alone(model: SensorModel) -> bool:
    """Say if the camera has one detector: only then its pipeline corrects flats for the brighter-fatter effect."""
    return len(INSTRUMENTS[model.instrument].valid_detectors) == 1


def _defects(model: SensorModel) -> Table:
    return boxes(expectation.hot_pixels(model, _HOT) | expectation.insensitive_pixels(model))


def _without_gains(calibration: CCDData, model: SensorModel) -> CCDData:
    """Return a combined bias, dark or flat as it is before gains are known."""
    data = calibration.data / assemble(np.broadcast_to(per_amplifier(model.gain), model.shape))
    unit = calibration.unit
    if unit == units.dimensionless_unscaled:
        return CCDData(data / data.mean(dtype=float), unit=unit, meta=calibration.meta)
    return CCDData(data, unit=unit / units.electron * units.adu, meta=calibration.meta)


_OF_DETECTOR: Mapping[str, Callable[[SensorModel], Any]] = MappingProxyType(
    {
        "bias": _bias,
        "dark": _dark,
        "crosstalk": electronics.ratios,
        "linearizer": electronics.linearizer,
        "ptc": electronics.photon_transfer_curve,
        "cti": electronics.trails,
        "bfk": electronics.kernel,
        "defects": _defects,
        "biasBootstrap": lambda model: _without_gains(_bias(model), model),
        "darkBootstrap": lambda model: _without_gains(_dark(model), model),
    }
)

_OF_FILTER: Mapping[str, Callable[[SensorModel, str], CCDData]] = MappingProxyType(
    {
        "flat": lambda model, physical_filter: _flat(model, physical_filter, sharpened=_alone(model)),
        "flatBootstrap": lambda model, physical_filter: _without_gains(
            _flat(model, physical_filter, sharpened=False), model
        ),
    }
)

REFERENCE_PRODUCTS = (*_OF_DETECTOR, *_OF_FILTER)
"""Dataset types of which there is a reference."""


def _image(
    model: SensorModel, kind: str, expected: NDArray[np.float32], noise: NDArray[np.float64], unit: str
) -> CCDData:
    rng = generator(model.seed, model.instrument, model.detector.id, f"reference {kind}")
    residue = rng.standard_normal(model.shape, dtype=np.float32) * per_amplifier(noise)
    header = fits.Header(
        {
            "INSTRUME": model.instrument,
            "DETECTOR": model.detector.id,
            "CALIBTYP": kind.partition(" ")[0],
            "NCOMBINE": _FRAMES,
        }
    )
    return CCDData(expected + assemble(residue), unit=unit, meta=header)
