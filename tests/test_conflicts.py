"""What stands in the way of certifications is said once, and what is proposed is free."""

import itertools
import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsst.ts.calibscripts.config import ConfigValidator, LatissConfig, json_schema, last_night, parse
from lsst.ts.calibscripts.errors import ConflictError
from lsst.ts.calibscripts.ground.time_range import TimeRange
from lsst.ts.calibscripts.preflight.conflicts import conflict_problems
from lsst.ts.calibscripts.repository import Certification, Conflict
from lsst.ts.calibscripts.testing.memory import MemoryButler, MemoryRepository

DAILY = "LATISS/calib/daily"
NIGHT = date(2026, 11, 26)
TYPES = ("BIAS", "DARK", "FLAT")


class World:
    """A butler in memory with what was certified before."""

    def __init__(self) -> None:
        self.butler = MemoryButler()
        self.repository = MemoryRepository(self.butler)
        self._runs = itertools.count()

    def certify(
        self, product: str, begin: str | None, end: str | None, collection: str = DAILY, detector: int = 0
    ) -> None:
        run = f"u/ocps/{next(self._runs)}/run"
        flat = {"physical_filter": "r~empty"} if product == "FLAT" else {}
        dataset = self.butler.put(product.lower(), run, "LATISS", detector=detector, **flat)
        self.butler.certify(collection, [dataset], TimeRange.of(begin, end))

    def problems(self, wanted: tuple[Certification, ...]) -> list[str]:
        found = {each: self.repository.conflicts(each) for each in wanted}
        return list(conflict_problems(self.repository, found, NIGHT))


def wanted(begin: str | None, end: str | None, collection: str = DAILY) -> tuple[Certification, ...]:
    return tuple(
        Certification(
            product=name,
            instrument="LATISS",
            dataset_type=name.lower(),
            collection=collection,
            validity=TimeRange.of(begin, end),
            detectors=(0, 1),
            physical_filter="r~empty" if name == "FLAT" else None,
        )
        for name in TYPES
    )


@pytest.fixture
def world() -> World:
    return World()


def test_all_types_are_said_once_in_the_dates_of_the_user(world: World) -> None:
    for product in TYPES:
        world.certify(product, None, "2050-01-01")
    assert world.problems(wanted("1950-01-01", "2050-01-01")) == [
        "calib_collection: LATISS/calib/daily already holds bias, dark and flat in r~empty (detector 0) valid "
        "1950-01-01 to 2050-01-01, which overlaps 1950-01-01 to 2050-01-01. Set calib_collection to "
        "LATISS/calib/daily/calib.2026NOV26.1, which does not exist yet."
    ]


def test_dates_are_proposed_where_they_are_free(world: World) -> None:
    world.certify("BIAS", "2026-11-20", "2026-11-21T12:00:00.000")
    world.certify("DARK", "2026-11-20", "2026-11-21T12:00:00.000", detector=1)
    world.certify("FLAT", "2026-11-22", None, detector=7)
    assert world.problems(wanted(None, None)) == [
        "calib_collection: LATISS/calib/daily already holds bias (detector 0), dark (detector 1) valid 2026-11-20 to "
        "2026-11-21T12:00:00, which overlaps open to open. Set calib_collection to "
        "LATISS/calib/daily/calib.2026NOV26.1, which does not exist yet; or set certify_calib_begin_date to "
        '"2026-11-26T12:00:00" and certify_calib_end_date to "2026-11-27T12:00:00", where nothing is certified yet.'
    ]


@pytest.mark.parametrize(
    ("collection", "free"),
    [
        (DAILY, f"{DAILY}/calib.2026NOV26.1"),
        ("LATISS/calib", f"{DAILY}/calib.2026NOV26.1"),
        ("u/me/tests", "u/me/tests/calib.2026NOV26.1"),
        (f"{DAILY}/calib.2026NOV26.1", f"{DAILY}/calib.2026NOV26.2"),
        (f"{DAILY}/calib.2026SEP18.3", f"{DAILY}/calib.2026NOV26.1"),
    ],
)
def test_the_collection_proposed_is_named_as_in_the_documents(
    world: World, collection: str, free: str
) -> None:
    world.certify("BIAS", None, None, collection)
    (text,) = world.problems(wanted(None, None, collection))
    assert f"Set calib_collection to {free}, which does not exist yet." in text


def test_another_kind_of_collection_is_said_once(world: World) -> None:
    world.butler.put("bias", "u/me/run", "LATISS", detector=0)
    assert world.problems(wanted(None, None, "u/me/run")) == [
        "calib_collection: u/me/run is a RUN collection, so nothing can be certified into it. Set calib_collection "
        "to u/me/run/calib.2026NOV26.1, which does not exist yet."
    ]


MOMENTS = st.none() | st.sampled_from(
    [
        "1950-01-01",
        "2026-11-20",
        "2026-11-26",
        "2026-11-26T12:00:00",
        "2026-11-27T12:00:00",
        "2026-12-01",
        "2050-01-01",
    ]
)
RANGES = st.tuples(MOMENTS, MOMENTS).filter(lambda r: None in r or str(r[0]) < str(r[1]))
PRESENT = st.tuples(st.sampled_from(TYPES), RANGES, st.integers(0, 2))


@settings(max_examples=200)
@given(st.lists(PRESENT, max_size=4), RANGES)
def test_what_is_proposed_is_free(
    present: list[tuple[str, tuple[str | None, str | None], int]], asked: tuple[str | None, str | None]
) -> None:
    world = World()
    for product, dates, detector in present:
        # Some overlap each other, and stay out.
        with suppress(ConflictError):
            world.certify(product, *dates, detector=detector)
    all_wanted = wanted(*asked)
    in_the_way = [c for each in all_wanted for c in world.repository.conflicts(each)]
    problems = world.problems(all_wanted)
    assert len(problems) == bool(in_the_way)
    for text in problems:
        assert text.count("Set calib_collection to") == 1
        free = re.search(r"Set calib_collection to (\S+?)[,.]? which does not", text)
        assert free is not None
        assert world.repository.missing_collections([free[1].rstrip(",")])
        if dates := re.search(r'begin_date to "(\S+)" and certify_calib_end_date to "(\S+)"', text):
            for each in all_wanted:
                assert not world.repository.conflicts(
                    replace(each, validity=TimeRange.of(dates[1], dates[2]))
                )


def test_an_open_begin_is_the_users_only_where_his_means_the_same() -> None:
    (bias, *_) = wanted("1960-05-05", None)
    present = TimeRange.of(None, "2026-11-26T12:30:00.500")
    assert str(Conflict(bias, present).range) == "1960-05-05 to 2026-11-26T12:30:00.5"
    later = replace(bias, validity=TimeRange.of("2026-01-01", None))
    assert str(Conflict(later, TimeRange.of(None, "2027-01-01 00:00:00")).range) == "open to 2027-01-01"


@pytest.mark.parametrize(
    ("exposures", "night"),
    [
        (None, date(2026, 11, 25)),
        ({"BIAS": [2026111800001]}, date(2026, 11, 25)),
        ({"BIAS": [2026111800001], "DARK": [2026111900001]}, date(2026, 11, 19)),
    ],
)
def test_the_night_is_that_of_the_last_images(exposures: dict[str, list[int]] | None, night: date) -> None:
    validator = ConfigValidator(json_schema(LatissConfig), LatissConfig)
    config = parse(validator.validate({"script_mode": "BIAS_DARK", "exposures": exposures}), LatissConfig)
    assert last_night(config, datetime(2026, 11, 26, 3, tzinfo=UTC)) == night
