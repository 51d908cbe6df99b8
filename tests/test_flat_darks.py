"""Darks of the flats' exposure times: taken after the flats, named everywhere, and in no job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from recorded import SCRIPT, recorded_run

from lsst.ts.calibscripts.check import check_text
from lsst.ts.calibscripts.check.data import as_data
from lsst.ts.calibscripts.check.words import report
from lsst.ts.calibscripts.config.scripts import SCRIPTS
from lsst.ts.calibscripts.events.events import ExposureTaken
from lsst.ts.calibscripts.events.summary import run_summary
from lsst.ts.calibscripts.ground.text import exposure_range
from lsst.ts.calibscripts.record import Record
from lsst.ts.calibscripts.report.account import of_record
from lsst.ts.calibscripts.report.page import as_html
from lsst.ts.calibscripts.report.timeline import spans
from lsst.ts.calibscripts.sal import ScriptState

GIVEN: Mapping[str, Any] = {
    "generate_calibrations": True,
    "n_bias": 3,
    "n_dark": 3,
    "exp_times_dark": 30,
    "exp_times_flat": [1, 4, 4, 1],
    "do_gain_from_flat_pairs": False,
    "n_flat_dark": 2,
}


def summary_of(record: Record) -> str:
    return run_summary(record.state, record.about.script, record.about.given)


async def test_they_are_taken_after_the_flats_and_read_by_no_job(tmp_path: Path):
    record, outcome = await recorded_run(tmp_path, GIVEN)
    assert outcome.state is ScriptState.DONE
    state = record.state
    darks = state.flat_darks
    assert [state.times[exposure] for exposure in darks] == [1, 1, 4, 4]
    assert min(darks) > max(exposure for images in state.sets.values() for exposure in images.taken)
    assert state.certified.keys() == {"BIAS", "DARK", "FLAT"}
    assert not any(str(exposure) in job.request.data_query for job in record.jobs for exposure in darks)
    assert "DONE: 17 images taken" in summary_of(record)
    assert f"    flat-darks: 4: {exposure_range(darks)}; read by no job\n" in summary_of(record)
    assert f"Images taken: flat-darks {exposure_range(darks)}" in outcome.checkpoints
    rows = [span.row for span in spans(record) if span.row.startswith("TAKE")]
    assert rows[-4:] == ["TAKE FLAT-DARK"] * 4
    page = as_html(of_record(record))
    assert "FLAT-DARK" in page
    assert "read by no job" in page


async def test_they_have_the_times_that_flats_to_a_level_were_taken_with(tmp_path: Path):
    record, outcome = await recorded_run(
        tmp_path,
        dict(GIVEN) | {"exp_times_flat": 1, "n_flat": 3, "flat_counts_target": 20_000, "n_flat_dark": 1},
    )
    assert outcome.state is ScriptState.DONE
    flats = {event.exposure_time for event in record.events(ExposureTaken) if event.image_type == "FLAT"}
    (dark,) = record.state.flat_darks
    assert {record.state.times[dark]} == {max(flats)}
    assert max(flats) != 1


async def test_one_that_is_not_taken_is_a_failure_and_the_sets_go_on(tmp_path: Path):
    # The darks are three and one to be discarded.
    record, outcome = await recorded_run(tmp_path, GIVEN, faults=["exposure-rejected:of=DARK,at=6"])
    assert outcome.state is ScriptState.FAILED
    assert "flat-dark exposure 2 of 4 was not taken" in outcome.reason
    assert len(record.state.flat_darks) == 1
    assert record.state.certified.keys() == {"BIAS", "DARK", "FLAT"}


async def test_without_flats_none_is_taken(tmp_path: Path):
    record, outcome = await recorded_run(tmp_path, GIVEN, faults=["image-missing:of=BIAS,count=9"])
    assert outcome.state is ScriptState.FAILED
    assert not record.state.flat_darks
    assert any(text.startswith("Skipping the flat-darks: ") for text in record.state.warnings)


def test_check_names_them_with_their_times() -> None:
    text = "{exp_times_flat: [1, 4, 4, 1], n_discard_flat: 0, n_flat_dark: 3}"
    checked = check_text(SCRIPTS[SCRIPT], text)
    without = check_text(SCRIPTS[SCRIPT], text.replace(", n_flat_dark: 3", ""))
    assert "after the flats 6 darks: 3 x 1 s, 3 x 4 s, which no job reads" in report(checked)
    plan, fewer = as_data(checked)["plan"], as_data(without)["plan"]
    assert plan["flat_darks"] == [1, 1, 1, 4, 4, 4]
    assert fewer["flat_darks"] == []
    # Each with two seconds to read it out.
    assert plan["camera_seconds"] - fewer["camera_seconds"] == pytest.approx(3 * 3 + 3 * 6)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{script_mode: BIAS_DARK, n_flat_dark: 2}", "script_mode is BIAS_DARK"),
        (
            "{script_mode: FLAT, exposures: {FLAT: [2026091800002..2026091800005]}, n_flat_dark: 2}",
            "lists flats",
        ),
    ],
)
def test_where_no_flats_are_taken_it_has_no_effect(text: str, reason: str) -> None:
    warnings = check_text(SCRIPTS[SCRIPT], text).warnings
    assert any("n_flat_dark" in each and "no effect" in each and reason in each for each in warnings), (
        warnings
    )
