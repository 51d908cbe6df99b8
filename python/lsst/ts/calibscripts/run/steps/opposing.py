"""Whether somebody has decided, during the run, against what is about to be certified."""

from __future__ import annotations

from ...decisions import Decision, decision_against, own_decisions
from ...ground.threads import in_time
from ...record import record_directory
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
    try:
        decisions = await in_time("ledger of decisions", LEDGER_TIMEOUT, own_decisions)
    except TimeoutError:
        context.journal.warn(
            f"The ledger of decisions in {record_directory()} was not read within {LEDGER_TIMEOUT:.0f} s, so "
            f"{product} is certified without it. Check that disk, and whether somebody has decided against {product}."
        )
        return None
    for problem in decisions.problems:
        context.journal.warn_once(problem, problem)
    return decision_against(
        decisions,
        context.state,
        run=context.record,
        instrument=context.spec.instrument,
        product=product,
    )
