"""The auxiliary telescope, reduced to where it points: ATPtg takes the commands, ATMCS has the axes.

There are no tracking, no trajectories, no limits of the axes and no rotator; what is left is what the weekly
calibrations do with the telescope.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ....sal import ExpectedError
from ...faults.faults import Faults
from ..csc import HardwareClock, SimulatedCsc, publish, write
from .at_dome import angle_between
from .states import MountState

__all__ = ["SimulatedMount", "SimulatedPointing"]

SPEED = 2.0
SAMPLES = 100
"""Angles in a sample of the encoders' telemetry."""


class SimulatedMount(SimulatedCsc):
    """ATMCS: two axes that arrive where they are sent.

    Parameters
    ----------
    clock : `HardwareClock`
        Time of the axes.
    azimuth, elevation : `float`
        Where the telescope points, in degrees.
    faults : `Faults`
        What misbehaves.

    Attributes
    ----------
    azimuth, elevation : `float`
        Where the telescope points, in degrees.
    moving : `bool`
        Are the axes under way?
    tracking : `bool`
        Do the axes follow the pointing component?
    """

    def __init__(
        self, clock: HardwareClock, azimuth: float, elevation: float, *, faults: Faults | None = None
    ) -> None:
        super().__init__("ATMCS", faults=faults)
        self._clock = clock
        self.azimuth, self.elevation = azimuth, elevation
        self.moving = False
        self.tracking = False
        self._motion: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Publish where the axes are."""
        await self._report()
        self.spawn(publish(self.controller.tel_mount_AzEl_Encoders, self._angles))

    def _angles(self) -> dict[str, list[float]]:
        """Return the angles of the last second, all the same."""
        return {
            "azimuthCalculatedAngle": [self.azimuth] * SAMPLES,
            "elevationCalculatedAngle": [self.elevation] * SAMPLES,
        }

    async def point(self, azimuth: float, elevation: float) -> None:
        """Begin to point the telescope; events report when it has arrived."""
        self.assert_enabled("a target")
        if self._motion is not None:
            self._motion.cancel()
        self.moving = self.tracking = True
        self._motion = self.spawn(self._move(azimuth, elevation))
        await self._report()

    async def _move(self, azimuth: float, elevation: float) -> None:
        way = max(abs(angle_between(self.azimuth, azimuth)), abs(elevation - self.elevation))
        await self._clock.sleep(way / SPEED)
        self.azimuth, self.elevation = azimuth, elevation
        self.moving = False
        await self._report()

    async def stop_tracking(self) -> None:
        """Stop the axes."""
        if self._motion is not None:
            self._motion.cancel()
        self.moving = self.tracking = False
        await self._report()

    async def _report(self) -> None:
        state = MountState.TRACKING_ENABLED if self.tracking else MountState.TRACKING_DISABLED
        await write(self.controller.evt_atMountState, state=state)
        await write(self.controller.evt_allAxesInPosition, inPosition=self.tracking and not self.moving)


class SimulatedPointing(SimulatedCsc):
    """ATPtg: sends the mount where to point.

    Parameters
    ----------
    mount : `SimulatedMount`
        The mount.
    faults : `Faults`
        What misbehaves.
    """

    def __init__(self, mount: SimulatedMount, *, faults: Faults | None = None) -> None:
        super().__init__("ATPtg", faults=faults)
        self._mount = mount

    async def begin(self) -> None:
        """Handle commands."""
        self.controller.cmd_azElTarget.callback = self.point
        self.controller.cmd_stopTracking.callback = self.stop_tracking

    async def point(self, data: Any) -> None:
        """Begin to point the telescope to ``azDegs`` and ``elDegs``."""
        self.assert_enabled("azElTarget")
        if not 0.0 <= data.elDegs <= 90.0:
            raise ExpectedError(f"elDegs is {data.elDegs:g}; it must be from 0 to 90 degrees")
        await self._mount.point(data.azDegs, data.elDegs)

    async def stop_tracking(self, data: Any) -> None:
        """Stop the telescope."""
        self.assert_enabled("stopTracking")
        await self._mount.stop_tracking()
