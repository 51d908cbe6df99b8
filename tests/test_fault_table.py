"""Every fault, and what becomes of the run: the table in doc/failures.rst is made by these runs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from fault_table_page import PAGE, page
from fault_table_play import play
from fault_table_rows import ROWS, UNDISTURBED
from fault_table_support import Case, of_readers
from observatory_support import ON_OBSERVATORY

from lsst.ts.calibscripts.events.events import Certified, Planned, Verdicted, Warned
from lsst.ts.calibscripts.events.folding import state_of
from lsst.ts.calibscripts.events.parts import StepStanding
from lsst.ts.calibscripts.events.resume import TO_RESUME, resumption, to_resume
from lsst.ts.calibscripts.events.summary import run_summary
from lsst.ts.calibscripts.ground.text import counted, for_log
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.faults.fault import Target
from lsst.ts.calibscripts.summit.faults.faults import FAULTS

TIMED = frozenset({"lamp-warming"})
"""Faults that last as long as a few exposures: on a broker they may be over before the first one."""


def one_of_each(rows: Sequence[Case]) -> set[Case]:
    """Return the first row of each section that is in memory, and of each fault that shows in what goes over SAL."""
    kinds: dict[str, Case] = {}
    for case in rows:
        if not case.on_repository:
            names = (text.partition(":")[0] for text in case.faults)
            ours = (n for n in names if FAULTS[n].target is not Target.DETECTOR and n not in TIMED)
            for kind in (case.event, *ours):
                kinds.setdefault(kind, case)
    return {*kinds.values()}


_ON_BOTH = one_of_each(ROWS)
PARAMETERS = [
    pytest.param(case, id=case.id, marks=[pytest.mark.observatory] if case in _ON_BOTH else [])
    for case in ROWS
]
"""All rows; those that are played on the observatory's middleware as well are marked."""


def hold_one_after_another(words: tuple[str, ...], text: str) -> bool:
    return re.search(".*".join(map(re.escape, words)), text, re.DOTALL) is not None


def test_every_fault_is_in_the_table() -> None:
    played = {text.partition(":")[0] for case in ROWS for text in case.faults}
    assert played == {*FAULTS}


@pytest.mark.observatory
def test_an_undisturbed_run_makes_everything() -> None:
    test_run_ends_as_decided(UNDISTURBED)


def _under_way(case: Case) -> tuple[int, ...]:
    """Return how many exposures may be begun while a stop is on its way; the script does not wait for their end."""
    return (0, 1) if ON_OBSERVATORY and case.state is ScriptState.STOPPED else (0,)


@pytest.mark.parametrize("case", PARAMETERS)
def test_run_ends_as_decided(case: Case) -> None:
    run = play(case)
    text = "\n".join([*run.reason, *run.warnings])
    story = "\n".join(f"{line.level_name:8} {line.message}" for line in run.log)
    assert run.outcome.state is case.state, story
    assert hold_one_after_another(case.says, text), text
    assert {*run.certified} == {*case.certified}, story
    assert run.aborted == case.aborted, story
    assert case.images is None or run.images - case.images in _under_way(case), story


@pytest.mark.parametrize("case", PARAMETERS)
def test_run_leaves_nothing_behind(case: Case) -> None:
    run = play(case)
    assert not run.leaked
    # A job that the OCPS refused to abort is said to run on, perhaps.
    assert not run.running or any("refused" in job for job in run.aborted)
    assert {e.product for e in run.events if isinstance(e, Certified)} == {*run.certified}
    assert run.while_in <= {ScriptState.RUNNING}


@pytest.mark.parametrize("case", PARAMETERS)
def test_run_is_summarised(case: Case) -> None:
    run = play(case)
    headline, *_ = run.summary.splitlines()
    known = [run.images - case.images_unknown - number for number in _under_way(case)]
    assert any(f" ends {case.state.name}: {number} image" in headline for number in known)
    listed = run.summary.partition("\nCertified:\n")[2].partition("\nNOT certified:")[0]
    assert {*re.findall(r"^    (\w+) in ", listed, re.MULTILINE)} == {*run.certified}
    assert (case.state is ScriptState.FAILED) == (" 0 failures" not in headline)
    if case.state is ScriptState.FAILED:
        failures = run.summary.partition("\nFailures:\n")[2]
        assert hold_one_after_another(tuple(w for w in case.says if w != "No image was taken"), failures)


@pytest.mark.parametrize("case", PARAMETERS)
def test_everything_is_counted_as_what_it_is(case: Case) -> None:
    """A line at WARNING is a warning of the summary, and the outcomes of the steps are those of the plan."""
    run = play(case)
    kept = [event.message for event in run.events if isinstance(event, Warned)]
    # The report of a verification that passed with failed tests is longer than its warning.
    in_full = "passed the overall verification"
    logged = [
        line.message for line in run.log if line.level_name == "WARNING" and in_full not in line.message
    ]
    ours = [message for message in logged if not of_readers(message)]
    assert {*ours} <= {*kept}, {*ours} - {*kept}
    headline, *_ = run.summary.splitlines()
    assert headline.endswith(f" {counted(len(kept), 'warning')}.")
    if case.state is not ScriptState.STOPPED or not case.stop:
        # A script that stops at a checkpoint is STOPPING by then, and passes no other.
        assert headline.endswith(f" ends {run.outcome.checkpoints[-1]}.")
    (planned,) = (event.steps for event in run.events if isinstance(event, Planned))
    state = state_of(run.events)
    assert [*state.steps] == [*planned]
    ended = [*state.standings.values()]
    assert StepStanding.RUNNING not in ended
    for ending in (StepStanding.ABORTED, StepStanding.CANCELLED, StepStanding.NOT_STARTED):
        number = ended.count(ending)
        assert (f" {counted(number, 'step')} {ending}," in headline) == bool(number)
    steps = run.summary.partition("Steps:\n")[2].partition("\nCertified:")[0]
    assert [line.split(": ")[1].split()[0] for line in steps.splitlines()] == [e.split()[0] for e in ended]


@pytest.mark.parametrize("case", PARAMETERS)
def test_a_report_judges_as_the_script_has(case: Case) -> None:
    run = play(case)
    for said in (event for event in run.events if isinstance(event, Verdicted)):
        if said.product not in run.judged:
            # Its job did not come to its end, or left no RUN.
            assert not said.passed
            continue
        verdict = run.judged[said.product]
        assert (verdict.passed, verdict.judged) == (said.passed, said.judged), verdict.reason
        assert len(verdict.exposures) == said.exposures
        assert len(verdict.failed_exposures) == said.failed_exposures
        assert verdict.thresholds.exposures == said.limit


@pytest.mark.parametrize("case", PARAMETERS)
def test_log_and_record_report_one_run(case: Case) -> None:
    """The record is read into the state that the script had; so summary and configuration to resume are those."""
    run = play(case)
    if not run.summary:
        return
    record = run.record
    assert record is not None
    assert record.state == state_of(run.events)
    about = record.about
    summary = run_summary(record.state, about.script, about.given)
    assert run.summary == for_log(summary, where="the record of this run")
    offered = to_resume(record.state, about.given)
    assert (TO_RESUME in run.summary) == (offered is not None)
    if offered is not None:
        assert offered == resumption(record.state, about.given)
        assert summary.endswith(f":\n{offered.text}")


def test_page_shows_what_happens() -> None:
    """Where it does not: ``python tests/fault_table_page.py``, and look at what has changed."""
    assert PAGE.read_text() == page()
