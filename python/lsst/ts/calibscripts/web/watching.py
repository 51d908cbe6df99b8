"""Tells open pages when what they show has changed (server-sent events)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from math import inf

__all__ = ["Streams"]

INTERVAL = 0.5
"""How often it is looked whether something has changed, seconds."""

MOST = 200
"""Pages that may follow at once."""

KEEP_ALIVE = 15.0
"""After how long without a change a gateway is shown that the connection lives, seconds."""


class Streams:
    """The pages that follow something: how many there may be, and what they wait for, looked up once for all.

    Parameters
    ----------
    going : callable
        Returns whether the server goes on.
    """

    def __init__(self, going: Callable[[], bool]) -> None:
        self._going = going
        self._open = 0
        self._known: dict[str, tuple[float, str]] = {}

    @property
    def full(self) -> bool:
        """Are as many open as there may be?"""
        return self._open >= MOST

    async def follow(
        self, place: str, version: Callable[[], str], interval: float = INTERVAL
    ) -> AsyncIterator[str]:
        """Send the version of a page, and again whenever it has changed.

        Parameters
        ----------
        place : `str`
            Which page it is.
        version : callable
            Returns a text that changes with what the page shows. Blocks.
        interval : `float`, optional
            How often to look, seconds.

        Yields
        ------
        `str`
            Lines of an event stream.
        """
        loop = asyncio.get_running_loop()
        sent, last = None, loop.time()
        self._open += 1
        try:
            while self._going():
                now = await asyncio.to_thread(self._version, place, version, interval)
                if now != sent:
                    sent, last = now, loop.time()
                    yield f"data: {now}\n\n"
                elif loop.time() - last > KEEP_ALIVE:
                    last = loop.time()
                    yield ": still here\n\n"
                await asyncio.sleep(interval)
        finally:
            self._open -= 1
            if not self._open:
                self._known.clear()

    def _version(self, place: str, version: Callable[[], str], interval: float) -> str:
        """Return the version of a page, which is looked up once for all that follow it. Blocks."""
        looked, found = self._known.get(place, (-inf, ""))
        if time.monotonic() - looked >= interval:
            found = version()
            self._known[place] = time.monotonic(), found
        return found
