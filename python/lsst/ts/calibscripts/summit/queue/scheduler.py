"""The simulated Scheduler of the auxiliary telescope, as far as add_block uses it."""

from __future__ import annotations

from typing import Any

from ...check.blocks import Block, ScriptCall, expand
from ...errors import ConfigurationError
from ...ground.untrusted import InputError, load_yaml
from ...sal import ExpectedError
from ..faults.faults import Faults
from ..hardware.csc import SimulatedCsc

__all__ = ["AUXTEL", "SimulatedScheduler"]

AUXTEL = 2
"""SAL index of the Scheduler of the auxiliary telescope."""


class SimulatedScheduler(SimulatedCsc):
    """Scheduler:2, which does nothing on its own but puts BLOCKs into the queue when asked.

    Parameters
    ----------
    faults : `Faults`
        What misbehaves.

    Attributes
    ----------
    blocks : `dict` [`str`, `Block`]
        The BLOCKs it knows, by program.
    """

    def __init__(self, *, faults: Faults | None = None) -> None:
        super().__init__("Scheduler", AUXTEL, faults=faults)
        self.blocks: dict[str, Block] = {}
        self._added: list[tuple[Block, tuple[ScriptCall, ...]]] = []

    async def begin(self) -> None:
        """Handle addBlock."""
        self.controller.cmd_addBlock.callback = self.add_block

    async def add_block(self, data: Any) -> None:
        """Add a BLOCK by its ``id``, with values from ``override`` (YAML).

        Raises
        ------
        lsst.ts.salobj.ExpectedError
            If the CSC is not enabled, does not know the BLOCK, or cannot make scripts of it.
        """
        self.assert_enabled("addBlock")
        if data.id not in self.blocks:
            raise ExpectedError(
                f"Block {data.id} is unknown; known are {', '.join(sorted(self.blocks)) or 'none'}"
            )
        block = self.blocks[data.id]
        try:
            override = load_yaml(data.override) or {}
            if not isinstance(override, dict):
                raise InputError("override must be lines of `name: value`")
            self._added.append((block, expand(block, override)))
        except (ConfigurationError, InputError) as error:
            raise ExpectedError(f"Block {data.id}: {error}") from None

    def take(self) -> tuple[tuple[Block, tuple[ScriptCall, ...]], ...]:
        """Return the BLOCKs that were added since the last call, with their scripts."""
        added, self._added = tuple(self._added), []
        return added
