"""What keeps blocking work off the event loop. Calls in a thread are tested by the runs that make them."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibscripts.ground.threads import MANY_OBJECTS, responsive_loop


@pytest.fixture
def thawed() -> Iterator[None]:
    """Let the collector look at everything, as in a script's own process."""
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.mark.usefixtures("thawed")
def test_collections_leave_alone_what_was_there_before() -> None:
    there = [[] for _ in range(MANY_OBJECTS)]
    gc.collect()
    with responsive_loop():
        assert gc.get_freeze_count() > len(there)
    # All of it is collected again: other scripts may follow in this process.
    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("thawed")
def test_what_was_frozen_before_stays_frozen() -> None:
    gc.freeze()
    before = gc.get_freeze_count()
    with responsive_loop():
        pass
    assert gc.get_freeze_count() > 0.9 * before


def test_garbage_of_a_run_is_collected_while_it_goes_on() -> None:
    with responsive_loop():
        knot: list[object] = []
        knot.append(knot)
        del knot
        assert gc.collect() >= 1


def test_threads_give_way_sooner() -> None:
    before = sys.getswitchinterval()
    with responsive_loop():
        assert sys.getswitchinterval() < before
    assert sys.getswitchinterval() == before


def test_contexts_may_be_left_in_any_order() -> None:
    # Counting what is frozen goes through all of it: once, not for each example.
    frozen = gc.get_freeze_count()
    enter_and_leave()
    assert gc.get_freeze_count() <= frozen


@given(st.lists(st.integers(0, 3), max_size=30))
def enter_and_leave(turns: list[int]) -> None:
    """Each number enters the context of that script, or leaves it."""
    before = sys.getswitchinterval()
    entered: dict[int, AbstractContextManager[None]] = {}
    for script in [*turns, *(script for script in range(4) if turns.count(script) % 2)]:
        if script in entered:
            entered.pop(script).__exit__(None, None, None)
        else:
            entered[script] = responsive_loop()
            entered[script].__enter__()
        assert (sys.getswitchinterval() < before) is bool(entered)
    assert sys.getswitchinterval() == before
