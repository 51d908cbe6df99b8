"""The messages that the manual explains and shows are those of the scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from scripts_over import OverRepository

from lsst.ts.calibscripts.auxtel import make_latiss_calibrations
from lsst.ts.calibscripts.summit.ocps.pipetask import PIPELINES
from lsst.ts.calibscripts.summit.queue.script_queue import ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import (
    Behaviour,
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    Verification,
    reference_calibrations,
)
from lsst.ts.calibscripts.verification.gains import PairGains, gain_report

DOC = Path(__file__).parents[1] / "doc"


def part(page: str, begin: str, end: str) -> str:
    """Return what stands in a page of the manual from one text to another."""
    return (DOC / f"{page}.rst").read_text().split(begin)[1].split(end)[0]


class MakeLatissCalibrations(OverRepository, make_latiss_calibrations.MakeLatissCalibrations):
    """LATISS with its repository in memory, under its own name."""


async def log_of(
    given: Mapping[str, Any], verifications: Mapping[str, Verification], faults: tuple[str, ...] = ()
) -> str:
    """Run LATISS in memory and give its checkpoints and log."""
    butler = MemoryButler()
    reference_calibrations(butler, "LATISS", (0,), ("bias", "dark", "flat"))

    make = MakeLatissCalibrations.over(MemoryRepository(butler))

    def behave(job: Any) -> Behaviour:
        return Behaviour(seconds=5.0, verification=verifications.get(job.name, Verification.PASSES))

    lines: list[str] = []
    queue = ScriptQueue(on_log=lambda line: lines.append(line.message))
    runner = MemoryRunner(butler, behave)
    with pytest.MonkeyPatch.context() as environment:
        for variable, package in (("CP_PIPE_DIR", "cp_pipe"), ("CP_VERIFY_DIR", "cp_verify")):
            environment.setenv(variable, str(PIPELINES / package))
        environment.setenv("CALIBSCRIPTS_JOB_LOGS", ".../broken-scratch/uws")
        async with Summit("memory", ["LATISS"], faults=faults, ingest=MemoryIngest(butler), runner=runner):
            outcome = await queue.run("auxtel/make_latiss_calibrations.py", yaml.safe_dump(given), make=make)
    return "\n".join([*outcome.checkpoints, *lines])


async def test_messages_of_the_manual_are_those_of_the_script() -> None:
    given = {
        "generate_calibrations": True,
        "n_bias": 3,
        "exp_times_flat": [1, 1, 2, 2, 4, 4],
        "filter": "SDSSr_65mm",
        "grating": "empty_1",
        "do_defects": True,
        "do_ptc": True,
    }
    logs = [
        await log_of(given, {}),
        await log_of(given | {"do_verify_products": False}, {}),
        await log_of(given, {"verifyBias": Verification.SOME_FAIL}),
        await log_of(given, {"verifyBias": Verification.FAILS}),
        await log_of(given, {"verifyBias": Verification.MISSING}),
        await log_of(given, {}, ("job-error",)),
        await log_of(given | {"job_attempts": 3, "n_flat_dark": 1}, {}, ("job-error",)),
    ]
    # The butler in memory has no gains to report.
    pairs = [PairGains((first, first + 1), 0, {"C00": 1.0}, {"C00": 5.0}) for first in (2, 4)]
    text = "\n".join([*logs, gain_report(pairs)])
    table = part("observing", ".. _observing-messages:", ".. _observing-verification:")
    messages = [
        re.sub(r"\n\s+", " ", found) for found in re.findall(r"^   \* - ``([^`]+)``", table, re.MULTILINE)
    ]
    assert len(messages) == 20
    for message in messages:
        pattern = re.sub(r"<[^>]+>", ".+", re.escape(message).replace(r"\ ", " "))
        assert re.search(pattern, text), message


async def test_summary_of_the_tutorial_is_that_of_the_script() -> None:
    # Lines are wrapped there, and jobs have other names each time.
    shown = " ".join(part("tutorial", "--fault job-error", "A verification that fails").split())
    shown, log = (
        re.sub(r"\b[0-9a-f]{32}\b", "<id>", text)
        for text in (shown, await log_of({"generate_calibrations": True}, {}, ("job-error",)))
    )
    for sentence in (
        "VERIFY BIAS is cancelled, since something it needs has failed.",
        "GENERATE BIAS: the job failed with exit code 1 (OCPS job <id>; its log: "
        ".../broken-scratch/uws/<id>/outs/ocps.log).",
        "Fix the failures listed above, then queue the script or its BLOCK again.",
        "To resume with these images, queue the script with the configuration below. With this configuration",
    ):
        assert sentence in shown
        assert sentence in log
