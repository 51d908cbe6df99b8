"""Keeps what blocks off the event loop, for its heartbeat must not slip: calls, and garbage collection."""

from __future__ import annotations

import asyncio
import gc
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from ..errors import NoAnswerError
from .cancellation import STOP_GRACE

__all__ = ["OneThread", "responsive_loop", "within"]

P = ParamSpec("P")
T = TypeVar("T")

ANSWER_TIMEOUT = 600.0
"""Longest wait for the answer of a call, seconds: with 189 detectors some minutes are not a fault."""

SWITCH_INTERVAL = 0.001
"""Longest time that a thread continues while another one waits, seconds; Python's own is five times as long."""

MANY_OBJECTS = 100_000
"""How many objects a full pass of the collector goes through in some milliseconds."""


class _Responsiveness:
    """Settings of the process that several scripts in it may want at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before = 0.0
        self._froze = False

    def acquire(self) -> None:
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            # No thread runs during a pass of the collector. A full one goes through all modules, the butler's
            # universe and the middleware's topics, which takes 0.1 to 0.3 s and frees nothing; without them it takes
            # some milliseconds. Where somebody has frozen them already that is as it should stay.
            self._froze = len(gc.get_objects(generation=2)) > MANY_OBJECTS
            if self._froze:
                gc.freeze()
            self._before = sys.getswitchinterval()
            # The loop waits so long for a thread that computes, several times between two exposures.
            sys.setswitchinterval(SWITCH_INTERVAL)

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                sys.setswitchinterval(self._before)
                if self._froze:
                    gc.unfreeze()


_responsiveness = _Responsiveness()


@contextmanager
def responsive_loop() -> Iterator[None]:
    """Let neither garbage collection nor busy threads hold up the event loop, until the context is left.

    Notes
    -----
    Several contexts, of scripts in one process, may be left in any order: the last one restores what the first found.
    """
    _responsiveness.acquire()
    try:
        yield
    finally:
        _responsiveness.release()


class OneThread:
    """Calls functions one at a time, in the order they come, in a thread of its own.

    Parameters
    ----------
    name : `str`
        Name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._executor = _DaemonExecutor(name)

    async def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function and return its result.

        Raises
        ------
        NoAnswerError
            If it does not come within `ANSWER_TIMEOUT`.
        """
        future = asyncio.get_running_loop().run_in_executor(self._executor, lambda: function(*args, **kwargs))
        return await self._answer(future)

    async def _answer(self, future: asyncio.Future[T]) -> T:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT) as limit:
                return await future
        except TimeoutError:
            if not limit.expired():
                raise
            raise NoAnswerError(
                f"the {self._name} did not answer within {ANSWER_TIMEOUT:.0f} s: look at its database and its disk"
            ) from None

    async def to_its_end(
        self,
        function: Callable[..., T],
        *args: object,
        on_cancel: Callable[[], None],
        on_unknown: Callable[[], None],
    ) -> T:
        """Call a function whose effect must be known even if the caller is cancelled.

        Parameters
        ----------
        function : callable
            What to call.
        *args
            Its arguments.
        on_cancel : callable
            Is called when the caller is cancelled; the function should then leave its work undone.
        on_unknown : callable
            Is called when the caller was cancelled and cannot wait any longer to learn what the function did.

        Returns
        -------
        object
            The function's result. Where the caller is cancelled but the function had done its work before it
            was asked to, that result is still returned, for what was done must be known; a function that left its
            work undone returns None, and the cancellation is raised.

        Raises
        ------
        NoAnswerError
            If the answer does not come within `ANSWER_TIMEOUT`; the function should then leave its work undone.
        """
        future = asyncio.get_running_loop().run_in_executor(self._executor, lambda: function(*args))
        try:
            return await self._answer(asyncio.shield(future))
        except NoAnswerError:
            on_cancel()
            if future.done():
                # It came at the last moment.
                return future.result()
            # Nothing waits for it any more.
            future.add_done_callback(lambda late: late.cancelled() or late.exception())
            raise
        except asyncio.CancelledError:
            on_cancel()
            await asyncio.wait([future], timeout=STOP_GRACE)
            if not future.done():
                on_unknown()
            elif not future.cancelled() and (answer := future.result()) is not None:
                # Also what it raised is reported: it may have done its work before.
                return answer
            raise

    def close(self) -> None:
        """Let the thread end after its present call."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def within(seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that may hang, in a daemon thread of its own, and return its result. Blocks.

    Parameters
    ----------
    seconds : `float`
        Longest wait for the result, seconds.
    function : callable
        What to call, with the other arguments.

    Raises
    ------
    TimeoutError
        If it does not come in time; the end of the process does not wait for the thread.
    """
    executor = _DaemonExecutor("call that may hang")
    try:
        answer: Future[T] = executor.submit(function, *args, **kwargs)
        return answer.result(seconds)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


class _DaemonExecutor(Executor):
    """An executor with one thread that the end of the process does not wait for.

    A call may hang for minutes in a database that is locked; the process of a script that has ended must not, for
    the queue waits for it.
    """

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[..., Any]] | None] = queue.SimpleQueue()
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._calls.put((future, lambda: fn(*args, **kwargs)))
        if not self._thread.ident:
            self._thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            self._cancelled.set()
        self._calls.put(None)
        if wait and self._thread.ident:
            self._thread.join()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function = call
            if self._cancelled.is_set():
                future.cancel()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(function())
            except BaseException as error:
                # As the executors of the standard library do: the caller gets whatever was raised.
                future.set_exception(error)
