"""Pictures of a page: images stretched to be looked at, maps of the focal plane, and plots."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .drawings import Place, bounds, place_of
from .evidence import Grid, Image

__all__ = ["Stretched", "amplifier_map", "stretch"]

_TRANSPARENT = 255
_AMPLIFIER = re.compile(r"C(\d)(\d)")


class Stretched:
    """A picture of one or more detectors, ready to be shown.

    Attributes
    ----------
    uri : `str`
        Data URI of a PNG.
    low, high : `float`
        Pixel values that are black and white.
    width, height : `int`
        Pixels of the picture.
    """

    def __init__(self, uri: str, low: float, high: float, width: int, height: int) -> None:
        self.uri, self.low, self.high, self.width, self.height = uri, low, high, width, height


def stretch(images: Sequence[Image]) -> Stretched | None:
    """Make one picture of the images of all detectors, in their places in the focal plane.

    Parameters
    ----------
    images : sequence of `Image`
        Of one kind; of one exposure.

    Returns
    -------
    `Stretched` or `None`
        Grey between the limits of zscale, stretched by asinh; masked pixels and gaps are transparent. None where
        no pixel is a number.
    """
    from astropy.visualization import AsinhStretch, ZScaleInterval

    pixels = _mosaic(images)
    good = np.isfinite(pixels)
    if not good.any():
        return None
    low, high = (float(limit) for limit in ZScaleInterval(contrast=0.1).get_limits(pixels[good]))
    if high <= low:
        high = low + 1.0
    shown = np.clip((np.where(good, pixels, low) - low) / (high - low), 0.0, 1.0)
    grey = np.round(AsinhStretch()(shown) * 254).astype(np.uint8)
    grey[~good] = _TRANSPARENT
    palette = [value for level in range(256) for value in (level,) * 3]
    rows, columns = grey.shape
    # Row 0 of a detector is its lowest one.
    return Stretched(_png(grey[::-1], palette), low, high, columns, rows)


def _mosaic(images: Sequence[Image]) -> NDArray[np.float32]:
    if len(images) == 1:
        return images[0].pixels
    places: dict[str, Place] = {i.detector: place for i in images if (place := place_of(i.detector))}
    placed = [image for image in images if image.detector in places] or list(images)
    places = places or {image.detector: (index, 0) for index, image in enumerate(images)}
    left, right, bottom, top = bounds(places.values())
    height = max(image.pixels.shape[0] for image in placed) + 1
    width = max(image.pixels.shape[1] for image in placed) + 1
    whole = np.full(((top - bottom + 1) * height, (right - left + 1) * width), np.nan, dtype=np.float32)
    for image in placed:
        column, row = places[image.detector]
        rows, columns = image.pixels.shape
        y, x = (row - bottom) * height, (column - left) * width
        whole[y : y + rows, x : x + columns] = image.pixels
    return whole


def _png(indices: NDArray[np.uint8], palette: Sequence[int]) -> str:
    from PIL import Image as Png

    picture = Png.fromarray(np.ascontiguousarray(indices), mode="P")
    picture.putpalette(list(palette))
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True, transparency=_TRANSPARENT)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def amplifier_map(grid: Grid, values: NDArray[Any], colours: str = "viridis") -> tuple[str, float, float]:
    """Draw a value of every amplifier at its place in the focal plane.

    Parameters
    ----------
    grid : `Grid`
        Names of detectors and amplifiers.
    values : array
        Shape ``(n_detectors, n_amplifiers)``; what is not a number is transparent.
    colours : `str`, optional
        Name of a colour map of matplotlib.

    Returns
    -------
    uri : `str`
        Data URI of a PNG: 8 by 2 pixels, and a border, for each detector.
    low, high : `float`
        Values of the first and the last colour.
    """
    from matplotlib import colormaps

    places = {name: place for name in grid.detectors if (place := place_of(name))}
    left, right, bottom, top = bounds(places.values())
    # Ten by ten pixels a detector: five for each row of amplifiers.
    whole = np.full(((top - bottom + 1) * 10, (right - left + 1) * 10), np.nan)
    for name, (column, row) in places.items():
        for index, amplifier in enumerate(grid.amplifiers):
            match = _AMPLIFIER.fullmatch(amplifier)
            if match:
                y = (row - bottom) * 10 + 1 + 4 * int(match[1])
                x = (column - left) * 10 + 1 + int(match[2])
                whole[y : y + 4, x] = values[grid.detectors.index(name), index]
    good = np.isfinite(whole)
    low, high = _limits(whole[good])
    shown = np.clip((np.where(good, whole, low) - low) / ((high - low) or 1.0), 0, 1)
    indices = np.round(shown * 254).astype(np.uint8)
    indices[~good] = _TRANSPARENT
    table = np.round(colormaps[colours](np.linspace(0, 1, 255))[:, :3] * 255).astype(int)
    return _png(indices[::-1], [*table.ravel().tolist(), 0, 0, 0]), low, high


def _limits(values: NDArray[Any]) -> tuple[float, float]:
    """Give limits that a few extreme values do not decide."""
    if not values.size:
        return 0.0, 1.0
    low, high = (float(limit) for limit in np.percentile(values, (1, 99)))
    return (low, high) if high > low else (low, low + (abs(low) * 0.01 or 1.0))
