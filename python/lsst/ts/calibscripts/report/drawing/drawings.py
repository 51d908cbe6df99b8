"""Vector drawings of a page: the time line and trends. Pure.

Their colours come from the style sheet of the page, so they are right in light and dark and on paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from ..reading.exposed import duration
from ..timeline import Kind, Span
from ..trends import Trend

__all__ = ["sparkline", "timeline_drawing"]

_LABELS = 150.0
_WIDTH = 1000.0
_ROW = 22.0
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)

_NARROW = 400.0
"""Width of the drawing for a narrow window, where the labels stand above the bars."""


@dataclass(frozen=True)
class _Scale:
    """How a time line is laid out: where its bars begin, units for a second, and the height of a row."""

    left: float
    unit: float
    row: float
    above: float

    def x(self, seconds: float) -> float:
        """Return where a time is."""
        return self.left + seconds * self.unit


def timeline_drawing(spans: Sequence[Span], seconds: float, *, narrow: bool = False) -> str:
    """Draw what took the time.

    Parameters
    ----------
    spans : sequence of `Span`
        What happened, rows in the order in which they are drawn.
    seconds : `float`
        Length of the run.
    narrow : `bool`, optional
        Draw it for a narrow window.

    Returns
    -------
    `str`
        Inline SVG; each span shows its text when it is pointed at.
    """
    rows = {row: place for place, row in enumerate(dict.fromkeys(span.row for span in spans))}
    length = max(seconds, max((span.end for span in spans), default=0.0), 0.001)
    width = _NARROW if narrow else _WIDTH
    left, row_height, above = (12.0, 38.0, 17.0) if narrow else (_LABELS, _ROW, 0.0)
    scale = _Scale(left, (width - left - 70) / length, row_height, above)
    height = scale.row * len(rows) + 24
    name = "narrow" if narrow else "wide"
    parts = [
        f'<svg class="timeline {name}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="timeline-{name}">',
        f'<title id="timeline-{name}">Time line of the run; the table below holds the same</title>',
        *_axis(length, scale, height, 5 if narrow else 10),
    ]
    for row, place in rows.items():
        x, anchor = (scale.left, "start") if narrow else (_LABELS - 8, "end")
        y = place * scale.row + (13 if narrow else 15)
        parts.append(f'<text class="label" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(row)}</text>')
    parts += [_span(span, rows[span.row] * scale.row + scale.above + 4, scale) for span in spans]
    parts += _durations(spans, rows, scale)
    return "".join([*parts, "</svg>"])


def _axis(length: float, scale: _Scale, height: float, most: int) -> Iterator[str]:
    step = next((s for s in _STEPS if length / s <= most), _STEPS[-1])
    for number in range(int(length / step) + 1):
        x = scale.x(number * step)
        yield f'<line class="grid" x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{height - 20:g}"/>'
        unit = " s" if number == 0 else ""
        yield f'<text class="tick" x="{x:.1f}" y="{height - 6:g}" text-anchor="middle">{number * step:g}{unit}</text>'


def _span(span: Span, y: float, scale: _Scale) -> str:
    x, width = scale.x(span.begin), max(span.seconds * scale.unit, 1.0)
    title = f"<title>{escape(span.text)} (from {span.begin:.1f} s)</title>"
    if span.kind is Kind.CERTIFIED:
        points = f"{x:.1f},{y:g} {x + 7:.1f},{y + 7:g} {x:.1f},{y + 14:g} {x - 7:.1f},{y + 7:g}"
        return f'<polygon class="{span.kind}" points="{points}">{title}</polygon>'
    thin = span.kind in (Kind.WAIT, Kind.ARRIVAL)
    top, high = (y + 4, 6.0) if thin else (y, 14.0)
    return f'<rect class="{span.kind}" x="{x:.1f}" y="{top:g}" width="{width:.1f}" height="{high:g}">{title}</rect>'


def _durations(spans: Iterable[Span], rows: Mapping[str, int], scale: _Scale) -> Iterator[str]:
    """Write behind each row how long it took."""
    bounds: dict[str, tuple[float, float]] = {}
    for span in spans:
        if span.kind not in (Kind.ARRIVAL, Kind.WAIT, Kind.CERTIFIED):
            begin, end = bounds.get(span.row, (span.begin, span.end))
            bounds[span.row] = min(begin, span.begin), max(end, span.end)
    for row, (begin, end) in bounds.items():
        x, y = scale.x(end) + 6, rows[row] * scale.row + scale.above + 15
        yield f'<text class="tick" x="{x:.1f}" y="{y:g}">{escape(duration(end - begin))}</text>'


# Trends.


def sparkline(trend: Trend) -> str:
    """Draw a quantity over the runs, this one last."""
    width, height = 180, 40
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
    title = (
        f"{trend.title}: {len(values)} runs, from {low:.4g} to {high:.4g} {trend.unit}, now {values[-1]:.4g}"
    )
    return (
        f'<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
        f'<title>{escape(title)}</title><polyline points="{line}"/>'
        + "".join(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="1.8"/>' for px, py in points[:-1])
        + f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="4"/></svg>'
    )
