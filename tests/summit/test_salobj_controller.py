"""Life, log and command methods of a controller of the in-process middleware."""

import asyncio
import logging
import threading
from typing import Any

import pytest

from lsst.ts.calibscripts.embedded.salobj import Controller, Domain, ExpectedError, Remote


class Oods(Controller):
    """A component with all command methods."""

    def __init__(self) -> None:
        self.started_at = -1.0
        super().__init__("ATOODS", do_callbacks=True)

    async def do_start(self, data: Any) -> None:
        self.log.info(f"start {data.configurationOverride}")

    async def do_enable(self, data: Any) -> None: ...

    async def do_disable(self, data: Any) -> None: ...

    async def do_standby(self, data: Any) -> None: ...

    async def do_exitControl(self, data: Any) -> None:  # noqa: N802
        await self.close()


async def test_the_methods_are_the_callbacks(caplog: pytest.LogCaptureFixture) -> None:
    async with Oods(), Domain() as domain, Remote(domain, "ATOODS") as remote:
        ack = await remote.cmd_start.set_start(configurationOverride="night", timeout=1)
        assert ack.result == "Done"
    assert "start night" in caplog.messages


async def test_methods_must_match_the_commands() -> None:
    class Wrong(Controller):
        async def do_start(self, data: Any) -> None: ...

        async def do_nothing(self, data: Any) -> None: ...

    with pytest.raises(TypeError) as raised:
        Wrong("ATOODS", do_callbacks=True)
    assert str(raised.value) == (
        "This class must add do_disable, do_enable, do_exitControl, do_standby methods "
        "and must remove do_nothing methods"
    )


async def test_a_controller_may_close_itself_in_a_command() -> None:
    oods = Oods()
    async with Domain() as domain, Remote(domain, "ATOODS") as remote:
        await oods.start_task
        sending = asyncio.create_task(remote.cmd_exitControl.set_start(timeout=10))
        await oods.done_task
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_close_may_be_called_more_than_once() -> None:
    oods = Oods()
    await oods.start_task
    await asyncio.gather(oods.close(), oods.close())
    await oods.close()
    assert oods.done_task.result() is None


async def test_close_before_the_start() -> None:
    oods = Oods()
    await oods.close()
    assert oods.done_task.done()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_close_may_tell_why() -> None:
    oods = Oods()
    await oods.start_task
    await oods.close(exception=RuntimeError("the back end is gone"))
    with pytest.raises(RuntimeError, match="the back end is gone"):
        await oods.done_task


@pytest.mark.parametrize("error", [ExpectedError("no cable"), ValueError("no cable")])
async def test_a_start_that_fails_closes(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Controller):
        async def start(self) -> None:
            await super().start()
            raise error

    broken = Broken("ATOODS")
    with pytest.raises(type(error), match="no cable"):
        await broken.done_task
    (record,) = caplog.records
    assert "start failed" in record.getMessage()
    assert bool(record.exc_info) == isinstance(error, ValueError)
    await broken.start_task


async def test_the_start_waits_for_the_remotes_of_its_domain() -> None:
    order: list[str] = []

    class Oods(Controller):
        def __init__(self) -> None:
            super().__init__("ATOODS")
            self.camera = Remote(self.domain, "ATCamera")
            self.camera.start_task.add_done_callback(lambda task: order.append("remote"))

        async def start(self) -> None:
            await super().start()
            order.append("controller")

    async with Oods() as oods:
        assert order == ["remote", "controller"]
        assert oods.camera.salinfo.identity == "ATOODS"
        assert oods.domain.default_identity == "ATOODS"


async def arrived_messages(remote: Any) -> list[str]:
    """Wait, then return the log messages that were read."""
    await asyncio.sleep(1)
    messages = [remote.evt_logMessage.get_oldest().message for _ in range(remote.evt_logMessage.nqueued)]
    # What the reader says of one that it has dropped is logged under the same name.
    return [message for message in messages if "Ignoring old topic sample" not in message]


async def test_log_messages_are_events() -> None:
    async with Oods() as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        remote.evt_logMessage.flush()
        oods.log.warning("%d files of %s", 3, "R00")
        event = await remote.evt_logMessage.next(flush=False, timeout=1)
        assert (event.name, event.level, event.message) == ("ATOODS", logging.WARNING, "3 files of R00")
        assert event.functionName == "test_log_messages_are_events"
        assert event.filePath == __file__
        assert event.traceback == ""
        assert event.process > 0
        try:
            raise ValueError("no butler")
        except ValueError:
            oods.log.getChild("child").exception("failed")
        event = await remote.evt_logMessage.next(flush=False, timeout=1)
        assert (event.name, event.message) == ("ATOODS.child", "failed")
        assert event.traceback.startswith("Traceback")
        assert event.traceback.endswith("ValueError: no butler")


async def test_log_messages_from_a_thread_are_events() -> None:
    async with Oods() as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        names = {threading.current_thread().name}

        def work() -> None:
            names.add(threading.current_thread().name)
            oods.log.info("from the thread")

        await asyncio.to_thread(work)
        assert len(names) == 2
        assert (await remote.evt_logMessage.next(flush=False, timeout=1)).message == "from the thread"


@pytest.mark.parametrize(
    ("seconds", "arrived"),
    [(0.0, ["two", "three"]), (0.001, ["two", "three"]), (0.02, ["one", "two", "three"])],
)
async def test_one_of_two_log_messages_that_are_close_together_is_lost(
    seconds: float, arrived: list[str]
) -> None:
    async with Oods() as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        for text in ("one", "two", "three"):
            oods.log.warning(text)
            await asyncio.sleep(seconds)
        assert await arrived_messages(remote) == arrived


async def test_log_messages_from_before_the_start_are_kept() -> None:
    async with Domain() as domain, Remote(domain, "ATOODS") as remote:
        oods = Oods()
        for number in range(12):
            oods.log.info(f"early {number}")
        await oods.start_task
        assert remote.evt_logMessage.nqueued == 0
        oods.log.info("late")
        assert await arrived_messages(remote) == [*(f"early {number}" for number in range(4, 12, 2)), "late"]
        await oods.close()


async def test_a_record_that_cannot_be_formatted_does_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    async with Oods() as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        logging.raiseExceptions, before = True, logging.raiseExceptions
        oods.log.propagate = False
        try:
            oods.log.info("%d", "three")
        finally:
            oods.log.propagate = True
            logging.raiseExceptions = before
        oods.log.info("fine")
        assert (await remote.evt_logMessage.next(flush=False, timeout=1)).message == "fine"
    assert "TypeError" in capsys.readouterr().err


async def test_a_log_message_that_is_too_large_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    async with Oods() as oods, Domain() as domain, Remote(domain, "ATOODS") as remote:
        oods.log.info("x" * 1_000_001)
        await asyncio.sleep(1)
        await asyncio.to_thread(oods.log.info, "y" * 1_000_001)
        await asyncio.sleep(1)
        oods.log.info("short")
        messages = await arrived_messages(remote)
    assert messages == [*["write_data for ATOODS.evt_logMessage failed."] * 2, "short"]
    assert capsys.readouterr().err.count("INFO message of ATOODS was not written: MSG_SIZE_TOO_LARGE") == 2


async def test_the_log_level_is_set_reported_and_given_back() -> None:
    async with Domain() as domain, Remote(domain, "ATOODS") as remote:
        before = logging.getLogger("ATOODS").level
        async with Oods() as oods:
            assert remote.evt_logLevel.get().level == logging.INFO
            oods.log.debug("not told")
            await remote.cmd_setLogLevel.set_start(level=logging.DEBUG, timeout=1)
            assert remote.evt_logLevel.get().level == logging.DEBUG
            oods.log.debug("told")
            assert (await remote.evt_logMessage.next(flush=False, timeout=1)).message == "told"
        assert logging.getLogger("ATOODS").level == before
        assert logging.getLogger("ATOODS").handlers == []


async def test_a_log_level_below_info_is_kept() -> None:
    logger = logging.getLogger("ATOODS")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        async with Oods() as oods:
            assert oods.log.level == logging.DEBUG
    finally:
        logger.setLevel(before)


async def test_tasks_that_do_not_end_well_do_not_keep_a_controller_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Clumsy(Controller):
        async def close_tasks(self) -> None:
            raise ValueError("still busy")

    clumsy = Clumsy("ATOODS")
    await clumsy.start_task
    await clumsy.close()
    assert clumsy.done_task.done()
    assert not clumsy.domain.isopen
    assert "Controller.close_tasks failed; close continues" in caplog.messages


async def test_a_remote_is_started_once_and_not_after_its_end() -> None:
    async with Domain() as domain:
        remote = Remote(domain, "OCPS", 1)
        await remote.start_task
        with pytest.raises(RuntimeError, match="Start already called"):
            await remote.start()
        closed = Remote(domain, "OCPS", 2)
        await closed.close()
        with pytest.raises(RuntimeError, match="Already closing or closed"):
            await closed.start()
        assert (repr(remote), repr(remote.salinfo)) == ("Remote(name=OCPS, index=1)", "SalInfo(OCPS, 1)")
        assert repr(remote.cmd_execute) == "RemoteCommand(OCPS, 1, cmd_execute)"


async def test_a_log_message_after_the_end_is_not_an_event() -> None:
    async with Domain() as domain, Remote(domain, "ATOODS") as remote:
        oods = Oods()
        await oods.start_task
        domain_closing = asyncio.create_task(oods.domain.close())
        await domain_closing
        oods.log.info("too late")
        assert remote.evt_logMessage.nqueued == 0
        await oods.close()
