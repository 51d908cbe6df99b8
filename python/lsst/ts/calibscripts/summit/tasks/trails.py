"""Deferred charge, seen in the first pixels of the overscan; numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..datasets.calibrations import DeferredCharge
from ..datasets.types import RawFrame
from .signature import Calibrations, linear_counts, overscan_level

__all__ = ["fit_deferred_charge", "measure_trails"]


def measure_trails(raw: RawFrame, calibrations: Calibrations, *, order: int) -> dict[str, Any]:
    """Measure what the last pixels of the image leave in the first column of the overscan.

    Parameters
    ----------
    raw
        A flat.
    calibrations
        Those that are applied; a correction of the deferred charge is left out.
    order
        Order of the overscan curve.

    Returns
    -------
    statistics
        By amplifier under CTI: LAST_COLUMN, the mean level of the last column of the image, FIRST_OVERSCAN, that of
        the overscan's first column, and its error ERROR, all in linear ADU.
    """
    counts = linear_counts(raw, replace(calibrations, cti=None), order=order)
    level = overscan_level(raw.overscan[:, :, 1:], order)
    first = raw.overscan[:, :, 0] - level
    noise = np.std(raw.overscan[:, :, 1:] - level[:, :, np.newaxis], axis=(1, 2))
    return {
        "CTI": {
            name: {
                "LAST_COLUMN": float(np.mean(counts[index, :, -1], dtype=float)),
                "FIRST_OVERSCAN": float(np.mean(first[index])),
                "ERROR": float(noise[index] / np.sqrt(first.shape[1])),
            }
            for index, name in enumerate(raw.amplifiers)
        }
    }


def fit_deferred_charge(measurements: Sequence[Mapping[str, Any]]) -> DeferredCharge:
    """Find the deferred fraction of each amplifier from many flats.

    Parameters
    ----------
    measurements
        What `measure_trails` returned for each.

    Returns
    -------
    deferred
        Weighted least squares of a proportionality; NaN for an amplifier without light.
    """
    fractions, errors = {}, {}
    for name in measurements[0]["CTI"]:
        charge, trail, error = (
            np.array([measurement["CTI"][name][key] for measurement in measurements])
            for key in ("LAST_COLUMN", "FIRST_OVERSCAN", "ERROR")
        )
        # A fraction stays behind, and so the column holds less than it should by it.
        weight = float(np.sum((charge / error) ** 2))
        ratio = float(np.sum(charge * trail / error**2)) / weight if weight > 0 else float("nan")
        fractions[name] = ratio / (1 + ratio)
        errors[name] = weight**-0.5 if weight > 0 else float("nan")
    return DeferredCharge(fractions, errors)
