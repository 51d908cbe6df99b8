"""Asks lamp, dome and telescope of LATISS how they are."""

from __future__ import annotations

import asyncio
from typing import Any

from ..preflight.flat_setup import FlatSetup
from ..sal import Domain, Remote

__all__ = ["flat_setup"]

TIMEOUT = 5.0
"""Longest wait for what a component reports, seconds."""

_ASKED = (
    ("ATWhiteLight", ("lampState", "shutterState")),
    ("ATDome", ("position",)),
    ("ATMCS", ("mount_AzEl_Encoders",)),
)
"""Components, and the topics of each that are read."""


async def flat_setup(domain: Domain) -> FlatSetup:
    """Ask ATWhiteLight, ATDome and ATMCS how they are.

    Parameters
    ----------
    domain : `Domain`
        Of the script.

    Returns
    -------
    `FlatSetup`
        What they report.
    """
    # Only as long as they are asked: telemetry that nobody reads would fill their queues.
    light, dome, mount = remotes = [
        Remote(domain, name, readonly=True, include=topics) for name, topics in _ASKED
    ]
    try:
        # All at once: a broker may take seconds to let each of them in.
        await asyncio.gather(*(remote.start_task for remote in remotes))
        lamp, shutter, position, angles = await asyncio.gather(
            _reported(light.evt_lampState),
            _reported(light.evt_shutterState),
            _reported(dome.tel_position),
            _reported(mount.tel_mount_AzEl_Encoders),
        )
    finally:
        await asyncio.gather(*(remote.close() for remote in remotes))
    return FlatSetup(
        None if lamp is None else int(lamp.basicState),
        None if shutter is None else int(shutter.actualState),
        None if position is None else float(position.azimuthPosition),
        None
        if angles is None
        else (float(angles.azimuthCalculatedAngle[-1]), float(angles.elevationCalculatedAngle[-1])),
    )


async def _reported(topic: Any) -> Any:
    """Return the last sample of an event, or the next one of telemetry; None where there is none."""
    try:
        return await topic.aget(timeout=TIMEOUT)
    except TimeoutError:
        return None
