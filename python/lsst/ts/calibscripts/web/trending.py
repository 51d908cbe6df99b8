"""What the runs of an instrument measured, over time: the usual range, what left it, and which run it was. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ..report.trends import Measured, Past, Trend, compare

__all__ = ["Point", "Series", "parts_of", "series_of"]

MOST = 200
"""Latest runs that are shown."""

_ALL = "median"

_NO_NOTES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Point:
    """A value that a run has measured, and whether it was outside the usual range of the runs before it."""

    run: str
    tai: str
    value: float
    departed: bool
    note: str = ""  #: What was decided on what the run made; empty where nothing was.


@dataclass(frozen=True)
class Series:
    """A quantity over time."""

    #: What it is.
    title: str
    unit: str
    points: tuple[Point, ...]  #: The oldest first.
    #: Usual range of the last point; None where too few runs are known to say.
    usual: tuple[float, float] | None
    #: Amplifiers or detectors that left their usual range in the last run, with their values.
    departures: tuple[str, ...]


def parts_of(past: Sequence[Past]) -> tuple[str, ...]:
    """Return the detectors and amplifiers that runs have measured.

    Parameters
    ----------
    past : sequence of `Past`
        What runs have measured.
    """
    return tuple(sorted({part for run in past for measured in run.measured for part in measured.values}))


def series_of(
    past: Sequence[Past], part: str = "", notes: Mapping[str, str] = _NO_NOTES
) -> tuple[Series, ...]:
    """Return what runs have measured, quantity by quantity.

    Parameters
    ----------
    past : sequence of `Past`
        What runs have measured, the oldest first.
    part : `str`, optional
        Detector and amplifier, or detector; by default the median of all.
    notes : mapping [`str`, `str`], optional
        Name of a run -> what was decided on what it made.
    """
    latest = past[-MOST:]
    kinds = dict.fromkeys((m.quantity, m.condition) for run in latest for m in run.measured)
    return tuple(found for kind in kinds if (found := _series(latest, kind, part, notes)) is not None)


def _series(
    past: Sequence[Past], kind: tuple[str, str], part: str, notes: Mapping[str, str]
) -> Series | None:
    one = [Past(run.name, run.tai, (value,)) for run in past for value in _reduced(run, kind, part)]
    if not one:
        return None
    trends = [_trend(place, one) for place in range(len(one))]
    points = (
        Point(run.name, run.tai, trend.points[-1][1], bool(trend.departures), notes.get(run.name, ""))
        for run, trend in zip(one, trends, strict=True)
    )
    return Series(
        title=trends[-1].title,
        unit=trends[-1].unit,
        points=tuple(points),
        usual=trends[-1].usual.get(_ALL),
        departures=tuple(_departures(past, kind, one[-1].name)) if not part else (),
    )


def _reduced(run: Past, kind: tuple[str, str], part: str) -> Iterator[Measured]:
    """Return what a run has measured of a quantity as one value."""
    for measured in run.measured:
        if (measured.quantity, measured.condition) == kind and measured.values:
            values: Mapping[str, float] = measured.values
            if not part or part in values:
                value = values[part] if part else measured.median
                yield Measured(measured.quantity, measured.condition, {_ALL: value}, measured.level)


def _trend(place: int, runs: Sequence[Past]) -> Trend:
    (found,) = compare(runs[place].tai, runs[place].measured, runs[:place])
    return found


def _departures(past: Sequence[Past], kind: tuple[str, str], last: str) -> Iterator[str]:
    """Return which detectors and amplifiers left their usual range in the last run that measured them."""
    place = next(number for number, run in enumerate(past) if run.name == last)
    of_kind = [m for m in past[place].measured if (m.quantity, m.condition) == kind]
    for trend in compare(past[place].tai, of_kind, past[:place]):
        for departure in trend.departures:
            yield (
                f"{departure.part} {departure.value:.4g} (usually {departure.low:.4g} to {departure.high:.4g})"
            )
