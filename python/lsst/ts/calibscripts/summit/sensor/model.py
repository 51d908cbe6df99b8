"""Physical model of a detector in electrons."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..datasets.types import AMPLIFIERS
from ..hardware.focalplane import Detector, detectors
from . import pixels
from .electronics import Electronics

__all__ = [
    "REFERENCE_GAIN",
    "SMALL_SCALE",
    "Pixels",
    "SensorModel",
    "Values",
    "generator",
    "noisier",
    "per_amplifier",
]

Pixels: TypeAlias = NDArray[np.float32]
"""Something per pixel, shape ``(16, rows, columns)`` in the order of `AMPLIFIERS`."""

Values: TypeAlias = NDArray[np.float64]
"""Something per amplifier, shape ``(16,)`` in the order of `AMPLIFIERS`."""

REFERENCE_GAIN = 1.1
"""Mean gain in electron/ADU; a rate in ADU/s is one at this gain."""

SMALL_SCALE = 8
"""By how much the frames of a rehearsal are smaller than real ones, in each direction."""

_FULL_WELL_ADU = 123_000.0
_A00 = -2.4e-6


@dataclass(frozen=True, eq=False, repr=False)
class SensorModel:
    """Everything that determines the frames of one detector, from a seed."""

    #: Which detector.
    instrument: str
    detector: Detector
    seed: int  #: Seed of the model and of all its exposures.
    scale: int  #: 1 for 2000 x 509 imaging pixels per amplifier, else that much smaller in each direction.
    gain: Values  #: electron/ADU, per amplifier.
    nominal_gain: Values  #: Gain of the amplifiers in good health, as in the headers.
    read_noise: Values  #: Electrons, per amplifier.
    #: Read noise of the amplifiers in good health in electrons, as in the headers.
    nominal_read_noise: Values
    bias_level: Values  #: ADU, per amplifier; overscan and image.
    bias_structure: Pixels  #: ADU on top of it, image only, per pixel.
    dark_current: Values  #: electron/s, per amplifier, without the hot pixels.
    #: Hot pixels as positions in the flattened pixels, and what they add in electron/s.
    hot_pixels: NDArray[np.int64]
    hot_rates: Pixels
    cosmic_ray_rate: float  #: Hits per s and detector.
    #: Relative sensitivity of each pixel, dead ones and the shadows of dust and vignetting included.
    response: Pixels
    full_well: Values  #: Electrons, per amplifier.
    electronics: Electronics  #: The way from charge to counts.
    a00: float = _A00  #: Brighter-fatter term in 1/electron, see `sharing.variance_shrinkage`.

    @classmethod
    def for_detector(
        cls, instrument: str, detector: int = 0, seed: int = 0, scale: int = SMALL_SCALE
    ) -> SensorModel:
        """Make the model of one detector; the same arguments yield the same model.

        Parameters
        ----------
        instrument
            LATISS, LSSTComCam or LSSTCam.
        detector
            Id of the detector.
        seed
            Any non-negative number.
        scale
            1 for full-size frames, `SMALL_SCALE` for those of a rehearsal.

        Returns
        -------
        model
            The model.
        """
        rng = generator(seed, instrument, detector)
        shape = _shape(scale)
        gain = REFERENCE_GAIN * (1 + 0.02 * rng.uniform(-1.5, 1.5, 16))
        read_noise = rng.uniform(6.0, 8.0, 16)
        bias_level = rng.normal(20_000, 300, 16)
        dark_current = 0.04 * (1 + rng.uniform(-0.1, 0.1, 16))
        full_well = _FULL_WELL_ADU * REFERENCE_GAIN * (1 + rng.uniform(-0.005, 0.005, 16))
        hot_pixels, hot_rates = pixels.hot_pixels(rng, shape)
        return cls(
            instrument=instrument,
            detector=detectors(instrument)[detector],
            seed=seed,
            scale=scale,
            gain=gain,
            nominal_gain=gain,
            read_noise=read_noise,
            nominal_read_noise=read_noise,
            bias_level=bias_level,
            bias_structure=pixels.bias_structure(rng, shape),
            dark_current=dark_current,
            hot_pixels=hot_pixels,
            hot_rates=hot_rates,
            cosmic_ray_rate=0.05,
            response=pixels.response(rng, shape),
            full_well=full_well,
            # Random numbers of its own, so that all the rest of a seed is as it was without it.
            electronics=Electronics.make(generator(seed, instrument, detector, "electronics")),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Amplifiers, rows and columns of the imaging pixels."""
        return _shape(self.scale)

    @property
    def overscan_columns(self) -> int:
        """Columns of serial overscan after the imaging pixels of a row."""
        return max(64 // self.scale, 4)

    def dark_rate(self) -> Pixels:
        """Return the dark current of each pixel, hot pixels included.

        Returns
        -------
        rate
            electron/s, shape `shape`.
        """
        rate = np.broadcast_to(per_amplifier(self.dark_current), self.shape).copy()
        rate.reshape(-1)[self.hot_pixels] += self.hot_rates
        return rate

    def illumination(self, physical_filter: str) -> Pixels:
        """Return the signal of each pixel per illumination; each filter tilts it a little in its own direction.

        Parameters
        ----------
        physical_filter
            What is in the beam.

        Returns
        -------
        signal
            electron/s for 1 ADU/s at the field centre, shape `shape`.
        """
        tilt = generator(zlib.crc32(physical_filter.encode()), self.instrument, self.detector.id)
        slope_x, slope_y = tilt.uniform(-0.01, 0.01, 2)
        x, y = pixels.coordinates(self.shape)
        tilted = REFERENCE_GAIN * (1 + slope_x * x + slope_y * y)
        return np.asarray(self.response * tilted, dtype=np.float32)


def noisier(model: SensorModel, amplifiers: Collection[str], factor: float) -> SensorModel:
    """Make some amplifiers noisier than their headers say.

    Parameters
    ----------
    model
        A detector.
    amplifiers
        Their names.
    factor
        What their read noise is multiplied with.

    Returns
    -------
    model
        The detector with those amplifiers spoiled.
    """
    spoiled = np.array([name in amplifiers for name in AMPLIFIERS])
    return replace(model, read_noise=np.where(spoiled, factor, 1.0) * model.read_noise)


def generator(*key: int | str) -> np.random.Generator:
    """Make random numbers that only depend on the key.

    Parameters
    ----------
    *key
        Non-negative numbers and texts.

    Returns
    -------
    generator
        The same for the same key, on every machine.
    """
    numbers = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in key]
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(numbers)))


def _shape(scale: int) -> tuple[int, int, int]:
    # 509 columns do not divide; 512 do, and yield the 512 x 500 pixels of a rehearsal.
    return (16, 2000 // scale, 509 if scale == 1 else 512 // scale)


def per_amplifier(values: Values) -> Pixels:
    """Shape values per amplifier so that they broadcast to pixels.

    Parameters
    ----------
    values
        Shape ``(16,)``.

    Returns
    -------
    values
        float32, shape ``(16, 1, 1)``.
    """
    return values.astype(np.float32)[:, np.newaxis, np.newaxis]
