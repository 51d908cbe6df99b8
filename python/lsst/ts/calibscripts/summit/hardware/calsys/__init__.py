"""What lights the flats: lamp, dome and telescope of LATISS, and the dome of the Simonyi telescope."""

from __future__ import annotations

from .at_dome import ENCODER_LOSS, SimulatedAuxTelDome
from .screen import DOME_AZIMUTH, TELESCOPE_AZIMUTH, TELESCOPE_ELEVATION, lit_fraction, screen_brightness
from .simonyi_dome import dome
from .states import (
    AzimuthCommand,
    AzimuthState,
    ChillerState,
    DoorState,
    LampState,
    MountState,
    ShutterState,
)
from .system import ATCS, CalibrationSystem
from .telescope import SimulatedMount, SimulatedPointing
from .white_light import ATTEMPTS, SimulatedWhiteLight

__all__ = [
    "ATCS",
    "ATTEMPTS",
    "DOME_AZIMUTH",
    "ENCODER_LOSS",
    "TELESCOPE_AZIMUTH",
    "TELESCOPE_ELEVATION",
    "AzimuthCommand",
    "AzimuthState",
    "CalibrationSystem",
    "ChillerState",
    "DoorState",
    "LampState",
    "MountState",
    "ShutterState",
    "SimulatedAuxTelDome",
    "SimulatedMount",
    "SimulatedPointing",
    "SimulatedWhiteLight",
    "dome",
    "lit_fraction",
    "screen_brightness",
]
