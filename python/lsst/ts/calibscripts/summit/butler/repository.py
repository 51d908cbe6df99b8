"""The butler repository of the simulated summit, and the raw images in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from astropy.io import fits
from lsst.daf.butler import (
    Butler,
    CollectionType,
    Config,
    DataCoordinate,
    DatasetRef,
    DatasetType,
    FileDataset,
)

from ...errors import ConfigurationError
from ...tables.instruments import INSTRUMENTS
from ..datasets.formatters import RawFrameFormatter
from ..datasets.types import RawFrame
from .exposure_records import exposure_record, visit_records
from .reference import make_reference_calibrations
from .registration import SUMMIT_INSTRUMENTS
from .registry import make_with_registry

__all__ = [
    "ingest_raw",
    "make_reference_calibrations",
    "make_repository",
    "put_raw",
    "register_exposure",
    "visit_records",
]

_SEED = "includeConfigs: [resource://lsst.ts.calibscripts/summit/datasets/storage.yaml]"

_IMAGE = ("instrument", "exposure", "detector")
_EXPOSURE = ("instrument", "exposure")
_VISIT = ("instrument", "visit")
_CALIBRATION = ("instrument", "detector")
_STATISTICS = "StructuredDataDict"

_DATASET_TYPES = (
    ("raw", _IMAGE, "RawFrame"),
    ("cpPtcPartial", _IMAGE, "PhotonTransferCurve"),
    ("verifyBiasStats", ("instrument",), _STATISTICS),
    ("verifyDarkStats", ("instrument",), _STATISTICS),
    ("verifyFlatStats", ("instrument", "physical_filter"), _STATISTICS),
    *(
        (f"verify{name}{suffix}", dimensions, storage)
        for name in ("Bias", "Dark", "Flat")
        for suffix, dimensions, storage in (
            ("IsrExp", _IMAGE, "CalibImage"),
            ("DetStats", _IMAGE, _STATISTICS),
            ("ExpStats", _EXPOSURE, _STATISTICS),
        )
    ),
    ("verifyDefectsDetStats", _IMAGE, _STATISTICS),
    ("verifyDefectsExpStats", _VISIT, _STATISTICS),
    ("verifyDefectsStats", ("instrument",), _STATISTICS),
    *(
        (f"verify{name}{suffix}", dimensions, _STATISTICS)
        for name in ("Ptc", "Gain", "Linearizer")
        for suffix, dimensions in (("DetStats", _CALIBRATION), ("Stats", ("instrument",)))
    ),
)


_CALIBRATIONS = (
    ("bias", _CALIBRATION, "CalibImage"),
    ("dark", _CALIBRATION, "CalibImage"),
    ("flat", (*_CALIBRATION, "physical_filter"), "CalibImage"),
    ("defects", _CALIBRATION, "DefectTable"),
    ("ptc", _CALIBRATION, "PhotonTransferCurve"),
    ("crosstalk", _CALIBRATION, "CrosstalkMatrix"),
    ("linearizer", _CALIBRATION, "LinearizerCoefficients"),
    ("cti", _CALIBRATION, "DeferredCharge"),
    ("bfk", _CALIBRATION, "BrighterFatterTerm"),
    ("biasBootstrap", _CALIBRATION, "CalibImage"),
    ("darkBootstrap", _CALIBRATION, "CalibImage"),
    ("flatBootstrap", (*_CALIBRATION, "physical_filter"), "CalibImage"),
)


def make_repository(
    root: str | Path, instruments: Iterable[str] = ("LATISS",), registry: str | None = None
) -> str:
    """Make a repository that knows the cameras and the dataset types of their calibrations, without any data.

    Every camera gets the RUN for its raw images and the CHAINED collection of its calibrations, still empty.

    Parameters
    ----------
    root
        Directory of the repository; it is made.
    instruments
        Names of the cameras: LATISS, LSSTComCam, LSSTCam.
    registry
        PostgreSQL database of the registry, see `registry.registry_config`; None is SQLite.

    Returns
    -------
    root
        The repository, for `lsst.daf.butler.Butler`.

    Raises
    ------
    ConfigurationError
        If a camera is not simulated.
    FileExistsError
        If there is a repository already.
    RepositoryError
        If the database cannot be used.
    """
    instruments = tuple(instruments)
    if unknown := [name for name in instruments if name not in SUMMIT_INSTRUMENTS]:
        raise ConfigurationError(
            [
                f"The simulated summit has no camera of {', '.join(unknown)}, only those of "
                f"{', '.join(SUMMIT_INSTRUMENTS)}: the manual says under Extending how to add one."
            ]
        )
    cameras = [SUMMIT_INSTRUMENTS[name]() for name in instruments]
    make_with_registry(Path(root), Config.fromString(_SEED), registry)
    with Butler.from_config(str(root), writeable=True) as butler:
        for camera in cameras:
            camera.register(butler.registry)
            record = INSTRUMENTS[camera.getName()]
            butler.collections.register(record.raw_collection, CollectionType.RUN)
            butler.collections.register(record.calib_collection, CollectionType.CHAINED)
        for calibration, definitions in ((False, _DATASET_TYPES), (True, _CALIBRATIONS)):
            for name, dimensions, storage in definitions:
                butler.registry.registerDatasetType(
                    DatasetType(
                        name, dimensions, storage, universe=butler.dimensions, isCalibration=calibration
                    )
                )
    return str(root)


def ingest_raw(butler: Butler, paths: Iterable[str | Path]) -> list[DatasetRef]:
    """Move raw files into the repository, into the RUN ``<INSTRUMENT>/raw/all``, with their exposure records.

    Parameters
    ----------
    butler
        A writeable butler.
    paths
        Files that `raw_files.write_raw` wrote; afterwards they are gone.

    Returns
    -------
    refs
        The raw datasets, in the order of the files.

    Raises
    ------
    lsst.daf.butler.registry.ConflictingDefinitionError
        If an image exists already.
    FileNotFoundError
        If there is no such file.
    """
    datasets = []
    for path in paths:
        ref = _raw_ref(butler, fits.getheader(path))
        # The butler takes a relative path for one within the repository.
        file = str(Path(path).absolute())
        datasets.append(FileDataset(path=file, refs=[ref], formatter=RawFrameFormatter))
    butler.ingest(*datasets, transfer="move")
    return [dataset.refs[0] for dataset in datasets]


def put_raw(butler: Butler, frame: RawFrame) -> DatasetRef:
    """Write a raw frame into the repository, as `ingest_raw` does with a file.

    Parameters
    ----------
    butler
        A writeable butler.
    frame
        The frame.

    Returns
    -------
    ref
        The raw dataset.

    Raises
    ------
    lsst.daf.butler.registry.ConflictingDefinitionError
        If the image exists already.
    """
    return butler.put(frame, _raw_ref(butler, frame.header))


def _raw_ref(butler: Butler, header: Mapping[str, Any]) -> DatasetRef:
    exposure = register_exposure(butler, header)
    data_id = butler.registry.expandDataId(exposure, detector=int(header["DETECTOR"]))
    run = INSTRUMENTS[str(header["INSTRUME"])].raw_collection
    return DatasetRef(butler.get_dataset_type("raw"), data_id, run=run)


def register_exposure(butler: Butler, header: Mapping[str, Any]) -> DataCoordinate:
    """Register the exposure, observing day and group of a raw image; what exists already stays.

    Parameters
    ----------
    butler
        A writeable butler.
    header
        Primary header of the image; its times are TAI.

    Returns
    -------
    data_id
        Instrument and exposure.
    """
    instrument, day = str(header["INSTRUME"]), int(header["DAYOBS"])
    record = exposure_record(header)
    with butler.transaction():
        insert = butler.registry.insertDimensionData
        insert("day_obs", {"instrument": instrument, "id": day}, skip_existing=True)
        insert("group", {"instrument": instrument, "name": record["group"]}, skip_existing=True)
        insert("exposure", record, skip_existing=True)
        if record["observation_type"] == "flat":
            for element, visit_record in visit_records(record):
                insert(element, visit_record, skip_existing=True)
    return butler.registry.expandDataId(instrument=instrument, exposure=record["id"])
