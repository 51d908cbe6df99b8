"""What goes wrong with a repository in memory."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass

from .butler import MemoryButler

__all__ = ["Trouble", "Troubled"]


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


class Troubled:
    """A butler in memory, and what goes wrong with the questions to it.

    Parameters
    ----------
    butler : `MemoryButler`
        The butler.
    troubles : iterable of `Trouble`
        What goes wrong.
    hold_up : callable
        Lets as many seconds pass as it is asked to.
    """

    def __init__(
        self,
        butler: MemoryButler,
        troubles: Iterable[Trouble] = (),
        hold_up: Callable[[float], None] = time.sleep,
    ) -> None:
        self.butler = butler
        self._troubles = tuple(troubles)
        self._hold_up = hold_up
        self._calls: Counter[str] = Counter()

    def _begin(self, call: str) -> None:
        """Let a call go wrong if it is to."""
        self._calls[call] += 1
        for trouble in self._troubles:
            if trouble.hits(call, self._calls[call]):
                if trouble.seconds:
                    self._hold_up(trouble.seconds)
                if trouble.error is not None:
                    # Another one each time: an error holds every frame that it has ever gone through.
                    raise copy(trouble.error)
