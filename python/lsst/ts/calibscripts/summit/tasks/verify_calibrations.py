"""Tasks that verify photon transfer curves, gains and linearizers: by detector, and for the run."""
# ruff: noqa: N815 - names of connections are those of cp_verify
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence

from astropy.table import Table
from lsst.daf.butler import DeferredDatasetHandle
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output, PrerequisiteInput

from ..datasets.calibrations import Linearizer
from ..datasets.types import PhotonTransferCurve
from .config import NoLogDataset
from .curve_tests import gain_statistics, linearity_statistics, ptc_statistics
from .verify import VerifyExposureConfig, VerifyExposureTask

__all__ = ["MergeCalibrationsTask", "VerifyGainTask", "VerifyLinearityTask", "VerifyPtcTask"]


class VerifyCalibrationConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """Frames of a detector, and the statistics of one of its calibrations."""

    exposure = Input(
        name="raw",
        doc="Frames of the detector: they say when the calibration must be valid, and have the nominal values.",
        storageClass="RawFrame",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        deferLoad=True,
    )
    outputStats = Output(
        name="calibStats",
        doc="Statistics and tests of the detector and its amplifiers.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "detector"),
    )
    outputResults = Output(
        name="detectorResults",
        doc="What was measured of each amplifier.",
        storageClass="ArrowAstropy",
        dimensions=("instrument", "detector"),
    )


class VerifyPtcConnections(VerifyCalibrationConnections, dimensions=("instrument", "detector")):
    """As `VerifyCalibrationConnections`."""

    inputCalib = PrerequisiteInput(
        name="ptc",
        doc="Photon transfer curves.",
        storageClass="PhotonTransferCurve",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )

    def getTemporalBoundsConnections(self) -> tuple[str, ...]:  # noqa: N802
        """Return what says when the curves must be valid."""
        return ("exposure",)


class VerifyPtcConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=VerifyPtcConnections):
    """Nothing to choose: the thresholds are those of DMTN-101."""


class VerifyPtcTask(PipelineTask):
    """Test photon transfer curves, see `ptc_statistics`."""

    ConfigClass = VerifyPtcConfig
    _DefaultName = "verifyPtc"
    _test = staticmethod(ptc_statistics)

    def run(
        self,
        *,
        exposure: Sequence[DeferredDatasetHandle],
        inputCalib: PhotonTransferCurve,  # noqa: N803
    ) -> Struct:
        """Test.

        Parameters
        ----------
        exposure
            Handles of frames of the detector, of which the first has the nominal values.
        inputCalib
            The curves, or what one pair shows.

        Returns
        -------
        result
            ``outputStats`` and ``outputResults``.
        """
        statistics = self._test(inputCalib, exposure[0].get())
        rows = [{"amplifier": name, **measured} for name, measured in statistics["AMP"].items()]
        return Struct(outputStats=statistics, outputResults=Table(rows))


class VerifyGainConnections(VerifyCalibrationConnections, dimensions=("instrument", "detector")):
    """As `VerifyCalibrationConnections`; the exposure is the first of a pair, and the only one."""

    inputCalib = Input(
        name="cpPtcPartial",
        doc="What the pair shows.",
        storageClass="PhotonTransferCurve",
        dimensions=("instrument", "exposure", "detector"),
    )


class VerifyGainConfig(VerifyPtcConfig, pipelineConnections=VerifyGainConnections):
    """Nothing to choose: the thresholds are those of DMTN-101."""


class VerifyGainTask(VerifyPtcTask):
    """Test the gains of a pair of flats, see `gain_statistics`."""

    ConfigClass = VerifyGainConfig
    _DefaultName = "verifyGain"
    _test = staticmethod(gain_statistics)


class VerifyLinearityConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """A linearizer of counts that are linear already, and the test of the one that made them so."""

    inputCalib = Input(
        name="verifyLinearizerSecondLinearizer",
        doc="Second linearizer.",
        storageClass="LinearizerCoefficients",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )
    outputStats = Output(
        name="calibStats",
        doc="Statistics and tests of the detector and its amplifiers.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "detector"),
    )


class VerifyLinearityConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=VerifyLinearityConnections):
    """Nothing to choose."""


class VerifyLinearityTask(PipelineTask):
    """Test a linearizer, see `linearity_statistics`."""

    ConfigClass = VerifyLinearityConfig
    _DefaultName = "verifyLinearity"

    def run(self, *, inputCalib: Linearizer) -> Struct:  # noqa: N803
        """Test.

        Parameters
        ----------
        inputCalib
            The second linearizer.

        Returns
        -------
        result
            ``outputStats``.
        """
        return Struct(outputStats=linearity_statistics(inputCalib))


class MergeCalibrationsConnections(PipelineTaskConnections, dimensions=("instrument",)):
    """The statistics of all detectors, and those of the run."""

    inputStats = Input(
        name="calibStats",
        doc="Statistics of the detectors.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "detector"),
        multiple=True,
        deferLoad=True,
    )
    outputStats = Output(
        name="runStats",
        doc="What failed, by name of the detector.",
        storageClass="StructuredDataDict",
        dimensions=("instrument",),
    )


class MergeCalibrationsConfig(VerifyExposureConfig, pipelineConnections=MergeCalibrationsConnections):
    """Nothing to choose."""


class MergeCalibrationsTask(VerifyExposureTask):
    """Merge the detectors of a run."""

    ConfigClass = MergeCalibrationsConfig
    _DefaultName = "mergeCalibrations"
