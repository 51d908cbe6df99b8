"""How much a text from outside may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import InputError

__all__ = ["CONFIGURATION", "RECORD", "Limits", "check_size", "check_values", "is_text"]


@dataclass(frozen=True)
class Limits:
    """The most that a text may hold."""

    characters: int  #: Characters of the text.
    depth: int  #: Levels of lists and mappings within each other.
    values: int  #: Values in all, each counted wherever it is referred to.
    members: int  #: Properties of one mapping.
    digits: int  #: Characters of a number; Python itself refuses 4300 digits, and takes long for less.


CONFIGURATION = Limits(characters=1_000_000, depth=30, values=100_000, members=1_000, digits=100)
"""Of a configuration or a BLOCK: the middleware refuses messages above a million bytes, and the largest configuration
lists three sets of 10,000 images and their exposure times."""

RECORD = Limits(characters=100_000_000, depth=30, values=10_000_000, members=1_000_000, digits=18)
"""Of what the package itself has written: a night of the largest camera is a few million characters. An exposure id
has 13 digits, and more than 18 do not fit into a database."""


_SCALARS = frozenset((str, int, float, bool, type(None)))


def check_size(characters: int, limits: Limits) -> None:
    """Check the length of a text.

    Raises
    ------
    InputError
        If it is too long.
    """
    if characters > limits.characters:
        raise InputError(
            f"more than {limits.characters:,} characters, which is more than any use of it needs"
        )


def check_values(value: Any, limits: Limits = CONFIGURATION) -> None:
    """Check values that another reader has read from a text.

    Parameters
    ----------
    value : `object`
        Mappings, lists and scalars; what stands in several places counts in each.
    limits : `Limits`
        The most it may hold.

    Raises
    ------
    InputError
        If it holds more.
    """
    waiting, count = [(value, 1)], 0
    while waiting:
        item, depth = waiting.pop()
        inner = list(item.values()) if isinstance(item, Mapping) else item
        if not isinstance(inner, list | tuple):
            continue
        count += len(inner)
        if depth > limits.depth:
            raise InputError(f"nested more than {limits.depth} levels deep")
        if count > limits.values:
            raise InputError(f"more than {limits.values:,} values")
        if isinstance(item, Mapping) and len(item) > limits.members:
            raise InputError(f"{len(item):,} properties of one mapping are more than {limits.members:,}")
        waiting += [(part, depth + 1) for part in inner if type(part) not in _SCALARS]


def is_text(text: str) -> bool:
    """Check that a text can be written: halves of characters, which escapes can make, cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
