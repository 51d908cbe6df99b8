"""What exposures may go into a calibration; pure.

The rules are those of the introduction to calibration production (2024-04-02), "Identify input exposures".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from ...config import flat_pairs
from ...ground.text import exposure_range
from ...repository.production_records import STATE_KEYWORDS, Frame
from ...tables.products import ImageType, Product

__all__ = ["MAX_PAUSE", "State", "mixed_states", "pairs_among", "problems", "sets_of", "wrong_types"]

MAX_PAUSE = timedelta(minutes=1)
"""Longest pause within a set: after a longer one the camera has idled, and a new set begins."""

_OF_FLATS = ("FILTER", "GRATING")

State = Mapping[str, str]
"""Header keyword -> value, of those in `STATE_KEYWORDS` that the header has."""


def sets_of(frames: Iterable[Frame]) -> tuple[tuple[Frame, ...], ...]:
    """Cut exposures into sets: taken one directly after the other, of one type and, flats, in one filter.

    Parameters
    ----------
    frames : iterable of `Frame`
        All exposures of some days, of any type: those in between end a set.

    Returns
    -------
    `tuple` [`tuple` [`Frame`]]
        Sets in the order they were taken.
    """
    found: list[list[Frame]] = []
    for frame in sorted(frames, key=lambda frame: frame.id):
        if found and _follows(found[-1][-1], frame):
            found[-1].append(frame)
        else:
            found.append([frame])
    return tuple(tuple(frames) for frames in found)


def _follows(earlier: Frame, later: Frame) -> bool:
    return (
        earlier.day_obs == later.day_obs
        and later.seq_num == earlier.seq_num + 1
        and earlier.image_type == later.image_type
        and earlier.reason == later.reason
        and (earlier.image_type != ImageType.FLAT or earlier.physical_filter == later.physical_filter)
        and earlier.taken.distance(later.taken) <= MAX_PAUSE
    )


def pairs_among(frames: Sequence[Frame]) -> tuple[tuple[Frame, Frame], ...]:
    """Return the flat pairs: consecutive exposures of equal time, each in one pair at most."""
    found = flat_pairs([frame.exposure_time for frame in frames]).pairs
    return tuple((frames[first], frames[second]) for first, second in found)


def mixed_states(image_types: Iterable[str], states: Mapping[int, State]) -> tuple[str, ...]:
    """Report in which respects the camera was not in one state.

    Parameters
    ----------
    image_types : iterable of `str`
        What the exposures are; what was in the beam matters for flats alone.
    states : mapping [`int`, mapping]
        Exposure -> its header keywords. Keywords that a header does not have are not compared.

    Returns
    -------
    `tuple` [`str`]
        One phrase for each keyword with more than one value.
    """
    flats_only = set(image_types) == {ImageType.FLAT}
    found = []
    for keyword in STATE_KEYWORDS:
        if keyword == "IMGTYPE" or (keyword in _OF_FLATS and not flats_only):
            continue
        values: dict[str, list[int]] = {}
        for exposure, state in states.items():
            if keyword in state:
                values.setdefault(state[keyword], []).append(exposure)
        if len(values) > 1:
            parts = (f"{value} in {exposure_range(ids)}" for value, ids in values.items())
            found.append(f"{keyword} is {', '.join(parts)}")
    return tuple(found)


def wrong_types(product: Product, frames: Iterable[Frame], states: Mapping[int, State]) -> tuple[str, ...]:
    """Report which exposures are of a type that does not go into a product, by the butler or by their header."""
    wanted = {str(image_type) for image_type in product.images}
    wrong: dict[str, list[int]] = {}
    for frame in frames:
        header = states.get(frame.id, {}).get("IMGTYPE", frame.image_type).upper()
        for kind in {frame.image_type, header} - wanted:
            wrong.setdefault(kind, []).append(frame.id)
    names = " or ".join(sorted(wanted))
    return tuple(
        f"{exposure_range(ids)} {'is' if len(ids) == 1 else 'are'} {kind or 'of no type'}, not {names}"
        for kind, ids in wrong.items()
    )


def problems(
    product: Product,
    physical_filter: str | None,
    generate: Sequence[int],
    verify: Sequence[int],
    frames: Mapping[int, Frame],
    states: Mapping[int, State],
) -> Iterator[str]:
    """Report what is wrong with the exposures that somebody has chosen for a product.

    Parameters
    ----------
    product : `Product`
        What they are for.
    physical_filter : `str` or `None`
        Filter of a flat.
    generate, verify : sequence of `int`
        Exposures that are its input, and those it is verified with in addition.
    frames : mapping [`int`, `Frame`]
        All exposures of the days concerned.
    states : mapping [`int`, mapping]
        Header keywords of the chosen exposures.

    Yields
    ------
    `str`
        One phrase for each problem.
    """
    chosen = [*generate, *verify]
    if doubled := [exposure for exposure, n in Counter(chosen).items() if n > 1]:
        yield f"{exposure_range(doubled)} is chosen twice"
    if unknown := [exposure for exposure in chosen if exposure not in frames]:
        yield f"{exposure_range(unknown)} does not exist"
    known = [frames[exposure] for exposure in chosen if exposure in frames]
    yield from wrong_types(product, known, states)
    if product.by_filter:
        for other in sorted({frame.physical_filter for frame in known} - {physical_filter or ""}):
            ids = [frame.id for frame in known if frame.physical_filter == other]
            yield f"{exposure_range(ids)} was taken through {other}, not {physical_filter}"
    firsts = {frames[0].id for frames in sets_of(frames.values())}
    if first := [exposure for exposure in generate if exposure in firsts]:
        yield (
            f"{exposure_range(first)} is the first of its set: "
            "it contains charge accumulated while the camera was idle"
        )
    types = {frame.image_type for frame in known}
    if len(product.images) == 1:
        yield from mixed_states(types, {id: states[id] for id in chosen if id in states})
    if product.pairs is not None:
        usable = sorted((frames[id] for id in generate if id in frames), key=lambda frame: frame.id)
        pairs = pairs_among(usable)
        if (n := len(pairs)) < product.pairs.number:
            yield f"has {n} pairs of equal exposure time, but needs {product.pairs.number}"
        elif single := {frame.id for frame in usable} - {frame.id for pair in pairs for frame in pair}:
            # The pipeline takes each two that follow one another for a pair.
            yield f"{exposure_range(single)} has no partner of equal exposure time"
