"""The exposure time with which flats reach a level, from test flats. Pure: what to do next follows from the tests.

Proportional at first, as a lamp and a detector usually are; then with the power of the time that the last two tests
show, which is below one near saturation. Where they show none, and a test did not come at least half as near, on a
logarithmic scale, as the one before, the range that is left is bisected, on the same scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import TypeAlias

__all__ = [
    "LONGEST",
    "MOST_TESTS",
    "SHORTEST",
    "FlatGoal",
    "Found",
    "NotFound",
    "Obstacle",
    "Trial",
    "TryTime",
    "jump",
    "next_test",
    "rounded",
]

SHORTEST, LONGEST = 0.1, 120.0
"""Exposure times within which one is looked for, seconds; no camera class can open a shutter for less."""

MOST_TESTS = 8
"""Test flats that are taken at most: bisection alone comes within 3 % in them."""

_JUMP = 2.0
"""Tolerances by which the level for each second may grow with the exposure time, for the lamp to be called steady."""

_POWERS = 0.2, 1.2
"""Powers of the time with which a level may grow, for the next time to be computed from the last two tests."""

_NOISE = 0.01
"""Fraction by which the level of a longer exposure may be lower than that of a shorter one, for the same."""

_SHUTTER = 0.05
"""How much shorter than commanded a shutter may be open, seconds: of short exposures that is no jump of the lamp."""


class Obstacle(Enum):
    """Why no exposure time is found."""

    DARK = "too dim with the longest exposure time"
    BRIGHT = "too bright, or saturated, with the shortest exposure time"
    UNSTEADY = "not reached in the test flats"
    UNREAD = "their levels cannot be read"


@dataclass(frozen=True)
class FlatGoal:
    """The level that flats are to have."""

    target: float  #: ADU, raw, overscan subtracted.
    tolerance: float  #: Fraction of it by which a level may differ.
    #: Are the listed exposure times only relative ones, of which the longest is to reach the level?
    scales: bool = False

    @property
    def text(self) -> str:
        """The level as an observer reads it, e.g. ``20000 ADU (within 5 %)``."""
        return f"{self.target:.0f} ADU (within {100 * self.tolerance:g} %)"

    def reached(self, level: float) -> bool:
        """Compare a level (ADU) with the target."""
        return abs(level - self.target) <= self.tolerance * self.target


@dataclass(frozen=True)
class Trial:
    """A flat that was taken to see its level."""

    exposure_time: float  #: Seconds.
    level: float | None  #: ADU; None where it could not be read.

    @property
    def text(self) -> str:
        """The test as an observer reads it, e.g. ``9800 ADU in 2 s``."""
        level = "unknown level" if self.level is None else f"{self.level:.0f} ADU"
        return f"{level} in {self.exposure_time:g} s"


@dataclass(frozen=True)
class TryTime:
    """Take another test flat with this exposure time (s)."""

    exposure_time: float


@dataclass(frozen=True)
class Found:
    """The exposure time (s) is found, with the level (ADU) that its test had."""

    exposure_time: float
    level: float


@dataclass(frozen=True)
class NotFound:
    """No exposure time will do, and why."""

    why: Obstacle
    reason: str


NextTest: TypeAlias = TryTime | Found | NotFound


def rounded(seconds: float) -> float:
    """Return the nearest exposure time (s) that can be asked for: whole milliseconds, at least `SHORTEST`."""
    return round(max(seconds, SHORTEST), 3)


def next_test(goal: FlatGoal, guess: float, tests: Sequence[Trial]) -> NextTest:
    """Return what follows from the test flats so far.

    Parameters
    ----------
    goal : `FlatGoal`
        The level.
    guess : `float`
        Exposure time of the first test, seconds.
    tests : sequence of `Trial`
        In the order they were taken.

    Returns
    -------
    `TryTime`, `Found` or `NotFound`
        `TryTime` at most `MOST_TESTS` times, whatever the lamp does.
    """
    if not tests:
        return TryTime(_within(guess))
    last = tests[-1]
    if last.level is not None and goal.reached(last.level):
        return Found(last.exposure_time, last.level)
    if last.level is None and len(tests) > 1 and tests[-2].level is None:
        return NotFound(Obstacle.UNREAD, Obstacle.UNREAD.value)
    if last.level is not None and (end := _at_the_end(goal, last, last.level)):
        return end
    if len(tests) >= MOST_TESTS:
        seen = ", ".join(test.text for test in tests)
        return NotFound(
            Obstacle.UNSTEADY, f"not reached in {MOST_TESTS} test flats ({seen}): the lamp is not steady"
        )
    if last.level is None:
        return TryTime(last.exposure_time)
    return TryTime(_next_time(goal, _since_jump(goal, tests)))


def _at_the_end(goal: FlatGoal, test: Trial, level: float) -> NotFound | None:
    """Return that no time will do, where one end of the range says so."""
    if level < goal.target and test.exposure_time >= LONGEST:
        return NotFound(Obstacle.DARK, f"too dim: {test.text}, the longest exposure time that is tried")
    if level > goal.target and test.exposure_time <= SHORTEST:
        return NotFound(Obstacle.BRIGHT, f"too bright or saturated: {test.text}, the shortest exposure time")
    return None


def _next_time(goal: FlatGoal, tests: Sequence[tuple[float, float]]) -> float:
    """Return the next time to try, from times (s) and levels (ADU) of a lamp that was steady."""
    low = max((test for test in tests if test[1] < goal.target), default=None)
    high = min((test for test in tests if test[1] > goal.target), default=None)
    begin, end = low[0] if low else SHORTEST, high[0] if high else LONGEST
    tried = {time for time, _ in tests}
    for proposed in map(_within, _proposals(goal, tests, low)):
        if begin <= proposed <= end and proposed not in tried:
            return proposed
    if _slow(goal, tests)[-2:] == [True, True] and None in (low, high):
        # It hardly answers: whether it can be reached at all shows at the end of the range.
        return SHORTEST if low is None else LONGEST
    return _within(math.sqrt(begin * end))


def _proposals(
    goal: FlatGoal, tests: Sequence[tuple[float, float]], low: tuple[float, float] | None
) -> Iterator[float]:
    """Return times to try, the best first."""
    last = tests[-1]
    if last[1] > goal.target and low is not None:
        # Saturation may be between them: below it the lamp is proportional, if not, a power connects them.
        yield _reaching(goal, low, 1.0)
        if power := _power(low, last):
            yield _reaching(goal, low, power)
        return
    same_side = len(tests) > 1 and (tests[-2][1] < goal.target) == (last[1] < goal.target)
    power = _power(tests[-2], last) if same_side else None
    if power or not any(_slow(goal, tests)[-1:]):
        yield _reaching(goal, last, power or 1.0)


def _reaching(goal: FlatGoal, test: tuple[float, float], power: float) -> float:
    """Return the time with which the target is reached where the level grows with a power of the time."""
    time, level = test
    return time * (goal.target / level) ** (1 / power) if level > 0 else LONGEST


def _slow(goal: FlatGoal, tests: Sequence[tuple[float, float]]) -> list[bool]:
    """Return of each test but the first whether it did not come at least half as near as the one before."""
    errors = [abs(math.log(max(level, 1.0) / goal.target)) for _, level in tests]
    return [after > before / 2 for before, after in pairwise(errors)]


def _power(one: tuple[float, float], other: tuple[float, float]) -> float | None:
    """Return with which power of the time the level grows between two tests; None where they do not show it."""
    if min(one[1], other[1]) <= 0 or one[0] == other[0]:
        return None
    power = math.log(one[1] / other[1]) / math.log(one[0] / other[0])
    return power if _POWERS[0] <= power <= _POWERS[1] else None


def _since_jump(goal: FlatGoal, tests: Sequence[Trial]) -> list[tuple[float, float]]:
    """Return times and levels of the tests that no jump of the lamp has made worthless."""
    known = [(test.exposure_time, test.level) for test in tests if test.level is not None]
    for number in range(len(known) - 1, 0, -1):
        if _jumped(goal, known[number - 1], known[number]):
            return known[number:]
    return known


def jump(goal: FlatGoal, tests: Sequence[Trial]) -> tuple[Trial, Trial] | None:
    """Return the last two test flats if the lamp has changed between them, else None.

    A detector answers to more light with at most proportionally more counts: where the longer exposure has more for
    each second, or fewer in all, the light was not the same.

    Parameters
    ----------
    goal : `FlatGoal`
        The level.
    tests : sequence of `Trial`
        In the order they were taken.
    """
    levels = [(test.exposure_time, test.level) for test in tests[-2:] if test.level is not None]
    changed = any(_jumped(goal, one, other) for one, other in pairwise(levels))
    return (tests[-2], tests[-1]) if changed else None


def _jumped(goal: FlatGoal, one: tuple[float, float], other: tuple[float, float]) -> bool:
    (short, dim), (long, bright) = sorted((one, other))
    allowed = 1 + _JUMP * goal.tolerance
    dark = 0.01 * goal.target
    least_open = max(short - _SHUTTER, short / 2)
    return bright / long > max(dim, dark) / least_open * allowed or dim > max(bright, dark) * (1 + _NOISE)


def _within(seconds: float) -> float:
    return rounded(min(seconds, LONGEST))
