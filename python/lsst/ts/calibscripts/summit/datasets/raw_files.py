"""Raw frames as files: multi-extension FITS, written and read by hand.

Sixteen extensions through astropy cost more than all that is done with the pixels of a small frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from .types import AMPLIFIERS, RawFrame, corners

__all__ = ["read_raw", "write_raw"]

_FITS_BLOCK = 2880


def _section(x: int, y: int, columns: int, rows: int) -> str:
    """Return the FITS section, one-based and inclusive, of a box at zero-based ``x``, ``y``."""
    return f"[{x + 1}:{x + columns},{y + 1}:{y + rows}]"


def write_raw(frame: RawFrame, path: str | Path) -> None:
    """Write a raw frame as a multi-extension FITS file, one image extension per amplifier.

    Parameters
    ----------
    frame
        The frame.
    path
        File to write; an existing one is replaced.
    """
    _, rows, columns = frame.data.shape
    primary = fits.PrimaryHDU(header=fits.Header(dict(frame.header))).header
    primary["EXTEND"] = True
    counts = frame.data.astype(">i4")
    with open(path, "wb") as file:
        file.write(primary.tostring().encode("ascii"))
        for index, corner in enumerate(corners(rows, frame.image_columns)):
            values = (frame.gains[index], frame.read_noises[index])
            file.write(_amplifier_header(corner, rows, columns, frame.image_columns, *values))
            file.write(counts[index].tobytes())
            file.write(bytes(-counts[index].nbytes % _FITS_BLOCK))


# The same for all frames of a detector, and dearer than the pixels of a small one.
@lru_cache(maxsize=4096)
def _amplifier_header(
    corner: tuple[str, int, int], rows: int, columns: int, image_columns: int, gain: float, read_noise: float
) -> bytes:
    # Built by hand: sixteen ImageHDU objects cost more than making the pixels of a small frame.
    name, x, y = corner
    axes = {"NAXIS": 2, "NAXIS1": columns, "NAXIS2": rows}
    header = fits.Header({"XTENSION": "IMAGE", "BITPIX": 32} | axes | {"PCOUNT": 0, "GCOUNT": 1})
    header["EXTNAME"] = name
    header["DATASEC"] = _section(0, 0, image_columns, rows)
    header["BIASSEC"] = _section(image_columns, 0, columns - image_columns, rows)
    header["DETSEC"] = _section(x, y, image_columns, rows)
    header["GAIN"] = gain
    header["RDNOISE"] = read_noise
    text: str = header.tostring()
    return text.encode("ascii")


def read_raw(path: str | Path) -> RawFrame:
    """Read a raw frame written by `write_raw`.

    Parameters
    ----------
    path
        A multi-extension FITS file.

    Returns
    -------
    frame
        The frame.

    Raises
    ------
    OSError
        If the file is not FITS, or if an amplifier is missing or not complete.
    """
    content = Path(path).read_bytes()
    if not content.startswith(b"SIMPLE  ="):
        raise OSError(f"{path} is not a FITS file")
    primary, start = _header_at(content, 0, path)
    header = fits.Header.fromstring(primary)
    frames, pixels = [], []
    while start < len(content):
        text, start = _header_at(content, start, path)
        frame = _parse_amplifier_header(text)
        size = frame.rows * frame.columns
        if len(content) < start + 4 * size:
            raise OSError(f"{path} ends within the pixels of amplifier {frame.name}")
        pixels.append(np.frombuffer(content, ">i4", size, start).reshape(frame.rows, frame.columns))
        frames.append(frame)
        start += -(-4 * size // _FITS_BLOCK) * _FITS_BLOCK
    amplifiers = tuple(frame.name for frame in frames)
    if amplifiers != AMPLIFIERS:
        raise OSError(f"{path} has the amplifiers {amplifiers} instead of {AMPLIFIERS}")
    return RawFrame(
        header=_values(header),
        amplifiers=amplifiers,
        data=np.stack(pixels).astype(np.int32),
        image_columns=frames[0].image_columns,
        gains=tuple(frame.gain for frame in frames),
        read_noises=tuple(frame.read_noise for frame in frames),
    )


@dataclass(frozen=True)
class _Amplifier:
    """What the header of an extension says."""

    name: str
    rows: int
    columns: int
    image_columns: int
    gain: float
    read_noise: float


def _header_at(content: bytes, start: int, path: str | Path) -> tuple[bytes, int]:
    """Return the header that begins at ``start``, and where what follows it begins."""
    for end in range(start + _FITS_BLOCK, len(content) + 1, _FITS_BLOCK):
        if content[end - _FITS_BLOCK : end].rstrip(b" ").endswith(b"END"):
            return content[start:end], end
    raise OSError(f"{path} has no complete FITS header at byte {start}")


# By hand as they are written, and for the same reason.
@lru_cache(maxsize=4096)
def _parse_amplifier_header(text: bytes) -> _Amplifier:
    header = fits.Header.fromstring(text)
    return _Amplifier(
        name=header["EXTNAME"],
        rows=header["NAXIS2"],
        columns=header["NAXIS1"],
        image_columns=int(header["DATASEC"][1:].split(",")[0].split(":")[1]),
        gain=header["GAIN"],
        read_noise=header["RDNOISE"],
    )


def _values(header: fits.Header) -> dict[str, Any]:
    """Return the values by keyword, without the keywords that only describe the file."""
    structure = {"SIMPLE", "BITPIX", "NAXIS", "EXTEND"}
    return {key: value for key, value in header.items() if key not in structure}
