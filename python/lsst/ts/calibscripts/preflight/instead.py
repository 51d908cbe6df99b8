"""What a repository has instead of a calibration that is missing, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..ground.text import detectors_of
from ..ground.time_range import ALWAYS, TimeRange
from ..repository import Valid

__all__ = ["instead"]

_SHOWN = 3


def instead(
    others: Sequence[Valid], collections: Sequence[str], physical_filter: str | None, when: TimeRange
) -> str:
    """Report what there is instead of a calibration.

    Parameters
    ----------
    others : sequence of `Valid`
        Calibrations of its type.
    collections : sequence of `str`
        Where it was looked for.
    physical_filter : `str` or `None`
        The filter it is needed in; None where any will do.
    when : `TimeRange`
        When the images are taken.

    Returns
    -------
    `str`
        One sentence, which begins with a blank; that there is none at all is said, too.
    """
    if not others:
        return " No collection has any."
    fitting = [other for other in others if physical_filter in (None, other.physical_filter)]
    named = dict.fromkeys(
        [
            *(_words(other, "nearest in time") for other in _nearest(fitting, collections, when)),
            *(_words(other, "") for other in fitting if not other.near and _holds(other, when)),
            *(
                _words(other, "another filter")
                for other in others
                if other not in fitting and _holds(other, when)
            ),
        ]
    )
    if not named:
        named = dict.fromkeys(_words(other, "") for other in others)
    shown = [*named][:_SHOWN]
    more = f"; and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return f" There is: {'; '.join(shown)}{more}."


def _words(other: Valid, why: str) -> str:
    of_filter = f" in {other.physical_filter}" if other.physical_filter else ""
    which = f" for {detectors_of(other.detectors)}" if other.detectors else ""
    text = f"one{of_filter} in {other.collection}{which}, valid {_range(other)}"
    return f"{text} ({why})" if why else text


def _range(other: Valid) -> str:
    return "at any time" if other.validity == ALWAYS else str(other.validity)


def _nearest(others: Sequence[Valid], collections: Sequence[str], when: TimeRange) -> Iterator[Valid]:
    """Return the calibration that is nearest in time where it was looked for."""
    near = [other for other in others if other.near and not _holds(other, when)]
    if near:
        yield min(near, key=lambda other: other.validity.distance(when))


def _holds(other: Valid, when: TimeRange) -> bool:
    return when.covered([other.validity])
