"""An OCPS that acknowledges otherwise than ours does."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from lsst.ts.calibscripts.errors import JobError
from lsst.ts.calibscripts.events.events import Event
from lsst.ts.calibscripts.ocps.client import JobRequest, Ocps
from lsst.ts.calibscripts.ocps.jobs import job_id_in
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.sal import Domain, ExpectedError, Remote, SalRetCode
from lsst.ts.calibscripts.summit.ocps.csc import Job, SimulatedOcps


class Runner:
    async def run(self, job: Job) -> int:
        await asyncio.sleep(10)
        return 0


class OddOcps(SimulatedOcps):
    """Acknowledges as the data query says."""

    async def execute(self, data: Any) -> Any:
        command = self.controller.cmd_execute
        match data.data_query:
            case "speaks before it knows the job id":
                for text in ("", "queued", "[1]", "{}"):
                    await command.ack_in_progress(data, timeout=100, result=text)
                    await asyncio.sleep(1)
            case "ends at once":
                return None
            case "ends without a job id":
                await command.ack_in_progress(data, timeout=100, result="queued")
                await asyncio.sleep(1)
                return None
            case "tells the job id at the end":
                entry = await self._submit(data)
                await self._finish(entry)
                return self.controller.salinfo.make_ackcmd(
                    private_seqNum=data.private_seqNum,
                    ack=SalRetCode.CMD_COMPLETE,
                    result=json.dumps({"job_id": entry.job.job_id}),
                )
            case "rejects late":
                await asyncio.sleep(5)
                raise ExpectedError("the back end does not answer")
            case "is silent":
                await asyncio.Event().wait()
        return await super().execute(data)


class Bench:
    def __init__(self, client: Ocps, simulated: OddOcps, events: list[Event]) -> None:
        self.client, self.simulated, self.events = client, simulated, events

    async def run(self, how: str) -> int | None:
        request = JobRequest(StepId(Action.GENERATE, "BIAS"), "/x/cpBias.yaml", "-j 1", how)
        return (await self.client.run(request, 3600, on_started=lambda job_id: None)).exit_code


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    events: list[Event] = []
    async with Domain() as domain, OddOcps(1, "LATISS", Runner()) as simulated:
        remote = Remote(domain, "OCPS", 1)
        await remote.start_task
        client = Ocps(remote, logging.getLogger("test"), events.append, logging.getLogger("test").warning)
        try:
            yield Bench(client, simulated, events)
        finally:
            client.close()


@pytest.mark.parametrize("how", ["speaks before it knows the job id", "tells the job id at the end"])
async def test_the_job_id_may_come_later(how: str):
    async with bench() as b:
        assert await b.run(how) == 0


@pytest.mark.parametrize("how", ["ends at once", "ends without a job id"])
async def test_a_command_that_ends_without_a_job_id(how: str):
    async with bench() as b:
        with pytest.raises(JobError, match="the OCPS ended the command without returning a job id"):
            await b.run(how)


async def test_an_ocps_that_leaves_enabled_before_it_acknowledges():
    async with bench() as b, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_failure(b, "is silent"))
        await asyncio.sleep(20)
        await b.simulated.fault("the connection to the back end is lost")
    assert "the OCPS left ENABLED, it is FAULT" in str(running.result())


async def test_an_ocps_in_a_state_that_there_is_not():
    async with bench() as b, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_failure(b, "is good"))
        await asyncio.sleep(5)
        await b.simulated.controller.evt_summaryState.set_write(summaryState=17)
    assert "the OCPS left ENABLED, it is in the unknown state 17" in str(running.result())
    assert running.result().job_id is not None


async def test_an_unknown_state_before_the_acknowledgement_leaves_no_job_waiting():
    async with bench() as b, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_failure(b, "is silent"))
        await asyncio.sleep(20)
        await b.simulated.controller.evt_summaryState.set_write(summaryState=17)
    assert "it is in the unknown state 17" in str(running.result())


async def _failure(b: Bench, how: str) -> JobError:
    with pytest.raises(JobError) as caught:
        await b.run(how)
    return caught.value


async def test_a_stop_before_a_rejection_leaves_nothing_to_abort():
    async with bench() as b:
        running = asyncio.create_task(b.run("rejects late"))
        await asyncio.sleep(1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert b.simulated.jobs == ()


@pytest.mark.parametrize(
    ("result", "job_id"),
    [
        ('{"job_id": "5a7"}', "5a7"),
        ('{"job_id": 57}', "57"),
        *(
            (f'{{"job_id": {value}}}', "")
            for value in ("null", "true", '"  "', '" 5a7"', '"5a 7\\n"', "[5]", '{"a": 1}', "NaN", "0.5")
        ),
        *((text, "") for text in ("", "[]", "accepted", '{"id": "5"}')),
    ],
)
def test_only_what_can_be_a_job_id_is_one(result: str, job_id: str):
    assert job_id_in(result) == job_id
