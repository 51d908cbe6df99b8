"""Boxes and arrows as SVG, in the colours of the page around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape

__all__ = ["Arrow", "Box", "Drawing", "Frame"]

_STYLE = """\
text { font: 12px sans-serif; fill: currentColor; text-anchor: middle; dominant-baseline: central; }
rect { fill: none; stroke: currentColor; stroke-width: 1.2; }
path { fill: none; stroke: currentColor; stroke-width: 1.2; }
.frame { stroke-dasharray: 2 4; }
.dashed { stroke-dasharray: 5 4; opacity: 0.7; }
.tip { fill: currentColor; stroke: none; }"""

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rounded rectangle with a text in it; ``x`` and ``y`` are its centre, pixels."""

    text: str
    x: float
    y: float
    width: float = 112.0
    height: float = 34.0

    def side(self, name: str) -> Point:
        """Give the middle of a side: top, bottom, left or right."""
        across, down = {"top": (0, -1), "bottom": (0, 1), "left": (-1, 0), "right": (1, 0)}[name]
        return self.x + across * self.width / 2, self.y + down * self.height / 2

    def svg(self) -> str:
        """Draw it."""
        left, top = self.x - self.width / 2, self.y - self.height / 2
        return (
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{self.width:.1f}" height="{self.height:.1f}" rx="6"/>'
            f'<text x="{self.x:.1f}" y="{self.y:.1f}">{escape(self.text)}</text>'
        )


@dataclass(frozen=True)
class Frame:
    """A dotted rectangle from one corner to the other."""

    left: float
    top: float
    right: float
    bottom: float

    def svg(self) -> str:
        """Draw it."""
        size = f'width="{self.right - self.left:.1f}" height="{self.bottom - self.top:.1f}"'
        return f'<rect class="frame" x="{self.left:.1f}" y="{self.top:.1f}" {size} rx="10"/>'


@dataclass(frozen=True)
class Arrow:
    """A curve through two control points, with a tip at its end; straight without them."""

    begin: Point
    end: Point
    controls: tuple[Point, Point] | None = None
    dashed: bool = False

    def svg(self) -> str:
        """Draw it."""
        first, second = self.controls or (self.begin, self.begin)
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (first, second, self.end))
        kind = ' class="dashed"' if self.dashed else ""
        line = f'<path{kind} d="M {self.begin[0]:.1f},{self.begin[1]:.1f} C {points}"/>'
        return line + _tip(second, self.end)


def _tip(before: Point, end: Point) -> str:
    """Draw the tip of an arrow that comes from a point."""
    dx, dy = end[0] - before[0], end[1] - before[1]
    length = (dx**2 + dy**2) ** 0.5 or 1.0
    ux, uy = dx / length, dy / length
    corners = [end, *((end[0] - 8 * ux + s * 3.5 * uy, end[1] - 8 * uy - s * 3.5 * ux) for s in (1, -1))]
    outline = " L ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return f'<path class="tip" d="M {outline} Z"/>'


@dataclass
class Drawing:
    """A picture of boxes, by name, and what connects them."""

    #: Pixels.
    width: float
    height: float
    title: str  #: Text for a reader who does not see it.
    boxes: Mapping[str, Box] = field(default_factory=dict)
    others: Iterable[Arrow | Frame] = ()

    def svg(self) -> str:
        """Draw it as an element that stands in a page."""
        parts = [*(box.svg() for box in self.boxes.values()), *(other.svg() for other in self.others)]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:.0f} {self.height:.0f}" '
            f'role="img" aria-label="{escape(self.title, quote=True)}" '
            f'style="max-width: {self.width:.0f}px; width: 100%">\n'
            f"<style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</svg>"
        )
