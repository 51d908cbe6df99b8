"""Stand-ins for scripts that change summary states."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, ClassVar

from ....sal import RemoteGroup, State, name_to_name_index
from ...hardware.calsys import ATCS
from .base import StandIn, set_summary_state

__all__ = ["EnableATCS", "EnableLATISS", "EnableScheduler", "SetSummaryState", "assert_queue"]

AUXTEL = 2
_INDICES_PER_QUEUE = 100_000


class SetSummaryState(StandIn):
    """Bring CSCs to summary states."""

    schema = """
        properties:
          data:
            description: List of [CSC_name or CSC_name:index, state] or [.., .., override].
            type: array
            minItems: 1
            items: {type: array, minItems: 2, maxItems: 3, items: {type: string}}
          mute_alarms: {description: Ignored; there is no watcher here., type: boolean, default: true}
          mute_duration: {description: Ignored., type: number, minimum: 0, default: 30.0}
        required: [data]
    """

    async def configure(self, config: SimpleNamespace) -> None:
        """Read names and states.

        Raises
        ------
        ValueError
            For a CSC or a state that does not exist here.
        """
        await super().configure(config)
        self._steps = [await self._step(*row) for row in config.data]

    async def _step(self, csc: str, state: str, override: str = "") -> tuple[str, Any, State, str]:
        known = [State.STANDBY, State.DISABLED, State.ENABLED]
        if state.upper() not in {each.name for each in known}:
            raise ValueError(f"{csc}: state is {state!r}; write one of {', '.join(s.name for s in known)}")
        name, index = name_to_name_index(csc)
        return csc, await self.remote(name, index), State[state.upper()], override

    async def run(self) -> None:
        """Bring one after another to its state."""
        for csc, remote, state, override in self._steps:
            await self.checkpoint(f"set {csc}")
            await set_summary_state(remote, state, override)


class _EnableGroup(StandIn):
    """Enable the CSCs of a group."""

    components: ClassVar[tuple[str, ...]]

    async def configure(self, config: SimpleNamespace) -> None:
        """Make the remotes, except of those to be ignored."""
        await super().configure(config)
        ignored = set(getattr(config, "ignore", ()))
        wanted = [name for name in self.components if not {name, name.lower()} & ignored]
        self._group = RemoteGroup(domain=self.domain, components=wanted, log=self.log)
        await self._group.start_task

    async def run(self) -> None:
        """Enable all at once."""
        await asyncio.gather(
            *(
                set_summary_state(
                    getattr(self._group.rem, name), State.ENABLED, getattr(self.config, name, None) or ""
                )
                for name in self._group.components_attr
            )
        )


def _group_schema(*configurable: str) -> str:
    lines = [
        f"  {name}: {{description: Override of its configuration., type: [string, 'null'], default: null}}"
        for name in configurable
    ]
    ignore = "  ignore: {description: CSCs to leave as they are., type: array, items: {type: string}}"
    return "\n".join(["properties:", *lines, ignore])


class EnableATCS(_EnableGroup):
    """Enable the components of the auxiliary telescope."""

    schema = _group_schema("ataos", "athexapod", "atdome", "atdometrajectory")
    components = ATCS


class EnableLATISS(_EnableGroup):
    """Enable the components of LATISS."""

    schema = _group_schema("atcamera", "atspectrograph", "atoods")
    components = ("ATCamera", "ATSpectrograph", "ATHeaderService", "ATOODS")


class EnableScheduler(StandIn):
    """Enable the Scheduler of the auxiliary telescope."""

    schema = """
        properties:
          config: {description: Configuration of the Scheduler., type: string}
        required: [config]
    """

    async def configure(self, config: SimpleNamespace) -> None:
        """Make the remote."""
        await super().configure(config)
        self._scheduler = await self.remote("Scheduler", AUXTEL)

    async def run(self) -> None:
        """Enable it."""
        assert_queue(self.salinfo.index)
        await set_summary_state(self._scheduler, State.ENABLED, self.config.config)


def assert_queue(index: int) -> None:
    """Refuse to go on in another queue than that of the auxiliary telescope.

    Parameters
    ----------
    index : `int`
        SAL index of the script.

    Raises
    ------
    RuntimeError
        In another queue.
    """
    if index // _INDICES_PER_QUEUE != AUXTEL:
        raise RuntimeError(f"Script {index} runs in another queue than that of the auxiliary telescope")
