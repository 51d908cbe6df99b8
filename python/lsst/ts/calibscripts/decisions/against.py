"""Decisions and a run -> which of them stands against certifying what the run has made. Pure."""

from __future__ import annotations

from ..events.state import RunState
from ..plan import Action, StepId
from .decided import Decisions, decisions_on, last_word
from .decision import Decision, Verb

__all__ = ["decision_against"]


def decision_against(
    decisions: Decisions, state: RunState, *, run: str, instrument: str, product: str
) -> Decision | None:
    """Return a decision that stands against a product, against what it was made from, or against their exposures.

    Parameters
    ----------
    decisions : `Decisions`
        All that people have decided.
    state : `RunState`
        The run that has made it.
    run : `str`
        Name of the run; empty where it has no record.
    instrument : `str`
        Butler instrument name.
    product : `str`
        E.g. BIAS.

    Returns
    -------
    `Decision` or `None`
        A rejection or a mark as bad that has not been withdrawn.
    """
    for name in (product, *state.made_before(product)):
        made = state.step(StepId(Action.GENERATE, name)).run
        on_it = decisions_on(decisions, run=run, product=name, instrument=instrument, made=made)
        last = last_word(on_it)
        if last is not None and last.verb is not Verb.APPROVE:
            return last
    bad = decisions.bad_exposures(instrument)
    used = {exposure for images in state.sets_behind(product) for exposure in images.used}
    return next((bad[exposure] for exposure in sorted(used & bad.keys())), None)
