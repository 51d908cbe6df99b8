"""Exposure times of a set, with its discarded exposures, and the pairs among its flats."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibscripts.config import exposure_times, flat_pairs, groups_of_times, same_time


@pytest.mark.parametrize(
    ("times", "n", "n_discard", "expected"),
    [
        (5, 3, 1, (5.0,) * 4),
        (2.5, 2, 0, (2.5, 2.5)),
        ([1, 2, 3], 2, 1, (1.0, 2.0, 3.0)),
        ([2, 3], 2, 1, (2.0, 2.0, 3.0)),
        ([2, 3], 2, 2, (2.0, 2.0, 2.0, 3.0)),
        ([7], 1, 0, (7.0,)),
    ],
)
def test_exposure_times(times: Any, n: int, n_discard: int, expected: tuple[float, ...]) -> None:
    assert exposure_times(times, n, n_discard) == expected


@pytest.mark.parametrize(
    ("length", "n", "n_discard", "parts"),
    [
        (5, 3, 1, ["5 exposure times", "n_dark 3", "n_discard_dark 1", "list 4 times", "or 3"]),
        (3, 4, 0, ["3 exposure times", "n_dark 4", "n_discard_dark 0", "list 4 times"]),
    ],
)
def test_exposure_times_that_do_not_fit(length: int, n: int, n_discard: int, parts: list[str]) -> None:
    with pytest.raises(ValueError, match="do not fit") as caught:
        exposure_times([1.0] * length, n, n_discard, "DARK")
    assert [part for part in parts if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("times", "pairs", "unpaired"),
    [
        ([], (), ()),
        ([1], (), (0,)),
        ([1, 1], ((0, 1),), ()),
        ([1, 1, 1], ((0, 1),), (2,)),
        ([1, 2, 2, 1], ((1, 2),), (0, 3)),
        ([1, 1, 1, 1], ((0, 1), (2, 3)), ()),
        ([2.0004, 2.0011, 4.0002, 4.0009], ((0, 1), (2, 3)), ()),
        ([2.0, 2.006, 2.006], ((1, 2),), (0,)),
    ],
)
def test_flat_pairs(times: list[float], pairs: Any, unpaired: Any) -> None:
    found = flat_pairs(times)
    assert (found.pairs, found.unpaired) == (pairs, unpaired)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [(2.0, 2.005, True), (2.0, 1.995, True), (30.0, 30.0051, False), (0.0, 0.0, True)],
)
def test_times_are_equal_within_five_milliseconds(one: float, other: float, equal: bool) -> None:
    assert same_time(one, other) is same_time(other, one) is equal


@given(
    st.lists(st.sampled_from([0.1, 1.0, 1.5, 2.0, 30.0, 900.0])),
    st.data(),
)
def test_shutter_times_make_the_pairs_of_the_times_asked_for(times: list[float], data: st.DataObject) -> None:
    """Whatever the shutter adds, up to 4 ms."""
    measured = [time + data.draw(st.floats(0.0, 0.004)) for time in times]
    assert flat_pairs(measured) == flat_pairs(times)
    groups = groups_of_times(measured)
    assert len(groups) == len(set(times))
    assert sorted(measured) == [time for group in groups for time in group]


@given(st.lists(st.sampled_from([1.0, 2.0, 3.0])))
def test_every_exposure_is_in_one_pair_or_in_none(times: list[float]) -> None:
    found = flat_pairs(times)
    assert sorted([*sum(found.pairs, ()), *found.unpaired]) == list(range(len(times)))
    assert all(times[first] == times[second] and second == first + 1 for first, second in found.pairs)
