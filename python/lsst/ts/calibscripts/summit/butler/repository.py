"""The butler repository of the simulated summit, and the raw images in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.time import Time
from lsst.daf.butler import (
    Butler,
    CollectionType,
    Config,
    DataCoordinate,
    DatasetRef,
    DatasetType,
    FileDataset,
    Timespan,
)

from ...errors import ConfigurationError
from ...tables.instruments import INSTRUMENTS
from ..datasets.formatters import RawFrameFormatter
from ..datasets.types import RawFrame
from ..hardware.focalplane import physical_filter
from .reference import make_reference_calibrations
from .registration import SUMMIT_INSTRUMENTS
from .registry import make_with_registry

__all__ = ["ingest_raw", "make_reference_calibrations", "make_repository", "put_raw", "register_exposure"]

_SEED = "includeConfigs: [resource://lsst.ts.calibscripts/summit/datasets/storage.yaml]"

_IMAGE = ("instrument", "exposure", "detector")
_EXPOSURE = ("instrument", "exposure")
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
)

_CALIBRATIONS = (
    ("bias", _CALIBRATION, "CalibImage"),
    ("dark", _CALIBRATION, "CalibImage"),
    ("flat", (*_CALIBRATION, "physical_filter"), "CalibImage"),
    ("defects", _CALIBRATION, "DefectTable"),
    ("ptc", _CALIBRATION, "PhotonTransferCurve"),
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
        Files that `storage.write_raw` wrote; afterwards they are gone.

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
    return butler.registry.expandDataId(instrument=instrument, exposure=record["id"])


def exposure_record(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the butler's exposure dimension keeps of a raw header.

    Parameters
    ----------
    header
        Primary header of a raw image; its times are TAI.

    Returns
    -------
    record
        Fields of the dimension record.
    """
    day, number = int(header["DAYOBS"]), int(header["SEQNUM"])
    begin, end = (Time(header[key], format="isot", scale="tai") for key in ("DATE-BEG", "DATE-END"))
    instrument = str(header["INSTRUME"])
    return {
        "instrument": instrument,
        "id": day * 100_000 + number,
        "obs_id": header["OBSID"],
        "physical_filter": physical_filter(instrument, str(header["FILTER"]), str(header["GRATING"])),
        "group": header["GROUPID"],
        "day_obs": day,
        "seq_num": number,
        "seq_start": number,
        "seq_end": number,
        "observation_type": str(header["IMGTYPE"]).lower(),
        "observation_reason": str(header["REASON"]),
        "science_program": str(header["PROGRAM"]),
        "target_name": "",
        "exposure_time": float(header["EXPTIME"]),
        "dark_time": float(header["DARKTIME"]),
        "can_see_sky": False,
        "has_simulated": True,
        "timespan": Timespan(begin, end),
    }
