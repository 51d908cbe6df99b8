"""Tasks that measure gains from pairs of flats and fit the photon transfer curve."""
# ruff: noqa: N815 - names of connections and fields are those of cp_pipe, as `-c label:field=value` has them
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lsst.daf.butler import DeferredDatasetHandle
from lsst.pex.config import ChoiceField, RangeField
from lsst.pipe.base import (
    InputQuantizedConnection,
    OutputQuantizedConnection,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    QuantumContext,
    Struct,
)
from lsst.pipe.base.connectionTypes import Input, Output

from ..datasets.types import PhotonTransferCurve
from .config import NoLogDataset
from .curves import combine_partials, dummy_curve, measure_amplifier_pairs, partial_curve
from .photon_transfer import find_pairs

__all__ = ["PtcExtractPairTask", "PtcSolveTask"]


class PtcExtractPairConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """All flats of a detector, and what each pair shows."""

    inputExp = Input(
        name="cpPtcIsrExp",
        doc="Processed flats in ADU.",
        storageClass="CalibImage",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        deferLoad=True,
    )
    outputCovariance = Output(
        name="cpPtcPartial",
        doc="Gain and noise of each pair, written for its first exposure; NaN for all other exposures.",
        storageClass="PhotonTransferCurve",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
    )


class PtcExtractPairConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=PtcExtractPairConnections):
    """How exposures are paired."""

    matchExposuresType = ChoiceField[str](
        doc="Which exposures make a pair.",
        allowed={
            "TIME": "The first two of consecutive exposures of equal time (within 5 ms).",
            "EXPID": "Each two consecutive exposures.",
        },
        default="TIME",
    )


class PtcExtractPairTask(PipelineTask):
    """Measure the gain of each pair of flats.

    As in cp_pipe, the measurement is written for the first exposure of the pair; the second one and exposures
    without a partner get a dataset without pair and with NaN for all values.
    """

    ConfigClass = PtcExtractPairConfig
    _DefaultName = "ptcExtractPair"
    config: PtcExtractPairConfig

    def runQuantum(  # noqa: N802
        self,
        butlerQC: QuantumContext,  # noqa: N803
        inputRefs: InputQuantizedConnection,  # noqa: N803
        outputRefs: OutputQuantizedConnection,  # noqa: N803
    ) -> None:
        """Measure pair by pair, two frames in memory at a time."""
        handles = {int(ref.dataId["exposure"]): butlerQC.get(ref) for ref in inputRefs.inputExp}
        times = {
            int(ref.dataId["exposure"]): float(ref.dataId.records["exposure"].exposure_time)
            for ref in inputRefs.inputExp
        }
        curves = self.run(handles, times).outputCovariance
        for ref in outputRefs.outputCovariance:
            butlerQC.put(curves[int(ref.dataId["exposure"])], ref)

    def run(self, inputExp: Mapping[int, DeferredDatasetHandle], times: Mapping[int, float]) -> Struct:  # noqa: N803
        """Measure.

        Parameters
        ----------
        inputExp
            Handle of each flat, by exposure id.
        times
            Exposure times in s.

        Returns
        -------
        result
            ``outputCovariance``, by exposure id.

        Raises
        ------
        ValueError
            If there is no pair.
        """
        ordered = [(exposure, times[exposure]) for exposure in sorted(times)]
        pairs = find_pairs(ordered, self.config.matchExposuresType)
        if not pairs:
            raise ValueError(f"no pair of exposures among {sorted(times)}")
        curves = dict.fromkeys(times, dummy_curve())
        for pair in pairs:
            first, second = (inputExp[exposure].get() for exposure in pair)
            measurements = measure_amplifier_pairs(first, second)
            curves[pair[0]] = partial_curve(pair, measurements, times[pair[0]])
        unpaired = sorted(set(times) - {exposure for pair in pairs for exposure in pair})
        if unpaired:
            self.log.warning("Exposures without a partner: %s", unpaired)
        return Struct(outputCovariance=curves)


class PtcSolveConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """The pairs of a detector, and the curves of its amplifiers."""

    inputCovariances = Input(
        name="cpPtcPartial",
        doc="What the pairs show.",
        storageClass="PhotonTransferCurve",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
    )
    outputPtcDataset = Output(
        name="ptc",
        doc="Photon transfer curves.",
        storageClass="PhotonTransferCurve",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )


class PtcSolveConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=PtcSolveConnections):
    """Which curve is fitted."""

    ptcFitType = ChoiceField[str](
        doc="Curve to fit.",
        allowed={
            "EXPAPPROXIMATION": "Exponential approximation of Astier et al. (2019), equation 16.",
            "LINEAR": "Straight line.",
        },
        default="EXPAPPROXIMATION",
    )
    sigmaCutPtcOutliers = RangeField(
        doc="Pairs farther from the curve are left out (standard deviations).",
        dtype=float,
        default=5.0,
        min=1.0,
    )


class PtcSolveTask(PipelineTask):
    """Fit the photon transfer curve of each amplifier."""

    ConfigClass = PtcSolveConfig
    _DefaultName = "ptcSolve"
    config: PtcSolveConfig

    def run(self, *, inputCovariances: Sequence[PhotonTransferCurve]) -> Struct:  # noqa: N803
        """Fit.

        Parameters
        ----------
        inputCovariances
            One for each exposure; those without a pair are left out.

        Returns
        -------
        result
            ``outputPtcDataset``.
        """
        partials = sorted(
            (partial for partial in inputCovariances if partial.exposure_pairs),
            key=lambda partial: partial.exposure_pairs[0],
        )
        curve = combine_partials(
            partials,
            brighter_fatter=self.config.ptcFitType == "EXPAPPROXIMATION",
            clip=self.config.sigmaCutPtcOutliers,
        )
        if curve.fit_type != self.config.ptcFitType:
            self.log.warning(
                "The flats have one level only: a straight line was fitted, and its gains are too high by the "
                "brighter-fatter effect. Take pairs of different exposure times."
            )
        return Struct(outputPtcDataset=curve)
