"""How the script's CPU time grows with exposures, detectors and jobs.

What components, middleware and the butler in memory need is left out: only turns of the event loop that the script's
tasks had, its callback for the arrival of images, and its threads count. No garbage is collected meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import linear_regression, median
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from unittest.mock import patch

import yaml
from bench.summit import SlowIngest, TimedRunner
from lsstcam_scale import BookkeepingLoop, Script

from lsst.ts.calibscripts.ocps.client import JobRequest, Ocps
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.record import DIRECTORY_VARIABLE
from lsst.ts.calibscripts.sal import Domain, Remote
from lsst.ts.calibscripts.summit.ocps.csc import SimulatedOcps
from lsst.ts.calibscripts.summit.ocps.job import Job
from lsst.ts.calibscripts.summit.queue.script_queue import ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.tables.instruments import LSSTCAM
from lsst.ts.calibscripts.testing.memory import (
    MemoryButler,
    MemoryRepository,
    Verification,
    reference_calibrations,
)

__all__ = ["AXES", "Growth", "exponent", "measure_growth"]

REPETITIONS = 3
"""Runs of each size; the median counts, or half of the time it would be the load of the machine."""


@dataclass(frozen=True)
class Growth:
    """CPU time by size."""

    name: str  #: What was doubled.
    sizes: tuple[int, ...]  #: How many there were.
    seconds: tuple[float, ...]  #: CPU time of the script, seconds.

    TOLERANCE: ClassVar[float] = 0.15
    """How far above that of n log n an exponent may be for the load of the machine alone."""

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times more every size costs than the one before."""
        return tuple(b / a for a, b in zip(self.seconds, self.seconds[1:], strict=False))

    @property
    def exponent(self) -> float:
        """Exponent of the power of the size that fits best; the smallest sizes cost next to nothing."""
        return exponent(self.sizes[-3:], self.seconds[-3:])

    @property
    def limit(self) -> float:
        """Exponent that n log n has between the same sizes."""
        sizes = self.sizes[-3:]
        return exponent(sizes, [size * math.log(size) for size in sizes])


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return the exponent of the power of the size that fits costs best."""
    return linear_regression(list(map(math.log, sizes)), list(map(math.log, costs))).slope


def measure_growth() -> list[Growth]:
    """Measure all axes."""
    found = []
    for name, (sizes, cost) in AXES.items():
        seconds = tuple(median(_alone(cost, size) for _ in range(REPETITIONS)) for size in sizes)
        found.append(Growth(name, sizes, seconds))
    return found


def _alone(cost: Callable[[int], float], size: int) -> float:
    """Measure one size, without the garbage collector: it would go through what the summit holds in this process."""
    gc.collect()
    gc.disable()
    try:
        return cost(size)
    finally:
        gc.enable()


def _whole_run(n_exposures: int, n_detectors: int) -> float:
    with (
        TemporaryDirectory() as directory,
        patch.dict(os.environ, {DIRECTORY_VARIABLE: directory}),
        asyncio.Runner(loop_factory=BookkeepingLoop) as runner,
    ):
        return runner.run(_run(n_exposures, tuple(range(n_detectors))))


async def _run(n_exposures: int, detectors: tuple[int, ...]) -> float:
    """Take, generate, verify and certify everything; one amplifier of each detector fails."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, BookkeepingLoop)
    butler, scripts = MemoryButler(), []
    reference_calibrations(butler, LSSTCAM.name)

    def make(index: int) -> Script:
        script = Script(index)
        script.repository = MemoryRepository(butler)
        scripts.append(script)
        return script

    runner = TimedRunner(butler, lambda job: 1.0, Verification.SOME_FAIL)
    ingest = SlowIngest(butler, 1.0)
    async with Summit("memory", [LSSTCAM.name], detectors=detectors, ingest=ingest, runner=runner):
        process, thread = time.process_time(), time.thread_time()
        outcome = await ScriptQueue().run(
            "maintel/make_lsstcam_calibrations.py", yaml.safe_dump(_config(n_exposures, detectors)), make=make
        )
        threads = time.process_time() - process - (time.thread_time() - thread) - runner.cpu
    assert outcome.state.name == "DONE", outcome.reason
    (script,) = scripts
    assert script.booked is not None
    return threads + script.booked.seconds + sum(turn.cpu for turn in loop.turns)


def _config(n_exposures: int, detectors: Sequence[int]) -> dict[str, Any]:
    numbers = {f"n_{name}": n_exposures for name in ("bias", "dark", "flat")}
    return {
        "script_mode": "BIAS_DARK_FLAT",
        "generate_calibrations": True,
        "do_defects": True,
        "do_ptc": True,
        "exp_times_dark": 5,
        "exp_times_flat": [1.0 + n // 2 for n in range(n_exposures)],
        "detectors": list(detectors),
        **numbers,
    }


class _Minute:
    """Runs jobs that take a minute."""

    async def run(self, job: Job) -> int:
        """Run a job."""
        await asyncio.sleep(60.0)
        return 0


def _jobs_at_once(number: int) -> float:
    with asyncio.Runner(loop_factory=BookkeepingLoop) as runner:
        return runner.run(_submit(number))


async def _submit(number: int) -> float:
    """Run so many jobs side by side; they begin one after another, for a middleware's queues hold 100 samples."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, BookkeepingLoop)
    async with SimulatedOcps(LSSTCAM.components.ocps_index, LSSTCAM.name, _Minute()), Domain() as domain:
        remote = Remote(domain, "OCPS", LSSTCAM.components.ocps_index)
        await remote.start_task
        ocps = Ocps(remote, logging.getLogger(__name__), lambda event: None, lambda warning: None)
        jobs = []
        async with asyncio.TaskGroup() as tasks:
            for n in range(number):
                request = JobRequest(StepId(Action.GENERATE, f"number {n}"), "cpBias.yaml", "", "")
                jobs.append(tasks.create_task(ocps.run(request, 3600.0, lambda job_id: None)))
                await asyncio.sleep(0.1)
        ocps.close()
    assert len({job.result().job_id for job in jobs}) == number
    return sum(turn.cpu for turn in loop.turns)


AXES: dict[str, tuple[tuple[int, ...], Callable[[int], float]]] = {
    "exposures of each type, 12 detectors": ((20, 40, 80, 160, 320), lambda size: _whole_run(size, 12)),
    "detectors, 20 exposures of each type": ((12, 24, 48, 96, 192), lambda size: _whole_run(20, size)),
    "jobs side by side": ((8, 16, 32, 64, 128, 256), _jobs_at_once),
}
"""Sizes, and what measures one."""
