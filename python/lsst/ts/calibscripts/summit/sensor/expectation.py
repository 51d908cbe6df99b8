"""What the model of a detector predicts for calibrations, to compare them with.

The formulas assume frames of the model that are not the first after idling, clipped against cosmic rays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..storage import assemble
from .model import SensorModel, Values

__all__ = [
    "bias_image",
    "dark_image",
    "dark_noise",
    "flat_image",
    "flat_variance",
    "frame_noise",
    "hot_pixels",
    "insensitive_pixels",
    "level_error",
    "turnoff",
    "variance_shrinkage",
]

_ROUNDING = 1 / 12
"""Variance of rounding to whole ADU, in ADU²."""


def variance_shrinkage(mean: Any, a00: float) -> Any:
    """Variance of a flat over that of Poisson, because charge repels charge (brighter-fatter effect).

    (exp(2 a00 μ) - 1) / (2 a00 μ): Astier et al. 2019 (A&A 629, A36), equation 16, without the read noise.

    Parameters
    ----------
    mean
        Mean signal μ in electrons, above zero; a number or an array.
    a00
        Relative change of a pixel's area per electron in it; negative.

    Returns
    -------
    shrinkage
        A number up to 1, of the shape of ``mean``.
    """
    return np.expm1(2 * a00 * mean) / (2 * a00 * mean)


def frame_noise(model: SensorModel) -> Values:
    """Noise of one bias frame per amplifier, in ADU: read noise and the rounding to whole counts.

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
    return np.sqrt((model.read_noise / model.gain) ** 2 + _ROUNDING)


def level_error(model: SensorModel, n_frames: int) -> Values:
    """Error of the mean level of each amplifier, in ADU, in a combination of overscan-subtracted frames.

    The level subtracted is the median of the overscan, whose variance is π/2 times that of the mean.

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
    per_frame = 1 / (rows * columns) + np.pi / 2 / (rows * model.overscan_columns)
    return np.asarray(frame_noise(model) * np.sqrt(per_frame / n_frames), dtype=float)


def bias_image(model: SensorModel) -> NDArray[np.float32]:
    """Combined bias without noise: the structure that the overscan does not have, in ADU.

    Parameters
    ----------
    model
        The detector.

    Returns
    -------
    image
        Assembled detector image.
    """
    return assemble(model.bias_structure)


def dark_image(model: SensorModel) -> NDArray[np.float32]:
    """Combined dark without noise, in ADU/s: dark current over gain, hot pixels included.

    Parameters
    ----------
    model
        The detector.

    Returns
    -------
    image
        Assembled detector image.
    """
    return assemble(model.dark_rate() / model.gain[:, np.newaxis, np.newaxis].astype(np.float32))


def dark_noise(model: SensorModel, dark_times: NDArray[np.float64]) -> Values:
    """Noise of a combined dark in ADU/s, in pixels that are not hot, for the plain mean of frames per time.

    Each frame has the variance (σ² + 1/12 + d t / g²) / t², with read noise σ in ADU, dark current d and gain
    g; the noise of the bias that was subtracted is not in it.

    Parameters
    ----------
    model
        The detector.
    dark_times
        Dark time of each frame in s.

    Returns
    -------
    noise
        Shape ``(16,)``.
    """
    times = np.asarray(dark_times, dtype=float)[:, np.newaxis]
    shot = model.dark_current * times / model.gain**2
    variances = (frame_noise(model) ** 2 + shot) / times**2
    return np.asarray(np.sqrt(variances.sum(axis=0)) / len(times), dtype=float)


def flat_image(model: SensorModel, physical_filter: str) -> NDArray[np.float32]:
    """Combined flat without noise: response, vignetting, dust and gain steps, with a mean of 1.

    Parameters
    ----------
    model
        The detector.
    physical_filter
        What is in the beam.

    Returns
    -------
    image
        Assembled detector image.
    """
    counts = assemble(model.illumination(physical_filter) / model.gain[:, np.newaxis, np.newaxis])
    return np.asarray(counts / counts.mean(), dtype=np.float32)


def flat_variance(model: SensorModel, means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance of flats from pairs, in ADU²: the photon transfer curve that a fit should find.

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
    return np.asarray(shot + frame_noise(model) ** 2, dtype=float)


def turnoff(model: SensorModel) -> Values:
    """Level above which pixels are full and the variance breaks down, in ADU.

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
    """Pixels whose dark current is above a threshold.

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
    """Dead pixels and columns: those that see less than a fraction of the light their neighbours see.

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
