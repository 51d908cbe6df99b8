"""How light, dark current and cosmic rays become the counts of a raw frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..datasets.types import AMPLIFIERS, RawFrame
from ..hardware.observation import Observation, raw_header
from .model import Pixels, SensorModel, generator, per_amplifier
from .sharing import shared

__all__ = ["expose"]

_ADU_MAX = 2**18 - 1
_LEVEL_DRIFT = 2.0
"""Scatter of an amplifier's bias level from frame to frame, in ADU: why the overscan is subtracted."""


def expose(model: SensorModel, observation: Observation) -> RawFrame:
    """Take one frame; the same model and exposure id yield the same pixels.

    Parameters
    ----------
    model
        The detector.
    observation
        The exposure. It is lit if its rate is above zero, whatever its image type.

    Returns
    -------
    frame
        Raw counts of 18 bits.
    """
    rng = generator(model.seed, observation.instrument, model.detector.id, observation.exposure_id)
    electrons = _collect(model, observation, rng)
    return RawFrame(
        header=raw_header(observation, model.detector),
        amplifiers=AMPLIFIERS,
        data=_read_out(model, electrons, observation.first_after_idle, rng),
        image_columns=model.shape[2],
        gains=tuple(model.nominal_gain.round(4).tolist()),
        read_noises=tuple(model.nominal_read_noise.round(3).tolist()),
    )


def _collect(model: SensorModel, observation: Observation, rng: np.random.Generator) -> Pixels:
    """Return the electrons in the imaging pixels at the end of the exposure."""
    electrons = _dark(model, observation.dark_time, rng)
    if (dose := observation.rate * observation.exposure_time) > 0:
        light = model.illumination(observation.physical_filter)
        light *= np.float32(dose)
        for amplifier, expected in zip(electrons, light, strict=True):
            amplifier += expected + _shot_noise(expected, rng)
            # All its charge, not only the fluctuations: the kernel that restores them sharpens dead columns, too.
            amplifier[...] = shared(amplifier, model.a00)
    for _ in range(rng.poisson(model.cosmic_ray_rate * observation.dark_time)):
        _hit(electrons, rng)
    return np.clip(electrons, 0, per_amplifier(model.full_well), out=electrons)


def _dark(model: SensorModel, dark_time: float, rng: np.random.Generator) -> Pixels:
    amplifiers, rows, columns = model.shape
    size = rows * columns
    electrons = np.empty((amplifiers, size), dtype=np.float32)
    for index, total in enumerate(rng.poisson(model.dark_current * dark_time * size)):
        # As many electrons as Poisson says, each in a pixel of its own choice: Poisson in every pixel.
        electrons[index] = np.bincount(rng.integers(size, size=total, dtype=np.int32), minlength=size)
    electrons.reshape(-1)[model.hot_pixels] += rng.poisson(model.hot_rates * dark_time)
    return electrons.reshape(model.shape)


def _shot_noise(light: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the fluctuations of one amplifier about the mean: those of photons."""
    noise = rng.standard_normal(light.shape, dtype=np.float32)
    noise *= np.sqrt(light)
    return noise


def _hit(electrons: Pixels, rng: np.random.Generator) -> None:
    """Return one cosmic ray: a straight track in one amplifier of 300 to 1500 electrons per pixel."""
    amplifiers, rows, columns = electrons.shape
    length = 1 + rng.geometric(0.2)
    angle = rng.uniform(0, 2 * np.pi)
    steps = np.arange(length)
    y = (rng.integers(rows) + steps * np.sin(angle)).astype(int).clip(0, rows - 1)
    x = (rng.integers(columns) + steps * np.cos(angle)).astype(int).clip(0, columns - 1)
    electrons[rng.integers(amplifiers), y, x] += rng.uniform(300, 1500)


def _read_out(
    model: SensorModel, electrons: Pixels, first_after_idle: bool, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Return the counts with bias, overscan and read noise."""
    amplifiers, rows, columns = electrons.shape
    counts = rng.standard_normal((amplifiers, rows, columns + model.overscan_columns), dtype=np.float32)
    counts *= per_amplifier(model.read_noise / model.gain)
    counts += per_amplifier(model.bias_level + rng.normal(0, _LEVEL_DRIFT, amplifiers))
    image = counts[:, :, :columns]
    # The charge that the last pixel of a row leaves behind is all that the overscan sees of the image.
    counts[:, :, : columns + 1] += model.electronics.counts(electrons, model.gain)
    image += model.bias_structure
    if first_after_idle:
        image += _idle_residue(rows, rng)
    return np.clip(np.rint(counts, out=counts), 0, _ADU_MAX, out=counts).astype(np.int32)


def _idle_residue(rows: int, rng: np.random.Generator) -> Pixels:
    """Return what an idle camera leaves in its first frame, in ADU: charge fading with the rows, striped rows."""
    fading = 10 + 40 * np.exp(-np.arange(rows) / (rows / 3))
    return np.asarray(fading + rng.normal(0, 8, rows), dtype=np.float32)[:, np.newaxis]
