"""Detectors at their places in the focal plane, as vector drawings over a picture. Pure.

Their colours come from the style sheet of the page, so they are right in light and dark and on paper.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Layout", "Place", "focal_plane", "layout_of", "place_of"]

_PLANE = 300
"""Width of a focal plane with few detectors; of many each has 20."""

_NAMED = 40
"""Detectors that are wider than this have their own names on them, not that of the raft."""

_NAME = re.compile(r"R(\d)(\d)_S([0-9GW])(\d)")
_CORNERS = {"G0": (2, 0), "G1": (0, 2), "W0": (1, 1), "W1": (2, 2)}

Place = tuple[int, int]
"""Column from the left and row from the bottom of a detector in the focal plane."""


@dataclass(frozen=True)
class Layout:
    """Where detectors are drawn."""

    places: Mapping[str, Place]  #: Detector -> column and row, both from 0.
    #: Size of the whole.
    columns: int
    rows: int
    true: bool  #: Are these the places in the focal plane? Else the detectors stand beside each other.


def place_of(detector: str) -> Place | None:
    """Return the place of a detector of LSSTCam or LSSTComCam in the focal plane.

    Parameters
    ----------
    detector : `str`
        Full name, e.g. ``R22_S11``: the first digits count the rows of rafts and of sensors, the second ones the
        columns, as in the camera's data visualisation coordinates (LSE-349). Sensors of the corner rafts stand
        near each other where the raft is.

    Returns
    -------
    `tuple` [`int`, `int`] or `None`
        None for any other name.
    """
    match = _NAME.fullmatch(detector)
    if match is None:
        return None
    row, column, kind, number = int(match[1]), int(match[2]), match[3], int(match[4])
    x, y = (number, int(kind)) if kind.isdigit() else _CORNERS[f"{kind}{number}"]
    return 3 * column + x, 3 * row + y


def layout_of(detectors: Iterable[str]) -> Layout:
    """Return where to draw some detectors: at their places in the focal plane, unless these are far apart.

    Parameters
    ----------
    detectors : iterable of `str`
        Full names, in the order of their ids.
    """
    names = list(dict.fromkeys(detectors))
    found = {name: place for name in names if (place := place_of(name)) is not None}
    if len(found) == len(names) > 0:
        left, bottom = (min(place[axis] for place in found.values()) for axis in (0, 1))
        columns, rows = (
            max(p[axis] for p in found.values()) + 1 - low for axis, low in ((0, left), (1, bottom))
        )
        # A plane that is mostly empty would leave no room for what is to be seen.
        if 2 * len(names) >= columns * rows:
            shifted = {name: (x - left, y - bottom) for name, (x, y) in found.items()}
            return Layout(shifted, columns, rows, true=True)
    columns = max(1, math.ceil(math.sqrt(len(names))))
    rows = max(1, math.ceil(len(names) / columns))
    beside = {name: (place % columns, rows - 1 - place // columns) for place, name in enumerate(names)}
    return Layout(beside, columns, rows, true=False)


def focal_plane(cells: Mapping[str, tuple[str, str]], image: str, title: str) -> str:
    """Draw detectors over a picture of them.

    Parameters
    ----------
    cells : mapping [`str`, (`str`, `str`)]
        Detector -> its text, and a class of the style sheet (may be empty).
    image : `str`
        Data URI of a picture of all detectors, laid out by `layout_of`, one cell for each.
    title : `str`
        What is shown.

    Returns
    -------
    `str`
        Inline SVG. Places between the detectors that have none of their own are outlined.
    """
    layout = layout_of(cells)
    columns, rows = layout.columns, layout.rows
    side = max(20, _PLANE // columns)
    parts = [
        f'<svg class="focal-plane" viewBox="0 0 {columns * side} {rows * side}" role="img">',
        f"<title>{escape(title)}</title>",
        *_vacant(layout, side),
        f'<image href="{image}" width="{columns * side}" height="{rows * side}"/>',
    ]
    for name, (column, row) in layout.places.items():
        text, style = cells[name]
        x, y = column * side, (rows - 1 - row) * side
        parts.append(
            f'<rect class="detector {style}" data-detector="{escape(name)}" x="{x + 1}" y="{y + 1}" '
            f'width="{side - 2}" height="{side - 2}"><title>{escape(text)}</title></rect>'
        )
        if side > _NAMED:
            parts.append(f'<text class="raft-name" x="{x + 4}" y="{y + 10}">{escape(name)}</text>')
    rafts = _rafts(layout, side) if side <= _NAMED and layout.true else ()
    return "".join([*parts, *rafts, "</svg>"])


def _vacant(layout: Layout, side: int) -> Iterator[str]:
    """Outline the rafts, also where they have no detector."""
    if not layout.true:
        return
    taken = set(layout.places.values())
    left, bottom = _corner(layout)
    rafts = {((x + left) // 3, (y + bottom) // 3) for x, y in taken}
    for x in range(layout.columns):
        for y in range(layout.rows):
            if (x, y) not in taken and ((x + left) // 3, (y + bottom) // 3) in rafts:
                yield (
                    f'<rect class="vacant" x="{x * side + 1}" y="{(layout.rows - 1 - y) * side + 1}" '
                    f'width="{side - 2}" height="{side - 2}"><title>no detector, or not in these data</title></rect>'
                )


def _corner(layout: Layout) -> Place:
    """Return the place in the focal plane that is drawn lower left."""
    name, (x, y) = next(iter(layout.places.items()))
    true = place_of(name)
    assert true is not None
    return true[0] - x, true[1] - y


def _rafts(layout: Layout, side: int) -> Iterator[str]:
    left, bottom = _corner(layout)
    top = bottom + layout.rows - 1
    for raft in dict.fromkeys(name.partition("_")[0] for name in layout.places):
        column, row = 3 * int(raft[2]), 3 * int(raft[1])
        x, y = (column - left) * side, (top - row - 2) * side
        yield f'<rect class="raft" x="{x}" y="{y}" width="{3 * side}" height="{3 * side}"/>'
        yield f'<text class="raft-name" x="{x + 3}" y="{y + 11}">{raft}</text>'


def named(detectors: Sequence[str]) -> str:
    """Report how detectors are laid out, where they are not at their places; else nothing."""
    return (
        "" if layout_of(detectors).true or len(detectors) < 2 else "detectors beside each other, by their ids"
    )
