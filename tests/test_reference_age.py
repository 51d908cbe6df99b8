"""Each reference that a run uses is named with its RUN, validity and age; one that is old is a WARNING."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from fault_table_stages import EVENING
from scripts_over import LatissInMemory

from lsst.ts.calibscripts.events.references import ReferenceFound, references_line
from lsst.ts.calibscripts.ground.time_range import ALWAYS, TimeRange
from lsst.ts.calibscripts.preflight.references import Reference
from lsst.ts.calibscripts.record import find_records, read_record
from lsst.ts.calibscripts.record.replay import replay_script
from lsst.ts.calibscripts.report.account import alone
from lsst.ts.calibscripts.report.json_form import as_json
from lsst.ts.calibscripts.report.references import reference_sentence, reference_table
from lsst.ts.calibscripts.repository import Source
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import (
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    reference_calibrations,
)

NOW = datetime(2026, 11, 26, 12)
YEAR = TimeRange(datetime(2026, 1, 1), datetime(2027, 1, 1))


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(tmp_path))


async def log_of(days: float, **config: object) -> list[LogLine]:
    """Verify three biases with references of that age."""
    written = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)
    butler, log = MemoryButler(written=written), []
    reference_calibrations(butler, "LATISS", (0,))

    make = LatissInMemory.over(MemoryRepository(butler))

    given = {"script_mode": "BIAS", "n_bias": 3, "repo": "/repo/LATISS", **config}
    ingest, runner = MemoryIngest(butler), MemoryRunner(butler)
    async with Summit("memory", ["LATISS"], start=EVENING, ingest=ingest, runner=runner):
        outcome = await ScriptQueue(log.append).run(
            "auxtel/make_latiss_calibrations.py", yaml.safe_dump(given), make=make
        )
    assert outcome.state is ScriptState.DONE, outcome.reason
    return log


@pytest.mark.parametrize(
    ("days", "config", "is_old"),
    [
        (400.5, {}, False),
        (401.5, {}, True),
        (401.5, {"reference_age_max": None}, False),
        (31.5, {"reference_age_max": 30}, True),
        (800, {"reference_age_max": 1000}, False),
    ],
)
async def test_old_references_are_a_warning_before_the_first_image(
    days: float, config: dict[str, object], is_old: bool, tmp_path: Path
) -> None:
    log = await log_of(days, **config)
    warnings = [line.message for line in log if line.level_name == "WARNING"]
    old = [text for text in warnings if "bias that jobs of this run will use is old" in text]
    assert len(old) == is_old
    assert all(f"was written {int(days)} days ago" in text for text in old)
    (record,) = find_records(tmp_path)
    lines = record.read_text().splitlines()
    before = [*itertools.takewhile(lambda line: '"ExposureTaken"' not in line, lines)]
    assert 0 < len(before) < len(lines)
    assert sum("bias that jobs of this run will use is old" in line for line in before) == is_old
    (named,) = (line.message for line in log if line.message.startswith("Reference bias"))
    assert named.endswith(f"({int(days)} days ago)")
    kept = read_record(record)
    (bias,) = kept.state.references
    assert (bias.old, f"Reference {bias.text}") == (is_old, named)
    assert f"# Reference then: {bias.text}\n" in replay_script(kept)
    ((cells, marked),) = reference_table(kept).rows
    assert (cells[3], cells[-1].endswith(f"{int(days)}"), marked) == (bias.run, True, is_old)
    assert json.loads(as_json(alone(kept)))["references"][0]["age"] == int(days)
    (summary,) = (line.message for line in log if " ends DONE: " in line.message)
    assert f"References:\n    {reference_sentence(kept)[:-1]}\nSteps:" in summary


def test_what_a_run_reads_is_said_in_one_line() -> None:
    bias, dark = ReferenceFound("bias", "a", age=3, age_max=400), ReferenceFound("dark", "b", age_max=400)
    old = replace(dark, age=412)
    assert references_line([bias]) == "bias, written 3 days before the run"
    assert references_line([dark]) == "dark; when they were written is unknown"
    assert references_line([replace(bias, age=0), dark]) == "bias and dark, written on the day of the run"
    assert references_line([bias, replace(bias, run="c"), old]) == (
        "bias and dark, written 3 to 412 days before the run; older than 400 days: dark (412 days)"
    )


def test_a_reference_is_named_with_run_validity_and_age() -> None:
    sources = (
        Source("u/ocps/1/run", frozenset({0, 1}), YEAR, NOW - timedelta(days=3, hours=1)),
        Source("old/run", frozenset({2}), ALWAYS, None),
    )
    found = Reference("flat", "r_03", ("calib",), (0, 1, 2), (), sources=sources)
    assert [told.text for told in found.events(NOW, None)] == [
        "flat in r_03 for detectors 0..1: u/ocps/1/run, valid 2026-01-01 to 2027-01-01, "
        "written 2026-11-23 (3 days ago)",
        "flat in r_03 for detector 2: old/run, not limited in time",
    ]
    (only,) = Reference(
        "camera", None, ("calib",), (0, 1), (), sources=(Source("c/run", frozenset({-1})),)
    ).events(NOW, 400)
    assert only.text == "camera: c/run, not limited in time"
