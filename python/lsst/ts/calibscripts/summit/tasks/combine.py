"""Tasks that combine processed exposures to a bias, a dark or a flat."""
# ruff: noqa: N815 - names of connections and fields are those of cp_pipe, as `-c label:field=value` has them
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.nddata import CCDData
from lsst.daf.butler import DeferredDatasetHandle
from lsst.pex.config import ChoiceField, Field, RangeField
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output
from numpy.typing import NDArray

from .combination import combine
from .config import NoLogDataset

__all__ = ["CombineByFilterTask", "CombineConfig", "CombineTask", "frame_scale", "shared_header"]


def frame_scale(scaling: str, image: CCDData, listed: float | None) -> float:
    """Return what a frame is divided by before frames are combined.

    Parameters
    ----------
    scaling
        One of the allowed values of `CombineConfig.exposureScaling`.
    image
        The frame.
    listed
        Scale that another task found for it, used for InputList.

    Returns
    -------
    scale
        1, seconds, or the mean level in units of the image.

    Raises
    ------
    ValueError
        If the scale is not positive: a dark of 0 s or a flat without light.
    """
    if scaling == "Unity":
        return 1.0
    if scaling == "DarkTime":
        scale = float(image.meta["DARKTIME"])
    elif scaling == "InputList" and listed is not None:
        scale = listed
    else:
        scale = float(np.mean(image.data if image.mask is None else image.data[~image.mask]))
    if not scale > 0:
        raise ValueError(f"{image.meta.get('OBSID', 'frame')} cannot be scaled by its {scaling} of {scale:g}")
    return scale


def shared_header(headers: Sequence[Mapping[str, Any]]) -> fits.Header:
    """Return the cards that all frames share; what differs from frame to frame says nothing about their combination.

    Parameters
    ----------
    headers
        Headers of the frames.

    Returns
    -------
    header
        The shared cards and NCOMBINE, the number of frames.
    """
    first, *others = headers
    header = fits.Header()
    for key, value in first.items():
        if not key.startswith("LSST BUTLER ") and all(
            key in other and other[key] == value for other in others
        ):
            header[f"HIERARCH {key}" if len(key) > 8 else key] = value
    header["NCOMBINE"] = (len(headers), "frames combined")
    return header


class CombineConnections(PipelineTaskConnections, dimensions=("instrument", "detector")):
    """All exposures of a detector, and their combination."""

    inputExpHandles = Input(
        name="cpInputExp",
        doc="Processed exposures.",
        storageClass="CalibImage",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        deferLoad=True,
    )
    outputData = Output(
        name="cpProposal",
        doc="Combined calibration.",
        storageClass="CalibImage",
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )


class CombineConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=CombineConnections):
    """How frames are scaled and clipped."""

    calibrationType = Field[str](doc="Kind of calibration, kept in the header.", default="calibration")
    exposureScaling = ChoiceField[str](
        doc="What each frame is divided by.",
        allowed={
            "Unity": "Nothing.",
            "DarkTime": "Its dark time in seconds; weighted for frames limited by read noise.",
            "MeanStats": "Its mean level; weighted for frames limited by photon noise.",
            "InputList": "As MeanStats, with the levels that cpFlatNormalize found.",
        },
        default="Unity",
    )
    clip = RangeField(
        doc="Values farther than this from the median are left out (standard deviations).",
        dtype=float,
        default=5.0,
        min=1.0,
    )


class CombineTask(PipelineTask):
    """Combine the exposures of one detector, see `lsst.ts.calibscripts.summit.tasks.combination.combine`."""

    ConfigClass = CombineConfig
    _DefaultName = "combine"
    config: CombineConfig

    def run(
        self,
        *,
        inputExpHandles: Sequence[DeferredDatasetHandle],  # noqa: N803
        inputScales: Mapping[Any, Mapping[Any, float]] | None = None,  # noqa: N803
    ) -> Struct:
        """Combine the exposures.

        Parameters
        ----------
        inputExpHandles
            Handles of the processed exposures; one is in memory at a time.
        inputScales
            Level of each exposure, by detector and exposure id, for ``exposureScaling`` InputList.

        Returns
        -------
        result
            ``outputData``, the combined image: in the unit of the exposures, per s (DarkTime), or relative to the
            mean.
        """
        stack: NDArray[np.float32] | None = None
        headers, scales, unit = [], [], units.dimensionless_unscaled
        for index, handle in enumerate(inputExpHandles):
            image: CCDData = handle.get()
            listed = (inputScales or {}).get(handle.dataId["detector"], {}).get(handle.dataId["exposure"])
            scale = frame_scale(self.config.exposureScaling, image, listed)
            if stack is None:
                stack = np.empty((len(inputExpHandles), *image.data.shape), dtype=np.float32)
            np.divide(image.data, np.float32(scale), out=stack[index])
            if image.mask is not None:
                stack[index][image.mask] = np.nan
            unit = image.unit
            headers.append(dict(image.meta))
            scales.append(scale)
        assert stack is not None
        data, empty = combine(stack, self._noise(scales), self.config.clip, stack.shape[2] // 8)
        self.log.info("Combined %d exposures to a %s", len(headers), self.config.calibrationType)
        return Struct(outputData=self._product(data, empty, unit, shared_header(headers)))

    def _noise(self, scales: Sequence[float]) -> NDArray[np.float64]:
        """Return the relative noise of the scaled frames."""
        levels = np.asarray(scales)
        noise = 1.0 / levels if self.config.exposureScaling == "DarkTime" else 1.0 / np.sqrt(levels)
        return np.asarray(noise / np.median(noise), dtype=np.float64)

    def _product(
        self, data: NDArray[np.float32], empty: NDArray[np.bool_], unit: units.UnitBase, header: fits.Header
    ) -> CCDData:
        scaled = {"Unity": unit, "DarkTime": unit / units.s}.get(
            self.config.exposureScaling, units.dimensionless_unscaled
        )
        header["CALIBTYP"] = (self.config.calibrationType, "kind of calibration")
        return CCDData(data, unit=scaled, meta=header, mask=empty if empty.any() else None)


class CombineByFilterConnections(
    CombineConnections, dimensions=("instrument", "detector", "physical_filter")
):
    """As `CombineConnections`, for each physical filter by itself."""

    inputScales = Input(
        name="cpFlatNormalizeScales",
        doc="Levels of the exposures, used where exposureScaling is InputList.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "physical_filter"),
    )
    outputData = Output(
        name="cpProposal",
        doc="Combined calibration.",
        storageClass="CalibImage",
        dimensions=("instrument", "detector", "physical_filter"),
        isCalibration=True,
    )

    def __init__(self, *, config: CombineByFilterConfig) -> None:
        super().__init__(config=config)
        if config.exposureScaling != "InputList":
            del self.inputScales


class CombineByFilterConfig(CombineConfig, pipelineConnections=CombineByFilterConnections):
    """As `CombineConfig`."""


class CombineByFilterTask(CombineTask):
    """Combine the exposures of one detector and physical filter."""

    ConfigClass = CombineByFilterConfig
    _DefaultName = "combineByFilter"
