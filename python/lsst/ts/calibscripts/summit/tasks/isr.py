"""The task that removes the signature of the instrument from one exposure of one detector."""
# ruff: noqa: N815 - names of connections and fields are those of ip_isr, as `-c label:field=value` has them
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

from astropy.nddata import CCDData
from astropy.table import Table
from lsst.pex.config import Field, RangeField
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output, PrerequisiteInput

from ..datasets.types import RawFrame
from .config import NoLogDataset
from .signature import Calibrations, remove_signature

__all__ = ["IsrConfig", "IsrConnections", "IsrTask"]


class IsrConnections(PipelineTaskConnections, dimensions=("instrument", "exposure", "detector")):
    """A raw frame, the calibrations that are switched on, and the processed image."""

    ccdExposure = Input(
        name="raw",
        doc="Raw frame.",
        storageClass="RawFrame",
        dimensions=("instrument", "exposure", "detector"),
    )
    bias = PrerequisiteInput(
        name="bias",
        doc="Combined bias in electrons.",
        storageClass="CalibImage",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )
    dark = PrerequisiteInput(
        name="dark",
        doc="Combined dark in electron/s.",
        storageClass="CalibImage",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )
    flat = PrerequisiteInput(
        name="flat",
        doc="Combined flat of the exposure's physical filter.",
        storageClass="CalibImage",
        dimensions=("instrument", "detector", "physical_filter"),
        isCalibration=True,
    )
    defects = PrerequisiteInput(
        name="defects",
        doc="Defects to mask.",
        storageClass="DefectTable",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )
    outputExposure = Output(
        name="postISRCCD",
        doc="Processed image.",
        storageClass="CalibImage",
        dimensions=("instrument", "exposure", "detector"),
    )

    def __init__(self, *, config: IsrConfig) -> None:
        super().__init__(config=config)
        if not config.doBias:
            del self.bias
        if not config.doDark:
            del self.dark
        if not config.doFlat:
            del self.flat
        if not config.doDefect:
            del self.defects


class IsrConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=IsrConnections):
    """Which corrections are made."""

    doBias = Field[bool](doc="Subtract the combined bias?", default=False)
    doDark = Field[bool](doc="Subtract the combined dark times the dark time?", default=False)
    doFlat = Field[bool](doc="Divide by the combined flat?", default=False)
    doDefect = Field[bool](doc="Mask the pixels of the certified defects?", default=False)
    doApplyGains = Field[bool](doc="Image in electrons (nominal gains) rather than ADU?", default=True)
    overscanOrder = RangeField(
        dtype=int,
        doc="Order of the curve along the rows that is fitted to the serial overscan.",
        default=5,
        min=0,
        max=30,
    )


class IsrTask(PipelineTask):
    """Correct one exposure of one detector."""

    ConfigClass = IsrConfig
    _DefaultName = "isr"
    config: IsrConfig

    def run(
        self,
        *,
        ccdExposure: RawFrame,  # noqa: N803
        bias: CCDData | None = None,
        dark: CCDData | None = None,
        flat: CCDData | None = None,
        defects: Table | None = None,
    ) -> Struct:
        """Correct the frame, see `remove_signature`.

        Parameters
        ----------
        ccdExposure
            Raw frame.
        bias, dark, flat, defects
            Calibrations that are switched on.

        Returns
        -------
        result
            ``outputExposure``, the processed image.
        """
        image = remove_signature(
            ccdExposure,
            Calibrations(bias, dark, flat, defects),
            order=self.config.overscanOrder,
            electrons=self.config.doApplyGains,
        )
        return Struct(outputExposure=image)
