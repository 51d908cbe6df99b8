"""An event loop on which calls in threads take as long as they are told to, so that a run is always the same."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any

from lsst.ts.calibscripts.testing.clock import JumpingEventLoop

__all__ = ["SteppingEventLoop"]

_Call = tuple[asyncio.Future[Any], Callable[[], Any]]


class SteppingEventLoop(JumpingEventLoop):
    """A `JumpingEventLoop` that makes the calls of its executors by itself, one at a time for each of them.

    A call begins ``latency`` after the one before it has been answered, and is answered at once, or as many seconds
    later as it tells `hold_up`. So it can be cancelled before it begins, and between its effect and its answer, and
    always at the same moment.

    Parameters
    ----------
    latency : `float`
        Seconds.
    """

    def __init__(self, latency: float = 0.0) -> None:
        self._latency = latency
        self._held = 0.0
        self._lines: dict[Executor | None, deque[_Call]] = {}
        super().__init__(horizon=10 * 86400.0)

    def hold_up(self, seconds: float) -> None:
        """Let the answer of the call that runs now come later."""
        self._held += seconds

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = self.create_future()
        line = self._lines.setdefault(executor, deque())
        line.append((answer, partial(func, *args)))
        if len(line) == 1:
            self.call_later(self._latency, self._call, executor)
        return answer

    def _call(self, executor: Executor | None) -> None:
        answer, function = self._lines[executor][0]
        if answer.cancelled():
            self._go_on(executor)
            return
        error: BaseException | None = None
        result = None
        self._held = 0.0
        try:
            result = function()
        except Exception as raised:
            error = raised
        self.call_later(self._held, self._answer, executor, answer, result, error)

    def _answer(
        self,
        executor: Executor | None,
        answer: asyncio.Future[Any],
        result: Any,
        error: BaseException | None,
    ) -> None:
        if not answer.cancelled():
            if error is None:
                answer.set_result(result)
            else:
                answer.set_exception(error)
        self._go_on(executor)

    def _go_on(self, executor: Executor | None) -> None:
        line = self._lines[executor]
        line.popleft()
        if line:
            self.call_later(self._latency, self._call, executor)
        else:
            del self._lines[executor]
