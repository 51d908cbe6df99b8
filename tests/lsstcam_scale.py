"""LSSTCam at its full size, without pixels: what 189 detectors cost the script and its event loop.

``python tests/lsstcam_scale.py`` prints the figures. Everything runs in one process here, the components too, so
every turn of the event loop is timed and those of the script's tasks are told.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import yaml
from scripts_over import LSSTCamInMemory

from lsst.ts.calibscripts.events.events import Event, JobEnded, Stage, StageReached, Verdicted
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.tables.instruments import LSSTCAM
from lsst.ts.calibscripts.testing.clock import JumpingEventLoop
from lsst.ts.calibscripts.testing.memory import (
    Behaviour,
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    Verification,
    reference_calibrations,
)
from lsst.ts.calibscripts.verification import RunStatistics, exposures_to_look_into

__all__ = ["RUNS", "Figures", "measured_alone"]

CONFIG: dict[str, Any] = {
    "script_mode": "BIAS_DARK_FLAT",
    "n_discard_bias": 2,
    "n_discard_dark": 2,
    "n_flat": 20,
    "exp_times_flat": 2,
}
"""65 exposures, 60 of which are verified."""

RUNS: dict[str, tuple[dict[str, Any], dict[str, Verification]]] = {
    "everything fails": (
        {"generate_calibrations": False, "do_gain_from_flat_pairs": False},
        {
            "verifyBias": Verification.FAILS,
            "verifyDark": Verification.FAILS,
            # Today's verifyFlatStats: the finer levels are read, too.
            "verifyFlat": Verification.VAGUE_FAILS,
        },
    ),
    "everything is certified": (
        {
            "generate_calibrations": True,
            "do_defects": True,
            "do_ptc": True,
            "exp_times_flat": [1.0 + n // 2 for n in range(20)],
        },
        {},
    ),
}
"""Configuration, and what the statistics say."""


@dataclass(frozen=True)
class Figures:
    """What a run has cost."""

    state: str  #: How the script ended.
    passed: list[bool]  #: Its verdicts.
    arrivals: int  #: Events imageInOODS that it has taken note of.
    #: CPU time of the script on the event loop, and what of it is taking note of arrivals, seconds.
    script_seconds: float
    arrivals_seconds: float
    #: CPU time of its threads, in which it asks the repository and writes its record, seconds.
    thread_seconds: float
    all_seconds: float  #: CPU time of the process, components and middleware included, seconds.
    #: The script's longest turns of the event loop: its task, wall time and CPU time in milliseconds.
    longest: list[tuple[str, float, float]]
    #: Longest time for which the event loop did nothing else while statistics were read, judged and reported,
    #: milliseconds.
    judging_gap: float
    #: Longest pass of Python's garbage collector, milliseconds; no thread goes on meanwhile. Here it walks
    #: what the components and the butler in memory hold, too.
    collection: float
    #: Resident memory of the process, components and butler in memory included, before the run and at its
    #: peak.
    megabytes_idle: float
    megabytes_peak: float
    log_characters: int  #: Longest message of the script.


@dataclass(frozen=True, order=True)
class Turn:
    """How long a task had the event loop: wall and CPU time, seconds."""

    wall: float
    cpu: float
    task: str


class BookkeepingLoop(JumpingEventLoop):
    """Times every turn that the script has of the event loop."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        super().__init__()

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:  # type: ignore[override]
        return super().call_soon(self._timed, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:  # type: ignore[override]
        return super().call_at(when, self._timed, callback, *args, context=context)

    def _timed(self, callback: Callable[..., object], *args: Any) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            callback(*args)
        finally:
            wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
            task = getattr(callback, "__self__", None)
            if isinstance(task, asyncio.Task) and _is_script(task):
                self.turns.append(Turn(wall, cpu, _name(task)))


def _is_script(task: asyncio.Task[Any]) -> bool:
    """Is it a task of the script? The components and the middleware are all below summit."""
    code = getattr(task.get_coro(), "cr_code", None)
    path = Path(code.co_filename) if code else Path()
    return "calibscripts" in path.parts and "summit" not in path.parts


def _name(task: asyncio.Task[Any]) -> str:
    """Name a task, where it has no name of its own by its coroutine."""
    name = task.get_name()
    return str(getattr(task.get_coro(), "__qualname__", name)) if name.startswith("Task-") else name


class Pulse:
    """Beats while statistics are read, judged and reported, and keeps the longest time between two beats.

    Then a thread of the script is at work, so that the event loop's clock does not jump.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._judging: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, event: Event) -> None:
        """Begin when a verification job has ended, and end when what came of it has been told."""
        match event:
            case JobEnded(step=StepId(Action.VERIFY, product)):
                self._judging.add(product)
                task = asyncio.get_running_loop().create_task(self._beat())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case StageReached(product=product, stage=Stage.VERIFIED | Stage.FAILED):
                self._judging.discard(product)

    async def _beat(self) -> None:
        last = time.perf_counter()
        while self._judging:
            await asyncio.sleep(0.001)
            self.longest, last = max(self.longest, time.perf_counter() - last), time.perf_counter()


class Collector:
    """Times the passes of the garbage collector; give it to ``gc.callbacks``."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._began = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.thread_time()
        else:
            self.longest = max(self.longest, time.thread_time() - self._began)


class FullRepository(MemoryRepository):
    """Gives as much as a butler does.

    Statistics are read anew, those of the detectors only where the others leave something open.
    """

    def statistics(self, run: str, types: tuple[str, str, str]) -> RunStatistics:
        found = super().statistics(run, types)
        levels, exposures = tuple(map(_fresh, found.run)), _fresh(found.exposures)
        needed = any(exposures_to_look_into(level, exposures) for level in levels)
        return RunStatistics(levels, exposures, _fresh(found.detectors) if needed else {}, found.verified)


def _fresh(found: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: json.loads(json.dumps(value)) for key, value in found.items()}


class _Booked:
    """An event whose callback is booked to the script, for it runs when the component writes.

    Parameters
    ----------
    event : `RemoteEvent`
        The event.
    """

    def __init__(self, event: Any) -> None:
        self._event = event
        self.seconds = 0.0
        self.number = 0

    @property
    def callback(self) -> Any:
        return self._event.callback

    @callback.setter
    def callback(self, function: Callable[[Any], Awaitable[None]] | None) -> None:
        async def booked(data: Any) -> None:
            assert function is not None
            begin = time.thread_time()
            await function(data)
            self.seconds += time.thread_time() - begin
            self.number += 1

        self._event.callback = None if function is None else booked


class Script(LSSTCamInMemory):
    """LSSTCam's script over a butler in memory."""

    booked: _Booked | None = None

    @property
    def image_in_oods(self) -> Any:
        if self.booked is None:
            self.booked = _Booked(super().image_in_oods)
        return self.booked


def measure(name: str) -> Figures:
    """Make one of the runs, and say what it has cost."""
    collector = Collector()
    gc.callbacks.append(collector)
    with (
        TemporaryDirectory() as directory,
        patch.dict(os.environ, CALIBSCRIPTS_RECORD_DIR=directory),
        asyncio.Runner(loop_factory=BookkeepingLoop) as runner,
    ):
        return runner.run(_run(*RUNS[name], collector))


async def _run(config: dict[str, Any], says: dict[str, Verification], collector: Collector) -> Figures:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, BookkeepingLoop)
    log: list[LogLine] = []
    verdicts: list[Verdicted] = []
    scripts: list[Script] = []
    pulse = Pulse()

    def make(index: int) -> Script:
        script = Script(index)
        script.repository = FullRepository(butler)
        scripts.append(script)
        return script

    def observe(event: Event) -> None:
        if isinstance(event, Verdicted):
            verdicts.append(event)

    butler = MemoryButler()
    reference_calibrations(butler, LSSTCAM.name)
    idle, process, thread = _megabytes(), time.process_time(), time.thread_time()
    runner = MemoryRunner(butler, lambda job: _behave(job, says))
    async with Summit(
        "memory", [LSSTCAM.name], detectors=LSSTCAM.detectors, ingest=MemoryIngest(butler), runner=runner
    ):
        outcome = await ScriptQueue(log.append).run(
            "maintel/make_lsstcam_calibrations.py",
            yaml.safe_dump(CONFIG | config),
            observers=[observe, pulse.note],
            make=make,
        )
    total, on_loop = time.process_time() - process, time.thread_time() - thread
    (script,) = scripts
    assert script.booked is not None
    turns = sorted(loop.turns, reverse=True)
    return Figures(
        state=outcome.state.name,
        passed=[verdict.passed for verdict in verdicts],
        arrivals=script.booked.number,
        script_seconds=sum(turn.cpu for turn in turns) + script.booked.seconds,
        arrivals_seconds=script.booked.seconds,
        thread_seconds=total - on_loop,
        all_seconds=total,
        longest=[(turn.task, 1e3 * turn.wall, 1e3 * turn.cpu) for turn in turns[:6]],
        judging_gap=1e3 * pulse.longest,
        collection=1e3 * collector.longest,
        megabytes_idle=idle,
        megabytes_peak=_megabytes(),
        log_characters=max(len(line.message) for line in log),
    )


def _behave(job: Job, says: dict[str, Verification]) -> Behaviour:
    return Behaviour(seconds=5.0, verification=says.get(job.name, Verification.PASSES))


def _megabytes() -> float:
    """Return the most memory that the process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured_alone(name: str) -> Figures:
    """Make one of the runs in a process of its own: memory that was used once is never given back."""
    command = [sys.executable, __file__, name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return Figures(**json.loads(done.stdout))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(asdict(measure(sys.argv[1]))))
    else:
        print(json.dumps({name: asdict(measured_alone(name)) for name in RUNS}, indent=4))
