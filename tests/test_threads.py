"""What keeps blocking work off the event loop. Calls in a thread are tested by the runs that make them."""

from __future__ import annotations

import gc

from lsst.ts.calibscripts.threads import short_collections


def test_collections_leave_alone_what_was_there_before() -> None:
    before = gc.get_freeze_count()
    with short_collections():
        assert gc.get_freeze_count() > 10_000
    # All of it is collected again: other scripts may follow in this process.
    assert gc.get_freeze_count() <= before


def test_garbage_of_a_run_is_collected_while_it_goes_on() -> None:
    with short_collections():
        knot: list[object] = []
        knot.append(knot)
        del knot
        assert gc.collect() >= 1
