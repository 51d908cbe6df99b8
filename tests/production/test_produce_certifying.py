"""Validity ranges, and what stands in the way of a certification."""

import pytest
from production_support import association, ids, selection

from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.production.certifying import Validity, conflicts
from lsst.ts.calibscripts.production.selection import ExposureChoice

BIAS = ExposureChoice("bias", ids(2, 3))
FLAT = ExposureChoice("flat-g", ids(2, 3), physical_filter="SDSSg_65mm~empty")


def test_dates_are_read_as_the_butler_gives_them_back():
    assert Validity("2024-04-10").bounds == ("2024-04-10T00:00:00.000", None)
    assert Validity("2024-04-10T12:30", "2024-05-01").bounds == (
        "2024-04-10T12:30:00.000",
        "2024-05-01T00:00:00.000",
    )


def test_the_last_day_is_an_open_end():
    validity = Validity("2024-04-10", "9999-12-31")
    assert (validity.bounds[1], validity.given_end) == (None, None)
    assert Validity("2024-04-10", "2024-05-01").given_end == "2024-05-01"


def test_nothing_is_before_1970():
    assert Validity("1950-01-01").bounds[0] == "1970-01-01T00:00:00.000"


@pytest.mark.parametrize(
    ("begin", "end", "problem"),
    [
        ("10 April", None, "is not an ISO 8601 date"),
        ("2024-04-10", "soon", "'soon' is not an ISO 8601 date"),
        (
            "2150-01-01",
            None,
            "--begin-date: 2150-01-01T00:00:00.000 is too late, the butler keeps dates from 1970",
        ),
        ("2024-04-10", "2206-11-27", "--end-date: 2206-11-27T00:00:00.000 is too late"),
        ("2024-04-10", "2024-04-10", "ends at 2024-04-10, not after 2024-04-10"),
    ],
)
def test_dates_that_are_none(begin: str, end: str | None, problem: str):
    with pytest.raises(ConfigurationError, match=problem):
        Validity(begin, end)


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
            Validity("2024-04-10", "2024-04-20"),
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
    assert bool([*conflicts(selection(FLAT), FLAT, [other], Validity("2024-04-10"))]) is clashes
