"""What changes in a detector from one day to the next, and what verifying images by their own mean does not show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ..datasets.types import AMPLIFIERS, assemble, split
from .model import Pixels, SensorModel

__all__ = ["CHANGED", "CHANGES", "dusty", "glowing", "shifted", "with_dead_column"]

CHANGED = "C04"
"""The amplifier that has changed, or in which it begins."""

_SHIFT = 20.0
_GLOW = 10.0
_REACH = 0.15
_RADIUS = 0.04
_DEPTH = 0.05
_DEAD = 0.3

_AT = AMPLIFIERS.index(CHANGED)


def shifted(model: SensorModel) -> SensorModel:
    """Let an amplifier read 20 ADU more in its image than in its overscan, as with another sequencer file."""
    structure = model.bias_structure.copy()
    structure[_AT] += np.float32(_SHIFT)
    return replace(model, bias_structure=structure)


def glowing(model: SensorModel) -> SensorModel:
    """Let an amplifier glow: 10 electron/s at its corner, a tenth of that a third of its height away."""
    _, rows, columns = model.shape
    y, x = np.ogrid[:rows, :columns]
    rates = (_GLOW * np.exp(-np.hypot(y, x) / (_REACH * rows))).astype(np.float32).ravel()
    pixels = _AT * rows * columns + np.arange(rows * columns)
    elsewhere = ~np.isin(model.hot_pixels, pixels)
    hot = dict(zip(model.hot_pixels.tolist(), model.hot_rates.tolist(), strict=True))
    rates += np.array([hot.get(pixel, 0.0) for pixel in pixels.tolist()], dtype=np.float32)
    return replace(
        model,
        hot_pixels=np.concatenate([model.hot_pixels[elsewhere], pixels]),
        hot_rates=np.concatenate([model.hot_rates[elsewhere], rates]),
    )


def dusty(model: SensorModel) -> SensorModel:
    """Let a grain of dust fall before the detector: a ring of 5 % in the middle of its lower half."""
    image = assemble(model.response)
    height, width = image.shape
    radius = _RADIUS * width
    distance = (
        np.hypot(*np.ogrid[-height // 4 : height - height // 4, -width // 2 : width - width // 2]) / radius
    )
    ring = (distance > 0.5) & (distance < 1)
    response: Pixels = split((image * (1 - _DEPTH * ring)).astype(np.float32))
    return replace(model, response=response)


def with_dead_column(model: SensorModel) -> SensorModel:
    """Let a column of an amplifier, in its middle, lose 70 % of the light, as where a trap keeps its charge."""
    response = model.response.copy()
    response[_AT, :, response.shape[2] // 2] *= np.float32(_DEAD)
    return replace(model, response=response)


CHANGES: Mapping[str, Callable[[SensorModel], SensorModel]] = MappingProxyType(
    {"bias-shifted": shifted, "amplifier-glows": glowing, "dust-ring": dusty, "dead-column": with_dead_column}
)
"""Faults by their names, and what each makes of a detector."""
