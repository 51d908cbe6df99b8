"""The event loop whose clock jumps."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from lsst.ts.calibscripts.testing.clock import DeadlockError, JumpingEventLoop, JumpingEventLoopPolicy


def run(work: Coroutine[Any, Any, Any], **options: Any) -> Any:
    with asyncio.Runner(loop_factory=lambda: JumpingEventLoop(**options)) as runner:
        return runner.run(work)


def test_an_hour_takes_no_time() -> None:
    async def work() -> float:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await asyncio.sleep(3600)
        return loop.time() - begin

    begin = time.monotonic()
    assert run(work()) == 3600
    assert time.monotonic() - begin < 600


def test_the_clock_stands_still_while_something_is_ready() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for _ in range(1000):
            await asyncio.sleep(0)
        assert loop.time() == begin

    run(work())


def test_timers_run_in_order_and_at_their_time() -> None:
    async def work() -> list[tuple[str, float]]:
        loop = asyncio.get_running_loop()
        seen: list[tuple[str, float]] = []

        async def wait(name: str, *delays: float) -> None:
            for delay in delays:
                await asyncio.sleep(delay)
                seen.append((name, loop.time()))

        await asyncio.gather(wait("slow", 10, 10), wait("fast", 4, 4, 4), wait("long", 2 * 86400))
        return seen

    assert run(work()) == [
        ("fast", 4),
        ("fast", 8),
        ("slow", 10),
        ("fast", 12),
        ("slow", 20),
        ("long", 2 * 86400),
    ]


def test_timeouts_are_in_the_loops_time() -> None:
    async def work() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(7200):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run(work()) == 7200


def test_no_jump_while_a_thread_works() -> None:
    """A thread of 20 ms is done long before a timer of a minute, as it would be in real time."""

    async def work() -> list[str]:
        order: list[str] = []

        async def thread() -> None:
            await asyncio.to_thread(time.sleep, 0.02)
            order.append("thread")

        async def timer() -> None:
            await asyncio.sleep(60)
            order.append("timer")

        await asyncio.gather(timer(), thread())
        assert 60 <= asyncio.get_running_loop().time() < 61
        return order

    assert run(work()) == ["thread", "timer"]


def test_short_timers_go_on_while_a_thread_works() -> None:
    async def work() -> int:
        release = threading.Event()
        job = asyncio.get_running_loop().run_in_executor(None, release.wait)
        for _ in range(3):
            await asyncio.sleep(0.002)
        assert not job.done()
        release.set()
        assert await job
        return int(asyncio.get_running_loop().time() * 1000)

    assert 6 <= run(work()) < 1000


def test_thread_results_come_in_order_and_errors_through() -> None:
    async def work() -> None:
        assert await asyncio.gather(*(asyncio.to_thread(pow, 2, n) for n in range(5))) == [1, 2, 4, 8, 16]
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(divmod, 1, 0)
        before = asyncio.get_running_loop().time()
        await asyncio.sleep(100)
        assert asyncio.get_running_loop().time() - before == pytest.approx(100)

    run(work())


def test_no_jump_while_a_process_works() -> None:
    async def work() -> tuple[list[str], bytes]:
        order: list[str] = []

        async def timer() -> None:
            await asyncio.sleep(3600)
            order.append("timer")

        async def child() -> bytes:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-S", "-c", "print('hello')", stdout=asyncio.subprocess.PIPE
            )
            output, _ = await process.communicate()
            assert process.returncode == 0
            order.append("child")
            return output

        _, output = await asyncio.gather(timer(), child())
        return order, output

    assert run(work()) == (["child", "timer"], b"hello\n")


def test_a_shell_command_is_a_process_too() -> None:
    async def work() -> list[str]:
        order: list[str] = []

        async def timer() -> None:
            await asyncio.sleep(3600)
            order.append("timer")

        async def child() -> None:
            process = await asyncio.create_subprocess_shell("exit 3")
            order.append(f"child {await process.wait()}")

        await asyncio.gather(timer(), child())
        return order

    assert run(work()) == ["child 3", "timer"]


def test_waiting_for_nothing_is_a_deadlock() -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match="every task waits"):
        run(work())


def test_a_deadlock_cancels_what_waits() -> None:
    ends = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("cancelled")

    with pytest.raises(DeadlockError):
        run(work())
    assert ends == ["cancelled"]


def test_waiting_for_ever_beside_a_heartbeat_ends_at_the_horizon() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()

        def heartbeat() -> None:
            loop.call_later(5, heartbeat)

        heartbeat()
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match=r"beyond its horizon of 1000 s"):
        run(work(), horizon=1000.0)


def test_a_watched_file_is_waited_for() -> None:
    async def work() -> bytes:
        reader, writer = os.pipe()
        arrived = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()
        loop.add_reader(reader, lambda: arrived.set_result(os.read(reader, 10)))
        thread = threading.Timer(0.01, os.write, (writer, b"x"))
        thread.start()
        try:
            return bytes(await arrived)
        finally:
            loop.remove_reader(reader)
            thread.join()
            os.close(reader)
            os.close(writer)

    assert run(work()) == b"x"


def test_signals_are_handled() -> None:
    async def work() -> str:
        loop = asyncio.get_running_loop()
        received = asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, received.set)
        loop.call_later(1, os.kill, os.getpid(), signal.SIGUSR1)
        await received.wait()
        loop.remove_signal_handler(signal.SIGUSR1)
        return "received"

    assert run(work()) == "received"


def test_the_policy_makes_such_loops() -> None:
    loop = JumpingEventLoopPolicy().new_event_loop()
    try:
        assert isinstance(loop, JumpingEventLoop)
        assert loop.time() == 0
        loop.run_until_complete(asyncio.sleep(86400))
        assert loop.time() == 86400
    finally:
        loop.close()
