"""What all reports share: ranges of numbers, lists of words, columns, and the length of a log message."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

__all__ = [
    "LOG_CHARACTERS",
    "columns",
    "counted",
    "detectors_of",
    "exposure_range",
    "exposures_of",
    "first_few",
    "for_log",
    "listed",
    "messages",
    "one_line",
    "parse_ranges",
]

LOG_CHARACTERS = 8000
"""Longest report that goes to the log in full, in characters: about 200 lines."""

MESSAGE_CHARACTERS = 400_000
"""Longest log message, in characters: the middleware refuses messages of a million bytes."""

_END_CHARACTERS = 2000

_RANGE = re.compile(r"(\d+)(?:\.\.(\d+))?")
_LONGEST_RANGE = 10_000


def counted(number: int, noun: str) -> str:
    """Write a number of things, e.g. ``1 pair``, ``3 pairs``.

    Parameters
    ----------
    number : `int`
        How many.
    noun : `str`
        Of what, in the singular; its plural ends in s.
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """Write a list of words, e.g. ``A, B and C``.

    Parameters
    ----------
    words : sequence of `str`
        At least one.
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def first_few(words: Sequence[str], most: int) -> str:
    """Write the first of many words, and how many more there are, e.g. ``A, B and 3 more``."""
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")


def one_line(text: object, most: int | None = None) -> str:
    """Return what somebody else says as part of a sentence: one line, without a full stop at its end.

    Parameters
    ----------
    most : `int` or `None`, optional
        Number of characters after which it is cut; None for all.
    """
    line = " ".join(str(text).split()).rstrip(".")
    return line if most is None or len(line) <= most else f"{line[:most]} [...]"


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Write rows of equal length, each as wide as its widest cell, in a line each."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def exposure_range(exposures: Iterable[int]) -> str:
    """Write exposure ids as ranges.

    Parameters
    ----------
    exposures : iterable of `int`
        Exposure ids, in any order.

    Returns
    -------
    `str`
        E.g. ``2026091800002..2026091800021, 2026091800023``; ``none`` where there are none.
    """
    ranges: list[tuple[int, int]] = []
    for exposure in sorted(set(exposures)):
        if ranges and ranges[-1][1] == exposure - 1:
            ranges[-1] = (ranges[-1][0], exposure)
        else:
            ranges.append((exposure, exposure))
    texts = (f"{first}..{last}" if first != last else f"{first}" for first, last in ranges)
    return ", ".join(texts) or "none"


def parse_ranges(value: object) -> tuple[int, ...]:
    """Read numbers such as ``2024032600002..2024032600021, 2024032600066``, or a list of such.

    Raises
    ------
    ValueError
        If it is something else.
    """
    parts = value if isinstance(value, list | tuple) else [value]
    words = [word.strip() for part in parts for word in str(part).split(",")]
    found: list[int] = []
    for word in words:
        match = _RANGE.fullmatch(word)
        if match is None:
            raise ValueError(f"'{word}' is not a number or a range (first..last)")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 0 <= last - first < _LONGEST_RANGE:
            raise ValueError(f"the range {word} is empty or too long")
        found += range(first, last + 1)
    return tuple(found)


def exposures_of(exposures: Iterable[int]) -> str:
    """Name exposures, e.g. ``exposure 2026091800002`` or ``exposures 2026091800002..2026091800021``."""
    return _named("exposure", exposures)


def detectors_of(detectors: Iterable[int]) -> str:
    """Name detectors, e.g. ``detector 4`` or ``detectors 0..3, 7``."""
    return _named("detector", detectors)


def images_of(images: Collection[tuple[int, int]]) -> str:
    """Name images by exposure and detector, e.g. ``exposure 2026091800005 of detectors 0..2`` or ``some of ...``."""
    exposures, detectors = {exposure for exposure, _ in images}, {detector for _, detector in images}
    some = "" if len({*images}) == len(exposures) * len(detectors) else "some of "
    return f"{some}{exposures_of(exposures)} of {detectors_of(detectors)}"


def _named(noun: str, numbers: Iterable[int]) -> str:
    unique = set(numbers)
    return f"{noun}{'' if len(unique) == 1 else 's'} {exposure_range(unique)}"


def for_log(text: str, *, where: str, limit: int = LOG_CHARACTERS) -> str:
    """Shorten a report that is too long for a log message; its beginning and its end are kept.

    Parameters
    ----------
    where : `str`
        Where the full report is.
    limit : `int`, optional
        Longest log message, in characters.

    Returns
    -------
    `str`
        The report where it is short enough; else whole lines of its beginning and its end, and between them
        one line that says how many are left out and where they are.
    """
    if len(text) <= limit:
        return text
    lines = text.splitlines()

    def note(kept: int) -> str:
        return f"[... {len(lines) - kept} of {len(lines)} lines are left out here; full report: {where} ...]"

    room = limit - len(note(0)) - 1
    end = _lines_that_fit(reversed(lines), min(room // 3, _END_CHARACTERS))
    start = _lines_that_fit(lines, room - sum(len(line) + 1 for line in end))
    return "\n".join([*start, note(len(start) + len(end)), *reversed(end)])


def messages(text: str, *, limit: int = MESSAGE_CHARACTERS) -> list[str]:
    """Split a report of which nothing may be left out into as few log messages as it takes.

    Parameters
    ----------
    limit : `int`, optional
        Longest message, in characters; a longer line stays whole.

    Returns
    -------
    `list` [`str`]
        Whole lines each, in order.
    """
    found: list[list[str]] = []
    room = 0
    for line in text.splitlines():
        if not found or len(line) + 1 > room:
            found.append([])
            room = limit
        found[-1].append(line)
        room -= len(line) + 1
    return ["\n".join(lines) for lines in found]


def _lines_that_fit(lines: Iterable[str], characters: int) -> list[str]:
    fitting: list[str] = []
    for line in lines:
        characters -= len(line) + 1
        if characters < 0:
            break
        fitting.append(line)
    return fitting
