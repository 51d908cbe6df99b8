"""The drawing of a quantity over the runs, each of them a link. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from html import escape
from urllib.parse import quote

from .trending import Series

__all__ = ["drawing_of"]

_WIDTH, _HEIGHT, _LEFT, _MARGIN = 720.0, 150.0, 96.0, 14.0


def drawing_of(series: Series) -> str:
    """Draw a quantity over the runs.

    Returns
    -------
    `str`
        Inline SVG; each run is a link to its page.
    """
    values = [point.value for point in series.points if math.isfinite(point.value)]
    if not values:
        return ""
    low, high = min([*values, *(series.usual or ())]), max([*values, *(series.usual or ())])
    # A quantity that hardly changes is not drawn as if it jumped.
    room = max(high - low, 0.02 * max(abs(low), abs(high)), 1e-12)
    middle = (low + high) / 2

    def y(value: float) -> float:
        return float(_HEIGHT / 2 - (value - middle) / room * (_HEIGHT - 2 * _MARGIN))

    label = f"{series.title}: {len(values)} runs, from {min(values):.4g} to {max(values):.4g} {series.unit}"
    parts = [
        f'<svg class="trend" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="group" aria-label="{escape(label)}">'
    ]
    if series.usual:
        top, bottom = y(series.usual[1]), y(series.usual[0])
        parts.append(
            f'<rect class="usual" x="{_LEFT:g}" y="{top:.1f}" width="{_WIDTH - _LEFT:g}" '
            f'height="{bottom - top:.1f}"/>'
        )
    for value in (min(values), max(values)) if max(values) > min(values) else (values[0],):
        parts.append(f'<text x="{_LEFT - 6:g}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>')
    return "".join([*parts, *_points(series, y), "</svg>"])


def _points(series: Series, y: Callable[[float], float]) -> Iterator[str]:
    step = (_WIDTH - _LEFT - 2 * _MARGIN) / max(1, len(series.points) - 1)
    places = [
        (_LEFT + _MARGIN + place * step, y(point.value), point)
        for place, point in enumerate(series.points)
        if math.isfinite(point.value)
    ]
    line = " ".join(f"{x:.1f},{height:.1f}" for x, height, _ in places)
    yield f'<polyline points="{line}"/>'
    for x, height, point in places:
        text = f"{point.tai.replace('T', ' ')}: {point.value:.4g} {series.unit}"
        text += ", outside its usual range" if point.departed else ""
        text += f"; {point.note}" if point.note else ""
        yield (
            f'<a href="/runs/{quote(point.run, safe="")}" aria-label="{escape(text)}"><title>{escape(text)}</title>'
            f'<circle class="{"departed" if point.departed else "usual"}" cx="{x:.1f}" cy="{height:.1f}" r="5"/></a>'
        )
