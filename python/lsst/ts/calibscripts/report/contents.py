"""What a report says of a run, whichever form it takes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..plan import Action, StepId
from ..record import Record
from ..tables.products import PRODUCTS
from .evidence import Evidence
from .trends import Trend

__all__ = ["STYLES", "Account", "Certificate", "ProductAccount", "Standing"]


class Standing(StrEnum):
    """What came of a product."""

    CERTIFIED = "certified"
    CERTIFIED_UNVERIFIED = "certified without verification"
    PASSED = "verification passed"
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
        """How it is shown, see `STYLES`."""
        return STYLES[self]

    @property
    def interrupted(self) -> Standing:
        """What it comes to where the run has died: what was under way, or waited, was not done."""
        return Standing.NOT_DONE if self in (Standing.UNDER_WAY, Standing.WAITING) else self


STYLES: Mapping[Standing, str] = {
    Standing.CERTIFIED: "good",
    Standing.PASSED: "good",
    Standing.MEASURED: "good",
    Standing.CERTIFIED_UNVERIFIED: "fair",
    Standing.CERTIFIED_SOMEHOW: "fair",
    Standing.MADE: "fair",
    Standing.GENERATED: "fair",
    Standing.MADE_CANCELLED: "idle",
    Standing.CANCELLED: "idle",
    Standing.FAILED: "bad",
    Standing.NOT_JUDGED: "bad",
    Standing.NOT_DONE: "bad",
    Standing.UNDER_WAY: "next",
    Standing.WAITING: "idle",
}
"""How each is shown: as good, fair or bad, as something that goes on, or as nothing to look at."""


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
    standing: Standing  #: In two words.
    sentence: str  #: In the documented words, with the numbers of the verdict.
    certified: Certificate | None = None  #: Where and for how long it is certified.
    #: Collections of its jobs.
    generation: str | None = None
    verification: str | None = None
    failed_tests: int = 0  #: Tests of its verification that failed.
    decisions: tuple[str, ...] = ()  #: What was decided on it, one sentence each.

    @property
    def words(self) -> str:
        """What came of it, and what was decided on it."""
        return " ".join([self.sentence, *(f"{text.rstrip('.')}." for text in self.decisions)])


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

    @property
    def collections(self) -> tuple[str, ...]:
        """RUNs of all jobs, verifications first."""
        order = sorted(
            self.runs, key=lambda step: (step.action is not Action.VERIFY, list(PRODUCTS).index(step.product))
        )
        return tuple(dict.fromkeys(self.runs[step] for step in order))
