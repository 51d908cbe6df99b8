"""Whether somebody has decided, during the run, against what is about to be certified."""

from __future__ import annotations

import asyncio

from ...decisions import Decision, Decisions, decision_against, own_decisions
from ...ground.threads import OneThread
from ..context import RunContext

__all__ = ["decision_on"]

LEDGER_TIMEOUT = 10.0
"""Longest wait for the disk with the ledger of decisions, seconds."""


async def decision_on(context: RunContext, product: str) -> Decision | None:
    """Return a decision that stands against a product, its origins or their exposures.

    Where the ledger cannot be read that is a warning, as before the first exposure.

    Parameters
    ----------
    context : `RunContext`
        The run.
    product : `str`
        E.g. BIAS.
    """
    decisions = await _decisions()
    for problem in decisions.problems:
        context.journal.warn_once("decisions", problem)
    return decision_against(
        decisions,
        context.state,
        run=context.record,
        instrument=context.spec.instrument,
        product=product,
    )


async def _decisions() -> Decisions:
    # A daemon's: a disk that does not answer must not hold up the end of the process.
    thread = OneThread("ledger of decisions")
    try:
        async with asyncio.timeout(LEDGER_TIMEOUT):
            return await thread(own_decisions)
    except TimeoutError:
        problem = (
            f"The ledger of decisions was not read within {LEDGER_TIMEOUT:.0f} s: look at the disk of the records, "
            "and whether somebody has decided against what was certified."
        )
        return Decisions(problems=(problem,))
    finally:
        thread.close()
