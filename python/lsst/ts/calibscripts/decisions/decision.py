"""A decision: who, when, why, and on what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from ..events.events import Certified

__all__ = ["Decision", "ExposureSubject", "MasterSubject", "ProductSubject", "Subject", "Verb"]


class Verb(StrEnum):
    """What is decided."""

    APPROVE = "approve"
    REJECT = "reject"
    CERTIFY = "certify"
    MARK_BAD = "mark bad"
    WITHDRAW = "withdraw"

    @property
    def past(self) -> str:
        """What was done, e.g. ``approved``."""
        return _PAST[self]


_PAST = {
    Verb.APPROVE: "approved",
    Verb.REJECT: "rejected",
    Verb.CERTIFY: "certified in spite of failures",
    Verb.MARK_BAD: "marked as bad",
    Verb.WITHDRAW: "withdrawn",
}


@dataclass(frozen=True)
class ProductSubject:
    """A product of a run: the name of the run and of the product."""

    run: str
    product: str
    kind: Literal["product"] = "product"

    def __str__(self) -> str:
        return f"{self.product} of {self.run}"


@dataclass(frozen=True)
class ExposureSubject:
    """An exposure: the butler name of its instrument, and its id."""

    instrument: str
    exposure: int
    kind: Literal["exposure"] = "exposure"

    def __str__(self) -> str:
        return f"exposure {self.exposure} of {self.instrument}"


@dataclass(frozen=True)
class MasterSubject:
    """A calibration: the butler name of its instrument, its dataset type, and the RUN that holds it."""

    instrument: str
    dataset_type: str
    run: str
    kind: Literal["master"] = "master"

    def __str__(self) -> str:
        return f"{self.dataset_type} in {self.run} of {self.instrument}"


Subject: TypeAlias = Annotated[ProductSubject | ExposureSubject | MasterSubject, Field(discriminator="kind")]


@dataclass(frozen=True)
class Decision:
    """A decision."""

    id: str  #: Identifies it.
    tai: str  #: When, ISO-8601, TAI.
    #: Who has decided, and why.
    who: str
    why: str
    verb: Verb  #: What.
    subject: Subject  #: On what.
    withdraws: str = ""  #: Identifier of the decision that is withdrawn; empty for all others.
    certified: Certified | None = None  #: What was certified, as the script would have recorded it.

    @property
    def signed(self) -> str:
        """Who has decided it when and why, e.g. ``marked as bad by ada on 2026-11-26: a streak of light``."""
        return f"{self.verb.past} by {self.who} on {self.tai[:10]}: {self.why}"

    @property
    def sentence(self) -> str:
        """What it is on, who has decided it when and why, and its identifier, without a full stop."""
        return f"{self.subject} is {self.signed} (decision {self.id})"
