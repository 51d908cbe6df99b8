"""The executables as the ScriptQueue starts them, at a summit where nothing answers: states, reasons, exit codes."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from observatory_support import ON_OBSERVATORY, TOPICS

from lsst.ts.calibscripts import get_scripts_dir
from lsst.ts.calibscripts.sal import AckError, Domain, Remote, ScriptState
from lsst.ts.calibscripts.summit.queue.queue_entries import find_script, script_names

pytestmark = pytest.mark.observatory

PATIENCE = 120.0
"""Longest wait for anything, seconds."""

CONFIG = "script_mode: BIAS\nrecord: false\nrepo: /nowhere\n"

_INDICES = itertools.count(220_001)


class Started:
    """A script in a process of its own, and the remote that drives it.

    On the stand-in, which knows one process only, the script is started in this one, as its executable does it.
    """

    def __init__(self, remote: Any, ended: asyncio.Task[int], terminate: Callable[[], None]) -> None:
        self.remote, self.ended, self.terminate = remote, ended, terminate
        self.states: list[ScriptState] = []
        self.reason = ""

        async def note(data: Any) -> None:
            self.states.append(ScriptState(data.state))
            self.reason = str(data.reason)

        remote.evt_state.callback = note

    async def sees(self, state: ScriptState) -> None:
        async with asyncio.timeout(PATIENCE):
            while state not in self.states:  # noqa: ASYNC110 - it is looked at, not told.
                await asyncio.sleep(0.05)

    async def configure(self, config: str = CONFIG) -> None:
        await self.sees(ScriptState.UNCONFIGURED)
        await self.remote.cmd_configure.set_start(config=config, timeout=PATIENCE)

    async def exit_code(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.ended


async def _process(script: str, index: int) -> tuple[Coroutine[Any, Any, int], Callable[[], None]]:
    environment = os.environ | {
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    }
    process = await asyncio.create_subprocess_exec(
        str(get_scripts_dir() / script), str(index), env=environment
    )
    return process.wait(), process.terminate


async def _here(script: str, index: int) -> tuple[Coroutine[Any, Any, int], Callable[[], None]]:
    make: Any = find_script(script)

    async def run() -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [script, str(index)])
            try:
                await make.amain()
            except SystemExit as end:
                return int(str(end.code))
            return 0

    return run(), lambda: os.kill(os.getpid(), signal.SIGTERM)


@asynccontextmanager
async def started(script: str) -> AsyncIterator[Started]:
    index = next(_INDICES)
    async with Domain() as domain, Remote(domain, "Script", index) as remote:
        running, terminate = await (_process if ON_OBSERVATORY else _here)(script, index)
        there = Started(remote, asyncio.create_task(running), terminate)
        try:
            yield there
        finally:
            if not there.ended.done():
                terminate()
            await there.exit_code()


async def test_a_wrong_configuration() -> None:
    async with started("auxtel/make_latiss_calibrations.py") as script:
        with pytest.raises(AckError, match="did you mean calib_collection"):
            await script.configure("calibration_collection: LATISS/calib/mine")
        await script.sees(ScriptState.CONFIGURE_FAILED)
        assert "did you mean calib_collection" in script.reason
        assert await script.exit_code() == 1


@pytest.mark.parametrize("name", script_names())
async def test_a_stop_before_the_run(name: str) -> None:
    async with started(name) as script:
        await script.configure()
        await script.remote.cmd_stop.start(timeout=PATIENCE)
        await script.sees(ScriptState.STOPPED)
        assert await script.exit_code() == 0


async def test_a_termination_before_the_run() -> None:
    async with started("auxtel/make_latiss_calibrations.py") as script:
        await script.configure()
        script.terminate()
        assert await script.exit_code() == 1
        assert script.states[-1] is ScriptState.CONFIGURED


async def test_a_run_at_a_silent_summit_takes_no_image_and_says_who_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A broker keeps the last state of a component that other tests had.
    monkeypatch.setenv(TOPICS, f"{os.environ.get(TOPICS, '')}_silent")
    async with started("auxtel/make_latiss_calibrations.py") as script:
        await script.configure()
        await script.remote.cmd_setGroupId.set_start(groupId="2026-09-18T20:00:00.000", timeout=PATIENCE)
        running = asyncio.create_task(script.remote.cmd_run.start(timeout=PATIENCE))
        await script.sees(ScriptState.FAILED)
        await asyncio.gather(running, return_exceptions=True)
        assert script.reason.startswith("Error in run: No image was taken.")
        for component in ("ATCamera", "ATOODS", "OCPS:1"):
            assert component in script.reason
        assert await script.exit_code() == 1
