"""Passes log records to a handler one by one, for a middleware that loses one of two that are close together."""

from __future__ import annotations

import asyncio
import copy
import logging
import threading
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from typing import Self

__all__ = ["INTERVAL", "Pacing"]

INTERVAL = 0.05
"""Least time between two records, seconds; on the observatory's middleware one is on its way some milliseconds."""

WRITING_TIMEOUT = 2.0
"""How long the next record waits for one that is still being written, seconds; a broker that is down writes none."""

LAST_LOOKS = 5
"""How often it is looked whether the last records are written, where there is no more time."""


class Pacing(logging.Filter):
    """Lets a handler have one record at a time, in the order in which they were logged.

    The observatory's middleware writes each log message in a thread of its own, and its readers drop one that was
    overtaken by a later one. So the records wait here until the one before has arrived.

    It is made inside a running event loop, and added to the handler's filters, as `of` does.

    Parameters
    ----------
    handler : `logging.Handler`
        Takes the records; its ``futures``, where it has any, are done when those have been written.
    """

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._waiting: deque[logging.LogRecord] = deque()
        self._passing: logging.LogRecord | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
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
            Longest wait, seconds; then what still waits is passed at once, as one record: none can overtake another.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        if self._waiting and self._timer is not None:
            self._timer.cancel()
            await self._written()
            self._pass(_joined(self._waiting))
            self._waiting.clear()
            self._timer = self._loop.call_later(INTERVAL, self._go_on)
            await self._written()

    async def _written(self) -> None:
        """Wait a little for the record that is being written: none may overtake it, and whoever closes drops it."""
        for _ in range(LAST_LOOKS):
            await asyncio.sleep(INTERVAL)
            if not self._is_writing():
                return

    def _take(self, record: logging.LogRecord) -> None:
        self._waiting.append(record)
        if self._timer is None:
            self._idle.clear()
            self._go_on()

    def _go_on(self) -> None:
        written = not self._is_writing() or self._loop.time() >= self._deadline
        if written and not self._waiting:
            self._timer = None
            self._idle.set()
            return
        self._timer = self._loop.call_later(INTERVAL, self._go_on)
        if written:
            self._deadline = self._loop.time() + WRITING_TIMEOUT
            self._pass(self._waiting.popleft())

    def _is_writing(self) -> bool:
        return not all(future.done() for future in getattr(self._handler, "futures", ()))

    def _pass(self, record: logging.LogRecord) -> None:
        self._passing = record
        try:
            self._handler.handle(record)
        finally:
            self._passing = None


def _joined(records: Collection[logging.LogRecord]) -> logging.LogRecord:
    """Return one record of several, of the highest of their levels."""
    joined = copy.copy(max(records, key=lambda each: each.levelno))
    # The summary ends with a configuration to be copied: what comes next must not look like a part of it.
    joined.msg = "\n\n".join(str(each.msg) for each in records)
    return joined
