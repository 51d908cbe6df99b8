"""A job that failed is submitted again, and whatever is made of the run names both jobs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import SCRIPT, recorded_run

from lsst.ts.calibscripts.check import check_text
from lsst.ts.calibscripts.check.words import report
from lsst.ts.calibscripts.config.scripts import SCRIPTS
from lsst.ts.calibscripts.events.parts import StepStanding
from lsst.ts.calibscripts.events.state import RunState
from lsst.ts.calibscripts.events.summary import run_summary
from lsst.ts.calibscripts.plan import StepId
from lsst.ts.calibscripts.record import Record
from lsst.ts.calibscripts.record.replay import replay_script
from lsst.ts.calibscripts.report.account import alone, of_record
from lsst.ts.calibscripts.report.json_form import as_json
from lsst.ts.calibscripts.report.page import as_html
from lsst.ts.calibscripts.report.progress import steps_of
from lsst.ts.calibscripts.report.timeline import Kind, spans
from lsst.ts.calibscripts.sal import ScriptState

TWICE = {"script_mode": "BIAS", "generate_calibrations": True, "n_bias": 3, "job_attempts": 2}
MADE = StepId.read("GENERATE BIAS")


async def run(directory: Path) -> Record:
    record, outcome = await recorded_run(directory, TWICE, faults=["job-error"])
    assert outcome.state is ScriptState.DONE
    return record


async def test_both_jobs_are_in_record_summary_and_report(tmp_path: Path):
    record = await run(tmp_path)
    first, second = (job for job in record.jobs if job.step == MADE)
    assert (first.repeated, first.completed, first.result and first.result.exit_code) == (True, False, 1)
    assert (second.repeated, second.completed) == (False, True)
    assert None not in (first.seconds, second.seconds)
    assert record.job(MADE) is second
    assert record.state.certified.keys() == {"BIAS"}
    summary = run_summary(record.state, record.about.script, record.about.given)
    known = f"(job {second.job_id}, collection u/ocps/{second.job_id})"
    assert f"    GENERATE BIAS: done {known}, after job {first.job_id} failed\n" in summary
    listed = json.loads(as_json(alone(record)))["jobs"]
    made = [(job["job_id"], job["collection"]) for job in listed if job["step"] == str(MADE)]
    assert made == [(first.job_id, first.collection), (second.job_id, second.collection)]
    page = as_html(of_record(record))
    assert str(first.job_id) in page
    assert str(second.job_id) in page


async def test_the_time_line_has_both_jobs_one_after_the_other(tmp_path: Path):
    record = await run(tmp_path)
    jobs = [span for span in spans(record) if span.row == str(MADE)]
    assert [span.kind for span in jobs] == [Kind.FAILED, Kind.JOB]
    assert jobs[0].end <= jobs[1].begin


async def test_only_the_second_job_is_replayed(tmp_path: Path):
    record = await run(tmp_path)
    lines = replay_script(record).splitlines()
    assert "# It failed, and was submitted again:" in lines
    assert lines.count("echo '== GENERATE BIAS =='") == 1


async def test_a_live_page_says_which_attempt_it_is(tmp_path: Path):
    record = await run(tmp_path)
    _, second = (job.submitted for job in record.jobs if job.step == MADE)
    begun = record.entries[: record.entries.index(second) + 1]
    until = replace(record, entries=(), state=RunState()).with_entries(begun)
    assert until.state.standing(MADE) is StepStanding.RUNNING
    (step,) = (step for step in steps_of(until) if step.step == str(MADE))
    assert step.standing == "running, attempt 2"
    assert "running, attempt 2" in as_html(alone(until, running=True))


@pytest.mark.parametrize(("attempts", "said"), [(1, False), (3, True)])
def test_check_says_how_often_a_job_is_submitted(attempts: int, said: bool):
    text = report(check_text(SCRIPTS[SCRIPT], f"job_attempts: {attempts}"))
    assert ("at most 3 attempts for each step" in text) == said


@pytest.mark.parametrize("attempts", [0, 4, 1.5, True])
def test_no_other_number_is_accepted(attempts: object):
    found = check_text(SCRIPTS[SCRIPT], f"job_attempts: {attempts}")
    assert any("job_attempts" in problem for problem in found.problems)
