"""What all simulated CSCs share: summary state, the tasks they own, and the clock of their hardware."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, Self

from ...ground.pacing import Pacing
from ...sal import Controller, ExpectedError, State
from ..faults.faults import Faults

__all__ = ["HardwareClock", "SimulatedCsc", "publish", "write"]

HEARTBEAT_INTERVAL = 1.0
"""Seconds of the event loop between two heartbeats, as salobj's CSCs have it."""

TELEMETRY_INTERVAL = 1.0
"""Seconds of the event loop between two samples of telemetry."""

_TAI_MINUS_UTC = 37.0
_HALF_DAY = 43200.0

_TRANSITIONS = {
    "start": ({State.STANDBY}, State.DISABLED),
    "enable": ({State.DISABLED}, State.ENABLED),
    "disable": ({State.ENABLED}, State.DISABLED),
    "standby": ({State.DISABLED, State.FAULT}, State.STANDBY),
}


class HardwareClock:
    """TAI as the simulated hardware has it.

    What the hardware does takes `speed` times less than it says; when it is done the clock is set forward to the
    time it would have taken, so that time stamps, exposure times and dark times agree, also where several parts of
    the hardware work at once. All else passes as it does on the event loop.

    It is made inside a running event loop.

    Parameters
    ----------
    speed : `float`
        Divides the times of the hardware; positive.
    start : `float` or `None`
        TAI of now, in seconds since 1970; None takes the computer's clock.

    Raises
    ------
    ValueError
        If the speed is not positive.
    """

    def __init__(self, speed: float = 1.0, start: float | None = None) -> None:
        if speed <= 0:
            raise ValueError(f"speed is {speed}; it must be positive")
        self.speed = speed
        self._loop = asyncio.get_running_loop()
        self._offset = (time.time() + _TAI_MINUS_UTC if start is None else start) - self._loop.time()

    def tai(self) -> float:
        """Return TAI in seconds since 1970-01-01 00:00 TAI."""
        return self._loop.time() + self._offset

    def day_obs(self) -> int:
        """Return the observing day as YYYYMMDD: the date twelve hours ago."""
        return int(datetime.fromtimestamp(self.tai() - _HALF_DAY, UTC).strftime("%Y%m%d"))

    async def sleep(self, duration: float) -> None:
        """Let the hardware work for a while.

        Parameters
        ----------
        duration : `float`
            Seconds of the hardware.
        """
        end = self.tai() + duration
        await asyncio.sleep(duration / self.speed)
        self._offset = max(self._offset, end - self._loop.time())


class SimulatedCsc:
    """A simulated CSC: a controller with a summary state, and the tasks it runs.

    An asynchronous context manager: entering starts it, leaving cancels what still runs and waits for its end.

    Parameters
    ----------
    name : `str`
        SAL component.
    index : `int` or `None`
        SAL index, where the component has one.
    faults : `Faults`
        What misbehaves.

    Attributes
    ----------
    name : `str`
        Component and index, as in ``OCPS:1``.
    controller : `Controller`
        The SAL topics.
    state : `State`
        Summary state.
    """

    def __init__(self, name: str, index: int | None = None, *, faults: Faults | None = None) -> None:
        self.name = name if index is None else f"{name}:{index}"
        self.faults = Faults() if faults is None else faults
        self.controller: Any = Controller(name, index)
        self._pacing = Pacing.of(self.controller.log)
        self.state = State.STANDBY
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        await self.controller.start_task
        for command in _TRANSITIONS:
            getattr(self.controller, f"cmd_{command}").callback = partial(self._change_state, command)
        await self.begin()
        await self.set_state(self._initial_state())
        await self.controller.evt_heartbeat.write()
        if self.faults.hits("component-dead", self.name):
            # It was alive once: its last state and heartbeat are what a broker keeps.
            await self.die()
        else:
            self.spawn(self._beat())
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The group must see a cancellation, which may be its own; it would wrap other errors, which are not.
        seen = (error_type, error, traceback) if isinstance(error, asyncio.CancelledError) else (None,) * 3
        try:
            await self.stop()
        finally:
            await self._group.__aexit__(*seen)

    async def begin(self) -> None:
        """Handle commands and publish what a client finds when it starts; before the first summary state."""

    @property
    def enabled(self) -> bool:
        """Whether the CSC is in the state ENABLED."""
        return self.state == State.ENABLED

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside the commands, no longer than the CSC lives.

        Parameters
        ----------
        work : coroutine
            An exception in it ends the simulation.
        """
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """End what runs beside the commands, then the SAL topics."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._pacing.drain()
        await self.controller.close()

    async def die(self) -> None:
        """End as a process does that is killed: clients see what was published last, and no more is."""
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()
        # Not the controller, which would let those that are cancelled still say so.
        await self.controller.domain.close()

    async def set_state(self, state: State) -> None:
        """Change the summary state and publish it."""
        self.state = state
        await self.controller.evt_summaryState.set_write(summaryState=state)

    async def fault(self, report: str) -> None:
        """Go to FAULT, as a CSC does that cannot go on.

        Parameters
        ----------
        report : `str`
            What happened, for the errorCode event.
        """
        await self.controller.evt_errorCode.set_write(errorCode=1, errorReport=report)
        await self.set_state(State.FAULT)

    def assert_enabled(self, command: str) -> None:
        """Refuse a command unless the CSC is enabled.

        Raises
        ------
        lsst.ts.salobj.ExpectedError
            In any other state.
        """
        if not self.enabled:
            raise ExpectedError(f"{command} not allowed in state {self.state.name} of {self.name}")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_INTERVAL)
            await self.controller.evt_heartbeat.write()

    async def _change_state(self, command: str, data: Any) -> None:
        allowed, state = _TRANSITIONS[command]
        if self.state not in allowed:
            raise ExpectedError(f"{command} not allowed in state {self.state.name} of {self.name}")
        await self.set_state(state)

    def _initial_state(self) -> State:
        for name, state in (("component-standby", State.STANDBY), ("component-fault", State.FAULT)):
            if self.faults.hits(name, self.name):
                return state
        return State.ENABLED


async def publish(topic: Any, fields: Callable[[], Mapping[str, Any]]) -> None:
    """Write telemetry again and again, as long as the CSC lives.

    Parameters
    ----------
    topic : `ControllerTelemetry`
        The topic.
    fields : callable
        Returns its fields as they are now.
    """
    while True:
        await write(topic, **fields())
        await asyncio.sleep(TELEMETRY_INTERVAL)


async def write(event: Any, **fields: Any) -> None:
    """Write a sample of an event, also if it equals the one before.

    Parameters
    ----------
    event : `ControllerEvent`
        The event topic.
    **fields
        Its fields.
    """
    event.set(**fields)
    await event.write()
