"""Commands of the in-process middleware, from the remote to the controller and back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from lsst.ts.calibscripts.embedded.salobj import (
    AckError,
    AckTimeoutError,
    Controller,
    Domain,
    ExpectedError,
    Remote,
    SalRetCode,
)


@asynccontextmanager
async def ocps_and_remote(index: int = 1) -> AsyncIterator[tuple[Controller, Remote]]:
    async with Controller("OCPS", index) as ocps, Domain() as domain, Remote(domain, "OCPS", index) as remote:
        yield ocps, remote


async def nothing(data: Any) -> None:
    """Do a command at once."""


async def test_a_command_is_carried_out() -> None:
    seen = []

    async def execute(data: Any) -> None:
        seen.append(data)
        await asyncio.sleep(100)

    async with ocps_and_remote() as (ocps, remote):
        ocps.cmd_execute.callback = execute
        begin = asyncio.get_running_loop().time()
        ack = await remote.cmd_execute.set_start(pipeline="cpBias.yaml", config="-j 8", timeout=200)
        assert asyncio.get_running_loop().time() - begin == pytest.approx(100)
        assert (ack.ack, ack.error, ack.result, ack.timeout) == (SalRetCode.CMD_COMPLETE, 0, "Done", 0)
        (data,) = seen
        assert (data.pipeline, data.config, data.data_query, data.salIndex) == ("cpBias.yaml", "-j 8", "", 1)
        assert data.private_seqNum == ack.private_seqNum
        assert data.private_sndStamp <= data.private_rcvStamp


@pytest.mark.parametrize(
    ("error", "code", "result", "logged"),
    [
        (ExpectedError("no such job"), SalRetCode.CMD_FAILED, "Failed: no such job", False),
        (ValueError("broken"), SalRetCode.CMD_FAILED, "Failed: broken", True),
        (TimeoutError(), SalRetCode.CMD_TIMEOUT, "Timeout", False),
        (asyncio.CancelledError(), SalRetCode.CMD_ABORTED, "Aborted", False),
    ],
)
async def test_a_command_fails(
    error: BaseException, code: SalRetCode, result: str, logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def abort(data: Any) -> None:
        raise error

    async with ocps_and_remote() as (ocps, remote):
        ocps.cmd_abort_job.callback = abort
        with pytest.raises(AckError, match="Command failed") as raised:
            await remote.cmd_abort_job.set_start(job_id="a")
        ack = raised.value.ackcmd
        assert (ack.ack, ack.error, ack.result) == (code, 1, result)
        assert not isinstance(raised.value, AckTimeoutError)
    assert bool(caplog.records) == logged


async def test_a_callback_may_choose_the_last_acknowledgement() -> None:
    async with ocps_and_remote() as (ocps, remote):

        async def refuse(data: Any) -> Any:
            return ocps.salinfo.make_ackcmd(data.private_seqNum, SalRetCode.CMD_NOPERM, result="not you")

        ocps.cmd_execute.callback = refuse
        with pytest.raises(AckError, match="not you") as raised:
            await remote.cmd_execute.start()
        assert raised.value.ackcmd.ack == SalRetCode.CMD_NOPERM


async def test_nobody_answers() -> None:
    async with Domain() as domain, Remote(domain, "OCPS", 1) as remote:
        begin = asyncio.get_running_loop().time()
        with pytest.raises(AckTimeoutError, match="Timed out waiting for command acknowledgement") as raised:
            await remote.cmd_execute.set_start(timeout=7)
        assert asyncio.get_running_loop().time() - begin == pytest.approx(7)
        ack = raised.value.ackcmd
        assert (ack.ack, ack.result) == (SalRetCode.CMD_NOACK, "No command acknowledgement seen")


async def test_the_default_timeout_is_an_hour() -> None:
    async with Domain() as domain, Remote(domain, "OCPS", 1) as remote:
        begin = asyncio.get_running_loop().time()
        with pytest.raises(AckTimeoutError):
            await remote.cmd_execute.set_start()
        assert asyncio.get_running_loop().time() - begin == pytest.approx(3600)


async def test_in_progress_extends_the_timeout() -> None:
    async with ocps_and_remote() as (ocps, remote):

        async def execute(data: Any) -> None:
            await asyncio.sleep(5)
            await ocps.cmd_execute.ack_in_progress(data, timeout=100, result='{"job_id": "a"}')
            await asyncio.sleep(float(data.config))

        ocps.cmd_execute.callback = execute
        ack = await remote.cmd_execute.set_start(config="104", timeout=10)
        assert ack.ack == SalRetCode.CMD_COMPLETE
        with pytest.raises(AckTimeoutError) as raised:
            await remote.cmd_execute.set_start(config="106", timeout=10)
        last = raised.value.ackcmd
        assert (last.ack, last.timeout, last.result) == (SalRetCode.CMD_INPROGRESS, 100, '{"job_id": "a"}')


async def test_without_wait_done_the_acknowledgements_come_one_by_one() -> None:
    async with ocps_and_remote() as (ocps, remote):

        async def execute(data: Any) -> None:
            for step in ("queued", "executing"):
                await ocps.cmd_execute.ack_in_progress(data, timeout=600, result=step)
                await asyncio.sleep(50)

        ocps.cmd_execute.callback = execute
        command = remote.cmd_execute
        first = await command.set_start(timeout=10, wait_done=False)
        assert (first.ack, first.result) == (SalRetCode.CMD_INPROGRESS, "queued")
        second = await command.next_ackcmd(first, timeout=60, wait_done=False)
        assert second.result == "executing"
        # No acknowledgement is left that could extend the timeout.
        with pytest.raises(AckTimeoutError) as raised:
            await command.next_ackcmd(second, timeout=10)
        assert raised.value.ackcmd.result == "executing"
        with pytest.raises(RuntimeError, match="is unknown or finished"):
            await command.next_ackcmd(second)


async def test_next_ackcmd_waits_for_the_end() -> None:
    async with ocps_and_remote() as (ocps, remote):

        async def execute(data: Any) -> None:
            await ocps.cmd_execute.ack_in_progress(data, timeout=600)
            await asyncio.sleep(50)
            raise ExpectedError("back end unreachable")

        ocps.cmd_execute.callback = execute
        ack = await remote.cmd_execute.set_start(timeout=10, wait_done=False)
        with pytest.raises(AckError, match="back end unreachable") as raised:
            await remote.cmd_execute.next_ackcmd(ack, timeout=60)
        assert raised.value.ackcmd.private_seqNum == ack.private_seqNum


async def test_a_command_that_is_finished_has_no_next_acknowledgement() -> None:
    """What came before it was asked for is lost, as it is with salobj."""
    async with ocps_and_remote() as (ocps, remote):

        async def execute(data: Any) -> None:
            await ocps.cmd_execute.ack_in_progress(data, timeout=600)

        ocps.cmd_execute.callback = execute
        ack = await remote.cmd_execute.set_start(timeout=10, wait_done=False)
        await asyncio.sleep(1)
        with pytest.raises(RuntimeError, match=f"private_seqNum={ack.private_seqNum} is unknown or finished"):
            await remote.cmd_execute.next_ackcmd(ack, timeout=10)


async def test_acknowledgements_reach_only_who_sent_the_command() -> None:
    async with Controller("OCPS", 1) as ocps, Controller("Script", 5) as script, Domain() as domain:
        ocps.cmd_execute.callback = nothing
        ocps.cmd_execute.allow_multiple_callbacks = True
        async with Remote(domain, "OCPS", 1) as one, Remote(domain, "OCPS", 1) as two:
            remotes = [one, two, Remote(script.domain, "OCPS", 1)]
            await remotes[2].start_task
            acks = await asyncio.gather(*(remote.cmd_execute.set_start(timeout=1) for remote in remotes))
            assert len({ack.private_seqNum for ack in acks}) == 3
            assert [ack.identity for ack in acks] == [domain.user_host, domain.user_host, "Script:5"]
            assert all(ack.private_identity == "OCPS:1" for ack in acks)


async def test_commands_go_to_their_index_only() -> None:
    seen = []

    async def execute(data: Any) -> None:
        seen.append(data.salIndex)

    async with Controller("OCPS", 1) as first, Controller("OCPS", 2) as second, Domain() as domain:
        first.cmd_execute.callback = second.cmd_execute.callback = execute
        async with Remote(domain, "OCPS", 2) as remote, Remote(domain, "OCPS") as every:
            await remote.cmd_execute.set_start(timeout=1)
            with pytest.raises(AckTimeoutError):
                await every.cmd_execute.set_start(timeout=1)
    assert seen == [2]


async def test_commands_are_carried_out_one_after_another() -> None:
    seen: list[str] = []

    async def execute(data: Any) -> None:
        seen.append(f"begin {data.config}")
        await asyncio.sleep(10)
        seen.append(f"end {data.config}")

    async with ocps_and_remote() as (ocps, remote):
        ocps.cmd_execute.callback = execute
        await asyncio.gather(*(remote.cmd_execute.set_start(config=name, timeout=50) for name in "ab"))
        assert seen == ["begin a", "end a", "begin b", "end b"]
        seen.clear()
        ocps.cmd_execute.allow_multiple_callbacks = True
        await asyncio.gather(*(remote.cmd_execute.set_start(config=name, timeout=50) for name in "ab"))
        assert seen == ["begin a", "begin b", "end a", "end b"]


async def test_each_command_begins_with_defaults() -> None:
    seen = []

    async def execute(data: Any) -> None:
        seen.append((data.pipeline, data.config))

    async with ocps_and_remote() as (ocps, remote):
        ocps.cmd_execute.callback = execute
        command = remote.cmd_execute
        await command.set_start(pipeline="p", config="c")
        await command.set_start(pipeline="q")
        command.set(config="d")
        await command.start(timeout=10)
        await command.start()
        await command.start(command.DataType(config="e"))
        with pytest.raises(TypeError, match="must be an instance of"):
            await command.start(remote.cmd_abort_job.DataType())
    assert seen == [("p", "c"), ("q", ""), ("", "d"), ("", "d"), ("", "e")]


async def test_wrong_fields_are_refused_before_anything_is_sent() -> None:
    async with ocps_and_remote() as (ocps, remote):
        with pytest.raises(AttributeError, match=r"cmd_execute has no fields \['instrument'\]"):
            await remote.cmd_execute.set_start(instrument="LATISS")
        with pytest.raises(TypeError, match=r"Cannot write cmd_execute\.config=8"):
            await remote.cmd_execute.set_start(config=8)
        assert ocps.cmd_execute.nqueued == 0


async def test_a_controller_may_read_its_commands() -> None:
    async with ocps_and_remote() as (ocps, remote):
        sending = asyncio.create_task(remote.cmd_abort_job.set_start(job_id="a", timeout=10))
        data = await ocps.cmd_abort_job.next(timeout=5)
        assert data.job_id == "a"
        done = ocps.salinfo.make_ackcmd(data.private_seqNum, SalRetCode.CMD_COMPLETE, result="aborted")
        await ocps.cmd_abort_job.ack(data, done)
        assert (await sending).result == "aborted"
        with pytest.raises(TimeoutError):
            await ocps.cmd_abort_job.next(timeout=5)


async def test_a_command_from_before_is_not_seen() -> None:
    async with Domain() as domain, Remote(domain, "OCPS", 1) as remote:
        sending = asyncio.create_task(remote.cmd_execute.set_start(timeout=10))
        await asyncio.sleep(1)
        async with Controller("OCPS", 1) as ocps:
            ocps.cmd_execute.callback = nothing
            with pytest.raises(AckTimeoutError):
                await sending


async def test_a_controller_that_closes_leaves_its_commands_unanswered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def execute(data: Any) -> None:
        await asyncio.Event().wait()

    async with Domain() as domain, Remote(domain, "OCPS", 1) as remote:
        ocps = Controller("OCPS", 1)
        await ocps.start_task
        ocps.cmd_execute.callback = execute
        sending = asyncio.create_task(remote.cmd_execute.set_start(timeout=10))
        await asyncio.sleep(1)
        await ocps.close()
        with pytest.raises(AckTimeoutError):
            await sending
        with pytest.raises(RuntimeError, match="No longer open"):
            await ocps.cmd_execute.ack_in_progress(remote.cmd_execute.data, timeout=1)
    assert "SalInfo is not running" in caplog.text


async def test_a_remote_that_closes_cancels_who_waits() -> None:
    async with Controller("OCPS", 1), Domain() as domain:
        remote = Remote(domain, "OCPS", 1)
        await remote.start_task
        sending = asyncio.create_task(remote.cmd_execute.set_start(timeout=10))
        await asyncio.sleep(1)
        await remote.close()
        with pytest.raises(asyncio.CancelledError):
            await sending
        with pytest.raises(RuntimeError, match="No longer open"):
            await remote.cmd_execute.set_start(timeout=10)


async def test_nothing_is_sent_before_the_start() -> None:
    async with Domain() as domain:
        remote = Remote(domain, "OCPS", 1)
        with pytest.raises(RuntimeError, match="Not started"):
            await remote.cmd_execute.set_start()
        await remote.start_task
