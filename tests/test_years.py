"""A repository in which a bias was certified every day: no question reads more of the days than it needs."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.nddata import CCDData
from astropy.time import Time
from lsst.daf.butler import Butler, CollectionType, Timespan
from sqlalchemy import Engine, event

from lsst.ts.calibscripts.ground.time_range import TimeRange
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.repository import ButlerRepository, Certification
from lsst.ts.calibscripts.repository.archive import Archive
from lsst.ts.calibscripts.repository.production import ProductionRepository
from lsst.ts.calibscripts.repository.production_records import Exposed
from lsst.ts.calibscripts.summit.butler.repository import make_repository, register_exposure

RUN, DAILY, CHAIN = "made/run", "LATISS/calib/daily", "LATISS/calib"
DAYS = 120
FIRST = datetime(2026, 1, 1)
MIDDLE, AFTER = 2026022000001, 2026091800001
MOST = 22
"""Rows; a question that reads all days gets `DAYS` of them. The most are read to say that many are in the way."""

WANTED = Certification("BIAS", "LATISS", "bias", DAILY, TimeRange.of("2026-09-18", "2026-09-19"), (0,))
ALL_YEAR = replace(WANTED, validity=TimeRange.of("2025-01-01", "2027-01-01"))
NIGHT = TimeRange.of("2026-09-18", "2026-09-19")


def exposed(exposure: int) -> Exposed:
    return Exposed("LATISS", exposure, (0,), CHAIN)


CALLS: Mapping[str, tuple[type[ButlerRepository], Callable[[Any], Any]]] = {
    "conflicts": (ButlerRepository, lambda r: r.conflicts(WANTED)),
    "conflicts of all days": (ButlerRepository, lambda r: r.conflicts(ALL_YEAR)),
    "certify": (ButlerRepository, lambda r: r.certify(WANTED, RUN, lambda: True)),
    "sources": (ButlerRepository, lambda r: r.sources("bias", "LATISS", [CHAIN], None, [NIGHT])),
    "others": (ButlerRepository, lambda r: r.others("bias", "LATISS", (0,), [CHAIN], NIGHT)),
    "what an exposure gets": (ProductionRepository, lambda r: r.found("bias", exposed(MIDDLE))),
    "what there is instead": (ProductionRepository, lambda r: r.instead("bias", exposed(AFTER))),
    "where a run is certified": (
        Archive,
        lambda r: r.certified("LATISS", {StepId(Action.GENERATE, "BIAS"): RUN}, ()),
    ),
}


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("years") / "repo"
    with Butler.from_config(make_repository(root, ["LATISS"]), writeable=True) as butler:
        for exposure, time in ((MIDDLE, "2026-02-20T20:00:00"), (AFTER, "2026-09-18T20:00:00")):
            register_exposure(butler, header(exposure, time))
        butler.collections.register(RUN, CollectionType.RUN)
        ref = butler.put(
            CCDData(np.zeros((4, 4), np.float32), unit="electron"),
            "bias",
            instrument="LATISS",
            detector=0,
            run=RUN,
        )
        butler.collections.register(DAILY, CollectionType.CALIBRATION)
        butler.collections.redefine_chain(CHAIN, [DAILY])
        with butler.transaction():
            for day in range(DAYS):
                begin, end = (Time(FIRST + timedelta(days=n), scale="tai") for n in (day, day + 1))
                butler.registry.certify(DAILY, [ref], Timespan(begin, end))
    return root


def header(exposure: int, time: str) -> dict[str, Any]:
    day, number = divmod(exposure, 100_000)
    return {
        "INSTRUME": "LATISS",
        "DAYOBS": day,
        "SEQNUM": number,
        "OBSID": f"AT_O_{day}_{number:06d}",
        "FILTER": "SDSSr_65mm",
        "GRATING": "empty_1",
        "GROUPID": str(exposure),
        "IMGTYPE": "BIAS",
        "REASON": "",
        "PROGRAM": "",
        "EXPTIME": 0.0,
        "DARKTIME": 0.0,
        "DATE-BEG": time,
        "DATE-END": time.replace("00:00", "00:02"),
    }


@pytest.fixture
def root(years: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(years, tmp_path / "repo"))


@pytest.fixture
def asked() -> Iterator[list[tuple[str, Any]]]:
    """Statements that read what is certified, with their values."""
    found: list[tuple[str, Any]] = []

    @event.listens_for(Engine, "after_cursor_execute")
    def note(_: Any, cursor: Any, statement: str, values: Any, *others: Any) -> None:
        if statement.startswith("SELECT") and "FROM dataset_calibs_" in statement:
            found.append((statement, values))

    yield found
    event.remove(Engine, "after_cursor_execute", note)


@pytest.mark.parametrize("name", CALLS)
def test_a_question_reads_the_days_it_needs(root: Path, asked: list[tuple[str, Any]], name: str):
    kind, call = CALLS[name]
    repository = kind(str(root))
    if name == "certify":
        repository.check(writing=True)
    try:
        call(repository)
    finally:
        repository.close()
    assert asked
    database = sqlite3.connect(root / "gen3.sqlite3")
    rows = [len(database.execute(statement, values).fetchall()) for statement, values in asked]
    database.close()
    assert max(rows) <= MOST


def test_many_ranges_in_the_way_are_one_sentence(root: Path):
    repository = ButlerRepository(str(root))
    (conflict,) = repository.conflicts(ALL_YEAR)
    repository.close()
    assert str(conflict).startswith(
        f"{DAILY} already holds bias (detector 0) valid in many ranges within 2026-01-01 to 2026-05-01, which "
        "overlaps 2025-01-01 to 2027-01-01:"
    )


def test_a_few_ranges_in_the_way_are_named_one_by_one(root: Path):
    repository = ButlerRepository(str(root))
    found = repository.conflicts(replace(WANTED, validity=TimeRange.of("2026-01-03T12:00:00", "2026-01-06")))
    repository.close()
    assert [str(conflict.range) for conflict in found] == [
        "2026-01-03 to 2026-01-04",
        "2026-01-04 to 2026-01-05",
        "2026-01-05 to 2026-01-06",
    ]


def test_the_nearest_of_years_are_named_instead(root: Path):
    repository = ButlerRepository(str(root))
    found = repository.others("bias", "LATISS", (0,), [CHAIN], NIGHT)
    repository.close()
    assert [(valid.collection, str(valid.validity), valid.near) for valid in found] == [
        (DAILY, "2026-04-30 to 2026-05-01", True)
    ]


def test_what_an_exposure_gets_of_years(root: Path):
    repository = ProductionRepository(str(root))
    ((one,),) = repository.found("bias", exposed(MIDDLE)).values()
    assert str(one.validity) == "2026-02-20 to 2026-02-21"
    assert repository.found("bias", exposed(AFTER)) == {}
    assert [str(one.validity) for one in repository.instead("bias", exposed(AFTER))] == [
        "2026-04-28 to 2026-04-29",
        "2026-04-29 to 2026-04-30",
        "2026-04-30 to 2026-05-01",
    ]
    repository.close()


def test_a_run_certified_every_day_is_certified_until_the_last(root: Path):
    with closing(Archive(str(root))) as archive:
        found = archive.certified("LATISS", {StepId(Action.GENERATE, "BIAS"): RUN}, ())
        assert archive.runs_of([DAILY]) == (RUN,)
    assert {name: (where, str(validity)) for name, (where, validity) in found.items()} == {
        "BIAS": (DAILY, "2026-04-30 to 2026-05-01")
    }
