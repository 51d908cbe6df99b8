"""The last error in the log of an OCPS job."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["last_error"]


END_BYTES = 65_536
"""How much of the end of a log is searched for its last error."""

QUOTE_CHARACTERS = 300
"""Longest error that is quoted."""

_LOGGED = re.compile(r"(?:ERROR|CRITICAL|FATAL) .*? - (?P<text>.*)")


def last_error(path: Path) -> str:
    """Return the last error in the log of a job: what was logged as one, or what a traceback ends with. Blocks.

    Parameters
    ----------
    path : `pathlib.Path`
        The log.

    Returns
    -------
    `str`
        One line; empty where the log cannot be read from this machine or holds no error.
    """
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(file.tell() - END_BYTES, 0))
            end = file.read(END_BYTES).decode("utf-8", errors="replace")
    except OSError:
        # Most logs are on a disk of the OCPS that this machine does not see.
        return ""
    found = list(_errors(end.splitlines()))
    quote = found[-1] if found else ""
    return quote if len(quote) <= QUOTE_CHARACTERS else f"{quote[:QUOTE_CHARACTERS]} [...]"


def _errors(lines: Iterable[str]) -> Iterator[str]:
    in_traceback = False
    for line in lines:
        text = "".join(character if character.isprintable() else " " for character in line)
        if line.startswith("Traceback (most recent call last)"):
            in_traceback = True
        elif in_traceback and text.strip() and not text[0].isspace():
            in_traceback = False
            yield text.strip()
        elif logged := _LOGGED.fullmatch(text):
            yield logged["text"].strip()
