"""A script that waits, or fails where it is told to: for tests of what a SAL script may rely on."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from lsst.ts.calibscripts.sal import BaseScript, ExpectedError

__all__ = ["WaitingScript"]


class WaitingScript(BaseScript):
    """Waits between two checkpoints, or fails where it is told to."""

    default_wait = 60.0

    def __init__(self, index: int = 1) -> None:
        self.events: list[str] = []
        super().__init__(index, "Wait a little", help="More about waiting")

    @classmethod
    def get_schema(cls) -> dict[str, Any] | None:
        places = [None, "configure", "metadata", "run", "cleanup", "unexpected"]
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                "wait": {"type": "number", "minimum": 0, "default": cls.default_wait},
                "fail": {"enum": places, "default": None},
            },
            "additionalProperties": False,
        }

    async def configure(self, config: SimpleNamespace) -> None:
        self.config = config
        self._fail_at("configure")

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = self.config.wait
        metadata.totalCheckpoints = 2
        self._fail_at("metadata")

    async def run(self) -> None:
        self.events.append("run")
        try:
            await self.checkpoint("begin")
            self._fail_at("run")
            if self.config.fail == "unexpected":
                raise ValueError("unexpected")
            await asyncio.sleep(self.config.wait)
            await self.checkpoint("end")
        except asyncio.CancelledError:
            self.events.append("cancelled")
            raise

    async def cleanup(self) -> None:
        self.events.append(f"cleanup in {self.state_name}")
        self._fail_at("cleanup")

    def _fail_at(self, place: str) -> None:
        if self.config.fail == place:
            raise ExpectedError(f"failed in {place}")
