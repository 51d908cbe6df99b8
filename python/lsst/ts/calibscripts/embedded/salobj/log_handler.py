"""Log messages as events."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections import deque
from typing import Any, Protocol

from .domain import SampleTooLargeError, Values
from .sal_info import SalInfo

__all__ = ["WRITING_TIME", "SalLogHandler"]

WRITING_TIME = 0.01
"""How long a message is on its way, seconds."""


class Logging(Protocol):
    """Whose event ``logMessage`` is: a `Controller`, which stands above this module."""

    salinfo: SalInfo
    evt_logMessage: Any  # noqa: N815  (the attribute's name)


class SalLogHandler(logging.Handler):
    """Writes log records as ``logMessage`` events, from any thread.

    The last 10 records from before the controller is started are written
    with the first one after it.

    Every message is written in a thread of its own, as salobj does it, so that
    one can overtake another that was logged just before. Readers drop the one
    that was overtaken: of messages that are logged within `WRITING_TIME` of
    each other, every second one overtakes its predecessor.

    Parameters
    ----------
    controller : `Controller`
        Whose event it is.

    Attributes
    ----------
    futures : `list` [`asyncio.Future`]
        Of the last messages; done when they are written.
    """

    def __init__(self, controller: Logging) -> None:
        super().__init__()
        self._controller = controller
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._early: deque[logging.LogRecord] = deque(maxlen=10)
        self._formatter = logging.Formatter()
        self._on_their_way: list[Values] = []
        self.futures: list[asyncio.Future[None]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            # Formatted here, since what the record refers to may change.
            record.message = record.getMessage()
            if threading.get_ident() == self._thread:
                self._write(record)
            else:
                self._loop.call_soon_threadsafe(self._write, record)
        except Exception:
            self.handleError(record)

    def _write(self, record: logging.LogRecord) -> None:
        salinfo = self._controller.salinfo
        if not salinfo.isopen:
            return
        self._early.append(record)
        if salinfo.running:
            while self._early:
                self._write_event(self._early.popleft())

    def _write_event(self, record: logging.LogRecord) -> None:
        event = self._controller.evt_logMessage
        did_change = event.set(
            name=record.name,
            level=record.levelno,
            message=record.message,
            traceback=self._formatter.formatException(record.exc_info) if record.exc_info else "",
            filePath=record.pathname,
            functionName=record.funcName or "",
            lineNumber=record.lineno,
            process=record.process or 0,
        )
        if not did_change:
            return
        self.futures.append(self._loop.create_future())
        if not self._on_their_way:
            self._loop.call_later(WRITING_TIME, self._arrive)
        self._on_their_way.append(event.stamp())

    def _arrive(self) -> None:
        samples, self._on_their_way = self._on_their_way, []
        for future in self.futures:
            future.set_result(None)
        self.futures.clear()
        for first in range(0, len(samples), 2):
            for values in reversed(samples[first : first + 2]):
                self._publish(values)

    def _publish(self, values: Values) -> None:
        salinfo = self._controller.salinfo
        if not salinfo.isopen:
            return
        try:
            salinfo.publish(self._controller.evt_logMessage.topic_info, values)
        except SampleTooLargeError as error:
            # As salobj has it: the message is lost.
            level = logging.getLevelName(values["level"])
            print(f"{level} message of {values['name']} was not written: {error}", file=sys.stderr)
