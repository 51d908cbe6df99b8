"""What stands in the way of certifications, said once for all types, and where there is room for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from ..ground.time_range import night_of
from ..repository import Certification, Conflict, Repository

__all__ = ["conflict_problems"]

_OF_A_DAY = re.compile(r"/calib\.\d{4}[A-Z]{3}\d{2}\.\d+$")
_MOST_TRIED = 100


def conflict_problems(
    repository: Repository, conflicts: Mapping[Certification, Sequence[Conflict]], night: date
) -> Iterator[str]:
    """Report what stands in the way of certifications. Blocks.

    Parameters
    ----------
    conflicts : mapping [`Certification`, sequence of `Conflict`]
        What is to be certified, all into the same collection and for the same validity range, with what stands in
        the way of each.
    night : `datetime.date`
        Observing day of the images.

    Yields
    ------
    `str`
        One sentence at most, with a collection and dates that are free.
    """
    found = [conflict for present in conflicts.values() for conflict in present]
    if not found:
        return
    wanted = [*conflicts]
    collection = wanted[0].collection
    free = _free_collection(repository, wanted[0], night)
    if kind := found[0].kind:
        yield (
            f"calib_collection: {collection} is a {kind} collection, so nothing can be certified into it. Set "
            f"calib_collection to {free}, which does not exist yet."
        )
        return
    of_night = night_of(night)
    begin, end = of_night.texts
    dates = f'certify_calib_begin_date to "{begin}" and certify_calib_end_date to "{end}"'
    room = not any(repository.conflicts(replace(each, validity=of_night)) for each in wanted)
    yield (
        f"calib_collection: {collection} already holds {_present(found)}, which overlaps {wanted[0].validity}. Set "
        f"calib_collection to {free}, which does not exist yet"
        + (f"; or set {dates}, where nothing is certified yet." if room else ".")
    )


def _present(found: Sequence[Conflict]) -> str:
    """List what is certified already, with one validity range for all that have the same."""
    by_range: dict[str, list[Conflict]] = {}
    for conflict in found:
        by_range.setdefault(conflict.valid, []).append(conflict)
    texts = []
    for valid, conflicts in by_range.items():
        if len({conflict.detectors for conflict in conflicts}) == 1:
            *names, last = (c.what.rpartition(" (")[0] for c in conflicts)
            what = f"{', '.join(names)}{' and ' if names else ''}{last} ({conflicts[0].where})"
        else:
            what = ", ".join(conflict.what for conflict in conflicts)
        texts.append(f"{what} {valid}")
    return "; ".join(texts)


def _free_collection(repository: Repository, wanted: Certification, night: date) -> str:
    """Return a collection that does not exist, named as those of the documents: .../calib.2026SEP18.1."""
    stem = _OF_A_DAY.sub("", wanted.collection)
    if stem == f"{wanted.instrument}/calib":
        # Shared by all; nothing should be certified into it, nor below it.
        stem = f"{stem}/daily"
    day = f"{night:%Y%b%d}".upper()
    names = [f"{stem}/calib.{day}.{number}" for number in range(1, _MOST_TRIED)]
    return next(iter(repository.missing_collections(names)), f"{names[-1]}.1")
