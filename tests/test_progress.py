"""Stages of a product, and the ways between them."""

import logging

import pytest

from lsst.ts.calibscripts.errors import TransitionError
from lsst.ts.calibscripts.events.events import Event, StageReached
from lsst.ts.calibscripts.events.stages import Stage
from lsst.ts.calibscripts.run.journal import Journal


def test_each_stage_is_reported_once_and_an_end_is_one():
    told: list[Event] = []
    journal = Journal(logging.getLogger(__name__), [told.append])
    for stage in (Stage.TAKING, Stage.INGESTED, Stage.FAILED):
        journal.advance("BIAS", stage)
    # A job of it may go on to its own end.
    journal.advance("BIAS", Stage.GENERATED)
    journal.end("BIAS", Stage.CANCELLED)
    assert told == [StageReached("BIAS", stage) for stage in (Stage.TAKING, Stage.INGESTED, Stage.FAILED)]


def test_nothing_is_certified_that_was_not_made():
    journal = Journal(logging.getLogger(__name__), [])
    with pytest.raises(TransitionError, match=r"BIAS cannot go from .* to .*"):
        journal.advance("BIAS", Stage.CERTIFIED)
