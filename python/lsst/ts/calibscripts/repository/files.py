"""The files behind datasets: whether they are there, and as large as they were when they were written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["without_file"]

AT_A_TIME = 16
"""How many files are looked for at the same time: on object storage each is a request."""


def without_file(butler: Butler, refs: Collection[DatasetRef]) -> list[DatasetRef]:
    """Return the datasets of which a file is missing, empty, or not as large as when it was written. Blocks.

    Parameters
    ----------
    refs : collection of `lsst.daf.butler.DatasetRef`
        Datasets that the registry knows.
    """
    if not refs:
        return []
    recorded = _recorded_sizes(butler, refs)
    uris = butler.get_many_uris(refs, allow_missing=True)
    places = {ref: [*uris[ref].iter_all()] if ref in uris else [] for ref in refs}
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        sizes = dict(zip(places, pool.map(_sizes, places.values()), strict=True))
    # Of a member of a zip file its own size is recorded, and that of the whole is found.
    known = {ref: [] if any(p.fragment for p in places[ref]) else recorded.get(ref.id, []) for ref in refs}
    return [ref for ref in refs if _lost(sizes[ref], known[ref])]


def _sizes(places: Sequence[Any]) -> list[int]:
    try:
        return sorted(place.size() for place in places)
    except FileNotFoundError:
        return []


def _lost(sizes: Sequence[int], recorded: Sequence[int]) -> bool:
    # The datastore need not have recorded a size.
    known = bool(recorded) and min(recorded) >= 0
    return not sizes or 0 in sizes or (known and sizes != recorded)


def _recorded_sizes(butler: Butler, refs: Collection[DatasetRef]) -> dict[Any, list[int]]:
    """Return the sizes of the files of datasets, bytes, by identifier, as far as the datastore has recorded them."""
    datastore = getattr(butler, "_datastore", None)
    if datastore is None:
        # A butler behind a server.
        return {}
    return {
        id_: sorted(int(getattr(item, "file_size", -1)) for items in tables.values() for item in items)
        for one in datastore.export_records(refs).values()
        for id_, tables in one.records.items()
    }
