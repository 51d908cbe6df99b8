"""What the simulated summit keeps in a butler repository: raw frames and photon transfer curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AMPLIFIERS",
    "PhotonTransferCurve",
    "Provenance",
    "RawFrame",
    "amplifier_views",
    "assemble",
    "corners",
    "split",
]

AMPLIFIERS: tuple[str, ...] = tuple(f"C1{i}" for i in range(8)) + tuple(f"C0{i}" for i in range(8))
"""Names of the amplifiers of one detector, in the order of the FITS extensions."""

Provenance: TypeAlias = dict[str, str | int | float | bool]
"""Flattened provenance: dataset, quantum and inputs with their ids and RUNs."""


@dataclass(frozen=True)
class RawFrame:
    """One exposure of one detector as the camera wrote it."""

    header: Mapping[str, Any]  #: Primary FITS header, keyword to value.
    amplifiers: tuple[str, ...]  #: Names of the amplifiers, in the order of ``data``.
    #: Counts in ADU, int32, shape ``(n_amplifiers, rows, columns)``, serial overscan included.
    data: NDArray[np.int32]
    #: Columns below this one are imaging pixels (DATASEC), the others serial overscan (BIASSEC).
    image_columns: int
    gains: tuple[float, ...]  #: Nominal gain of each amplifier in electron/ADU, the header's GAIN.
    #: Nominal read noise of each amplifier in electrons, the header's RDNOISE.
    read_noises: tuple[float, ...]

    @property
    def image(self) -> NDArray[np.int32]:
        """Imaging pixels in ADU, shape ``(n_amplifiers, rows, image_columns)``."""
        return self.data[:, :, : self.image_columns]

    @property
    def overscan(self) -> NDArray[np.int32]:
        """Serial overscan in ADU, shape ``(n_amplifiers, rows, columns - image_columns)``."""
        return self.data[:, :, self.image_columns :]


@dataclass(frozen=True)
class PhotonTransferCurve:
    """What pairs of flats show about each amplifier; from one pair (cpPtcPartial) or from all of them (ptc).

    Every mapping has the amplifier's name as its key; a value that could not be measured is NaN.
    """

    #: Gain in electron/ADU.
    gain: Mapping[str, float]
    gain_error: Mapping[str, float]
    #: Read noise in electrons.
    noise: Mapping[str, float]
    noise_error: Mapping[str, float]
    #: Highest mean level before the variance breaks down, in ADU.
    turnoff: Mapping[str, float] = field(default_factory=dict)
    #: Brighter-fatter term of Astier et al. (2019), in 1/electron; negative.
    a00: Mapping[str, float] = field(default_factory=dict)
    a00_error: Mapping[str, float] = field(default_factory=dict)
    #: Exposure ids of each pair, in the order of the values below.
    exposure_pairs: tuple[tuple[int, int], ...] = ()
    #: Mean in ADU and variance of the half difference in ADU² (of one frame) of each pair.
    means: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    variances: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    #: True where a pair was left out of the fit.
    outliers: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)
    #: Read noise of each pair in electrons.
    noises: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    exposure_times: tuple[float, ...] = ()  #: Exposure time of each pair in s.
    fit_type: str = "none"  #: The curve that was fitted, or "none".
    provenance: Provenance = field(default_factory=dict)  #: Inputs, set when the butler writes the dataset.


def assemble(amplifiers: NDArray[Any]) -> NDArray[Any]:
    """Put the imaging pixels of the amplifiers together to one detector image.

    Parameters
    ----------
    amplifiers
        Shape ``(16, rows, columns)`` in the order of `AMPLIFIERS`.

    Returns
    -------
    image
        Shape ``(2 * rows, 8 * columns)``: C10..C17 are the upper half, C00..C07 the lower (row 0) half.
    """
    _, rows, columns = amplifiers.shape
    halves = amplifiers.reshape(2, 8, rows, columns)[::-1]
    return halves.transpose(0, 2, 1, 3).reshape(2 * rows, 8 * columns)


def split(image: NDArray[Any]) -> NDArray[Any]:
    """Cut a detector image into its amplifiers, the inverse of `assemble`.

    Parameters
    ----------
    image
        Shape ``(2 * rows, 8 * columns)``.

    Returns
    -------
    amplifiers
        A copy of shape ``(16, rows, columns)`` in the order of `AMPLIFIERS`.
    """
    rows, columns = image.shape[0] // 2, image.shape[1] // 8
    halves = image.reshape(2, rows, 8, columns).transpose(0, 2, 1, 3)[::-1]
    return halves.reshape(16, rows, columns)


def amplifier_views(image: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the views of the amplifiers within a detector image; writing to a view changes the image.

    Parameters
    ----------
    image
        Shape ``(2 * rows, 8 * columns)``.

    Returns
    -------
    views
        Amplifier name to a view of shape ``(rows, columns)``, in the order of `AMPLIFIERS`.
    """
    rows, columns = image.shape[0] // 2, image.shape[1] // 8
    return {name: image[y : y + rows, x : x + columns] for name, x, y in corners(rows, columns)}


def corners(rows: int, columns: int) -> Iterator[tuple[str, int, int]]:
    """Yield where the amplifiers are within a detector image.

    Parameters
    ----------
    rows, columns
        Imaging pixels of one amplifier.

    Yields
    ------
    corner
        Name of the amplifier, column and row of its first pixel, in the order of `AMPLIFIERS`.
    """
    for index, name in enumerate(AMPLIFIERS):
        yield name, index % 8 * columns, rows if index < 8 else 0
