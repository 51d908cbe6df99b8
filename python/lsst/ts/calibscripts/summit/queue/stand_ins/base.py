"""What the stand-ins share."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import yaml

from ....sal import BaseScript, Remote, State

__all__ = ["StandIn", "set_summary_state", "until"]

COMMAND_TIMEOUT = 60.0

_PATH: dict[tuple[State, State], tuple[str, State]] = {
    (State.STANDBY, State.DISABLED): ("start", State.DISABLED),
    (State.STANDBY, State.ENABLED): ("start", State.DISABLED),
    (State.DISABLED, State.ENABLED): ("enable", State.ENABLED),
    (State.DISABLED, State.STANDBY): ("standby", State.STANDBY),
    (State.ENABLED, State.DISABLED): ("disable", State.DISABLED),
    (State.ENABLED, State.STANDBY): ("disable", State.DISABLED),
    **{
        (State.FAULT, wanted): ("standby", State.STANDBY)
        for wanted in (State.STANDBY, State.DISABLED, State.ENABLED)
    },
}
"""The next command on the way from a state to another, and where it leads."""


class StandIn(BaseScript):
    """A script of another package, as far as the weekly calibrations need it. Not for production.

    Parameters
    ----------
    index : `int`
        SAL index of the script.
    """

    schema: str | None = None
    """JSON schema of the configuration, YAML; None for a script that takes none."""

    duration: float = 60.0
    """How long it takes, seconds."""

    config: Any

    def __init__(self, index: int) -> None:
        summary = (type(self).__doc__ or "").split(".")[0]
        super().__init__(index=index, descr=f"{summary} (stand-in of the simulated summit)")

    @classmethod
    def get_schema(cls) -> dict[str, Any] | None:
        """Return the JSON schema of the configuration."""
        if cls.schema is None:
            return None
        given: dict[str, Any] = yaml.safe_load(cls.schema)
        return {"type": "object", "additionalProperties": False, **given}

    async def configure(self, config: SimpleNamespace) -> None:
        """Keep the configuration."""
        self.config = config

    def set_metadata(self, metadata: Any) -> None:
        """Report how long it takes."""
        metadata.duration = self.duration

    async def remote(self, name: str, index: int | None = None) -> Any:
        """Make and start a remote that lives as long as the script."""
        remote = Remote(self.domain, name, index)
        await remote.start_task
        return remote


async def set_summary_state(remote: Any, wanted: State, override: str = "") -> None:
    """Bring a CSC to a summary state, the shortest way.

    Parameters
    ----------
    remote : `Remote`
        Its remote.
    wanted : `State`
        STANDBY, DISABLED or ENABLED.
    override : `str`, optional
        Override of the configuration.

    Raises
    ------
    AckError
        If a command fails.
    asyncio.TimeoutError
        If the CSC does not report its state.
    RuntimeError
        If it is OFFLINE.
    """
    state = State((await remote.evt_summaryState.aget(timeout=COMMAND_TIMEOUT)).summaryState)
    while state is not wanted:
        if (state, wanted) not in _PATH:
            raise RuntimeError(f"Cannot go from {state.name} to {wanted.name}")
        command, state = _PATH[state, wanted]
        fields = {"configurationOverride": override} if command == "start" else {}
        await getattr(remote, f"cmd_{command}").set_start(**fields, timeout=COMMAND_TIMEOUT)


async def until(event: Any, condition: Callable[[Any], bool], timeout: float) -> Any:
    """Wait for an event that fulfils a condition; where none has come since the last flush, look at the present one.

    Its queue must have been flushed before what is waited for was commanded.

    Parameters
    ----------
    event : `RemoteEvent`
        The event.
    condition : callable
        Takes a sample.
    timeout : `float`
        Longest wait for the next sample, seconds.

    Returns
    -------
    sample
        The one that fulfils it.

    Raises
    ------
    asyncio.TimeoutError
        If none comes in time.
    """
    data = event.get_oldest() or await event.aget(timeout=timeout)
    while not condition(data):
        data = await event.next(flush=False, timeout=timeout)
    return data
