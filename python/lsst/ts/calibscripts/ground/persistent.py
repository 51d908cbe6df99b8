"""A mapping that is never changed: adding to it makes another one, and costs little however large it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

__all__ = ["NumberedMapping"]

V = TypeVar("V")

_PARTS = 128
"""Parts between which the numbers are divided; consecutive ones, as exposure ids are, go to different parts."""


class NumberedMapping(Mapping[int, V]):
    """An immutable mapping of numbers; adding copies a 128th part of it.

    A plain dictionary would be copied as a whole with each of ten thousand exposures.
    """

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: tuple[Mapping[int, V], ...] = ({},) * _PARTS

    def having(self, number: int, value: V) -> NumberedMapping[V]:
        """Return the mapping with a value added or replaced."""
        place = number % _PARTS
        changed: NumberedMapping[V] = NumberedMapping()
        part = {**self._parts[place], number: value}
        changed._parts = (*self._parts[:place], part, *self._parts[place + 1 :])
        return changed

    def __getitem__(self, number: int) -> V:
        return self._parts[number % _PARTS][number]

    def __iter__(self) -> Iterator[int]:
        """Iterate over the numbers, the smallest first."""
        return iter(sorted(number for part in self._parts for number in part))

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __repr__(self) -> str:
        return f"NumberedMapping({dict(self)})"
