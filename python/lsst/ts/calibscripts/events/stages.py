"""Stages of a product, and the ways between them, as data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

__all__ = ["ENDS", "TRANSITIONS", "Stage"]


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


ENDS = frozenset({Stage.FAILED, Stage.CANCELLED})
"""Stages in which a product ends that is not certified."""

TRANSITIONS: Mapping[Stage, frozenset[Stage]] = MappingProxyType(
    {
        # DEFECTS, PTC and GAIN take no images of their own: they go from WAITING to GENERATED.
        Stage.WAITING: ENDS | {Stage.TAKING, Stage.INGESTED, Stage.GENERATED},
        Stage.TAKING: ENDS | {Stage.INGESTED},
        # External verification goes from INGESTED to VERIFIED: it makes nothing.
        Stage.INGESTED: ENDS | {Stage.GENERATED, Stage.VERIFIED},
        # Without verification a product goes from GENERATED to CERTIFIED.
        Stage.GENERATED: ENDS | {Stage.VERIFIED, Stage.CERTIFIED},
        Stage.VERIFIED: ENDS | {Stage.CERTIFIED},
        Stage.CERTIFIED: frozenset(),
        Stage.FAILED: frozenset(),
        Stage.CANCELLED: frozenset(),
    }
)
"""Which stage may follow which. A stop or a failure ends a product at any stage but the last."""
