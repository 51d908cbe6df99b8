"""Exposure times of a set of images, and the pairs among its flats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "TOLERANCE",
    "FlatPairs",
    "ImageSet",
    "Pairing",
    "exposure_times",
    "flat_pairs",
    "groups_of_times",
    "same_time",
]

TOLERANCE = 0.005
"""Exposure times that differ by no more than this are equal, seconds: the tolerance of cp_pipe.

The records of LSSTCam hold the time that its shutter was measured to be open.
"""

_ROUNDING = 1e-9
"""What the subtraction of two times may add to their difference, seconds."""


def same_time(one: float, other: float) -> bool:
    """Compare two exposure times (s): equal are those that differ by no more than `TOLERANCE`."""
    return abs(one - other) <= TOLERANCE + _ROUNDING


def groups_of_times(times: Iterable[float]) -> tuple[tuple[float, ...], ...]:
    """Group exposure times that are equal.

    Parameters
    ----------
    times : iterable of `float`
        Exposure times (s), in any order.

    Returns
    -------
    `tuple` [`tuple` [`float`, ...], ...]
        The shortest times first. All members of a group equal its first one.
    """
    groups: list[list[float]] = []
    for time in sorted(times):
        if groups and same_time(groups[-1][0], time):
            groups[-1].append(time)
        else:
            groups.append([time])
    return tuple(map(tuple, groups))


class Pairing(StrEnum):
    """How cp_pipe finds flat pairs: the values of its ``matchExposuresType``."""

    EXPID = "EXPID"
    """Each two consecutive exposures."""
    TIME = "TIME"
    """Consecutive exposures of equal time, of which only the first two of a run make a pair."""
    FLUX = "FLUX"
    """By a header keyword; how many is unknown before the images are taken."""


@dataclass(frozen=True)
class ImageSet:
    """The images of one type that are taken."""

    image_type: str  #: BIAS, DARK or FLAT.
    times: tuple[float, ...]  #: Exposure times (s) in the order they are taken, the discarded ones first.
    n_discard: int  #: How many of the first exposures are not used.

    @property
    def kept(self) -> tuple[float, ...]:
        """Exposure times (s) of the exposures that are used."""
        return self.times[self.n_discard :]


@dataclass(frozen=True)
class FlatPairs:
    """Which exposures of a set make a pair."""

    pairs: tuple[tuple[int, int], ...]  #: Positions of two consecutive exposures of equal time.
    unpaired: tuple[int, ...]  #: Positions of the others.


def exposure_times(
    times: float | Sequence[float], n: int, n_discard: int, image_type: str | None = None
) -> tuple[float, ...]:
    """List the exposure time of every exposure of a set, the discarded ones first.

    Parameters
    ----------
    times : `float` or sequence of `float`
        Exposure time (s) of all, or of each.
    n : `int`
        Exposures to use.
    n_discard : `int`
        Exposures to take before them and not to use.
    image_type : `str`, optional
        Names the properties in the message of an error.

    Returns
    -------
    `tuple` [`float`]
        ``n + n_discard`` exposure times (s).

    Raises
    ------
    ValueError
        If a list has neither ``n + n_discard`` entries (used as it is) nor ``n`` (the first of them is
        also taken for the discarded ones). The message names n, n_discard and both lengths.
    """
    if not isinstance(times, Sequence):
        return (float(times),) * (n + n_discard)
    listed = tuple(float(time) for time in times)
    if len(listed) == n + n_discard:
        return listed
    if len(listed) == n:
        return listed[:1] * n_discard + listed
    suffix = f"_{image_type.lower()}" if image_type else ""
    wanted = f"list {n} times"
    if n_discard:
        wanted = (
            f"list {n + n_discard} times, the first {n_discard} to be discarded, or {n}, where the first "
            "time is also used for the discarded"
        )
    raise ValueError(
        f"{len(listed)} exposure times do not fit n{suffix} {n} and n_discard{suffix} {n_discard}: {wanted}"
    )


def flat_pairs(times: Sequence[float], pairing: Pairing = Pairing.EXPID) -> FlatPairs:
    """Pair consecutive exposures of equal time, as `same_time` compares them.

    Parameters
    ----------
    times : sequence of `float`
        Exposure times (s) of the exposures that are used, in the order they are taken.
    pairing : `Pairing`, optional
        With TIME a run of equal times makes one pair, however long it is.

    Returns
    -------
    `FlatPairs`
        Positions in ``times``, from 0.
    """
    pairs: list[tuple[int, int]] = []
    unpaired: list[int] = []
    position = 0
    while position < len(times):
        first = position
        is_pair = first + 1 < len(times) and same_time(times[first], times[first + 1])
        position += 2 if is_pair else 1
        if not is_pair:
            unpaired.append(first)
            continue
        pairs.append((first, first + 1))
        while pairing is Pairing.TIME and position < len(times) and same_time(times[first], times[position]):
            unpaired.append(position)
            position += 1
    return FlatPairs(tuple(pairs), tuple(unpaired))
