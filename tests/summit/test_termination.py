"""Ctrl-C and SIGTERM, as processes receive them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from lsst.ts.calibscripts.summit.butler.registry import removed_unless_finished
from lsst.ts.calibscripts.summit.rehearsing.termination import RehearsalLoop, Termination

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("number", SIGNALS)
def test_outside_a_run_the_first_signal_interrupts_what_is_made(
    number: signal.Signals, tmp_path: Path
) -> None:
    before = signal.getsignal(number)
    made = tmp_path / "made"
    termination = Termination()

    def make() -> None:
        with termination, removed_unless_finished(made):
            made.mkdir()
            (made / "file").touch()
            os.kill(os.getpid(), number)

    with pytest.raises(SystemExit) as ended:
        make()
    assert termination.received is number
    assert ended.value.code == 128 + number
    assert not made.exists()
    assert signal.getsignal(number) is before


def test_an_interruption_that_is_swallowed_or_turned_into_another_error_is_not_lost() -> None:
    stopped: list[bool] = []

    def import_much() -> None:
        with Termination() as termination:
            with suppress(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                termination.heed()
            with termination.stopping(lambda: stopped.append(True)):
                assert stopped
            raise TypeError("data type 'i4' not understood")

    with pytest.raises(SystemExit) as ended:
        import_much()
    assert ended.value.code == 130


def test_what_was_there_before_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(KeyError), removed_unless_finished(tmp_path):
        raise KeyError
    assert (tmp_path / "mine").exists()


def test_without_a_signal_the_exit_code_is_0() -> None:
    with Termination() as termination:
        pass
    assert (termination.received, termination.exit_code) == (None, 0)


@pytest.mark.parametrize("number", SIGNALS)
def test_during_a_run_the_first_signal_stops_it_whoever_handles_signals_in_it(number: signal.Signals) -> None:
    """A script in the process adds handlers of its own, and removes them when it is closed."""
    foreign: list[int] = []

    async def run(termination: Termination) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(number, foreign.append, 1)
        stopped = asyncio.Event()
        with termination.stopping(lambda: loop.call_soon_threadsafe(stopped.set)):
            os.kill(os.getpid(), number)
            await stopped.wait()
        assert not loop.remove_signal_handler(number)

    with (
        pytest.raises(SystemExit),
        Termination() as termination,
        asyncio.Runner(loop_factory=RehearsalLoop) as runner,
    ):
        runner.run(run(termination))
    assert termination.received is number
    assert not foreign


def test_other_signals_are_for_whoever_wants_them() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        received = asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, received.set)
        os.kill(os.getpid(), signal.SIGUSR1)
        await received.wait()
        assert loop.remove_signal_handler(signal.SIGUSR1)

    with asyncio.Runner(loop_factory=RehearsalLoop) as runner:
        runner.run(run())


def test_in_another_thread_nothing_is_changed() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def enter() -> None:
        with Termination():
            assert signal.getsignal(signal.SIGTERM) is before

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before


HANGING = """
import os, signal, sys, time
from lsst.ts.calibscripts.summit.rehearsing.termination import Termination

def work():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("at work", flush=True)
    time.sleep(600)

if __name__ == "__main__":
    with Termination() as termination, termination.stopping(lambda: print("stopping", flush=True)):
        if not os.fork():
            work()
        while True:
            time.sleep(600)
"""
"""A job that multiprocessing does not know, as one that it is just starting."""


def test_the_second_signal_ends_the_process_and_its_jobs_at_once(tmp_path: Path) -> None:
    program = tmp_path / "hanging.py"
    program.write_text(HANGING)
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "stopping\n"
        process.send_signal(signal.SIGTERM)
        # Ends only when the job, too, has closed the pipe.
        assert process.stdout.read() == ""
        assert process.wait(timeout=600) == 130
