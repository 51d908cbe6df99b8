"""Combined calibrations in memory: of 16 by 16 pixels, since nobody looks at them but to compare them."""

from __future__ import annotations

import math

import numpy as np

from ...verification.defect_changes import Boxes
from ...verification.differences import Master

__all__ = ["defects", "master"]

_SIDE = 16


def master(dataset_type: str, shift: float = 0.0) -> Master:
    """Return a combined calibration whose pixels are all alike, each with a variance of 1.

    Parameters
    ----------
    dataset_type : `str`
        What it is.
    shift : `float`, optional
        How far it is from one that is not shifted, in units of the noise of both.
    """
    variance = np.ones((_SIDE, _SIDE), dtype=np.float32)
    return Master(dataset_type, np.float32(shift * math.sqrt(2)) * variance, variance)


def defects(columns: int) -> Boxes:
    """Return defects that are whole columns, the first ones, of a detector like that of `master`.

    Parameters
    ----------
    columns : `int`
        How many.
    """
    return Boxes(((0, 0, columns, _SIDE),), (_SIDE, _SIDE))
