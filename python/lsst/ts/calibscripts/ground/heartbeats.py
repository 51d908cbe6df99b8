"""Whether a component is alive: it sends a heartbeat every second, also where it has nothing else to say.

The middleware's broker keeps the last summary state of a component whose process has died, so that alone it proves
nothing. Heartbeats are compared with each other and never with a clock, since that of another computer may differ.
A component of which no heartbeat was ever received is one that sends none: nothing is concluded from its silence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

__all__ = ["LOOK_PERIOD", "SILENCE", "Pulse", "beats", "silent", "states_sent"]

SILENCE = 60
"""For how long, in seconds, a component is silent that is taken for dead."""

LOOK_PERIOD = 1.0
"""How often a `Pulse` is looked at, seconds: as often as components send heartbeats."""

PERIOD = 0.1
"""How often a heartbeat is looked for where one is waited for, seconds."""


async def beats(remote: Any, timeout: float) -> bool:
    """Wait for the next heartbeat of a component; one that never sent any counts as alive.

    Parameters
    ----------
    remote : `Remote`
        Remote of the component.
    timeout : `float`
        Longest wait, seconds.

    Returns
    -------
    `bool`
        Whether it is alive, as far as can be seen.
    """
    last = _last(remote)
    if last is None:
        return True
    # Counted, not timed: a loop that was held up has had no chance to receive one.
    for _ in range(round(timeout / PERIOD)):
        await asyncio.sleep(PERIOD)
        if _last(remote) != last:
            return True
    return False


def states_sent(remote: Any) -> list[int]:
    """Return the summary states a component has sent since this was last called, the oldest first.

    None is missed: a component that is recovered at once is soon ENABLED again. Its queue of summaryState is the
    caller's, without a callback, since whoever waits for the state may not where there is one.
    """
    states = []
    while (sample := remote.evt_summaryState.get_oldest()) is not None:
        states.append(int(sample.summaryState))
    return states


def silent(name: str, seconds: float) -> str:
    """Say of a component that it is taken for dead."""
    return f"{name} says ENABLED but has sent no heartbeat for {seconds:.0f} s: it may have died"


class Pulse:
    """Tells a component that has died from a middleware that is down: then the others are silent, too.

    Parameters
    ----------
    remote : `Remote`
        Remote of the component.
    others : iterable of `Remote`
        Remotes of other components.
    """

    def __init__(self, remote: Any, others: Iterable[Any]) -> None:
        self._remote = remote
        self._others = tuple(others)
        self._last = _last(remote)
        self._last_of_others = self._heard()
        self._silent = 0

    def is_dead(self) -> bool:
        """Look, every `LOOK_PERIOD`: were others heard at `SILENCE` looks since the last heartbeat of its own?"""
        last, heard = _last(self._remote), self._heard()
        if last != self._last:
            self._silent = 0
        elif last is not None and heard != self._last_of_others:
            self._silent += 1
        self._last, self._last_of_others = last, heard
        return self._silent >= SILENCE

    def _heard(self) -> tuple[float | None, ...]:
        return tuple(_last(other) for other in self._others)


def _last(remote: Any) -> float | None:
    """Return when the last heartbeat of a component was sent, TAI unix seconds; None where there was none."""
    # A group that was made for some use may have remotes without this event, or none of a component.
    topic = getattr(remote, "evt_heartbeat", None)
    sample = None if topic is None else topic.get()
    return None if sample is None else float(sample.private_sndStamp)
