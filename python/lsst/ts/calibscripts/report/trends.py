"""The numbers of a run that are followed over time, and what left its usual range. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["ENOUGH", "LATEST", "Departure", "Measured", "Past", "Quantity", "Trend", "compare"]

ENOUGH = 5
"""Earlier runs that are needed to say what is usual."""

LATEST = 200
"""Earlier runs, the latest ones, that a run is compared with: in years a camera changes."""

ALIKE = 0.1
"""Part by which the levels of flats may differ that are compared."""

_SIGMA_PER_MAD = 1.4826
_SIGMA = 5.0


@dataclass(frozen=True)
class Quantity:
    """Something that is followed over time."""

    #: As they are shown.
    name: str
    unit: str
    #: Departures smaller than this part of the usual value, or than this, are never reported: few earlier
    #: runs say little about how much they scatter.
    relative: float = 0.0
    absolute: float = 0.0


READ_NOISE = Quantity("read noise", "electron", relative=0.02)
DARK_RESIDUAL = Quantity("residual of darks", "electron", absolute=0.5)
DARK_CURRENT = Quantity("dark current", "electron/s", relative=0.1, absolute=0.005)
GAIN = Quantity("gain", "electron/ADU", relative=0.02)
FLAT_LEVEL = Quantity("flat level", "electron/s", relative=0.02)
DEFECTS = Quantity("defects", "pixels", relative=0.2, absolute=20)
_QUANTITIES = {q.name: q for q in (READ_NOISE, DARK_RESIDUAL, DARK_CURRENT, GAIN, FLAT_LEVEL, DEFECTS)}


@dataclass(frozen=True)
class Measured:
    """A quantity as one run measured it."""

    quantity: str  #: Name of a `Quantity`.
    #: What must be the same for two runs to be compared: filter, exposure times, number of frames; may be
    #: empty.
    condition: str
    values: Mapping[str, float]  #: By detector and amplifier (``RXX_S00 C10``) or by detector.
    #: Median level of the flats it was measured from, electron, where the level matters: runs are compared
    #: only where theirs agree within `ALIKE`.
    level: float | None = None

    @property
    def median(self) -> float:
        """Of all values."""
        return statistics.median(self.values.values()) if self.values else math.nan

    def is_like(self, other: Measured) -> bool:
        """Return whether both were measured under the same conditions, so that they can be compared."""
        if (self.quantity, self.condition) != (other.quantity, other.condition):
            return False
        if self.level is None or other.level is None:
            return self.level is other.level
        return abs(self.level - other.level) <= ALIKE * max(self.level, other.level)

    @property
    def unit(self) -> str:
        """Of the values."""
        return _QUANTITIES[self.quantity].unit if self.quantity in _QUANTITIES else ""


@dataclass(frozen=True)
class Past:
    """What an earlier run measured."""

    name: str  #: Its name.
    tai: str  #: When it was, ISO-8601, TAI.
    measured: tuple[Measured, ...]  #: The quantities.
    #: Name and condition of the quantities of which something was outside its usual range then.
    departed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Departure:
    """A value that left its usual range."""

    part: str  #: Detector and amplifier, or detector.
    #: The value and its usual range.
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Trend:
    """A quantity over time."""

    #: What it is, see `Measured`.
    quantity: str
    condition: str
    unit: str
    #: Time (ISO-8601, TAI) and median of each run that measured it, the oldest first, this one last.
    points: tuple[tuple[str, float], ...]
    departures: tuple[Departure, ...] = ()  #: What left its usual range in this run, the farthest first.
    known: bool = False  #: Are there enough earlier runs to know what is usual?
    #: Usual range of each value, where there are enough earlier runs to know it.
    usual: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Name and condition."""
        return f"{self.quantity}, {self.condition}" if self.condition else self.quantity


def compare(tai: str, measured: Sequence[Measured], past: Sequence[Past]) -> tuple[Trend, ...]:
    """Set what a run measured beside what earlier ones did.

    Parameters
    ----------
    tai : `str`
        When this run was.
    past : sequence of `Past`
        Earlier runs, the oldest first.

    Returns
    -------
    `tuple` [`Trend`]
        One for each quantity. The usual range of a value is the median of the same value in the earlier runs,
        plus or minus the largest of 5 spreads (1.4826 times the median absolute deviation) and what the
        `Quantity` says is too little to matter. At least `ENOUGH` earlier runs are needed.
    """
    return tuple(_trend(tai, now, past) for now in measured)


def _trend(tai: str, now: Measured, past: Sequence[Past]) -> Trend:
    same = [(run.tai, earlier) for run in past for earlier in run.measured if earlier.is_like(now)]
    points = (*((when, earlier.median) for when, earlier in same), (tai, now.median))
    usual = {
        part: limits
        for part in now.values
        if (limits := _usual(now.quantity, [e.values[part] for _, e in same if part in e.values]))
    }
    found = [
        Departure(part, now.values[part], low, high)
        for part, (low, high) in usual.items()
        if not low <= now.values[part] <= high
    ]
    found.sort(key=lambda d: max(d.low - d.value, d.value - d.high) / ((d.high - d.low) or 1.0), reverse=True)
    return Trend(now.quantity, now.condition, now.unit, points, tuple(found), len(same) >= ENOUGH, usual)


def _usual(quantity: str, earlier: Sequence[float]) -> tuple[float, float] | None:
    """Return the usual range of a value, None where too few earlier ones are known."""
    if len(earlier) < ENOUGH:
        return None
    usual = statistics.median(earlier)
    spread = _SIGMA_PER_MAD * statistics.median(abs(e - usual) for e in earlier)
    limits = _QUANTITIES.get(quantity, Quantity(quantity, ""))
    margin = max(_SIGMA * spread, limits.relative * abs(usual), limits.absolute)
    return usual - margin, usual + margin
