"""Jobs run by the real pipetask: how it is called, its exit codes, and how a job is ended."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.ocps.pipetask import PipetaskRunner, invocation


def job(config: str = "", pipeline: str = "$CP_PIPE_DIR/pipelines/LATISS/cpBias.yaml") -> Job:
    return Job(
        job_id="0123456789abcdef0123456789abcdef",
        instrument="LATISS",
        pipeline=pipeline,
        config=config,
        data_query="instrument='LATISS' AND detector IN (0) AND exposure IN (2026091800042)",
        number=1,
        submitted=0.0,
    )


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[PipetaskRunner]:
    with PipetaskRunner(str(tmp_path / "repo"), tmp_path / "scratch") as runner:
        yield runner


def test_the_call_is_that_of_dm_ocps() -> None:
    call = invocation(job("-j 8 -i a,b --register-dataset-types -c cpBiasIsr:doDefect=False"), "/repo/LATISS")
    chain = "u/ocps/0123456789abcdef0123456789abcdef"
    assert call.arguments == (
        *("--long-log", "run", "-b", "/repo/LATISS"),
        *("-p", "$CP_PIPE_DIR/pipelines/LATISS/cpBias.yaml"),
        *("-i", "a,b,LATISS/raw/all", "-o", chain, "--output-run", f"{chain}/run"),
        *("-d", "instrument='LATISS' AND detector IN (0) AND exposure IN (2026091800042)"),
        *("-j", "1", "--register-dataset-types", "-c", "cpBiasIsr:doDefect=False"),
    )
    assert call.notes == ("-j 8 was replaced by -j 1: quanta run one after another.",)


@pytest.mark.parametrize(
    ("config", "inputs", "others"),
    [
        ("", "LATISS/raw/all", ()),
        ("-i LATISS/raw/all,a -i b,a", "LATISS/raw/all,a,b", ()),
        ("--input=a -j 1", "a,LATISS/raw/all", ()),
        ("-c 'x:y=a b' --processes 4", "LATISS/raw/all", ("-c", "x:y=a b")),
    ],
)
def test_options_are_words(config: str, inputs: str, others: tuple[str, ...]) -> None:
    arguments = invocation(job(config), "repo").arguments
    assert arguments[arguments.index("-i") + 1] == inputs
    assert arguments[arguments.index("-j") :] == ("-j", "1", *others)


async def test_a_job_that_cannot_work_ends_with_1_and_says_why(runner: PipetaskRunner) -> None:
    assert await runner.run(job("-j 8 -i nowhere")) == 1
    log = runner.log_path(job().job_id).read_text()
    assert log.startswith("pipetask --long-log run -b ")
    assert "-j 8 was replaced by -j 1" in log
    assert "FileNotFoundError" in log


@pytest.mark.parametrize(
    ("config", "problem"),
    [("--no-such-option", "No such option"), ("-c 'not closed", "No closing quotation")],
)
async def test_wrong_usage_ends_with_2(runner: PipetaskRunner, config: str, problem: str) -> None:
    assert await runner.run(job(config)) == 2
    assert problem in runner.log_path(job().job_id).read_text()


@pytest.mark.parametrize("wait", [False, True])
async def test_a_job_that_is_cancelled_has_ended(runner: PipetaskRunner, tmp_path: Path, wait: bool) -> None:
    # Whoever opens this file waits until somebody writes to it, which nobody does.
    endless = tmp_path / "endless.yaml"
    os.mkfifo(endless)
    log = runner.log_path(job().job_id)
    task = asyncio.create_task(runner.run(job(pipeline=str(endless))))
    while wait and not (log.exists() and log.stat().st_size):  # noqa: ASYNC110 - a file has no event.
        await asyncio.sleep(0.01)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not multiprocessing.active_children()
