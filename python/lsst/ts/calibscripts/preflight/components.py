"""States of the components that a run needs."""

from __future__ import annotations

import asyncio
from typing import Any

from ..errors import describe
from ..ground.heartbeats import beats, silent
from ..sal import RemoteGroup, State

__all__ = ["checked", "component_problems"]

HEARTBEAT_TIMEOUT = 10.0
"""Longest wait for a heartbeat, seconds: ten times as long as components pause between two."""


async def component_problems(group: RemoteGroup) -> list[str]:
    """Return a sentence for every component of a group that is not ENABLED, or says so but is silent.

    Parameters
    ----------
    group : `RemoteGroup`
        Camera or OCPS; components whose check is switched off are left out.
    """
    async with asyncio.TaskGroup() as tasks:
        problems = [tasks.create_task(_problem(group, *named)) for named in checked(group).items()]
    return [text for problem in problems if (text := problem.result())]


def checked(group: RemoteGroup) -> dict[str, Any]:
    """Return the remotes of a group by the names of their components, without those whose check is switched off."""
    names = [name for name in group.components if getattr(group.check, _attribute(name))]
    return {name: getattr(group.rem, _attribute(name)) for name in names}


def _attribute(name: str) -> str:
    return name.lower().replace(":", "_")


async def _problem(group: RemoteGroup, name: str, remote: Any) -> str:
    """Return what is wrong with a component, empty where nothing is."""
    state = await _state(group, _attribute(name))
    if state != State.ENABLED.name:
        return f"{name} is {state}, not ENABLED: enable it, then queue the script or its BLOCK again."
    if await beats(remote, HEARTBEAT_TIMEOUT):
        return ""
    advice = "Restart and enable it, then queue the script or its BLOCK again."
    return f"{silent(name, HEARTBEAT_TIMEOUT)}. {advice}"


async def _state(group: RemoteGroup, name: str) -> str:
    try:
        return str(State(await group.get_state(name)).name)
    except TimeoutError:
        return "silent (no summaryState was received)"
    except Exception as error:
        # Whatever it is, the component is not known to be enabled, and the others are to be reported, too.
        return f"in an unknown state ({describe(error)})"
