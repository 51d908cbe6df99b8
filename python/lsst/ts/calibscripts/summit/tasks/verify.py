"""Tasks that verify processed exposures: by detector, by exposure, and for the run."""
# ruff: noqa: N815 - names of connections are those of cp_verify
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from astropy.nddata import CCDData
from lsst.daf.butler import DeferredDatasetHandle
from lsst.pex.config import Field
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output

from .config import NoLogDataset
from .merging import add_exposure_scatter, merge
from .statistics import Statistics, dark_level_statistics, flat_statistics

__all__ = [
    "VerifyDarkLevelTask",
    "VerifyExposureConfig",
    "VerifyExposureTask",
    "VerifyFlatExposureTask",
    "VerifyFlatTask",
    "VerifyRunByFilterTask",
    "VerifyRunConfig",
    "VerifyRunTask",
]


class VerifyDetectorConnections(PipelineTaskConnections, dimensions=("instrument", "exposure", "detector")):
    """A processed image and its statistics."""

    inputExp = Input(
        name="postISRCCD",
        doc="Processed image.",
        storageClass="CalibImage",
        dimensions=("instrument", "exposure", "detector"),
    )
    outputStats = Output(
        name="detectorStats",
        doc="Statistics and tests of the detector and its amplifiers.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "exposure", "detector"),
    )


class VerifyDetectorConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=VerifyDetectorConnections):
    """Nothing to choose: the thresholds are those of DMTN-101."""


class VerifyDarkLevelConfig(VerifyDetectorConfig):
    """Which generation of cp_verify is simulated."""

    twoSidedNoise = Field[bool](
        doc="Does too little noise fail the NOISE test, as before March 2023?", default=False
    )


class VerifyDarkLevelTask(PipelineTask):
    """Test a corrected bias or dark, see `dark_level_statistics`."""

    ConfigClass = VerifyDarkLevelConfig
    _DefaultName = "verifyDarkLevel"
    config: VerifyDarkLevelConfig

    def run(self, *, inputExp: CCDData) -> Struct:  # noqa: N803
        """Measure and test.

        Parameters
        ----------
        inputExp
            Corrected bias or dark in electrons.

        Returns
        -------
        result
            ``outputStats``.
        """
        return Struct(outputStats=dark_level_statistics(inputExp, two_sided=self.config.twoSidedNoise))


class VerifyFlatTask(PipelineTask):
    """Test a corrected flat, see `flat_statistics`."""

    ConfigClass = VerifyDetectorConfig
    _DefaultName = "verifyFlat"

    def run(self, *, inputExp: CCDData) -> Struct:  # noqa: N803
        """Measure and test.

        Parameters
        ----------
        inputExp
            Flat-fielded image in electrons.

        Returns
        -------
        result
            ``outputStats``.
        """
        return Struct(outputStats=flat_statistics(inputExp))


class VerifyExposureConnections(PipelineTaskConnections, dimensions=("instrument", "exposure")):
    """The statistics of all detectors of an exposure, and those of the exposure."""

    inputStats = Input(
        name="detectorStats",
        doc="Statistics of the detectors.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        deferLoad=True,
    )
    outputStats = Output(
        name="exposureStats",
        doc="What failed, by name of the detector.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "exposure"),
    )


class VerifyExposureConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=VerifyExposureConnections):
    """Nothing to choose."""


class VerifyExposureTask(PipelineTask):
    """Merge the detectors of an exposure."""

    ConfigClass = VerifyExposureConfig
    _DefaultName = "verifyExposure"

    def run(self, *, inputStats: Sequence[DeferredDatasetHandle]) -> Struct:  # noqa: N803
        """Merge by name of the detector, for example RXX_S00.

        Parameters
        ----------
        inputStats
            Handles of the statistics of the detectors.

        Returns
        -------
        result
            ``outputStats``.
        """
        return Struct(
            outputStats=self._merge({_detector_name(handle): handle.get() for handle in inputStats})
        )

    def _merge(self, detectors: Mapping[Any, Statistics]) -> Statistics:
        return merge(detectors)


def _detector_name(handle: DeferredDatasetHandle) -> str:
    """Return the name of the detector of a dataset, for example RXX_S00."""
    record: Any = handle.dataId.records["detector"]
    return str(record.full_name)


class VerifyFlatExposureTask(VerifyExposureTask):
    """Merge the detectors of a flat exposure and compare their levels."""

    _DefaultName = "verifyFlatExposure"

    def _merge(self, detectors: Mapping[Any, Statistics]) -> Statistics:
        return add_exposure_scatter(merge(detectors), detectors)


class VerifyRunConnections(PipelineTaskConnections, dimensions=("instrument",)):
    """The statistics of all exposures, and those of the run."""

    inputStats = Input(
        name="exposureStats",
        doc="Statistics of the exposures.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "exposure"),
        multiple=True,
        deferLoad=True,
    )
    outputStats = Output(
        name="runStats",
        doc="What failed, by exposure id.",
        storageClass="StructuredDataDict",
        dimensions=("instrument",),
    )


class VerifyRunConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=VerifyRunConnections):
    """Nothing to choose."""


class VerifyRunTask(PipelineTask):
    """Merge the exposures of a run."""

    ConfigClass = VerifyRunConfig
    _DefaultName = "verifyRun"
    _dimension = "exposure"

    def run(self, *, inputStats: Sequence[DeferredDatasetHandle]) -> Struct:  # noqa: N803
        """Merge by the id of what the statistics are of.

        Parameters
        ----------
        inputStats
            Handles of the statistics of the exposures, or of the visits.

        Returns
        -------
        result
            ``outputStats``.
        """
        found = {int(handle.dataId[self._dimension]): handle.get() for handle in inputStats}
        return Struct(outputStats=merge(dict(sorted(found.items()))))


class VerifyRunByFilterConnections(VerifyRunConnections, dimensions=("instrument", "physical_filter")):
    """As `VerifyRunConnections`, for each physical filter by itself."""

    outputStats = Output(
        name="runStats",
        doc="What failed, by exposure id.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "physical_filter"),
    )


class VerifyRunByFilterConfig(VerifyRunConfig, pipelineConnections=VerifyRunByFilterConnections):
    """Nothing to choose."""


class VerifyRunByFilterTask(VerifyRunTask):
    """Merge the exposures of a run that were taken through one physical filter."""

    ConfigClass = VerifyRunByFilterConfig
    _DefaultName = "verifyRunByFilter"
