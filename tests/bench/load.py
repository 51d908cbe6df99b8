"""How long this process has waited for a core: what other processes of the machine take is not the script's time."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

__all__ = ["LoadFreeClock"]


class LoadFreeClock:
    """A clock that stands still while a thread of this process is ready to run and has no core.

    Python's threads go on one at a time: where one of them has no core, the event loop may have to wait for it. Where
    the system does not tell, the clock never stands still.
    """

    def __init__(self) -> None:
        # By thread, those that have ended, too: the sum must not go down.
        self._waited: dict[str, int] = {}

    def __call__(self) -> float:
        """Return the time, seconds."""
        for thread in Path("/proc/self/task").glob("*/schedstat"):
            with suppress(OSError):
                # Nanoseconds on a core, ready without one, and how often (sched-stats.rst of the Linux kernel).
                self._waited[thread.parent.name] = int(thread.read_text().split()[1])
        return time.perf_counter() - sum(self._waited.values()) / 1e9
