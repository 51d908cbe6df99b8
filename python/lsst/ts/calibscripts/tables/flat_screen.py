"""Where dome and telescope of LATISS are for flats, and how far they may be from there."""

from __future__ import annotations

__all__ = [
    "DOME_AZIMUTH",
    "DOME_TOLERANCE",
    "TELESCOPE_AZIMUTH",
    "TELESCOPE_ELEVATION",
    "TELESCOPE_TOLERANCE",
]

DOME_AZIMUTH = 3.0
"""Azimuth of the dome at which the lamp lights the screen, degrees (weekly procedure)."""

DOME_TOLERANCE = 1.5
"""Degrees to either side within which the whole screen is lit (weekly procedure)."""

TELESCOPE_AZIMUTH = 188.7
TELESCOPE_ELEVATION = 39.0
"""Where the telescope looks at the screen, degrees (weekly procedure)."""

TELESCOPE_TOLERANCE = 0.5
"""Degrees, ours: the screen fills the field of view with some margin."""
