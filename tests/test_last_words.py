"""What an observer must see reaches LOVE: where messages are dropped, and from a script that is terminated."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from observatory_support import ON_OBSERVATORY
from scripts_over import LatissInMemory

from lsst.ts.calibscripts.base_make_calibrations import LAST_WORDS_TIMEOUT
from lsst.ts.calibscripts.sal import Domain, Remote, ScriptState
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import (
    Behaviour,
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    reference_calibrations,
)

pytestmark = pytest.mark.observatory

CONFIG: dict[str, Any] = {"script_mode": "BIAS", "generate_calibrations": True, "n_bias": 3}
LONG = 1000.0
"""Seconds that a job takes, and longest wait for anything."""


CLOSING = 10.0 if ON_OBSERVATORY else 1.1
"""What the middleware takes itself at most to close a script, seconds: the observatory's, for each remote a while."""

_INDICES = itertools.count(230_001)
"""A script of its own for each test: a broker keeps the last message of those before."""

ON_THE_WAY = 5.0 if ON_OBSERVATORY else 0.5
"""How long a message may be on its way, seconds."""


async def given_up(running: asyncio.Task[Any]) -> None:
    """Give a command up: a script that was terminated may not answer it any more, and a broker cannot know that."""
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


class Love:
    """A script, and what LOVE shows of it."""

    def __init__(self, script: Any, remote: Any, summit: Summit) -> None:
        self.script, self.remote, self.summit = script, remote, summit
        self.lines: list[str] = []
        self.states: list[ScriptState] = []
        self.told: list[object] = []
        self.times: list[float] = []
        clock = asyncio.get_running_loop().time

        async def log(data: Any) -> None:
            self.lines.append(str(data.message))
            self.told.append(self.lines[-1])
            self.times.append(clock())

        async def state(data: Any) -> None:
            self.states.append(ScriptState(data.state))
            self.told.append(self.states[-1])

        remote.evt_logMessage.callback, remote.evt_state.callback = log, state

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def lines_before(self, state: ScriptState) -> list[str]:
        """Wait for a state, and return the lines that came before it.

        A client of the observatory's fetches what lies ready of several topics in whichever order: there, the lines
        that were on their way with it.
        """
        await self.until(lambda: state in self.states)
        if ON_OBSERVATORY:
            await asyncio.sleep(ON_THE_WAY)
            return self.lines
        return [line for line in self.told[: self.told.index(state)] if isinstance(line, str)]

    async def run(self, **config: Any) -> asyncio.Task[Any]:
        """Configure the script, and let it run."""
        await self.remote.cmd_configure.set_start(
            config=yaml.safe_dump({**CONFIG, **config}), logLevel=logging.INFO, timeout=LONG
        )
        await self.remote.cmd_setGroupId.set_start(groupId="2026-09-18T20:00:00.000", timeout=LONG)
        return asyncio.create_task(self.remote.cmd_run.start(timeout=LONG))

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONG):
            while not happened():  # noqa: ASYNC110 - it is looked at, not told.
                await asyncio.sleep(0.1)

    async def terminate(self) -> float:
        """End the script as SIGTERM does, and return how long that took, seconds."""
        clock = asyncio.get_running_loop().time
        begin = clock()
        self.script.signal_handler()
        await self.script.done_task
        await self.script.close()
        return clock() - begin


@asynccontextmanager
async def in_love(seconds: float = LONG) -> AsyncIterator[Love]:
    """Make a script over a butler in memory, whose jobs take so long."""
    butler = MemoryButler()
    reference_calibrations(butler, "LATISS")

    runner = MemoryRunner(butler, lambda job: Behaviour(seconds=seconds))
    index = next(_INDICES)
    async with (
        Summit("/nowhere", ingest=MemoryIngest(butler), runner=runner) as summit,
        Domain() as domain,
        Remote(domain, "Script", index) as remote,
    ):
        script = LatissInMemory.over(MemoryRepository(butler))(index)
        await script.start_task
        love = Love(script, remote, summit)
        try:
            yield love
        finally:
            await script.close()


async def test_every_warning_of_configure_arrives_before_the_script_is_configured() -> None:
    async with in_love() as love:
        await love.remote.cmd_configure.set_start(config=yaml.safe_dump(CONFIG), timeout=LONG)
        warnings = love.script.spec.warnings
        assert len(warnings) > 1
        before = await love.lines_before(ScriptState.CONFIGURED)
        assert [line for line in before if line in warnings] == [*warnings]


async def test_everything_that_is_logged_arrives_in_order() -> None:
    async with in_love() as love:
        texts = [f"line {number}" for number in range(40)]
        for text in texts[:20]:
            love.script.log.info(text)
        await asyncio.to_thread(lambda: [love.script.log.getChild("child").info(text) for text in texts[20:]])
        await asyncio.sleep(10)
        assert [line for line in love.lines if line.startswith("line ")] == texts


async def test_a_record_is_as_it_was_when_it_was_logged() -> None:
    async with in_love() as love:
        values = ["first"]
        for _ in range(3):
            love.script.log.info("of %s", values)
            values.append("later")
        await asyncio.sleep(1)
        assert love.lines[-3:] == ["of ['first']", "of ['first', 'later']", "of ['first', 'later', 'later']"]


async def test_what_still_waits_when_there_is_no_more_time_arrives_as_one_message() -> None:
    async with in_love() as love:
        texts = [f"line {number}" for number in range(40)]
        for text in texts:
            love.script.log.log(logging.WARNING if text.endswith("9") else logging.INFO, text)
        await love.script.close()
        await love.until(lambda: texts[-1] in love.text)
        lines = love.text.splitlines()
        assert [line for line in lines if line.startswith("line ")] == texts


async def test_the_summary_arrives_before_the_final_state() -> None:
    async with in_love(seconds=5.0) as love:
        running = await love.run()
        await running
        before = await love.lines_before(ScriptState.DONE)
        (summary,) = (line for line in before if " ends DONE" in line)
        (record,) = (line for line in before if line.startswith("Record of this run: "))
        assert before.index(summary) < before.index(record)


@pytest.mark.parametrize("paused", [False, True])
async def test_a_script_that_is_terminated_reports_how_it_ended(paused: bool) -> None:
    async with in_love() as love:
        running = await love.run()
        await love.until(lambda: ScriptState.RUNNING in love.states)
        if paused:
            await love.remote.cmd_setCheckpoints.set_start(pause="All images taken.*", stop="", timeout=LONG)
        await love.until(lambda: "GENERATE BIAS: OCPS job" in love.text)
        if paused:
            await love.until(lambda: ScriptState.PAUSED in love.states)
        seconds = await love.terminate()
        await given_up(running)
        (job,) = love.summit.jobs
        assert job.phase == "aborted"
        assert f"OCPS job {job.job_id} was aborted." in love.lines
        assert " ends STOPPED: 4 images taken, 0 products certified" in love.text
        (record,) = (line for line in love.lines if line.startswith("Record of this run: "))
        assert '"state":"STOPPED"' in await asyncio.to_thread(Path(record.partition(": ")[2]).read_text)
        assert love.states[-1] is ScriptState.STOPPING
        assert seconds < LAST_WORDS_TIMEOUT + CLOSING


async def test_a_script_that_cannot_report_in_time_says_where_to_look() -> None:
    async with in_love() as love:
        running = await love.run()
        await love.until(lambda: "GENERATE BIAS: OCPS job" in love.text)

        async def silent(data: Any) -> None:
            await asyncio.sleep(LONG)

        love.summit.components["OCPS:1"].controller.cmd_abort_job.callback = silent
        begin = asyncio.get_running_loop().time()
        await love.terminate()
        await given_up(running)
        text = "The script was terminated before its run could report how it ended."
        (arrived,) = (
            time for line, time in zip(love.lines, love.times, strict=True) if line.startswith(text)
        )
        # The process may live on until its middleware is closed.
        assert arrived - begin < LAST_WORDS_TIMEOUT + ON_THE_WAY


async def test_a_script_that_is_terminated_before_it_runs_ends_at_once() -> None:
    async with in_love() as love:
        assert await love.terminate() < LAST_WORDS_TIMEOUT
