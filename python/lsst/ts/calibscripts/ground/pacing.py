"""Passes log records to a handler one by one, for a middleware that loses one of two that are close together."""

from __future__ import annotations

import asyncio
import copy
import logging
import threading
from collections import deque
from contextlib import suppress
from typing import Self

__all__ = ["INTERVAL", "Pacing"]

INTERVAL = 0.05
"""Least time between two records, seconds; on the observatory's middleware one is on its way some milliseconds."""


class Pacing(logging.Filter):
    """Lets a handler have one record at a time, in the order in which they were logged.

    The observatory's middleware writes each log message in a thread of its own, and its readers drop one that was
    overtaken by a later one. So the records wait here until the one before has arrived.

    It is made inside a running event loop, and added to the handler's filters, as `of` does.

    Parameters
    ----------
    handler : `logging.Handler`
        Takes the records.
    """

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._waiting: deque[logging.LogRecord] = deque()
        self._passing: logging.LogRecord | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the handler is to take a record now; keep it for later where not."""
        if record is self._passing:
            return True
        kept = copy.copy(record)
        # Made now, since what the record refers to may change.
        kept.msg, kept.args = record.getMessage(), None
        if threading.get_ident() == self._thread:
            self._take(kept)
        else:
            # A thread may outlive the loop; then nobody listens any more.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._take, kept)
        return False

    @classmethod
    def of(cls, log: logging.Logger) -> Self:
        """Pace the handler that was added to a logger last: that of the component which has just been made."""
        handler = log.handlers[-1]
        pacing = cls(handler)
        handler.addFilter(pacing)
        return pacing

    async def drain(self, timeout: float | None = None) -> None:
        """Wait until all records that were logged have been passed, and had the time to arrive.

        Parameters
        ----------
        timeout : `float`, optional
            Longest wait, seconds; then what still waits is passed at once, for it can only be lost.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        while self._waiting:
            self._pass(self._waiting.popleft())

    def _take(self, record: logging.LogRecord) -> None:
        self._waiting.append(record)
        if self._timer is None:
            self._idle.clear()
            self._go_on()

    def _go_on(self) -> None:
        if not self._waiting:
            self._timer = None
            self._idle.set()
            return
        self._timer = self._loop.call_later(INTERVAL, self._go_on)
        self._pass(self._waiting.popleft())

    def _pass(self, record: logging.LogRecord) -> None:
        self._passing = record
        try:
            self._handler.handle(record)
        finally:
            self._passing = None
