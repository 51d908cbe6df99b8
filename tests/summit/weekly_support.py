"""A summit of LATISS without pixels, in which whole BLOCKs take a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from scripts_over import LatissInMemory

from lsst.ts.calibscripts import sal
from lsst.ts.calibscripts.check.blocks import Block, expand, get_blocks_dir, load_block
from lsst.ts.calibscripts.repository import Signal
from lsst.ts.calibscripts.summit.hardware.calsys import CalibrationSystem
from lsst.ts.calibscripts.summit.hardware.camera import Readout
from lsst.ts.calibscripts.summit.queue.scheduler import SimulatedScheduler
from lsst.ts.calibscripts.summit.queue.script_queue import (
    Entry,
    Finished,
    LogLine,
    Outcome,
    Queued,
    ScriptQueue,
    block_entries,
    run_in_order,
)
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import (
    Behaviour,
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    reference_calibrations,
)

LATISS_SCRIPT = "auxtel/make_latiss_calibrations.py"
SETUP, WEEKLY, SHUTDOWN = "BLOCK-309", "BLOCK-295", "BLOCK-310"


def shipped(program: str) -> Block:
    """Return a BLOCK of this package."""
    blocks = map(load_block, get_blocks_dir().glob("*.json"))
    return next(block for block in blocks if block.program == program)


def entries_of(*programs: str, overrides: Mapping[str, Any] | None = None) -> list[Entry]:
    """Return the scripts of BLOCKs of this package; overrides are for the weekly one."""
    return [
        entry
        for number, program in enumerate(programs, 1)
        for entry in block_entries(
            program, expand(shipped(program), overrides if program == WEEKLY else None), number
        )
    ]


class LitRepository(MemoryRepository):
    """A repository in memory whose images have the level that the light of the summit gives."""

    def __init__(self, butler: MemoryButler, readouts: list[Readout]) -> None:
        super().__init__(butler)
        self._readouts = readouts

    def level(self, instrument: str, exposure: int, detector: int) -> Signal:
        """Return the signal of a raw image."""
        taken = (readout.observation for readout in self._readouts)
        (found,) = (each for each in taken if each.exposure_id == exposure)
        return Signal(found.rate * found.exposure_time)


@dataclass
class Rehearsed:
    """A summit in which scripts are run, and everything they say."""

    summit: Summit
    butler: MemoryButler
    log: list[LogLine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue = ScriptQueue(self.log.append)
        self.scheduler.blocks |= {program: shipped(program) for program in (SETUP, WEEKLY, SHUTDOWN)}

    @property
    def scheduler(self) -> SimulatedScheduler:
        scheduler = self.summit.components["Scheduler:2"]
        assert isinstance(scheduler, SimulatedScheduler)
        return scheduler

    @property
    def system(self) -> CalibrationSystem:
        assert self.summit.calibration_system is not None
        return self.summit.calibration_system

    def make(self, index: int) -> sal.BaseScript:
        """Make the script with this summit's repository."""
        script: sal.BaseScript = LatissInMemory.over(LitRepository(self.butler, self.summit.readouts))(index)
        return script

    async def run(self, entry: Entry) -> Outcome:
        make: Callable[[int], sal.BaseScript] | None = self.make if entry.name == LATISS_SCRIPT else None
        return await self.queue.run(
            entry.name, entry.config, Queued(entry.standard, entry.block_id), make=make
        )

    async def script(self, name: str, config: str = "") -> Outcome:
        return await self.run(Entry(name, config))

    async def block(
        self, *programs: str, overrides: Mapping[str, Any] | None = None, added: Any = tuple
    ) -> Finished:
        return await run_in_order(entries_of(*programs, overrides=overrides), self.run, added)

    def readouts(self, image_type: str) -> list[Readout]:
        return [each for each in self.summit.readouts if each.observation.image_type == image_type]

    def states(self, *names: str) -> set[str]:
        return {self.summit.components[name].state.name for name in names}

    @property
    def text(self) -> str:
        return "\n".join(f"{line.level_name} {line.message}" for line in self.log)


@asynccontextmanager
async def latiss(
    *, ready: bool = False, faults: Iterable[str] = (), **options: Any
) -> AsyncIterator[Rehearsed]:
    """Open a summit of LATISS without pixels."""
    butler = MemoryButler()
    reference_calibrations(butler, "LATISS")
    async with Summit(
        "memory",
        ["LATISS"],
        ready=ready,
        faults=faults,
        ingest=MemoryIngest(butler),
        runner=MemoryRunner(butler, lambda job: Behaviour(seconds=5.0)),
        **options,
    ) as summit:
        yield Rehearsed(summit, butler)


@asynccontextmanager
async def remotes(*names: str) -> AsyncIterator[Iterator[Any]]:
    """Open remotes of components."""
    async with sal.Domain() as domain:
        opened = [sal.Remote(domain, *sal.name_to_name_index(name)) for name in names]
        await asyncio.gather(*(remote.start_task for remote in opened))
        yield iter(opened)
