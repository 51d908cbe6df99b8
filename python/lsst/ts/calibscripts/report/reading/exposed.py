"""The exposures behind a report: their times and filters, and flats that are too bright. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Exposed", "Levels", "duration", "filters_of", "saturated", "times_of", "times_text"]

_LOST = 0.1
"""Part of the light that a flat has lost when it counts as saturated."""


@dataclass(frozen=True)
class Exposed:
    """Exposure time (seconds) and physical filter of an exposure, as the butler has them."""

    seconds: float
    physical_filter: str


@dataclass(frozen=True)
class Levels:
    """The level of one flat."""

    exposure: int
    seconds: float  #: Exposure time; NaN where it is unknown.
    physical_filter: str  #: Filter; empty where it is unknown.
    #: Median level of the amplifiers and their standard deviation, electron.
    level: float
    spread: float

    @property
    def rate(self) -> float:
        """Level by exposure time, electron/s; NaN where that is unknown."""
        return self.level / self.seconds if self.seconds > 0 else float("nan")


def saturated(levels: Sequence[Levels]) -> tuple[int, ...]:
    """Return the flats that are saturated: they have lost a tenth of the light of the shorter ones.

    Parameters
    ----------
    levels : sequence of `Levels`
        Of the flats.

    Returns
    -------
    `tuple` [`int`]
        Exposures. Flats are compared with those in the same filter that were exposed for at most half as long; a
        flat without such others is never among them.
    """
    return tuple(level.exposure for level in levels if _has_lost_light(level, levels))


def _has_lost_light(level: Levels, levels: Sequence[Levels]) -> bool:
    shorter = [
        other.rate
        for other in levels
        if other.physical_filter == level.physical_filter
        and other.seconds <= level.seconds / 2
        and math.isfinite(other.rate)
    ]
    return bool(shorter) and level.rate < (1 - _LOST) * statistics.median(shorter)


def times_of(exposures: Iterable[int], known: Mapping[int, Exposed]) -> str:
    """Write the exposure times of some exposures, see `times_text`."""
    return times_text(known[e].seconds for e in exposures if e in known)


def times_text(seconds: Iterable[float]) -> str:
    """Write different exposure times, the shortest first, e.g. ``1, 2, 5 s``; empty where none is known.

    Parameters
    ----------
    seconds : iterable of `float`
        Exposure times, seconds. Those that are written alike, to a hundredth of a second, count as equal.
    """
    different = sorted({round(value, 2) for value in seconds if math.isfinite(value)})
    return f"{', '.join(f'{value:g}' for value in different)} s" if different else ""


def filters_of(exposures: Iterable[int], known: Mapping[int, Exposed]) -> str:
    """Write the filters of some exposures, in alphabetical order; empty where none is known."""
    return ", ".join(sorted({known[e].physical_filter for e in exposures if e in known} - {""}))


def duration(seconds: float) -> str:
    """Write a duration in words, e.g. ``5 min 2 s``.

    Parameters
    ----------
    seconds : `float`
        Duration; below a minute a tenth of a second is shown.
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
