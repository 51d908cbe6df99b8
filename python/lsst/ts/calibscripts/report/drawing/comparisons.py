"""How new calibrations differ from those before them: a picture of the difference, a histogram, and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...events.comparisons import Compared, comparison_advice, comparison_line
from ...record import Record
from ..reading.changes import EDGES
from ..reading.evidence import Change, Evidence
from ..sections import Table, number
from . import frames, pictures
from .frames import Picture
from .plots import histogram

__all__ = ["comparison_table", "comparisons"]

_HEADS = (
    "product",
    "detector",
    "amplifier",
    "level [sigma]",
    "scatter",
    "beyond 5 sigma [%]",
    "gain ratio",
    "noise ratio",
    "new defects",
    "vanished",
)


def comparisons(record: Record, evidence: Evidence) -> Iterator[tuple[Compared, str, Picture | None, str]]:
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
        What it came to, and what to do.
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
            line = f"{comparison_line(compared)}{comparison_advice(compared)}"
            yield compared, line, picture, _histogram(compared.product, same)


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
            columns: tuple[Sequence[float | None], ...] = (
                found.shift,
                found.scatter,
                found.beyond,
                found.gain_ratio,
                found.noise_ratio,
                found.appeared,
                found.vanished,
            )
            for place, amplifier in enumerate(found.amplifiers):
                values = [column[place] if column else None for column in columns]
                values[2] = None if values[2] is None else 100 * values[2]
                cells = ("" if value is None else number(value) for value in values)
                name = f"{found.detector} {amplifier}"
                moved = compared is not None and name in compared.moved
                rows.append(((str(compared and compared.product), found.detector, amplifier, *cells), moved))
    return Table(_HEADS, (False,) * 3 + (True,) * 7, tuple(rows))
