"""What came of a night, on the page and in the terminal."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from web_support import CERTIFY, DONE, FAILED, GENERATED, PLANNED, TAKEN, record, serving, verdict

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.decisions import NO_DECISIONS, ProductSubject, Verb, decide, read_decisions
from lsst.ts.calibscripts.events.events import Doubtful, Ended, Event, RunOutcome, StepEnded, StepOutcome
from lsst.ts.calibscripts.ground.tai import observing_day, tai_now
from lsst.ts.calibscripts.record import read_record
from lsst.ts.calibscripts.report.runs.rows import row_of
from lsst.ts.calibscripts.web.nights import nights_of


def test_a_night_is_complete_when_every_product_was_made_once(tmp_path: Path):
    failed, done = (row_of(read_record(record(tmp_path, events))) for events in (FAILED, DONE))
    (night,) = nights_of([done, failed], NO_DECISIONS, tai_now())
    assert (night.verdict, night.style, night.missing) == ("complete", "good", ())
    assert {name for name, _, _ in night.runs} == {failed.name, done.name}
    (night,) = nights_of([failed], NO_DECISIONS, tai_now())
    assert (night.verdict, night.style, night.missing) == (
        "incomplete",
        "bad",
        ("BIAS: verification failed",),
    )


@pytest.mark.parametrize(
    "after",
    [
        (StepEnded(CERTIFY, StepOutcome.FAILED, "locked"), Ended(RunOutcome.FAILED)),
        (StepEnded(CERTIFY, StepOutcome.CANCELLED), Ended(RunOutcome.STOPPED)),
        (Doubtful("BIAS", "LATISS/calib/daily/t"), Ended(RunOutcome.STOPPED)),
        (Ended(RunOutcome.FAILED),),
    ],
)
def test_a_night_is_incomplete_where_what_has_passed_was_not_certified(
    tmp_path: Path, after: tuple[Event, ...]
) -> None:
    events = (*PLANNED, *TAKEN, *GENERATED, *verdict(True), *after)
    (night,) = nights_of([row_of(read_record(record(tmp_path, events)))], NO_DECISIONS, tai_now())
    assert (night.verdict, night.missing) == ("incomplete", ("BIAS: verification passed, not certified",))


def test_a_night_goes_on_while_a_run_does(tmp_path: Path):
    going = row_of(read_record(record(tmp_path, (*PLANNED, *TAKEN))))
    (night,) = nights_of([going], NO_DECISIONS, tai_now())
    assert (night.verdict, night.style) == ("under way", "next")


def test_a_decision_changes_the_verdict(tmp_path: Path):
    path = record(tmp_path, DONE)
    rows = [row_of(read_record(path))]
    decide(tmp_path, "ada", "a gradient", Verb.REJECT, ProductSubject(path.stem, "BIAS"))
    (night,) = nights_of(rows, read_decisions([tmp_path]), tai_now())
    assert night.missing == ("BIAS: certified, rejected",)
    assert "rejected by ada" in night.signed[0]


def test_a_night_is_printed(tmp_path: Path):
    record(tmp_path, FAILED, "LSSTComCam")
    record(tmp_path, DONE)
    runner, day = CliRunner(), observing_day(tai_now())
    text = runner.invoke(main, ["night", "--records", str(tmp_path)])
    assert text.exit_code == 1
    assert f"LATISS {day}: complete\n" in text.output
    assert f"LSSTComCam {day}: incomplete\n" in text.output
    markdown = runner.invoke(main, ["night", str(day), "--records", str(tmp_path), "--format", "markdown"])
    assert f"### LATISS {day}: complete\n" in markdown.output
    assert "* BIAS: verification failed" in markdown.output
    none = runner.invoke(main, ["night", "20200101", "--records", str(tmp_path)])
    assert (none.exit_code, none.output) == (1, f"Error: No run of 20200101 is recorded in {tmp_path}.\n")


def test_nights_have_pages(tmp_path: Path):
    path, day = record(tmp_path, DONE), observing_day(tai_now())
    with serving(tmp_path) as client:
        for page in ("/nights", f"/nights/{day}"):
            text = client.get(page).text
            assert "complete" in text
            assert f'href="/runs/{path.stem}"' in text
        for page in ("/nights/20200101", "/nights/x", "/nights/" + "9" * 5000):
            assert client.get(page).status == 404
