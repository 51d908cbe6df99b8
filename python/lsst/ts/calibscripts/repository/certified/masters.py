"""Combined calibrations and defects as they are compared, out of whatever the installed Science Pipelines write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tables.instruments import INSTRUMENTS
from ...verification.defect_changes import Boxes
from ...verification.differences import BINNED, Master
from ..connection import ButlerConnection
from ..patience import patient
from ..records import Repository

__all__ = ["MasterReader", "boxes_of", "compared_masters", "master_of", "pixels_of"]


class MasterReader(ButlerConnection):
    """A connection through which combined calibrations and defects are read; made from the URI of the repository."""

    @patient
    def master(self, run: str, dataset_types: Sequence[str], data_id: Mapping[str, Any]) -> Master | None:
        """See `Repository`."""
        for dataset_type in dataset_types:
            for ref in self._refs(run, dataset_type, **data_id):
                return master_of(self._open().get(ref), dataset_type)
        return None

    @patient
    def defects(self, run: str, dataset_type: str, data_id: Mapping[str, Any]) -> Boxes | None:
        """See `Repository`."""
        for ref in self._refs(run, dataset_type, **data_id):
            return boxes_of(self._open().get(ref))
        return None


def boxes_of(dataset: Any) -> Boxes:
    """Return the defects of a detector.

    Parameters
    ----------
    dataset : object
        ``ip_isr``'s Defects, or a table with the columns x0, y0, width and height, pixels.
    """
    if hasattr(dataset, "colnames"):
        names = ("x0", "y0", "width", "height")
        columns = [np.asarray(dataset[name], dtype=np.int64).tolist() for name in names]
        shape = getattr(dataset, "meta", {}).get("shape")
        return Boxes(
            tuple(zip(*columns, strict=True)), None if shape is None else (int(shape[0]), int(shape[1]))
        )
    boxes = [defect.getBBox() for defect in dataset]
    corners = ((b.getMinX(), b.getMinY(), b.getWidth(), b.getHeight()) for b in boxes)
    return Boxes(tuple((int(x), int(y), int(width), int(height)) for x, y, width, height in corners))


def master_of(dataset: Any, dataset_type: str) -> Master:
    """Return the pixels of a combined calibration, and what is expected of their noise.

    Parameters
    ----------
    dataset : object
        ``lsst.afw.image.Exposure`` or ``astropy.nddata.CCDData``.
    dataset_type : `str`
        Its dataset type.
    """
    plane = getattr(dataset, "variance", None)
    variance = None if plane is None else np.asarray(plane.array, dtype=np.float32)
    # A plane of zeros is one that nobody has filled in.
    return Master(
        dataset_type, pixels_of(dataset), variance if variance is not None and variance.any() else None
    )


def pixels_of(dataset: Any) -> NDArray[np.float32]:
    """Return the pixels of an image, NaN where they are masked.

    Parameters
    ----------
    dataset : object
        ``lsst.afw.image.Exposure`` or ``astropy.nddata.CCDData``.
    """
    if hasattr(dataset, "image"):
        return np.asarray(dataset.image.array, dtype=np.float32)
    pixels = np.array(dataset.data, dtype=np.float32)
    if dataset.mask is not None:
        pixels[np.asarray(dataset.mask)] = np.nan
    return pixels


def compared_masters(
    repository: Repository, dataset_type: str, run: str, before: Sequence[str], data_id: Mapping[str, Any]
) -> tuple[Master, Master] | None:
    """Return a new combined calibration and the one before it. Blocks.

    They are binned where both RUNs have them so, of a camera with as many detectors as LSSTCam.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    dataset_type : `str`
        Their type, e.g. ``bias``.
    run : `str`
        RUN of the new one.
    before : sequence of `str`
        RUNs, one of which holds the one before.
    data_id : mapping
        Instrument, detector, and the physical_filter of what is for one.

    Returns
    -------
    `tuple` [`Master`, `Master`] or `None`
        None where one of them is not there.
    """
    camera = INSTRUMENTS.get(data_id["instrument"])
    binned = camera is not None and camera.compared_binned
    whole = (dataset_type,)
    for types in ((f"{dataset_type}{BINNED}", *whole), whole) if binned else (whole,):
        new = repository.master(run, types, data_id)
        for old in (repository.master(each, types, data_id) for each in before):
            if new is not None and old is not None and new.dataset_type == old.dataset_type:
                return new, old
    return None
