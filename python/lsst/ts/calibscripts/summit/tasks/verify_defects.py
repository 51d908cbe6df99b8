"""Tasks that verify defects with flats that they are masked in: by detector, by visit, and for the run."""
# ruff: noqa: N815 - names of connections are those of cp_verify
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

from astropy.nddata import CCDData
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output

from .config import NoLogDataset
from .defect_tests import defect_statistics
from .verify import VerifyExposureConfig, VerifyExposureTask, VerifyRunConfig, VerifyRunTask

__all__ = ["VerifyDefectsTask", "VerifyVisitRunTask", "VerifyVisitTask"]


class VerifyDefectsConnections(PipelineTaskConnections, dimensions=("instrument", "exposure", "detector")):
    """A processed image with and without masked defects, and their statistics."""

    inputExp = Input(
        name="verifyDefectsIsrExp",
        doc="Processed image with its defects masked.",
        storageClass="CalibImage",
        dimensions=("instrument", "exposure", "detector"),
    )
    uncorrectedExp = Input(
        name="verifyUncorrectedDefectsIsrExp",
        doc="The same image without the mask.",
        storageClass="CalibImage",
        dimensions=("instrument", "exposure", "detector"),
    )
    outputStats = Output(
        name="detectorStats",
        doc="Statistics and tests of the amplifiers.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "exposure", "detector"),
    )


class VerifyDefectsConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=VerifyDefectsConnections):
    """Nothing to choose."""


class VerifyDefectsTask(PipelineTask):
    """Compare an image with and without masked defects, see `defect_statistics`."""

    ConfigClass = VerifyDefectsConfig
    _DefaultName = "verifyDefects"

    def run(self, *, inputExp: CCDData, uncorrectedExp: CCDData) -> Struct:  # noqa: N803
        """Measure and test.

        Parameters
        ----------
        inputExp, uncorrectedExp
            The image with and without the mask.

        Returns
        -------
        result
            ``outputStats``.
        """
        return Struct(outputStats=defect_statistics(inputExp, uncorrectedExp))


class VerifyVisitConnections(PipelineTaskConnections, dimensions=("instrument", "visit")):
    """The statistics of all detectors of a visit, and those of the visit."""

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
        dimensions=("instrument", "visit"),
    )


class VerifyVisitConfig(VerifyExposureConfig, pipelineConnections=VerifyVisitConnections):
    """Nothing to choose."""


class VerifyVisitTask(VerifyExposureTask):
    """Merge the detectors of a visit."""

    ConfigClass = VerifyVisitConfig
    _DefaultName = "verifyVisit"


class VerifyVisitRunConnections(PipelineTaskConnections, dimensions=("instrument",)):
    """The statistics of all visits, and those of the run."""

    inputStats = Input(
        name="exposureStats",
        doc="Statistics of the visits.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "visit"),
        multiple=True,
        deferLoad=True,
    )
    outputStats = Output(
        name="runStats",
        doc="What failed, by visit.",
        storageClass="StructuredDataDict",
        dimensions=("instrument",),
    )


class VerifyVisitRunConfig(VerifyRunConfig, pipelineConnections=VerifyVisitRunConnections):
    """Nothing to choose."""


class VerifyVisitRunTask(VerifyRunTask):
    """Merge the visits of a run."""

    ConfigClass = VerifyVisitRunConfig
    _DefaultName = "verifyVisitRun"
    _dimension = "visit"
