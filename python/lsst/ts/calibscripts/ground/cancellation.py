"""A stop must not get lost on its way to us, nor take longer than the ScriptQueue waits."""

from __future__ import annotations

import asyncio

__all__ = ["LAST_LOOK", "STOP_GRACE", "heed_cancellation", "is_cancelled"]

STOP_GRACE = 5.0
"""Longest time for what a stop must still bring to an end, as abort_job or a commit, seconds.

The ScriptQueue terminates a script 10 s after its stop: two times `LAST_LOOK`, for the images and for the record, and
the last messages follow within these.
"""

LAST_LOOK = 2.0
"""How long afterwards the butler, and then the disk of the record, are waited for, seconds."""


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
