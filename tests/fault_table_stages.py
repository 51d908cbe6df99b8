"""Where runs are played: over a butler in memory, or over a small butler repository on disk."""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from astropy.nddata import CCDData
from fault_table_support import DETECTORS, FILTERS, Case, Present
from lsst.daf.butler import Butler, CollectionType, DatasetProvenance, DatasetType
from observatory_support import ON_OBSERVATORY
from scripts_over import SCRIPTS
from soak.scenarios import Scenario

from lsst.ts.calibscripts.auxtel.make_latiss_calibrations import MakeLatissCalibrations
from lsst.ts.calibscripts.ground.time_range import TimeRange
from lsst.ts.calibscripts.repository import ButlerRepository, Repository
from lsst.ts.calibscripts.sal import BaseScript, ScriptState
from lsst.ts.calibscripts.summit.butler.rehearsal import make_rehearsal_repository
from lsst.ts.calibscripts.summit.datasets.types import AMPLIFIERS
from lsst.ts.calibscripts.summit.faults.faults import Faults
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.ocps.pipetask import sort_options
from lsst.ts.calibscripts.summit.ocps.repository_faults import FaultyRepository, spoil
from lsst.ts.calibscripts.summit.sensor import SensorModel
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.summit.tasks.statistics import read_noise_agrees
from lsst.ts.calibscripts.tables.instruments import INSTRUMENTS
from lsst.ts.calibscripts.testing.memory import (
    NOMINAL_GAIN,
    Association,
    Behaviour,
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    Verification,
    reference_calibrations,
)

__all__ = ["InMemory", "OnRepository", "Stage"]

EVENING = 1_789_761_600.0
"""2026-09-18T20:00:00 TAI, so that exposures have the same ids whenever the runs are played."""

_QUERY = re.compile(r"detector IN \(([\d.]+)\) AND exposure IN \(([\d,]+)\)")


class Stage:
    """Where a run is played."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.repo = INSTRUMENTS[case.instrument].repo
        self.while_in: set[ScriptState] = set()

    def summit(self, stack: AsyncExitStack) -> Summit:
        raise NotImplementedError

    async def begin(self, stack: AsyncExitStack) -> None:
        """Do what is to be done when the components have started."""

    def make_script(self, index: int) -> BaseScript:
        raise NotImplementedError

    def certified(self) -> tuple[str, ...]:
        raise NotImplementedError

    def reader(self) -> Repository:
        """Return a repository in which nothing goes wrong any more."""
        raise NotImplementedError

    @property
    def _collection(self) -> str:
        record = INSTRUMENTS[self.case.instrument]
        return str(self.case.asked.get("calib_collection", record.daily_collection))


# In memory.


class InMemory(Stage):
    """A butler in memory."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._script: Any = None
        self._butler = butler = MemoryButler(self._note)
        reference_calibrations(butler, case.instrument, DETECTORS, case.references, end=case.references_end)
        for present in case.present:
            self._certify(present)

    def summit(self, stack: AsyncExitStack) -> Summit:
        case = self.case
        return Summit(
            "memory",
            [case.instrument],
            faults=Scenario(faults=case.faults).summit_faults(),
            detectors=DETECTORS,
            start=EVENING,
            ingest=MemoryIngest(self._butler),
            runner=MemoryRunner(self._butler, self._behave),
        )

    def make_script(self, index: int) -> BaseScript:
        script = SCRIPTS[self.case.instrument](index)
        loop: Any = asyncio.get_running_loop()
        script.repository = MemoryRepository(self._butler, self.case.troubles, loop.hold_up)
        self._script = script
        return script  # type: ignore[no-any-return]

    def certified(self) -> tuple[str, ...]:
        ours = (
            a.dataset
            for a in self._butler.associations(self._collection)
            if a.dataset.run.startswith("u/ocps/")
        )
        return tuple(dict.fromkeys(dataset.dataset_type.upper() for dataset in ours))

    def reader(self) -> Repository:
        return MemoryRepository(self._butler)

    @property
    def _seconds(self) -> float:
        """How long a job takes: longer than a stop is on its way through a broker, where the clock goes faster."""
        return 20.0 if ON_OBSERVATORY and self.case.state is ScriptState.STOPPED else 5.0

    def _behave(self, job: Job) -> Behaviour:
        return Behaviour(
            seconds=self.case.seconds.get(job.name, self._seconds),
            exit_code=self.case.exit_codes.get(job.name, 0),
            writes_not=self.case.writes_not.get(job.name, frozenset()),
            verification=self.case.verifications.get(job.name, Verification.PASSES),
            gains=() if job.name in self.case.without_gains else (NOMINAL_GAIN,),
            shift=self.case.shifts.get(job.name, 0.0),
            certified_first=Scenario(faults=self.case.faults).certified_first(job),
        )

    def _note(self, new: tuple[Association, ...]) -> None:
        if self._script is not None:
            self.while_in.add(ScriptState(self._script.state.state))

    def _certify(self, present: Present) -> None:
        datasets = [
            self._butler.put(
                present.dataset_type,
                "somebody/else",
                self.case.instrument,
                detector=detector,
                physical_filter=present.physical_filter,
            )
            for detector in present.detectors
        ]
        self._butler.certify(self._collection, datasets, TimeRange.of(present.begin, present.end))


# On a repository.


@cache
def _template() -> tuple[TemporaryDirectory[str], Path]:
    """Make a repository of LATISS once; it is copied for each run."""
    directory = TemporaryDirectory()
    root = Path(directory.name) / "repo"
    make_rehearsal_repository(root, filters=[FILTERS["LATISS"]])
    return directory, root


class OnRepository(Stage):
    """A butler repository on disk, and jobs that write into it without looking at pixels."""

    def __init__(self, case: Case, directory: Path) -> None:
        super().__init__(case)
        self._root = directory / "repo"
        self.repo = str(self._root)
        shutil.copytree(_template()[1], self._root)
        faults = Faults(case.faults)
        runner = _ButlerRunner(self.repo, faults, case.seconds)
        self._faulty = FaultyRepository(runner, self.repo, [case.instrument], faults)

    def summit(self, stack: AsyncExitStack) -> Summit:
        return Summit(
            self.repo, [self.case.instrument], faults=self.case.faults, start=EVENING, runner=self._faulty
        )

    async def begin(self, stack: AsyncExitStack) -> None:
        await stack.enter_async_context(self._faulty)

    def make_script(self, index: int) -> BaseScript:
        return MakeLatissCalibrations(index)

    def certified(self) -> tuple[str, ...]:
        with Butler.from_config(self.repo) as butler:
            if self._collection not in butler.collections.query("*"):
                return ()
            found = [
                association.ref
                for name in ("bias", "dark", "flat")
                for association in butler.registry.queryDatasetAssociations(
                    name, self._collection, collectionTypes={CollectionType.CALIBRATION}
                )
            ]
        ours = (ref for ref in found if ref.run is not None and ref.run.startswith("u/ocps/"))
        return tuple(dict.fromkeys(ref.datasetType.name.upper() for ref in ours))

    def reader(self) -> Repository:
        return ButlerRepository(self.repo)


class _ButlerRunner:
    """Writes what the jobs of cp_pipe and cp_verify write for LATISS, knowing the detector, not its pixels."""

    def __init__(self, repo: str, faults: Faults, seconds: Mapping[str, float]) -> None:
        self._repo = repo
        self._seconds = seconds
        self._model = spoil(SensorModel.for_detector("LATISS", scale=32), faults)

    async def run(self, job: Job) -> int:
        await asyncio.sleep(self._seconds.get(job.name, 5.0))
        try:
            await asyncio.to_thread(self._work, job)
        except Exception:  # As pipetask: whatever it is, the exit code tells it.
            return 1
        return 0

    def _work(self, job: Job) -> None:
        selection = _QUERY.search(job.data_query)
        assert selection is not None, job.data_query
        exposures = [int(exposure) for exposure in selection[2].split(",")]
        run = f"u/ocps/{job.job_id}/run"
        with Butler.from_config(self._repo, writeable=True, run=run) as butler:
            butler.collections.register(run.removesuffix("/run"), CollectionType.CHAINED)
            butler.collections.redefine_chain(run.removesuffix("/run"), [run])
            for exposure in exposures:
                self._write_image(butler, job, exposure)
            if job.name.startswith("verify"):
                self._write_statistics(butler, job, exposures)
            else:
                image = CCDData(np.zeros((4, 4), np.float32), unit="electron")
                butler.put(image, job.name.removeprefix("cp").lower(), instrument="LATISS", detector=0)

    def _write_image(self, butler: Butler, job: Job, exposure: int) -> None:
        """Write a corrected image, which says what it was corrected with, as the tasks of ip_isr do."""
        storage = butler.get_dataset_type("bias").storageClass_name
        dimensions = ("instrument", "exposure", "detector")
        kind = DatasetType(f"{job.name}IsrExp", dimensions, storage, universe=butler.dimensions)
        butler.registry.registerDatasetType(kind)
        one: dict[str, Any] = {"instrument": "LATISS", "detector": 0}
        [taken] = butler.query_dimension_records(
            "exposure", instrument="LATISS", where=f"exposure = {exposure}"
        )
        inputs, _, _ = sort_options(shlex.split(job.config))
        provenance = DatasetProvenance()
        provenance.add_input(butler.find_dataset("raw", one, exposure=exposure, collections="LATISS/raw/all"))
        if job.name.startswith("verify"):
            product = job.name.removeprefix("verify").lower()
            provenance.add_input(
                butler.find_dataset(product, one, collections=inputs, timespan=taken.timespan)
            )
        image = CCDData(np.zeros((4, 4), np.float32), unit="electron")
        butler.put(image, kind, one, exposure=exposure, provenance=provenance)

    def _failing(self, job: Job, n: int) -> list[str]:
        """Name the amplifiers whose noise fails, of n images that are verified against their own mean."""
        two_sided = "twoSidedNoise=True" in job.config
        noise = self._model.read_noise * np.sqrt(1 - 1 / n)
        values = zip(AMPLIFIERS, noise, self._model.nominal_read_noise, strict=True)
        return [
            name for name, own, nominal in values if not read_noise_agrees(own, nominal, two_sided=two_sided)
        ]

    def _write_statistics(self, butler: Butler, job: Job, exposures: list[int]) -> None:
        stem, failing = job.name, self._failing(job, len(exposures))
        passed = not failing
        failures = [f"RXX_S00 {name} NOISE" for name in failing]
        entry = {"SUCCESS": True} if passed else {"SUCCESS": False, "FAILURES": failures}
        butler.put(
            {**dict.fromkeys(exposures, entry), "SUCCESS": passed}, f"{stem}Stats", instrument="LATISS"
        )
        tests = {name: {"NOISE": name not in failing, "SUCCESS": name not in failing} for name in AMPLIFIERS}
        for exposure in exposures:
            value = {"VERIFY": {"AMP": tests}, "SUCCESS": passed}
            butler.put(value, f"{stem}DetStats", instrument="LATISS", detector=0, exposure=exposure)
