"""What came of a product, once it is known what people have decided on it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..decisions import Decision, Verb, last_word

__all__ = ["Outcome", "Standing", "in_short", "once_decided"]


class Standing(StrEnum):
    """What came of a product."""

    CERTIFIED = "certified"
    CERTIFIED_UNVERIFIED = "certified without verification"
    CERTIFIED_ANYWAY = "certified in spite of failures"
    PASSED = "verification passed"
    TO_CERTIFY = "verification passed, to be certified"
    NOT_CERTIFIED = "verification passed, not certified"
    FAILED = "verification failed"
    NOT_JUDGED = "could not be judged"
    CERTIFIED_SOMEHOW = "certified (no verification found)"
    MADE = "generated, not certified"
    GENERATED = "generated"
    MEASURED = "measured"
    MADE_CANCELLED = "generated, then cancelled"
    CANCELLED = "cancelled"
    NOT_DONE = "not done"
    UNDER_WAY = "under way"
    WAITING = "waiting"

    @property
    def style(self) -> str:
        """How it is shown: good, fair, bad, next (it goes on) or idle (nothing to look at)."""
        return _STYLES[self]

    @property
    def interrupted(self) -> Standing:
        """What it comes to where the run has died: what was under way, or waited, was not done."""
        if self is Standing.TO_CERTIFY:
            return Standing.NOT_CERTIFIED
        return Standing.NOT_DONE if self in (Standing.UNDER_WAY, Standing.WAITING) else self


_STYLES: Mapping[Standing, str] = {
    Standing.CERTIFIED: "good",
    Standing.PASSED: "good",
    Standing.TO_CERTIFY: "next",
    Standing.MEASURED: "good",
    Standing.CERTIFIED_UNVERIFIED: "fair",
    Standing.CERTIFIED_ANYWAY: "fair",
    Standing.CERTIFIED_SOMEHOW: "fair",
    Standing.MADE: "fair",
    Standing.GENERATED: "fair",
    Standing.MADE_CANCELLED: "idle",
    Standing.CANCELLED: "idle",
    Standing.FAILED: "bad",
    Standing.NOT_JUDGED: "bad",
    Standing.NOT_DONE: "bad",
    Standing.NOT_CERTIFIED: "bad",
    Standing.UNDER_WAY: "next",
    Standing.WAITING: "idle",
}


@dataclass(frozen=True)
class Outcome:
    """What came of a product in a few words, and how that is shown, as `Standing` has it."""

    words: str
    style: str


def once_decided(standing: Standing, decisions: Sequence[Decision]) -> Outcome:
    """Return what came of a product once decisions on it are known; of several that judge it the last one counts.

    Parameters
    ----------
    standing : `Standing`
        What came of it in its run.
    decisions : sequence of `Decision`
        As `decisions_on` returns them.
    """
    if any(decision.verb is Verb.CERTIFY for decision in decisions):
        standing = Standing.CERTIFIED_ANYWAY
    last = last_word(decisions)
    verb = None if last is None else last.verb
    match verb:
        case Verb.REJECT | Verb.MARK_BAD:
            return Outcome(f"{standing}, {verb.past}", "bad")
        case Verb.APPROVE:
            return Outcome(f"{standing}, {verb.past}", "good" if standing.style == "good" else "fair")
        case _:
            return Outcome(standing.value, standing.style)


def in_short(product: str, decisions: Sequence[Decision]) -> str:
    """Return what was decided on a product and by whom, without the reasons; empty where nothing was.

    Parameters
    ----------
    product : `str`
        E.g. BIAS.
    decisions : sequence of `Decision`
        As `decisions_on` returns them.
    """
    found = dict.fromkeys(f"{decision.verb.past} by {decision.who}" for decision in decisions)
    return f"{product} was {' and '.join(found)}" if found else ""
