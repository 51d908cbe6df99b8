"""The middleware that the tests drive: the simulated summit's, or with CALIBSCRIPTS_SAL=salobj the observatory's."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import secrets
import selectors
import socket
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any

from lsst.ts.calibscripts.testing.clock import JumpingEventLoop

__all__ = ["LOOPS", "ON_OBSERVATORY", "TOPICS", "QuickEventLoop", "missing", "name_topics"]

ON_OBSERVATORY = os.environ.get("CALIBSCRIPTS_SAL") == "salobj"
"""Do the tests drive salobj's Domains, Controllers and Remotes?"""

PACKAGES = ("lsst.ts.salobj", "lsst.ts.xml", "lsst.ts.observatory.control")
SITE = "LSST_SITE"
SERVERS = {
    "LSST_KAFKA_BROKER_ADDR": "broker:29092",
    "LSST_SCHEMA_REGISTRY_URL": "http://schema-registry:8081",
}
"""Variables with the addresses of servers, and what salobj takes where they are not set."""
TOPICS = "LSST_TOPIC_SUBNAME"
FREQUENT = 0.03
"""Below this time, seconds, a call is salobj's own: it sees to messages that wait to be written every 25 ms."""


class _QuickSelector(selectors.DefaultSelector):
    """Waits so many times shorter than a loop asks it to."""

    speed = 1.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / self.speed)


class QuickEventLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock can go faster than time, for what waits for threads and other processes.

    It cannot jump, since a message that is on its way through a broker is not seen.
    """

    def __init__(self) -> None:
        self._quick_selector = _QuickSelector()
        self._begin, self._passed = time.monotonic(), 0.0
        super().__init__(self._quick_selector)

    @property
    def speed(self) -> float:
        """How many seconds of the loop's clock are a second of time."""
        return self._quick_selector.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._passed, self._begin = self.time(), time.monotonic()
        self._quick_selector.speed = speed

    def time(self) -> float:
        """Return the time, seconds since the loop was made."""
        return self._passed + (time.monotonic() - self._begin) * self.speed

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call back later; what is done every few milliseconds is done for real messages, and in real time."""
        real = delay < FREQUENT
        return super().call_later(delay * self.speed if real else delay, callback, *args, context=context)

    def hold_up(self, seconds: float) -> None:
        """Let a call in a thread take longer; called in that thread."""
        time.sleep(seconds / self.speed)


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = (
    {"quick": QuickEventLoop} if ON_OBSERVATORY else {"jumping": JumpingEventLoop}
)
"""On which loops asynchronous tests run."""


def missing() -> list[str]:
    """Return what the environment lacks to drive the observatory's middleware, each with what to do."""
    lacking = []
    for package in PACKAGES:
        try:
            found = importlib.util.find_spec(package) is not None
        except ModuleNotFoundError:
            found = False
        if not found:
            lacking.append(f"the package {package}: install it from the observatory's conda channel")
    if not os.environ.get(SITE):
        lacking.append(f"the variable {SITE}: set it to test")
    for variable, default in SERVERS.items():
        address = os.environ.get(variable, default)
        if not _answers(address):
            lacking.append(f"a server at {address}: start one, or name another in {variable}")
    return lacking


def _answers(address: str) -> bool:
    """Return whether a server listens at the first ``host:port`` of an address."""
    host, _, port = address.split(",")[0].rpartition("/")[2].rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5.0):
            return True
    except (OSError, ValueError):
        return False


def name_topics() -> None:
    """Give the topics a name of their own: simulated components must never be heard by real ones."""
    os.environ[TOPICS] = f"test_calibscripts_{secrets.token_hex(4)}"
