"""Where something was found, in words: in which amplifiers, and how often."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import TypeVar

__all__ = ["amplifiers_named", "clusters", "percents"]

_Part = TypeVar("_Part", bound=Hashable)
_Occasion = TypeVar("_Occasion", bound=Hashable)

_MOST_NAMES = 6


def clusters(found: Iterable[tuple[_Part, _Occasion]]) -> Mapping[tuple[_Occasion, ...], tuple[_Part, ...]]:
    """Group parts that were found on the same occasions.

    Parameters
    ----------
    found : iterable of (part, occasion)
        E.g. amplifiers and pairs of exposures.

    Returns
    -------
    mapping [`tuple`, `tuple`]
        Occasions -> parts, both in the order of their first appearance.
    """
    occasions: dict[_Part, dict[_Occasion, None]] = {}
    for part, occasion in found:
        occasions.setdefault(part, {})[occasion] = None
    grouped: dict[tuple[_Occasion, ...], list[_Part]] = {}
    for part, when in occasions.items():
        grouped.setdefault(tuple(when), []).append(part)
    return {when: tuple(parts) for when, parts in grouped.items()}


def amplifiers_named(found: Collection[str], every: Collection[str]) -> str:
    """Name amplifiers, e.g. ``all 16 amplifiers``, ``C04`` or ``15 of 16 amplifiers (all but C04)``.

    Parameters
    ----------
    found : collection of `str`
        Their names.
    every : collection of `str`
        The names of all.
    """
    if 1 < len(found) == len(every):
        return f"all {len(every)} amplifiers"
    if len(found) <= _MOST_NAMES:
        return ", ".join(found)
    others = [name for name in every if name not in found]
    names = f"all but {', '.join(others)}" if len(others) <= _MOST_NAMES else ", ".join(found)
    return f"{len(found)} of {len(every)} amplifiers ({names})"


def percents(ratios: Collection[float]) -> str:
    """Report how far values are from a reference, e.g. ``28 to 33 % above``.

    Parameters
    ----------
    ratios : collection of `float`
        Values over the reference, at least one, all finite.
    """
    low, high = (100 * (ratio - 1) for ratio in (min(ratios), max(ratios)))
    if low < 0 < high:
        return f"{_percent(-low)} % below to {_percent(high)} % above"
    near, far = sorted((_percent(abs(low)), _percent(abs(high))), key=float)
    return f"{near if near == far else f'{near} to {far}'} % {'above' if low >= 0 else 'below'}"


def _percent(value: float) -> str:
    """Write a number of percent: one decimal for the small ones."""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
