"""Misbehaviour of a real butler repository."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from lsst.daf.butler import Butler
from lsst.daf.butler.registry import CollectionType

from lsst.ts.calibscripts.summit.butler.rehearsal import make_rehearsal_repository
from lsst.ts.calibscripts.summit.faults.faults import Faults
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.ocps.repository_faults import FaultyRepository, spoil
from lsst.ts.calibscripts.summit.sensor import SensorModel


@dataclass
class Verifier:
    """Runs jobs that write statistics, as verifyBias does."""

    repo: str

    async def run(self, job: Job) -> int:
        await asyncio.to_thread(self._write, f"u/ocps/{job.job_id}/run")
        return 0

    def _write(self, run: str) -> None:
        with Butler.from_config(self.repo, writeable=True) as butler:
            butler.collections.register(run, CollectionType.RUN)
            butler.put({"SUCCESS": True}, "verifyBiasStats", instrument="LATISS", run=run)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_rehearsal_repository(tmp_path_factory.mktemp("faults") / "repo", filters=[])


@pytest.fixture
def daily(repo: str) -> Iterator[None]:
    """Leave nothing in the daily collection."""
    yield
    with Butler.from_config(repo, writeable=True) as butler:
        butler.registry.removeCollection("LATISS/calib/daily")


def job(number: int) -> Job:
    return Job(
        job_id=f"{number:032x}",
        instrument="LATISS",
        pipeline="verifyBias.yaml",
        config="",
        data_query="",
        number=1,
        submitted=0.0,
    )


def faulty(repo: str, *faults: str) -> FaultyRepository:
    return FaultyRepository(Verifier(repo), repo, ["LATISS"], Faults(faults))


def statistics(repo: str, number: int) -> object:
    with Butler.from_config(repo, instrument="LATISS") as butler:
        return butler.get("verifyBiasStats", collections=f"u/ocps/{number:032x}/run")


def certified(repo: str) -> set[tuple[str, int]]:
    """Dataset type and detector of what the daily collection holds, without end."""
    with Butler.from_config(repo) as butler:
        found = butler.registry.queryDatasetAssociations("bias", collections="LATISS/calib/daily")
        return {
            (a.ref.datasetType.name, int(a.ref.dataId["detector"])) for a in found if a.timespan.end is None
        }


async def test_without_faults_a_job_is_a_job(repo: str) -> None:
    async with faulty(repo) as runner:
        assert await runner.run(job(1)) == 0
    assert statistics(repo, 1) == {"SUCCESS": True}


@pytest.mark.parametrize("fault", ["statistics-missing", "outputs-missing:of=verifyBias"])
async def test_outputs_can_be_missing(repo: str, fault: str) -> None:
    number = 2 if fault == "statistics-missing" else 3
    async with faulty(repo, fault) as runner:
        assert await runner.run(job(number)) == 0
    with pytest.raises(LookupError, match="verifyBiasStats"):
        statistics(repo, number)


async def test_statistics_can_be_damaged(repo: str) -> None:
    async with faulty(repo, "statistics-damaged") as runner:
        await runner.run(job(4))
    with pytest.raises(ValueError, match="verifyBiasStats"):
        statistics(repo, 4)


@pytest.mark.usefixtures("daily")
async def test_a_conflict_can_be_there_before(repo: str) -> None:
    async with faulty(repo, "conflict-before"):
        pass
    assert certified(repo) == {("bias", 0)}


@pytest.mark.usefixtures("daily")
async def test_a_conflict_can_come_during_the_run(repo: str) -> None:
    async with faulty(repo, "conflict-during") as runner:
        await runner.run(job(5))
    assert certified(repo) == {("bias", 0)}


@pytest.mark.parametrize(("fault", "number"), [("repository-unreachable", None), ("repository-lost", 6)])
async def test_the_repository_can_be_gone_until_the_summit_closes(
    repo: str, fault: str, number: int | None
) -> None:
    async with faulty(repo, fault) as runner:
        if number is not None:
            await runner.run(job(number))
        with pytest.raises(FileNotFoundError):
            statistics(repo, 1)
    assert statistics(repo, 1) == {"SUCCESS": True}


async def test_the_database_can_be_locked_for_a_while(repo: str) -> None:
    async with faulty(repo, "repository-locked:delay=5") as runner:
        await runner.run(job(7))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            write(repo)
        await asyncio.sleep(6)
        write(repo)


async def test_a_lock_ends_with_the_summit(repo: str) -> None:
    async with faulty(repo, "repository-locked:delay=1e6") as runner:
        await runner.run(job(8))
    write(repo)


def write(repo: str) -> None:
    """Write nothing, as far as the database lets us."""
    database = sqlite3.connect(Path(repo) / "gen3.sqlite3", timeout=0)
    try:
        database.execute("BEGIN IMMEDIATE")
        database.rollback()
    finally:
        database.close()


@pytest.mark.parametrize(
    ("faults", "noisier"),
    [
        ([], 0),
        (["verification-fails-majority"], 16),
        (["verification-fails-some"], 3),
        (["verification-fails-some:of=5"], 0),
    ],
)
def test_detectors_can_be_noisier_than_their_headers_say(faults: list[str], noisier: int) -> None:
    model = SensorModel.for_detector("LATISS")
    spoiled = spoil(model, Faults(faults))
    np.testing.assert_array_equal(spoiled.nominal_read_noise, model.nominal_read_noise)
    assert (spoiled.read_noise > 1.05 * model.nominal_read_noise).sum() == noisier


def test_gains_can_be_higher_than_the_headers_say() -> None:
    model = SensorModel.for_detector("LATISS")
    spoiled = spoil(model, Faults(["gain-drifted"]))
    np.testing.assert_array_equal(spoiled.nominal_gain, model.gain)
    np.testing.assert_allclose(spoiled.gain / model.gain, 1.1)


def test_amplifiers_can_have_a_kink() -> None:
    model = SensorModel.for_detector("LATISS", scale=32)
    spoiled = spoil(model, Faults(["response-kinked"]))
    light = np.full(model.shape, 30_000, dtype=np.float32)
    healthy, bent = (each.electronics.counts(light, each.gain) for each in (model, spoiled))
    expected = healthy - 0.2 * np.maximum(healthy - 10_000, 0)
    np.testing.assert_allclose(bent, expected, rtol=1e-3, atol=20)


@pytest.mark.parametrize(
    ("fault", "pipeline", "given", "run_with"),
    [
        ("certified-preferred", "verifyBias", "-j 8 -i u/ocps/a/run,A,u/ocps/b/run,B -c x:y=1",
         "-j 8 -i A,B,u/ocps/a/run,u/ocps/b/run -c x:y=1"),
        ("certified-preferred", "cpBias", "-j 8", "-j 8"),
        ("defects-everywhere", "cpDefects", "-i A", "-i A -c cpMeasureDarkDefects:darkCurrentThreshold=-1e9"),
        ("defects-everywhere", "cpDark", "-i A", "-i A"),
    ],
)  # fmt: skip
async def test_jobs_can_be_run_otherwise_than_asked(
    repo: str, fault: str, pipeline: str, given: str, run_with: str
) -> None:
    seen: list[str] = []

    class Recorder:
        async def run(self, job: Job) -> int:
            seen.append(job.config)
            return 0

    asked = replace(job(20), pipeline=f"{pipeline}.yaml", config=given)
    async with FaultyRepository(Recorder(), repo, ["LATISS"], Faults([fault])) as runner:
        await runner.run(asked)
    assert seen == [run_with]
