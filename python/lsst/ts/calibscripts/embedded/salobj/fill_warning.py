"""Warnings of a queue that is not read fast enough."""

from __future__ import annotations

import bisect
import logging

__all__ = ["QUEUE_LENGTH", "FillWarning"]

QUEUE_LENGTH = 100
"""How many samples wait for their reader before the oldest are lost."""

_FILL_LEVELS = (10, 50, 90, QUEUE_LENGTH)


class FillWarning:
    """Warns once for each level that a queue is filling up.

    Parameters
    ----------
    name : `str`
        Name of the queue.
    log : `logging.Logger`
        Takes the warnings.
    """

    def __init__(self, name: str, log: logging.Logger) -> None:
        self._name = name
        self._log = log
        self._reported = 0

    def check(self, queued: int) -> None:
        """Look how many samples are queued."""
        reached = bisect.bisect_right(_FILL_LEVELS, queued)
        if reached > self._reported:
            self._reported = reached
            if queued >= QUEUE_LENGTH:
                self._log.error(f"{self._name} is full ({QUEUE_LENGTH} elements); data may be lost")
            else:
                self._log.warning(f"{self._name} is filling: {queued} of {QUEUE_LENGTH} elements")
        while self._reported and queued <= _FILL_LEVELS[self._reported - 1] // 2:
            self._reported -= 1
