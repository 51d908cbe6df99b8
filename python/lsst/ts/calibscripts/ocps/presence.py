"""Whether the OCPS stays there while a job runs: one that leaves ENABLED or dies loses its jobs without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from ..ground.heartbeats import LOOK_PERIOD, SILENCE, Pulse, silent, states_sent
from ..ground.text import listed
from ..sal import State
from .jobs import state_name

__all__ = ["Presence"]

_KEEPING = (State.ENABLED, State.DISABLED)
"""States in which an OCPS keeps its jobs: one that was DISABLED for a moment is none the worse for it."""


class Presence:
    """The states of the OCPS, of which none may be missed: one that is recovered at once is soon ENABLED again.

    Parameters
    ----------
    remote : `Remote`
        Remote of the OCPS. Its queue of summaryState is ours from now on.
    others : iterable of `Remote`
        Remotes of other components: as long as they are not heard either, it is the middleware that is silent.
    """

    def __init__(self, remote: Any, others: Iterable[Any]) -> None:
        self._remote = remote
        self._others = tuple(others)
        self._left: list[int] = []

    def mark(self) -> int:
        """Return from where on `until_lost` is to look: what was before a job does not concern it."""
        self._left += [state for state in states_sent(self._remote) if state not in _KEEPING]
        return len(self._left)

    async def until_lost(self, mark: int) -> str:
        """Wait until the OCPS has left ENABLED or is silent, and return what has become of it.

        Parameters
        ----------
        mark : `int`
            From where on: what `mark` returned before the job was submitted.
        """
        pulse = Pulse(self._remote, self._others)
        while True:
            state = self._remote.evt_summaryState.get()
            if state is not None and state.summaryState != State.ENABLED:
                return f"the OCPS left ENABLED, it is {state_name(state.summaryState)}"
            if self.mark() > mark:
                was = listed([state_name(each) for each in self._left[mark:]])
                return f"the OCPS left ENABLED, it was {was} and is ENABLED again"
            if pulse.is_dead():
                return silent("the OCPS", SILENCE)
            await asyncio.sleep(LOOK_PERIOD)
