"""Calibrations of the electronics of a detector: what the simulated summit keeps of them in a butler repository.

Every mapping has the amplifier's name as its key; a value that could not be measured is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .types import Provenance

__all__ = ["BrighterFatterKernel", "CrosstalkMatrix", "DeferredCharge", "Linearizer", "by_amplifier"]


@dataclass(frozen=True)
class Linearizer:
    """What makes the counts of an amplifier proportional to its charge: ``counts + coefficient * counts²``."""

    #: In 1/ADU.
    coefficient: Mapping[str, float]
    coefficient_error: Mapping[str, float]
    gain: Mapping[str, float]  #: Gain in electron/ADU that the counts were measured with.
    #: First exposure of each pair of flats it was found from; empty where there were none.
    exposures: tuple[int, ...] = ()
    #: Mean counts of these pairs in ADU.
    means: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    #: Relative deviation of these counts, made linear, from proportionality to the light.
    residuals: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    kind: str = "Squared"  #: Form of the curve, as ip_isr calls it.
    provenance: Provenance = field(default_factory=dict)  #: Inputs, set when the butler writes the dataset.


@dataclass(frozen=True)
class CrosstalkMatrix:
    """How much of the signal of each amplifier appears in the others."""

    #: Amplifier that is disturbed to the one that disturbs it to the ratio of electrons.
    ratios: Mapping[str, Mapping[str, float]]
    provenance: Provenance = field(default_factory=dict)  #: Inputs, set when the butler writes the dataset.


@dataclass(frozen=True)
class DeferredCharge:
    """How much of a pixel's charge is read out one pixel too late."""

    #: Fraction of the charge.
    fraction: Mapping[str, float]
    fraction_error: Mapping[str, float]
    provenance: Provenance = field(default_factory=dict)  #: Inputs, set when the butler writes the dataset.


@dataclass(frozen=True)
class BrighterFatterKernel:
    """How much charge of a pixel its neighbours receive as it fills."""

    #: Relative change of a pixel's area per electron in it, Astier et al. (2019); negative.
    a00: Mapping[str, float]
    gain: Mapping[str, float]  #: Gain in electron/ADU that it was found with.
    provenance: Provenance = field(default_factory=dict)  #: Inputs, set when the butler writes the dataset.


def by_amplifier(values: Mapping[str, float], amplifiers: Sequence[str]) -> NDArray[np.float32]:
    """Return values so that they broadcast to pixels.

    Parameters
    ----------
    values
        By amplifier.
    amplifiers
        Names, in the order of the pixels.

    Returns
    -------
    values
        float32, shape ``(n_amplifiers, 1, 1)``.

    Raises
    ------
    KeyError
        If one has no value: the calibration is that of another detector.
    """
    return np.array([values[name] for name in amplifiers], dtype=np.float32)[:, np.newaxis, np.newaxis]
