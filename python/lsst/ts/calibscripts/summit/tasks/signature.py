"""From the raw counts of 16 amplifiers to one corrected image of the detector; numbers only.

In the opposite order of what happens to the charge: offset, crosstalk, non-linearity, deferred charge, gain, bias,
dark current, brighter-fatter effect, response.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import Table
from numpy.typing import NDArray

from ..datasets.calibrations import (
    BrighterFatterKernel,
    CrosstalkMatrix,
    DeferredCharge,
    Linearizer,
    by_amplifier,
)
from ..datasets.types import RawFrame, amplifier_views, assemble
from .electronics import restore_deferred_charge, sharpen, subtract_crosstalk

__all__ = [
    "GAIN",
    "OVERSCAN_NOISE",
    "READ_NOISE",
    "Calibrations",
    "amplifier_values",
    "defect_mask",
    "linear_counts",
    "overscan_level",
    "remove_signature",
]

GAIN = "LSST ISR GAIN"
"""Header keyword, followed by the amplifier's name: gain in electron/ADU that was applied, or would have been."""
READ_NOISE = "LSST ISR READNOISE"
"""Header keyword, followed by the amplifier's name: nominal read noise in electrons."""
OVERSCAN_NOISE = "LSST ISR OVERSCAN RESIDUAL SERIAL STDEV"
"""Header keyword, followed by the amplifier's name: scatter of the corrected overscan in ADU."""

MINIMUM_RESPONSE = 0.05
"""Pixels that respond less than this fraction of the mean are masked, not flat-fielded."""


@dataclass(frozen=True)
class Calibrations:
    """Calibrations to apply; what is None is not applied."""

    bias: CCDData | None = None  #: Bias in the unit of the image, shape of the detector.
    dark: CCDData | None = None  #: Dark current in the unit of the image per s.
    flat: CCDData | None = None  #: Relative response, about 1.
    #: Boxes with columns x0, y0, width, height in pixels of the assembled image.
    defects: Table | None = None
    #: Calibrations of the electronics.
    crosstalk: CrosstalkMatrix | None = None
    linearizer: Linearizer | None = None
    cti: DeferredCharge | None = None
    bfk: BrighterFatterKernel | None = None
    #: electron/ADU, by amplifier; None for the nominal ones of the raw frame.
    gains: Mapping[str, float] | None = None


def overscan_level(overscan: NDArray[Any], order: int) -> NDArray[np.float64]:
    """Return the bias level of each row from the serial overscan.

    A smooth curve: the mean of a row's few overscan pixels would add its own noise to all pixels of the row.

    Parameters
    ----------
    overscan
        Counts in ADU, shape ``(n_amplifiers, rows, columns)``.
    order
        Order of the Legendre polynomial that is fitted to the means of the rows.

    Returns
    -------
    level
        ADU, shape ``(n_amplifiers, rows)``.
    """
    means = np.mean(overscan, axis=2, dtype=np.float64)
    rows = np.linspace(-1.0, 1.0, means.shape[1])
    basis, _ = np.linalg.qr(np.polynomial.legendre.legvander(rows, order))
    level: NDArray[np.float64] = means @ basis @ basis.T
    return level


def amplifier_values(header: Mapping[str, Any], keyword: str) -> dict[str, float]:
    """Return the values of one quantity of all amplifiers, in the order of the header.

    Parameters
    ----------
    header
        Header of a processed image.
    keyword
        One of `GAIN`, `READ_NOISE`, `OVERSCAN_NOISE`.

    Returns
    -------
    values
        By amplifier.

    Raises
    ------
    KeyError
        If the header has none: the image was not made by `remove_signature`.
    """
    start = f"{keyword} "
    values = {key[len(start) :]: float(header[key]) for key in header if key.startswith(start)}
    if not values:
        raise KeyError(f"no {keyword!r} in the header: this image was not made by an ISR task")
    return values


def remove_signature(raw: RawFrame, calibrations: Calibrations, *, order: int, electrons: bool) -> CCDData:
    """Subtract overscan, correct the electronics, assemble, and apply the calibrations.

    Parameters
    ----------
    raw
        The raw frame.
    calibrations
        What to apply: ``(raw - overscan - bias - dark * DARKTIME) / flat``; defects are masked.
    order
        Order of the overscan curve, see `overscan_level`.
    electrons
        Is the image in electrons? False leaves it in ADU.

    Returns
    -------
    image
        The detector, float32, with the raw header and the keywords of this module.

    Raises
    ------
    ValueError
        If bias or dark are not in the unit of the image.
    """
    # The first column has the charge that the last pixels of the image left behind.
    overscan = raw.overscan[:, :, 1:]
    level = overscan_level(overscan, order)
    gains = dict(zip(raw.amplifiers, raw.gains, strict=True)) | dict(calibrations.gains or {})
    counts = linear_counts(raw, calibrations, order=order)
    unit = "electron" if electrons else "adu"
    if electrons:
        counts *= by_amplifier(gains, raw.amplifiers)
    image: NDArray[np.float32] = assemble(counts)
    scale = _flat_scale(calibrations.flat)
    _subtract(image, calibrations, float(raw.header["DARKTIME"]), units.Unit(unit))
    if calibrations.bfk is not None:
        sharpen(amplifier_views(image), calibrations.bfk)
    if scale is not None:
        image *= scale
    header = _header(raw, gains, np.std(overscan - level[:, :, None], axis=(1, 2)))
    return CCDData(image, unit=unit, meta=header, mask=_mask(calibrations, scale, image.shape))


def linear_counts(raw: RawFrame, calibrations: Calibrations, *, order: int) -> NDArray[np.float32]:
    """Return what the amplifiers counted above the overscan, with the electronics corrected.

    Parameters
    ----------
    raw
        The raw frame.
    calibrations
        Of these crosstalk, linearizer and cti.
    order
        Order of the overscan curve, see `overscan_level`.

    Returns
    -------
    counts
        ADU, shape ``(n_amplifiers, rows, image_columns)``.
    """
    counts = np.empty(raw.image.shape, dtype=np.float32)
    level = overscan_level(raw.overscan[:, :, 1:], order)
    np.subtract(raw.image, level[:, :, None], out=counts, casting="same_kind")
    if calibrations.crosstalk is not None:
        subtract_crosstalk(counts, calibrations.crosstalk, raw.amplifiers, np.array(raw.gains))
    if calibrations.linearizer is not None:
        coefficient = by_amplifier(calibrations.linearizer.coefficient, raw.amplifiers)
        counts += coefficient * counts**2
    if calibrations.cti is not None:
        restore_deferred_charge(counts, calibrations.cti, raw.amplifiers)
    return counts


def _flat_scale(flat: CCDData | None) -> NDArray[np.float32] | None:
    """Return what flat-fielding multiplies with: 1 / flat, 0 for pixels that hardly respond."""
    if flat is None:
        return None
    scale: NDArray[np.float32] = np.zeros_like(flat.data)
    np.divide(1.0, flat.data, out=scale, where=flat.data >= MINIMUM_RESPONSE)
    return scale


def _subtract(
    image: NDArray[np.float32], calibrations: Calibrations, dark_time: float, unit: units.Unit
) -> None:
    """Subtract bias and dark in place."""
    for calibration, of, seconds in (
        (calibrations.bias, unit, None),
        (calibrations.dark, unit / units.s, dark_time),
    ):
        if calibration is None:
            continue
        if calibration.unit != of:
            kind = "bias" if seconds is None else "dark"
            raise ValueError(
                f"the {kind} is in {calibration.unit}, which an image in {unit} cannot be corrected with"
            )
        image -= calibration.data if seconds is None else calibration.data * np.float32(seconds)


def _mask(
    calibrations: Calibrations, scale: NDArray[np.float32] | None, shape: tuple[int, ...]
) -> NDArray[np.bool_] | None:
    """Return the pixels without a value in a calibration, without response, or in a defect."""
    images = (calibrations.bias, calibrations.dark, calibrations.flat)
    masks = [image.mask for image in images if image is not None and image.mask is not None]
    if scale is not None and not scale.all():
        masks.append(scale == 0)
    if calibrations.defects is not None:
        masks.append(defect_mask(calibrations.defects, shape))
    return np.asarray(np.logical_or.reduce(masks)) if masks else None


def defect_mask(defects: Table, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Paint the boxes of a table of defects.

    Parameters
    ----------
    defects
        Columns x0, y0, width, height in pixels of the assembled image.
    shape
        Shape of the image.

    Returns
    -------
    mask
        True inside the boxes.
    """
    mask = np.zeros(shape, dtype=bool)
    for x, y, width, height in defects["x0", "y0", "width", "height"].iterrows():
        mask[y : y + height, x : x + width] = True
    return mask


def _header(raw: RawFrame, gains: Mapping[str, float], overscan_noise: NDArray[np.float64]) -> fits.Header:
    header = fits.Header(dict(raw.header))
    for index, name in enumerate(raw.amplifiers):
        header[f"HIERARCH {GAIN} {name}"] = float(gains[name])
        header[f"HIERARCH {READ_NOISE} {name}"] = float(raw.read_noises[index])
        header[f"HIERARCH {OVERSCAN_NOISE} {name}"] = round(float(overscan_noise[index]), 6)
    return header
