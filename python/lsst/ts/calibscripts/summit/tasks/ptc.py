"""Tasks that measure gains from pairs of flats and fit the photon transfer curve."""
# ruff: noqa: N815 - names of connections and fields are those of cp_pipe, as `-c label:field=value` has them
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from astropy.nddata import CCDData
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

from lsst.ts.calibscripts.summit.storage import AMPLIFIERS, PhotonTransferCurve, amplifier_views
from lsst.ts.calibscripts.summit.tasks.config import NoLogDataset
from lsst.ts.calibscripts.summit.tasks.isr import OVERSCAN_NOISE, amplifier_values
from lsst.ts.calibscripts.summit.tasks.photon_transfer import (
    CurveFit,
    PairMeasurement,
    find_pairs,
    fit_curve,
    measure_pair,
)

__all__ = [
    "PtcExtractPairTask",
    "PtcSolveTask",
    "combine_partials",
    "measure_amplifier_pairs",
    "partial_curve",
]


def measure_amplifier_pairs(first: CCDData, second: CCDData) -> dict[str, PairMeasurement]:
    """Measure all amplifiers of a pair of flats, see `measure_pair`.

    Parameters
    ----------
    first, second
        Processed flats in ADU; what is masked in either is left out.

    Returns
    -------
    measurements
        By amplifier. The read noise is that of the overscan of both frames.
    """
    good = np.ones(first.data.shape, dtype=bool)
    for image in (first, second):
        if image.mask is not None:
            good &= ~image.mask
    noises = [amplifier_values(image.meta, OVERSCAN_NOISE) for image in (first, second)]
    ones, twos, used = (amplifier_views(array) for array in (first.data, second.data, good))
    return {
        name: measure_pair(
            ones[name][used[name]],
            twos[name][used[name]],
            float(np.hypot(noises[0][name], noises[1][name]) / 2**0.5),
        )
        for name in AMPLIFIERS
    }


def partial_curve(pair: tuple[int, int], measurements: Mapping[str, PairMeasurement]) -> PhotonTransferCurve:
    """What one pair tells, as a dataset.

    Parameters
    ----------
    pair
        Exposure ids.
    measurements
        By amplifier.

    Returns
    -------
    curve
        Gains with errors, read noise in electrons (its error is that of the gain), and one mean and variance each.
    """
    return PhotonTransferCurve(
        gain={name: one.gain for name, one in measurements.items()},
        gain_error={name: one.gain_error for name, one in measurements.items()},
        noise={name: one.noise * one.gain for name, one in measurements.items()},
        noise_error={name: one.noise * one.gain_error for name, one in measurements.items()},
        exposure_pairs=(pair,),
        means={name: (one.mean,) for name, one in measurements.items()},
        variances={name: (one.variance,) for name, one in measurements.items()},
        outliers={name: (not np.isfinite(one.gain),) for name, one in measurements.items()},
    )


def _dummy_curve() -> PhotonTransferCurve:
    nothing = dict.fromkeys(AMPLIFIERS, float("nan"))
    return PhotonTransferCurve(gain=nothing, gain_error=nothing, noise=nothing, noise_error=nothing)


def combine_partials(
    partials: Sequence[PhotonTransferCurve], *, brighter_fatter: bool, clip: float
) -> PhotonTransferCurve:
    """Fit the curves of all amplifiers.

    Parameters
    ----------
    partials
        One for each pair; without dummies.
    brighter_fatter, clip
        See `fit_curve`.

    Returns
    -------
    curve
        The read noise in electrons is the median of the pairs, in ADU, times the fitted gain.
    """
    pairs = {name: [_measurement(partial, name) for partial in partials] for name in AMPLIFIERS}
    fits = {name: fit_curve(pairs[name], brighter_fatter=brighter_fatter, clip=clip) for name in AMPLIFIERS}
    curved = any(np.isfinite(fit.a00_error) for fit in fits.values())
    noises = {name: _noise(pairs[name], fits[name]) for name in AMPLIFIERS}
    return PhotonTransferCurve(
        gain={name: fit.gain for name, fit in fits.items()},
        gain_error={name: fit.gain_error for name, fit in fits.items()},
        noise={name: noise for name, (noise, _) in noises.items()},
        noise_error={name: error for name, (_, error) in noises.items()},
        turnoff={name: fit.turnoff for name, fit in fits.items()},
        a00={name: fit.a00 for name, fit in fits.items()},
        a00_error={name: fit.a00_error for name, fit in fits.items()},
        exposure_pairs=tuple(partial.exposure_pairs[0] for partial in partials),
        means={name: tuple(one.mean for one in pairs[name]) for name in AMPLIFIERS},
        variances={name: tuple(one.variance for one in pairs[name]) for name in AMPLIFIERS},
        outliers={name: tuple(fit.outliers.tolist()) for name, fit in fits.items()},
        fit_type="EXPAPPROXIMATION" if curved else "LINEAR",
    )


def _measurement(partial: PhotonTransferCurve, name: str) -> PairMeasurement:
    gain = partial.gain[name]
    return PairMeasurement(
        mean=partial.means[name][0],
        variance=partial.variances[name][0],
        noise=partial.noise[name] / gain,
        gain=gain,
        gain_error=partial.gain_error[name],
    )


def _noise(pairs: Sequence[PairMeasurement], fit: CurveFit) -> tuple[float, float]:
    """Read noise in electrons and its error, from the scatter of the pairs and the error of the gain."""
    noises = np.array([pair.noise for pair in pairs])
    noises = noises[np.isfinite(noises)]
    if not noises.size:
        return float("nan"), float("nan")
    noise = float(np.median(noises))
    error = float(np.std(noises) / np.sqrt(noises.size))
    return noise * fit.gain, float(np.hypot(error * fit.gain, noise * fit.gain_error))


class PtcExtractPairConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """All flats of a detector, and what each pair tells."""

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
    """Nothing to choose: pairs are consecutive exposures of equal time."""


class PtcExtractPairTask(PipelineTask):
    """Measure the gain of each pair of flats.

    As in cp_pipe, the measurement is written for the first exposure of the pair; the second one and exposures
    without a partner get a dataset without pair and with NaN for all values.
    """

    ConfigClass = PtcExtractPairConfig
    _DefaultName = "ptcExtractPair"

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
        pairs = find_pairs([(exposure, times[exposure]) for exposure in sorted(times)])
        if not pairs:
            raise ValueError(f"no two consecutive exposures of equal time among {sorted(times)}")
        curves = dict.fromkeys(times, _dummy_curve())
        for pair in pairs:
            first, second = (inputExp[exposure].get() for exposure in pair)
            curves[pair[0]] = partial_curve(pair, measure_amplifier_pairs(first, second))
        unpaired = sorted(set(times) - {exposure for pair in pairs for exposure in pair})
        if unpaired:
            self.log.warning("Exposures without a partner of equal time: %s", unpaired)
        return Struct(outputCovariance=curves)


class PtcSolveConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """The pairs of a detector, and the curves of its amplifiers."""

    inputCovariances = Input(
        name="cpPtcPartial",
        doc="What the pairs tell.",
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
        return Struct(outputPtcDataset=curve)
