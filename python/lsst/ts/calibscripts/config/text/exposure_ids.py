"""Exposure ids as people write and read them: numbers, ranges as reports print them, and names of images."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["ITEM_PATTERN", "camera_of", "exposure_id", "read_exposures", "written_exposures"]

_NAME = re.compile(r"([A-Za-z]+)_O_(\d{8})_(\d{6})")
"""Images that the OCS has taken; those of other controllers have other exposure ids."""

_RANGE = re.compile(r"(\d{13})\s*\.\.\s*(\d{1,13})")
_NUMBER = re.compile(r"\d{13}")

ITEM_PATTERN = r"^\s*(\d{13}(\s*\.\.\s*\d{1,13})?|[A-Za-z]+_O_\d{8}_\d{6})\s*$"
"""What a text among exposure ids may be, for a schema."""

LONGEST_RANGE = 10_000
"""Most exposures of a range: as many as are taken at most."""


def exposure_id(name: str) -> int | None:
    """Return the exposure id of an image name, None if it is not one.

    ``AT_O_20260918_000042`` is exposure 2026091800042: the date, then the last five digits.
    """
    match = _NAME.fullmatch(name.strip())
    return int(match[2]) * 100_000 + int(match[3]) % 100_000 if match else None


def camera_of(name: object) -> str | None:
    """Return with which letters the name of an image begins, e.g. ``AT``; None if it is not a name of an image."""
    match = _NAME.fullmatch(name.strip()) if isinstance(name, str) else None
    return match[1] if match else None


def read_exposures(value: Any) -> Any:
    """Replace the texts in a list of exposures by ids.

    Parameters
    ----------
    value : `object`
        Anything; only a list is looked into.

    Returns
    -------
    `object`
        The list with every range and every name of an image replaced by the ids it stands for.

    Raises
    ------
    ValueError
        If a text is neither, or a range runs backwards or is too long.
    """
    if not isinstance(value, list | tuple):
        return value
    return [number for item in value for number in _ids(item)]


def _ids(item: Any) -> Iterable[Any]:
    if not isinstance(item, str):
        return (item,)
    text = item.strip()
    if (found := exposure_id(text)) is not None:
        return (found,)
    if _NUMBER.fullmatch(text):
        return (int(text),)
    if (bounds := _RANGE.fullmatch(text)) is None:
        raise ValueError(
            f"{text!r} is not an exposure: write an id (2026091800002), a range of them "
            "(2026091800002..2026091800021) or the name of an image (AT_O_20260918_000002)"
        )
    first, end = bounds.groups()
    # Of a range the end may be shortened to its last digits.
    last = first[: len(first) - len(end)] + end
    if first[:8] != last[:8]:
        raise ValueError(f"{text}: a range lies within one day; write one range for each day")
    if int(last) < int(first):
        raise ValueError(f"{text}: the range runs backwards")
    if int(last) - int(first) >= LONGEST_RANGE:
        raise ValueError(f"{text}: a range has at most {LONGEST_RANGE} exposures")
    return range(int(first), int(last) + 1)


def written_exposures(exposures: Iterable[int]) -> list[int | str]:
    """Write exposures for a configuration, ranges of them where three or more follow each other; in their order."""
    return [
        item
        for first, last in _runs(exposures)
        for item in ([f"{first}..{last}"] if last > first + 1 else range(first, last + 1))
    ]


def _runs(exposures: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for exposure in exposures:
        if first is None or last is None:
            first = exposure
        elif exposure != last + 1:
            yield first, last
            first = exposure
        last = exposure
    if first is not None and last is not None:
        yield first, last
