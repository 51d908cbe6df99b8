"""Topics that are read."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from .base import ExpectedError
from .base_topic import BaseTopic
from .domain import Values
from .fill_warning import QUEUE_LENGTH, FillWarning
from .messages import Message
from .sal_info import SalInfo

__all__ = ["ReadTopic", "RemoteEvent", "RemoteTelemetry"]

Callback = Callable[[Any], Any]


class ReadTopic(BaseTopic):
    """A topic that is read, through a queue or by a callback.

    Attributes
    ----------
    allow_multiple_callbacks : `bool`
        May a callback begin before the one before it has ended?
    """

    reads_history = True  #: Begin with the last sample there is?

    def __init__(self, salinfo: SalInfo, attr_name: str) -> None:
        super().__init__(salinfo, attr_name)
        self.allow_multiple_callbacks = False
        self._queue: deque[Message] = deque(maxlen=QUEUE_LENGTH)
        self._fill_warning = FillWarning(f"{attr_name} python read queue", self.log)
        self._current: Message | None = None
        self._last_stamps: dict[int, float] = {}
        self._next_sample: asyncio.Future[Message] | None = None
        self._first_sample: asyncio.Event | None = None
        self._callback: Callback | None = None
        self._reader: asyncio.Task[None] | None = None
        self._callback_tasks: set[asyncio.Task[None]] = set()
        salinfo.add_reader(self)

    @property
    def has_callback(self) -> bool:
        """Whether there is a callback."""
        return self._callback is not None

    @property
    def has_data(self) -> bool:
        """Whether a sample has been seen."""
        self.salinfo.assert_started()
        return self._current is not None

    @property
    def nqueued(self) -> int:
        """Number of samples in the queue."""
        return len(self._queue)

    @property
    def callback(self) -> Callback | None:
        """Function or coroutine function called with every new sample, or `None`.

        Setting it empties the queue and cancels a callback that is running.

        Raises
        ------
        TypeError
            If what is set cannot be called.
        """
        return self._callback

    @callback.setter
    def callback(self, function: Callback | None) -> None:
        if function is not None:
            if not callable(function):
                raise TypeError(f"callback {function} not callable")
            call = getattr(function, "__call__")  # noqa: B004, B009  (an object may have an asynchronous one)
            if not (inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)):
                warnings.warn(f"callback {function} should be asynchronous", DeprecationWarning, stacklevel=2)
            self._queue.clear()
        for task in self._running_callbacks():
            task.cancel()
        self._reader = None
        self._callback = function

    def get(self) -> Message | None:
        """Return the most recent sample.

        Returns
        -------
        sample : `Message` or `None`
            The sample; `None` before the first.

        Raises
        ------
        RuntimeError
            If not started.
        """
        self.salinfo.assert_started()
        return self._current

    async def aget(self, timeout: float | None = None) -> Message:
        """Return the most recent sample; wait for the first one.

        Parameters
        ----------
        timeout : `float`, optional
            Longest wait, seconds.

        Returns
        -------
        sample : `Message`
            The sample.

        Raises
        ------
        asyncio.TimeoutError
            If none comes in time.
        RuntimeError
            If not started, or there is a callback.
        """
        self._assert_readable()
        if self._current is None:
            if self._first_sample is None:
                self._first_sample = asyncio.Event()
            await asyncio.wait_for(self._first_sample.wait(), timeout)
        assert self._current is not None  # the event says so
        return self._current

    def flush(self) -> None:
        """Empty the queue.

        Raises
        ------
        RuntimeError
            If there is a callback.
        """
        self._assert_no_callback()
        self._queue.clear()

    def get_oldest(self) -> Message | None:
        """Take the oldest sample from the queue.

        Returns
        -------
        sample : `Message` or `None`
            The sample; `None` where the queue is empty.

        Raises
        ------
        RuntimeError
            If not started, or there is a callback.
        """
        self._assert_readable()
        return self._queue.popleft() if self._queue else None

    async def next(self, *, flush: bool, timeout: float | None = None) -> Message:
        """Take the oldest sample from the queue; wait where it is empty.

        All who wait share one sample, and one future: who gives up takes it
        from the others.

        Parameters
        ----------
        flush : `bool`
            Empty the queue first, so that a new sample is waited for?
        timeout : `float`, optional
            Longest wait, seconds.

        Returns
        -------
        sample : `Message`
            The sample.

        Raises
        ------
        asyncio.TimeoutError
            If none comes in time.
        RuntimeError
            If not started, or there is a callback.
        """
        self._assert_readable()
        if flush:
            self.flush()
        self._fill_warning.check(len(self._queue))
        if self._queue:
            return self._queue.popleft()
        if self._next_sample is None or self._next_sample.done():
            self._next_sample = asyncio.get_running_loop().create_future()
        return await asyncio.wait_for(self._next_sample, timeout)

    def deliver(self, values: Values) -> None:
        """Take a sample from the bus; an event that was overtaken by a later one is dropped."""
        index, stamp = values.get("salIndex", 0), values["private_sndStamp"]
        last = self._last_stamps.get(index, 0.0)
        if stamp < last and self.attr_name.startswith("evt_"):
            self.log.warning(
                f"Ignoring old topic sample. Topic sent {(last - stamp) * 1000:0.2f}ms before last sample of "
                f"{self.salinfo.name}.{self.attr_name}:{index}."
            )
            return
        self._last_stamps[index] = stamp
        sample = self.DataType.from_values(values)
        sample.private_rcvStamp = max(self.salinfo.domain.bus.tai(), stamp)
        self._current = sample
        if self._first_sample is not None:
            self._first_sample.set()
        if self._callback is None and self._next_sample is not None and not self._next_sample.done():
            self._next_sample.set_result(sample)
            return
        self._queue.append(sample)
        if self._callback is not None and (self._reader is None or self._reader.done()):
            self._reader = asyncio.create_task(self._run_callbacks())

    async def _run_callbacks(self) -> None:
        while self._queue:
            self._fill_warning.check(len(self._queue))
            run = self._run_callback(self._queue.popleft())
            if self.allow_multiple_callbacks:
                task = asyncio.create_task(run)
                self._callback_tasks.add(task)
                task.add_done_callback(self._callback_tasks.discard)
            else:
                await run

    async def _run_callback(self, sample: Message) -> None:
        try:
            await self._call_back(sample)
        except ExpectedError:
            pass
        except Exception:
            self.log.exception(f"Callback {self._callback} failed with data={sample}")

    async def _call_back(self, sample: Message) -> Any:
        assert self._callback is not None  # the queue is read only where there is one
        result = self._callback(sample)
        return await result if isinstance(result, Awaitable) else result

    def _assert_no_callback(self) -> None:
        if self.has_callback:
            raise RuntimeError("Not allowed because there is a callback function")

    def _assert_readable(self) -> None:
        self.salinfo.assert_started()
        self._assert_no_callback()

    def _running_callbacks(self) -> set[asyncio.Task[None]]:
        reader = {self._reader} if self._reader is not None else set()
        return self._callback_tasks | reader

    async def close(self) -> None:
        """Read no more, and wait until the callbacks have ended."""
        self._queue.clear()
        if self._next_sample is not None:
            self._next_sample.cancel()
        # A callback may itself be closing the component.
        tasks = self._running_callbacks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._callback = None


class RemoteEvent(ReadTopic):
    """An event of a remote.

    Parameters
    ----------
    salinfo : `SalInfo`
        The component.
    name : `str`
        Name of the event, without prefix.
    """

    def __init__(self, salinfo: SalInfo, name: str) -> None:
        super().__init__(salinfo, f"evt_{name}")


class RemoteTelemetry(ReadTopic):
    """Telemetry of a remote, by its name without prefix; who begins to listen gets none from before."""

    reads_history = False

    def __init__(self, salinfo: SalInfo, name: str) -> None:
        super().__init__(salinfo, f"tel_{name}")
