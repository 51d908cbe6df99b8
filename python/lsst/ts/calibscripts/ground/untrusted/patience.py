"""A limit on the time that something from outside may take."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ...errors import InputError

__all__ = ["at_most"]


@contextmanager
def at_most(seconds: float, what: str) -> Iterator[None]:
    """End what takes too long, such as a pattern that tries every way to divide a text.

    Nothing else ends the search for a pattern: it lets no other thread run. Signals reach the main thread only; in
    another one there is no limit.

    Parameters
    ----------
    seconds : `float`
        Most processor time.
    what : `str`
        Names it in the error.

    Yields
    ------
    None
        While it runs.

    Raises
    ------
    InputError
        If it takes longer.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(number: int, frame: FrameType | None) -> None:
        raise InputError(f"{what} takes more than {seconds:g} s")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
