"""State machine of a SAL script of the in-process middleware, as an operator drives it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from waiting_script import WaitingScript

from lsst.ts.calibscripts.embedded.salobj import (
    AckError,
    BaseScript,
    Domain,
    ExpectedError,
    Remote,
    SalRetCode,
    ScriptState,
)


class Script(WaitingScript):
    """Waits on a clock that jumps."""


class Operator:
    """A script and the remote that drives it."""

    def __init__(self, script: BaseScript, remote: Remote) -> None:
        self.script: Any = script
        self.remote = remote

    def states(self) -> list[str]:
        """List the states since the last call, with the checkpoint where there is one."""
        seen: list[str] = []
        while (event := self.remote.evt_state.get_oldest()) is not None:
            text = " ".join(filter(None, [ScriptState(event.state).name, event.lastCheckpoint]))
            seen += [text] if not seen or seen[-1] != text else []
        return seen

    async def configure(self, config: str = "", **fields: Any) -> None:
        await self.remote.cmd_configure.set_start(config=config, timeout=60, **fields)

    async def run(self, config: str = "", **fields: Any) -> asyncio.Task[Any]:
        await self.configure(config, **fields)
        await self.remote.cmd_setGroupId.set_start(groupId="2026-09-18T20:00:00.000", timeout=5)
        self.states()
        running = asyncio.create_task(self.remote.cmd_run.start(timeout=1000))
        await asyncio.sleep(1)
        return running

    async def refused(self, command: Callable[..., Awaitable[Any]], **fields: Any) -> str:
        with pytest.raises(AckError) as raised:
            await command(timeout=5, **fields)
        assert raised.value.ackcmd.ack == SalRetCode.CMD_FAILED
        return str(raised.value.ackcmd.result)


@asynccontextmanager
async def operate(factory: Callable[[int], BaseScript] = Script, index: int = 1) -> AsyncIterator[Operator]:
    async with Domain() as domain, Remote(domain, "Script", index) as remote:
        script = factory(index)
        await script.start_task
        try:
            yield Operator(script, remote)
        finally:
            await script.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_from_unconfigured_to_done() -> None:
    async with operate() as operator:
        script = operator.script
        assert operator.states() == ["UNCONFIGURED"]
        await operator.configure("wait: 100", blockId="BLOCK-1")
        assert operator.states() == ["CONFIGURED"]
        assert (script.obs_id, script.group_id) == ("BLOCK-1", "")
        await operator.remote.cmd_setGroupId.set_start(groupId="G", timeout=5)
        assert script.group_id == "G"
        begin = asyncio.get_running_loop().time()
        ack = await operator.remote.cmd_run.set_start(timeout=200)
        assert ack.ack == SalRetCode.CMD_COMPLETE
        assert 100 <= asyncio.get_running_loop().time() - begin < 101
        await script.done_task
        assert operator.states() == [
            "CONFIGURED",
            "RUNNING",
            "RUNNING begin",
            "RUNNING end",
            "ENDING end",
            "DONE end",
        ]
        assert script.events == ["run", "cleanup in ENDING"]
        assert script.state.state == ScriptState.DONE
        assert (script.state.reason, script.state.numCheckpoints) == ("", 2)
        assert (script.num_checkpoints, script.last_checkpoint) == (2, "end")
        assert list(script.timestamps) == [
            ScriptState.UNCONFIGURED,
            ScriptState.CONFIGURED,
            ScriptState.RUNNING,
            ScriptState.ENDING,
            ScriptState.DONE,
        ]
        elapsed = script.timestamps[ScriptState.ENDING] - script.timestamps[ScriptState.RUNNING]
        assert elapsed == pytest.approx(100, abs=0.1)


async def test_what_a_script_tells_about_itself() -> None:
    async with operate(index=200017) as operator:
        description = operator.remote.evt_description.get()
        assert description.classname == "Script"
        assert description.description == "Wait a little"
        assert description.help == "More about waiting"
        assert description.remotes == ""
        assert operator.script.salinfo.index == 200017
        assert operator.script.checkpoints.pause == ""
        await operator.configure(
            "wait: 100", pauseCheckpoint="a.*", stopCheckpoint="b", logLevel=logging.DEBUG
        )
        metadata = operator.remote.evt_metadata.get()
        assert (metadata.duration, metadata.totalCheckpoints) == (100, 2)
        assert (metadata.coordinateSystem, metadata.rotationSystem, metadata.dome) == (1, 1, 3)
        checkpoints = operator.remote.evt_checkpoints.get()
        assert (checkpoints.pause, checkpoints.stop) == ("a.*", "b")
        assert operator.remote.evt_logLevel.get().level == logging.DEBUG
        operator.script.log.debug("looking closely")
        message = await operator.remote.evt_logMessage.next(flush=False, timeout=1)
        assert message.message == "looking closely"


async def test_the_remotes_of_a_script_are_reported() -> None:
    class WithRemotes(Script):
        def __init__(self, index: int) -> None:
            super().__init__(index)
            self.ocps = Remote(self.domain, "OCPS", 1)
            self.oods = Remote(self.domain, "ATOODS")

    async with operate(WithRemotes) as operator:
        assert operator.remote.evt_description.get().remotes == "ATOODS:0,OCPS:1"
        await operator.script.ocps.start_task


async def test_index_0_is_refused() -> None:
    with pytest.raises(ValueError, match="index must be nonzero"):
        Script(0)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("wait: -1", "-1 is less than the minimum of 0"),
        ("wit: 1", "Additional properties are not allowed ('wit' was unexpected)"),
        ("fail: configure", "failed in configure"),
        ("wait: [1", "while parsing a flow sequence"),
        ("[1, 2]", "pop"),
    ],
)
async def test_a_configuration_that_fails_ends_the_script(config: str, reason: str) -> None:
    async with operate() as operator:
        result = await operator.refused(operator.remote.cmd_configure.set_start, config=config)
        assert result.startswith(f"Failed: config({config}) failed: ")
        await operator.script.done_task
        assert operator.states() == ["UNCONFIGURED", "CONFIGURE_FAILED"]
        state = operator.script.state
        assert state.state == ScriptState.CONFIGURE_FAILED
        assert f"Failed: {state.reason}" == result
        assert operator.script.events == []
        assert reason in state.reason


async def test_metadata_in_a_configuration_is_ignored() -> None:
    async with operate() as operator:
        await operator.configure("metadata: {author: me}\nwait: 3")
        assert operator.script.config == SimpleNamespace(wait=3, fail=None)
        assert operator.states()[-1] == "CONFIGURED"


async def test_an_empty_configuration_gets_the_defaults() -> None:
    async with operate() as operator:
        await operator.configure("# only a comment")
        assert operator.script.config == SimpleNamespace(wait=60, fail=None)


async def test_a_second_configure_is_refused() -> None:
    async with operate() as operator:
        await operator.configure()
        result = await operator.refused(operator.remote.cmd_configure.set_start)
        assert result == "Failed: Cannot configure: state=CONFIGURED instead of UNCONFIGURED"
        assert operator.script.state.state == ScriptState.CONFIGURED


@pytest.mark.parametrize("field", ["pauseCheckpoint", "stopCheckpoint"])
async def test_a_checkpoint_that_is_no_expression_leaves_the_script_unconfigured(field: str) -> None:
    async with operate() as operator:
        result = await operator.refused(operator.remote.cmd_configure.set_start, **{field: "("})
        assert "'(' not a valid regex" in result
        assert operator.script.state.state == ScriptState.UNCONFIGURED


async def test_metadata_that_fail_leave_the_script_unconfigured() -> None:
    async with operate() as operator:
        result = await operator.refused(operator.remote.cmd_configure.set_start, config="fail: metadata")
        assert result == "Failed: failed in metadata"
        assert operator.script.state.state == ScriptState.UNCONFIGURED


async def test_a_script_may_bring_its_own_validator() -> None:
    class Validator:
        def validate(self, data_dict: dict[str, Any] | None) -> dict[str, Any]:
            if data_dict and "wrong" in data_dict:
                raise jsonschema.ValidationError("wrong is wrong; right is right")
            return {"wait": 1, "fail": None, "given": sorted(data_dict or {})}

    def factory(index: int) -> BaseScript:
        script = Script(index)
        script.config_validator = Validator()
        return script

    async with operate(factory) as operator:
        await operator.configure("anything: 1")
        assert operator.script.config.given == ["anything"]
    async with operate(factory, index=2) as operator:
        result = await operator.refused(operator.remote.cmd_configure.set_start, config="wrong: 1")
        assert "wrong is wrong; right is right" in result


async def test_a_script_without_configuration() -> None:
    class Bare(Script):
        @classmethod
        def get_schema(cls) -> None:
            return None

        async def configure(self, config: SimpleNamespace) -> None:
            assert config == SimpleNamespace()
            self.config = SimpleNamespace(wait=1, fail=None)

    async with operate(Bare) as operator:
        assert operator.script.config_validator is None
        await operator.configure()
        assert operator.states()[-1] == "CONFIGURED"
    async with operate(Bare, index=2) as operator:
        result = await operator.refused(operator.remote.cmd_configure.set_start, config="a: 1")
        assert "This script has no configuration so config=a: 1 must be empty." in result


async def test_run_needs_a_configuration_and_a_group_id() -> None:
    async with operate() as operator:
        run = operator.remote.cmd_run.set_start
        set_group_id = operator.remote.cmd_setGroupId.set_start
        assert await operator.refused(run) == "Failed: Cannot run: state=UNCONFIGURED instead of CONFIGURED"
        result = await operator.refused(set_group_id, groupId="G")
        assert result == "Failed: Cannot setGroupId: state=UNCONFIGURED instead of CONFIGURED"
        await operator.configure()
        assert await operator.refused(run) == "Failed: Group ID not set"
        await set_group_id(groupId="G", timeout=5)
        await set_group_id(groupId="", timeout=5)
        assert await operator.refused(run) == "Failed: Group ID not set"
        assert operator.script.state.state == ScriptState.CONFIGURED


async def test_supplemented_group_ids() -> None:
    async with operate() as operator:
        await operator.configure()
        with pytest.raises(RuntimeError, match="No group ID"):
            operator.script.next_supplemented_group_id()
        for group_id in ("G", "H"):
            await operator.remote.cmd_setGroupId.set_start(groupId=group_id, timeout=5)
            ids = [operator.script.next_supplemented_group_id() for _ in range(2)]
            assert ids == [f"{group_id}#1", f"{group_id}#2"]


async def test_a_run_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    async with operate() as operator:
        running = await operator.run("fail: run")
        ack = await running
        assert ack.ack == SalRetCode.CMD_COMPLETE
        await operator.script.done_task
        assert operator.states() == ["RUNNING", "RUNNING begin", "FAILING begin", "FAILED begin"]
        assert operator.script.state.reason == "Error in run: failed in run"
        assert operator.script.events == ["run", "cleanup in FAILING"]
    assert "Error in run" not in caplog.messages


async def test_an_error_that_nobody_expected_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with operate() as operator:
        await (await operator.run("fail: unexpected"))
        await operator.script.done_task
        assert operator.script.state.state == ScriptState.FAILED
        assert operator.script.state.reason == "Error in run: unexpected"
    (record,) = (record for record in caplog.records if record.getMessage() == "Error in run")
    assert record.exc_info is not None


async def test_a_cleanup_that_fails() -> None:
    async with operate() as operator:
        await (await operator.run("fail: cleanup"))
        with pytest.raises(ExpectedError, match="failed in cleanup"):
            await operator.script.done_task
        assert operator.states()[-1] == "FAILED end"
        assert operator.script.state.reason == "failed in _exit: failed in cleanup"


async def test_a_cleanup_that_fails_after_a_run_that_failed() -> None:
    class Twice(Script):
        async def cleanup(self) -> None:
            raise ValueError("and the cleanup too")

    async with operate(Twice) as operator:
        await (await operator.run("fail: run"))
        with pytest.raises(ValueError, match="and the cleanup too"):
            await operator.script.done_task
        reason = "Error in run: failed in run; failed in _exit: and the cleanup too"
        assert operator.script.state.reason == reason


@pytest.mark.parametrize(
    ("pause", "expected"),
    [("begin", ["begin"]), (".*", ["begin", "end"]), ("b|e.d", ["end"]), ("beg", []), ("", [])],
)
async def test_pause_and_resume(pause: str, expected: list[str]) -> None:
    async with operate() as operator:
        running = await operator.run("wait: 10", pauseCheckpoint=pause)
        paused = []
        while not running.done():
            await asyncio.sleep(20)
            if operator.script.state.state == ScriptState.PAUSED:
                paused.append(operator.script.last_checkpoint)
                await operator.remote.cmd_resume.start(timeout=5)
                await asyncio.sleep(0.1)
                assert running.done() or operator.script.state.state != ScriptState.PAUSED
        assert paused == expected
        await operator.script.done_task
        assert operator.script.state.state == ScriptState.DONE


async def test_resume_where_nothing_is_paused() -> None:
    async with operate() as operator:
        running = await operator.run()
        result = await operator.refused(operator.remote.cmd_resume.set_start)
        assert result == "Failed: Cannot resume: state=RUNNING instead of PAUSED"
        await running


async def test_stop_at_a_checkpoint() -> None:
    async with operate() as operator:
        await (await operator.run(stopCheckpoint="end"))
        await operator.script.done_task
        assert operator.states() == ["RUNNING", "RUNNING begin", "STOPPING end", "STOPPED end"]
        assert operator.script.events == ["run", "cancelled", "cleanup in STOPPING"]


async def test_stop_while_running() -> None:
    async with operate() as operator:
        running = await operator.run("wait: 100")
        begin = asyncio.get_running_loop().time()
        await operator.remote.cmd_stop.start(timeout=5)
        await running
        await operator.script.done_task
        assert asyncio.get_running_loop().time() - begin < 5
        assert operator.states() == ["RUNNING", "RUNNING begin", "STOPPING begin", "STOPPED begin"]
        assert operator.script.events == ["run", "cancelled", "cleanup in STOPPING"]


async def test_stop_while_paused() -> None:
    async with operate() as operator:
        running = await operator.run(pauseCheckpoint="begin")
        assert operator.script.state.state == ScriptState.PAUSED
        await operator.remote.cmd_stop.start(timeout=5)
        await running
        await operator.script.done_task
        assert operator.states() == ["RUNNING", "PAUSED begin", "STOPPING begin", "STOPPED begin"]
        assert operator.script.events == ["run", "cancelled", "cleanup in STOPPING"]


@pytest.mark.parametrize("configured", [False, True])
async def test_stop_before_the_run(configured: bool) -> None:
    async with operate() as operator:
        if configured:
            await operator.configure()
        operator.states()
        await operator.remote.cmd_stop.start(timeout=5)
        await operator.script.done_task
        assert operator.states() == ["STOPPING", "STOPPED"]
        assert operator.script.events == []


async def test_stop_while_the_script_ends_changes_nothing() -> None:
    class Slow(Script):
        async def cleanup(self) -> None:
            await super().cleanup()
            await asyncio.sleep(100)

    async with operate(Slow) as operator:
        running = await operator.run("wait: 0")
        await asyncio.sleep(50)
        await operator.remote.cmd_stop.start(timeout=5)
        result = await operator.refused(operator.remote.cmd_setCheckpoints.set_start, pause="a")
        assert result == "Failed: Cannot setCheckpoints: script is exiting"
        await running
        await operator.script.done_task
        assert operator.states()[-2:] == ["ENDING end", "DONE end"]


async def test_a_cancellation_from_within_stops_the_script() -> None:
    class Cancelled(Script):
        async def run(self) -> None:
            raise asyncio.CancelledError

    async with operate(Cancelled) as operator:
        await (await operator.run())
        await operator.script.done_task
        assert operator.states() == ["RUNNING", "STOPPING", "STOPPED"]


async def test_checkpoints_can_be_set_later() -> None:
    async with operate() as operator:
        running = await operator.run("wait: 10")
        await operator.remote.cmd_setCheckpoints.set_start(pause="end", timeout=5)
        await asyncio.sleep(20)
        assert operator.script.state.state == ScriptState.PAUSED
        result = await operator.refused(operator.remote.cmd_setCheckpoints.set_start, stop="[")
        assert result.startswith("Failed: stop='[' not a valid regex: ")
        assert operator.script.checkpoints.pause == "end"
        await operator.remote.cmd_resume.start(timeout=5)
        await running


async def test_checkpoint_outside_run_raises() -> None:
    async with operate() as operator:
        with pytest.raises(RuntimeError, match="state=UNCONFIGURED instead of RUNNING"):
            await operator.script.checkpoint("now")
        assert operator.script.num_checkpoints == 0


async def test_checkpoint_from_a_second_coroutine_while_paused_raises() -> None:
    async with operate() as operator:
        running = await operator.run("wait: 10", pauseCheckpoint="begin")
        with pytest.raises(RuntimeError, match="state=PAUSED instead of RUNNING"):
            await operator.script.checkpoint("other")
        await operator.remote.cmd_resume.start(timeout=5)
        await running


async def test_checkpoint_of_a_script_that_was_put_to_running_raises() -> None:
    async with operate() as operator:
        await operator.script.set_state(ScriptState.RUNNING)
        with pytest.raises(RuntimeError, match="state is RUNNING but run is not"):
            await operator.script.checkpoint("now")


async def test_an_unexpected_state_at_the_end_is_a_failure() -> None:
    class Lost(Script):
        async def cleanup(self) -> None:
            await self.set_state(ScriptState.RUNNING, reason="lost")

    async with operate(Lost) as operator:
        await (await operator.run("wait: 0"))
        await operator.script.done_task
        assert operator.script.state.state == ScriptState.FAILED
        assert operator.script.state.reason == "lost; unexpected state for _exit RUNNING"


async def test_every_checkpoint_is_reported_even_with_the_name_of_the_last() -> None:
    class Repeating(Script):
        async def run(self) -> None:
            for _ in range(3):
                await self.checkpoint("again")

    async with operate(Repeating) as operator:
        await (await operator.run())
        numbers = []
        while (event := operator.remote.evt_state.get_oldest()) is not None:
            numbers.append(event.numCheckpoints)
        assert numbers[:4] == [0, 1, 2, 3]


async def test_no_stop_checkpoint_matches_a_checkpoint_without_name() -> None:
    """As with salobj: the empty expression matches the empty name, so a checkpoint needs a name."""

    class Nameless(Script):
        async def run(self) -> None:
            await self.checkpoint()

    async with operate(Nameless) as operator:
        await (await operator.run())
        assert operator.states()[-1] == "STOPPED"


async def test_heartbeats_come_every_5_s_while_the_script_lives() -> None:
    async with operate() as operator:
        running = await operator.run("wait: 1000")
        operator.remote.evt_heartbeat.flush()
        first = await operator.remote.evt_heartbeat.next(flush=True, timeout=6)
        second = await operator.remote.evt_heartbeat.next(flush=True, timeout=6)
        assert second.private_sndStamp - first.private_sndStamp == pytest.approx(5)
        await operator.remote.cmd_stop.start(timeout=5)
        await running
        await operator.script.done_task
        with pytest.raises(TimeoutError):
            await operator.remote.evt_heartbeat.next(flush=True, timeout=60)


async def test_two_scripts_do_not_hear_each_others_commands() -> None:
    async with operate(index=1) as one, operate_another() as two:
        await one.configure()
        assert one.script.state.state == ScriptState.CONFIGURED
        assert two.script.state.state == ScriptState.UNCONFIGURED


@asynccontextmanager
async def operate_another() -> AsyncIterator[Operator]:
    async with Domain() as domain, Remote(domain, "Script", 2) as remote:
        script = Script(2)
        await script.start_task
        yield Operator(script, remote)
        await script.close()


async def test_closing_in_the_middle_cancels_the_run_without_cleanup() -> None:
    async with operate() as operator:
        running = await operator.run()
        await operator.script.close()
        await asyncio.gather(running, return_exceptions=True)
        assert operator.script.events == ["run", "cancelled"]
        assert operator.script.state.state == ScriptState.STOPPING


async def test_a_run_that_is_cancelled_can_still_send_commands() -> None:
    class Aborting(Script):
        async def run(self) -> None:
            try:
                await asyncio.sleep(1000)
            finally:
                await other.cmd_stop.set_start(timeout=0.5)
                self.events.append("aborted")

    async with operate_another() as another:
        async with operate(Aborting) as operator:
            other = Remote(operator.script.domain, "Script", 2)
            await other.start_task
            running = await operator.run()
            await operator.script.close()
            await asyncio.gather(running, return_exceptions=True)
            assert operator.script.events == ["aborted"]
        await another.script.done_task


async def test_a_hundred_scripts_leave_nothing_behind() -> None:
    for index in range(1, 101):
        async with operate(index=index) as operator:
            await (await operator.run("wait: 900"))
            await operator.script.done_task
            assert operator.script.state.state == ScriptState.DONE
    assert logging.getLogger("Script").handlers == []
