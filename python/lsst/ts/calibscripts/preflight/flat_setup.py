"""Is LATISS ready for flats: lamp, shutter, dome and telescope. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..tables.flat_screen import (
    DOME_AZIMUTH,
    DOME_TOLERANCE,
    TELESCOPE_AZIMUTH,
    TELESCOPE_ELEVATION,
    TELESCOPE_TOLERANCE,
)

__all__ = ["FlatSetup", "not_ready"]

_LAMP = (
    "unknown",
    "off",
    "on",
    "cooling down",
    "warming up",
    "being lit",
    "going out",
    "on though it was turned off",
    "dark though it was turned on",
)
_LAMP_ON = 2
"""``LampBasicState`` of ATWhiteLight, by its numbers; ON is lit and warm."""

_SHUTTER = ("moving or unknown", "closed", "open", "reported as open and closed at once")
_SHUTTER_OPEN = 2
"""The same of its ``ShutterState``."""

_LIGHT = (
    "auxtel/calibrations/power_on_atcalsys.py (BLOCK-309) opens the shutter, and lights and warms the lamp"
)
_MOVE = "auxtel/prepare_for/flat.py (BLOCK-309) moves it there"
_ADJUSTED = "; where auxtel/atdome/slew_dome.py has put it there on purpose, use flat_setup: warn"


@dataclass(frozen=True)
class FlatSetup:
    """What ATWhiteLight, ATDome and ATMCS report; None of what is silent."""

    lamp: int | None = None  #: ``LampBasicState``.
    shutter: int | None = None  #: ``ShutterState`` of the lamp.
    dome: float | None = None  #: Azimuth of the dome, degrees.
    telescope: tuple[float, float] | None = None  #: Azimuth and elevation of the telescope, degrees.


def not_ready(setup: FlatSetup) -> tuple[str, ...]:
    """Return what is not ready for flats, with the script that makes it so.

    Parameters
    ----------
    setup : `FlatSetup`
        What the components report.

    Returns
    -------
    `tuple` [`str`]
        One sentence each, without full stop; none where all is ready.
    """
    return (*_light(setup), *_dome(setup), *_telescope(setup))


def _light(setup: FlatSetup) -> Iterator[str]:
    states = ((setup.lamp, _LAMP_ON, _LAMP, "lamp"), (setup.shutter, _SHUTTER_OPEN, _SHUTTER, "shutter"))
    found = [
        f"its {what} is {_named(state, names)}"
        for state, wanted, names, what in states
        if state is not None and state != wanted
    ]
    if setup.lamp is None or setup.shutter is None:
        yield "ATWhiteLight is silent: set_summary_state.py (BLOCK-309) enables it"
    if found:
        yield f"ATWhiteLight: {' and '.join(found)}; {_LIGHT}"


def _dome(setup: FlatSetup) -> Iterator[str]:
    if setup.dome is None:
        yield "ATDome is silent: enable_atcs.py enables it"
    elif not _apart(setup.dome, DOME_AZIMUTH) <= DOME_TOLERANCE:
        wanted = f"{DOME_AZIMUTH:g} (within {DOME_TOLERANCE:g})"
        yield f"ATDome is at azimuth {setup.dome:.1f} degrees, not at {wanted}; {_MOVE}{_ADJUSTED}"


def _telescope(setup: FlatSetup) -> Iterator[str]:
    if setup.telescope is None:
        yield "ATMCS is silent: enable_atcs.py enables it"
        return
    azimuth, elevation = setup.telescope
    off = _apart(azimuth, TELESCOPE_AZIMUTH), abs(elevation - TELESCOPE_ELEVATION)
    # Of a position that is not a number nothing can be said, least of all that it is the right one.
    if not all(each <= TELESCOPE_TOLERANCE for each in off):
        yield (
            f"ATMCS is at azimuth {azimuth:.1f}, elevation {elevation:.1f} degrees, not at the flat screen at "
            f"{TELESCOPE_AZIMUTH:g}, {TELESCOPE_ELEVATION:g} (within {TELESCOPE_TOLERANCE:g}); {_MOVE}"
        )


def _apart(one: float, other: float) -> float:
    """Return how far two azimuths are from each other, degrees, the shorter way."""
    return abs((one - other + 180.0) % 360.0 - 180.0)


def _named(state: int, names: tuple[str, ...]) -> str:
    return names[state] if 0 <= state < len(names) else f"in state {state}"
