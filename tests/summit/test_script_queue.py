"""The queue: which scripts it finds, in which order it runs them, and when it stops."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts.calibscripts import sal
from lsst.ts.calibscripts.check.blocks import ScriptCall
from lsst.ts.calibscripts.summit.queue.script_queue import (
    Entry,
    Finished,
    LogLine,
    Outcome,
    Queued,
    ScriptQueue,
    block_entries,
    find_queued,
    run_in_order,
    script_names,
)
from lsst.ts.calibscripts.summit.queue.stand_ins import STAND_INS

State = sal.ScriptState


class Teller(sal.BaseScript):
    """A script that tells who it is, and ends as its configuration says."""

    def __init__(self, index: int) -> None:
        super().__init__(index, descr="Tells who it is")

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {"type": "object", "properties": {"end": {"type": "string", "default": "well"}}}

    async def configure(self, config: SimpleNamespace) -> None:
        if config.end == "refused":
            raise ValueError("this cannot be")
        self.end = config.end

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = 1.0

    async def run(self) -> None:
        self.log.info(
            f"index {self.salinfo.index}, block {str(self.obs_id or '')!r}, group {bool(self.group_id)}"
        )
        await self.checkpoint("told")
        await asyncio.sleep(1.0)
        if self.end == "failed":
            raise RuntimeError("it did not work")
        if self.end == "stopped":
            raise asyncio.CancelledError


def told(log: list[LogLine]) -> list[str]:
    return [line.message for line in log if line.message.startswith("index")]


async def run_all(*ends: str) -> tuple[Finished, list[LogLine]]:
    """Run scripts that end as told."""
    log: list[LogLine] = []
    queue = ScriptQueue(log.append)

    async def run(entry: Entry) -> Outcome:
        return await queue.run(entry.name, entry.config, make=Teller)

    return await run_in_order([Entry(f"auxtel/{end}.py", f"end: {end}") for end in ends], run), log


async def test_scripts_are_run_one_after_another() -> None:
    finished, log = await run_all("well", "well", "well")
    assert [outcome.state for outcome in finished.outcomes] == [State.DONE] * 3
    assert finished.exit_code == 0
    indices = [200_001, 200_002, 200_003]
    assert told(log) == [f"index {index}, block '', group True" for index in indices]


@pytest.mark.parametrize(
    ("end", "state", "reason"),
    [
        ("failed", State.FAILED, "Error in run: it did not work"),
        ("refused", State.CONFIGURE_FAILED, "this cannot be"),
        ("stopped", State.STOPPED, ""),
    ],
)
async def test_after_one_that_is_not_done_the_rest_is_not_run(
    end: str, state: sal.ScriptState, reason: str
) -> None:
    finished, log = await run_all("well", end, "well", "failed")
    assert [outcome.state for outcome in finished.outcomes] == [State.DONE, state]
    assert reason in finished.outcomes[-1].reason
    assert [entry.name for entry in finished.waiting] == ["auxtel/well.py", "auxtel/failed.py"]
    assert finished.exit_code == 1
    assert len(told(log)) == (1 if end == "refused" else 2)


async def test_the_last_one_decides_too() -> None:
    finished, _ = await run_all("well", "failed")
    assert (finished.waiting, finished.exit_code) == ((), 1)


async def test_what_is_added_meanwhile_is_run_at_the_end() -> None:
    names: list[str] = []
    more = iter([[Entry("c"), Entry("d")], [], [], []])

    async def run(entry: Entry) -> Outcome:
        names.append(entry.name)
        return Outcome(entry.name, State.DONE, "", (), ())

    finished = await run_in_order([Entry("a"), Entry("b")], run, lambda: next(more))
    assert names == ["a", "b", "c", "d"]
    assert len(finished.outcomes) == 4


async def test_a_script_without_a_folder_belongs_to_the_queue_it_is_in() -> None:
    log: list[LogLine] = []
    for queue, name in (("auxtel", "a.py"), ("maintel", "a.py"), ("auxtel", "maintel/a.py")):
        await ScriptQueue(log.append, queue=queue).run(name, "", make=Teller)
    assert [line.split(",")[0] for line in told(log)] == ["index 200001", "index 100001", "index 100001"]


async def test_scripts_of_a_block_know_its_execution() -> None:
    log: list[LogLine] = []
    (entry,) = block_entries("BLOCK-295", [ScriptCall("auxtel/a.py", False, {"end": "well"})], execution=3)
    outcome = await ScriptQueue(log.append).run(
        entry.name, entry.config, Queued(block_id=entry.block_id), make=Teller
    )
    assert outcome.checkpoints == ("told",)
    assert f"block {entry.block_id!r}" in told(log)[0]


@pytest.mark.parametrize(
    ("program", "expected"), [("BLOCK-295", r"BL295_O_\d{8}_000001"), ("BLOCK-T60", r"BT60_O_\d{8}_000001")]
)
def test_executions_are_named_after_the_program(program: str, expected: str) -> None:
    first, second = block_entries(program, [ScriptCall("a", True, {}), ScriptCall("b", False, {"x": 1})])
    assert (first.name, first.standard, second.config) == ("a", True, "x: 1\n")
    assert first.block_id == second.block_id
    assert re.fullmatch(expected, first.block_id)
    assert str(first) == f"{program} a"


@pytest.mark.parametrize("name", STAND_INS)
def test_stand_ins_are_found_among_the_standard_scripts(name: str) -> None:
    assert find_queued(name) is find_queued(name, True) is STAND_INS[name]
    with pytest.raises(LookupError, match="write standard: true"):
        find_queued(name, False)


@pytest.mark.parametrize("name", script_names())
def test_ours_are_found_among_the_external_scripts(name: str) -> None:
    assert find_queued(name) is find_queued(name, False)
    with pytest.raises(LookupError, match="write standard: false"):
        find_queued(name, True)


def test_a_script_that_is_not_there_is_reported_with_those_that_are() -> None:
    with pytest.raises(
        LookupError, match=r"Unknown script auxtel/point.py; .* has .*stop_tracking.*make_latiss"
    ):
        find_queued("auxtel/point.py")


class Patient(Teller):
    """A script that is configured slowly, works for a minute, and says how it ended."""

    async def configure(self, config: SimpleNamespace) -> None:
        await asyncio.sleep(10.0)
        await super().configure(config)

    async def run(self) -> None:
        try:
            await self.checkpoint("working")
            await asyncio.sleep(60.0)
        finally:
            await asyncio.sleep(1.0)
            self.log.info("tidied up")
            # The middleware's own message follows, and would overtake it.
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("moment", "tidied"),
    [(0.0, False), (5.0, False), (10.0, False), (10.0015, True), (30.0, True), (69.0, True)],
)
async def test_a_queue_that_is_stopped_stops_its_script_and_runs_no_other(
    moment: float, tidied: bool
) -> None:
    log: list[LogLine] = []
    queue = ScriptQueue(log.append)

    async def run(entry: Entry) -> Outcome:
        return await queue.run(entry.name, "", make=Patient)

    asyncio.get_running_loop().call_later(moment, queue.stop)
    finished = await run_in_order([Entry("auxtel/a.py"), Entry("auxtel/b.py")], run)
    assert [outcome.state for outcome in finished.outcomes] == [State.STOPPED]
    assert [entry.name for entry in finished.waiting] == ["auxtel/b.py"]
    assert finished.exit_code == 1
    assert ("tidied up" in [line.message for line in log]) is tidied


async def test_a_stop_between_two_scripts_is_for_the_next_one() -> None:
    queue = ScriptQueue()

    async def run(entry: Entry) -> Outcome:
        outcome = await queue.run(entry.name, "", make=Teller)
        queue.stop()
        return outcome

    finished = await run_in_order([Entry(f"auxtel/{name}.py") for name in "abc"], run)
    assert [outcome.state for outcome in finished.outcomes] == [State.DONE, State.STOPPED]
    assert [entry.name for entry in finished.waiting] == ["auxtel/c.py"]
