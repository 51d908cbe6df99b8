"""States of the components that a run needs."""

from __future__ import annotations

import asyncio

from ..errors import describe
from ..sal import RemoteGroup, State

__all__ = ["component_problems"]


async def component_problems(group: RemoteGroup) -> list[str]:
    """Return a sentence for every component of a group that is not ENABLED.

    Parameters
    ----------
    group : `RemoteGroup`
        Camera or OCPS; components whose check is switched off are left out.
    """
    attributes = {name: name.lower().replace(":", "_") for name in group.components}
    names = [name for name, attribute in attributes.items() if getattr(group.check, attribute)]
    async with asyncio.TaskGroup() as tasks:
        states = [tasks.create_task(_state(group, attributes[name])) for name in names]
    return [
        f"{name} is {state.result()}, not ENABLED: enable it, then queue the script or its BLOCK again."
        for name, state in zip(names, states, strict=True)
        if state.result() != State.ENABLED.name
    ]


async def _state(group: RemoteGroup, name: str) -> str:
    try:
        return str(State(await group.get_state(name)).name)
    except TimeoutError:
        return "silent (no summaryState was received)"
    except Exception as error:
        # Whatever it is, the component is not known to be enabled, and the others are to be reported, too.
        return f"in an unknown state ({describe(error)})"
