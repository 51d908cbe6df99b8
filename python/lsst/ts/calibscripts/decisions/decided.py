"""Decisions -> what holds of exposures, masters and products. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ..events.events import Certified
from .decision import Decision, ExposureSubject, MasterSubject, ProductSubject, Subject, Verb

__all__ = ["NO_DECISIONS", "Decisions"]


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
