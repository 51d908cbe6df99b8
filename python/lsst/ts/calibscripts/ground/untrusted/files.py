"""Reading files and standard input, never more than may be there."""

from __future__ import annotations

import sys
from pathlib import Path

from ...errors import InputError, describe
from .limits import CONFIGURATION, Limits, check_size

__all__ = ["read_standard_input", "read_text"]

_BYTES = 4
"""Most bytes of a character in UTF-8."""


def read_text(path: Path, limits: Limits = CONFIGURATION, *, replacing: bool = False) -> str:
    """Read a file of UTF-8.

    Parameters
    ----------
    path : `pathlib.Path`
        The file; one without an end, a device or a pipe, is read only as far as the limit.
    limits : `Limits`
        The most it may hold.
    replacing : `bool`
        Put a mark in the place of what is not UTF-8, such as half a character at the end of a file whose writer was
        killed.

    Raises
    ------
    InputError
        If it cannot be read, is not UTF-8 or too long.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(_BYTES * limits.characters + 1)
    except (OSError, ValueError) as error:
        # A ValueError: the name holds what no name of a file can.
        raise InputError(getattr(error, "strerror", None) or describe(error)) from error
    if replacing:
        data = data.decode("utf-8", "replace").encode()
    return _decoded(data, limits)


def read_standard_input() -> str:
    """Read standard input, UTF-8, to its end.

    Raises
    ------
    InputError
        If it is closed, not UTF-8 or too long.
    """
    # None where the process was started with its standard input closed.
    if sys.stdin is None:
        raise InputError("standard input is closed")
    try:
        data = sys.stdin.buffer.read(_BYTES * CONFIGURATION.characters + 1)
    except (OSError, ValueError) as error:
        raise InputError(getattr(error, "strerror", None) or describe(error)) from error
    return _decoded(data, CONFIGURATION)


def _decoded(data: bytes, limits: Limits) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        check_size(len(data) // _BYTES, limits)
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"line {line}: byte 0x{data[error.start]:02x} is not UTF-8: save the file with this encoding"
        ) from None
    check_size(len(text), limits)
    # As Python reads text: a line ends with \n, whatever system wrote it.
    return text.replace("\r\n", "\n").replace("\r", "\n")
