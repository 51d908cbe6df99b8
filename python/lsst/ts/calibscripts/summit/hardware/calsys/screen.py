"""How bright the flat screen is for LATISS: what lamp, dome and telescope have to do with it."""

from __future__ import annotations

from ....tables.flat_screen import (
    DOME_AZIMUTH,
    DOME_TOLERANCE,
    TELESCOPE_AZIMUTH,
    TELESCOPE_ELEVATION,
    TELESCOPE_TOLERANCE,
)
from .at_dome import SimulatedAuxTelDome, angle_between
from .telescope import SimulatedMount
from .white_light import SimulatedWhiteLight

__all__ = [
    "DOME_AZIMUTH",
    "TELESCOPE_AZIMUTH",
    "TELESCOPE_ELEVATION",
    "is_at_screen",
    "lit_fraction",
    "screen_brightness",
]

EDGE = 1.0
"""Degrees over which the light falls off beside the screen; ours."""

SCATTERED = 0.1
"""Fraction that the dome scatters where the lamp lights beside the screen; ours. With it a misaligned flat of 6 s
through SDSSr_65mm stays below 10,000 ADU, as seed 004 has it."""


def screen_brightness(light: SimulatedWhiteLight, dome: SimulatedAuxTelDome, mount: SimulatedMount) -> float:
    """Report how much of its full light comes from the screen to the camera.

    Parameters
    ----------
    light : `SimulatedWhiteLight`
        The lamp.
    dome : `SimulatedAuxTelDome`
        The dome, with the screen.
    mount : `SimulatedMount`
        The telescope.

    Returns
    -------
    brightness : `float`
        From 0 (dark) to 1.
    """
    if not light.shines or not is_at_screen(mount):
        return 0.0
    return SCATTERED if dome.moving else lit_fraction(dome.azimuth)


def is_at_screen(mount: SimulatedMount) -> bool:
    """Return whether the telescope looks at the screen."""
    off = (
        angle_between(TELESCOPE_AZIMUTH, mount.azimuth),
        mount.elevation - TELESCOPE_ELEVATION,
    )
    return not mount.moving and max(map(abs, off)) <= TELESCOPE_TOLERANCE


def lit_fraction(dome_azimuth: float) -> float:
    """Report how much of the screen the lamp lights.

    Parameters
    ----------
    dome_azimuth : `float`
        Where the dome really is, degrees.

    Returns
    -------
    fraction : `float`
        1 within `DOME_TOLERANCE` of `DOME_AZIMUTH`; less beside it, down to `SCATTERED`.
    """
    beside = abs(angle_between(DOME_AZIMUTH, dome_azimuth)) - DOME_TOLERANCE
    if beside <= 0:
        return 1.0
    return max(SCATTERED, 1.0 - (1.0 - SCATTERED) * beside / EDGE)
