"""What goes wrong with a repository in memory."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Trouble"]


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong with a call of a `MemoryRepository`.

    Attributes
    ----------
    call : `str`
        Name of the method; ``read_back`` for the end of a certification, when it is committed.
    at : `int`
        The first call of that method that is hit, counted from 1.
    count : `int`
        How many are hit one after another.
    seconds : `float`
        How long the call is held up, e.g. by a lock.
    error : `Exception` or `None`
        What it raises; None where it is only slow.
    """

    call: str
    at: int = 1
    count: int = 1
    seconds: float = 0.0
    error: Exception | None = None

    def hits(self, call: str, number: int) -> bool:
        """Return whether this call is hit."""
        return self.call == call and self.at <= number < self.at + self.count
