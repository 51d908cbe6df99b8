"""Gains of the amplifiers of a detector relative to each other, from the evenness of flats."""

# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from astropy.nddata import CCDData
from lsst.daf.butler import DeferredDatasetHandle
from lsst.pex.config import RangeField
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output

from ..datasets.types import AMPLIFIERS, PhotonTransferCurve, amplifier_views
from .config import NoLogDataset

__all__ = ["AdjustGainRatiosTask", "amplifier_levels", "unevenness"]


def amplifier_levels(image: CCDData) -> dict[str, float]:
    """Return the median level of each amplifier, which dust and defects hardly change.

    Parameters
    ----------
    image
        A flat; masked pixels are left out.

    Returns
    -------
    levels
        By amplifier, in the unit of the image.
    """
    masks = None if image.mask is None else amplifier_views(image.mask)
    return {
        name: float(np.median(pixels if masks is None else pixels[~masks[name]]))
        for name, pixels in amplifier_views(image.data).items()
    }


def unevenness(levels: Mapping[str, float]) -> dict[str, float]:
    """Return by how much amplifiers are too bright for a smooth illumination.

    Parameters
    ----------
    levels
        Level of the amplifiers in electrons, all above zero.

    Returns
    -------
    excess
        Relative deviation from a surface of second order across the detector.
    """
    names = list(levels)
    place = np.array(
        [(AMPLIFIERS.index(name) % 8 - 3.5, AMPLIFIERS.index(name) // 8 - 0.5) for name in names]
    )
    x, y = place.T
    surface = np.stack([np.ones_like(x), x, x**2, y, x * y], axis=1)
    logarithm = np.log([levels[name] for name in names])
    solution = np.linalg.lstsq(surface, logarithm, rcond=None)[0]
    return dict(zip(names, np.expm1(logarithm - surface @ solution).tolist(), strict=True))


class AdjustGainRatiosConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """Photon transfer curves, the flats they were measured from, and the curves with better gains."""

    exposures = Input(
        name="cpPtcIsrExp",
        doc="Processed flats in ADU.",
        storageClass="CalibImage",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        deferLoad=True,
    )
    input_ptc = Input(
        name="ptcUnadjusted",
        doc="Photon transfer curves as fitted.",
        storageClass="PhotonTransferCurve",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )
    output_ptc = Output(
        name="ptc",
        doc="Photon transfer curves.",
        storageClass="PhotonTransferCurve",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )


class AdjustGainRatiosConfig(
    NoLogDataset, PipelineTaskConfig, pipelineConnections=AdjustGainRatiosConnections
):
    """Which flats are used."""

    n_flat = RangeField(doc="Flats that are looked at, at most.", dtype=int, default=8, min=1)


class AdjustGainRatiosTask(PipelineTask):
    """Adjust the gains of the amplifiers so that flats are even; their mean stays as it was fitted."""

    ConfigClass = AdjustGainRatiosConfig
    _DefaultName = "adjustGainRatios"
    config: AdjustGainRatiosConfig

    def run(self, *, exposures: Sequence[DeferredDatasetHandle], input_ptc: PhotonTransferCurve) -> Struct:
        """Adjust.

        Parameters
        ----------
        exposures
            Handles of the flats.
        input_ptc
            The curves as fitted.

        Returns
        -------
        result
            ``output_ptc``.
        """
        fitted = {name: gain for name, gain in input_ptc.gain.items() if np.isfinite(gain)}
        flats = self._chosen(exposures, input_ptc)
        if len(fitted) < 8 or not flats:
            self.log.warning("Too little to compare: the gains stay as they were fitted")
            return Struct(output_ptc=input_ptc)
        excesses = []
        for handle in flats:
            levels = amplifier_levels(handle.get())
            excesses.append(unevenness({name: levels[name] * gain for name, gain in fitted.items()}))
        factor = {name: 1 / (1 + float(np.mean([excess[name] for excess in excesses]))) for name in fitted}
        return Struct(output_ptc=_scaled(input_ptc, factor))

    def _chosen(
        self, exposures: Sequence[DeferredDatasetHandle], curve: PhotonTransferCurve
    ) -> list[DeferredDatasetHandle]:
        """Return the first flats of the pairs that follow all curves, the brightest ones."""
        good = [
            (max(curve.means[name][index] for name in AMPLIFIERS), pair[0])
            for index, pair in enumerate(curve.exposure_pairs)
            if not any(curve.outliers[name][index] for name in AMPLIFIERS)
        ]
        wanted = {exposure for _, exposure in sorted(good)[-self.config.n_flat :]}
        return [handle for handle in exposures if int(handle.dataId["exposure"]) in wanted]


def _scaled(curve: PhotonTransferCurve, factor: Mapping[str, float]) -> PhotonTransferCurve:
    """Return the curves with other gains; what is in electrons follows them."""

    def times(values: Mapping[str, float], power: int = 1) -> dict[str, float]:
        return {name: value * factor.get(name, 1.0) ** power for name, value in values.items()}

    return replace(
        curve,
        gain=times(curve.gain),
        gain_error=times(curve.gain_error),
        noise=times(curve.noise),
        noise_error=times(curve.noise_error),
        a00=times(curve.a00, -1),
        a00_error=times(curve.a00_error, -1),
        noises={
            name: tuple(one * factor.get(name, 1.0) for one in values)
            for name, values in curve.noises.items()
        },
    )
