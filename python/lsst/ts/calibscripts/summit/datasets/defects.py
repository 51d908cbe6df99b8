"""Bad pixels as the butler keeps them: boxes in a table."""

from __future__ import annotations

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from .types import amplifier_views

__all__ = ["boxes"]


def boxes(mask: NDArray[np.bool_]) -> Table:
    """Describe bad pixels as boxes, one for each uninterrupted piece of an amplifier column.

    Parameters
    ----------
    mask
        Bad pixels of the assembled image.

    Returns
    -------
    defects
        Columns x0, y0, width, height in pixels of the assembled image, and amplifier; the shape of the image is in
        ``meta["shape"]``.
    """
    rows: list[tuple[int, int, int, int, str]] = []
    height, width = mask.shape
    for index, (name, flags) in enumerate(amplifier_views(mask).items()):
        steps = np.diff(np.pad(flags, ((1, 1), (0, 0))).astype(np.int8), axis=0)
        # Transposed, starts and ends come column by column and belong together one by one.
        x, start = np.nonzero(steps.T == 1)
        _, end = np.nonzero(steps.T == -1)
        left, bottom = index % 8 * (width // 8), height // 2 if index < 8 else 0
        rows += [
            (left + int(i), bottom + int(a), 1, int(b - a), name)
            for i, a, b in zip(x, start, end, strict=True)
        ]
    return Table(
        rows=rows or None,
        names=("x0", "y0", "width", "height", "amplifier"),
        dtype=(np.int64, np.int64, np.int64, np.int64, "U3"),
        meta={"shape": [height, width]},
    )
