"""The way of charge from the pixels to the counts: what a detector does to it apart from gain and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["KINK_FROM", "Electronics"]

KINK_FROM = 10_000.0
"""ADU above which an amplifier with a kink counts too little."""


@dataclass(frozen=True, eq=False, repr=False)
class Electronics:
    """Small deviations from a perfect read-out."""

    #: Shape ``(16,)``, in 1/ADU: counts m stand for m + nonlinearity m² counts of a linear amplifier.
    nonlinearity: NDArray[np.float64]
    #: Shape ``(16, 16)``: fraction of the signal (electrons) of the second amplifier that appears in the
    #: first.
    crosstalk: NDArray[np.float64]
    #: Shape ``(16,)``: fraction of a pixel's charge that is read out with the next pixel of its row.
    deferred_charge: NDArray[np.float64]
    kink: float = 0.0  #: Fraction of the counts above `KINK_FROM` that is lost; 0 in good health.

    @classmethod
    def make(cls, rng: np.random.Generator) -> Electronics:
        """Make electronics as good as real ones.

        Parameters
        ----------
        rng
            Random numbers.

        Returns
        -------
        electronics
            About 1 % non-linear at 100,000 ADU, with 1e-4 to 4e-4 of the signal of each neighbour, and with
            1e-4 to 3e-4 of the charge deferred.
        """
        crosstalk = np.zeros((16, 16))
        for half in (0, 8):
            for index in range(half, half + 7):
                crosstalk[index, index + 1], crosstalk[index + 1, index] = rng.uniform(1e-4, 4e-4, 2)
        return cls(rng.uniform(0.6e-7, 1.4e-7, 16), crosstalk, rng.uniform(1e-4, 3e-4, 16))

    def counts(self, electrons: NDArray[np.float32], gain: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return what the converters count.

        Parameters
        ----------
        electrons
            Charge in the imaging pixels, shape ``(16, rows, columns)``.
        gain
            electron/ADU, shape ``(16,)``.

        Returns
        -------
        counts
            ADU, not rounded, shape ``(16, rows, columns + 1)``: the last column is what each row leaves in the
            first pixel of its overscan.
        """
        amplifiers, rows, columns = electrons.shape
        deferred = electrons * _per_pixel(self.deferred_charge)
        counts = np.zeros((amplifiers, rows, columns + 1), dtype=np.float32)
        counts[:, :, :-1] = electrons - deferred
        counts[:, :, 1:] += deferred
        counts /= _per_pixel(gain)
        # The positive root of m + nonlinearity m² = counts, without a difference of two nearly equal numbers.
        counts /= (1 + np.sqrt(1 + 4 * _per_pixel(self.nonlinearity) * counts)) / 2
        if self.kink:
            counts -= np.float32(self.kink) * np.maximum(counts - np.float32(KINK_FROM), 0)
        disturbing = (self.crosstalk * gain / gain[:, np.newaxis]).astype(np.float32)
        counts += (disturbing @ counts.reshape(amplifiers, -1)).reshape(counts.shape)
        return counts


def _per_pixel(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return values.astype(np.float32)[:, np.newaxis, np.newaxis]
