"""A stop must not get lost on its way to us."""

from __future__ import annotations

import asyncio

__all__ = ["LAST_LOOK", "STOP_GRACE", "heed_cancellation", "is_cancelled"]

STOP_GRACE = 6.0
"""How long what was under way when it was stopped may still take to end, seconds.

With `LAST_LOOK` after it, and its last messages, it must end within 10 s: then the ScriptQueue terminates it.
"""

LAST_LOOK = 2.0
"""How long it may still look afterwards at what it has done, seconds."""


def is_cancelled() -> bool:
    """Return whether the present task has been asked to end.

    Notes
    -----
    `asyncio.wait_for` of Python 3.11, which the middleware uses everywhere, swallows a cancellation that comes in
    the same iteration of the event loop as what it waits for; the task still counts the request.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def heed_cancellation() -> None:
    """End the present task if it has been asked to end, also where that was swallowed on the way.

    Raises
    ------
    asyncio.CancelledError
        If so.
    """
    if is_cancelled():
        raise asyncio.CancelledError
