"""Vector drawings of a page: the time line, the focal plane, and trends. Pure.

Their colours come from the style sheet of the page, so they are right in light and dark and on paper.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from .timeline import Kind, Span
from .trends import Trend

__all__ = ["Place", "focal_plane", "place_of", "sparkline", "timeline_drawing"]

_LABELS = 150.0
_WIDTH = 1000.0
_ROW = 22.0
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)

_PLANE = 300
"""Width of a focal plane with few detectors; of many each has 20."""

_NAMED = 40
"""Detectors that are wider than this have their own names on them, not that of the raft."""

_NAME = re.compile(r"R(\d)(\d)_S([0-9GW])(\d)")
_CORNERS = {"G0": (2, 0), "G1": (0, 2), "W0": (1, 1), "W1": (2, 2)}

Place = tuple[int, int]
"""Column from the left and row from the bottom of a detector in the focal plane."""


def timeline_drawing(spans: Sequence[Span], seconds: float) -> str:
    """Draw what took the time.

    Parameters
    ----------
    spans : sequence of `Span`
        What happened, rows in the order in which they are drawn.
    seconds : `float`
        Length of the run.

    Returns
    -------
    `str`
        Inline SVG; each span tells its text when it is pointed at.
    """
    rows = {row: place for place, row in enumerate(dict.fromkeys(span.row for span in spans))}
    length = max(seconds, max((span.end for span in spans), default=0.0), 0.001)
    height = _ROW * len(rows) + 24
    scale = (_WIDTH - _LABELS - 70) / length
    parts = [
        f'<svg class="timeline" viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-labelledby="timeline-title">',
        '<title id="timeline-title">Time line of the run; the table below holds the same</title>',
        *_axis(length, scale, height),
    ]
    for row, place in rows.items():
        y = place * _ROW + 15
        parts.append(
            f'<text class="label" x="{_LABELS - 8:g}" y="{y:g}" text-anchor="end">{escape(row)}</text>'
        )
    parts += [_span(span, rows[span.row] * _ROW + 4, scale) for span in spans]
    parts += _durations(spans, rows, scale)
    return "".join([*parts, "</svg>"])


def _axis(length: float, scale: float, height: float) -> Iterator[str]:
    step = next((s for s in _STEPS if length / s <= 10), _STEPS[-1])
    for number in range(int(length / step) + 1):
        x = _LABELS + number * step * scale
        yield f'<line class="grid" x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{height - 20:g}"/>'
        unit = " s" if number == 0 else ""
        yield f'<text class="tick" x="{x:.1f}" y="{height - 6:g}" text-anchor="middle">{number * step:g}{unit}</text>'


def _span(span: Span, y: float, scale: float) -> str:
    x, width = _LABELS + span.begin * scale, max(span.seconds * scale, 1.0)
    title = f"<title>{escape(span.text)} (from {span.begin:.1f} s)</title>"
    if span.kind is Kind.CERTIFIED:
        points = f"{x:.1f},{y:g} {x + 7:.1f},{y + 7:g} {x:.1f},{y + 14:g} {x - 7:.1f},{y + 7:g}"
        return f'<polygon class="{span.kind}" points="{points}">{title}</polygon>'
    thin = span.kind in (Kind.WAIT, Kind.ARRIVAL)
    top, high = (y + 4, 6.0) if thin else (y, 14.0)
    return f'<rect class="{span.kind}" x="{x:.1f}" y="{top:g}" width="{width:.1f}" height="{high:g}">{title}</rect>'


def _durations(spans: Iterable[Span], rows: Mapping[str, int], scale: float) -> Iterator[str]:
    """Write behind each row how long it took."""
    bounds: dict[str, tuple[float, float]] = {}
    for span in spans:
        if span.kind not in (Kind.ARRIVAL, Kind.WAIT, Kind.CERTIFIED):
            begin, end = bounds.get(span.row, (span.begin, span.end))
            bounds[span.row] = min(begin, span.begin), max(end, span.end)
    for row, (begin, end) in bounds.items():
        x, y = _LABELS + end * scale + 6, rows[row] * _ROW + 15
        yield f'<text class="tick" x="{x:.1f}" y="{y:g}">{end - begin:.1f} s</text>'


# The focal plane.


def place_of(detector: str) -> Place | None:
    """Give the place of a detector of LSSTCam or LSSTComCam in the focal plane.

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


def focal_plane(cells: Mapping[str, tuple[str, str]], image: str, title: str, legend: str = "") -> str:
    """Draw the focal plane over a picture of it.

    Parameters
    ----------
    cells : mapping [`str`, (`str`, `str`)]
        Detector -> what a reader is told of it, and a class of the style sheet (may be empty).
    image : `str`
        Data URI of a picture of all detectors in their places, one cell for each.
    title : `str`
        What is shown.
    legend : `str`, optional
        Said to those who cannot see it.

    Returns
    -------
    `str`
        Inline SVG; detectors without a place are left out.
    """
    places = {name: place for name in cells if (place := place_of(name)) is not None}
    left, right, bottom, top = bounds(places.values())
    columns, rows = right - left + 1, top - bottom + 1
    side = max(20, _PLANE // columns)
    parts = [
        f'<svg class="focal-plane" viewBox="0 0 {columns * side} {rows * side}" role="img">',
        f"<title>{escape(title)}{'. ' + escape(legend) if legend else ''}</title>",
        f'<image href="{image}" width="{columns * side}" height="{rows * side}"/>',
    ]
    for name, (column, row) in places.items():
        text, style = cells[name]
        x, y = (column - left) * side, (top - row) * side
        parts.append(
            f'<rect class="detector {style}" data-detector="{escape(name)}" x="{x}" y="{y}" width="{side}" '
            f'height="{side}"><title>{escape(text)}</title></rect>'
        )
        if side > _NAMED:
            parts.append(f'<text class="raft-name" x="{x + 4}" y="{y + 10}">{escape(name)}</text>')
    rafts = _rafts(places, left, top, side) if side <= _NAMED else ()
    return "".join([*parts, *rafts, "</svg>"])


def bounds(places: Iterable[Place]) -> tuple[int, int, int, int]:
    """Give the first and last column and the first and last row."""
    found = list(places)
    columns, rows = [column for column, _ in found], [row for _, row in found]
    return min(columns), max(columns), min(rows), max(rows)


def _rafts(places: Mapping[str, Place], left: int, top: int, side: int) -> Iterator[str]:
    for raft in dict.fromkeys(name.partition("_")[0] for name in places):
        column, row = 3 * int(raft[2]), 3 * int(raft[1])
        x, y = (column - left) * side, (top - row - 2) * side
        yield f'<rect class="raft" x="{x}" y="{y}" width="{3 * side}" height="{3 * side}"/>'
        yield f'<text class="raft-name" x="{x + 3}" y="{y + 11}">{raft}</text>'


# Trends.


def sparkline(trend: Trend, width: int = 180, height: int = 40) -> str:
    """Draw a quantity over the runs, this one last.

    Parameters
    ----------
    trend : `Trend`
        The quantity.
    width, height : `int`
        Pixels.
    """
    values = [value for _, value in trend.points if math.isfinite(value)]
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    # A quantity that hardly changes is not drawn as if it jumped.
    room = max(high - low, 0.02 * max(abs(low), abs(high)), 1e-12)
    middle = (low + high) / 2

    def point(place: int, value: float) -> tuple[float, float]:
        x = 5 + place * (width - 10) / (len(values) - 1)
        return x, height / 2 - (value - middle) / room * (height - 12)

    points = [point(place, value) for place, value in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    style = "departed" if trend.departures else "usual"
    told = (
        f"{trend.title}: {len(values)} runs, from {low:.4g} to {high:.4g} {trend.unit}, now {values[-1]:.4g}"
    )
    return (
        f'<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
        f'<title>{escape(told)}</title><polyline points="{line}"/>'
        + "".join(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="1.8"/>' for px, py in points[:-1])
        + f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="4"/></svg>'
    )
