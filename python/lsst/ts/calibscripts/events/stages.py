"""Stages of a product, and the ways between them, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

from ..errors import TransitionError

__all__ = ["TRANSITIONS", "Progress", "Stage"]


class Stage(StrEnum):
    """How far a product has come."""

    WAITING = "WAITING"
    TAKING = "TAKING"
    INGESTED = "INGESTED"
    GENERATED = "GENERATED"
    VERIFIED = "VERIFIED"
    CERTIFIED = "CERTIFIED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


_ENDS = frozenset({Stage.FAILED, Stage.CANCELLED})

TRANSITIONS: Mapping[Stage, frozenset[Stage]] = MappingProxyType(
    {
        # DEFECTS, PTC and GAIN take no images of their own: they go from WAITING to GENERATED.
        Stage.WAITING: _ENDS | {Stage.TAKING, Stage.INGESTED, Stage.GENERATED},
        Stage.TAKING: _ENDS | {Stage.INGESTED},
        # External verification goes from INGESTED to VERIFIED: it makes nothing.
        Stage.INGESTED: _ENDS | {Stage.GENERATED, Stage.VERIFIED},
        # Without verification a product goes from GENERATED to CERTIFIED.
        Stage.GENERATED: _ENDS | {Stage.VERIFIED, Stage.CERTIFIED},
        Stage.VERIFIED: _ENDS | {Stage.CERTIFIED},
        Stage.CERTIFIED: frozenset(),
        Stage.FAILED: frozenset(),
        Stage.CANCELLED: frozenset(),
    }
)
"""Which stage may follow which. A stop or a failure ends a product at any stage but the last."""


class Progress:
    """The stage of every product of a run.

    Parameters
    ----------
    products : iterable of `str`
        Products of the run, all of them WAITING.
    reached : callable
        Called with each product and the stage that it has reached.
    """

    def __init__(self, products: tuple[str, ...], reached: Callable[[str, Stage], None]) -> None:
        self._stages = dict.fromkeys(products, Stage.WAITING)
        self._reached = reached

    def advance(self, product: str, stage: Stage) -> None:
        """Move a product to its next stage.

        A product that has ended stays so: a step of it may go on though it cannot be certified any more.

        Raises
        ------
        TransitionError
            If the stage does not follow from the present one.
        """
        present = self._stages[product]
        if present in _ENDS:
            return
        if stage not in TRANSITIONS[present]:
            raise TransitionError(f"{product} cannot go from {present} to {stage}")
        self._stages[product] = stage
        self._reached(product, stage)

    def end(self, product: str, stage: Stage) -> None:
        """End a product as FAILED or CANCELLED, unless it has ended already."""
        if stage in TRANSITIONS[self._stages[product]]:
            self.advance(product, stage)
