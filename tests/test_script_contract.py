"""What a script may rely on of salobj's BaseScript, as its documentation describes it: holds for both middlewares."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from waiting_script import WaitingScript

from lsst.ts.calibscripts.errors import describe
from lsst.ts.calibscripts.sal import (
    AckError,
    BaseScript,
    Domain,
    ExpectedError,
    Remote,
    SalRetCode,
    ScriptState,
)

pytestmark = pytest.mark.observatory

PATIENCE = 120.0
"""Longest wait for anything, seconds: a broker may be slow."""

_INDICES = itertools.count(210_001)


class Script(WaitingScript):
    """Waits in real time, so not for long."""

    default_wait = 0.5


class Operator:
    """A script, the remote that drives it, and the states that were seen, each with its checkpoint."""

    def __init__(self, script: Any, remote: Any) -> None:
        self.script, self.remote = script, remote
        self.seen: list[str] = []

        async def note(data: Any) -> None:
            text = " ".join(filter(None, [ScriptState(data.state).name, data.lastCheckpoint]))
            # A reader of the observatory's may deliver the last sample once more when it begins to read.
            if not self.seen or self.seen[-1] != text:
                self.seen.append(text)

        remote.evt_state.callback = note

    async def sees(self, state: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while state not in self.seen:  # noqa: ASYNC110 - it is looked at, not told.
                await asyncio.sleep(0.05)

    async def configure(self, config: dict[str, Any] | None = None, **fields: Any) -> None:
        text = yaml.safe_dump(config) if config else ""
        await self.remote.cmd_configure.set_start(config=text, timeout=PATIENCE, **fields)

    async def run(self, config: dict[str, Any] | None = None, **fields: Any) -> asyncio.Task[Any]:
        await self.configure(config, **fields)
        await self.remote.cmd_setGroupId.set_start(groupId="G", timeout=PATIENCE)
        return asyncio.create_task(self.remote.cmd_run.start(timeout=PATIENCE))

    async def refused(self, command: str, **fields: Any) -> str:
        with pytest.raises(AckError) as raised:
            await getattr(self.remote, f"cmd_{command}").set_start(timeout=PATIENCE, **fields)
        assert raised.value.ackcmd.ack == SalRetCode.CMD_FAILED
        return str(raised.value.ackcmd.result)


@asynccontextmanager
async def operate(make: Callable[[int], BaseScript] = Script) -> AsyncIterator[Operator]:
    index = next(_INDICES)
    async with Domain() as domain, Remote(domain, "Script", index) as remote:
        script = make(index)
        await script.start_task
        operator = Operator(script, remote)
        try:
            yield operator
        finally:
            await script.close()


async def test_from_configured_to_done() -> None:
    async with operate() as operator:
        script = operator.script
        await operator.configure({"wait": 1, "metadata": {"author": "me"}}, blockId="BL1_O_20260918_000001")
        assert script.config == SimpleNamespace(wait=1, fail=None)
        assert (script.obs_id, script.group_id) == ("BL1_O_20260918_000001", "")
        assert await operator.refused("run") == "Failed: Group ID not set"
        await operator.remote.cmd_setGroupId.set_start(groupId="G", timeout=PATIENCE)
        assert [script.next_supplemented_group_id() for _ in range(2)] == ["G#1", "G#2"]
        ack = await operator.remote.cmd_run.start(timeout=PATIENCE)
        assert ack.ack == SalRetCode.CMD_COMPLETE
        await operator.sees("DONE end")
        assert operator.seen[-6:] == [
            "CONFIGURED",
            "RUNNING",
            "RUNNING begin",
            "RUNNING end",
            "ENDING end",
            "DONE end",
        ]
        assert script.events == ["run", "cleanup in ENDING"]
        assert (script.num_checkpoints, script.last_checkpoint) == (2, "end")
        await script.done_task


async def test_what_fails_at_configure() -> None:
    async with operate() as operator:
        assert await operator.refused("run") == "Failed: Cannot run: state=UNCONFIGURED instead of CONFIGURED"
        result = await operator.refused("configure", pauseCheckpoint="(")
        assert result.startswith("Failed: pause='(' not a valid regex: ")
        assert operator.script.state.state == ScriptState.UNCONFIGURED
        result = await operator.refused("configure", config="fail: metadata")
        assert (result, operator.script.state.state) == (
            "Failed: failed in metadata",
            ScriptState.UNCONFIGURED,
        )
        result = await operator.refused("configure", config="wait: -1")
        assert result.startswith("Failed: config(wait: -1) failed: -1 is less than the minimum of 0")
        await operator.sees("CONFIGURE_FAILED")
        assert f"Failed: {operator.script.state.reason}" == result
        await operator.script.done_task
        assert operator.script.events == []


@pytest.mark.parametrize(
    ("place", "reason", "events"),
    [
        ("run", "Error in run: failed in run", ["run", "cleanup in FAILING"]),
        ("cleanup", "failed in _exit: failed in cleanup", ["run", "cleanup in ENDING"]),
    ],
)
async def test_what_fails_later(place: str, reason: str, events: list[str]) -> None:
    async with operate() as operator:
        running = await operator.run({"fail": place})
        await running
        with pytest.raises(ExpectedError) if place == "cleanup" else nullcontext():
            await operator.script.done_task
        assert (operator.script.state.state, operator.script.state.reason) == (ScriptState.FAILED, reason)
        assert operator.script.events == events


async def test_pause_and_resume() -> None:
    async with operate() as operator:
        running = await operator.run(pauseCheckpoint="beg.*")
        await operator.sees("PAUSED begin")
        with pytest.raises(RuntimeError, match="state=PAUSED instead of RUNNING"):
            await operator.script.checkpoint("of another coroutine")
        await operator.remote.cmd_resume.start(timeout=PATIENCE)
        await running
        await operator.sees("DONE end")
        assert operator.seen[operator.seen.index("PAUSED begin") + 1] == "RUNNING begin"


@pytest.mark.parametrize("moment", ["before", "running", "paused", "checkpoint"])
async def test_stop(moment: str) -> None:
    async with operate() as operator:
        if moment == "before":
            await operator.configure()
            await operator.remote.cmd_stop.start(timeout=PATIENCE)
            events = []
        else:
            checkpoints = {"paused": {"pauseCheckpoint": "begin"}, "checkpoint": {"stopCheckpoint": "end"}}
            running = await operator.run(
                {"wait": 0.5 if moment == "checkpoint" else 50}, **checkpoints.get(moment, {})
            )
            if moment != "checkpoint":
                await operator.sees("PAUSED begin" if moment == "paused" else "RUNNING begin")
                await operator.remote.cmd_stop.start(timeout=PATIENCE)
            await running
            events = ["run", "cancelled", "cleanup in STOPPING"]
        await operator.script.done_task
        assert operator.script.state.state == ScriptState.STOPPED
        assert operator.script.events == events


@pytest.mark.parametrize("paused", [False, True])
async def test_a_termination_ends_a_run_without_cleanup_in_stopping(paused: bool) -> None:
    async with operate() as operator:
        running = await operator.run({"wait": 50}, pauseCheckpoint="begin" if paused else "")
        await operator.sees("PAUSED begin" if paused else "RUNNING begin")
        operator.script.signal_handler()
        await operator.script.done_task
        await operator.script.close()
        await asyncio.gather(running, return_exceptions=True)
        assert operator.script.events == ["run", "cancelled"]
        assert operator.script.state.state == ScriptState.STOPPING


async def test_a_checkpoint_is_for_run_only() -> None:
    async with operate() as operator:
        with pytest.raises(RuntimeError, match="state=UNCONFIGURED instead of RUNNING"):
            await operator.script.checkpoint("now")
    with pytest.raises(ValueError, match="index must be nonzero"):
        Script(0)


async def test_what_a_run_is_terminated_from_can_still_send_commands() -> None:
    """That is how its jobs are aborted."""
    asked = asyncio.Event()

    class Aborting(Script):
        async def run(self) -> None:
            try:
                await self.checkpoint("begin")
                await asyncio.sleep(50)
            finally:
                await self.other.cmd_setCheckpoints.set_start(pause="x", timeout=0.9)
                asked.set()

    async with operate() as other, operate(Aborting) as operator:
        operator.script.other = Remote(
            operator.script.domain, "Script", other.script.salinfo.index, include=[]
        )
        await operator.script.other.start_task
        running = await operator.run()
        await operator.sees("RUNNING begin")
        await operator.script.close()
        await asyncio.gather(running, return_exceptions=True)
        assert asked.is_set()
        assert other.script.checkpoints.pause == "x"


@pytest.mark.parametrize(
    "code",
    [code for code in SalRetCode if code.name.startswith("CMD_") and code < 0],
    ids=lambda code: code.name,
)
def test_a_command_that_failed_without_a_reason_is_reported_by_the_name_of_its_end(code: SalRetCode) -> None:
    """The acknowledgements of the observatory's middleware have numbers."""
    error = AckError("failed", SimpleNamespace(ack=int(code), error=0, result="", private_seqNum=1))
    assert describe(error) == f"the command ended with {code.name}, without a reason"
