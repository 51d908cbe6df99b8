"""Formatters of the storage classes: how the butler writes them to files, with their provenance."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import yaml
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import Table
from lsst.daf.butler import DatasetProvenance, FormatterV2
from lsst.daf.butler.formatters.yaml import YamlFormatter
from lsst.resources import ResourcePath
from pydantic import TypeAdapter

from .calibrations import BrighterFatterKernel, CrosstalkMatrix, DeferredCharge, Linearizer
from .raw_files import read_raw, write_raw
from .types import PhotonTransferCurve, Provenance

__all__ = [
    "BrighterFatterKernelFormatter",
    "CalibImageFormatter",
    "CrosstalkFormatter",
    "DefectsFormatter",
    "DeferredChargeFormatter",
    "LinearizerFormatter",
    "PhotonTransferCurveFormatter",
    "RawFrameFormatter",
    "StatisticsFormatter",
]

_PREFIX = "LSST BUTLER"
_KEPT = 9
"""Calibrations kept in memory: as many as there are kinds that one exposure is corrected with."""


class _LocalFormatter(FormatterV2):
    """Reads and writes local files, and keeps the provenance of the dataset in them.

    Calibrations are read once for all exposures; their pixels cannot be changed.
    """

    can_read_from_local_file = True

    def read_from_local_file(self, path: str, component: str | None = None, expected_size: int = -1) -> Any:
        """Read the dataset, a calibration from memory where its file has not changed; raises what `load` does."""
        if not self.dataset_ref.datasetType.isCalibration():
            return self.load(path)
        status = os.stat(path)
        return _load_once(self.load, path, (status.st_ino, status.st_mtime_ns, status.st_size))

    @classmethod
    def load(cls, path: str) -> Any:
        """Read the dataset from its file.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        dataset
            What the formatter is for.
        """
        raise NotImplementedError

    def _provenance(self, provenance: DatasetProvenance | None) -> Provenance:
        known = provenance if provenance is not None else DatasetProvenance()
        return {
            key: value if isinstance(value, bool | int | float) else str(value)
            for key, value in known.to_flat_dict(
                self.dataset_ref, prefix=_PREFIX, sep=" ", simple_types=True
            ).items()
        }


@lru_cache(maxsize=_KEPT)
def _load_once(load: Callable[[str], Any], path: str, version: tuple[int, int, int]) -> Any:
    """Read a file; ``version`` is another one when the file has been replaced."""
    dataset = load(path)
    if isinstance(dataset, CCDData):
        dataset.data.flags.writeable = False
    return dataset


class RawFrameFormatter(_LocalFormatter):
    """`RawFrame` as multi-extension FITS."""

    default_extension = ".fits"

    @classmethod
    def load(cls, path: str) -> Any:
        """Read the frame, see `read_raw`."""
        return read_raw(path)

    def write_local_file(self, in_memory_dataset: Any, uri: ResourcePath) -> None:
        """Write the frame, see `write_raw`."""
        write_raw(in_memory_dataset, uri.ospath)


class CalibImageFormatter(_LocalFormatter):
    """`~astropy.nddata.CCDData` as FITS: float32 image with its header, mask and standard deviation.

    The primary header keeps the provenance as ``LSST BUTLER ...`` keywords, for example
    ``LSST BUTLER INPUT 0 RUN``.
    """

    default_extension = ".fits"

    @classmethod
    def load(cls, path: str) -> Any:
        """Read the image."""
        with fits.open(path, memmap=False) as file:
            header = file[0].header
            mask = file["MASK"].data.astype(bool) if "MASK" in file else None
            data = file[0].data.astype(np.float32)
            return CCDData(data, unit=header["BUNIT"], meta=header, mask=mask)

    def write_local_file(self, in_memory_dataset: Any, uri: ResourcePath) -> None:
        """Write the image; the uncertainty is not kept."""
        image: CCDData = in_memory_dataset
        header = fits.Header(image.meta)
        header["BUNIT"] = (image.unit.to_string(), "unit of the pixels")
        extensions = [fits.PrimaryHDU(np.asarray(image.data, dtype=np.float32), header)]
        if image.mask is not None:
            mask = np.broadcast_to(image.mask, image.data.shape).astype(np.uint8)
            extensions.append(fits.ImageHDU(mask, name="MASK"))
        fits.HDUList(extensions).writeto(uri.ospath, overwrite=True)

    def add_provenance(
        self, in_memory_dataset: Any, /, *, provenance: DatasetProvenance | None = None
    ) -> Any:
        """Write dataset, quantum and inputs to the header, in place of those of its input image."""
        header = fits.Header(in_memory_dataset.meta)
        for keyword in [keyword for keyword in header if keyword.startswith(f"{_PREFIX} ")]:
            del header[keyword]
        for keyword, value in self._provenance(provenance).items():
            header[f"HIERARCH {keyword}"] = value
        image: CCDData = in_memory_dataset
        return CCDData(image.data, unit=image.unit, mask=image.mask, meta=header)


class DefectsFormatter(_LocalFormatter):
    """Table of defects as ECSV; its ``meta["provenance"]`` keeps the inputs."""

    default_extension = ".ecsv"

    @classmethod
    def load(cls, path: str) -> Any:
        """Read the table."""
        return Table.read(path, format="ascii.ecsv")

    def write_local_file(self, in_memory_dataset: Any, uri: ResourcePath) -> None:
        """Write the table."""
        in_memory_dataset.write(uri.ospath, format="ascii.ecsv", overwrite=True)

    def add_provenance(
        self, in_memory_dataset: Any, /, *, provenance: DatasetProvenance | None = None
    ) -> Any:
        """Keep dataset, quantum and inputs in the table's ``meta``."""
        table = in_memory_dataset.copy(copy_data=False)
        table.meta["provenance"] = self._provenance(provenance)
        return table


class _RecordFormatter(_LocalFormatter):
    """A frozen dataclass as JSON (NaN is written as NaN)."""

    default_extension = ".json"
    adapter: ClassVar[TypeAdapter[Any]]
    """Reads the dataclass."""

    @classmethod
    def load(cls, path: str) -> Any:
        """Read the record; an unknown shape raises `pydantic.ValidationError`."""
        return cls.adapter.validate_python(json.loads(Path(path).read_text()))

    def write_local_file(self, in_memory_dataset: Any, uri: ResourcePath) -> None:
        """Write the record."""
        Path(uri.ospath).write_text(json.dumps(dataclasses.asdict(in_memory_dataset), indent=1))

    def add_provenance(
        self, in_memory_dataset: Any, /, *, provenance: DatasetProvenance | None = None
    ) -> Any:
        """Keep dataset, quantum and inputs with the record."""
        return dataclasses.replace(in_memory_dataset, provenance=self._provenance(provenance))


class PhotonTransferCurveFormatter(_RecordFormatter):
    """`PhotonTransferCurve` as JSON."""

    adapter = TypeAdapter(PhotonTransferCurve)


class LinearizerFormatter(_RecordFormatter):
    """`Linearizer` as JSON."""

    adapter = TypeAdapter(Linearizer)


class CrosstalkFormatter(_RecordFormatter):
    """`CrosstalkMatrix` as JSON."""

    adapter = TypeAdapter(CrosstalkMatrix)


class DeferredChargeFormatter(_RecordFormatter):
    """`DeferredCharge` as JSON."""

    adapter = TypeAdapter(DeferredCharge)


class BrighterFatterKernelFormatter(_RecordFormatter):
    """`BrighterFatterKernel` as JSON."""

    adapter = TypeAdapter(BrighterFatterKernel)


class StatisticsFormatter(YamlFormatter):
    """Statistics of cp_verify as YAML, with the parser in C: that in Python takes longer than the statistics."""

    def read_from_uri(self, uri: ResourcePath, component: str | None = None, expected_size: int = -1) -> Any:
        """Read the statistics; what is no YAML raises `yaml.YAMLError`."""
        return yaml.load(uri.read(), Loader=yaml.CSafeLoader)

    def to_bytes(self, in_memory_dataset: Any) -> bytes:
        """Write the statistics in their order; what YAML has no type for raises `yaml.YAMLError`."""
        text: str = yaml.dump(in_memory_dataset, Dumper=yaml.CSafeDumper, sort_keys=False)
        return text.encode()
