"""How long the event loop of the script is held up while statistics are read, judged, reported and certified.

20 biases of 189 detectors with 16 amplifiers, which exist already, in a real butler repository. The script runs in a
process of its own, in real time, and of the summit only the OCPS is in it, which does nothing meanwhile: what jobs
write, a second process does. ``python -m bench.lag <run> <repository>`` measures one run and prints it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from bench.load import LoadFreeClock
from bench.writing import EXPOSURES, make, write_job

from lsst.ts.calibscripts.events.events import Event, JobEnded, Verdicted
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.record import DIRECTORY_VARIABLE
from lsst.ts.calibscripts.summit.ocps.csc import Job, SimulatedOcps
from lsst.ts.calibscripts.summit.queue.script_queue import ScriptQueue
from lsst.ts.calibscripts.tables.instruments import LSSTCAM
from lsst.ts.calibscripts.testing.memory import Verification

__all__ = ["RUNS", "Lag", "measure_all"]


@dataclass(frozen=True)
class Asked:
    """What a run meets."""

    says: Verification  #: What the statistics say.
    compared: bool = (
        False  #: Was there a bias before, and are both binned? Then it is measured from GENERATE on.
    )


RUNS: Mapping[str, Asked] = {
    "one amplifier of each detector fails: certified": Asked(Verification.VAGUE_SOME_FAIL),
    "every amplifier fails: refused": Asked(Verification.FAILS),
    "every test passes, and the biases are compared with those before: certified": Asked(
        Verification.PASSES, compared=True
    ),
}
"""Statistics of the first run are in 3,780 files, for they name nothing at the coarser levels."""

REPETITIONS = 3
"""How often each run is made: also the thread that the event loop waits for may be without a core."""


@dataclass(frozen=True)
class Lag:
    """What a run cost from the end of its verification job on."""

    state: str  #: How it ended.
    passed: bool  #: Its verdict.
    #: Time, and CPU time of the process, seconds.
    seconds: float
    cpu: float
    #: Largest times for which the event loop did nothing else, without what threads waited for a core,
    #: seconds.
    gaps: list[float]
    median: float  #: Median of them all, seconds.
    megabytes: float  #: Most memory that the process has had, MB.
    before: float  #: The same before the job had ended.


def measure_all() -> dict[str, Lag]:
    """Make all runs a few times; of each give the one whose largest gap is the median."""
    found = {}
    for name in RUNS:
        lags = sorted((_measure_alone(name) for _ in range(REPETITIONS)), key=lambda lag: lag.gaps[0])
        found[name] = lags[REPETITIONS // 2]
    return found


def _measure_alone(name: str) -> Lag:
    """Make a run in a process of its own over a repository of its own."""
    with TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "bench.lag", name, directory]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return Lag(**json.loads(done.stdout.splitlines()[-1]))


class _Writer:
    """Runs jobs in another process."""

    def __init__(self, root: Path, asked: Asked, pool: ProcessPoolExecutor) -> None:
        self._root, self._asked, self._pool = root, asked, pool

    async def run(self, job: Job) -> int:
        """Run a job."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, write_job, self._root, job.job_id, job.name, self._asked.says)
        return 0


class _Pulse:
    """Beats every millisecond from the end of a job on."""

    def __init__(self, job: StepId) -> None:
        self._job = job
        self.gaps: list[float] = []
        self.before = 0.0
        self._clock = LoadFreeClock()
        self.verdict: Verdicted | None = None
        self._began = (0.0, 0.0)
        self._task: asyncio.Task[None] | None = None

    def note(self, event: Event) -> None:
        """Begin, and keep the verdict."""
        match event:
            case JobEnded(step=step) if step == self._job:
                self.before = _megabytes()
                self._began = time.perf_counter(), time.process_time()
                self._task = asyncio.get_running_loop().create_task(self._beat())
            case Verdicted():
                self.verdict = event

    async def _beat(self) -> None:
        last = self._clock()
        while True:
            await asyncio.sleep(0.001)
            now = self._clock()
            self.gaps.append(now - last)
            last = now

    async def end(self, state: str) -> Lag:
        """Stop, and say what was seen."""
        wall, cpu = time.perf_counter(), time.process_time()
        assert self._task is not None
        assert self.verdict is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        gaps = sorted(self.gaps, reverse=True)
        return Lag(
            state,
            self.verdict.passed,
            wall - self._began[0],
            cpu - self._began[1],
            gaps[:5],
            gaps[len(gaps) // 2],
            _megabytes(),
            self.before,
        )


def _megabytes() -> float:
    # Not getrusage: that is never below what the process had that started this one.
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


async def _measure(root: Path, asked: Asked, pool: ProcessPoolExecutor) -> Lag:
    config = {
        "script_mode": "BIAS",
        "generate_calibrations": True,
        "exposures": {"BIAS": list(EXPOSURES)},
        "repo": str(root),
    }
    pulse = _Pulse(StepId(Action.GENERATE if asked.compared else Action.VERIFY, "BIAS"))
    async with SimulatedOcps(LSSTCAM.components.ocps_index, LSSTCAM.name, _Writer(root, asked, pool)):
        outcome = await ScriptQueue().run(
            "maintel/make_lsstcam_calibrations.py", yaml.safe_dump(config), observers=[pulse.note]
        )
        return await pulse.end(outcome.state.name)


def main(name: str, directory: Path) -> None:
    """Measure one run."""
    root = directory / "repo"
    os.environ[DIRECTORY_VARIABLE] = str(directory / "records")
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(make, root, compared=RUNS[name].compared).result()
        lag = asyncio.run(_measure(root, RUNS[name], pool))
    print(json.dumps(asdict(lag)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
