"""A record, and what was decided after its end -> how its run stands today. Pure."""

from __future__ import annotations

from dataclasses import replace

from ..decisions import Decisions
from ..events.folding import state_of
from .records import Record

__all__ = ["with_decisions"]


def with_decisions(record: Record, decisions: Decisions) -> Record:
    """Return a record whose state knows what was certified by decisions; what happened in the run stays as it was.

    Parameters
    ----------
    decisions : `Decisions`
        All that people have decided.
    """
    return replace(record, state=state_of(decisions.certified(record.name), record.state))
