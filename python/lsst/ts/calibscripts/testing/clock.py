"""An event loop whose clock jumps to the next timer, so that simulated hours take no time."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

__all__ = ["DeadlockError", "JumpingEventLoop", "JumpingEventLoopPolicy"]

_Arguments = TypeVarTuple("_Arguments")
_Result = TypeVar("_Result")

DEFAULT_HORIZON = 100 * 86400.0
"""How far a loop's clock may jump in total, seconds.

What waits for something that never comes is not seen as a deadlock while a
heartbeat continues; this is where it ends.
"""


class DeadlockError(RuntimeError):
    """All tasks wait, and nothing is left that could wake one."""


class _JumpingSelector(selectors.DefaultSelector):
    """Passes the time that a loop asks it to wait, by jumping where it can.

    Parameters
    ----------
    is_working : callable
        Says whether a thread or child process of the loop is at work.
    horizon : `float`
        Latest time, seconds.
    """

    def __init__(self, is_working: Callable[[], bool], horizon: float) -> None:
        super().__init__()
        self.now = 0.0
        self._is_working = is_working
        self._horizon = horizon

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._is_working():
            return self._wait(timeout)
        if timeout is not None:
            self._jump(timeout)
            return []
        # One file is the loop's own, through which threads and signals wake it.
        if len(self.get_map()) > 1:
            return self._wait(None)
        raise DeadlockError(
            f"At {self.now:.3f} s of the event loop every task waits, and nothing can wake one: no timer is "
            "set, no thread or process of the loop is at work, no file is watched. asyncio.all_tasks() "
            "lists the tasks, and their tracebacks show what they wait for."
        )

    def _wait(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        begin = time.monotonic()
        ready = super().select(timeout)
        self.now += time.monotonic() - begin
        return ready

    def _jump(self, seconds: float) -> None:
        self.now += seconds
        if self.now > self._horizon:
            raise DeadlockError(
                f"The event loop's clock has come to {self.now:.0f} s, beyond its horizon of "
                f"{self._horizon:.0f} s. Probably a task waits for what never comes while timers go on."
            )


class JumpingEventLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits for a timer.

    Its clock begins at 0 and stands still while anything is ready to run.
    When nothing is, it jumps to the next timer; but while a job of
    `run_in_executor` (`asyncio.to_thread` too) or a child process of
    `asyncio.create_subprocess_exec` or ``_shell`` is at work, it waits in real time,
    and its clock goes along. Signals are handled as in any loop.

    Parameters
    ----------
    horizon : `float`, optional
        How far the clock may jump in total, seconds.

    Raises
    ------
    DeadlockError
        From `run_until_complete` or `run_forever`, if nothing is ready, no
        timer is set, nothing is at work and no file or socket is watched; or
        if the clock is beyond the horizon. Threads that were not started
        through `run_in_executor` are not seen.

    Examples
    --------
    >>> with asyncio.Runner(loop_factory=JumpingEventLoop) as runner:
    ...     runner.run(asyncio.sleep(3600))
    """

    def __init__(self, horizon: float = DEFAULT_HORIZON) -> None:
        self._jobs: set[asyncio.Future[Any]] = set()
        self._processes: set[asyncio.SubprocessTransport] = set()
        self._jumping_selector = _JumpingSelector(self._is_working, horizon)
        super().__init__(self._jumping_selector)

    def time(self) -> float:
        """Return the time, seconds since the loop was made."""
        return self._jumping_selector.now

    def _is_working(self) -> bool:
        self._processes = {process for process in self._processes if process.get_returncode() is None}
        return bool(self._jobs or self._processes)

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[*_Arguments], _Result],
        *args: *_Arguments,
    ) -> asyncio.Future[_Result]:
        """Call a function in a thread; the clock keeps real time until it is done."""
        job = super().run_in_executor(executor, func, *args)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return job

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        """Wait for the threads of the default executor to end."""
        threads = self.create_future()
        self._jobs.add(threads)
        try:
            await super().shutdown_default_executor(*args, **kwargs)
        finally:
            self._jobs.discard(threads)

    async def subprocess_exec(self, *args: Any, **kwargs: Any) -> Any:
        """Start a child process; the clock keeps real time until it is done."""
        transport, protocol = await super().subprocess_exec(*args, **kwargs)
        self._processes.add(transport)
        return transport, protocol

    async def subprocess_shell(self, *args: Any, **kwargs: Any) -> Any:
        """Start a shell command; the clock keeps real time until it is done."""
        transport, protocol = await super().subprocess_shell(*args, **kwargs)
        self._processes.add(transport)
        return transport, protocol


class JumpingEventLoopPolicy(asyncio.DefaultEventLoopPolicy):
    """Makes event loops that never wait for a timer."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Make a `JumpingEventLoop`."""
        return JumpingEventLoop()
