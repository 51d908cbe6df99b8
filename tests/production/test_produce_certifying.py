"""Validity ranges, and what stands in the way of a certification."""

from datetime import datetime

import pytest
from production_support import association, ids, selection

from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.ground.time_range import TimeRange
from lsst.ts.calibscripts.production.selection.selection import ExposureChoice
from lsst.ts.calibscripts.production.steps.certifying import conflicts, validity_range

BIAS = ExposureChoice("bias", ids(2, 3))
FLAT = ExposureChoice("flat-g", ids(2, 3), physical_filter="SDSSg_65mm~empty")


def test_dates_are_read():
    assert validity_range("2024-04-10", None) == TimeRange(datetime(2024, 4, 10))
    assert validity_range("2024-04-10T12:30", "2024-05-01") == TimeRange(
        datetime(2024, 4, 10, 12, 30), datetime(2024, 5, 1)
    )


def test_the_last_day_is_an_open_end():
    assert validity_range("2024-04-10", "9999-12-31").end is None
    assert validity_range("2024-04-10", "2024-05-01").texts == ("2024-04-10", "2024-05-01")


@pytest.mark.parametrize(
    ("begin", "end", "problem"),
    [
        ("10 April", None, "--begin-date: '10 April' is not a date: write YYYY-MM-DD"),
        ("2024-04-10", "soon", "--end-date: 'soon' is not a date: write YYYY-MM-DD"),
        ("2024-02-30", None, "--begin-date: '2024-02-30' is not a date that exists"),
        (
            "2150-01-01",
            None,
            "--begin-date: 2150-01-01 is too late, the butler keeps dates from 1970",
        ),
        ("2024-04-10", "2206-11-27", "--end-date: 2206-11-27 is too late"),
        ("2024-04-10", "2024-04-10", "--end-date: 2024-04-10 is not after --begin-date 2024-04-10"),
    ],
)
def test_dates_that_are_none(begin: str, end: str | None, problem: str):
    with pytest.raises(ConfigurationError, match=problem):
        validity_range(begin, end)


@pytest.mark.parametrize(
    ("begin", "end", "overlaps"),
    [
        (None, None, True),
        ("2024-04-01T00:00:00.000", "2024-04-10T00:00:00.000", False),
        ("2024-04-01T00:00:00.000", "2024-04-10T00:00:00.001", True),
        ("2024-04-19T00:00:00.000", None, True),
        ("2024-04-20T00:00:00.000", None, False),
        (None, "2024-04-09T00:00:00.000", False),
    ],
)
def test_ranges_are_half_open(begin: str | None, end: str | None, overlaps: bool):
    found = [
        *conflicts(
            selection(BIAS),
            BIAS,
            [association(begin=begin, end=end)],
            validity_range("2024-04-10", "2024-04-20"),
        )
    ]
    assert bool(found) is overlaps
    assert all("already holds a bias of detector 0" in text for text in found)


@pytest.mark.parametrize(
    ("other", "clashes"),
    [
        (association("flat", physical_filter="SDSSg_65mm~empty"), True),
        (association("flat", physical_filter="SDSSr_65mm~empty"), False),
        (association("flat", physical_filter="SDSSg_65mm~empty", detector="1"), False),
        (association("dark"), False),
    ],
)
def test_only_the_same_data_clash(other, clashes: bool):
    assert bool([*conflicts(selection(FLAT), FLAT, [other], validity_range("2024-04-10", None))]) is clashes
