"""Where the amplifiers of a detector are in its assembled image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import StatisticsError

__all__ = ["amplifier_names", "amplifier_places", "by_amplifier", "halves"]

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


def amplifier_places(shape: Sequence[int]) -> tuple[tuple[slice, slice], ...]:
    """Return the rows and columns of each amplifier, in the order of `amplifier_names`.

    All are of one size. Where the pixels do not divide, as those of a sensor of ITL (509 columns an amplifier) when
    binned by eight, pixels that belong to two amplifiers are left out, and so is what is left over at the edges.

    Parameters
    ----------
    shape : sequence of `int`
        Rows and columns of pixels.

    Raises
    ------
    StatisticsError
        If there are too few of them.
    """
    rows, columns = (_parts(size, number) for size, number in zip(shape, halves(shape), strict=True))
    if rows[0].stop < 1 or columns[0].stop < 2:
        raise StatisticsError(f"{shape[1]} x {shape[0]} pixels are not those of amplifiers")
    return tuple((row, column) for row in reversed(rows) for column in columns)


def by_amplifier(image: NDArray[_Kind]) -> NDArray[_Kind]:
    """Cut an image into its amplifiers, in the order of `amplifier_names`.

    Parameters
    ----------
    image : array
        Shape ``(rows, columns)``, row 0 at the bottom.

    Returns
    -------
    array
        Shape ``(amplifiers, rows, columns)``, see `amplifier_places`.

    Raises
    ------
    StatisticsError
        If it is too small.
    """
    return np.stack([image[place] for place in amplifier_places(image.shape)])


def _parts(size: int, number: int) -> tuple[slice, ...]:
    edges = [(-(-part * size // number), (part + 1) * size // number) for part in range(number)]
    length = min(stop - start for start, stop in edges)
    return tuple(slice(start, start + length) for start, _ in edges)
