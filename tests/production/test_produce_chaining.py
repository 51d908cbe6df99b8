"""What becomes of the chains."""

import pytest
from production_support import ids, selection

from lsst.ts.calibscripts.errors import ConflictError
from lsst.ts.calibscripts.production.selection.selection import ExposureChoice
from lsst.ts.calibscripts.production.steps.chaining import changed

CALIB, TICKET = "LATISS/calib", "LATISS/calib/DM-43525"
BIAS, DARK = f"{TICKET}/lowerSetTemp/bias.20240405a", f"{TICKET}/lowerSetTemp/dark.20240405a"
OLD = f"{TICKET}/first/bias.20240301a"
MADE = selection(ExposureChoice("bias", ids(2, 3)), ExposureChoice("dark", ids(5, 6)))


@pytest.mark.parametrize(
    ("top", "own", "expected_top", "expected_own"),
    [
        (("ref",), None, (TICKET, "ref"), (BIAS, DARK)),
        ((), None, (TICKET,), (BIAS, DARK)),
        (None, None, (TICKET,), (BIAS, DARK)),
        (("ref",), (OLD,), (TICKET, "ref"), (BIAS, DARK, OLD)),
        ((TICKET, "ref"), (OLD,), (TICKET, "ref"), (BIAS, DARK, OLD)),
        ((TICKET, "ref"), (BIAS,), (TICKET, "ref"), (DARK, BIAS)),
    ],
)
def test_what_was_certified_comes_first(top, own, expected_top, expected_own):
    assert changed(MADE, {CALIB: top, TICKET: own}) == {CALIB: expected_top, TICKET: expected_own}


@pytest.mark.parametrize("top", [(TICKET, "ref"), ("newer", TICKET, "ref")])
def test_nothing_is_done_twice(top: tuple[str, ...]):
    done = {CALIB: top, TICKET: (BIAS, DARK)}
    assert changed(MADE, done) == done


@pytest.mark.parametrize(
    ("top", "own", "problem"),
    [
        ((BIAS, "ref"), None, "already contains .*bias.20240405a"),
        (("newer", TICKET), (OLD,), "behind newer, which would be found first"),
    ],
)
def test_what_is_in_the_chain_already_is_refused(top, own, problem: str):
    with pytest.raises(ConflictError, match=problem):
        changed(MADE, {CALIB: top, TICKET: own})
