"""Events of the in-process middleware, from the controller to its remotes."""

import asyncio
import logging
import time
from enum import IntEnum
from typing import Any

import pytest

from lsst.ts.calibscripts.embedded.salobj import (
    Controller,
    Domain,
    ExpectedError,
    Remote,
    ScriptState,
    State,
)


async def test_an_event_arrives() -> None:
    async with Controller("OCPS", 1) as ocps, Domain() as domain, Remote(domain, "OCPS", 1) as remote:
        assert not remote.evt_job_result.has_data
        assert remote.evt_job_result.get() is None
        result = await ocps.evt_job_result.set_write(job_id="a1", exit_code=0, result="{}")
        assert result.did_change
        assert result.was_written
        event = remote.evt_job_result.get()
        assert (event.job_id, event.exit_code, event.result) == ("a1", 0, "{}")
        assert remote.evt_job_result.has_data
        assert remote.evt_job_result.nqueued == 1


async def test_every_sample_has_stamps_number_index_and_identity() -> None:
    async with Controller("OCPS", 2) as ocps, Domain() as domain, Remote(domain, "OCPS", 2) as remote:
        await asyncio.sleep(10)
        await ocps.evt_heartbeat.write()
        first = remote.evt_heartbeat.get()
        await asyncio.sleep(20)
        await ocps.evt_heartbeat.write()
        second = remote.evt_heartbeat.get()
        assert first.private_sndStamp == first.private_rcvStamp
        assert second.private_sndStamp - first.private_sndStamp == pytest.approx(20)
        assert abs(time.time() + 37 - first.private_sndStamp) < 60
        assert (first.private_seqNum, second.private_seqNum) == (1, 2)
        assert first.salIndex == 2
        assert first.private_identity == "OCPS:2"
        assert first.private_origin == domain.origin


async def test_samples_of_a_component_without_index_have_none() -> None:
    async with Controller("ATOODS") as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        await oods.evt_heartbeat.write()
        event = await remote.evt_heartbeat.next(flush=False)
        assert not hasattr(event, "salIndex")
        assert event.private_identity == "ATOODS"


async def test_a_sample_that_is_too_large_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with Controller("OCPS", 1) as ocps, Domain() as domain, Remote(domain, "OCPS", 1) as remote:
        await ocps.evt_job_result.set_write(result="x" * 900_000)
        with pytest.raises(Exception, match="MSG_SIZE_TOO_LARGE"):
            await ocps.evt_job_result.set_write(result="\N{DEGREE SIGN}" * 500_001)
        with pytest.raises(Exception, match="MSG_SIZE_TOO_LARGE"):
            await remote.cmd_execute.set_start(config="x" * 1_000_001, timeout=1)
        assert remote.evt_job_result.nqueued == 1
    assert caplog.messages == [
        "write_data for OCPS.evt_job_result failed.",
        "write_data for OCPS.cmd_execute failed.",
    ]


async def test_set_write_writes_what_changed() -> None:
    async with Controller("ATOODS") as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        event = oods.evt_summaryState
        written = [
            (await event.set_write(summaryState=State.STANDBY)).was_written,
            (await event.set_write(summaryState=State.STANDBY)).was_written,
            (await event.set_write(summaryState=int(State.STANDBY))).was_written,
            (await event.set_write()).was_written,
            (await event.set_write(summaryState=None)).was_written,
            (await event.set_write(summaryState=State.STANDBY, force_output=True)).was_written,
            (await event.set_write(summaryState=State.ENABLED)).was_written,
        ]
        assert written == [True, False, False, False, False, True, True]
        seen = [remote.evt_summaryState.get_oldest().summaryState for _ in range(3)]
        assert seen == [State.STANDBY, State.STANDBY, State.ENABLED]
        assert remote.evt_summaryState.get_oldest() is None


async def test_the_first_set_is_a_change_even_to_the_default() -> None:
    async with Controller("ATOODS") as oods:
        assert oods.evt_errorCode.set(errorCode=0)
        assert not oods.evt_errorCode.set(errorCode=0)
        assert oods.evt_errorCode.set(errorReport="lost")
        assert oods.evt_errorCode.data.errorReport == "lost"
        assert oods.evt_errorCode.has_data


async def test_set_accumulates_and_write_always_writes() -> None:
    async with Controller("OCPS", 1) as ocps, Domain() as domain, Remote(domain, "OCPS", 1) as remote:
        ocps.evt_job_result.set(job_id="a")
        ocps.evt_job_result.set(exit_code=3)
        data = await ocps.evt_job_result.write()
        assert (data.job_id, data.exit_code, data.private_seqNum) == ("a", 3, 1)
        await ocps.evt_job_result.write()
        assert remote.evt_job_result.nqueued == 2


async def test_not_a_number_is_unchanged() -> None:
    async with Controller("ATWhiteLight") as lamp:
        assert lamp.evt_lampState.set(setPower=float("nan"))
        assert not lamp.evt_lampState.set(setPower=float("nan"))
        assert lamp.evt_lampState.set(setPower=910.0)


async def test_unknown_names_raise() -> None:
    async with Controller("OCPS", 1) as ocps, Domain() as domain, Remote(domain, "OCPS", 1) as remote:
        with pytest.raises(AttributeError, match=r"evt_job_result has no fields \['exitcode', 'id'\]"):
            ocps.evt_job_result.set(id="a", exitcode=1)
        with pytest.raises(AttributeError, match="no fields"):
            await ocps.evt_job_result.set_write(id=None)
        for owner in (ocps, remote):
            with pytest.raises(AttributeError, match="evt_jobResult"):
                _ = owner.evt_jobResult
        with pytest.raises(AttributeError, match="exitCode"):
            _ = ocps.evt_job_result.data.exitCode
        with pytest.raises(ValueError, match="No such component Nothing"):
            Remote(domain, "Nothing")
        with pytest.raises(ValueError, match="ATOODS is not an indexed SAL component"):
            Remote(domain, "ATOODS", 1)
        with pytest.raises(TypeError, match="must be an integer"):
            Remote(domain, "OCPS", "1")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="must be a Domain"):
            Remote(None, "OCPS", 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "field", "value"),
    [
        ("job_result", "job_id", 1),
        ("job_result", "exit_code", "1"),
        ("job_result", "exit_code", 1.5),
        ("logMessage", "timestamp", "now"),
        ("logMessage", "timestamp", [1.0]),
    ],
)
async def test_a_value_of_the_wrong_type_cannot_be_written(event: str, field: str, value: Any) -> None:
    async with Controller("OCPS", 1) as ocps:
        with pytest.raises(TypeError, match=f"Cannot write evt_{event}.{field}="):
            await getattr(ocps, f"evt_{event}").set_write(**{field: value})


async def test_readers_get_plain_values() -> None:
    class Enum(IntEnum):
        THREE = 3

    async with (
        Controller("ATSpectrograph") as spectrograph,
        Controller("ATOODS") as oods,
        Domain() as domain,
        Remote(domain, "ATSpectrograph") as remote,
        Remote(domain, "ATOODS") as oods_remote,
    ):
        await oods.evt_summaryState.set_write(summaryState=Enum.THREE)
        await oods.evt_heartbeat.set_write(heartbeat=1)
        await spectrograph.evt_reportedLinearStagePosition.set_write(position=67)
        assert type(oods_remote.evt_summaryState.get().summaryState) is int
        assert oods_remote.evt_heartbeat.get().heartbeat is True
        assert type(remote.evt_reportedLinearStagePosition.get().position) is float
        await spectrograph.evt_reportedLinearStagePosition.set_write(position=0.1)
        # The field is of single precision.
        assert remote.evt_reportedLinearStagePosition.get().position == pytest.approx(0.1, rel=1e-7)
        assert remote.evt_reportedLinearStagePosition.get().position != 0.1


async def test_samples_are_copies() -> None:
    async with (
        Controller("Script", 1) as script,
        Domain() as domain,
        Remote(domain, "Script", 1) as one,
        Remote(domain, "Script", 1) as two,
    ):
        position = [1.0, 2.0]
        await script.evt_metadata.set_write(position=position, nimages=1)
        position[0] = 7.0
        kept = one.evt_metadata.get()
        await script.evt_metadata.set_write(position=position, nimages=2)
        assert (kept.position, kept.nimages) == ([1.0, 2.0], 1)
        one.evt_metadata.get().position.append(3)
        assert two.evt_metadata.get().position == [7.0, 2.0]


async def test_an_array_of_another_length_is_warned_of() -> None:
    async with Controller("Script", 1) as script:
        with pytest.warns(UserWarning, match=r"incorrect length: \['position'\]"):
            await script.evt_metadata.set_write(position=[1.0])


async def test_a_late_joiner_gets_the_last_sample() -> None:
    async with Controller("ATOODS") as oods, Domain() as domain:
        await oods.evt_summaryState.set_write(summaryState=State.STANDBY)
        await oods.evt_summaryState.set_write(summaryState=State.ENABLED)
        async with Remote(domain, "ATOODS") as remote:
            assert remote.evt_summaryState.nqueued == 1
            event = await remote.evt_summaryState.next(flush=False, timeout=1)
            assert event.summaryState == State.ENABLED
            assert (await remote.evt_summaryState.aget(timeout=1)).summaryState == State.ENABLED


async def test_the_last_sample_outlives_its_controller() -> None:
    async with Domain() as domain:
        async with Controller("ATOODS") as oods:
            await oods.evt_summaryState.set_write(summaryState=State.FAULT)
        async with Remote(domain, "ATOODS") as remote:
            assert remote.evt_summaryState.get().summaryState == State.FAULT


async def test_an_index_gets_its_own_samples_and_0_gets_all() -> None:
    async with Domain() as domain, Controller("OCPS", 1) as first, Controller("OCPS", 3) as third:
        await third.evt_summaryState.set_write(summaryState=State.ENABLED)
        await first.evt_summaryState.set_write(summaryState=State.STANDBY)
        async with (
            Remote(domain, "OCPS", 1) as one,
            Remote(domain, "OCPS", 2) as two,
            Remote(domain, "OCPS") as every,
        ):
            assert one.evt_summaryState.get().salIndex == 1
            assert two.evt_summaryState.get() is None
            assert [every.evt_summaryState.get_oldest().salIndex for _ in range(2)] == [3, 1]
            await third.evt_summaryState.set_write(summaryState=State.FAULT)
            assert one.evt_summaryState.get().salIndex == 1
            assert every.evt_summaryState.get().salIndex == 3


async def test_include_exclude_and_readonly() -> None:
    async with Domain() as domain:
        async with Remote(domain, "OCPS", 1, include=["summaryState", "nothing"]) as remote:
            assert [name for name in vars(remote) if name.startswith("evt_")] == ["evt_summaryState"]
            assert hasattr(remote, "cmd_execute")
        async with Remote(domain, "OCPS", 1, exclude=["summaryState"], readonly=True) as remote:
            assert not hasattr(remote, "evt_summaryState")
            assert hasattr(remote, "evt_heartbeat")
            assert not hasattr(remote, "cmd_execute")
        with pytest.raises(ValueError, match="both include and exclude"):
            Remote(domain, "OCPS", 1, include=[], exclude=[])


async def test_aget_waits_for_the_first_sample() -> None:
    async with Controller("ATOODS") as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        with pytest.raises(TimeoutError):
            await remote.evt_summaryState.aget(timeout=5)
        waiting = asyncio.create_task(remote.evt_summaryState.aget(timeout=5))
        await asyncio.sleep(3)
        await oods.evt_summaryState.set_write(summaryState=State.ENABLED)
        event = await waiting
        assert event.summaryState == State.ENABLED
        assert await remote.evt_summaryState.aget() is event
        # What aget gives is still in the queue.
        assert remote.evt_summaryState.get_oldest() is event


async def test_next_waits_or_takes_from_the_queue() -> None:
    async with Controller("ATOODS") as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        topic = remote.evt_errorCode
        for code in (1, 2, 3):
            await oods.evt_errorCode.set_write(errorCode=code)
        assert (await topic.next(flush=False)).errorCode == 1
        with pytest.raises(TimeoutError):
            await topic.next(flush=True, timeout=2)
        assert topic.nqueued == 0
        waiting = asyncio.create_task(topic.next(flush=False, timeout=2))
        await asyncio.sleep(1)
        await oods.evt_errorCode.set_write(errorCode=4)
        assert (await waiting).errorCode == 4
        assert topic.nqueued == 0
        await oods.evt_errorCode.set_write(errorCode=5)
        topic.flush()
        assert topic.get_oldest() is None
        assert topic.get().errorCode == 5


async def test_all_who_wait_in_next_get_the_same_sample() -> None:
    async with Controller("ATOODS") as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        waiting = [asyncio.create_task(remote.evt_errorCode.next(flush=False)) for _ in range(2)]
        await asyncio.sleep(1)
        for code in (1, 2):
            await oods.evt_errorCode.set_write(errorCode=code)
        assert [event.errorCode for event in await asyncio.gather(*waiting)] == [1, 1]
        assert remote.evt_errorCode.nqueued == 1


async def test_who_gives_up_waiting_takes_the_wait_from_the_others() -> None:
    async with Domain() as domain, Remote(domain, "ATOODS") as remote:
        patient = asyncio.create_task(remote.evt_errorCode.next(flush=False, timeout=100))
        with pytest.raises(TimeoutError):
            await remote.evt_errorCode.next(flush=False, timeout=1)
        with pytest.raises(asyncio.CancelledError):
            await patient


async def test_the_queue_holds_100_and_loses_the_oldest(caplog: pytest.LogCaptureFixture) -> None:
    async with Controller("ATOODS") as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        for code in range(1, 131):
            await oods.evt_errorCode.set_write(errorCode=code)
        assert remote.evt_errorCode.nqueued == 100
        assert not caplog.records
        assert (await remote.evt_errorCode.next(flush=False)).errorCode == 31
        assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
            ("ERROR", "evt_errorCode python read queue is full (100 elements); data may be lost")
        ]


async def test_a_queue_that_fills_is_reported_once_per_level(caplog: pytest.LogCaptureFixture) -> None:
    async with Controller("ATOODS") as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        code = 0
        for wanted in (9, 12, 20, 55, 2, 11):
            while remote.evt_errorCode.nqueued < wanted:
                code += 1
                await oods.evt_errorCode.set_write(errorCode=code)
            while remote.evt_errorCode.nqueued > wanted:
                remote.evt_errorCode.get_oldest()
            await remote.evt_errorCode.next(flush=False)
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "12 of 100 elements",
        "55 of 100 elements",
        "11 of 100 elements",
    ]


async def test_callbacks_run_one_at_a_time_in_order() -> None:
    seen: list[str] = []

    async def callback(event: Any) -> None:
        seen.append(f"begin {event.errorCode}")
        await asyncio.sleep(10)
        seen.append(f"end {event.errorCode}")

    async with Controller("ATOODS") as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        await oods.evt_errorCode.set_write(errorCode=1)
        remote.evt_errorCode.callback = callback
        assert remote.evt_errorCode.has_callback
        assert remote.evt_errorCode.callback is callback
        for code in (2, 3):
            await oods.evt_errorCode.set_write(errorCode=code)
        await asyncio.sleep(25)
        # The first one was there before the callback.
        assert seen == ["begin 2", "end 2", "begin 3", "end 3"]


async def test_callbacks_may_be_allowed_to_overlap() -> None:
    seen: list[str] = []

    async def callback(event: Any) -> None:
        seen.append(f"begin {event.errorCode}")
        await asyncio.sleep(10)
        seen.append(f"end {event.errorCode}")

    async with Controller("ATOODS") as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        remote.evt_errorCode.callback = callback
        remote.evt_errorCode.allow_multiple_callbacks = True
        for code in (1, 2):
            await oods.evt_errorCode.set_write(errorCode=code)
        await asyncio.sleep(11)
        assert seen == ["begin 1", "begin 2", "end 1", "end 2"]


async def test_reading_a_topic_with_a_callback_raises() -> None:
    async def callback(event: Any) -> None:
        pass

    async with Domain() as domain, Remote(domain, "ATOODS") as remote:
        topic = remote.evt_errorCode
        topic.callback = callback
        for read in (lambda: topic.next(flush=False), topic.aget):
            with pytest.raises(RuntimeError, match="there is a callback function"):
                await read()
        for read in (topic.get_oldest, topic.flush):
            with pytest.raises(RuntimeError, match="there is a callback function"):
                read()
        assert topic.get() is None
        topic.callback = None
        assert topic.get_oldest() is None


async def test_a_callback_that_fails_is_logged_and_the_next_runs(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []

    async def callback(event: Any) -> None:
        seen.append(event.errorCode)
        if event.errorCode == 1:
            raise ExpectedError("nobody is told")
        if event.errorCode == 2:
            raise ValueError("two")

    async with Controller("ATOODS") as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        remote.evt_errorCode.callback = callback
        for code in (1, 2, 3):
            await oods.evt_errorCode.set_write(errorCode=code)
        await asyncio.sleep(1)
    assert seen == [1, 2, 3]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "two"


async def test_a_function_is_a_callback_too_but_deprecated() -> None:
    seen: list[int] = []

    def callback(event: Any) -> None:
        seen.append(event.errorCode)

    async with Controller("ATOODS") as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        with pytest.warns(DeprecationWarning, match="should be asynchronous"):
            remote.evt_errorCode.callback = callback
        await oods.evt_errorCode.set_write(errorCode=1)
        await asyncio.sleep(1)
        assert seen == [1]
        with pytest.raises(TypeError, match="not callable"):
            remote.evt_errorCode.callback = 1


async def test_another_callback_cancels_the_one_that_runs() -> None:
    ends: list[str] = []

    async def endless(event: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("cancelled")

    async def short(event: Any) -> None:
        ends.append(f"short {event.errorCode}")

    async with Controller("ATOODS") as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        remote.evt_errorCode.callback = endless
        await oods.evt_errorCode.set_write(errorCode=1)
        await asyncio.sleep(1)
        remote.evt_errorCode.callback = short
        await oods.evt_errorCode.set_write(errorCode=2)
        await asyncio.sleep(1)
    assert ends == ["cancelled", "short 2"]


async def test_nothing_before_the_start_nor_after_the_end() -> None:
    async with Domain() as domain:
        remote = Remote(domain, "ATOODS")
        for read in (remote.evt_heartbeat.get, remote.evt_heartbeat.get_oldest):
            with pytest.raises(RuntimeError, match="Not started"):
                read()
        with pytest.raises(RuntimeError, match="Not started"):
            await remote.evt_heartbeat.aget()
        await remote.start_task
        controller = Controller("ATOODS")
        with pytest.raises(RuntimeError, match="Not started"):
            await controller.evt_heartbeat.write()
        await controller.start_task
        await controller.evt_heartbeat.write()
        await controller.close()
        with pytest.raises(RuntimeError, match="No longer open"):
            await controller.evt_heartbeat.write()
        await remote.close()
        async with Controller("ATOODS") as other:
            await other.evt_heartbeat.write()
        assert remote.evt_heartbeat.get().private_seqNum == 1
        assert remote.evt_heartbeat.nqueued == 0


async def test_closing_ends_all_waits_and_callbacks() -> None:
    ends: list[str] = []

    async def endless(event: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("cancelled")

    async with Controller("ATOODS") as oods:
        domain = Domain()
        remote = Remote(domain, "ATOODS")
        await remote.start_task
        remote.evt_errorCode.callback = endless
        waiting = asyncio.create_task(remote.evt_heartbeat.next(flush=False))
        await oods.evt_errorCode.set_write(errorCode=1)
        await asyncio.sleep(1)
        await asyncio.gather(domain.close(), domain.close())
        assert ends == ["cancelled"]
        assert domain.done_task.done()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await remote.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_sample_shows_its_fields() -> None:
    async with Controller("ATOODS") as oods:
        event = oods.evt_errorCode.DataType(errorCode=3)
        assert "evt_errorCode(errorCode=3, errorReport='', traceback=''" in repr(event)
        with pytest.raises(TypeError, match=r"unexpected fields \['code'\]"):
            oods.evt_errorCode.DataType(code=3)


async def test_a_domain_needs_a_running_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        await asyncio.to_thread(Domain)


async def test_the_states_of_a_script_are_numbers_for_its_remote() -> None:
    async with Controller("Script", 7) as script, Domain() as domain, Remote(domain, "Script", 7) as remote:
        await script.evt_state.set_write(state=ScriptState.RUNNING)
        assert remote.evt_state.get().state == ScriptState.RUNNING
        assert script.evt_state.data.state is ScriptState.RUNNING
