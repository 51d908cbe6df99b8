"""Stages of a product, and the ways between them."""

import pytest

from lsst.ts.calibscripts.errors import TransitionError
from lsst.ts.calibscripts.events.stages import Progress, Stage


def test_each_stage_is_told_once_and_an_end_is_one():
    told: list[tuple[str, Stage]] = []
    progress = Progress(("BIAS", "DARK"), lambda *reached: told.append(reached))
    for stage in (Stage.TAKING, Stage.INGESTED, Stage.FAILED):
        progress.advance("BIAS", stage)
    # A job of it may go on to its own end.
    progress.advance("BIAS", Stage.GENERATED)
    assert told == [("BIAS", stage) for stage in (Stage.TAKING, Stage.INGESTED, Stage.FAILED)]


def test_nothing_is_certified_that_was_not_made():
    progress = Progress(("BIAS",), lambda *reached: None)
    with pytest.raises(TransitionError, match=r"BIAS cannot go from .* to .*"):
        progress.advance("BIAS", Stage.CERTIFIED)
