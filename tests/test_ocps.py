"""OCPS jobs: routed by id, every way a job can end, nothing of ours runs on."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lsst.ts.calibscripts.errors import JobError
from lsst.ts.calibscripts.events.events import Event, JobEnded, JobOutcome, JobStarted, JobSubmitted
from lsst.ts.calibscripts.ground.cancellation import STOP_GRACE
from lsst.ts.calibscripts.ocps.client import ABORT_RESERVE, JobRequest, Ocps
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.sal import Domain, Remote, State
from lsst.ts.calibscripts.summit.faults.faults import Faults
from lsst.ts.calibscripts.summit.hardware.csc import SimulatedCsc
from lsst.ts.calibscripts.summit.ocps.csc import Job, Phase, SimulatedOcps


class Runner:
    """Takes the seconds and gives the exit code that stand in a job's data query: ``10:0``."""

    async def run(self, job: Job) -> int:
        seconds, _, exit_code = job.data_query.partition(":")
        await asyncio.sleep(float(seconds))
        return int(exit_code)


class Bench:
    """An OCPS client facing a simulated OCPS."""

    def __init__(
        self, client: Ocps, simulated: SimulatedOcps, other: SimulatedCsc, events: list[Event]
    ) -> None:
        self.client, self.simulated, self.other, self.events = client, simulated, other, events
        self.started: list[str] = []

    async def run(self, query: str = "10:0", pipeline: str = "cpBias", timeout: float = 3600) -> int | None:
        request = JobRequest(StepId(Action.GENERATE, pipeline), f"/x/{pipeline}.yaml", "-j 1", query)
        result = await self.client.run(request, timeout, on_started=self.started.append)
        return result.exit_code

    async def failure(self, *args: str, **kwargs: float) -> JobError:
        with pytest.raises(JobError) as caught:
            await self.run(*args, **kwargs)  # type: ignore[arg-type]
        return caught.value

    @property
    def phases(self) -> list[Phase]:
        return [job.phase for job in self.simulated.jobs]


@asynccontextmanager
async def bench(*faults: str) -> AsyncIterator[Bench]:
    events: list[Event] = []
    log = logging.getLogger("test")
    async with (
        Domain() as domain,
        SimulatedOcps(1, "LATISS", Runner(), faults=Faults(faults)) as simulated,
        SimulatedCsc("ATHeaderService") as other,
        Remote(domain, "OCPS", 1) as remote,
        Remote(domain, "ATHeaderService") as witness,
    ):
        client = Ocps(remote, log, events.append, log.warning, [witness])
        try:
            yield Bench(client, simulated, other, events)
        finally:
            client.close()


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_job_and_what_is_reported_of_it():
    async with bench() as b:
        assert await b.run() == 0
        (job,) = b.simulated.jobs
        assert b.started == [job.job_id]
        step = StepId(Action.GENERATE, "cpBias")
        assert b.events == [
            JobSubmitted(step, "/x/cpBias.yaml", "-j 1", "10:0"),
            JobStarted(step, job.job_id),
            JobEnded(step, job.job_id, 0, JobOutcome.COMPLETED),
        ]


async def test_the_exit_code_decides_and_the_error_says_where_to_look():
    async with bench() as b:
        error = await b.failure("10:3")
        (job,) = b.simulated.jobs
        assert (error.job_id, error.exit_code) == (job.job_id, 3)
        assert f"/scratch/uws/{job.job_id}/outs/ocps.log" in str(error)
        assert "exit code 3" in str(error)


@pytest.mark.parametrize(
    "fault", ["result-before-ack", "results-foreign", "result-not-json", "results-swapped"]
)
async def test_odd_but_good_results(fault: str):
    async with bench(fault) as b, asyncio.TaskGroup() as tasks:
        good = tasks.create_task(b.run("10:0", "cpBias"))
        bad = tasks.create_task(b.failure("5:1", "cpDark"))
        slow = tasks.create_task(b.run("20:0", "cpFlat"))
    assert (good.result(), bad.result().exit_code, slow.result()) == (0, 1, 0)
    ids = {job.name: job.job_id for job in b.simulated.jobs}
    assert bad.result().job_id == ids["cpDark"]


async def test_results_of_concurrent_jobs_are_not_lost():
    async with bench() as b, asyncio.TaskGroup() as tasks:
        runs = [tasks.create_task(b.run(f"{1 + i % 7}:0", f"p{i}")) for i in range(40)]
    assert [run.result() for run in runs] == [0] * 40


async def test_a_command_that_is_rejected():
    async with bench("command-rejected") as b:
        error = await b.failure()
        assert error.job_id is None
        assert "HTTP 503 Service Unavailable" in str(error)
        assert "job id is unknown" in str(error)


async def test_no_acknowledgement():
    async with bench("no-acknowledgement") as b:
        begin = now()
        error = await b.failure()
        assert now() - begin == pytest.approx(600, abs=1)
        assert "did not acknowledge the job within 600 s" in str(error)
        assert b.simulated.jobs == ()


async def test_a_result_that_never_comes_leaves_it_to_the_outputs():
    async with bench("result-never") as b:
        begin = now()
        assert await b.run("10:0") is None
        assert now() - begin == pytest.approx(10 + 30, abs=1)


@pytest.mark.parametrize("seconds", [0.5, 1000], ids=["has ended", "runs"])
async def test_the_id_of_an_earlier_job_is_not_taken_for_a_new_one(seconds: float):
    async with bench("job-id-repeated:of=cpDark") as b, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(b.run(f"{seconds}:0", "cpBias"))
        await asyncio.sleep(5)
        error = await b.failure("10:0", "cpDark")
    (job,) = b.simulated.jobs
    assert f"returned job id {job.job_id}, which already belongs to an earlier job" in str(error)
    assert error.job_id is None
    # Nothing that is done about it must touch the other job.
    assert (first.result(), job.phase) == (0, Phase.COMPLETED)


async def test_a_job_that_takes_too_long_is_aborted():
    async with bench() as b:
        begin = now()
        error = await b.failure("10000:0", timeout=60)
        assert "did not end within pipetask_timeout, 60 s" in str(error)
        assert now() - begin == pytest.approx(60, abs=1)
        assert b.phases == [Phase.ABORTED]


async def test_somebody_else_aborts_the_job():
    async with bench("job-aborted") as b:
        error = await b.failure()
        assert error.exit_code == 255
        assert "the job was aborted" in str(error)


async def test_the_ocps_goes_to_fault():
    async with bench("ocps-fault:of=cpDark") as b, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(b.failure("100:0", "cpBias"))
        await asyncio.sleep(5)
        second = tasks.create_task(b.failure("100:0", "cpDark"))
    for error in (first.result(), second.result()):
        assert error.job_id is not None
        assert "FAULT" in str(error)


async def test_an_ocps_that_is_recovered_at_once_has_lost_its_jobs_and_takes_others():
    async with bench() as b:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(b.failure("10000:0", name)) for name in ("cpBias", "cpDark")]
            # Between two looks at its state.
            await asyncio.sleep(5.5)
            begin = now()
            for state in (State.FAULT, State.STANDBY, State.DISABLED, State.ENABLED):
                await b.simulated.set_state(state)
        left = "the OCPS left ENABLED, it was FAULT and STANDBY and is ENABLED again"
        assert [left in str(task.result()) for task in running] == [True, True]
        assert now() - begin < 5
        assert await b.run() == 0


async def test_an_ocps_that_is_not_enabled_takes_no_job():
    async with bench("component-standby:of=OCPS:1") as b:
        assert "STANDBY" in str(await b.failure())


async def test_an_ocps_that_has_died_is_not_waited_for():
    async with bench() as b, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(b.failure("10000:0"))
        await asyncio.sleep(5)
        await b.simulated.die()
        begin = now()
        assert "has sent no heartbeat for 60 s: it may have died" in str(await running)
        assert now() - begin < 60 + 2 * STOP_GRACE
        assert "it may have died" in str(await b.failure())


async def test_while_nobody_is_heard_nobody_is_taken_for_dead():
    async with bench() as b, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(b.failure("10000:0", timeout=3600))
        await asyncio.sleep(5)
        await b.other.die()
        await b.simulated.die()
        assert "did not end within pipetask_timeout, 3600 s" in str(await running)


async def cancel(b: Bench, after: float, query: str = "10000:0") -> float:
    """Start a job, cancel it, and give how long its end took."""
    task = asyncio.create_task(b.run(query))
    await asyncio.sleep(after)
    task.cancel()
    begin = now()
    with pytest.raises(asyncio.CancelledError):
        await task
    return now() - begin


async def test_a_cancelled_job_is_aborted():
    async with bench() as b:
        assert await cancel(b, after=5) < 1
        assert b.phases == [Phase.ABORTED]
        assert isinstance(b.events[-1], JobEnded)


async def test_a_job_cancelled_before_its_acknowledgement_is_aborted_when_its_id_comes():
    async with bench() as b:
        await cancel(b, after=0)
        assert b.phases in ([], [Phase.ABORTED])


async def test_a_stop_does_not_wait_for_an_acknowledgement_for_ever():
    async with bench("no-acknowledgement") as b:
        assert await cancel(b, after=5) == pytest.approx(STOP_GRACE - ABORT_RESERVE, abs=1)
        assert b.simulated.jobs == ()


async def test_a_cancelled_job_ends_even_where_the_abort_is_not_answered():
    async with bench() as b:

        async def silent(data: object) -> None:
            await asyncio.sleep(1e5)

        b.simulated.controller.cmd_abort_job.callback = silent
        assert await cancel(b, after=5) == pytest.approx(STOP_GRACE, abs=1)
