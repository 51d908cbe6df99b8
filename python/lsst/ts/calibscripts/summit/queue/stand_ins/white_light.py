"""Stand-ins for the scripts that turn the white light on and off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ....sal import State
from ...hardware.calsys import LampState
from .base import COMMAND_TIMEOUT, StandIn, until

__all__ = ["PowerOffATCalSys", "PowerOnATCalSys"]

LAMP_TIMEOUT = 1200.0
"""Longest wait for a change of the lamp's state, seconds: it takes 15 minutes to warm up or to cool down."""


class _WhiteLightScript(StandIn):
    duration = LAMP_TIMEOUT

    async def configure(self, config: SimpleNamespace) -> None:
        """Make the remote."""
        await super().configure(config)
        self.light: Any = await self.remote("ATWhiteLight")

    async def assert_enabled(self) -> None:
        """Refuse to go on unless ATWhiteLight is enabled.

        Raises
        ------
        RuntimeError
            In any other state.
        """
        state = State((await self.light.evt_summaryState.aget(timeout=COMMAND_TIMEOUT)).summaryState)
        if state is not State.ENABLED:
            raise RuntimeError(
                f"ATWhiteLight is {state.name}, not ENABLED: enable it with set_summary_state.py"
            )

    async def wait_for(self, wanted: LampState) -> None:
        """Wait for the lamp, and log what it does."""

        def is_wanted(data: Any) -> bool:
            self.log.info(f"Lamp state: {LampState(data.basicState).name}.")
            return bool(data.basicState == wanted)

        await until(self.light.evt_lampState, is_wanted, LAMP_TIMEOUT)


class PowerOnATCalSys(_WhiteLightScript):
    """Start the chiller, open the shutter, light the lamp and wait until it is warm."""

    schema = """
        properties:
          chiller_temperature: {description: Degrees Celsius., type: number, default: 20, minimum: 10}
          whitelight_power: {description: W., type: number, default: 910, minimum: 0}
          wavelength: {description: Of ATMonochromator., type: number, default: 0, minimum: 0}
          grating_type: {description: Of ATMonochromator., type: integer, enum: [0, 1, 2], default: 0}
          entrance_slit_width: {description: Of ATMonochromator., type: number, minimum: 0, default: 5}
          exit_slit_width: {description: Of ATMonochromator., type: number, minimum: 0, default: 5}
          use_atmonochromator: {description: Must be false here., type: boolean, default: false}
    """

    async def configure(self, config: SimpleNamespace) -> None:
        """Make the remote.

        Raises
        ------
        ValueError
            If ATMonochromator is to be used.
        """
        if config.use_atmonochromator:
            raise ValueError("use_atmonochromator: the simulated summit has no ATMonochromator; write false")
        await super().configure(config)

    async def run(self) -> None:
        """Turn everything on."""
        await self.assert_enabled()
        light = self.light
        await self.checkpoint("Starting chiller")
        temperature = self.config.chiller_temperature
        await light.cmd_setChillerTemperature.set_start(temperature=temperature, timeout=COMMAND_TIMEOUT)
        await light.cmd_startChiller.start(timeout=LAMP_TIMEOUT)
        await self.checkpoint("Opening the shutter")
        await light.cmd_openShutter.start(timeout=LAMP_TIMEOUT)
        await self.checkpoint("Turning on lamp")
        light.evt_lampState.flush()
        await light.cmd_turnLampOn.set_start(power=self.config.whitelight_power, timeout=LAMP_TIMEOUT)
        await self.checkpoint("Waiting for lamp to warm up")
        await self.wait_for(LampState.ON)


class PowerOffATCalSys(_WhiteLightScript):
    """Turn the lamp off, close the shutter, wait until the lamp is cold and stop the chiller."""

    async def run(self) -> None:
        """Turn everything off."""
        await self.assert_enabled()
        light = self.light
        await self.checkpoint("Turning lamp off")
        light.evt_lampState.flush()
        await light.cmd_turnLampOff.start(timeout=LAMP_TIMEOUT)
        await self.checkpoint("Closing the shutter")
        await light.cmd_closeShutter.start(timeout=LAMP_TIMEOUT)
        await self.checkpoint("Waiting for lamp to cool down")
        await self.wait_for(LampState.OFF)
        await self.checkpoint("Stopping chiller")
        await light.cmd_stopChiller.start(timeout=COMMAND_TIMEOUT)
