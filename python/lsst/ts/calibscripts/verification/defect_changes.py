"""Which pixels are defects that were none before, and which are none any more, amplifier by amplifier. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .amplifiers import amplifier_names, by_amplifier
from .differences import Difference

__all__ = ["Box", "Boxes", "defects_difference"]

Box: TypeAlias = tuple[int, int, int, int]
"""First column and row, width and height, pixels of the assembled image."""

_SHAPES = ((4000, 4072), (4004, 4096))
"""Rows and columns of the sensors of the cameras, of ITL and of e2v (LCA-128)."""

_WAVEFRONT = "_SW"
"""In the name of a sensor of ITL of half the height."""

_AROUND = tuple((y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1))
"""Rows and columns of the neighbours of a pixel, where the one at (1, 1) is itself."""


@dataclass(frozen=True)
class Boxes:
    """The defects of a detector."""

    places: tuple[Box, ...] = ()
    shape: tuple[int, int] | None = None  #: Rows and columns of the detector; None where they do not say it.


def defects_difference(new: Boxes, old: Boxes, detector: str) -> Difference:
    """Compare the defects of a detector with those before.

    Its fraction `Difference.beyond` is of changed pixels that touch another one. A single pixel comes and goes with
    the noise: cp_pipe takes one for hot that is 3 electron/s above the others, which is 3.6 times the noise of three
    darks of 5 s. What is dead, glows or casts a shadow has neighbours; a single pixel that has really become hot is
    found where the darks are compared.

    Parameters
    ----------
    new, old : `Boxes`
        The defects. Where neither says how large the detector is, it is a sensor of ITL, or of e2v if they reach
        beyond that.
    detector : `str`
        Full name.

    Raises
    ------
    StatisticsError
        If the detector is too small to have amplifiers.
    """
    shape = new.shape or old.shape or _shape_of((*new.places, *old.places), detector)
    images = [_painted(boxes, shape) for boxes in (new, old)]
    is_bad, was_bad = map(by_amplifier, images)
    touching = by_amplifier(_touching(images[0] ^ images[1])).mean(axis=(1, 2))
    appeared, vanished = ((a & ~b).sum(axis=(1, 2)) for a, b in ((is_bad, was_bad), (was_bad, is_bad)))
    return Difference(
        detector,
        amplifier_names(shape),
        beyond=tuple(float(f"{value:.4g}") for value in touching),
        appeared=tuple(appeared.tolist()),
        vanished=tuple(vanished.tolist()),
        pixels=is_bad[0].size,
    )


def _shape_of(places: tuple[Box, ...], detector: str) -> tuple[int, int]:
    rows, columns = _SHAPES[0]
    if _WAVEFRONT in detector:
        return rows // 2, columns
    inside = all(x + width <= columns and y + height <= rows for x, y, width, height in places)
    return _SHAPES[0] if inside else _SHAPES[1]


def _touching(changed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels that have changed together with one of the eight around them."""
    padded = np.pad(changed, 1)
    rows, columns = changed.shape
    near = np.zeros_like(changed)
    for y, x in _AROUND:
        near |= padded[y : y + rows, x : x + columns]
    return changed & near


def _painted(boxes: Boxes, shape: tuple[int, int]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=bool)
    for x, y, width, height in boxes.places:
        mask[max(y, 0) : y + height, max(x, 0) : x + width] = True
    return mask
