"""How much of its nominal light the lamp of LATISS gives while it is said to be on and warm."""

from __future__ import annotations

import math

from ...faults.faults import Faults
from ..csc import HardwareClock

__all__ = ["LampOutput"]

AGED = 0.3
"""Fraction of its light that an aged lamp has left."""

LACKS = 0.4
"""Fraction of its light that a lamp lacks at first which is said to be warm, but is not."""


class LampOutput:
    """The light of a lamp as the faults have it.

    Parameters
    ----------
    clock : `HardwareClock`
        Time in which it becomes warm.
    faults : `Faults`
        ``lamp-off``, ``lamp-aged``, ``lamp-warming``.
    """

    def __init__(self, clock: HardwareClock, faults: Faults) -> None:
        self._clock, self._faults = clock, faults
        self._begun = clock.tai()

    def fraction(self) -> float:
        """Return the fraction of the nominal light at this moment."""
        if self._faults.hits("lamp-off"):
            return 0.0
        fraction = AGED if self._faults.hits("lamp-aged") else 1.0
        if self._faults.hits("lamp-warming"):
            since = self._clock.tai() - self._begun
            fraction *= 1.0 - LACKS * math.exp(-since / self._faults["lamp-warming"].delay)
        return fraction
