"""Ctrl-C and SIGTERM: the first ends a rehearsal as a stop ends a script, the second at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Self, TypeVarTuple

import psutil

__all__ = ["RehearsalLoop", "Termination"]

_Arguments = TypeVarTuple("_Arguments")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = b"\x1b[?25h"


class Termination:
    """Receives Ctrl-C and SIGTERM while the context is entered.

    Outside `stopping` the first signal raises KeyboardInterrupt, so that what is being made is removed on the way
    out. The second kills the jobs and ends the process. After a signal the context is left by SystemExit, whatever
    became of the KeyboardInterrupt: modules that are being imported turn it into other errors.

    Attributes
    ----------
    received : `signal.Signals` or `None`
        The first signal; None if there was none.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._stop: Callable[[], object] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        # Elsewhere signals cannot be received, and none is sent.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        return self

    def __exit__(self, error_type: object, error: BaseException | None, traceback: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.received is not None:
            if error is not None:
                cause = "" if isinstance(error, KeyboardInterrupt) else f" ({type(error).__name__}: {error})"
                print(f"Ended by {self.received.name}{cause}.", file=sys.stderr)
            raise SystemExit(self.exit_code) from None

    @property
    def exit_code(self) -> int:
        """Exit code of the process, as a shell has it after a signal: 130 or 143; 0 if there was none."""
        return 0 if self.received is None else 128 + self.received

    def heed(self) -> None:
        """Raise KeyboardInterrupt if there was a signal, for the one that it raised may have been swallowed."""
        if self.received is not None:
            raise KeyboardInterrupt

    @contextmanager
    def stopping(self, stop: Callable[[], object]) -> Iterator[None]:
        """Call a function at the first signal instead of raising.

        Parameters
        ----------
        stop : callable
            Is called in the main thread, between any two of its instructions.
        """
        self._stop = stop
        if self.received is not None:
            stop()
        try:
            yield
        finally:
            self._stop = None

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            _end_at_once(128 + self.received)
        self.received = signal.Signals(number)
        if self._stop is None:
            raise KeyboardInterrupt
        self._stop()


def _end_at_once(exit_code: int) -> None:
    """End the process and its jobs; nothing is tidied up, and nothing waited for.

    The system is asked for the jobs: multiprocessing knows one only some instructions after it was started.
    """
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    if sys.__stdout__ is not None and sys.__stdout__.isatty():
        # The live tables hide it.
        os.write(1, _SHOW_CURSOR)
    os._exit(exit_code)


class RehearsalLoop(asyncio.SelectorEventLoop):
    """An event loop whose process is that of the queue: Ctrl-C and SIGTERM are not for the scripts in it.

    A script handles these signals as if the process were its own, and would end without a stop.
    """

    def add_signal_handler(
        self, sig: int, callback: Callable[[*_Arguments], object], *args: *_Arguments
    ) -> None:
        """Handle a signal, unless it is for the queue."""
        if sig not in _SIGNALS:
            super().add_signal_handler(sig, callback, *args)

    def remove_signal_handler(self, sig: int) -> bool:
        """Handle a signal no more, unless it is for the queue."""
        return sig not in _SIGNALS and super().remove_signal_handler(sig)
