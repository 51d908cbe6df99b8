"""The simulated OCPS: acknowledgements, results, aborting, and what can go wrong."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from lsst.ts.calibscripts import sal
from lsst.ts.calibscripts.summit.faults.faults import Faults
from lsst.ts.calibscripts.summit.ocps.csc import ABORTED, Job, Phase, SimulatedOcps


@dataclass
class Sleeper:
    """Runs jobs whose options say how long they take and how they end, as in ``10 1``."""

    running: int = 0
    most: int = 0
    configs: list[str] = field(default_factory=list)

    async def run(self, job: Job) -> int:
        self.configs.append(job.config)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            duration, exit_code, *_ = job.config.split()
            await asyncio.sleep(float(duration))
        finally:
            self.running -= 1
        return int(exit_code)


@dataclass
class Ocps:
    csc: SimulatedOcps
    remote: Any
    runner: Sleeper
    results: list[Any] = field(default_factory=list)

    async def submit(
        self, pipeline: str = "cpBias.yaml", duration: float = 10, code: int = 0, prereq: str = ""
    ) -> Any:
        """Send execute and give its first acknowledgement."""
        return await self.remote.cmd_execute.set_start(
            pipeline=pipeline,
            config=f"{duration} {code}",
            data_query="instrument='LATISS'",
            prereq_jobs=prereq,
            wait_done=False,
            timeout=700,
        )

    async def end(self, ack: Any) -> Any:
        return await self.remote.cmd_execute.next_ackcmd(ack, timeout=700)

    async def run(self, **options: Any) -> str:
        """Run a job to the end of its command and give its id."""
        ack = await self.submit(**options)
        await self.end(ack)
        return job_id(ack)

    def codes(self, *job_ids: str) -> list[tuple[int, int]]:
        """Index in ``job_ids`` (-1 for others) and exit code of every result, in the order they came."""
        index = {job_id: number for number, job_id in enumerate(job_ids)}
        return [(index.get(result.job_id, -1), result.exit_code) for result in self.results]


def job_id(ack: Any) -> str:
    return str(json.loads(ack.result)["job_id"])


@asynccontextmanager
async def ocps(*faults: str, workers: int | None = None) -> AsyncIterator[Ocps]:
    runner = Sleeper()
    limit = None if workers is None else asyncio.Semaphore(workers)
    async with (
        SimulatedOcps(1, "LATISS", runner, workers=limit, faults=Faults(faults)) as csc,
        sal.Domain() as domain,
        sal.Remote(domain, "OCPS", 1) as remote,
    ):
        found = Ocps(csc, remote, runner)

        async def note(result: Any) -> None:
            found.results.append(result)

        remote.evt_job_result.callback = note
        yield found


async def test_a_job_is_acknowledged_by_its_id_then_reported_then_complete() -> None:
    loop = asyncio.get_running_loop()
    async with ocps() as summit:
        ack = await summit.submit(duration=10)
        assert (ack.ack, ack.timeout) == (sal.SalRetCode.CMD_INPROGRESS, 600)
        assert re.fullmatch("[0-9a-f]{32}", job_id(ack))
        begin = loop.time()
        end = await summit.end(ack)
        assert end.ack == sal.SalRetCode.CMD_COMPLETE
        assert loop.time() - begin == pytest.approx(10, abs=0.1)
        (result,) = summit.results
    assert (result.job_id, result.exit_code) == (job_id(ack), 0)
    answer = json.loads(result.result)
    assert (answer["jobId"], answer["phase"]) == (job_id(ack), "queued")


async def test_a_failed_job_completes_its_command() -> None:
    async with ocps() as summit:
        failed = await summit.run(code=1)
        assert summit.codes(failed) == [(0, 1)]
        (job,) = summit.csc.jobs
    assert (job.phase, job.exit_code, job.name, job.number) == (Phase.ERROR, 1, "cpBias", 1)


async def test_jobs_run_side_by_side() -> None:
    async with ocps() as summit:
        acks = [await summit.submit(duration=seconds) for seconds in (30, 20, 10)]
        await asyncio.gather(*map(summit.end, acks))
        assert [index for index, _ in summit.codes(*map(job_id, acks))] == [2, 1, 0]
        assert summit.runner.most == 3
    assert [job.number for job in summit.csc.jobs] == [1, 2, 3]


async def test_workers_limit_how_many() -> None:
    async with ocps(workers=2) as summit:
        acks = [await summit.submit(duration=10) for _ in range(5)]
        await asyncio.sleep(1)
        phases = [job.phase for job in summit.csc.jobs]
        await asyncio.gather(*map(summit.end, acks))
    assert phases == [Phase.EXECUTING] * 2 + [Phase.QUEUED] * 3
    assert summit.runner.most == 2


async def test_prerequisites_are_waited_for_before_the_acknowledgement() -> None:
    loop = asyncio.get_running_loop()
    async with ocps() as summit:
        first = await summit.submit(duration=30, code=1)
        begin = loop.time()
        await summit.submit(prereq=f"{job_id(first)}, ")
        assert loop.time() - begin == pytest.approx(30, abs=0.1)
        with pytest.raises(sal.AckError, match="knows no job 'abc'"):
            await summit.submit(prereq="abc")


async def test_an_aborted_job_ends_with_255() -> None:
    async with ocps() as summit:
        ack = await summit.submit(duration=1000)
        await asyncio.sleep(5)
        await summit.remote.cmd_abort_job.set_start(job_id=job_id(ack), timeout=10)
        assert summit.runner.running == 0
        await asyncio.sleep(1)
        assert summit.codes(job_id(ack)) == [(0, ABORTED)]
        await summit.remote.cmd_abort_job.set_start(job_id=job_id(ack), timeout=10)
        with pytest.raises(sal.AckError, match="knows no job 'abc'"):
            await summit.remote.cmd_abort_job.set_start(job_id="abc", timeout=10)
    assert len(summit.results) == 1


async def test_a_queued_job_can_be_aborted() -> None:
    async with ocps(workers=1) as summit:
        first, second = await summit.submit(duration=10), await summit.submit(duration=10)
        await summit.remote.cmd_abort_job.set_start(job_id=job_id(second), timeout=10)
        await summit.end(first)
        assert summit.codes(job_id(first), job_id(second)) == [(1, ABORTED), (0, 0)]
    assert len(summit.runner.configs) == 1


@pytest.mark.parametrize("command", ["execute", "abort_job"])
async def test_commands_are_rejected_unless_enabled(command: str) -> None:
    async with ocps() as summit:
        await summit.remote.cmd_disable.start(timeout=5)
        with pytest.raises(sal.AckError, match=f"{command} not allowed in state DISABLED of OCPS:1"):
            await getattr(summit.remote, f"cmd_{command}").start(timeout=5)


async def test_leaving_the_summit_ends_its_jobs() -> None:
    async with ocps() as summit:
        await summit.submit(duration=1000)
        await asyncio.sleep(1)
        assert summit.runner.running == 1
    assert summit.runner.running == 0


async def test_fault_rejected() -> None:
    async with ocps("command-rejected:of=cpDark,at=2") as summit:
        await summit.run(pipeline="cpDark.yaml")
        with pytest.raises(sal.AckError, match="503"):
            await summit.run(pipeline="cpDark.yaml")
        assert len(summit.results) == 1


async def test_fault_no_acknowledgement() -> None:
    async with ocps("no-acknowledgement") as summit:
        with pytest.raises(sal.AckTimeoutError):
            await summit.submit()
    assert summit.runner.configs == []


async def test_fault_in_the_middle() -> None:
    async with ocps("ocps-fault") as summit:
        ack = await summit.submit()
        with pytest.raises(sal.AckError, match=f"went to FAULT; what became of job {job_id(ack)}"):
            await summit.end(ack)
        state = await summit.remote.evt_summaryState.aget(timeout=1)
    assert state.summaryState == sal.State.FAULT
    assert summit.results == []
    assert summit.runner.running == 0


async def test_fault_job_error() -> None:
    async with ocps("job-error:of=cpBias,at=2") as summit:
        ids = [await summit.run(), await summit.run()]
        assert summit.codes(*ids) == [(0, 0), (1, 1)]


async def test_fault_job_aborted_by_somebody_else() -> None:
    async with ocps("job-aborted") as summit:
        job = await summit.run()
        await asyncio.sleep(1)
        assert summit.codes(job) == [(0, ABORTED), (0, 1)]


async def test_fault_job_slow() -> None:
    loop = asyncio.get_running_loop()
    async with ocps("job-slow:delay=500") as summit:
        begin = loop.time()
        await summit.run(duration=10)
        assert loop.time() - begin == pytest.approx(510, abs=0.1)


async def test_fault_result_before_the_acknowledgement() -> None:
    async with ocps("result-before-ack") as summit:
        ack = await summit.submit()
        assert summit.codes(job_id(ack)) == [(0, 0)]
    assert len(summit.results) == 1


async def test_fault_result_never() -> None:
    async with ocps("result-never") as summit:
        await summit.run()
        await asyncio.sleep(100)
    assert summit.results == []


async def test_fault_results_swapped() -> None:
    async with ocps("results-swapped:delay=15") as summit:
        acks = [await summit.submit(duration=seconds) for seconds in (5, 10)]
        await asyncio.gather(*map(summit.end, acks))
        assert [index for index, _ in summit.codes(*map(job_id, acks))] == [1, 0]


async def test_fault_results_of_others() -> None:
    async with ocps("results-foreign") as summit:
        job = await summit.run()
        await asyncio.sleep(1)
        assert [index for index, _ in summit.codes(job)] == [-1, 0, -1]


async def test_fault_result_not_json() -> None:
    async with ocps("result-not-json") as summit:
        await summit.run()
        await asyncio.sleep(1)
    with pytest.raises(json.JSONDecodeError):
        json.loads(summit.results[0].result)
    assert summit.results[0].exit_code == 0
