"""Watches the components of the camera while images are taken: one that is lost can be recovered in the meantime."""

from __future__ import annotations

import asyncio
from typing import Any

from ...ground.heartbeats import LOOK_PERIOD, SILENCE, Pulse, silent, states_sent
from ...ground.text import listed
from ...ocps.jobs import state_name
from ...preflight.components import checked
from ...sal import State
from ..context import RunContext

__all__ = ["watch_components"]

_RECOVER = "Recover it now: the images that are taken without it may be lost"


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
    for remote in remotes.values():
        # What was before the images does not concern them.
        states_sent(remote)
    while True:
        await asyncio.sleep(LOOK_PERIOD)
        for name, remote in remotes.items():
            dead, past, state = pulses[name].is_dead(), states_sent(remote), _state(remote)
            left = [state_name(each) for each in past if each != State.ENABLED]
            if state != State.ENABLED:
                what = f"{name} is {state_name(state)}, no longer ENABLED. {_RECOVER}"
            elif left:
                what = f"{name} was {listed(left)} and is ENABLED again: an image of that time may be lost"
            elif dead:
                what = f"{silent(name, SILENCE)}. {_RECOVER}"
            else:
                continue
            # Whether an image is good is seen when it has arrived or not.
            context.journal.warn_once(f"{name} lost", f"{what}.")


def _state(remote: Any) -> int:
    state = remote.evt_summaryState.get()
    return State.ENABLED if state is None else int(state.summaryState)
