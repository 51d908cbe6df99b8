"""Decisions -> what holds of exposures, masters and products. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..events.events import Certified
from ..tables.products import PRODUCTS
from .decision import Decision, ExposureSubject, MasterSubject, ProductSubject, Subject, Verb

__all__ = ["NO_DECISIONS", "Decisions", "decisions_on", "last_word"]


@dataclass(frozen=True)
class Decisions:
    """All decisions, and what of them holds."""

    all: tuple[Decision, ...] = ()  #: The oldest first.
    problems: tuple[str, ...] = ()  #: What could not be read, one sentence each.

    @cached_property
    def withdrawn(self) -> Mapping[str, Decision]:
        """Identifier of a decision that was withdrawn -> the decision that did it."""
        return {decision.withdraws: decision for decision in self.all if decision.verb is Verb.WITHDRAW}

    @cached_property
    def standing(self) -> tuple[Decision, ...]:
        """Decisions that hold: neither withdrawn, nor themselves a withdrawal."""
        return tuple(d for d in self.all if d.verb is not Verb.WITHDRAW and d.id not in self.withdrawn)

    def bad_exposures(self, instrument: str) -> Mapping[int, Decision]:
        """Return the exposures that are marked as bad, and why.

        Parameters
        ----------
        instrument : `str`
            Butler instrument name.
        """
        return {
            decision.subject.exposure: decision
            for decision in self.standing
            if isinstance(decision.subject, ExposureSubject)
            and decision.verb is Verb.MARK_BAD
            and decision.subject.instrument == instrument
        }

    def bad_masters(self, instrument: str) -> Mapping[tuple[str, str], Decision]:
        """Return the masters that are marked as bad, and why.

        Parameters
        ----------
        instrument : `str`
            Butler instrument name.

        Returns
        -------
        mapping [(`str`, `str`), `Decision`]
            Dataset type and RUN -> the decision.
        """
        return {
            (decision.subject.dataset_type, decision.subject.run): decision
            for decision in self.standing
            if isinstance(decision.subject, MasterSubject)
            and decision.verb is Verb.MARK_BAD
            and decision.subject.instrument == instrument
        }

    def on(self, *subjects: Subject) -> tuple[Decision, ...]:
        """Return the decisions on some subjects that hold, the oldest first.

        Parameters
        ----------
        *subjects : `ProductSubject`, `ExposureSubject` or `MasterSubject`
            What they are on.
        """
        return tuple(decision for decision in self.standing if decision.subject in subjects)

    def certified(self, run: str) -> tuple[Certified, ...]:
        """Return what was certified of a run after its end, as its script would have recorded it.

        Parameters
        ----------
        run : `str`
            Name of the run.
        """
        return tuple(
            decision.certified
            for decision in self.all
            if decision.certified
            and isinstance(decision.subject, ProductSubject)
            and decision.subject.run == run
        )


NO_DECISIONS = Decisions()
"""Where nobody has decided anything."""


def decisions_on(
    decisions: Decisions, *, run: str, product: str, instrument: str, made: str | None
) -> tuple[Decision, ...]:
    """Return the decisions that hold on a product of a run, or on the master that it is, the oldest first.

    Parameters
    ----------
    run, product : `str`
        Name of the run and of the product.
    instrument : `str`
        Butler instrument name.
    made : `str` or `None`
        RUN collection that holds what the run has made of it.
    """
    return decisions.on(*_subjects(run, product, instrument, made))


def _subjects(run: str, product: str, instrument: str, made: str | None) -> Iterator[Subject]:
    yield ProductSubject(run, product)
    if made and product in PRODUCTS:
        yield MasterSubject(instrument, PRODUCTS[product].dataset_type, made)


def last_word(decisions: Sequence[Decision]) -> Decision | None:
    """Return the decision that counts of several on a product, None where none judges it.

    A mark as bad stays until it is withdrawn, whatever else is decided; else it is the last approval or rejection.

    Parameters
    ----------
    decisions : sequence of `Decision`
        As `decisions_on` returns them.
    """
    judging = [decision for decision in decisions if decision.verb is not Verb.CERTIFY]
    marks = [decision for decision in judging if decision.verb is Verb.MARK_BAD]
    return next(reversed(marks or judging), None)
