"""Tasks that make calibrations of the electronics from what other tasks have measured."""
# ruff: noqa: N815 - names of connections and fields are those of cp_pipe
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output

from ..datasets.calibrations import BrighterFatterKernel
from ..datasets.types import PhotonTransferCurve
from .config import NoLogDataset
from .trails import fit_deferred_charge

__all__ = ["BrighterFatterKernelSolveTask", "CtiSolveTask"]


class KernelConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """Photon transfer curves, and the kernel that their bend stands for."""

    inputPtc = Input(
        name="bfkPtc",
        doc="Photon transfer curves.",
        storageClass="PhotonTransferCurve",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )
    outputBFK = Output(
        name="bfk",
        doc="Brighter-fatter kernel.",
        storageClass="BrighterFatterTerm",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )


class KernelConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=KernelConnections):
    """Nothing to choose."""


class BrighterFatterKernelSolveTask(PipelineTask):
    """Make a kernel of the brighter-fatter term of the curves."""

    ConfigClass = KernelConfig
    _DefaultName = "brighterFatterKernelSolve"

    def run(self, *, inputPtc: PhotonTransferCurve) -> Struct:  # noqa: N803
        """Take the term over.

        Parameters
        ----------
        inputPtc
            Photon transfer curves.

        Returns
        -------
        result
            ``outputBFK``.

        Raises
        ------
        ValueError
            If the curves are straight lines: the flats have one level only.
        """
        if inputPtc.fit_type == "LINEAR":
            raise ValueError(
                "the photon transfer curves are straight lines; take flats of different exposure times"
            )
        return Struct(outputBFK=BrighterFatterKernel(dict(inputPtc.a00), dict(inputPtc.gain)))


class CtiConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """Statistics of the overscan of flats, and the charge that is deferred."""

    inputMeasurements = Input(
        name="cpCtiStatistics",
        doc="Statistics of the overscan.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
    )
    outputCalib = Output(
        name="cti",
        doc="Deferred charge.",
        storageClass="DeferredCharge",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )


class CtiConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=CtiConnections):
    """Nothing to choose."""


class CtiSolveTask(PipelineTask):
    """Find the deferred charge, see `fit_deferred_charge`."""

    ConfigClass = CtiConfig
    _DefaultName = "ctiSolve"

    def run(self, *, inputMeasurements: Sequence[Mapping[str, Any]]) -> Struct:  # noqa: N803
        """Fit.

        Parameters
        ----------
        inputMeasurements
            One for each flat.

        Returns
        -------
        result
            ``outputCalib``.
        """
        return Struct(outputCalib=fit_deferred_charge(inputMeasurements))
