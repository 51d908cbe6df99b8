"""The simulated ATDome: its azimuth, the encoder that reports it, and the doors of its shutter."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Coroutine
from typing import Any

from ...faults.faults import Faults
from ..csc import HardwareClock, SimulatedCsc, publish, write
from .states import AzimuthCommand, AzimuthState, DoorState

__all__ = ["ENCODER_LOSS", "HOME_AZIMUTH", "SimulatedAuxTelDome", "angle_between"]

ENCODER_LOSS = 3.0
"""Degrees by which the encoder is wrong where it has lost its place: "a couple of degrees" (seed 004)."""

POSITION_TOLERANCE = 0.5
"""Degrees within which the dome stops after a movement (seed 004)."""

HOME_AZIMUTH = 0.0
"""Degrees; ATCS takes 0 for the place of the home switch."""

SPEED = 3.0
HOMING_TIME = 30.0
DOOR_TIME = 60.0


class SimulatedAuxTelDome(SimulatedCsc):
    """ATDome.

    Commands that turn the dome are acknowledged at once; events report when it has arrived.

    Parameters
    ----------
    clock : `HardwareClock`
        Time of the drives.
    azimuth : `float`
        Where the encoder says that the dome is, in degrees.
    seed : `int`
        Seed of where within the tolerance the dome stops.
    faults : `Faults`
        What misbehaves.

    Attributes
    ----------
    azimuth : `float`
        Where the dome really is, in degrees.
    encoder_loss : `float`
        By how much the encoder is wrong, in degrees.
    drive : `AzimuthState`
        How the dome turns.
    """

    def __init__(
        self, clock: HardwareClock, azimuth: float, *, seed: int = 0, faults: Faults | None = None
    ) -> None:
        super().__init__("ATDome", faults=faults)
        self._clock = clock
        self._random = random.Random(seed)
        self.encoder_loss = ENCODER_LOSS if self.faults.hits("dome-misaligned", self.name) else 0.0
        self.azimuth = (azimuth + self.encoder_loss) % 360.0
        self.drive = AzimuthState.NOT_IN_MOTION
        self._homed = True
        self._motion: asyncio.Task[None] | None = None

    @property
    def moving(self) -> bool:
        """Whether the dome is turning."""
        return self.drive is not AzimuthState.NOT_IN_MOTION

    @property
    def encoder_azimuth(self) -> float:
        """Where the encoder says that the dome is, in degrees."""
        return (self.azimuth - self.encoder_loss) % 360.0

    async def begin(self) -> None:
        """Handle commands and publish where the dome is."""
        for command, callback in (
            ("moveAzimuth", self.move_azimuth),
            ("homeAzimuth", self.home_azimuth),
            ("stopMotion", self.stop_motion),
            ("openShutter", self.open_shutter),
            ("closeShutter", self.close_shutter),
        ):
            getattr(self.controller, f"cmd_{command}").callback = callback
        await self._report(AzimuthCommand.UNKNOWN, math.nan)
        await self._report_doors(DoorState.CLOSED)
        self.spawn(publish(self.controller.tel_position, lambda: {"azimuthPosition": self.encoder_azimuth}))

    async def move_azimuth(self, data: Any) -> None:
        """Begin to turn the dome to an ``azimuth`` (degrees), the shorter way."""
        self.assert_enabled("moveAzimuth")
        target = data.azimuth % 360.0
        self._begin_motion(self._move(target), angle_between(self.encoder_azimuth, target))
        await self._report(AzimuthCommand.GO_TO_POSITION, target)

    async def _move(self, target: float) -> None:
        await self._clock.sleep(abs(angle_between(self.encoder_azimuth, target)) / SPEED)
        stopped = target + self._random.uniform(-POSITION_TOLERANCE, POSITION_TOLERANCE)
        self.azimuth = (stopped + self.encoder_loss) % 360.0
        self.drive = AzimuthState.NOT_IN_MOTION
        await self._report(AzimuthCommand.GO_TO_POSITION, target, in_position=True)

    async def home_azimuth(self, data: Any) -> None:
        """Begin to turn the dome to its home switch, where the encoder finds its place again."""
        self.assert_enabled("homeAzimuth")
        self._homed = False
        self._begin_motion(self._home(), angle_between(self.azimuth, HOME_AZIMUTH))
        await self._report(AzimuthCommand.HOME, math.nan)

    async def _home(self) -> None:
        await self._clock.sleep(abs(angle_between(self.azimuth, HOME_AZIMUTH)) / SPEED + HOMING_TIME)
        self.azimuth, self.encoder_loss = HOME_AZIMUTH, 0.0
        self.drive, self._homed = AzimuthState.NOT_IN_MOTION, True
        await self._report(AzimuthCommand.HOME, math.nan)

    async def stop_motion(self, data: Any) -> None:
        """Stop the dome where it is; the simulated one has not moved before it arrives."""
        self.assert_enabled("stopMotion")
        if self._motion is not None:
            self._motion.cancel()
        self.drive = AzimuthState.NOT_IN_MOTION
        await self._report(AzimuthCommand.STOP, math.nan)

    def _begin_motion(self, motion: Coroutine[Any, Any, None], way: float) -> None:
        if self._motion is not None:
            self._motion.cancel()
        self.drive = AzimuthState.MOVING_CW if way >= 0 else AzimuthState.MOVING_CCW
        self._motion = self.spawn(motion)

    async def _report(self, command: AzimuthCommand, target: float, *, in_position: bool = False) -> None:
        controller = self.controller
        await controller.evt_azimuthCommandedState.set_write(commandedState=command, azimuth=target)
        await write(controller.evt_azimuthInPosition, inPosition=in_position)
        await write(
            controller.evt_azimuthState,
            state=self.drive,
            homing=self.moving and command is AzimuthCommand.HOME,
            homed=self._homed,
            homeSwitch=abs(angle_between(self.azimuth, HOME_AZIMUTH)) < POSITION_TOLERANCE,
        )

    async def open_shutter(self, data: Any) -> None:
        """Open both doors."""
        await self._move_doors("openShutter", DoorState.OPENED, data)

    async def close_shutter(self, data: Any) -> None:
        """Close both doors."""
        await self._move_doors("closeShutter", DoorState.CLOSED, data)

    async def _move_doors(self, command: str, wanted: DoorState, data: Any) -> None:
        self.assert_enabled(command)
        if self.doors is not wanted:
            await getattr(self.controller, f"cmd_{command}").ack_in_progress(data, timeout=DOOR_TIME)
            await self._clock.sleep(DOOR_TIME)
        await self._report_doors(wanted)

    async def _report_doors(self, doors: DoorState) -> None:
        self.doors = doors
        await self.controller.evt_mainDoorState.set_write(state=doors)
        await self.controller.evt_dropoutDoorState.set_write(state=doors)


def angle_between(begin: float, end: float) -> float:
    """Return the shorter way from one azimuth to another, -180 to 180 degrees."""
    return (end - begin + 180.0) % 360.0 - 180.0
