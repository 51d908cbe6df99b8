"""States that the components of the calibration system publish, with the numbers of their SAL interfaces."""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "AzimuthCommand",
    "AzimuthState",
    "ChillerState",
    "DoorState",
    "LampState",
    "MountState",
    "ShutterState",
]


class LampState(IntEnum):
    """``LampBasicState`` of ATWhiteLight."""

    UNKNOWN = 0
    OFF = 1
    ON = 2
    COOLDOWN = 3
    WARMUP = 4
    TURNING_ON = 5
    TURNING_OFF = 6


class ChillerState(IntEnum):
    """``ChillerControllerState`` of ATWhiteLight."""

    STANDBY = 1
    RUN = 2


class ShutterState(IntEnum):
    """``ShutterState`` of ATWhiteLight; UNKNOWN while it moves."""

    UNKNOWN = 0
    CLOSED = 1
    OPEN = 2


class AzimuthCommand(IntEnum):
    """``AzimuthCommandedState`` of ATDome."""

    UNKNOWN = 1
    GO_TO_POSITION = 2
    HOME = 3
    STOP = 4


class AzimuthState(IntEnum):
    """``AzimuthState`` of ATDome."""

    NOT_IN_MOTION = 1
    MOVING_CW = 2
    MOVING_CCW = 3


class DoorState(IntEnum):
    """``ShutterDoorState`` of ATDome, as far as its doors are simulated."""

    CLOSED = 1
    OPENED = 2


class MountState(IntEnum):
    """``AtMountState`` of ATMCS, as far as it is simulated."""

    TRACKING_DISABLED = 8
    TRACKING_ENABLED = 9
