"""Charge that a pixel repels from where charge already is, so that its neighbours collect it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .model import Pixels

__all__ = ["shared", "variance_shrinkage"]


def variance_shrinkage(mean: Any, a00: float) -> Any:
    """Return the variance of a flat over that of Poisson, because charge repels charge (brighter-fatter effect).

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


def shared(electrons: Pixels, a00: float) -> Pixels:
    """Return the charge of one amplifier as its pixels have shared it while they filled (brighter-fatter effect).

    A pixel keeps the fraction 1 - c of its charge and gives c/4 to each neighbour; at the edge of the amplifier it
    keeps what has nowhere to go, so charge is conserved. c is such that the variance of a flat, which is
    (1 - c)² + c²/4 of that of Poisson, shrinks as `variance_shrinkage` says.

    Parameters
    ----------
    electrons
        What the pixels would hold without the effect, shape ``(rows, columns)``, with a mean above zero.
    a00
        As for `variance_shrinkage`.

    Returns
    -------
    electrons
        Of the same shape.
    """
    # Below 0.2 there is no such c, but then the pixel is far beyond its full well.
    shrinkage = max(float(variance_shrinkage(electrons.mean(dtype=float), a00)), 0.2)
    part = np.float32((2 - np.sqrt(4 - 5 * (1 - shrinkage))) / 2.5)
    around = np.pad(electrons, 1, mode="edge")
    neighbours = around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]
    return np.asarray((1 - part) * electrons + part / 4 * neighbours, dtype=np.float32)
