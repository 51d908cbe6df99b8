"""Asks lamp, dome and telescope of LATISS how they are."""

from __future__ import annotations

import asyncio
from typing import Any

from ..preflight.flat_setup import FlatSetup
from ..sal import Domain, Remote

__all__ = ["flat_setup"]

TIMEOUT = 5.0
"""Longest wait for what a component reports, seconds."""

_LIGHT = ("lampState", "shutterState")


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
    async with (
        Remote(domain, "ATWhiteLight", readonly=True, include=_LIGHT) as light,
        Remote(domain, "ATDome", readonly=True, include=["position"]) as dome,
        Remote(domain, "ATMCS", readonly=True, include=["mount_AzEl_Encoders"]) as mount,
    ):
        lamp, shutter, position, angles = await asyncio.gather(
            _reported(light.evt_lampState),
            _reported(light.evt_shutterState),
            _reported(dome.tel_position),
            _reported(mount.tel_mount_AzEl_Encoders),
        )
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
