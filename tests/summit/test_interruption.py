"""Somebody stops or pauses a script at a stage that the summit sees."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from astropy.time import Time

from lsst.ts.calibscripts import sal
from lsst.ts.calibscripts.summit.faults.faults import FAULTS, Faults
from lsst.ts.calibscripts.summit.hardware.camera import Readout
from lsst.ts.calibscripts.summit.hardware.observation import Observation
from lsst.ts.calibscripts.summit.ocps.csc import Job, Phase
from lsst.ts.calibscripts.summit.queue.interruption import STAGES, Interruptions
from lsst.ts.calibscripts.summit.queue.script_queue import Outcome, ScriptQueue


class Worker(sal.BaseScript):
    """A script that works for a minute, with a checkpoint every 10 s."""

    def __init__(self, index: int) -> None:
        super().__init__(index, descr="Works for a minute")

    @classmethod
    def get_schema(cls) -> dict[str, Any] | None:
        return None

    async def configure(self, config: SimpleNamespace) -> None:
        pass

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = 60

    async def run(self) -> None:
        for number in range(6):
            await self.checkpoint(f"part {number}")
            await asyncio.sleep(10)


def readout(image_type: str, number: int) -> Readout:
    begin = Time("2026-09-18T20:00:00", scale="tai")
    observation = Observation(
        "LATISS",
        20260918,
        number,
        image_type,
        exposure_time=0.0,
        dark_time=0.0,
        begin=begin,
        filter="empty_1",
    )
    return Readout(observation, (), number)


def job(pipeline: str, phase: Phase) -> Job:
    return Job("0" * 32, "LATISS", f"{pipeline}.yaml", "", "", number=1, submitted=0.0, phase=phase)


SEEN = {
    "taking": lambda summit: summit.note_readout(readout("BIAS", 2)),
    "generating": lambda summit: summit.note_job(job("cpBias", Phase.EXECUTING)),
    "verifying": lambda summit: summit.note_job(job("verifyBias", Phase.EXECUTING)),
    "certifying": lambda summit: summit.note_job(job("verifyBias", Phase.COMPLETED)),
}
"""What the summit sees at each stage."""


async def run(fault: str) -> tuple[Outcome, float]:
    """Run a script while the stages pass by, one every 4 s; give how it ended and when."""
    summit = Interruptions(Faults([fault]))
    loop = asyncio.get_running_loop()
    begin = loop.time()

    async def work() -> None:
        for stage in STAGES:
            await asyncio.sleep(4)
            SEEN[stage](summit)

    async with asyncio.TaskGroup() as group:
        group.create_task(work())
        outcome = await ScriptQueue().run("test/worker.py", "", make=Worker, while_running=summit.interrupt)
        end = loop.time()
    return outcome, end - begin


def test_there_is_a_fault_for_each_stage() -> None:
    names = {name for name in FAULTS if name.startswith("script-")}
    assert names == {f"script-{what}-{stage}" for what in ("stopped", "paused") for stage in STAGES}


@pytest.mark.parametrize(("stage", "checkpoints"), list(zip(STAGES, (1, 1, 2, 2), strict=True)))
async def test_a_script_is_stopped_at_its_stage(stage: str, checkpoints: int) -> None:
    outcome, seconds = await run(f"script-stopped-{stage}")
    assert outcome.state is sal.ScriptState.STOPPED
    assert seconds == pytest.approx(4 * (STAGES.index(stage) + 1), abs=3)
    assert len(outcome.checkpoints) == checkpoints


@pytest.mark.parametrize("stage", STAGES)
async def test_a_script_is_paused_at_its_stage_and_resumed(stage: str) -> None:
    outcome, seconds = await run(f"script-paused-{stage}:delay=100")
    assert outcome.state is sal.ScriptState.DONE
    assert outcome.states.count(sal.ScriptState.PAUSED) == 1
    assert seconds == pytest.approx(160, abs=3)


async def test_what_is_not_hit_goes_on() -> None:
    outcome, seconds = await run("script-stopped-taking:of=FLAT")
    assert outcome.state is sal.ScriptState.DONE
    assert seconds == pytest.approx(60, abs=3)
