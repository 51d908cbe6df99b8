"""The filter in the beam, and whether it is the one that the flats are to have."""

from __future__ import annotations

import asyncio

from ..host import Host, answer_of

__all__ = ["filter_in_beam", "filter_problem"]

FILTER_TIMEOUT, FILTER_PERIOD = 5.0, 0.2
"""How long, and how often, the filter that was set is looked for in the beam, seconds."""


async def filter_in_beam(script: Host, expected: str | None) -> str | None:
    """Return the filter in the beam; the event that has it may come after its command has ended.

    Parameters
    ----------
    script : `Host`
        Knows its instrument.
    expected : `str` or `None`
        The filter that is waited for, if only for a moment; None for any.

    Returns
    -------
    `str` or `None`
        The butler's name of the filter, None where it is unknown.
    """
    deadline = asyncio.get_running_loop().time() + FILTER_TIMEOUT
    if expected is None:
        # There is nothing to compare it with.
        await asyncio.sleep(FILTER_PERIOD)
    while True:
        in_beam = await answer_of("get_physical_filter", script.get_physical_filter(set_up=True))
        if expected in (None, in_beam) or asyncio.get_running_loop().time() >= deadline:
            return in_beam
        await asyncio.sleep(FILTER_PERIOD)


def filter_problem(expected: str | None, in_beam: str | None) -> str:
    """Report that another filter is in the beam than expected; empty where it is the same, or one is unknown."""
    if expected is None or in_beam in (None, expected):
        return ""
    return f"Filter: expected {expected}, found {in_beam} in the beam. Check the filter wheel or changer."
