"""All that lights the flats of LATISS, and the other components of the auxiliary telescope that have a state."""

from __future__ import annotations

from collections.abc import Iterator

from ...faults.faults import Faults
from ..csc import HardwareClock, SimulatedCsc
from ..focalplane import illumination_rate
from .at_dome import SimulatedAuxTelDome
from .lamp_output import LampOutput
from .screen import DOME_AZIMUTH, TELESCOPE_AZIMUTH, TELESCOPE_ELEVATION, is_at_screen, screen_brightness
from .telescope import SimulatedMount, SimulatedPointing
from .white_light import SimulatedWhiteLight

__all__ = ["ATCS", "CalibrationSystem"]

PARKED_DOME = 285.0
PARKED_TELESCOPE = 0.0, 80.0
"""Degrees: azimuth of the dome, azimuth and elevation of the telescope, where ATCS parks them."""

ATCS = ("ATMCS", "ATPtg", "ATAOS", "ATPneumatics", "ATHexapod", "ATDome", "ATDomeTrajectory")
"""Components of the auxiliary telescope; ATAOS, ATPneumatics, ATHexapod and ATDomeTrajectory only have a state."""


class CalibrationSystem:
    """ATWhiteLight, ATDome and the auxiliary telescope.

    Parameters
    ----------
    clock : `HardwareClock`
        Time of the hardware.
    ready : `bool`
        Begin with a warm lamp, and with dome and telescope at the flat screen; else with all off and parked.
    seed : `int`
        Seed of where within its tolerance the dome stops.
    faults : `Faults`
        What misbehaves.

    Attributes
    ----------
    light : `SimulatedWhiteLight`
        The lamp.
    dome : `SimulatedAuxTelDome`
        The dome.
    mount : `SimulatedMount`
        Where the telescope points.
    components : `tuple` [`SimulatedCsc`]
        All of them.
    """

    def __init__(
        self, clock: HardwareClock, *, ready: bool = True, seed: int = 0, faults: Faults | None = None
    ) -> None:
        self._output = LampOutput(clock, faults or Faults())
        pointing = (TELESCOPE_AZIMUTH, TELESCOPE_ELEVATION) if ready else PARKED_TELESCOPE
        self.light = SimulatedWhiteLight(clock, ready=ready, faults=faults)
        self.dome = SimulatedAuxTelDome(
            clock, DOME_AZIMUTH if ready else PARKED_DOME, seed=seed, faults=faults
        )
        self.mount = SimulatedMount(clock, *pointing, faults=faults)
        own: list[SimulatedCsc] = [self.light, self.dome, self.mount]
        own.append(SimulatedPointing(self.mount, faults=faults))
        present = {component.name for component in own}
        others = (SimulatedCsc(name, faults=faults) for name in ATCS if name not in present)
        self.components: tuple[SimulatedCsc, ...] = (*own, *others)

    def illumination(self, physical_filter: str) -> float:
        """Return the light on the detector with the shutter of the camera open, in ADU/s.

        Parameters
        ----------
        physical_filter : `str`
            What is in the beam of LATISS.
        """
        brightness = screen_brightness(self.light, self.dome, self.mount) * self._output.fraction()
        return illumination_rate(physical_filter) * brightness

    def describe(self) -> Iterator[tuple[str, str]]:
        """Report how the hardware is.

        Yields
        ------
        component, words : `str`
            One pair for the lamp, one for the dome, one for the telescope.
        """
        light, dome, mount = self.light, self.dome, self.mount
        chiller = "on" if light.chilling else "off"
        yield (
            light.name,
            f"lamp {light.lamp.name.lower()}, shutter {light.shutter.name.lower()}, chiller {chiller}",
        )
        screen = "the flat screen" if is_at_screen(mount) else "something else than the flat screen"
        tracking = "tracking" if mount.tracking else "not tracking"
        lost = f", which has lost {dome.encoder_loss:.1f} degrees" if dome.encoder_loss else ""
        yield dome.name, f"azimuth {dome.encoder_azimuth:.1f} degrees by its encoder{lost}"
        yield (
            mount.name,
            f"azimuth {mount.azimuth:.1f}, elevation {mount.elevation:.1f} degrees: at {screen}, {tracking}",
        )
