"""Stand-ins for the scripts that move the auxiliary telescope and its dome."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from ....sal import RemoteGroup, State
from ...hardware.calsys import ATCS, DOME_AZIMUTH, TELESCOPE_AZIMUTH, TELESCOPE_ELEVATION, MountState
from .base import COMMAND_TIMEOUT, StandIn, set_summary_state, until

__all__ = ["HomeDome", "PrepareForFlat", "SlewDome", "StopTracking"]

MOTION_TIMEOUT = 300.0
"""Longest wait for dome or telescope to arrive, seconds."""


class _TelescopeScript(StandIn):
    duration = MOTION_TIMEOUT

    async def configure(self, config: SimpleNamespace) -> None:
        """Make the remotes."""
        await super().configure(config)
        self.group = RemoteGroup(domain=self.domain, components=list(ATCS), log=self.log)
        await self.group.start_task

    @property
    def rem(self) -> Any:
        """The remotes."""
        return self.group.rem

    async def assert_all_enabled(self) -> None:
        """Refuse to go on unless all components are enabled.

        Raises
        ------
        AssertionError
            If one is not.
        """
        await self.group.assert_all_enabled(
            "All components of ATCS need to be enabled: enable_atcs.py does it."
        )

    async def home_dome(self) -> None:
        """Home the dome."""
        dome = self.rem.atdome
        dome.evt_azimuthState.flush()
        await dome.cmd_homeAzimuth.start(timeout=COMMAND_TIMEOUT)
        await until(dome.evt_azimuthState, lambda data: data.homed and not data.homing, MOTION_TIMEOUT)

    async def slew_dome(self, azimuth: float) -> None:
        """Turn the dome, which no longer follows the telescope then."""
        await set_summary_state(self.rem.atdometrajectory, State.DISABLED)
        dome = self.rem.atdome
        dome.evt_azimuthInPosition.flush()
        await dome.cmd_moveAzimuth.set_start(azimuth=azimuth, timeout=COMMAND_TIMEOUT)
        await until(dome.evt_azimuthInPosition, lambda data: data.inPosition, MOTION_TIMEOUT)

    async def point(self, azimuth: float, elevation: float) -> None:
        """Point the telescope."""
        mount = self.rem.atmcs
        mount.evt_allAxesInPosition.flush()
        await self.rem.atptg.cmd_azElTarget.set_start(
            targetName="FlatField position", azDegs=azimuth, elDegs=elevation, timeout=COMMAND_TIMEOUT
        )
        await until(mount.evt_allAxesInPosition, lambda data: data.inPosition, MOTION_TIMEOUT)


class PrepareForFlat(_TelescopeScript):
    """Turn telescope and dome to the flat screen, with the doors of the dome closed."""

    async def run(self) -> None:
        """Move both."""
        await self.assert_all_enabled()
        await set_summary_state(self.rem.atdometrajectory, State.DISABLED)
        state = await self.rem.atdome.evt_azimuthState.aget(timeout=COMMAND_TIMEOUT)
        if not state.homed:
            await self.home_dome()
        await self.rem.atdome.cmd_closeShutter.start(timeout=MOTION_TIMEOUT)
        try:
            await asyncio.gather(
                self.point(TELESCOPE_AZIMUTH, TELESCOPE_ELEVATION), self.slew_dome(DOME_AZIMUTH)
            )
        finally:
            await set_summary_state(self.rem.atdometrajectory, State.ENABLED)


class StopTracking(_TelescopeScript):
    """Stop the telescope."""

    async def run(self) -> None:
        """Stop it and wait until it stands."""
        mount = self.rem.atmcs
        mount.evt_atMountState.flush()
        await self.rem.atptg.cmd_stopTracking.start(timeout=COMMAND_TIMEOUT)
        stopped = MountState.TRACKING_DISABLED
        await until(mount.evt_atMountState, lambda data: data.state == stopped, COMMAND_TIMEOUT)


class HomeDome(_TelescopeScript):
    """Turn the dome to its home switch, where its encoder finds its place again."""

    async def run(self) -> None:
        """Home it, whether it is homed or not."""
        await self.home_dome()
        self.log.info("The dome is homed; it is no longer at the flat screen: prepare for flats again.")


class SlewDome(_TelescopeScript):
    """Turn the dome to an azimuth."""

    schema = """
        properties:
          az: {description: Azimuth (degrees)., type: number}
        required: [az]
    """

    async def run(self) -> None:
        """Turn it."""
        await self.slew_dome(self.config.az)
