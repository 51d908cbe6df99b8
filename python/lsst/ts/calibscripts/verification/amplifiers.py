"""Where the amplifiers of a detector are in its assembled image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import StatisticsError

__all__ = ["amplifier_names", "by_amplifier", "halves"]

_Kind = TypeVar("_Kind", bound=np.generic)


def halves(shape: Sequence[int]) -> tuple[int, int]:
    """Return the rows and columns of amplifiers of a detector; a wavefront sensor of LSSTCam is half as high.

    Parameters
    ----------
    shape : sequence of `int`
        Rows and columns of pixels.
    """
    height, width = shape
    return (1 if width > 1.5 * height else 2), 8


def amplifier_names(shape: Sequence[int]) -> tuple[str, ...]:
    """Return the names of the amplifiers, C10 first: those of the upper half, then of the lower.

    Parameters
    ----------
    shape : sequence of `int`
        Rows and columns of pixels.
    """
    rows, columns = halves(shape)
    return tuple(f"C{row}{column}" for row in reversed(range(rows)) for column in range(columns))


def by_amplifier(image: NDArray[_Kind]) -> NDArray[_Kind]:
    """Cut an image into its amplifiers, in the order of `amplifier_names`.

    Parameters
    ----------
    image : array
        Shape ``(rows, columns)``, row 0 at the bottom.

    Returns
    -------
    array
        Shape ``(amplifiers, rows, columns)``; what is left over at the edges is cut off.

    Raises
    ------
    StatisticsError
        If it is too small.
    """
    rows, columns = halves(image.shape)
    height, width = image.shape[0] // rows, image.shape[1] // columns
    if not height or width < 2:
        raise StatisticsError(f"{image.shape[1]} x {image.shape[0]} pixels are not those of amplifiers")
    cut = image[: rows * height, : columns * width].reshape(rows, height, columns, width)
    return np.ascontiguousarray(cut.transpose(0, 2, 1, 3)[::-1].reshape(-1, height, width))
