"""Characters that look right and are not: their names, and what image headers can hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["HEADER_PATTERN", "header_problem", "key_problem", "named", "odd_characters"]

HEADER_PATTERN = r"^[ -~]*(?!\n)$"
"""Printable ASCII on one line, which is all that a FITS header can hold; ``$`` alone lets a last line break pass."""

_CONTROLS = {"\n": "a line break", "\r": "a line break", "\t": "a tab", "\0": "a null character"}
_MOST_NAMED = 4


def named(characters: Iterable[str]) -> str:
    """Name characters, so that one can find them in a text.

    Parameters
    ----------
    characters : iterable of `str`
        Single characters.

    Returns
    -------
    `str`
        E.g. ``ñ (latin small letter n with tilde) and a line break``.
    """
    names = list(dict.fromkeys(map(_name, characters)))
    shown = [*names[:_MOST_NAMED], *([f"{len(names) - _MOST_NAMED} more"] * (len(names) > _MOST_NAMED))]
    return " and ".join([", ".join(shown[:-1])] * (len(shown) > 1) + shown[-1:])


def odd_characters(text: str) -> str:
    """Return the characters of a text that are not printable ASCII, in their order.

    Returns
    -------
    `str`
        The characters; empty where there are none.
    """
    return "".join(character for character in text if not " " <= character <= "~")


def header_problem(text: str) -> str:
    """Explain why a text cannot go into the header of an image.

    Returns
    -------
    `str`
        A sentence; empty where nothing is wrong.
    """
    if not (odd := odd_characters(text)):
        return ""
    return f"{text!r} contains {named(odd)}: image headers hold printable ASCII on one line; replace or remove it"


def key_problem(text: str) -> str:
    """Explain, as `header_problem`, why a text cannot go into the header of an image among other keywords."""
    # The camera takes key and value of every header from one text with commas and colons.
    if not (problem := header_problem(text)) and re.search(r",[^,]*:", text):
        return (
            f"{text!r}: the camera reads text between a comma and a colon as another header keyword; remove the "
            "comma or the colon"
        )
    return problem


def _name(character: str) -> str:
    if character in _CONTROLS:
        return _CONTROLS[character]
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "").lower()
    if not character.isprintable():
        return f"{name} ({code})" if name else f"the character {code}"
    return f"{character} ({name or code})"
