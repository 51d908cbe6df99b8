"""The checkpoints of a run: where the script may be paused or stopped, and what waits meanwhile."""

from __future__ import annotations

import asyncio

from ..sal import ScriptState
from .host import Host

__all__ = ["Checkpoints"]


class Checkpoints:
    """The checkpoints of a run. A pause at one holds the camera, and certifications, but no other processing.

    Parameters
    ----------
    host : `Host`
        The script.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._not_paused = asyncio.Event()
        self._not_paused.set()

    async def reach(self, name: str) -> None:
        """Pass a checkpoint, once the script may go on."""
        self._not_paused.clear()
        try:
            await self._host.checkpoint(name)
        finally:
            self._not_paused.set()

    async def until_certifying_is_allowed(self) -> None:
        """Wait while the script is paused."""
        await self._not_paused.wait()

    def may_commit(self) -> bool:
        """Return whether a certification may be committed at this moment; called from the butler's thread."""
        return bool(self._host.state.state == ScriptState.RUNNING)
