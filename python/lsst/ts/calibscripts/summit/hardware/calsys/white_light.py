"""The simulated ATWhiteLight: chiller, lamp and shutter."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from ....sal import ExpectedError, State
from ...faults.faults import Faults
from ..csc import HardwareClock, SimulatedCsc
from .states import ChillerState, LampState, ShutterState

__all__ = ["ATTEMPTS", "SimulatedWhiteLight"]

WARMUP_TIME = 900.0
"""Seconds from the lamp being lit until it is warm: 15 minutes, and as long again to cool down (seed 004)."""

ATTEMPTS = 5
"""How often the lamp is tried to be lit."""

LIGHTING_TIME = 5.0
RETRY_TIME = 20.0
SHUTTER_TIME = 10.0
CHILLER_TIME = 10.0
REPORT_INTERVAL = 60.0
DEFAULT_POWER = 910.0
POWER_RANGE = 800.0, 1200.0

_LIT = frozenset({LampState.WARMUP, LampState.ON})


class SimulatedWhiteLight(SimulatedCsc):
    """ATWhiteLight: the lamp that lights the flat screen.

    The lamp is lit only while the chiller runs, has to be warm before it is turned off again, and has to be cold
    before the chiller is stopped or the CSC goes to STANDBY. What it does and waits for is reported by its logMessage
    events.

    Parameters
    ----------
    clock : `HardwareClock`
        Time of lamp, shutter and chiller.
    ready : `bool`
        Begin with a warm lamp and an open shutter; else all is off.
    faults : `Faults`
        What misbehaves.

    Attributes
    ----------
    lamp : `LampState`
        What the lamp does.
    shutter : `ShutterState`
        Where the shutter is.
    chilling : `bool`
        Does the chiller run?
    """

    def __init__(self, clock: HardwareClock, *, ready: bool = True, faults: Faults | None = None) -> None:
        super().__init__("ATWhiteLight", faults=faults)
        self._clock = clock
        self.lamp = LampState.ON if ready else LampState.OFF
        self.shutter = ShutterState.OPEN if ready else ShutterState.CLOSED
        self.chilling = ready
        self._power = DEFAULT_POWER if ready else 0.0
        self._change: asyncio.Task[None] | None = None
        self._change_ends = 0.0

    @property
    def shines(self) -> bool:
        """Whether its full light leaves it."""
        return self.lamp is LampState.ON and self.shutter is ShutterState.OPEN

    async def begin(self) -> None:
        """Handle commands and publish how the hardware is."""
        for command, callback in (
            ("turnLampOn", self.turn_lamp_on),
            ("turnLampOff", self.turn_lamp_off),
            ("openShutter", self.open_shutter),
            ("closeShutter", self.close_shutter),
            ("setChillerTemperature", self.set_chiller_temperature),
            ("startChiller", self.start_chiller),
            ("stopChiller", self.stop_chiller),
        ):
            getattr(self.controller, f"cmd_{command}").callback = callback
        await self._set_lamp(self.lamp)
        await self._set_shutter(self.shutter)
        await self._set_chiller(self.chilling)

    async def set_state(self, state: State) -> None:
        """Change the summary state; the hardware is connected in DISABLED and ENABLED, else the lamp goes out."""
        connected = state in (State.DISABLED, State.ENABLED)
        if not connected and (self.lamp in _LIT or self.lamp is LampState.TURNING_ON):
            self.controller.log.warning(f"Turning the lamp off since the CSC goes to {state.name}.")
            await self._begin_to_cool()
        await self.controller.evt_lampConnected.set_write(connected=connected)
        await self.controller.evt_chillerConnected.set_write(connected=connected)
        await super().set_state(state)

    # The lamp.

    async def turn_lamp_on(self, data: Any) -> None:
        """Light the lamp, or change its ``power`` (W; 0 is the default) if it is lit; done when it is lit.

        Raises
        ------
        lsst.ts.salobj.ExpectedError
            If the CSC is not enabled, the chiller is off, the lamp is cooling down or does not light.
        """
        self.assert_enabled("turnLampOn")
        power = data.power or DEFAULT_POWER
        self._check_power(power)
        if self.lamp in _LIT:
            self._power = power
            await self._set_lamp(self.lamp)
            return
        if self.lamp is not LampState.OFF:
            raise ExpectedError(f"The lamp is {_words(self.lamp)}; wait {self._time_left()}")
        timeout = ATTEMPTS * (LIGHTING_TIME + RETRY_TIME)
        await self.controller.cmd_turnLampOn.ack_in_progress(data, timeout=timeout)
        self._power = power
        await self._light()

    def _check_power(self, power: float) -> None:
        low, high = POWER_RANGE
        if not low <= power <= high:
            raise ExpectedError(f"power is {power:g} W; it must be 0 or from {low:g} to {high:g} W")
        if not self.chilling:
            raise ExpectedError("The chiller is off; send startChiller first")

    async def _light(self) -> None:
        """Try to light the lamp until it is lit."""
        log = self.controller.log
        await self._set_lamp(LampState.TURNING_ON)
        for attempt in range(1, ATTEMPTS + 1):
            log.info(f"Lighting the lamp at {self._power:g} W, attempt {attempt} of {ATTEMPTS}.")
            await self._clock.sleep(LIGHTING_TIME)
            if self.lamp is not LampState.TURNING_ON:
                raise ExpectedError(f"The lamp is {_words(self.lamp)} since the CSC is {self.state.name}")
            if not self.faults.hits("lamp-not-lit", self.name, attempt):
                log.info("The lamp is lit.")
                await self._begin_change(LampState.WARMUP, LampState.ON)
                return
            log.warning(f"No light is seen after attempt {attempt} of {ATTEMPTS}.")
            await self._clock.sleep(RETRY_TIME)
        await self._set_lamp(LampState.OFF)
        raise ExpectedError(f"The lamp did not light in {ATTEMPTS} attempts; look at lamp and controller")

    async def turn_lamp_off(self, data: Any) -> None:
        """Turn the lamp off; ``force`` does so even while it is warming up. Done when it is dark.

        Raises
        ------
        lsst.ts.salobj.ExpectedError
            If the CSC is not enabled, or the lamp is warming up and this is not forced.
        """
        self.assert_enabled("turnLampOff")
        if self.lamp is LampState.TURNING_ON or (self.lamp is LampState.WARMUP and not data.force):
            raise ExpectedError(
                f"The lamp is {_words(self.lamp)}: turned off now it would live shorter. "
                f"Wait {self._time_left()}, or use force"
            )
        if self.lamp not in _LIT:
            return
        await self._set_lamp(LampState.TURNING_OFF)
        await self._clock.sleep(LIGHTING_TIME)
        await self._begin_to_cool()

    async def _begin_to_cool(self) -> None:
        self._power = 0.0
        self.controller.log.info("The lamp is off.")
        await self._begin_change(LampState.COOLDOWN, LampState.OFF)

    async def _begin_change(self, during: LampState, after: LampState) -> None:
        """Begin to warm up or to cool down."""
        if self._change is not None:
            self._change.cancel()
        self._change_ends = self._clock.tai() + WARMUP_TIME
        await self._set_lamp(during)
        self._change = self.spawn(self._go_through(during, after))

    async def _go_through(self, during: LampState, after: LampState) -> None:
        left = WARMUP_TIME
        while left > 0:
            self.controller.log.info(f"The lamp is {_words(during)}: {_minutes(left)} left.")
            await self._clock.sleep(REPORT_INTERVAL)
            left -= REPORT_INTERVAL
        await self._set_lamp(after)
        self.controller.log.info(f"The lamp is {'warm' if after is LampState.ON else 'cold'}.")

    def _time_left(self) -> str:
        return _minutes(max(self._change_ends - self._clock.tai(), 0.0))

    async def _set_lamp(self, lamp: LampState) -> None:
        self.lamp = lamp
        await self.controller.evt_lampState.set_write(
            basicState=lamp,
            lightDetected=lamp in _LIT or lamp is LampState.TURNING_OFF,
            setPower=self._power,
            warmupEndTime=self._change_ends if lamp is LampState.WARMUP else 0.0,
            cooldownEndTime=self._change_ends if lamp is LampState.COOLDOWN else 0.0,
        )

    # The shutter.

    async def open_shutter(self, data: Any) -> None:
        """Open the shutter."""
        self.assert_enabled("openShutter")
        await self.controller.cmd_openShutter.ack_in_progress(data, timeout=SHUTTER_TIME)
        await self._move_shutter(ShutterState.OPEN)

    async def close_shutter(self, data: Any) -> None:
        """Close the shutter."""
        self.assert_enabled("closeShutter")
        await self.controller.cmd_closeShutter.ack_in_progress(data, timeout=SHUTTER_TIME)
        await self._move_shutter(ShutterState.CLOSED)

    async def _move_shutter(self, wanted: ShutterState) -> None:
        if self.shutter is not wanted:
            self.shutter = ShutterState.UNKNOWN
            await self.controller.evt_shutterState.set_write(
                commandedState=wanted, actualState=self.shutter, enabled=True
            )
            await self._clock.sleep(SHUTTER_TIME)
        await self._set_shutter(wanted)

    async def _set_shutter(self, shutter: ShutterState) -> None:
        self.shutter = shutter
        await self.controller.evt_shutterState.set_write(
            commandedState=shutter, actualState=shutter, enabled=False
        )

    # The chiller.

    async def set_chiller_temperature(self, data: Any) -> None:
        """Note the ``temperature`` to chill to, in degrees Celsius."""
        self.assert_enabled("setChillerTemperature")
        self.controller.log.info(f"The chiller is set to {data.temperature:g} degrees Celsius.")

    async def start_chiller(self, data: Any) -> None:
        """Start the chiller; done when it has its temperature."""
        self.assert_enabled("startChiller")
        await self._clock.sleep(0.0 if self.chilling else CHILLER_TIME)
        await self._set_chiller(True)

    async def stop_chiller(self, data: Any) -> None:
        """Stop the chiller.

        Raises
        ------
        lsst.ts.salobj.ExpectedError
            If the CSC is not enabled, or the lamp is not cold.
        """
        self.assert_enabled("stopChiller")
        self._assert_cold("The chiller cannot be stopped")
        await self._set_chiller(False)

    async def _set_chiller(self, chilling: bool) -> None:
        self.chilling = chilling
        await self.controller.evt_chillerWatchdog.set_write(
            controllerState=ChillerState.RUN if chilling else ChillerState.STANDBY, pumpRunning=chilling
        )

    def _assert_cold(self, what: str) -> None:
        if self.lamp is not LampState.OFF:
            wait = f"; wait {self._time_left()}" if self.lamp is LampState.COOLDOWN else ""
            raise ExpectedError(f"{what}: the lamp is {_words(self.lamp)}{wait}")

    async def _change_state(self, command: str, data: Any) -> None:
        if command == "standby" and self.lamp is LampState.COOLDOWN:
            self._assert_cold(f"{self.name} cannot go to STANDBY")
        await super()._change_state(command, data)


def _minutes(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def _words(lamp: LampState) -> str:
    return {
        LampState.WARMUP: "warming up",
        LampState.COOLDOWN: "cooling down",
        LampState.TURNING_ON: "being lit",
        LampState.TURNING_OFF: "going out",
    }.get(lamp, lamp.name.lower())
