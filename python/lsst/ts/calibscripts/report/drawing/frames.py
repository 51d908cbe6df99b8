"""What stands around a picture: axes in pixels, names of amplifiers, a bar of colours. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from ..reading.evidence import Defects, Image
from ..sections import number
from .focal_planes import Layout, layout_of
from .pictures import Stretched

__all__ = ["Picture", "defect_map", "difference_of", "picture_of"]

_SIDE = 360.0
_LEFT, _TOP, _BELOW = 40.0, 9.0, 34.0
_TICKS = (250, 500, 1000, 2000)
_LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
_MOST_BOXES = 5000


@dataclass(frozen=True)
class Picture:
    """A drawing with its caption, and the values at equal distances along its bar of colours."""

    drawing: str  #: Inline SVG.
    caption: str  #: What it shows.
    ticks: tuple[str, ...] = ()  #: Values along the bar; empty where there is no bar.
    unit: str = ""  #: Of the values.
    wide: bool = False  #: Does it show several detectors?
    colours: str = "grey"  #: Name of the bar of colours in the style sheet.


def picture_of(images: Sequence[Image], stretched: Stretched) -> Picture:
    """Frame a stretched picture.

    Parameters
    ----------
    images : sequence of `Image`
        What is on it.
    """
    first = images[0]
    values = [stretched.value_at(place) for place in _LEVELS]
    exposure = f" {first.exposure}" if first.exposure else ""
    masked = "; masked pixels are blue" if stretched.masked else ""
    caption = (
        f"{first.title[0].upper()}{first.title[1:]}{exposure} (asinh between the limits of zscale{masked})"
    )
    drawing = _framed(images, stretched, caption)
    ticks = tuple(number(value) if abs(value) >= 1000 else f"{value:.3g}" for value in values)
    return Picture(drawing, caption, ticks, first.unit, wide=len(images) > 1)


def difference_of(images: Sequence[Image], stretched: Stretched) -> Picture:
    """Frame the picture of a difference.

    Parameters
    ----------
    images : sequence of `Image`
        What is on it.
    stretched : `Stretched`
        The picture, linear around zero.
    """
    first, several = images[0], len(images) > 1
    masked = "; masked pixels are darker blue" if stretched.masked else ""
    binned = f"; mean of {first.binned} x {first.binned} pixels" if first.binned > 1 else ""
    caption = f"{first.title[0].upper()}{first.title[1:]}, over the noise of both{binned}{masked}"
    ticks = tuple(f"{stretched.low + place * (stretched.high - stretched.low):.2g}" for place in _LEVELS)
    drawing = _framed(images, stretched, caption)
    return Picture(drawing, caption, ticks, first.unit, wide=several, colours="coolwarm")


def _framed(images: Sequence[Image], stretched: Stretched, caption: str) -> str:
    first = images[0]
    if len(images) == 1:
        rows, columns = (n * first.binned for n in first.pixels.shape)
        return _alone(stretched.uri, columns, rows, caption, amplifiers=True)
    return _together(stretched, layout_of(image.detector for image in images), caption)


def _alone(uri: str, columns: int, rows: int, title: str, *, amplifiers: bool, within: str = "") -> str:
    scale = _SIDE / max(columns, 1)
    height = rows * scale
    image = (
        f'<image href="{uri}" x="{_LEFT:g}" y="{_TOP:g}" width="{_SIDE:g}" height="{height:.1f}"/>'
        if uri
        else ""
    )
    parts = [
        f'<svg class="picture" viewBox="0 0 {_LEFT + _SIDE + 12:g} {_TOP + height + _BELOW:.1f}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect class="ground" x="{_LEFT:g}" y="{_TOP:g}" width="{_SIDE:g}" height="{height:.1f}"/>',
        image,
        within,
        *_axes(columns, rows, scale, height),
        *(_amplifiers(height) if amplifiers else ()),
    ]
    return "".join([*parts, "</svg>"])


def _axes(columns: int, rows: int, scale: float, height: float) -> Iterator[str]:
    """Draw ticks in pixels of the detector, column to the right and row upwards."""
    step = next((s for s in _TICKS if max(columns, rows) / s <= 5), _TICKS[-1])
    step = step if max(columns, rows) > step else max(1, max(columns, rows) // 4)
    bottom = _TOP + height
    for value in range(0, columns + 1, step):
        x = _LEFT + value * scale
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom:.1f}" y2="{bottom + 4:.1f}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{bottom + 16:.1f}" text-anchor="middle">{value}</text>'
    for value in range(0, rows + 1, step):
        y = bottom - value * scale
        yield f'<line class="axis" x1="{_LEFT - 4:g}" x2="{_LEFT:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{_LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'
    yield f'<text class="tick" x="{_LEFT + _SIDE / 2:g}" y="{bottom + 29:.1f}" text-anchor="middle">pixel</text>'


def _amplifiers(height: float) -> Iterator[str]:
    """Draw the 16 amplifiers of the sensors of all three cameras: C10 to C17 above C00 to C07."""
    width, middle, bottom = _SIDE / 8, _TOP + height / 2, _TOP + height
    lines = [(_LEFT, middle, _LEFT + _SIDE, middle)]
    lines += [(_LEFT + n * width, _TOP, _LEFT + n * width, bottom) for n in range(1, 8)]
    for x1, y1, x2, y2 in lines:
        yield f'<line class="border" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
    for place in range(8):
        x = _LEFT + (place + 0.5) * width
        for row, y in ((1, _TOP + 12), (0, bottom - 4)):
            yield f'<text class="amplifier" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">C{row}{place}</text>'


def _together(stretched: Stretched, layout: Layout, title: str) -> str:
    width, height = layout.columns * 100, layout.rows * 100
    parts = [
        f'<svg class="picture together" viewBox="0 0 {width} {height}" role="img"><title>{escape(title)}</title>',
        f'<image href="{stretched.uri}" width="{width}" height="{height}" preserveAspectRatio="none"/>',
    ]
    if layout.columns <= 6:
        for name, (column, row) in layout.places.items():
            x, y = column * 100 + 3, (layout.rows - 1 - row) * 100 + 9
            parts.append(f'<text class="amplifier" x="{x}" y="{y}">{escape(name)}</text>')
    return "".join([*parts, "</svg>"])


def defect_map(defects: Defects, columns: int, rows: int) -> Picture:
    """Draw the boxes of defects of a detector; the smallest are made large enough to be seen.

    Parameters
    ----------
    defects : `Defects`
        The boxes.
    columns, rows : `int`
        Size of the detector, pixels.
    """
    scale = _SIDE / max(columns, 1)
    height = rows * scale
    # The largest, where they are too many to be drawn.
    shown = sorted(defects.places, key=lambda box: box[2] * box[3], reverse=True)[:_MOST_BOXES]
    boxes = "".join(
        f'<rect class="defect" x="{_LEFT + x * scale:.1f}" y="{_TOP + height - (y + h) * scale:.1f}" '
        f'width="{max(w * scale, 1.5):.1f}" height="{max(h * scale, 1.5):.1f}"/>'
        for x, y, w, h in shown
    )
    left_out = f"; the {len(shown)} largest are drawn" if len(shown) < defects.boxes else ""
    caption = f"Defects of {defects.detector}: {defects.boxes} boxes, {defects.pixels} pixels{left_out}"
    return Picture(_alone("", columns, rows, caption, amplifiers=True, within=boxes), caption)
