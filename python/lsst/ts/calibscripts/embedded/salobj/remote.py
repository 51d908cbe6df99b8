"""A component as others see it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from .domain import Domain
from .read_topic import RemoteEvent, RemoteTelemetry
from .remote_command import RemoteCommand
from .sal_info import SalInfo

__all__ = ["Remote"]


class Remote:
    """Sends commands to a SAL component and reads its events.

    Every command is an attribute ``cmd_<name>``, every event ``evt_<name>``, all telemetry ``tel_<name>``.

    Parameters
    ----------
    domain : `Domain`
        Domain; that of the controller where there is one.
    name : `str`
        Name of the component.
    index : `int`, optional
        SAL index; 0 or `None` where there is none, or to read all.
    readonly : `bool`, optional
        Without commands?
    include, exclude : iterable of `str`, optional
        Names of the events wanted, or not wanted; not both.

    Attributes
    ----------
    start_task : `asyncio.Task`
        Done when the remote can be used.

    Raises
    ------
    TypeError
        If ``domain`` or ``index`` have the wrong type.
    ValueError
        If there is no such component, it has no index, or both ``include``
        and ``exclude`` are passed.
    """

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __init__(
        self,
        domain: Domain,
        name: str,
        index: int | None = None,
        *,
        readonly: bool = False,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
    ) -> None:
        if include is not None and exclude is not None:
            raise ValueError("Cannot specify both include and exclude")
        self.salinfo = SalInfo(domain, name, index)
        events, telemetry = (
            wanted & set(include) if include is not None else wanted - set(exclude or ())
            for wanted in (set(self.salinfo.component.names(prefix)) for prefix in ("evt_", "tel_"))
        )
        commands = () if readonly else self.salinfo.component.names("cmd_")
        for command in commands:
            setattr(self, f"cmd_{command}", RemoteCommand(self.salinfo, command))
        for event in sorted(events):
            setattr(self, f"evt_{event}", RemoteEvent(self.salinfo, event))
        for topic in sorted(telemetry):
            setattr(self, f"tel_{topic}", RemoteTelemetry(self.salinfo, topic))
        self.start_task = asyncio.create_task(self.start())

    async def start(self) -> None:
        """Begin to read; called by the constructor."""
        self.salinfo.start()

    async def close(self) -> None:
        """Read and write no more; the domain stays open."""
        self.start_task.cancel()
        await self.salinfo.close()

    async def __aenter__(self) -> Self:
        await self.start_task
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"Remote(name={self.salinfo.name}, index={self.salinfo.index})"
