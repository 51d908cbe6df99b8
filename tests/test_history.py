"""Runs beside each other: what is kept of them, what is usual, and what left its usual range."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from recorded import Rehearsed, about, recorded_run, rehearsed_once

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.events.events import Ended, RunOutcome, Verdicted
from lsst.ts.calibscripts.record import Record, open_record, read_record
from lsst.ts.calibscripts.record.index import INDEX
from lsst.ts.calibscripts.record.records import Header
from lsst.ts.calibscripts.report.account import of_record
from lsst.ts.calibscripts.report.formats import departure_lines
from lsst.ts.calibscripts.report.runs.history import history, history_table
from lsst.ts.calibscripts.report.runs.measuring import measure
from lsst.ts.calibscripts.report.runs.past import earlier, recall, remember, with_history
from lsst.ts.calibscripts.report.runs.rows import Median, Results, row_of
from lsst.ts.calibscripts.report.trends import ENOUGH, LATEST, Measured, Past, compare
from lsst.ts.calibscripts.testing.memory import Verification

AMPLIFIERS = tuple(f"RXX_S00 C{number:02}" for number in range(8))


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    return rehearsed_once(tmp_path_factory.getbasetemp())


def gains(value: float, **others: float) -> Measured:
    """Gains of 8 amplifiers that scatter a little around a value."""
    values = {name: value + 0.001 * number for number, name in enumerate(AMPLIFIERS)}
    return Measured("gain", "photon transfer curve", values | {f"RXX_S00 {k}": v for k, v in others.items()})


def past(*values: float) -> list[Past]:
    return [Past(f"run {n}", f"2026-09-{n + 1:02}T12:00:00", (gains(v),)) for n, v in enumerate(values)]


USUAL = (1.100, 1.101, 1.099, 1.102, 1.098, 1.100)


def test_what_stays_in_its_usual_range_is_not_reported():
    (trend,) = compare("2026-09-20T12:00:00", [gains(1.101)], past(*USUAL))
    assert trend.known
    assert trend.departures == ()
    assert [value for _, value in trend.points] == pytest.approx([v + 0.0035 for v in (*USUAL, 1.101)])
    assert trend.points[-1][0] == "2026-09-20T12:00:00"
    assert (trend.title, trend.unit) == ("gain, photon transfer curve", "electron/ADU")


def test_one_amplifier_that_left_its_usual_range_is_named():
    (trend,) = compare("now", [gains(1.100, C03=1.180, C05=1.000)], past(*USUAL))
    assert [departure.part for departure in trend.departures] == ["RXX_S00 C05", "RXX_S00 C03"]
    worst = trend.departures[0]
    assert worst.low < 1.105 < worst.high
    assert worst.value == 1.000
    (told,) = departure_lines([trend], most=1)
    assert told.startswith("gain, photon transfer curve [electron/ADU]: RXX_S00 C05 1 (usually ")
    assert told.endswith(" and 1 more")


def test_small_steps_of_few_runs_are_no_departure():
    # All earlier values agree exactly, so their scatter says nothing.
    (trend,) = compare("now", [gains(1.100 * 1.015)], past(*[1.1] * ENOUGH))
    assert trend.known
    assert trend.departures == ()
    (trend,) = compare("now", [gains(1.100 * 1.03)], past(*[1.1] * ENOUGH))
    assert len(trend.departures) == 8


def test_one_bad_run_before_does_not_widen_the_usual_range():
    (trend,) = compare("now", [gains(1.2)], past(*USUAL, 2.0))
    assert len(trend.departures) == 8


def test_too_few_earlier_runs_tell_nothing():
    (trend,) = compare("now", [gains(5.0)], past(*USUAL[: ENOUGH - 1]))
    assert not trend.known
    assert trend.departures == ()
    assert len(trend.points) == ENOUGH


def test_only_what_was_measured_alike_is_compared():
    other = [
        replace(run, measured=(replace(run.measured[0], condition="flat pairs"),)) for run in past(*USUAL)
    ]
    (trend,) = compare("now", [gains(5.0)], other)
    assert (trend.known, trend.points) == (False, (("now", pytest.approx(5.0035)),))


def alike(now: Measured, other: Measured) -> bool:
    """Are five runs like the other compared with this one?"""
    earlier_ = [Past(f"run {n}", f"2026-09-{n + 1:02}T12:00:00", (other,)) for n in range(ENOUGH)]
    return compare("now", [now], earlier_)[0].known


@given(
    st.sampled_from(["r, 5 s", "empty, 5 s", "r, 1, 2 s"]),
    st.sampled_from(["r, 5 s", "empty, 5 s", "r, 1, 2 s"]),
    st.floats(100, 1e5),
    st.floats(100, 1e5),
)
def test_gains_are_compared_in_one_filter_at_one_level(now: str, before: str, level: float, other: float):
    a, b = (replace(gains(1.1), condition=c, level=v) for c, v in ((now, level), (before, other)))
    assert alike(a, b) == (now == before and abs(level - other) <= 0.1 * max(level, other))
    assert alike(a, b) == alike(b, a)
    assert not alike(a, replace(a, level=None))


def test_a_healthy_white_set_is_not_flagged_and_a_low_amplifier_in_r_is():
    white = [replace(gains(1.06), condition="flat pairs, empty~empty, 1 s", level=60_000.0)]
    red = [replace(gains(1.10), condition="flat pairs, SDSSr_65mm~empty, 6 s", level=30_000.0)]
    before = [Past(f"run {n}", f"2026-09-{n + 1:02}T12:00:00", (*white, *red)) for n in range(ENOUGH)]
    (trend,) = compare("now", white, before)
    assert (trend.known, trend.departures) == (True, ())
    low = [replace(red[0], values={**red[0].values, "RXX_S00 C03": 1.10 * 0.965})]
    (trend,) = compare("now", low, before)
    assert [departure.part for departure in trend.departures] == ["RXX_S00 C03"]


def test_a_new_amplifier_has_no_usual_range():
    (trend,) = compare("now", [Measured("gain", "photon transfer curve", {"RXX_S00 C77": 9.0})], past(*USUAL))
    assert trend.departures == ()


# What is kept.


def recorded(directory: Path, *events: Verdicted, ended: str = "DONE", day: int = 1) -> Record:
    """Record a run of that day of September."""
    recorder = open_record(about(), warn=pytest.fail, directory=directory)
    for event in events:
        recorder(event)
    recorder(Ended(RunOutcome(ended)))
    recorder.close()
    name = re.sub(r"_\d+T\d+_", f"_202609{day:02}T120000_", recorder.path.name)
    text = re.sub(r'"tai": ?"[^"]*"', f'"tai": "2026-09-{day:02}T12:00:00"', recorder.path.read_text())
    recorder.path.unlink()
    (directory / name).write_text(text)
    return read_record(directory / name)


def test_what_a_run_measured_is_kept_beside_its_record(tmp_path: Path):
    record = recorded(tmp_path)
    assert recall(record.path) is None
    remember(record, [gains(1.1)])
    remember(record, [Measured("dark current", "", {"RXX_S00": 0.04})])
    assert {trend.quantity for trend in remember(record, [gains(1.2)])} == {"gain", "dark current"}
    kept = recall(record.path)
    assert kept is not None
    assert kept.name == record.name
    assert {m.quantity: m for m in kept.measured} == {
        "gain": gains(1.2),
        "dark current": Measured("dark current", "", {"RXX_S00": 0.04}),
    }
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".jsonl"]


@pytest.mark.parametrize("content", ["", "nonsense", "[1]", '{"name":"x"}'])
def test_what_is_kept_and_damaged_is_nothing(tmp_path: Path, content: str):
    record = recorded(tmp_path)
    remember(record, [gains(1.1)])
    (tmp_path / f"{record.name}.measured.json").write_text(content)
    assert recall(record.path) is None
    remember(record, [gains(1.1)])
    assert recall(record.path) is not None


def test_a_place_that_cannot_be_written_to_is_no_error(tmp_path: Path):
    record = recorded(tmp_path)
    gone = replace(record, path=tmp_path / "gone" / record.path.name)
    assert [trend.quantity for trend in remember(gone, [gains(1.1)])] == ["gain"]


def test_earlier_runs_are_those_of_the_same_place_and_camera(tmp_path: Path):
    records = [recorded(tmp_path, day=number + 1) for number in range(3)]
    for number, record in enumerate(records):
        remember(record, [gains(1.0 + number)])
    other = tmp_path / "LSSTCam_20200101T000000_x.jsonl"
    other.write_text(records[0].path.read_text())
    remember(replace(records[0], path=other), [gains(7.0)])
    assert [run.measured for run in earlier(records[2])] == [(gains(1.0),), (gains(2.0),)]
    assert earlier(records[0]) == ()


# From the butler.


def test_a_report_measures_compares_and_keeps(rehearsed: Rehearsed, tmp_path: Path):
    path = tmp_path / rehearsed.record.path.name
    path.write_text(rehearsed.record.path.read_text())
    account = with_history(of_record(read_record(path)))
    titles = {trend.title for trend in account.trends}
    assert titles == {
        "read noise, against own bias of 3 frames",
        "residual of darks, against own dark of 3 frames, 30 s",
        "dark current, 30 s",
        "gain, photon transfer curve, SDSSr_65mm~empty, 1, 3, 5 s",
        "flat level, SDSSr_65mm~empty, 1, 3, 5 s",
        "defects, SDSSr_65mm~empty",
    }
    assert not any(trend.known for trend in account.trends)
    kept = recall(path)
    assert kept is not None
    assert kept.measured == measure(account.evidence)
    # Without images there is no dark current, but it is still known from before.
    again = with_history(of_record(read_record(path), images=()))
    assert {trend.title for trend in again.trends} == titles


def test_an_account_without_a_record_has_no_history(rehearsed: Rehearsed):
    account = replace(of_record(rehearsed.record, images=()), record=None)
    assert with_history(account) is account


def test_history_measures_what_was_never_measured(rehearsed: Rehearsed, tmp_path: Path):
    path = tmp_path / rehearsed.record.path.name
    path.write_text(rehearsed.record.path.read_text())
    (unmeasured,) = history(tmp_path, "LATISS", measuring=False)
    assert unmeasured.results.medians is None
    (run,) = history(tmp_path, "LATISS")
    medians = {median.quantity: median.value for median in run.results.medians or ()}
    # Three frames verified against their own mean are low by a fifth.
    assert medians["read noise"] == pytest.approx(7.0 * math.sqrt(2 / 3), rel=0.1)
    assert medians["gain"] == pytest.approx(1.1, rel=0.05)
    assert recall(path) is not None


async def test_a_run_whose_repository_is_gone_is_listed_all_the_same(tmp_path: Path):
    await recorded_run(
        tmp_path,
        {"n_bias": 3, "script_mode": "BIAS", "repo": "/no/such/repo"},
        verifications={"verifyBias": Verification.FAILS},
    )
    (tmp_path / "LATISS_20260101T000000_x.jsonl").write_text("no record\n")
    (run,) = history(tmp_path, "LATISS")
    assert (run.outcome, run.results.medians) == ("FAILED", ())
    assert "FAILED" in history_table([run])


# The table.


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["history", *arguments])


def test_the_table_has_a_row_for_each_run_and_marks_departures(tmp_path: Path):
    values = [*USUAL, 1.3]
    for day, value in enumerate(values, 1):
        verdict = Verdicted("BIAS", value < 1.2, "u/ocps/1", "headline", 20, 0 if value < 1.2 else 20, 11)
        ended = "DONE" if value < 1.2 else "FAILED"
        remember(recorded(tmp_path, verdict, ended=ended, day=day), [gains(value)])
    told = command("LATISS", "--records", str(tmp_path), "--no-measure")
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    assert lines[0] == f"Records of LATISS in {tmp_path}"
    rows = [line for line in lines if line[:2] == "20"]
    assert len(rows) == len(values)
    (bad,) = [row for row in rows if "FAILED" in row.split()]
    assert re.search(r"FAILED +as it was +BIAS +FAILED, 20 of 20 exposures failed$", bad)
    assert re.search(r"DONE +as it was +BIAS +passed, 0 of 20 exposures failed$", rows[0])
    medians = [float(line.split()[2]) for line in lines if line[:6] == "    20"]
    assert medians == pytest.approx([value + 0.0035 for value in values], abs=1e-3)


@given(st.sets(st.sampled_from([f"filter_{n}" for n in range(20)]), min_size=2))
def test_the_table_is_not_wider_for_more_filters(filters: set[str]):
    run = row_of(Record(Path("x.jsonl"), Header(about()), datetime(2026, 9, 18, 12), 0.0))
    medians = tuple(Median("flat level", f"{name}, 5 s", "electron/s", 1.0) for name in sorted(filters))
    one, all_ = (
        history_table([replace(run, results=Results(medians=found))]) for found in (medians[:1], medians)
    )
    assert max(map(len, all_.splitlines())) <= max(80, *map(len, one.splitlines()))
    assert all(name in all_ for name in filters)


def test_the_last_run_tells_what_left_its_usual_range(tmp_path: Path):
    for day, value in enumerate((*USUAL, 1.3), 1):
        remember(recorded(tmp_path, day=day), [gains(value)])
    told = command("LATISS", "--records", str(tmp_path), "--no-measure")
    rows = [line for line in told.output.splitlines() if line[:6] == "    20"]
    assert [row.endswith("!") for row in rows] == [False] * len(USUAL) + [True]
    assert "Outside the usual range in the last run:\n    gain, photon transfer curve" in told.output


def test_of_thousands_of_runs_only_what_is_new_is_read(tmp_path: Path):
    record = recorded(tmp_path, Verdicted("BIAS", True, "u/ocps/1", "headline", 20, 0, 11))
    remember(record, [gains(1.1)])
    texts = {path: path.read_text() for path in tmp_path.iterdir() if path.name != INDEX}
    for number in range(LATEST + 100):
        for path, text in texts.items():
            ending = path.name.partition(".")[2]
            (tmp_path / f"LATISS_20200101T{number:06}_x.{ending}").write_text(text)
    first = history(tmp_path, "LATISS")
    assert len(first) == LATEST + 101
    # Whatever stands in files that have not changed, neither a record nor what was measured is read again.
    for path in tmp_path.glob("LATISS_2020*"):
        unchanged = path.stat()
        path.write_bytes(b"x" * unchanged.st_size)
        os.utime(path, ns=(unchanged.st_atime_ns, unchanged.st_mtime_ns))
    assert history(tmp_path, "LATISS") == first
    remember(record, [gains(1.2)])
    *before, last = history(tmp_path, "LATISS")
    assert before == [*first[:-1]]
    assert [median.value for median in last.results.medians or ()] == [pytest.approx(1.2035)]


def test_a_run_is_compared_with_the_latest_before_it(tmp_path: Path):
    record = recorded(tmp_path)
    for number in range(LATEST + 1):
        name = f"LATISS_20200101T{number:06}_x"
        (tmp_path / f"{name}.jsonl").touch()
        past = Past(name, f"2020-01-01T00:00:00.{number:06}", (gains(1.1),))
        (tmp_path / f"{name}.measured.json").write_text(json.dumps(asdict(past)))
    found = earlier(record)
    assert (len(found), found[0].name) == (LATEST, "LATISS_20200101T000001_x")


def test_a_place_without_records_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(tmp_path))
    told = command("LSSTCam")
    assert told.output == f"Records of LSSTCam in {tmp_path}\nNo run is recorded there.\n"


def test_kept_files_are_json_that_others_can_read(tmp_path: Path):
    record = recorded(tmp_path)
    remember(record, [gains(1.1)])
    content = json.loads((tmp_path / f"{record.name}.measured.json").read_text())
    assert content["measured"][0]["quantity"] == "gain"
    assert content["measured"][0]["values"]["RXX_S00 C00"] == 1.1
