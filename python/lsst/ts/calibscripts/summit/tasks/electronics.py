"""Corrections of what the electronics of a detector do to its charge; numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..datasets.calibrations import BrighterFatterKernel, CrosstalkMatrix, DeferredCharge, by_amplifier

__all__ = ["restore_deferred_charge", "sharpen", "subtract_crosstalk"]

Pixels = NDArray[np.float32]
"""Shape ``(n_amplifiers, rows, columns)``, in the order in which pixels are read out."""


def subtract_crosstalk(
    counts: Pixels, crosstalk: CrosstalkMatrix, amplifiers: Sequence[str], gains: NDArray[np.float64]
) -> None:
    """Subtract from each amplifier, in place, what it shows of the others.

    Parameters
    ----------
    counts
        Counts above the overscan in ADU.
    crosstalk
        Ratios of electrons.
    amplifiers
        Names.
    gains
        electron/ADU, shape ``(n_amplifiers,)``.
    """
    ratios = np.array([[crosstalk.ratios[to].get(source, 0.0) for source in amplifiers] for to in amplifiers])
    disturbance = np.linalg.inv(np.eye(len(amplifiers)) + ratios * gains / gains[:, np.newaxis])
    np.fill_diagonal(disturbance, disturbance.diagonal() - 1)
    flat = counts.reshape(len(amplifiers), -1)
    counts += (disturbance.astype(np.float32) @ flat).reshape(counts.shape)


def restore_deferred_charge(counts: Pixels, deferred: DeferredCharge, amplifiers: Sequence[str]) -> None:
    """Move, in place, the charge that was read out one pixel too late back to where it was.

    Parameters
    ----------
    counts
        Linear counts of the imaging pixels.
    deferred
        Fractions; their squares are neglected.
    amplifiers
        Names.
    """
    late = counts * by_amplifier(deferred.fraction, amplifiers)
    counts += late
    counts[:, :, 1:] -= late[:, :, :-1]


def sharpen(amplifiers: Mapping[str, NDArray[np.float32]], kernel: BrighterFatterKernel) -> None:
    """Return, in place, the charge that pixels lost to their neighbours as they filled (brighter-fatter effect).

    A pixel that shares a part c of its fluctuation with its four neighbours gets it back; c is such that the variance
    of a flat, which is (1 - c)² + c²/4 of that of Poisson, is whole again.

    Parameters
    ----------
    amplifiers
        Charge in electrons of the pixels of each amplifier, shape ``(rows, columns)``.
    kernel
        How strong the effect is.
    """
    for name, pixels in amplifiers.items():
        exponent = 2 * kernel.a00[name] * max(float(np.mean(pixels, dtype=float)), 0.0)
        if not exponent:
            continue
        shrinkage = max(float(np.expm1(exponent) / exponent), 0.2)
        shared = (2 - np.sqrt(4 - 5 * (1 - shrinkage))) / 2.5
        around = np.pad(pixels, 1, mode="edge")
        neighbours = around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]
        pixels += np.float32(shared / (1 - shared)) * (pixels - np.float32(0.25) * neighbours)
