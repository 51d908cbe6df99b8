"""The task that marks cosmic rays in darks."""
# ruff: noqa: N815 - names of connections and fields are those of cp_pipe, as `-c label:field=value` has them
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

import numpy as np
from astropy.nddata import CCDData
from lsst.pex.config import RangeField
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output
from numpy.typing import NDArray
from scipy import ndimage

from ..datasets.types import amplifier_views
from .config import NoLogDataset
from .statistics import clipped_level

__all__ = ["CosmicRayTask", "tracks"]

_EIGHT = np.ones((3, 3), dtype=bool)


def tracks(
    image: NDArray[np.float32], known: NDArray[np.bool_] | None, threshold: float
) -> NDArray[np.bool_]:
    """Return the pixels of cosmic rays: tracks of two pixels or more that are no known defects.

    A single bright pixel is left alone: it may be a hot one that nobody has found yet.

    Parameters
    ----------
    image
        Corrected dark.
    known
        Defects, or None.
    threshold
        How far above the level of the amplifier, in standard deviations.

    Returns
    -------
    mask
        True for the tracks and for the pixels around them.
    """
    bright = np.empty(image.shape, dtype=bool)
    for pixels, flags in zip(amplifier_views(image).values(), amplifier_views(bright).values(), strict=True):
        level, noise = clipped_level(pixels)
        flags[:] = pixels > level + threshold * noise
    if known is not None:
        bright &= ~known
    groups, n_groups = ndimage.label(bright, _EIGHT)
    long = np.bincount(groups.ravel(), minlength=n_groups + 1) > 1
    long[0] = False
    return np.asarray(ndimage.binary_dilation(long[groups], _EIGHT))


class CosmicRayConnections(PipelineTaskConnections, dimensions=("instrument", "exposure", "detector")):
    """A corrected dark, and the same with its cosmic rays masked."""

    inputExp = Input(
        name="cpDarkIsrExp",
        doc="Corrected dark; its mask has the defects.",
        storageClass="CalibImage",
        dimensions=("instrument", "exposure", "detector"),
    )
    outputExp = Output(
        name="cpDarkRemoveCRIsrExp",
        doc="The dark; its mask has the cosmic rays and nothing else.",
        storageClass="CalibImage",
        dimensions=("instrument", "exposure", "detector"),
    )


class CosmicRayConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=CosmicRayConnections):
    """How bright a cosmic ray is."""

    threshold = RangeField(
        doc="Height above the level (standard deviations).", dtype=float, default=8.0, min=3.0
    )


class CosmicRayTask(PipelineTask):
    """Mask cosmic rays; defects are no longer masked, so that the combined dark has their dark current."""

    ConfigClass = CosmicRayConfig
    _DefaultName = "cosmicRay"
    config: CosmicRayConfig

    def run(self, *, inputExp: CCDData) -> Struct:  # noqa: N803
        """Mask, see `tracks`.

        Parameters
        ----------
        inputExp
            Corrected dark.

        Returns
        -------
        result
            ``outputExp``.
        """
        mask = tracks(inputExp.data, inputExp.mask, self.config.threshold)
        return Struct(
            outputExp=CCDData(
                inputExp.data, unit=inputExp.unit, meta=inputExp.meta, mask=mask if mask.any() else None
            )
        )
