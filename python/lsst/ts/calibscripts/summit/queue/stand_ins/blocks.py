"""Stand-in for the script that has the Scheduler queue a BLOCK."""

from __future__ import annotations

from types import SimpleNamespace

import yaml

from .base import StandIn
from .states import AUXTEL, assert_queue

__all__ = ["AddBlock"]

ADD_TIMEOUT = 30.0


class AddBlock(StandIn):
    """Have the Scheduler of the auxiliary telescope queue a BLOCK."""

    schema = """
        properties:
          id: {description: Program of the BLOCK., type: string}
          override: {description: Values for its configuration., type: object}
        required: [id]
    """
    duration = ADD_TIMEOUT

    async def configure(self, config: SimpleNamespace) -> None:
        """Make the remote."""
        await super().configure(config)
        self._scheduler = await self.remote("Scheduler", AUXTEL)

    async def run(self) -> None:
        """Send the BLOCK to the Scheduler."""
        assert_queue(self.salinfo.index)
        block, override = self.config.id, getattr(self.config, "override", {})
        await self.checkpoint(f"Loading {block} into scheduler")
        await self._scheduler.cmd_addBlock.set_start(
            id=block, override=yaml.safe_dump(override) if override else "", timeout=ADD_TIMEOUT
        )
        await self.checkpoint("BLOCK successfully loaded")
