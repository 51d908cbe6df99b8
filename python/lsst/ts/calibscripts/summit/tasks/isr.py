"""The task that removes the signature of the instrument from one exposure of one detector."""
# ruff: noqa: N815 - names of connections and fields are those of ip_isr, as `-c label:field=value` has them
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from astropy.nddata import CCDData
from astropy.table import Table
from lsst.pex.config import ChoiceField, Field, RangeField
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output, PrerequisiteInput

from ..datasets.calibrations import BrighterFatterKernel, CrosstalkMatrix, DeferredCharge, Linearizer
from ..datasets.types import PhotonTransferCurve, RawFrame
from .config import NoLogDataset
from .signature import Calibrations, remove_signature
from .trails import measure_trails

__all__ = ["IsrConfig", "IsrConnections", "IsrTask"]


def _calibration(name: str, doc: str, storage_class: str, *dimensions: str) -> PrerequisiteInput:
    return PrerequisiteInput(
        name=name,
        doc=doc,
        storageClass=storage_class,
        dimensions=("instrument", "detector", *dimensions),
        isCalibration=True,
    )


class IsrConnections(PipelineTaskConnections, dimensions=("instrument", "exposure", "detector")):
    """A raw frame, the calibrations that are switched on, and the processed image."""

    ccdExposure = Input(
        name="raw",
        doc="Raw frame.",
        storageClass="RawFrame",
        dimensions=("instrument", "exposure", "detector"),
    )
    crosstalk = _calibration("crosstalk", "What amplifiers show of each other.", "CrosstalkMatrix")
    linearizer = _calibration("linearizer", "What makes counts linear.", "LinearizerCoefficients")
    cti = _calibration("cti", "Charge that is read out too late.", "DeferredCharge")
    ptc = _calibration("ptc", "Photon transfer curve with the gains.", "PhotonTransferCurve")
    bias = _calibration("bias", "Combined bias in electrons.", "CalibImage")
    dark = _calibration("dark", "Combined dark in electron/s.", "CalibImage")
    flat = _calibration("flat", "Combined flat of the exposure's filter.", "CalibImage", "physical_filter")
    defects = _calibration("defects", "Defects to mask.", "DefectTable")
    bfk = _calibration("bfk", "Brighter-fatter kernel.", "BrighterFatterTerm")
    outputExposure = Output(
        name="postISRCCD",
        doc="Processed image.",
        storageClass="CalibImage",
        dimensions=("instrument", "exposure", "detector"),
    )
    outputStatistics = Output(
        name="isrStatistics",
        doc="Statistics of the overscan.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "exposure", "detector"),
    )

    def __init__(self, *, config: IsrConfig) -> None:
        super().__init__(config=config)
        for name in config.unused():
            delattr(self, name)


class IsrConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=IsrConnections):
    """Which corrections are made."""

    doBootstrap = Field[bool](doc="Are the gains still unknown? Then the image stays in ADU.", default=False)
    doCrosstalk = Field[bool](doc="Subtract crosstalk?", default=False)
    doLinearize = Field[bool](doc="Correct the non-linearity?", default=False)
    doDeferredCharge = Field[bool](doc="Correct the charge that is read out too late?", default=False)
    doBias = Field[bool](doc="Subtract the combined bias?", default=False)
    doDark = Field[bool](doc="Subtract the combined dark times the dark time?", default=False)
    doBrighterFatter = Field[bool](doc="Correct the brighter-fatter effect?", default=False)
    doFlat = Field[bool](doc="Divide by the combined flat?", default=False)
    doDefect = Field[bool](doc="Mask the pixels of the certified defects?", default=False)
    doApplyGains = Field[bool](doc="Image in electrons rather than ADU?", default=True)
    useGainsFrom = ChoiceField[str](
        doc="Where the gains come from.",
        allowed={
            "PTC": "The photon transfer curve.",
            "LINEARIZER": "Those that the linearizer was found with.",
        },
        default="PTC",
    )
    doCalculateStatistics = Field[bool](doc="Write statistics of the overscan?", default=False)
    overscanOrder = RangeField(
        dtype=int,
        doc="Order of the curve along the rows that is fitted to the serial overscan.",
        default=5,
        min=0,
        max=30,
    )

    @property
    def electrons(self) -> bool:
        """Is the image in electrons?"""
        return bool(self.doApplyGains and not self.doBootstrap)

    def unused(self) -> Iterator[str]:
        """Return the names of the connections that are switched off."""
        gains = self.electrons and self.useGainsFrom == "PTC"
        from_linearizer = self.electrons and self.useGainsFrom == "LINEARIZER"
        used = {
            "crosstalk": self.doCrosstalk,
            "linearizer": self.doLinearize or from_linearizer,
            "cti": self.doDeferredCharge,
            "ptc": gains,
            "bias": self.doBias,
            "dark": self.doDark,
            "flat": self.doFlat,
            "defects": self.doDefect,
            "bfk": self.doBrighterFatter,
            "outputStatistics": self.doCalculateStatistics,
        }
        yield from (name for name, wanted in used.items() if not wanted)


class IsrTask(PipelineTask):
    """Correct one exposure of one detector."""

    ConfigClass = IsrConfig
    _DefaultName = "isr"
    config: IsrConfig

    def run(
        self,
        *,
        ccdExposure: RawFrame,  # noqa: N803
        linearizer: Linearizer | None = None,
        ptc: PhotonTransferCurve | None = None,
        **calibrations: CCDData | Table | CrosstalkMatrix | DeferredCharge | BrighterFatterKernel,
    ) -> Struct:
        """Correct the frame, see `remove_signature`.

        Parameters
        ----------
        ccdExposure
            Raw frame.
        linearizer, ptc, **calibrations
            Calibrations that are switched on, by the names of their connections.

        Returns
        -------
        result
            ``outputExposure``, the processed image, and where it is switched on ``outputStatistics``.
        """
        corrections: Mapping[str, Any] = calibrations
        applied = Calibrations(
            **corrections,
            linearizer=linearizer if self.config.doLinearize else None,
            gains=self._gains(linearizer, ptc),
        )
        order = self.config.overscanOrder
        image = remove_signature(ccdExposure, applied, order=order, electrons=self.config.electrons)
        if not self.config.doCalculateStatistics:
            return Struct(outputExposure=image)
        return Struct(
            outputExposure=image, outputStatistics=measure_trails(ccdExposure, applied, order=order)
        )

    def _gains(
        self, linearizer: Linearizer | None, ptc: PhotonTransferCurve | None
    ) -> Mapping[str, float] | None:
        """Return the gains to apply; None for the nominal ones."""
        if not self.config.electrons:
            return None
        source = linearizer if self.config.useGainsFrom == "LINEARIZER" else ptc
        return None if source is None else source.gain
