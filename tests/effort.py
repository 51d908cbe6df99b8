"""How much work something does, in figures that are the same on a busy machine."""

from __future__ import annotations

import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Calls:
    """Number of calls of functions, of Python and of C."""

    def __init__(self) -> None:
        self.number = 0

    def note(self, frame: FrameType, event: str, argument: object) -> None:
        if event in ("call", "c_call"):
            self.number += 1


@contextmanager
def counted() -> Iterator[Calls]:
    """Count calls in this thread and those that it starts."""
    calls = Calls()
    threading.setprofile(calls.note)
    sys.setprofile(calls.note)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def calls(work: Callable[[], object]) -> int:
    """Return how many functions are called by some work."""
    with counted() as found:
        work()
    return found.number


def allocated(work: Callable[[], object]) -> int:
    """Return how much memory some work takes at its peak, bytes."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
