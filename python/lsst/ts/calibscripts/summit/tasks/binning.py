"""Tasks that bin combined calibrations, so that those of a large camera can be looked at and compared."""
# ruff: noqa: N815 - names of connections and fields are those of pipe_tasks, as `-c label:field=value` has them
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

import numpy as np
from astropy.nddata import CCDData
from lsst.pex.config import RangeField
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output
from numpy.typing import NDArray

from .config import NoLogDataset

__all__ = ["VisualizeBinCalibFilterTask", "VisualizeBinCalibTask", "bin_pixels"]

_LEAST_COLUMNS = 8
"""Columns that are left of an amplifier: frames of a rehearsal are smaller than real ones."""


def bin_pixels(image: CCDData, binning: int) -> CCDData:
    """Return the means of square bins, as ``afw.math.binImage`` has them: also of pixels that are masked.

    Parameters
    ----------
    image
        Combined calibration of a detector.
    binning
        Pixels that make one, along each side; fewer where an amplifier would keep less than eight columns.

    Returns
    -------
    binned
        The means, masked where one of the pixels is; what is left over at the upper and right edges is cut off.
    """
    factor = max(1, min(binning, image.data.shape[1] // 8 // _LEAST_COLUMNS))
    mask = None if image.mask is None else _bins(image.mask, factor).any(axis=(1, 3))
    means = _bins(image.data, factor).mean(axis=(1, 3), dtype=np.float64).astype(np.float32)
    return CCDData(means, unit=image.unit, meta=image.meta, mask=mask)


def _bins(pixels: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    rows, columns = (size // factor for size in pixels.shape)
    return pixels[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)


class VisualizeBinCalibConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """A combined calibration, and its binned image."""

    inputExp = Input(
        name="bias",
        doc="Combined calibration.",
        storageClass="CalibImage",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )
    outputExp = Output(
        name="biasBin",
        doc="Binned image.",
        storageClass="CalibImage",
        dimensions=("instrument", "detector"),
    )


class VisualizeBinCalibConfig(
    NoLogDataset, PipelineTaskConfig, pipelineConnections=VisualizeBinCalibConnections
):
    """How much is binned."""

    binning = RangeField(doc="Pixels that make one, along each side.", dtype=int, default=8, min=1)


class VisualizeBinCalibTask(PipelineTask):
    """Bin a combined calibration of one detector, see `bin_pixels`."""

    ConfigClass = VisualizeBinCalibConfig
    _DefaultName = "visualizeBinCalib"
    config: VisualizeBinCalibConfig

    def run(self, *, inputExp: CCDData) -> Struct:  # noqa: N803
        """Bin.

        Parameters
        ----------
        inputExp
            Combined calibration.

        Returns
        -------
        result
            ``outputExp``.
        """
        return Struct(outputExp=bin_pixels(inputExp, self.config.binning))


class VisualizeBinCalibFilterConnections(
    PipelineTaskConnections, dimensions=("instrument", "detector", "physical_filter")
):
    """As `VisualizeBinCalibConnections`, for each physical filter by itself."""

    inputExp = Input(
        name="flat",
        doc="Combined calibration.",
        storageClass="CalibImage",
        dimensions=("instrument", "detector", "physical_filter"),
        isCalibration=True,
    )
    outputExp = Output(
        name="flatBin",
        doc="Binned image.",
        storageClass="CalibImage",
        dimensions=("instrument", "detector", "physical_filter"),
    )


class VisualizeBinCalibFilterConfig(
    VisualizeBinCalibConfig, pipelineConnections=VisualizeBinCalibFilterConnections
):
    """As `VisualizeBinCalibConfig`."""


class VisualizeBinCalibFilterTask(VisualizeBinCalibTask):
    """Bin a combined calibration of one detector and physical filter."""

    ConfigClass = VisualizeBinCalibFilterConfig
    _DefaultName = "visualizeBinCalibFilter"
