"""Asks lamp, dome and telescope of LATISS how they are."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from ..preflight.flat_setup import FlatSetup
from ..sal import Domain, Remote

__all__ = ["flat_setup"]

START_TIMEOUT = 60.0
"""Longest wait for all remotes, seconds: a broker may take seconds to let each of them in, or refuse to."""

TIMEOUT = 5.0
"""Longest wait for what a component reports, and for the end of the remotes, seconds."""

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
        What they report; nothing where the remotes do not start.
    """
    # Only as long as they are asked: telemetry that nobody reads would fill their queues.
    light, dome, mount = remotes = [
        Remote(domain, name, readonly=True, include=topics) for name, topics in _ASKED
    ]
    try:
        async with asyncio.timeout(START_TIMEOUT):
            await asyncio.gather(*(remote.start_task for remote in remotes))
        lamp, shutter, position, angles = await asyncio.gather(
            _reported(light.evt_lampState),
            _reported(light.evt_shutterState),
            _reported(dome.tel_position),
            _reported(mount.tel_mount_AzEl_Encoders),
        )
    except TimeoutError:
        return FlatSetup()
    finally:
        # One that has not started need not end either.
        with suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT):
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
