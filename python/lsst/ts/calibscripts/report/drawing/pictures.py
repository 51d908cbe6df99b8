"""Pictures of a page: images stretched to be looked at, and maps of the amplifiers."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..reading.evidence import Grid, Image
from .focal_planes import layout_of

__all__ = ["Stretched", "amplifier_map", "around_zero", "stretch", "symmetric"]

_GAP = 255
_MASKED = 254
_MASKED_COLOUR = (91, 143, 217)
_WHITE = 253
_NOISE_ALONE = 2.0
"""The first and the last colour are at least so far from zero, in units of the noise."""
_SOFTENING = 0.1
"""Of the asinh stretch."""
_AMPLIFIER = re.compile(r"C(\d)(\d)")


@dataclass(frozen=True)
class Stretched:
    """A picture of one or more detectors, ready to be shown."""

    uri: str  #: Data URI of a PNG.
    #: Pixel values that are black and white.
    low: float
    high: float
    #: Pixels of the picture.
    width: int
    height: int
    masked: bool  #: Has it masked pixels? They are blue.

    def value_at(self, place: float) -> float:
        """Return the pixel value of a grey level, 0 black, 1 white."""
        part = _SOFTENING * math.sinh(place * math.asinh(1 / _SOFTENING))
        return self.low + part * (self.high - self.low)


def stretch(images: Sequence[Image]) -> Stretched | None:
    """Make one picture of the images of all detectors, laid out by `layout_of`.

    Parameters
    ----------
    images : sequence of `Image`
        Of one kind; of one exposure.

    Returns
    -------
    `Stretched` or `None`
        Grey between the limits of zscale, stretched by asinh; masked pixels are blue, gaps transparent. None where
        no pixel is a number.
    """
    from astropy.visualization import AsinhStretch, ZScaleInterval

    pixels, covered = _mosaic(images)
    good = np.isfinite(pixels)
    if not good.any():
        return None
    low, high = (float(limit) for limit in ZScaleInterval(contrast=0.1).get_limits(pixels[good]))
    if high <= low:
        high = low + 1.0
    shown = np.clip((np.where(good, pixels, low) - low) / (high - low), 0.0, 1.0)
    grey = np.round(AsinhStretch(_SOFTENING)(shown) * _WHITE).astype(np.uint8)
    grey[~good] = _GAP
    masked = covered & ~good
    grey[masked] = _MASKED
    palette = [*(level for level in range(_MASKED) for _ in range(3)), *_MASKED_COLOUR, 0, 0, 0]
    rows, columns = grey.shape
    # Row 0 of a detector is its lowest one.
    return Stretched(_png(grey[::-1], palette), low, high, columns, rows, bool(masked.any()))


def around_zero(images: Sequence[Image]) -> Stretched:
    """Make one picture of differences of all detectors: white where there is none, blue below, red above.

    Parameters
    ----------
    images : sequence of `Image`
        Differences.

    Returns
    -------
    `Stretched`
        Linear between limits as far below zero as above it.
    """
    from matplotlib import colormaps

    pixels, covered = _mosaic(images)
    good = np.isfinite(pixels)
    # What is noise alone is to look like it.
    high = max(symmetric(pixels)[1], _NOISE_ALONE)
    low = -high
    shown = np.clip((np.where(good, pixels, low) - low) / (high - low), 0.0, 1.0)
    indices = np.round(shown * _WHITE).astype(np.uint8)
    indices[~good] = _GAP
    masked = covered & ~good
    indices[masked] = _MASKED
    table = np.round(colormaps["coolwarm"](np.linspace(0, 1, _MASKED))[:, :3] * 255).astype(int)
    uri = _png(indices[::-1], [*table.ravel().tolist(), *_MASKED_COLOUR, 0, 0, 0])
    rows, columns = indices.shape
    return Stretched(uri, low, high, columns, rows, bool(masked.any()))


def _mosaic(images: Sequence[Image]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Put the images at their places; return the pixels, and which of them belong to a detector."""
    if len(images) == 1:
        return images[0].pixels, np.ones(images[0].pixels.shape, dtype=bool)
    layout = layout_of(image.detector for image in images)
    # A gap around each of them.
    height = max(image.pixels.shape[0] for image in images) + 2
    width = max(image.pixels.shape[1] for image in images) + 2
    whole = np.full((layout.rows * height, layout.columns * width), np.nan, dtype=np.float32)
    covered = np.zeros(whole.shape, dtype=bool)
    for image in images:
        column, row = layout.places[image.detector]
        rows, columns = image.pixels.shape
        y, x = row * height + 1, column * width + 1
        whole[y : y + rows, x : x + columns] = image.pixels
        covered[y : y + rows, x : x + columns] = True
    return whole, covered


def _png(indices: NDArray[np.uint8], palette: Sequence[int]) -> str:
    from PIL import Image as Png

    picture = Png.fromarray(np.ascontiguousarray(indices), mode="P")
    picture.putpalette(list(palette))
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True, transparency=_GAP)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def amplifier_map(
    grid: Grid, values: NDArray[Any], colours: str, limits: tuple[float, float] | None = None
) -> tuple[str, float, float]:
    """Draw a value of every amplifier at its place in its detector.

    Parameters
    ----------
    grid : `Grid`
        Names of detectors and amplifiers.
    values : array
        Shape ``(n_detectors, n_amplifiers)``; what is not a number is transparent.
    colours : `str`
        Name of a colour map of matplotlib.
    limits : (`float`, `float`), optional
        Values of the first and the last colour; by default those that a few extreme values do not decide.

    Returns
    -------
    uri : `str`
        Data URI of a PNG: 8 by 2 pixels, and a border, for each detector.
    low, high : `float`
        Values of the first and the last colour.
    """
    from matplotlib import colormaps

    layout = layout_of(grid.detectors)
    # Ten by ten pixels a detector: five for each row of amplifiers.
    whole = np.full((layout.rows * 10, layout.columns * 10), np.nan)
    for index, name in enumerate(grid.detectors):
        column, row = layout.places[name]
        for amplifier, value in zip(grid.amplifiers, values[index], strict=True):
            if match := _AMPLIFIER.fullmatch(amplifier):
                y, x = row * 10 + 1 + 4 * int(match[1]), column * 10 + 1 + int(match[2])
                whole[y : y + 4, x] = value
    good = np.isfinite(whole)
    low, high = limits or _limits(whole[good])
    shown = np.clip((np.where(good, whole, low) - low) / ((high - low) or 1.0), 0, 1)
    indices = np.round(shown * 254).astype(np.uint8)
    indices[~good] = _GAP
    table = np.round(colormaps[colours](np.linspace(0, 1, 255))[:, :3] * 255).astype(int)
    return _png(indices[::-1], [*table.ravel().tolist(), 0, 0, 0]), low, high


def _limits(values: NDArray[Any]) -> tuple[float, float]:
    if not values.size:
        return 0.0, 1.0
    low, high = (float(limit) for limit in np.percentile(values, (1, 99)))
    return (low, high) if high > low else (low, low + (abs(low) * 0.01 or 1.0))


def symmetric(values: NDArray[Any]) -> tuple[float, float]:
    """Return limits as far below zero as above it, which a few extreme values do not decide."""
    good = np.abs(values[np.isfinite(values)])
    high = float(np.percentile(good, 99)) if good.size else 0.0
    return (-high, high) if high > 0 else (-1.0, 1.0)
