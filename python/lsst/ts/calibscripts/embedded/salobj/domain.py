"""Where samples travel: one bus per event loop, seen through domains."""

from __future__ import annotations

import asyncio
import getpass
import itertools
import os
import socket
import time
import weakref
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol, Self

__all__ = ["LARGEST_SAMPLE", "TAI_MINUS_UTC", "Bus", "Domain", "SampleTooLargeError"]

LARGEST_SAMPLE = 1_000_000
"""Texts of a sample that can be carried, in bytes; the observatory's producer refuses more."""

TAI_MINUS_UTC = 37.0
"""Leap seconds since 2017-01-01, in seconds (IERS Bulletin C; none is announced)."""

_TICK = 1e-6

Values = dict[str, Any]
TopicKey = tuple[str, str]


class Participant(Protocol):
    """What a domain closes when it is closed: a `SalInfo`, which stands above this module."""

    name: str
    index: int
    start_task: asyncio.Future[None]

    async def close(self) -> None:
        """Read and write no more."""


class SampleTooLargeError(Exception):
    """A sample is larger than `LARGEST_SAMPLE` and was not written."""


class Subscription:
    """A reader's place on the bus.

    Parameters
    ----------
    index : `int`
        SAL index to listen to; 0 listens to all.
    deliver : callable
        Called with the values of every sample.
    """

    def __init__(self, index: int, deliver: Callable[[Values], None]) -> None:
        self.index = index
        self.deliver = deliver

    def wants(self, index: int) -> bool:
        """Return whether a sample with this SAL index is to be delivered."""
        return self.index in (0, index)


class Bus:
    """Carries the samples of all domains of one event loop.

    It remembers the last sample of every event and index for those who
    join late, and outlives the components that wrote them, as the
    observatory's broker does.
    """

    def __init__(self) -> None:
        self._subscriptions: defaultdict[TopicKey, list[Subscription]] = defaultdict(list)
        self._latest: defaultdict[TopicKey, dict[int, Values]] = defaultdict(dict)
        self._tai_offset = time.time() + TAI_MINUS_UTC - asyncio.get_running_loop().time()
        self.command_numbers = itertools.count(1)
        self._last_stamp = 0.0

    @classmethod
    def of_running_loop(cls) -> Bus:
        """Find the bus of the running event loop.

        Raises
        ------
        RuntimeError
            If no event loop is running.
        """
        loop = asyncio.get_running_loop()
        bus = _buses.get(loop)
        if bus is None:
            bus = _buses[loop] = cls()
        return bus

    def tai(self) -> float:
        """Return the time, TAI unix seconds, which passes as the event loop's clock does."""
        return self._tai_offset + asyncio.get_running_loop().time()

    def send_stamp(self) -> float:
        """Return the time at which a sample is written, TAI unix seconds; no two samples have the same."""
        self._last_stamp = max(self.tai(), self._last_stamp + _TICK)
        return self._last_stamp

    def subscribe(self, key: TopicKey, subscription: Subscription, history: bool) -> None:
        """Deliver the samples of a topic from now on.

        Parameters
        ----------
        key : `tuple`
            Component and topic.
        subscription : `Subscription`
            To whom.
        history : `bool`
            Deliver the last sample (of each index) at once?
        """
        if history:
            latest = self._latest.get(key, {})
            indices = {subscription.index} & latest.keys() if subscription.index else latest
            for index in indices:
                subscription.deliver(latest[index])
        self._subscriptions[key].append(subscription)

    def unsubscribe(self, key: TopicKey, subscription: Subscription) -> None:
        """Deliver no more."""
        self._subscriptions[key].remove(subscription)

    def publish(self, key: TopicKey, values: Values) -> None:
        """Carry one sample to all who listen.

        Raises
        ------
        SampleTooLargeError
            If it is larger than `LARGEST_SAMPLE`.
        """
        size = sum(len(value.encode()) for value in values.values() if isinstance(value, str))
        if size > LARGEST_SAMPLE:
            raise SampleTooLargeError(f"MSG_SIZE_TOO_LARGE: {'.'.join(key)} has {size} bytes of text")
        index = values.get("salIndex", 0)
        if key[1].startswith("evt_"):
            latest = self._latest[key]
            # Removed first, so that the order is that of the arrivals.
            latest.pop(index, None)
            latest[index] = values
        for subscription in tuple(self._subscriptions.get(key, ())):
            if subscription.wants(index):
                subscription.deliver(values)


_buses: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Bus] = weakref.WeakKeyDictionary()


@cache
def _user_host() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container need not know the name of its user.
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


class Domain:
    """What the remotes and the controller of one process share.

    An asynchronous context manager; leaving it closes all remotes made in it.
    It is made inside a running event loop.

    Attributes
    ----------
    default_identity : `str`
        Identity of remotes made from now on; that of the controller where
        there is one, else user@host.
    origin : `int`
        Process id.
    salinfo_set : `set` [`SalInfo`]
        Components that are open.
    done_task : `asyncio.Future`
        Done when the domain is closed.

    Raises
    ------
    RuntimeError
        If no event loop is running.
    """

    def __init__(self) -> None:
        self.bus = Bus.of_running_loop()
        self.user_host = _user_host()
        self.default_identity = self.user_host
        self.origin = os.getpid()
        self.isopen = True
        self.salinfo_set: set[Participant] = set()
        self.done_task: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        """Close all that was made in this domain; later calls wait until it is done."""
        if not self.isopen:
            await asyncio.shield(self.done_task)
            return
        self.isopen = False
        while self.salinfo_set:
            await next(iter(self.salinfo_set)).close()
        if not self.done_task.done():
            self.done_task.set_result(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.close()
