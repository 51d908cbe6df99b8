"""Runs scripts in the simulated summit on an ordinary event loop, and keeps everything that could be seen of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from astropy.time import Time
from lsst.daf.butler import Butler, CollectionType
from scripts_over import LatissInMemory

from lsst.ts.calibscripts.config import read_yaml
from lsst.ts.calibscripts.events.events import Event, ExposureTaken, JobEnded, JobStarted, JobSubmitted
from lsst.ts.calibscripts.sal import BaseScript
from lsst.ts.calibscripts.summit.hardware.camera import Readout
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Outcome, ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import (
    Behaviour,
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    reference_calibrations,
)

SEED = 20
LATISS_SCRIPT = "auxtel/make_latiss_calibrations.py"
COMCAM_SCRIPT = "maintel/make_comcam_calibrations.py"
LATISS_FILTERS = ["SDSSr_65mm~empty", "empty~SDSSy_65mm", "empty~empty", "SDSSi_65mm~blue300lpmm_qn1"]
"""Physical filters with a reference flat: the one that is set, and what is in the beam when nothing is."""

EXAMPLES = Path(__file__).parents[1] / "data" / "examples"

_EventType = TypeVar("_EventType", bound=Event)


@dataclass(frozen=True)
class Rehearsed:
    """A run of a script that has ended."""

    outcome: Outcome  #: How it ended.
    log: tuple[LogLine, ...]  #: What LOVE would have shown.
    #: Seconds of the event loop's clock and what the script told its observers then, in order.
    timed_events: tuple[tuple[float, Event], ...]
    jobs: tuple[Job, ...]  #: All jobs of the OCPS, in the order they were submitted.
    readouts: tuple[Readout, ...]  #: All exposures of the camera.
    #: The butler repository, and the directory with the logs of jobs.
    repo: str
    scratch: Path

    @property
    def text(self) -> str:
        """The log as text: what a test shows when it fails."""
        return "\n".join(f"{line.level_name:8}{line.message}" for line in self.log)

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(line.message for line in self.log if line.level_name == "WARNING")

    def events(self, kind: type[_EventType]) -> tuple[_EventType, ...]:
        return tuple(event for _, event in self.timed_events if isinstance(event, kind))

    def kept(self, image_type: str) -> list[int]:
        return [e.exposure for e in self._taken(image_type) if not e.discarded]

    def discarded(self, image_type: str) -> list[int]:
        return [e.exposure for e in self._taken(image_type) if e.discarded]

    def times(self, image_type: str) -> list[float]:
        """Exposure times of all exposures of a type in seconds, the discarded ones included."""
        return [e.exposure_time for e in self._taken(image_type)]

    def _taken(self, image_type: str) -> Iterator[ExposureTaken]:
        return (event for event in self.events(ExposureTaken) if event.image_type == image_type)

    def job_id(self, step: str) -> str:
        return next(event.job_id for event in self.events(JobStarted) if str(event.step) == step)

    def run_collection(self, step: str) -> str:
        return f"u/ocps/{self.job_id(step)}/run"

    def submitted(self, step: str) -> JobSubmitted:
        return next(event for event in self.events(JobSubmitted) if str(event.step) == step)

    def outcome_of(self, step: str) -> str:
        return next(event.outcome for event in self.events(JobEnded) if str(event.step) == step)

    def span(self, step: str) -> tuple[float, float]:
        """When a step's job was submitted and when it ended, in seconds of the event loop's clock."""
        return self.when(JobSubmitted, step=step), self.when(JobEnded, step=step)

    def when(self, kind: type[Event], **fields: object) -> float:
        """When the first event of that kind with these fields happened."""
        return next(
            time
            for time, event in self.timed_events
            if isinstance(event, kind)
            and all(str(getattr(event, name)) == str(value) for name, value in fields.items())
        )


def rehearse(
    repo: str,
    script: str,
    config: dict[str, Any],
    *,
    begin: str,
    instruments: Iterable[str] = ("LATISS",),
    make: Callable[[int], BaseScript] | None = None,
    speed: float = 1000.0,
    **summit: Any,
) -> Rehearsed:
    """Run a script as the ScriptQueue does, with the real pipetask on a real repository, in real time.

    Parameters
    ----------
    repo, script, config
        Repository, name of the script and its configuration.
    begin
        When it is at the summit, TAI: it decides the exposure ids, and these the noise of every frame.
    instruments, speed, **summit
        As `Summit` has them.
    make
        Makes the script, given its index.
    """
    log: list[LogLine] = []
    events: list[tuple[float, Event]] = []

    async def run() -> Rehearsed:
        clock = asyncio.get_running_loop().time
        start = Time(begin, scale="tai").unix_tai
        async with Summit(repo, instruments, speed=speed, seed=SEED, start=start, **summit) as site:
            outcome = await ScriptQueue(log.append).run(
                script,
                yaml.safe_dump({**config, "repo": repo}),
                observers=[lambda event: events.append((clock(), event))],
                make=make,
            )
        return Rehearsed(
            outcome, tuple(log), tuple(events), site.jobs, tuple(site.readouts), repo, site.scratch
        )

    return asyncio.run(run())


async def rehearse_without_pixels(
    config: dict[str, Any],
    *,
    behave: Callable[[Job], Behaviour] = lambda job: Behaviour(),
    faults: Iterable[str] = (),
) -> Rehearsed:
    """Run LATISS' script with a butler in memory, on the event loop of the test."""
    butler = MemoryButler()
    reference_calibrations(butler, "LATISS")

    log: list[LogLine] = []
    events: list[tuple[float, Event]] = []
    clock = asyncio.get_running_loop().time
    runner = MemoryRunner(butler, behave)
    async with Summit("/nowhere", ingest=MemoryIngest(butler), runner=runner, faults=faults) as site:
        outcome = await ScriptQueue(log.append).run(
            LATISS_SCRIPT,
            yaml.safe_dump(config | {"record": False}),
            observers=[lambda event: events.append((clock(), event))],
            make=LatissInMemory.over(MemoryRepository(butler)),
        )
        return Rehearsed(
            outcome, tuple(log), tuple(events), site.jobs, tuple(site.readouts), "", site.scratch
        )


def example(name: str, **corrections: str) -> dict[str, Any]:
    """Read a configuration as the documents print it.

    Parameters
    ----------
    name
        Name of the file in ``tests/data/examples``.
    **corrections
        What replaces a placeholder such as ``${FILTER_NAME_OR_ID}``, by its name.
    """
    text = (EXAMPLES / f"{name}.yaml").read_text().replace("=True", ": True")
    for placeholder, value in corrections.items():
        text = text.replace(f"${{{placeholder}}}", value)
    given, problems = read_yaml(text)
    assert not problems, problems
    return given


@contextmanager
def opened(repo: str, *collections: str, writeable: bool = False) -> Iterator[Butler]:
    with Butler.from_config(repo, collections=collections or None, writeable=writeable) as butler:
        yield butler


def chain(repo: str, name: str, *children: str) -> None:
    """Make a CHAINED collection."""
    with opened(repo, writeable=True) as butler:
        butler.collections.register(name, CollectionType.CHAINED)
        butler.collections.redefine_chain(name, children)


def exposures_of(data_query: str) -> list[int]:
    """Return the exposures of a data query such as ``... AND exposure IN (1,2)``."""
    return [int(word) for word in data_query.partition("exposure IN (")[2].rstrip(")").split(",")]


def verify(repo: str, pipeline: str, exposures: Iterable[int], *inputs: str) -> str:
    """Run a verification pipeline of LATISS by hand, as somebody who looks into a run does, and give its RUN."""
    run = f"u/somebody/{pipeline}"
    ids = ",".join(map(str, exposures))
    words = ["--long-log", "run", "-b", repo, "-p", f"$CP_VERIFY_DIR/pipelines/LATISS/{pipeline}.yaml"]
    words += ["-i", ",".join([*inputs, "LATISS/raw/all"]), "--output-run", run, "-j", "1"]
    words += ["-d", f"instrument='LATISS' AND detector IN (0) AND exposure IN ({ids})"]
    command = [str(Path(sys.executable).with_name("pipetask")), *words, "--register-dataset-types"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return run
