"""Tasks that find defects in combined calibrations."""
# ruff: noqa: N815 - names of connections and fields are those of cp_pipe, as `-c label:field=value` has them
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from astropy.nddata import CCDData
from astropy.table import Table
from astropy.time import Time
from lsst.daf.butler import DataCoordinate, DatasetRef, DatasetType, Timespan
from lsst.daf.butler.registry import Registry
from lsst.pex.config import Field
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output, PrerequisiteInput
from numpy.typing import NDArray

from ..datasets.defects import boxes
from .config import NoLogDataset
from .pixel_defects import cold_pixels, fill_columns, hot_pixels
from .signature import defect_mask

__all__ = [
    "MeasureBiasDefectsTask",
    "MeasureDarkDefectsTask",
    "MeasureFlatDefectsTask",
    "MergeDefectsTask",
    "find_valid_now",
]


def find_valid_now(
    dataset_type: DatasetType, registry: Registry, data_id: DataCoordinate, collections: Sequence[str]
) -> Iterable[DatasetRef]:
    """Find a combined calibration, fresh in a RUN or certified.

    A combined calibration belongs to no exposure, so pipe_base has no time to look for in CALIBRATION
    collections; what is valid now is meant.

    Parameters
    ----------
    dataset_type, registry, data_id, collections
        As pipe_base calls a lookup function.

    Returns
    -------
    refs
        The first one found, if any.
    """
    ref = registry.findDataset(
        dataset_type, data_id, collections=collections, timespan=Timespan.fromInstant(Time.now())
    )
    return [] if ref is None else [ref]


class MeasureDefectsConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """A combined bias or dark and its defects."""

    inputExp = PrerequisiteInput(
        name="dark",
        doc="Combined calibration.",
        storageClass="CalibImage",
        dimensions=("instrument", "detector"),
        isCalibration=True,
        lookupFunction=find_valid_now,
    )
    outputDefects = Output(
        name="cpDefectsFromDark",
        doc="Defects found in it.",
        storageClass="DefectTable",
        dimensions=("instrument", "detector"),
    )


class MeasureFlatDefectsConnections(
    PipelineTaskConnections, dimensions=("instrument", "detector", "physical_filter")
):
    """A combined flat and its defects."""

    inputExp = PrerequisiteInput(
        name="flat",
        doc="Combined flat.",
        storageClass="CalibImage",
        dimensions=("instrument", "detector", "physical_filter"),
        isCalibration=True,
        lookupFunction=find_valid_now,
    )
    outputDefects = Output(
        name="cpDefectsFromFlat",
        doc="Defects found in it.",
        storageClass="DefectTable",
        dimensions=("instrument", "detector", "physical_filter"),
    )


class MeasureDefectsConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=MeasureDefectsConnections):
    """Thresholds; each task uses its own."""

    biasThreshold = Field[float](doc="Bias above that of the amplifier (electrons).", default=1000.0)
    darkCurrentThreshold = Field[float](
        doc="Dark current above that of the amplifier (electron/s).", default=3.0
    )
    fracThresholdFlat = Field[float](doc="Response below this fraction of the amplifier's.", default=0.9)
    badPixelsToFillColumnThreshold = Field[int](
        doc="An amplifier column with more bad pixels than this is bad as a whole; negative: never.",
        default=-1,
    )


class MeasureFlatDefectsConfig(MeasureDefectsConfig, pipelineConnections=MeasureFlatDefectsConnections):
    """As `MeasureDefectsConfig`."""


class MeasureDefectsTask(PipelineTask):
    """Find the defects in one combined calibration."""

    ConfigClass = MeasureDefectsConfig
    _DefaultName = "measureDefects"
    config: MeasureDefectsConfig

    def run(self, *, inputExp: CCDData) -> Struct:  # noqa: N803
        """Find defects.

        Parameters
        ----------
        inputExp
            Combined calibration; pixels without a value are defects, too.

        Returns
        -------
        result
            ``outputDefects``, see `boxes`.
        """
        bad = self._bad(inputExp.data)
        if inputExp.mask is not None:
            bad |= inputExp.mask
        return Struct(outputDefects=boxes(fill_columns(bad, self.config.badPixelsToFillColumnThreshold)))

    def _bad(self, image: NDArray[np.float32]) -> NDArray[np.bool_]:
        raise NotImplementedError


class MeasureBiasDefectsTask(MeasureDefectsTask):
    """Find pixels and columns that are bright without any exposure."""

    _DefaultName = "measureBiasDefects"

    def _bad(self, image: NDArray[np.float32]) -> NDArray[np.bool_]:
        return hot_pixels(image, self.config.biasThreshold)


class MeasureDarkDefectsTask(MeasureDefectsTask):
    """Find hot pixels and bright columns."""

    _DefaultName = "measureDarkDefects"

    def _bad(self, image: NDArray[np.float32]) -> NDArray[np.bool_]:
        return hot_pixels(image, self.config.darkCurrentThreshold)


class MeasureFlatDefectsTask(MeasureDefectsTask):
    """Find cold and dead pixels."""

    ConfigClass = MeasureFlatDefectsConfig
    _DefaultName = "measureFlatDefects"

    def _bad(self, image: NDArray[np.float32]) -> NDArray[np.bool_]:
        return cold_pixels(image, self.config.fracThresholdFlat)


class MergeDefectsConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """Defects found in each calibration, and all of them."""

    inputBiasDefects = Input(
        name="cpDefectsFromBias",
        doc="Defects found in the bias.",
        storageClass="DefectTable",
        dimensions=("instrument", "detector"),
    )
    inputDarkDefects = Input(
        name="cpDefectsFromDark",
        doc="Defects found in the dark.",
        storageClass="DefectTable",
        dimensions=("instrument", "detector"),
    )
    inputFlatDefects = Input(
        name="cpDefectsFromFlat",
        doc="Defects found in the flats of all filters.",
        storageClass="DefectTable",
        dimensions=("instrument", "detector", "physical_filter"),
        multiple=True,
    )
    mergedDefects = Output(
        name="defects",
        doc="All defects.",
        storageClass="DefectTable",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )


class MergeDefectsConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=MergeDefectsConnections):
    """Nothing to choose."""


class MergeDefectsTask(PipelineTask):
    """Merge the defects of a detector: bad in one calibration is bad."""

    ConfigClass = MergeDefectsConfig
    _DefaultName = "mergeDefects"

    def run(
        self,
        *,
        inputBiasDefects: Table,  # noqa: N803
        inputDarkDefects: Table,  # noqa: N803
        inputFlatDefects: Sequence[Table],  # noqa: N803
    ) -> Struct:
        """Merge.

        Parameters
        ----------
        inputBiasDefects, inputDarkDefects, inputFlatDefects
            What was found in each calibration.

        Returns
        -------
        result
            ``mergedDefects``.
        """
        tables = [inputBiasDefects, inputDarkDefects, *inputFlatDefects]
        shape = tuple(inputDarkDefects.meta["shape"])
        bad = np.logical_or.reduce([defect_mask(table, shape) for table in tables])
        self.log.info("%d defective pixels", np.count_nonzero(bad))
        return Struct(mergedDefects=boxes(bad))
