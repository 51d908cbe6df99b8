"""The non-linearity of an amplifier from flats of different exposure times; numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..datasets.calibrations import Linearizer
from ..datasets.types import PhotonTransferCurve

__all__ = ["fit_linearizer", "light_factors"]

_SYSTEMATIC = 2e-4
"""Part of a level that the curve may miss."""
_BELOW = 0.9
"""Levels above this part of the turnoff are left out where the curve breaks down: the first pixels are full there."""


@dataclass(frozen=True)
class _Fit:
    coefficient: float
    error: float
    residuals: tuple[float, ...]


def fit_linearizer(
    curve: PhotonTransferCurve, gains: Mapping[str, float], factors: Mapping[int, float]
) -> Linearizer:
    """Find what makes the levels of flats proportional to their light.

    Parameters
    ----------
    curve
        Photon transfer curve of counts that are not linear, with levels and exposure times of its pairs.
    gains
        Nominal gains in electron/ADU.
    factors
        Light of a pair relative to its exposure time, by the first exposure; 1 where there is none.

    Returns
    -------
    linearizer
        NaN for amplifiers with levels of fewer than three different exposure times.
    """
    pairs = curve.exposure_pairs
    light = np.array(curve.exposure_times) * [factors.get(pair[0], 1.0) for pair in pairs]
    fits = {name: _fit(np.array(curve.means[name]), light, _usable(curve, name)) for name in curve.gain}
    return Linearizer(
        coefficient={name: fit.coefficient for name, fit in fits.items()},
        coefficient_error={name: fit.error for name, fit in fits.items()},
        gain=dict(gains),
        exposures=tuple(pair[0] for pair in pairs),
        means={name: tuple(curve.means[name]) for name in fits},
        residuals={name: fit.residuals for name, fit in fits.items()},
    )


def _usable(curve: PhotonTransferCurve, name: str) -> NDArray[np.bool_]:
    """Return which pairs of an amplifier are below saturation."""
    means, outliers = np.array(curve.means[name]), np.array(curve.outliers[name], dtype=bool)
    limit = _BELOW * curve.turnoff[name] if outliers[np.argmax(means)] else np.inf
    return np.asarray((means > 0) & (means < limit) & ~outliers)


def _fit(means: NDArray[np.float64], light: NDArray[np.float64], used: NDArray[np.bool_]) -> _Fit:
    """Fit offset, sensitivity s and coefficient c of ``mean + c mean² = offset + s light``."""
    nothing = _Fit(float("nan"), float("nan"), tuple(np.full(means.size, np.nan).tolist()))
    if np.unique(np.round(light[used], 3)).size < 3:
        return nothing
    columns = [light / means, -means]
    if np.unique(np.round(light[used], 3)).size > 3:
        columns.append(1 / means)
    weight = 1 / np.sqrt(1 / np.maximum(means, 1.0) ** 2 + _SYSTEMATIC**2)
    matrix = np.stack(columns, axis=1) * weight[:, np.newaxis]
    solution = np.linalg.lstsq(matrix[used], weight[used], rcond=None)[0]
    residuals = np.where(used, 1 - np.stack(columns, axis=1) @ solution, np.nan)
    covariance = np.linalg.pinv(matrix[used].T @ matrix[used])
    return _Fit(float(solution[1]), float(np.sqrt(covariance[1, 1])), tuple(residuals.tolist()))


def light_factors(linearizers: Sequence[Linearizer]) -> dict[int, float]:
    """Return by how much a pair of flats was brighter than its exposure time says, seen by all amplifiers.

    Parameters
    ----------
    linearizers
        Those of all detectors.

    Returns
    -------
    factors
        By the first exposure of the pair: the median over amplifiers; 1 where none has a value.
    """
    seen: dict[int, list[float]] = {}
    for linearizer in linearizers:
        for residuals in linearizer.residuals.values():
            for exposure, residual in zip(linearizer.exposures, residuals, strict=True):
                seen.setdefault(exposure, []).append(residual)
    return {
        exposure: 1 + float(np.nanmedian(values)) if np.isfinite(values).any() else 1.0
        for exposure, values in seen.items()
    }
