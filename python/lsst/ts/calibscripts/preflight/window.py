"""The limits for the level of the first flats, and the levels that are compared with them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from ..config import CalibrationsConfig, same_time
from ..errors import FlatLevelError, describe
from ..repository import Repository, Signal
from ..tables.instruments import INSTRUMENTS

__all__ = ["LEVELS_LOOKED_AT", "Levels", "Window", "read_signal", "read_signals"]

LEVELS_LOOKED_AT = 2
"""Number of flats that, if all are outside the limits, end the taking of the set."""

LEAST_OVER_NOISE = 50.0
"""Signal over noise of one pixel below which a flat is not a flat: 2500 electrons, where noise is that of light."""

_DETECTORS_LOOKED_AT = 2
"""Number of detectors of which one must have a level, for an exposure to have one."""

_TOO_BRIGHT = (
    "Check filter, exposure times and the lamp; shorten exp_times_flat, in the configuration or the BLOCK."
)


@dataclass(frozen=True)
class Levels:
    """Levels of flats."""

    read: Mapping[int, Signal] = field(default_factory=dict)  #: Exposure -> its signal.
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

    def unfit(self, signals: Mapping[int, Signal], times: Mapping[int, float]) -> dict[str, tuple[int, ...]]:
        """Return which flats are to be left out of their set, by the reason.

        Parameters
        ----------
        signals : mapping [`int`, `Signal`]
            Exposure -> its signal.
        times : mapping [`int`, `float`]
            Exposure -> its exposure time, seconds. Only flats that are exposed as long as the first one are compared
            with limits: others are meant to be brighter or darker.
        """
        first = next(iter(signals), 0)
        alike = {
            e: s for e, s in signals.items() if same_time(times.get(e, math.nan), times.get(first, math.nan))
        }
        low, high = self.low or 0.0, math.inf if self.high is None else self.high
        dark = [e for e, s in alike.items() if s.level < low]
        bright = [e for e, s in alike.items() if s.level > high]
        noisy = [e for e, s in alike.items() if s.over_noise < LEAST_OVER_NOISE and e not in dark]
        levels = {e: s.level for e, s in alike.items()}
        found = {
            f"{_span(levels, dark)} ADU, flat_counts_min is {low:g}": dark,
            f"{_span(levels, bright)} ADU, flat_counts_max is {high:g}": bright,
            f"signal over noise is {_span({e: s.over_noise for e, s in alike.items()}, noisy)}, at least "
            f"{LEAST_OVER_NOISE:g} is needed": noisy,
        }
        return {why: tuple(exposures) for why, exposures in found.items() if exposures}

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


def _span(values: Mapping[int, float], exposures: Sequence[int]) -> str:
    """Return the values of some exposures in few words."""
    low, high = (f(map(values.__getitem__, exposures), default=0.0) for f in (min, max))
    return f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"


def read_signal(
    repository: Repository, instrument: str, exposure: int, detectors: Sequence[int]
) -> Signal | str:
    """Read the level of a flat, and its noise. Blocks.

    Returns
    -------
    `Signal` or `str`
        Of the first of its detectors that has a level; or why there is none.
    """
    why = "it has no raw image"
    for detector in detectors[:_DETECTORS_LOOKED_AT]:
        try:
            signal = repository.level(instrument, exposure, detector)
        except Exception as error:
            # Whatever is wrong with this file: the level of another detector or exposure will do.
            why = describe(error)
            continue
        if math.isfinite(signal.level):
            return signal
        why = f"the level of detector {detector} is {signal.level}"
    return why


def read_signals(
    repository: Repository,
    instrument: str,
    exposures: Sequence[int],
    detectors: Sequence[int],
    known: Mapping[int, Signal] = MappingProxyType({}),
) -> Levels:
    """Read the levels of flats, except of those that are known already. Blocks."""
    read: dict[int, Signal] = {}
    unread: dict[int, str] = {}
    for exposure in exposures:
        signal = known.get(exposure) or read_signal(repository, instrument, exposure, detectors)
        if isinstance(signal, str):
            unread[exposure] = signal
        else:
            read[exposure] = signal
    return Levels(read, unread)
