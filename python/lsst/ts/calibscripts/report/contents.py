"""What a report says of a run, whichever form it takes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..decisions import Decision
from ..plan import Action, StepId
from ..record import Record
from ..tables.products import PRODUCTS
from .reading.evidence import Evidence
from .standings import Outcome, Standing, once_decided
from .trends import Trend

__all__ = ["Account", "Certificate", "ProductAccount"]


@dataclass(frozen=True)
class Certificate:
    """Where a product is certified, and for how long."""

    product: str  #: E.g. BIAS.
    collection: str  #: The CALIBRATION collection.
    #: Validity range, ISO-8601, TAI; None is open.
    begin: str | None
    end: str | None
    verified: bool = True  #: Whether it passed a verification.


@dataclass(frozen=True)
class ProductAccount:
    """What came of one product."""

    product: str  #: E.g. BIAS.
    standing: Standing  #: What came of it in the run, in two words; see `outcome` for how it stands today.
    sentence: str  #: In the documented words, with the numbers of the verdict.
    certified: Certificate | None = None  #: Where and for how long it is certified.
    #: Collections of its jobs.
    generation: str | None = None
    verification: str | None = None
    failed_tests: int = 0  #: Tests of its verification that failed.
    decisions: tuple[Decision, ...] = ()  #: What was decided on it and holds, the oldest first.

    @property
    def outcome(self) -> Outcome:
        """What came of it, once the decisions on it are known."""
        return once_decided(self.standing, self.decisions)

    @property
    def signed(self) -> tuple[str, ...]:
        """What was decided on it, one sentence each."""
        return tuple(_sentence(decision.signed) for decision in self.decisions)

    @property
    def words(self) -> str:
        """Its sentence, and what was decided on it."""
        return " ".join([self.sentence, *self.signed])


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


@dataclass(frozen=True)
class Account:
    """Everything a report says."""

    title: str  #: Headline.
    #: Butler instrument name and repository.
    instrument: str
    repo: str
    record: Record | None  #: The record; None where the report is of collections alone.
    products: tuple[ProductAccount, ...]  #: In the order of the products.
    evidence: Evidence = field(default_factory=Evidence)  #: What the butler has.
    runs: Mapping[StepId, str] = field(default_factory=dict)  #: Step -> RUN with its outputs.
    trends: tuple[Trend, ...] = ()  #: Comparison with earlier runs.
    running: bool = False  #: Does the run still go on?
    bad: Mapping[int, Decision] = field(default_factory=dict)  #: Exposures that are marked as bad.

    @property
    def collections(self) -> tuple[str, ...]:
        """RUNs of all jobs, verifications first."""
        order = sorted(
            self.runs, key=lambda step: (step.action is not Action.VERIFY, list(PRODUCTS).index(step.product))
        )
        return tuple(dict.fromkeys(self.runs[step] for step in order))
