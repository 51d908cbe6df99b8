"""The butler in memory answers as a real one does, and its jobs read and write what those of cp_pipe do."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from astropy.nddata import CCDData
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st
from lsst.daf.butler import Butler, CollectionType, DatasetRef, Timespan

from lsst.ts.calibscripts.errors import ConflictError, RepositoryError, StatisticsError
from lsst.ts.calibscripts.ground.time_range import TimeRange
from lsst.ts.calibscripts.repository import ButlerRepository, Certification, Repository, lacking
from lsst.ts.calibscripts.summit.butler.repository import make_repository
from lsst.ts.calibscripts.summit.hardware.focalplane import detectors
from lsst.ts.calibscripts.summit.hardware.observation import Observation
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.testing.memory import (
    Behaviour,
    CollectionKind,
    Dataset,
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    Trouble,
    Verification,
    reference_calibrations,
)
from lsst.ts.calibscripts.testing.memory.statistics import statistics
from lsst.ts.calibscripts.verification import RunStatistics, judge, parse_statistics

CAMERA = "LSSTComCam"
DAILY = f"{CAMERA}/calib/daily"
RUN = "u/ocps/job1/run"
STATISTICS = ("verifyBiasStats", "verifyBiasExpStats", "verifyBiasDetStats")


class World(Protocol):
    """A repository, and what others do to it."""

    repository: Repository

    def put(self, dataset_type: str, run: str, value: Any = None, **data_id: Any) -> Any: ...
    def certify(self, collection: str, datasets: list[Any], begin: str | None, end: str | None) -> None: ...
    def chain(self, collection: str, *children: str) -> None: ...


@dataclass
class MemoryWorld:
    butler: MemoryButler = field(default_factory=MemoryButler)

    def __post_init__(self) -> None:
        self.repository: Repository = MemoryRepository(self.butler)

    def put(self, dataset_type: str, run: str, value: Any = None, **data_id: Any) -> Dataset:
        return self.butler.put(dataset_type, run, CAMERA, value=value, **data_id)

    def certify(self, collection: str, datasets: list[Any], begin: str | None, end: str | None) -> None:
        self.butler.certify(collection, datasets, TimeRange.of(begin, end))

    def chain(self, collection: str, *children: str) -> None:
        self.butler.register(collection, CollectionKind.CHAINED, children)


@dataclass
class RealWorld:
    butler: Butler
    repository: Repository

    def put(self, dataset_type: str, run: str, value: Any = None, **data_id: Any) -> DatasetRef:
        self.butler.collections.register(run)
        image = CCDData(np.zeros((2, 2), dtype=np.float32), unit="adu")
        return self.butler.put(value or image, dataset_type, {"instrument": CAMERA, **data_id}, run=run)

    def certify(self, collection: str, datasets: list[Any], begin: str | None, end: str | None) -> None:
        self.butler.collections.register(collection, CollectionType.CALIBRATION)
        times = (None if date is None else Time(date, scale="tai") for date in (begin, end))
        self.butler.registry.certify(collection, datasets, Timespan(*times))

    def chain(self, collection: str, *children: str) -> None:
        self.butler.collections.register(collection, CollectionType.CHAINED)
        self.butler.collections.redefine_chain(collection, children)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_repository(tmp_path_factory.mktemp("template") / "repo", [CAMERA])


@pytest.fixture(params=["memory", "real"])
def world(request: pytest.FixtureRequest, template: str, tmp_path: Path) -> Iterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
        return
    repo = str(shutil.copytree(template, tmp_path / "repo"))
    repository = ButlerRepository(repo)
    repository.check(writing=True)
    with Butler.from_config(repo, writeable=True) as butler:
        yield RealWorld(butler, repository)
    repository.close()


def wanted(
    product: str = "BIAS",
    begin: str | None = "2026-01-01",
    end: str | None = "2027-01-01",
    detectors: tuple[int, ...] = (0, 1),
    physical_filter: str | None = None,
    collection: str = DAILY,
) -> Certification:
    validity = TimeRange.of(begin, end)
    return Certification(product, CAMERA, product.lower(), collection, validity, detectors, physical_filter)


def yes() -> bool:
    return True


def test_the_whole_protocol_is_there():
    asked = {name for name, value in vars(Repository).items() if callable(value) and name[0] != "_"}
    assert asked <= vars(MemoryRepository).keys()


def test_collections_and_detectors(world: World):
    world.put("bias", RUN, detector=0)
    assert world.repository.missing_collections([RUN, "no/such", RUN]) == ("no/such",)
    names = [(d.id, d.name, d.raft, d.sensor) for d in world.repository.detectors(CAMERA)]
    assert len(names) == 9
    assert names[4] == (4, "R22_S11", "R22", "S11")


def test_the_run_of_a_job(world: World):
    world.put("bias", RUN, detector=0)
    world.chain("u/ocps/job1", RUN)
    world.put("bias", "u/ocps/job2", detector=0)
    runs = [world.repository.run_of(job) for job in ("job1", "job2", "job3")]
    assert runs == [RUN, "u/ocps/job2", None]


def test_only_what_the_run_itself_holds_was_made(world: World):
    world.put("bias", RUN, detector=0)
    world.put("bias", RUN, detector=2)
    world.put("bias", "older/run", detector=1)
    world.chain("u/ocps/job1", RUN, "older/run")
    assert world.repository.made(RUN, "bias").keys() == {0, 2}
    assert world.repository.made(RUN, "dark") == {}
    assert world.repository.made("no/such", "bias") == {}


def test_calibrations_that_lack(world: World):
    bias = [world.put("bias", "reference/run", detector=detector) for detector in (0, 1)]
    flat = world.put("flat", "reference/run", detector=0, physical_filter="r_03")
    world.certify("reference", [*bias, flat], "1990-01-01", "1991-01-01")
    world.chain("all", "reference")
    then, now = [TimeRange.of("1990-12-31", "1991-01-01")], [TimeRange.of("2026-09-17", "2026-09-20")]
    both = [TimeRange.of("1990-12-31", "1991-01-02")]

    def without(
        kind: str, detectors: list[int], physical_filter: str | None, when: list[TimeRange], *where: str
    ) -> tuple[int, ...]:
        sources = world.repository.sources(kind, CAMERA, ["all", *where], physical_filter, when)
        return lacking(sources, detectors, when)

    assert without("bias", [0, 1, 2], None, then) == (2,)
    assert without("flat", [0, 1], "r_03", then) == (1,)
    assert without("flat", [0, 1], "g_01", then) == (0, 1)
    assert without("bias", [0, 1, 2], None, now) == (0, 1, 2)
    # It ends while images are taken; one that follows at once will do.
    assert without("bias", [0, 1], None, both) == (0, 1)
    world.certify("reference", [world.put("bias", "later/run", detector=0)], "1991-01-01", "1992-01-01")
    assert without("bias", [0, 1], None, both) == (1,)
    assert without("bias", [0], None, [*then, *now]) == (0,)
    assert without("bias", [0, 1, 2], None, now, "reference/run") == (2,)


@pytest.mark.parametrize(
    ("asked", "clashes"),
    [
        (wanted(), True),
        (wanted(begin="2026-12-31", end=None), True),
        (wanted(begin=None, end="2026-01-02"), True),
        (wanted(begin=None, end=None), True),
        (wanted(begin="2027-01-01", end="2028-01-01"), False),
        (wanted(begin="2025-01-01", end="2026-01-01"), False),
        (wanted(detectors=(1, 2)), False),
        (wanted("DARK"), False),
        (wanted("FLAT"), True),
        (wanted("FLAT", physical_filter="r_03"), True),
        (wanted("FLAT", physical_filter="g_01"), False),
        (wanted(collection="another/calib"), False),
    ],
    ids=str,
)
def test_conflicts(world: World, asked: Certification, clashes: bool):
    bias = world.put("bias", RUN, detector=0)
    flat = world.put("flat", RUN, detector=0, physical_filter="r_03")
    world.certify(DAILY, [bias, flat], "2026-01-01", "2027-01-01")
    found = world.repository.conflicts(asked)
    assert bool(found) == clashes
    assert all(DAILY in str(conflict) and "overlaps" in str(conflict) for conflict in found)


def test_another_kind_of_collection_is_a_conflict(world: World):
    world.put("bias", RUN, detector=0)
    (conflict,) = world.repository.conflicts(wanted(collection=RUN))
    assert "is a RUN collection" in str(conflict)


def test_certify_and_certify_again(world: World):
    made = [world.put("bias", RUN, detector=detector) for detector in (0, 1, 2)]
    assert world.repository.conflicts(wanted()) == ()
    ids = world.repository.certify(wanted(), RUN, yes)
    assert ids is not None
    assert set(ids) == {str(dataset.id) for dataset in made[:2]}
    then = [TimeRange.of("2026-09-17", "2026-09-20")]
    sources = world.repository.sources("bias", CAMERA, [DAILY], None, then)
    assert lacking(sources, [0, 1, 2], then) == (2,)
    world.put("bias", "second/run", detector=0)
    with pytest.raises(ConflictError, match=f"{DAILY} already holds bias"):
        world.repository.certify(wanted(detectors=(0,)), "second/run", yes)
    later = wanted(begin="2027-01-01", end=None, detectors=(0,))
    assert world.repository.certify(later, "second/run", yes) is not None


def test_nothing_is_certified_when_it_may_not(world: World):
    for detector in (0, 1):
        world.put("bias", RUN, detector=detector)
    assert world.repository.certify(wanted(), RUN, lambda: False) is None
    assert world.repository.conflicts(wanted()) == ()
    with pytest.raises(RepositoryError, match="holds no bias for detector 2: where it was removed"):
        world.repository.certify(wanted(detectors=(0, 2)), RUN, yes)
    assert world.repository.conflicts(wanted()) == ()


def test_statistics_of_a_run(world: World):
    world.put("bias", RUN, detector=0)
    assert world.repository.statistics(RUN, STATISTICS).run == ()
    levels: dict[Any, Any] = {2026091800001: {"SUCCESS": True}, "SUCCESS": True}
    world.put("verifyBiasStats", RUN, levels)
    found = world.repository.statistics(RUN, STATISTICS)
    assert [dict(level) for level in found.run] == [levels]
    assert found.verified == frozenset()


# Without a counterpart.


@pytest.mark.parametrize("outcome", Verification)
@given(n_exposures=st.integers(1, 20), n_detectors=st.integers(1, 9))
def test_statistics_say_what_they_are_to_say(outcome: Verification, n_exposures: int, n_detectors: int):
    exposures = list(range(2026091800001, 2026091800001 + n_exposures))
    names = [detector.full_name for detector in detectors(CAMERA)[:n_detectors]]
    levels = statistics(outcome, exposures, names)
    if levels.run is None or isinstance(levels.run, Exception):
        assert outcome in (Verification.MISSING, Verification.UNREADABLE)
        return
    if outcome is Verification.DAMAGED:
        with pytest.raises(StatisticsError):
            parse_statistics(levels.run)
        return
    ids = {detector.full_name: detector.id for detector in detectors(CAMERA)[:n_detectors]}
    verified = frozenset((exposure, ids[name]) for exposure, name in levels.detectors)
    skipped = RunStatistics((levels.run,), {}, {}, verified).skipped(exposures, ids.values())
    assert skipped == ((n_detectors - 1,) if outcome is Verification.SKIPS else ())
    if skipped:
        return
    parsed = parse_statistics(levels.run, exposure_stats=levels.exposures, detector_stats=levels.detectors)
    verdict = judge(parsed, exposures=exposures, detectors=names, threshold=8, image_type="BIAS")
    assert verdict.passed == outcome.passes(n_detectors)


def test_a_validity_range_selects():
    butler = MemoryButler()
    old, new = (butler.put("bias", f"run{n}", CAMERA, detector=0) for n in (1, 2))
    butler.certify(DAILY, [old], TimeRange.of(None, "2026-01-01"))
    butler.certify(DAILY, [new], TimeRange.of("2026-01-01", None))
    moment = datetime(2026, 1, 1)
    assert butler.find(new.place, [DAILY], moment) is new
    assert butler.find(new.place, ["run1", DAILY], moment) is old


def test_unknown_collections_are_errors():
    butler = MemoryButler()
    with pytest.raises(RepositoryError, match="Collection no/such does not exist"):
        list(butler.all("bias", CAMERA, ["no/such"]))
    butler.register("a/run", CollectionKind.RUN)
    with pytest.raises(RepositoryError, match="a/run is a RUN collection"):
        butler.certify("a/run", [])


def test_troubles_come_when_they_are_to():
    held: list[float] = []
    troubles = [Trouble("made", at=2, error=OSError("no route to host")), Trouble("check", seconds=70.0)]
    repository = MemoryRepository(MemoryButler(), troubles, held.append)
    assert repository.made(RUN, "bias") == {}
    with pytest.raises(OSError, match="no route"):
        repository.made(RUN, "bias")
    assert repository.made(RUN, "bias") == {}
    repository.check(writing=True)
    assert held == [70.0]


@dataclass
class Stage:
    """A butler with images and reference calibrations, and the jobs that run on it."""

    butler: MemoryButler
    n_jobs: int = 0

    async def run(
        self, name: str, exposures: str, inputs: str = f"{CAMERA}/calib", data: str = "0..1", **behaviour: Any
    ) -> tuple[int, str]:
        self.n_jobs += 1
        job = Job(
            f"job{self.n_jobs}",
            CAMERA,
            f"${{CP_PIPE_DIR}}/pipelines/{CAMERA}/{name}",
            f"-j 8 -i {inputs} --register-dataset-types",
            f"instrument='{CAMERA}' AND detector IN ({data}) AND exposure IN ({exposures})",
            number=1,
            submitted=0.0,
        )
        runner = MemoryRunner(self.butler, lambda job: Behaviour(**behaviour))
        return await runner.run(job), f"u/ocps/{job.job_id}/run"


@pytest.fixture
async def stage() -> Stage:
    butler = MemoryButler()
    reference_calibrations(butler, CAMERA, [0, 1])
    ingest = MemoryIngest(butler)
    for number, image_type in enumerate(("BIAS", "BIAS", "FLAT", "FLAT"), start=1):
        begin = Time("2026-09-18T20:00:00", scale="tai")
        observation = Observation(CAMERA, 20260918, number, image_type, 5.0, 5.0, begin, "r_03", rate=1000.0)
        await ingest(observation, detectors(CAMERA)[:3])
    return Stage(butler)


async def test_ingested_images_are_found(stage: Stage):
    repository = MemoryRepository(stage.butler)
    assert repository.ingested(CAMERA, [2026091800001]) == {(2026091800001, d) for d in range(3)}
    assert repository.level(CAMERA, 2026091800003, 1).level == 5000.0
    (record,) = repository.exposures(CAMERA, [2026091800003, 1])
    assert (record.image_type, record.physical_filter) == ("FLAT", "r_03")
    with pytest.raises(RepositoryError, match="no raw image of exposure 7"):
        repository.level(CAMERA, 7, 1)


async def test_a_job_reads_the_first_of_its_inputs(stage: Stage):
    _, bias = await stage.run("cpBias.yaml", "2026091800001,2026091800002")
    code, flat = await stage.run(
        "cpFlat.yaml", "2026091800003,2026091800004", f"{bias},{CAMERA}/calib", "0,1"
    )
    assert code == 0
    found = {d.detector: d for d in stage.butler.datasets(flat, "flat")}
    assert {d.physical_filter for d in found.values()} == {"r_03"}
    runs = [(origin.dataset_type, origin.run) for origin in found[1].inputs]
    reference = f"{CAMERA}/calib/reference/run"
    assert runs == [("raw", f"{CAMERA}/raw/all")] * 2 + [("bias", bias), ("dark", reference)]


@pytest.mark.parametrize(
    ("name", "exposures", "options"),
    [
        ("noSuch.yaml", "2026091800001", {}),
        ("cpBias.yaml", "2026091800099", {}),
        ("cpBias.yaml", "2026091800001", {"inputs": "no/such"}),
        ("cpDark.yaml", "2026091800001", {"data": "2"}),
        ("cpBias.yaml", "2026091800001", {"exit_code": 1}),
        ("cpBias.yaml", "", {}),
    ],
    ids=["pipeline", "exposures", "collection", "calibration", "failure", "selection"],
)
async def test_a_job_that_fails_writes_nothing(stage: Stage, name: str, exposures: str, options: Any):
    code, run = await stage.run(name, exposures, **options)
    assert code == 1
    assert run not in stage.butler.collections


async def test_missing_images_are_left_out_silently(stage: Stage):
    code, run = await stage.run("cpBias.yaml", "2026091800001,2026091800099", data="0..8")
    assert code == 0
    assert MemoryRepository(stage.butler).made(run, "bias").keys() == {0, 1, 2}


async def test_a_verification_writes_statistics_of_three_levels(stage: Stage):
    code, run = await stage.run(
        "verifyBias.yaml",
        "2026091800001,2026091800002",
        writes_not=frozenset({0}),
        verification=Verification.VAGUE_FAILS,
    )
    found = MemoryRepository(stage.butler).statistics(run, STATISTICS)
    assert code == 0
    assert found.run[0][2026091800002] == {"SUCCESS": False, "FAILURES": []}
    assert found.verified == {(2026091800001, 1), (2026091800002, 1)}
    assert found.skipped((2026091800001, 2026091800002), (0, 1)) == (0,)
    assert len(found.exposures[2026091800001]["R22_S01"]["FAILURES"]) == 16


async def test_gains_are_read_back(stage: Stage):
    _, run = await stage.run("cpPtc.yaml#cpPtcGainFromFlatPairs", "2026091800003,2026091800004")
    gains = MemoryRepository(stage.butler).gains(run, ("ptc", "cpPtcPartial"))
    assert [(gain.detector, gain.exposures) for gain in gains] == [
        (0, (2026091800003, 2026091800004)),
        (1, (2026091800003, 2026091800004)),
    ]
    assert len(gains[0].gain) == 16


async def test_a_cancelled_job_has_written_nothing(stage: Stage):
    job = asyncio.create_task(stage.run("cpBias.yaml", "2026091800001", seconds=100.0))
    await asyncio.sleep(50.0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert "u/ocps/job1/run" not in stage.butler.collections
