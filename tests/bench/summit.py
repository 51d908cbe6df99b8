"""The parts of the simulated summit that a benchmark brings: images and jobs that cost next to nothing."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping

from lsst.ts.calibscripts.summit.hardware.focalplane import Detector
from lsst.ts.calibscripts.summit.hardware.focalplane import detectors as detectors_of
from lsst.ts.calibscripts.summit.hardware.observation import Observation
from lsst.ts.calibscripts.summit.ocps.job import Job
from lsst.ts.calibscripts.tables.products import PRODUCTS
from lsst.ts.calibscripts.testing.memory import CollectionKind, MemoryButler, Verification
from lsst.ts.calibscripts.testing.memory.jobs import MemoryIngest
from lsst.ts.calibscripts.testing.memory.recipes import RECIPES
from lsst.ts.calibscripts.testing.memory.statistics import AMPLIFIERS, statistics
from lsst.ts.calibscripts.verification import WrittenGains

__all__ = ["INGEST_SECONDS", "SlowIngest", "TimedRunner", "selected", "step_of"]

INGEST_SECONDS = 1.0
"""How long the OODS takes for an exposure, seconds of a summit that is not sped up."""

_GAINS, _NOISES = dict.fromkeys(AMPLIFIERS, 0.57), dict.fromkeys(AMPLIFIERS, 12.0)


_STEPS: Mapping[str, str] = {
    **{product.generate.job: f"GENERATE {product.name}" for product in PRODUCTS.values()},
    **{p.verify.pipeline.job: f"VERIFY {p.name}" for p in PRODUCTS.values() if p.verify},
}


def step_of(job: Job) -> str:
    """Name the step that a job does."""
    return _STEPS[job.name]


class SlowIngest:
    """Lets images arrive a while after they were read out.

    So they are announced while the next exposure is being taken, and not between the two.

    Parameters
    ----------
    butler : `MemoryButler`
        Where they go: the script compares each image with its record.
    speed : `float`
        How much faster than a real one the summit is.
    """

    def __init__(self, butler: MemoryButler, speed: float) -> None:
        self._ingest = MemoryIngest(butler)
        self._seconds = INGEST_SECONDS / speed

    async def __call__(self, observation: Observation, detectors: tuple[Detector, ...]) -> None:
        """Wait, then ingest."""
        await asyncio.sleep(self._seconds)
        await self._ingest(observation, detectors)


class TimedRunner:
    """Writes what the script reads of a job into a butler in memory, and takes exactly as long as it is told.

    What is written, in a thread, is a part of that time.

    Parameters
    ----------
    butler : `MemoryButler`
        The butler.
    seconds : callable
        Says how long a job takes.
    says : `Verification`
        What the statistics say.

    Attributes
    ----------
    cpu : `float`
        CPU time of writing, seconds.
    """

    def __init__(
        self,
        butler: MemoryButler,
        seconds: Callable[[Job], float],
        says: Verification = Verification.PASSES,
    ) -> None:
        self._butler = butler
        self._seconds = seconds
        self._says = says
        self.cpu = 0.0

    async def run(self, job: Job) -> int:
        """Run a job."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._seconds(job)
        await asyncio.to_thread(self._write, job)
        await asyncio.sleep(max(0.0, end - loop.time()))
        return 0

    def _write(self, job: Job) -> None:
        begin = time.thread_time()
        self._put(job)
        self.cpu += time.thread_time() - begin

    def _put(self, job: Job) -> None:
        run, recipe = f"u/ocps/{job.job_id}/run", RECIPES[job.name]
        self._butler.register(run, CollectionKind.RUN)
        detectors, exposures = selected(job)
        for dataset_type in recipe.writes:
            for detector in detectors:
                gains = (WrittenGains(detector, exposures[:2], _GAINS, _NOISES),)
                # The nominal gains are read from the processed flats; of other products the script reads no value.
                value = _GAINS if dataset_type.endswith("IsrExp") else gains
                self._butler.put(dataset_type, run, job.instrument, detector=detector, value=value)
        if recipe.verifies:
            names = {d.full_name: d.id for d in detectors_of(job.instrument) if d.id in detectors}
            levels = statistics(self._says, exposures, list(names))
            stem = f"verify{recipe.verifies}"
            self._butler.put(f"{stem}Stats", run, job.instrument, value=levels.run)
            for (exposure, name), value in levels.detectors.items():
                self._butler.put(
                    f"{stem}DetStats",
                    run,
                    job.instrument,
                    exposure=exposure,
                    detector=names[name],
                    value=value,
                )


def selected(job: Job) -> tuple[frozenset[int], tuple[int, ...]]:
    """Return detectors and exposures of a job."""
    found = re.search(r"detector IN \(([\d.,]+)\) AND exposure IN \(([\d,]+)\)", job.data_query)
    assert found, job.data_query
    bounds = [[int(bound) for bound in part.split("..")] for part in found[1].split(",")]
    detectors = frozenset(n for first, *last in bounds for n in range(first, [first, *last][-1] + 1))
    return detectors, tuple(map(int, found[2].split(",")))
