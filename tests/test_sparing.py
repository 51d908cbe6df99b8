"""What to leave out of a set that lacks images, against every choice there is."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from effort import calls
from hypothesis import given
from hypothesis import strategies as st
from sparing_choices import Missing, kept_at_most

from lsst.ts.calibscripts.events.images import judge
from lsst.ts.calibscripts.events.sparing import least_left_out


@st.composite
def sets(draw: st.DrawFn) -> tuple[range, range, Missing]:
    exposures, detectors = range(draw(st.integers(1, 6))), range(draw(st.integers(1, 6)))
    pairs = list(product(exposures, detectors))
    return exposures, detectors, draw(st.sets(st.sampled_from(pairs)))


@given(sets())
def test_no_choice_keeps_more(drawn: tuple[range, range, Missing]) -> None:
    exposures, detectors, missing = drawn
    found = least_left_out(exposures, detectors, missing)
    most = kept_at_most(exposures, detectors, missing)
    if found is None:
        assert most == 0
        return
    some, others = set(exposures) - found.exposures, set(detectors) - found.detectors
    assert missing.isdisjoint(product(some, others))
    assert len(some) * len(others) == most


@given(sets())
def test_a_set_goes_on_whenever_more_than_half_of_both_can_be_left(
    drawn: tuple[range, range, Missing],
) -> None:
    exposures, detectors, missing = drawn
    found = judge(exposures, detectors, set(product(exposures, detectors)) - missing)
    assert found.complete == bool(kept_at_most(exposures, detectors, missing))
    if found.complete:
        assert missing.isdisjoint(product(found.exposures, found.detectors))
        # No detector is given up where the exposures that lack an image can be spared.
        spared = {e for e, _ in missing}
        assert not found.left_out_detectors or 2 * len(spared) >= len(exposures)


@pytest.mark.parametrize(
    ("n_exposures", "n_lost", "complete"),
    [(20, 12, True), (20, 189, True), (60, 200, True), (60, 2000, False), (200, 300, True)],
)
def test_single_images_lost_here_and_there_in_a_large_camera(
    n_exposures: int, n_lost: int, complete: bool
) -> None:
    exposures, detectors = range(n_exposures), range(189)
    missing = set(Random(n_lost).sample(list(product(exposures, detectors)), n_lost))
    have = set(product(exposures, detectors)) - missing
    found = judge(exposures, detectors, have)
    # To compare every choice among the exposures of a large group would take 2 to the power of their number.
    assert calls(lambda: judge(exposures, detectors, have)) < 1000 * n_exposures
    assert missing.isdisjoint(product(found.exposures, found.detectors))
    assert found.complete is complete
