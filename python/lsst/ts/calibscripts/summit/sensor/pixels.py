"""How the pixels of a detector differ: bias structure, hot pixels, and response."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..datasets.types import split

__all__ = ["bias_structure", "coordinates", "hot_pixels", "response"]

Pixels: TypeAlias = NDArray[np.float32]

_PIXEL_RESPONSE_SCATTER = 0.006
_HOT_FRACTION = 2e-4
_DEAD_FRACTION = 1e-4


def coordinates(shape: tuple[int, int, int]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the detector coordinates, -1..1, of shape (16, 1, columns) and (16, rows, 1)."""
    _, rows, columns = shape
    x = np.linspace(-1, 1, 8 * columns).reshape(8, 1, columns)
    y = np.linspace(-1, 1, 2 * rows).reshape(2, rows, 1)[::-1]
    return np.concatenate([x, x]), np.repeat(y, 8, axis=0)


def bias_structure(rng: np.random.Generator, shape: tuple[int, int, int]) -> Pixels:
    """Return what the overscan does not have, in ADU: the start of rows, a ramp, and a pattern of columns."""
    amplifiers, rows, columns = shape
    start_of_row = 5 * np.exp(-np.arange(columns) / (columns / 10))
    ramp = rng.normal(0, 1.5, (amplifiers, 1, 1)) * np.linspace(-1, 1, rows)[:, np.newaxis]
    pattern = rng.normal(0, 0.4, (amplifiers, 1, columns))
    return np.asarray(start_of_row + ramp + pattern, dtype=np.float32)


def hot_pixels(rng: np.random.Generator, shape: tuple[int, int, int]) -> tuple[NDArray[np.int64], Pixels]:
    """Return single hot pixels of 20 to 200 electron/s, and part of one column of 5 electron/s."""
    amplifiers, rows, columns = shape
    size = int(np.prod(shape))
    single = rng.choice(size, int(_HOT_FRACTION * size), replace=False)
    place = (rng.integers(amplifiers), np.arange(rows * 2 // 5), rng.integers(columns))
    column = np.setdiff1d(np.ravel_multi_index(place, shape), single)
    rates = [20 * 10 ** rng.uniform(0, 1, single.size), np.full(column.size, 5.0)]
    return np.concatenate([single, column]), np.concatenate(rates).astype(np.float32)


def response(rng: np.random.Generator, shape: tuple[int, int, int]) -> Pixels:
    """Return the relative response: scatter, dead pixels, one dead column, vignetting and dust."""
    amplifiers, rows, columns = shape
    values = 1 + _PIXEL_RESPONSE_SCATTER * rng.standard_normal(shape, dtype=np.float32)
    size = values.size
    dead = rng.choice(size, int(_DEAD_FRACTION * size), replace=False)
    values.reshape(-1)[dead] = rng.uniform(0.1, 0.5, dead.size)
    values[rng.integers(amplifiers), rows // 2 :, rng.integers(columns)] = 0.3
    x, y = coordinates(shape)
    return np.asarray(values * (1 - 0.04 * (x**2 + y**2)) * _dust(rng, shape), dtype=np.float32)


def _dust(rng: np.random.Generator, shape: tuple[int, int, int]) -> NDArray[Any]:
    """Return out-of-focus shadows of dust: rings of 1 to 3%."""
    _, rows, columns = shape
    image = np.ones((2 * rows, 8 * columns))
    for _ in range(12):
        radius = int(rng.uniform(0.01, 0.025) * columns * 8) + 2
        y, x = (int(rng.integers(radius, side - radius)) for side in image.shape)
        distance = np.hypot(*np.ogrid[-radius:radius, -radius:radius]) / radius
        ring = (distance > 0.3) & (distance < 1)
        image[y - radius : y + radius, x - radius : x + radius] -= rng.uniform(0.01, 0.03) * ring
    return split(image)
