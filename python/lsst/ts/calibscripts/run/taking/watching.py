"""Watches the components of the camera while images are taken: one that is lost can be recovered in the meantime."""

from __future__ import annotations

import asyncio
from typing import Any

from ...ground.heartbeats import LOOK_PERIOD, Pulse
from ...ocps.jobs import state_name
from ...preflight.components import checked
from ...sal import State
from ..context import RunContext

__all__ = ["watch_components"]


async def watch_components(context: RunContext) -> None:
    """Warn once of each component of the camera that leaves ENABLED or falls silent, until it is cancelled.

    Parameters
    ----------
    context : `RunContext`
        The run.
    """
    if all(images.taken for images in context.plan.sets):
        # The camera need not be ENABLED.
        return
    remotes = checked(context.host.camera)
    pulses = {
        name: Pulse(remote, [each for each in remotes.values() if each is not remote])
        for name, remote in remotes.items()
    }
    while True:
        await asyncio.sleep(LOOK_PERIOD)
        for name, remote in remotes.items():
            silent = pulses[name].is_dead()
            if (state := _state(remote)) != State.ENABLED.name:
                what = f"{name} is {state}, no longer ENABLED"
            elif silent:
                what = f"{name} says ENABLED but sends no heartbeat any more: it may have died"
            else:
                continue
            # Whether an image is good is seen when it has arrived or not.
            why = "the images that are taken without it may be lost"
            context.journal.warn_once(f"{name} lost", f"{what}. Recover it now: {why}.")


def _state(remote: Any) -> str:
    state = remote.evt_summaryState.get()
    return State.ENABLED.name if state is None else state_name(state.summaryState)
