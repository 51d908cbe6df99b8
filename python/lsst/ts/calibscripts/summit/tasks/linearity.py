"""Tasks that find the non-linearity of the amplifiers."""
# ruff: noqa: N815 - names of connections and fields are those of cp_pipe, as `-c label:field=value` has them
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsst.daf.butler import DeferredDatasetHandle
from lsst.pex.config import Field
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output

from ..datasets.types import PhotonTransferCurve, RawFrame
from .config import NoLogDataset
from .linear_fit import fit_linearizer, light_factors

__all__ = ["LinearityNormalizeTask", "LinearitySolveTask"]


class LinearitySolveConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """Photon transfer curves with the levels of all pairs of flats, and the linearizer."""

    dummy = Input(
        name="raw",
        doc="Frames of the detector; of one the nominal gains are read.",
        storageClass="RawFrame",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        deferLoad=True,
    )
    inputLinearizerPtc = Input(
        name="linearizerPtc",
        doc="Photon transfer curves of counts that are not linear.",
        storageClass="PhotonTransferCurve",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )
    inputNormalization = Input(
        name="cpLinearizerNormalization1",
        doc="Light of the pairs, as all detectors saw it.",
        storageClass="StructuredDataDict",
        dimensions=("instrument",),
    )
    outputLinearizer = Output(
        name="linearizer",
        doc="Linearizer.",
        storageClass="LinearizerCoefficients",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )

    def __init__(self, *, config: LinearitySolveConfig) -> None:
        super().__init__(config=config)
        if not config.useFocalPlaneNormalization:
            del self.inputNormalization


class LinearitySolveConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=LinearitySolveConnections):
    """What the light is known from."""

    useFocalPlaneNormalization = Field[bool](
        doc="Correct the light of each pair by what all detectors saw?", default=True
    )


class LinearitySolveTask(PipelineTask):
    """Find the linearizer of a detector, see `fit_linearizer`."""

    ConfigClass = LinearitySolveConfig
    _DefaultName = "linearitySolve"

    def run(
        self,
        *,
        dummy: Sequence[DeferredDatasetHandle],
        inputLinearizerPtc: PhotonTransferCurve,  # noqa: N803
        inputNormalization: Mapping[int, float] | None = None,  # noqa: N803
    ) -> Struct:
        """Fit.

        Parameters
        ----------
        dummy
            Handles of frames of the detector.
        inputLinearizerPtc
            Levels and times of the pairs.
        inputNormalization
            Light of the pairs relative to their times.

        Returns
        -------
        result
            ``outputLinearizer``.
        """
        raw: RawFrame = dummy[0].get()
        gains = dict(zip(raw.amplifiers, raw.gains, strict=True))
        linearizer = fit_linearizer(inputLinearizerPtc, gains, inputNormalization or {})
        return Struct(outputLinearizer=linearizer)


class LinearityNormalizeConnections(PipelineTaskConnections, dimensions=("instrument",)):
    """The linearizers of all detectors, and the light of each pair."""

    inputLinearizerHandles = Input(
        name="linearizerUnnormalized1",
        doc="Linearizers of the detectors.",
        storageClass="LinearizerCoefficients",
        dimensions=("instrument", "detector"),
        multiple=True,
        deferLoad=True,
        isCalibration=True,
    )
    outputNormalization = Output(
        name="cpLinearizerNormalization1",
        doc="Light of the pairs, by first exposure.",
        storageClass="StructuredDataDict",
        dimensions=("instrument",),
    )


class LinearityNormalizeConfig(
    NoLogDataset, PipelineTaskConfig, pipelineConnections=LinearityNormalizeConnections
):
    """Nothing to choose."""


class LinearityNormalizeTask(PipelineTask):
    """Find the light of each pair of flats, see `light_factors`."""

    ConfigClass = LinearityNormalizeConfig
    _DefaultName = "linearityNormalize"

    def run(self, *, inputLinearizerHandles: Sequence[DeferredDatasetHandle]) -> Struct:  # noqa: N803
        """Compare the detectors.

        Parameters
        ----------
        inputLinearizerHandles
            Handles of their linearizers.

        Returns
        -------
        result
            ``outputNormalization``.
        """
        linearizers: list[Any] = [handle.get() for handle in inputLinearizerHandles]
        return Struct(outputNormalization=light_factors(linearizers))
