"""New combined images beside those that were valid before them: a picture of the difference, and a histogram."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..events.comparisons import Compared, comparison_line
from ..record import Record
from ..repository.archive import Archive
from ..repository.masters import compared_masters
from ..tables.products import PRODUCTS
from ..verification.differences import Master, per_noise
from . import frames, pictures
from .adapters import small
from .evidence import Change, Evidence
from .frames import Picture
from .plots import histogram
from .sections import Table, number

__all__ = ["EDGES", "change_of", "changes_told", "comparison_table", "read_changes"]

EDGES: NDArray[np.float64] = np.linspace(-10, 10, 81)
"""Edges of the histogram, in units of the noise of both."""

_HEADS = (
    "product",
    "detector",
    "amplifier",
    "level [sigma]",
    "scatter",
    "beyond 5 sigma [%]",
    "gain ratio",
    "noise ratio",
)


def change_of(product: str, new: Master, old: Master, detector: str, n_detectors: int) -> Change:
    """Return how two combined images differ.

    Parameters
    ----------
    product : `str`
        BIAS, DARK or FLAT.
    new, old : `Master`
        The images.
    detector : `str`
        Full name.
    n_detectors : `int`
        How many detectors are shown beside each other.
    """
    pulls = per_noise(new, old)
    inside = np.clip(pulls[np.isfinite(pulls)], EDGES[0], EDGES[-1])
    image = small(
        pulls, f"difference of the {product.lower()} from the one before", detector, n_detectors, "sigma"
    )
    return Change(product, image, np.histogram(inside, EDGES)[0])


def read_changes(
    archive: Archive, runs: Mapping[str, tuple[str, Sequence[str]]], names: Mapping[int, str]
) -> Iterator[Change]:
    """Read new combined images and those before them. Blocks.

    Parameters
    ----------
    archive : `Archive`
        The repository.
    runs : mapping
        Product -> its RUN, and those of what was valid before.
    names : mapping [`int`, `str`]
        Full names of the detectors.

    Yields
    ------
    `Change`
        Of each detector that has both.
    """
    for product, (run, before) in runs.items():
        kind = PRODUCTS[product].dataset_type
        refs = sorted(archive.refs(run, kind), key=lambda ref: int(ref.dataId["detector"]))
        for ref in refs:
            found = compared_masters(archive, kind, run, before, dict(ref.dataId.mapping))
            if found is not None:
                number_of = int(ref.dataId["detector"])
                yield change_of(product, *found, names.get(number_of, str(number_of)), len(refs))


def changes_told(record: Record, evidence: Evidence) -> Iterator[tuple[Compared, str, Picture | None, str]]:
    """Report each comparison of a run.

    Parameters
    ----------
    record : `Record`
        The run.
    evidence : `Evidence`
        What it left.

    Yields
    ------
    compared : `Compared`
        The comparison.
    line : `str`
        What it came to.
    picture : `Picture` or `None`
        The difference; None of what has no pixels.
    plot : `str`
        Its histogram, inline SVG; empty as well.
    """
    for product in record.state.products.values():
        if (compared := product.compared) is not None:
            same = [change for change in evidence.changes if change.product == compared.product]
            images = [change.image for change in same]
            shown = pictures.around_zero(images) if images else None
            picture = None if shown is None else frames.difference_of(images, shown)
            yield compared, comparison_line(compared), picture, _histogram(compared.product, same)


def _histogram(product: str, changes: Sequence[Change]) -> str:
    if not changes:
        return ""
    counts = np.sum([change.counts for change in changes], axis=0)
    return histogram(counts, EDGES, f"change-{product.lower()}")


def comparison_table(record: Record) -> Table:
    """Return the numbers of all comparisons, a row for each amplifier.

    Parameters
    ----------
    record : `Record`
        The run.
    """
    rows = []
    for product in record.state.products.values():
        compared = product.compared
        for found in () if compared is None else compared.differences:
            columns = (found.shift, found.scatter, found.beyond, found.gain_ratio, found.noise_ratio)
            for place, amplifier in enumerate(found.amplifiers):
                values = [column[place] if column else None for column in columns]
                values[2] = None if values[2] is None else 100 * values[2]
                cells = ("" if value is None else number(value) for value in values)
                name = f"{found.detector} {amplifier}"
                moved = compared is not None and name in compared.moved
                rows.append(((str(compared and compared.product), found.detector, amplifier, *cells), moved))
    return Table(_HEADS, (False,) * 3 + (True,) * 5, tuple(rows))
