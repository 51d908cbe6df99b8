"""The limits for the level of the first flats, and the levels that are compared with them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..config import CalibrationsConfig
from ..errors import FlatLevelError, describe
from ..repository import Repository
from ..tables.instruments import INSTRUMENTS

__all__ = ["LEVELS_LOOKED_AT", "Levels", "Window", "read_level", "read_levels"]

LEVELS_LOOKED_AT = 2
"""Number of flats whose level is compared with the limits."""

_DETECTORS_LOOKED_AT = 2
"""Number of detectors of which one must have a level, for an exposure to have one."""

_TOO_BRIGHT = (
    "Check filter, exposure times and the lamp; shorten exp_times_flat, in the configuration or the BLOCK."
)


@dataclass(frozen=True)
class Levels:
    """Levels of flats."""

    read: Mapping[int, float] = field(default_factory=dict)  #: Exposure -> level, ADU, overscan subtracted.
    unread: Mapping[int, str] = field(default_factory=dict)  #: Exposure -> why its level is unknown.


@dataclass(frozen=True)
class Window:
    """Limits for the level of the first flats, ADU; None for no limit."""

    #: The limits.
    low: float | None
    high: float | None
    too_dark: str = ""  #: What to do where flats are too dark.
    existing: bool = False  #: Are the flats some that exist already?

    @classmethod
    def of(cls, config: CalibrationsConfig, instrument: str, *, existing: bool = False) -> Window | None:
        """Return the limits of a configuration, None where it has none."""
        low, high = config.flat_counts_min, config.flat_counts_max
        if low is None and high is None:
            return None
        record = INSTRUMENTS.get(instrument)
        return cls(low, high, record.light.too_dark if record else "", existing)

    @property
    def names(self) -> str:
        """The properties that hold the limits."""
        limits = {"flat_counts_min": self.low, "flat_counts_max": self.high}
        return " and ".join(name for name, limit in limits.items() if limit is not None)

    def wrong(self, levels: Sequence[float]) -> FlatLevelError | None:
        """Compare the levels of the first flats with the limits; one of them within the limits is enough."""
        if self.low is not None and max(levels) < self.low:
            return self._error("low", max(levels), "flat_counts_min", self.low, self.too_dark)
        if self.high is not None and min(levels) > self.high:
            return self._error("high", min(levels), "flat_counts_max", self.high, _TOO_BRIGHT)
        return None

    def unknown(self, levels: Levels) -> FlatLevelError:
        """Return the error where no level could be read, so that the limits could not be applied."""
        reasons = "; ".join(
            f"{exposure}: {why}" for exposure, why in [*levels.unread.items()][:LEVELS_LOOKED_AT]
        )
        the = "exposures: the" if self.existing else "The"
        return FlatLevelError(
            f"{the} level of the flats is unknown, so {self.names} could not be checked and the flats are not used "
            f"({reasons}). Check the raw images in the repository."
        )

    def _error(self, what: str, level: float, name: str, limit: float, advice: str) -> FlatLevelError:
        problem = f"first flats are too {what}: {level:.0f} ADU, {name} is {limit:g}"
        if self.existing:
            return FlatLevelError(f"exposures: the {problem}. Name other flats, or change {name}.")
        return FlatLevelError(
            f"The {problem}. They are not used, no further flats are taken. {advice}".rstrip()
        )


def read_level(
    repository: Repository, instrument: str, exposure: int, detectors: Sequence[int]
) -> float | str:
    """Read the level of a flat. Blocks.

    Returns
    -------
    `float` or `str`
        ADU, overscan subtracted, of the first of its detectors that has a level; or why there is none.
    """
    why = "it has no raw image"
    for detector in detectors[:_DETECTORS_LOOKED_AT]:
        try:
            level = repository.level(instrument, exposure, detector)
        except Exception as error:
            # Whatever is wrong with this file: the level of another detector or exposure will do.
            why = describe(error)
            continue
        if math.isfinite(level):
            return level
        why = f"the level of detector {detector} is {level}"
    return why


def read_levels(
    repository: Repository, instrument: str, exposures: Sequence[int], detectors: Sequence[int]
) -> Levels:
    """Read the levels of the first flats that have one. Blocks."""
    read: dict[int, float] = {}
    unread: dict[int, str] = {}
    for exposure in exposures:
        level = read_level(repository, instrument, exposure, detectors)
        if isinstance(level, str):
            unread[exposure] = level
        else:
            read[exposure] = level
        if len(read) == LEVELS_LOOKED_AT:
            break
    return Levels(read, unread)
