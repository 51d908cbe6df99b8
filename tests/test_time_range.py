"""Ranges of time, and what the butler makes of them."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibscripts.ground.time_range import ALWAYS, FIRST, LAST, TimeRange, night_of, text_of_moment
from lsst.ts.calibscripts.repository.validity import time_range, timespan_of

# Whole milliseconds: within the butler's time and beyond it.
MOMENTS = st.integers(-2 * 10**12, 5 * 10**12).map(lambda n: datetime(1970, 1, 1) + timedelta(milliseconds=n))
BOUNDS = st.none() | MOMENTS
RANGES = st.tuples(BOUNDS, BOUNDS).filter(lambda r: None in r or r[0] < r[1]).map(lambda r: TimeRange(*r))
KEPT = RANGES.filter(
    lambda r: (r.begin is None or r.begin < LAST) and (r.end is None or r.end > FIRST) and r.kept.end != FIRST
)


@given(RANGES)
def test_a_range_is_read_as_it_is_written(one: TimeRange) -> None:
    assert TimeRange.of(*one.texts) == one


@given(KEPT)
def test_a_butler_returns_what_it_keeps(one: TimeRange) -> None:
    assert time_range(timespan_of(one)) == one.kept


@given(KEPT, KEPT)
def test_ranges_overlap_as_those_of_the_butler(one: TimeRange, other: TimeRange) -> None:
    assert one.kept.overlaps(other.kept) == timespan_of(one).overlaps(timespan_of(other))
    assert one.overlaps(other) == other.overlaps(one)
    assert one.overlaps(ALWAYS)
    assert not one.overlaps(TimeRange(one.begin, one.begin)) or one.begin is None


@given(RANGES, MOMENTS)
def test_a_moment_is_in_a_range_that_overlaps_it(one: TimeRange, moment: datetime) -> None:
    instant = TimeRange(moment, moment + timedelta(microseconds=1))
    assert one.contains(moment) == one.overlaps(instant)


@given(RANGES, st.lists(RANGES, max_size=4), st.lists(MOMENTS, max_size=4))
def test_covered_is_covered_at_every_moment(
    one: TimeRange, others: list[TimeRange], more: list[datetime]
) -> None:
    moments = {
        *more,
        one.begin or datetime.min,
        *(b for r in others for b in (r.begin, r.end) if b is not None),
    }
    inside = [moment for moment in moments if one.contains(moment)]
    assert one.covered(others) == all(any(r.contains(moment) for r in others) for moment in inside)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 9, 18), "2026-09-18"),
        (datetime(2026, 9, 18, 12), "2026-09-18T12:00:00"),
        (datetime(2026, 9, 18, 12, 30, 0, 500_000), "2026-09-18T12:30:00.5"),
    ],
)
def test_moments_are_written_short(moment: datetime, text: str) -> None:
    assert text_of_moment(moment) == text


def test_ranges_are_written_for_observers() -> None:
    assert str(TimeRange.of("2026-09-18", "2026-09-19 12:00:00")) == "2026-09-18 to 2026-09-19T12:00:00"
    assert TimeRange.of("2026-09-18", "9999-12-31").interval == "[2026-09-18, open) TAI"
    assert str(night_of(datetime(2026, 9, 18).date())) == "2026-09-18T12:00:00 to 2026-09-19T12:00:00"


def test_what_is_no_date_is_refused() -> None:
    with pytest.raises(ValueError, match="soon"):
        TimeRange.of("soon", None)
