"""Fills a butler repository, in a process of its own: exposures of LSSTCam that exist, and what jobs write.

No file is written twice: datasets of equal content share one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from astropy.nddata import CCDData
from lsst.daf.butler import (
    Butler,
    CollectionType,
    DataCoordinate,
    DatasetRef,
    DatasetType,
    FileDataset,
    Timespan,
)
from lsst.daf.butler.formatters.yaml import YamlFormatter

from lsst.ts.calibscripts.summit.butler.repository import make_repository, register_exposure
from lsst.ts.calibscripts.summit.hardware.focalplane import detectors as detectors_of
from lsst.ts.calibscripts.tables.instruments import LSSTCAM
from lsst.ts.calibscripts.testing.memory import Verification
from lsst.ts.calibscripts.testing.memory.statistics import statistics

__all__ = ["EXPOSURES", "calibrate", "ingest_exposures", "make", "write_job"]

EXPOSURES = tuple(range(2026091800001, 2026091800021))
"""Biases that exist."""

_BEFORE = "LSSTCam/calib/before"
_BINNED, _BINNED_SHAPE = "biasBin8", (500, 509)


def make(root: Path, *, compared: bool = False) -> None:
    """Make a repository with biases that exist, whose files hold nothing, and if ``compared`` a certified one."""
    make_repository(root, [LSSTCAM.name])
    ingest_exposures(root)
    if compared:
        with Butler.from_config(str(root), writeable=True) as butler:
            dimensions = butler.get_dataset_type("bias").dimensions
            butler.registry.registerDatasetType(DatasetType(_BINNED, dimensions, "CalibImage"))
            butler.collections.register(_BEFORE, CollectionType.RUN)
            butler.collections.register(f"{_BEFORE}/certified", CollectionType.CALIBRATION)
            butler.collections.extend_chain(LSSTCAM.calib_collection, f"{_BEFORE}/certified")
            _write_bias(butler, _BEFORE, LSSTCAM.detectors, root)
            refs = butler.query_datasets("bias", _BEFORE, limit=None)
            butler.registry.certify(f"{_BEFORE}/certified", refs, Timespan(None, None))


def ingest_exposures(root: Path) -> None:
    """Put biases of all science detectors, whose files hold nothing, into a repository."""
    with Butler.from_config(str(root), writeable=True) as butler:
        for exposure in EXPOSURES:
            register_exposure(butler, _header(exposure))
        images = [_data_id(exposure=e, detector=d) for e in EXPOSURES for d in LSSTCAM.detectors]
        _ingest(butler, "raw", LSSTCAM.raw_collection, images, None, root)


def calibrate(butler: Butler, root: Path, collection: str, physical_filter: str) -> None:
    """Certify, for ever, a calibration of each type for every science detector; their files hold nothing."""
    run = f"{collection}/run"
    butler.collections.register(run, CollectionType.RUN)
    butler.collections.register(collection, CollectionType.CALIBRATION)
    butler.collections.extend_chain(LSSTCAM.calib_collection, collection)
    for found in [one for one in butler.registry.queryDatasetTypes() if one.isCalibration()]:
        of_filter = {"physical_filter": physical_filter} if "physical_filter" in found.dimensions else {}
        data_ids = [_data_id(detector=d) | of_filter for d in LSSTCAM.detectors]
        _ingest(butler, found.name, run, data_ids, None, root)
        refs = butler.query_datasets(found, run, limit=None)
        butler.registry.certify(collection, refs, Timespan(None, None))


def write_job(
    root: Path,
    job_id: str,
    name: str,
    says: Verification,
    exposures: Sequence[int] = EXPOSURES,
    detectors: Sequence[int] = LSSTCAM.detectors,
) -> None:
    """Write what the job of a pipeline leaves: the bias of every detector, or the statistics of the biases."""
    run = f"u/ocps/{job_id}/run"
    with Butler.from_config(str(root), writeable=True) as butler:
        butler.collections.register(run, CollectionType.RUN)
        job = run.removesuffix("/run")
        butler.collections.register(job, CollectionType.CHAINED)
        butler.collections.redefine_chain(job, [run, LSSTCAM.raw_collection])
        if name == "cpBias":
            _write_bias(butler, run, detectors, root)
            return
        names = {d.full_name: d.id for d in detectors_of(LSSTCAM.name) if d.id in detectors}
        levels = statistics(says, exposures, list(names))
        _ingest(butler, "verifyBiasStats", run, [_data_id()], levels.run, root)
        for exposure, value in levels.exposures.items():
            _ingest(butler, "verifyBiasExpStats", run, [_data_id(exposure=exposure)], value, root)
        images = [_data_id(exposure=exposure, detector=names[name]) for exposure, name in levels.detectors]
        _ingest(butler, "verifyBiasDetStats", run, images, next(iter(levels.detectors.values())), root)


def _write_bias(butler: Butler, run: str, detectors: Sequence[int], root: Path) -> None:
    """Write a bias of each detector that holds nothing and, where they are compared, one that is binned by eight."""
    data_ids = [_data_id(detector=d) for d in detectors]
    _ingest(butler, "bias", run, data_ids, None, root)
    if butler.registry.queryDatasetTypes(_BINNED):
        noise = np.random.default_rng(len(run)).standard_normal(_BINNED_SHAPE, dtype=np.float32)
        # One file of its own each, as a job would write them.
        for data_id in data_ids:
            butler.put(CCDData(noise, unit="electron"), _BINNED, data_id, run=run)


def _data_id(**dimensions: int) -> dict[str, Any]:
    return {"instrument": LSSTCAM.name, **dimensions}


def _ingest(
    butler: Butler, dataset_type: str, run: str, data_ids: Iterable[dict[str, Any]], value: Any, root: Path
) -> None:
    """Put datasets with one value."""
    found = butler.get_dataset_type(dataset_type)
    refs = [
        DatasetRef(found, DataCoordinate.standardize(data_id, dimensions=found.dimensions), run=run)
        for data_id in data_ids
    ]
    path = root / f"{refs[0].id}.yaml"
    path.write_text(yaml.dump(value, Dumper=yaml.CSafeDumper))
    files = [FileDataset(path=str(path.absolute()), refs=[ref], formatter=YamlFormatter) for ref in refs]
    butler.ingest(*files, transfer="direct")


def _header(exposure: int) -> dict[str, Any]:
    day, number = divmod(exposure, 100_000)
    return {
        "INSTRUME": LSSTCAM.name,
        "DAYOBS": day,
        "SEQNUM": number,
        "OBSID": f"MC_O_{day}_{number:06d}",
        "FILTER": "r_57",
        "GRATING": "",
        "GROUPID": str(exposure),
        "IMGTYPE": "BIAS",
        "REASON": "",
        "PROGRAM": "",
        "EXPTIME": 0.0,
        "DARKTIME": 0.0,
        "DATE-BEG": "2026-09-18T20:00:00",
        "DATE-END": "2026-09-18T20:00:02",
    }
