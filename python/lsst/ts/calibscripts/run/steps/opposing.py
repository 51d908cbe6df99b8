"""Whether somebody has decided, during the run, against what is about to be certified."""

from __future__ import annotations

from ...decisions import Decision, decision_against, own_decisions
from ..context import RunContext

__all__ = ["decision_on"]


def decision_on(context: RunContext, product: str) -> tuple[Decision | None, tuple[str, ...]]:
    """Ask the ledger for a decision that stands against a product, its origins or their exposures. Blocks.

    Parameters
    ----------
    context : `RunContext`
        The run.
    product : `str`
        E.g. BIAS.

    Returns
    -------
    decision : `Decision` or `None`
        The decision, None where nothing stands against it.
    problems : `tuple` [`str`]
        What of the ledger could not be read, one sentence each.
    """
    decisions = own_decisions()
    against = decision_against(
        decisions,
        context.state,
        run=context.record,
        instrument=context.spec.instrument,
        product=product,
    )
    return against, decisions.problems
