"""What the model of a detector predicts for calibrations, to compare them with.

Combined calibrations are in electrons, made from overscan-subtracted frames that are not the first after
idling and are clipped against cosmic rays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..datasets.types import assemble
from .model import SensorModel, Values, per_amplifier
from .sharing import shared, variance_shrinkage

__all__ = [
    "bias_image",
    "dark_image",
    "dark_noise",
    "flat_image",
    "flat_noise",
    "flat_variance",
    "frame_noise",
    "hot_pixels",
    "insensitive_pixels",
    "level_error",
    "turnoff",
    "variance_shrinkage",
]

_ROUNDING = 1 / 12
"""Variance of rounding to whole counts, in ADU²."""


def frame_noise(model: SensorModel) -> Values:
    """Return the noise of one bias frame per amplifier, in electrons: read noise and the rounding to whole counts.

    Combined from n frames it is smaller by sqrt(n); of a frame less a combination of n others it is larger by
    sqrt(1 + 1/n), and smaller by sqrt(1 - 1/n) if the frame is one of them.

    Parameters
    ----------
    model
        The detector.

    Returns
    -------
    noise
        Shape ``(16,)``.
    """
    return np.asarray(np.sqrt(model.read_noise**2 + _ROUNDING * model.gain**2), dtype=float)


def level_error(model: SensorModel, n_frames: int) -> Values:
    """Return the error of the mean level of each amplifier, in electrons, in a combined bias.

    What is subtracted is at best the mean of the overscan, which has its own error. Its first column, which holds
    deferred charge of the image, is not used.

    Parameters
    ----------
    model
        The detector.
    n_frames
        Frames combined.

    Returns
    -------
    error
        Shape ``(16,)``.
    """
    _, rows, columns = model.shape
    per_frame = 1 / (rows * columns) + 1 / (rows * (model.overscan_columns - 1))
    return np.asarray(frame_noise(model) * np.sqrt(per_frame / n_frames), dtype=float)


def bias_image(model: SensorModel) -> NDArray[np.float32]:
    """Return the combined bias without noise: the structure that the overscan does not have, in electrons.

    Parameters
    ----------
    model
        The detector.

    Returns
    -------
    image
        Assembled detector image.
    """
    return assemble(model.bias_structure * per_amplifier(model.gain))


def dark_image(model: SensorModel) -> NDArray[np.float32]:
    """Return the combined dark without noise, in electron/s: dark current, hot pixels included.

    Parameters
    ----------
    model
        The detector.

    Returns
    -------
    image
        Assembled detector image.
    """
    return assemble(model.dark_rate())


def dark_noise(model: SensorModel, dark_times: NDArray[np.float64], n_bias: int | None = None) -> Values:
    """Return the noise of a combined dark in electron/s, in pixels that are not hot.

    A frame of t seconds has the variance (σ² + d t) / t² with `frame_noise` σ and dark current d, and the
    weight t², as is best for frames limited by read noise. The noise of the bias is the same in all of them
    and adds σ / sqrt(n_bias) Σt / Σt² in quadrature.

    Parameters
    ----------
    model
        The detector.
    dark_times
        Dark time of each frame in s.
    n_bias
        Frames in the bias that was subtracted; None for a bias without noise.

    Returns
    -------
    noise
        Shape ``(16,)``.
    """
    times = np.asarray(dark_times, dtype=float)[:, np.newaxis]
    read = frame_noise(model) ** 2
    frames = (times**2 * (read + model.dark_current * times)).sum(axis=0)
    bias = 0.0 if n_bias is None else read / n_bias * times.sum() ** 2
    return np.asarray(np.sqrt(frames + bias) / (times**2).sum(), dtype=float)


def flat_noise(model: SensorModel, level: float, n_frames: int) -> Values:
    """Return the relative noise of a combined flat, where it is close to 1.

    Parameters
    ----------
    model
        The detector.
    level
        Mean signal of a frame in electrons.
    n_frames
        Frames combined.

    Returns
    -------
    noise
        Shape ``(16,)``.
    """
    variance = level * variance_shrinkage(level, model.a00) + frame_noise(model) ** 2
    return np.asarray(np.sqrt(variance / n_frames) / level, dtype=float)


def flat_image(model: SensorModel, physical_filter: str, level: float = 0.0) -> NDArray[np.float32]:
    """Return the combined flat without noise: response, vignetting and dust, with a mean of 1.

    Parameters
    ----------
    model
        The detector.
    physical_filter
        What is in the beam.
    level
        Mean signal in electrons of the frames, if they are not corrected for what their pixels have `shared`; 0 if
        they are.

    Returns
    -------
    image
        Assembled detector image.
    """
    light = model.illumination(physical_filter)
    if level:
        light *= np.float32(level / light.mean(dtype=float))
        light = np.stack([shared(amplifier, model.a00) for amplifier in light])
    electrons = assemble(light)
    return np.asarray(electrons / electrons.mean(dtype=float), dtype=np.float32)


def flat_variance(model: SensorModel, means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the variance of flats from pairs, in ADU²: the photon transfer curve that a fit should find.

    (exp(2 a00 g m) - 1) / (2 a00 g²) + n / g², Astier et al. 2019, equation 16, with mean m in ADU, gain g
    and squared read noise n in electrons²; and the rounding.

    Parameters
    ----------
    model
        The detector.
    means
        Mean level of each amplifier in ADU, shape ``(..., 16)``, above zero and below `turnoff`.

    Returns
    -------
    variances
        Of the shape of ``means``.
    """
    shot = means / model.gain * variance_shrinkage(means * model.gain, model.a00)
    return np.asarray(shot + (frame_noise(model) / model.gain) ** 2, dtype=float)


def turnoff(model: SensorModel) -> Values:
    """Return the level above which pixels are full and the variance breaks down, in ADU.

    Parameters
    ----------
    model
        The detector.

    Returns
    -------
    level
        Shape ``(16,)``.
    """
    return model.full_well / model.gain


def hot_pixels(model: SensorModel, threshold: float = 1.0) -> NDArray[np.bool_]:
    """Return the pixels whose dark current is above a threshold.

    Parameters
    ----------
    model
        The detector.
    threshold
        electron/s.

    Returns
    -------
    mask
        Assembled detector image.
    """
    return assemble(model.dark_rate() > threshold)


def insensitive_pixels(model: SensorModel, threshold: float = 0.75) -> NDArray[np.bool_]:
    """Return the dead pixels and columns: those that see less than a fraction of the light their neighbours see.

    Parameters
    ----------
    model
        The detector.
    threshold
        Relative response; vignetting and dust alone stay above 0.85.

    Returns
    -------
    mask
        Assembled detector image.
    """
    return assemble(model.response < threshold)
