"""Misbehaviour of the butler repository, from the start of the summit on or when a job has ended."""

from __future__ import annotations

import asyncio
import shlex
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Self

from lsst.daf.butler import Butler, DatasetRef, Timespan
from lsst.daf.butler.registry import CollectionType

from ...tables.instruments import INSTRUMENTS
from ..datasets.types import AMPLIFIERS
from ..faults.faults import Faults
from ..sensor import CHANGES, SensorModel, noisier
from .job import Job, JobRunner
from .pipetask import sort_options

__all__ = ["FaultyRepository", "spoil"]

_NOISY = 1.3
_SOME = 3
_DRIFT = 1.1
_KINK = 0.2
_NOISE_TESTS = ("verifyBias", "verifyDark")
"""Pipelines in which the NOISE test has changed its meaning; that of flats never had a lower limit."""


class FaultyRepository:
    """Runs jobs, and spoils the repository as the faults say.

    An asynchronous context manager: what it moved away or locked is put back when it is left.

    Parameters
    ----------
    runner : `JobRunner`
        What does the work of the jobs.
    repo : `str`
        Butler repository, a directory with SQLite in it.
    instruments : iterable of `str`
        Cameras that may be hit from the start.
    faults : `Faults`
        What misbehaves.
    """

    def __init__(self, runner: JobRunner, repo: str, instruments: Iterable[str], faults: Faults) -> None:
        self._runner = runner
        self._root = Path(repo)
        self._away = self._root.with_name(f"{self._root.name}-away")
        self._instruments = tuple(instruments)
        self._faults = faults
        self._locks: list[sqlite3.Connection] = []

    async def __aenter__(self) -> Self:
        if self._faults.hits("conflict-before"):
            for instrument in self._instruments:
                await asyncio.to_thread(self._certify, instrument, self._faults["conflict-before"].of)
        if self._faults.hits("repository-unreachable"):
            self._root.rename(self._away)
        return self

    async def __aexit__(self, *args: object) -> None:
        for database in self._locks:
            database.close()
        if self._away.exists():
            self._away.rename(self._root)

    async def run(self, job: Job) -> int:
        """Run a job to its end and spoil what comes after it.

        Returns
        -------
        exit_code : `int`
            That of the job.
        """
        job = self._misconfigured(job)
        exit_code = await self._runner.run(job)
        if self._hits("outputs-missing", job):
            await asyncio.to_thread(self._prune, job, "*")
        if self._hits("statistics-missing", job):
            await asyncio.to_thread(self._prune, job, "*Stats")
        if self._hits("statistics-damaged", job):
            await asyncio.to_thread(self._damage, job)
        if self._hits("conflict-during", job):
            dataset_type = job.name.removeprefix("cp").removeprefix("verify").lower()
            await asyncio.to_thread(self._certify, job.instrument, dataset_type)
        if self._hits("repository-lost", job):
            self._root.rename(self._away)
        if self._hits("repository-locked", job):
            await self._lock(self._faults["repository-locked"].delay)
        return exit_code

    def _misconfigured(self, job: Job) -> Job:
        """Return the job as the OCPS runs it."""
        if job.name in _NOISE_TESTS and self._hits("noise-two-sided", job):
            job = replace(job, config=f"{job.config} -c {job.name}Det:twoSidedNoise=True")
        if self._hits("defects-everywhere", job):
            job = replace(job, config=f"{job.config} -c cpMeasureDarkDefects:darkCurrentThreshold=-1e9")
        if self._hits("certified-preferred", job):
            job = replace(job, config=_certified_first(job.config))
        return job

    def _hits(self, fault: str, job: Job) -> bool:
        return self._faults.hits(fault, job.name, job.number)

    def _outputs(self, butler: Butler, job: Job, types: str) -> list[DatasetRef]:
        run = f"u/ocps/{job.job_id}/run"
        return [
            ref
            for dataset_type in butler.registry.queryDatasetTypes(types)
            for ref in butler.registry.queryDatasets(dataset_type, collections=run)
            if not ref.datasetType.name.endswith(("_config", "_log", "_metadata"))
        ]

    def _prune(self, job: Job, types: str) -> None:
        with Butler.from_config(str(self._root), writeable=True) as butler:
            butler.pruneDatasets(
                self._outputs(butler, job, types), disassociate=True, unstore=True, purge=True
            )

    def _damage(self, job: Job) -> None:
        with Butler.from_config(str(self._root), writeable=True) as butler:
            for ref in self._outputs(butler, job, "*Stats"):
                path = butler.getURI(ref)
                # Of the same size, or the datastore itself would notice.
                path.write(b"[" * path.size(), overwrite=True)

    def _certify(self, instrument: str, dataset_type: str) -> None:
        """Certify a reference calibration into the collection that the script certifies into by default."""
        record = INSTRUMENTS[instrument]
        with Butler.from_config(str(self._root), writeable=True) as butler:
            found = butler.registry.queryDatasets(
                dataset_type, collections=f"{record.calib_collection}/reference/run"
            )
            butler.collections.register(record.daily_collection, CollectionType.CALIBRATION)
            butler.registry.certify(record.daily_collection, list(found), Timespan(None, None))

    async def _lock(self, seconds: float) -> None:
        """Let another process write to the database for a while."""
        database = sqlite3.connect(self._root / "gen3.sqlite3", check_same_thread=False)
        self._locks.append(database)
        await asyncio.to_thread(database.execute, "BEGIN EXCLUSIVE")
        asyncio.get_running_loop().call_later(seconds, database.close)


def _certified_first(config: str) -> str:
    """Return the options of a job with the collections of other jobs searched last."""
    inputs, processes, others = sort_options(shlex.split(config))
    searched = sorted(inputs, key=lambda collection: collection.startswith("u/ocps/"))
    numbers = [word for number in processes for word in ("-j", number)]
    return shlex.join([*numbers, *(("-i", ",".join(searched)) if searched else ()), *others])


def spoil(model: SensorModel, faults: Faults) -> SensorModel:
    """Change a detector so that verification finds something.

    Parameters
    ----------
    model : `SensorModel`
        A detector in good health.
    faults : `Faults`
        ``verification-fails-majority`` makes all its amplifiers noisier than their headers say,
        ``verification-fails-some`` only three; ``gain-drifted`` and ``response-kinked`` change what curves are like,
        those of `CHANGES` what combined images are like.

    Returns
    -------
    model : `SensorModel`
        The detector as it is now.
    """
    detector = str(model.detector.id)
    for name, change in CHANGES.items():
        model = change(model) if faults.hits(name, detector) else model
    if faults.hits("gain-drifted", detector):
        model = replace(model, gain=_DRIFT * model.gain)
    if faults.hits("response-kinked", detector):
        model = replace(model, electronics=replace(model.electronics, kink=_KINK))
    if faults.hits("verification-fails-majority", detector):
        return noisier(model, AMPLIFIERS, _NOISY)
    if faults.hits("verification-fails-some", detector):
        return noisier(model, AMPLIFIERS[:_SOME], _NOISY)
    return model
