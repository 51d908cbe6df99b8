"""Whether somebody has decided, during the run, against what is about to be certified."""

from __future__ import annotations

from ...decisions import Decision, Decisions, decision_against, own_decisions
from ..context import RunContext

__all__ = ["decision_now", "decision_on"]


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
    decisions = await context.repository.ask(lambda _: own_decisions())
    for problem in decisions.problems:
        context.journal.warn_once(problem, problem)
    return _against(context, product, decisions)


def decision_now(context: RunContext, product: str) -> Decision | None:
    """Return the same, without warnings. Blocks.

    Parameters
    ----------
    context : `RunContext`
        The run.
    product : `str`
        E.g. BIAS.
    """
    return _against(context, product, own_decisions())


def _against(context: RunContext, product: str, decisions: Decisions) -> Decision | None:
    return decision_against(
        decisions,
        context.state,
        run=context.record,
        instrument=context.spec.instrument,
        product=product,
    )
