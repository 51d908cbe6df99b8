"""Reference calibrations of the electronics of a detector, as they are known from the sensor model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..datasets.calibrations import BrighterFatterKernel, CrosstalkMatrix, DeferredCharge, Linearizer
from ..datasets.types import AMPLIFIERS, PhotonTransferCurve
from ..sensor import SensorModel, expectation
from ..sensor.model import generator

__all__ = ["kernel", "linearizer", "photon_transfer_curve", "ratios", "trails"]

_GAIN_ERROR = 2e-4
"""Relative error of a gain from many pairs of flats of full size."""
_COEFFICIENT_ERROR = 0.01
"""Relative error of the non-linearity, of the deferred charge and of the brighter-fatter term."""


def _named(values: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(AMPLIFIERS, values.tolist(), strict=True))


def _measured(
    model: SensorModel, what: str, values: NDArray[np.float64], error: float
) -> NDArray[np.float64]:
    """Return values with an error that is always the same."""
    rng = generator(model.seed, model.instrument, model.detector.id, f"reference {what}")
    return values * (1 + error * rng.standard_normal(values.shape))


def photon_transfer_curve(model: SensorModel) -> PhotonTransferCurve:
    """Return the photon transfer curve: gains, read noise, turnoff and brighter-fatter term.

    Parameters
    ----------
    model
        The detector.

    Returns
    -------
    curve
        Without the pairs that it might have been measured from.
    """
    gain = _measured(model, "ptc", model.gain, _GAIN_ERROR)
    noise = expectation.frame_noise(model)
    return PhotonTransferCurve(
        gain=_named(gain),
        gain_error=_named(gain * _GAIN_ERROR),
        noise=_named(noise),
        noise_error=_named(noise * _COEFFICIENT_ERROR),
        turnoff=_named(expectation.turnoff(model)),
        a00=dict.fromkeys(AMPLIFIERS, model.a00),
        a00_error=dict.fromkeys(AMPLIFIERS, abs(model.a00) * _COEFFICIENT_ERROR),
        fit_type="EXPAPPROXIMATION",
    )


def linearizer(model: SensorModel) -> Linearizer:
    """Return what makes counts linear.

    Parameters
    ----------
    model
        The detector.

    Returns
    -------
    linearizer
        Without the flats that it might have been found from.
    """
    values = _measured(model, "linearizer", model.electronics.nonlinearity, _COEFFICIENT_ERROR)
    return Linearizer(_named(values), _named(values * _COEFFICIENT_ERROR), _named(model.gain))


def ratios(model: SensorModel) -> CrosstalkMatrix:
    """Return the ratios of crosstalk, without an error.

    Parameters
    ----------
    model
        The detector.

    Returns
    -------
    crosstalk
        The ratios above zero.
    """
    return CrosstalkMatrix(
        {
            name: {other: ratio for other, ratio in _named(row).items() if ratio}
            for name, row in zip(AMPLIFIERS, model.electronics.crosstalk, strict=True)
        }
    )


def trails(model: SensorModel) -> DeferredCharge:
    """Return the deferred charge.

    Parameters
    ----------
    model
        The detector.

    Returns
    -------
    deferred
        Fractions.
    """
    values = _measured(model, "cti", model.electronics.deferred_charge, _COEFFICIENT_ERROR)
    return DeferredCharge(_named(values), _named(values * _COEFFICIENT_ERROR))


def kernel(model: SensorModel) -> BrighterFatterKernel:
    """Return the brighter-fatter kernel.

    Parameters
    ----------
    model
        The detector.

    Returns
    -------
    kernel
        The same for all amplifiers.
    """
    return BrighterFatterKernel(dict.fromkeys(AMPLIFIERS, model.a00), _named(model.gain))
