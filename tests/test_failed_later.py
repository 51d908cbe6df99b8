"""What the OCPS says of a job later than its end still counts: nothing is certified that hangs on one that failed."""

from __future__ import annotations

import asyncio

import pytest
from in_memory import BIAS_AND_DARK, run_in_memory

from lsst.ts.calibscripts.sal import Controller, Remote, ScriptState
from lsst.ts.calibscripts.summit.hardware.csc import write
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.queue.script_queue import Outcome
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import Behaviour, MemoryButler, reference_calibrations

CONFIG = {**BIAS_AND_DARK, "number_verification_tests_threshold_bias": 17}


async def run(pipeline: str, exit_code: int) -> tuple[Outcome, list[str]]:
    """Run with jobs of a minute each; while what the job of a pipeline made is verified, another result of it comes.

    Return how it ended and what was certified.
    """
    made, ids = asyncio.Event(), dict[str, str]()

    def behave(job: Job) -> Behaviour:
        ids[job.name] = job.job_id
        if job.name == pipeline.replace("cp", "verify"):
            made.set()
        return Behaviour(60.0)

    async def say_later(summit: Summit, _: Remote) -> None:
        await made.wait()
        await asyncio.sleep(10.0)
        async with Controller("OCPS", 1) as ocps:
            await write(ocps.evt_job_result, job_id=ids[pipeline], exit_code=exit_code, result="{}")

    butler = MemoryButler()
    reference_calibrations(butler, "LATISS")
    outcome, _, certified = await run_in_memory(butler, behave, CONFIG, say_later)
    return outcome, certified


@pytest.mark.parametrize("exit_code", [1, 255])
async def test_nothing_that_hangs_on_a_job_that_failed_later_is_certified(exit_code: int) -> None:
    outcome, certified = await run("cpBias", exit_code)
    assert outcome.state is ScriptState.FAILED, outcome.reason
    assert certified == []
    assert "CERTIFY BIAS into LATISS/calib/daily failed and nothing of it was certified" in outcome.reason
    assert "the OCPS has reported of GENERATE BIAS (OCPS job" in outcome.reason
    assert f"exit code {exit_code}. Find out which is true" in outcome.reason


async def test_what_does_not_hang_on_it_is_certified() -> None:
    outcome, certified = await run("cpDark", 1)
    assert outcome.state is ScriptState.FAILED, outcome.reason
    assert certified == ["bias"]
    assert "CERTIFY DARK into LATISS/calib/daily failed" in outcome.reason


async def test_a_good_result_that_is_repeated_changes_nothing() -> None:
    outcome, certified = await run("cpBias", 0)
    assert outcome.state is ScriptState.DONE, outcome.reason
    assert certified == ["bias", "dark"]
