"""Tells open pages when what they show has changed (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

__all__ = ["changes"]

INTERVAL = 0.5
"""How often it is looked whether something has changed, seconds."""

KEEP_ALIVE = 15.0
"""After how long without a change a gateway is shown that the connection lives, seconds."""


async def changes(
    version: Callable[[], str], *, going: Callable[[], bool], interval: float = INTERVAL
) -> AsyncIterator[str]:
    """Send the version of a page, and again whenever it has changed.

    Parameters
    ----------
    version : callable
        Returns a text that changes with what the page shows. Blocks.
    going : callable
        Returns whether the server goes on.
    interval : `float`, optional
        How often to look, seconds.

    Yields
    ------
    `str`
        Lines of an event stream.
    """
    loop = asyncio.get_running_loop()
    sent, last = None, loop.time()
    while going():
        now = await asyncio.to_thread(version)
        if now != sent:
            sent, last = now, loop.time()
            yield f"data: {now}\n\n"
        elif loop.time() - last > KEEP_ALIVE:
            last = loop.time()
            yield ": still here\n\n"
        await asyncio.sleep(interval)
