"""What a run offers for resuming, in log and record: never what it has refused, and as it can be queued."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from fault_table_stages import EVENING
from scripts_over import LatissInMemory

from lsst.ts.calibscripts.config.text.exposure_ids import read_exposures
from lsst.ts.calibscripts.errors import RepositoryError
from lsst.ts.calibscripts.events.events import ExposureTaken, RunOutcome
from lsst.ts.calibscripts.events.parts import StepStanding
from lsst.ts.calibscripts.events.resume import TO_RESUME, resumption
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.record import find_records, read_record
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Outcome, Queued, ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.tables.products import ImageType
from lsst.ts.calibscripts.testing.memory import (
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    Trouble,
    reference_calibrations,
)

SCRIPT = "auxtel/make_latiss_calibrations.py"
GIVEN: dict[str, Any] = {
    "script_mode": "BIAS_DARK_FLAT",
    "generate_calibrations": True,
    "n_bias": 4,
    "n_dark": 4,
    "exp_times_dark": 5,
    "n_flat": 6,
    "exp_times_flat": [1, 1, 2, 2, 4, 4],
    "calib_collection": "LATISS/calib/daily/test",
}


class Night:
    """One evening at the simulated summit: several runs, one after the other, on one butler in memory."""

    def __init__(self, directory: Path, troubles: tuple[Trouble, ...] = ()) -> None:
        self.butler = MemoryButler()
        reference_calibrations(self.butler, "LATISS", (0,))
        self.log: list[LogLine] = []
        self.taken: list[str] = []
        self.troubles = troubles
        self._directory = directory

    async def run(self, given: dict[str, Any], *, stop: str = "") -> Outcome:
        self.log.clear()
        self.taken.clear()

        make = LatissInMemory.over(MemoryRepository(self.butler, self.troubles))

        def note(event: object) -> None:
            if isinstance(event, ExposureTaken):
                self.taken.append(event.image_type)

        return await ScriptQueue(self.log.append).run(
            SCRIPT, yaml.safe_dump(given), Queued(stop=stop), observers=[note], make=make
        )

    def summit(self, *faults: str) -> Summit:
        ingest, runner = MemoryIngest(self.butler), MemoryRunner(self.butler)
        return Summit(
            "memory", ["LATISS"], start=EVENING, ingest=ingest, runner=runner, faults=faults, detectors=(0,)
        )

    def offers(self) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """Return what the log offers, None where it offers nothing, and what the record leads to."""
        text = next((line.message for line in self.log if TO_RESUME in line.message), "")
        _, found, after = text.partition(TO_RESUME)
        in_log = yaml.safe_load(after.partition(":\n")[2]) if found else None
        if in_log and "exposures" in in_log:
            in_log["exposures"] = {
                name: read_exposures(written) for name, written in in_log["exposures"].items()
            }
        path = max(find_records(self._directory), key=lambda path: path.stat().st_mtime_ns)
        record = read_record(path)
        return in_log, resumption(record.state, record.about.given).config


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("config", "faults", "troubles", "refused", "offered"),
    [
        ({"flat_counts_min": 1e9}, (), (), "FLAT", ["BIAS", "DARK"]),
        ({"flat_counts_min": 1e9, "n_flat": 1, "exp_times_flat": 1}, (), (), "FLAT", ["BIAS", "DARK"]),
        (
            {"flat_counts_min": 1},
            (),
            (Trouble("level", count=1000, error=RepositoryError("no such file")),),
            "FLAT",
            ["BIAS", "DARK"],
        ),
        ({}, ("filter-changed:of=FLAT,at=3",), (), "FLAT", ["BIAS", "DARK"]),
        ({}, ("filter-changed:of=DARK",), (), "FLAT", ["BIAS", "DARK"]),
        ({}, ("exposure-foreign:of=DARK",), (), "DARK", ["BIAS"]),
        ({}, ("image-missing:of=DARK,at=2,count=2",), (), "DARK", ["BIAS"]),
        ({}, ("image-not-ingested:of=DARK,at=2,count=2",), (), "DARK", ["BIAS"]),
        ({}, ("exposure-longer:of=DARK,at=2,count=2",), (), "DARK", ["BIAS"]),
        ({"do_ptc": True}, ("exposure-longer:of=FLAT,at=2",), (), "FLAT", ["BIAS", "DARK"]),
    ],
    ids=[
        "too dark",
        "one that is too dark",
        "level unknown",
        "filter changed",
        "filter changed before",
        "foreign",
        "missing",
        "not ingested",
        "other times",
        "pairs lost",
    ],
)
async def test_what_was_refused_is_not_offered_and_the_rest_leads_to_the_end(
    tmp_path: Path,
    config: dict[str, Any],
    faults: tuple[str, ...],
    troubles: tuple[Trouble, ...],
    refused: str,
    offered: list[str],
) -> None:
    night = Night(tmp_path, troubles)
    async with night.summit(*faults):
        outcome = await night.run(GIVEN | {"filter": "SDSSr_65mm"} | config)
        assert outcome.state is ScriptState.FAILED
        for offer in night.offers():
            assert offer is not None
            assert refused not in offer["exposures"]
            assert {*offered} <= {*offer["exposures"]}
        in_log, by_record = night.offers()
        assert in_log is not None
        assert in_log["exposures"] == by_record["exposures"]
        # Whatever was wrong is put right.
        night.troubles = ()
        harmless = {"flat_counts_min": None} if config.get("flat_counts_min") else {}
        await night.run(in_log | harmless)
        assert refused in night.taken
        assert not {*in_log["exposures"]} & {*night.taken}


async def test_flats_that_exist_are_refused_as_those_taken_and_not_offered(tmp_path: Path) -> None:
    night = Night(tmp_path)
    given = GIVEN | {"script_mode": "FLAT", "filter": "SDSSr_65mm"}
    async with night.summit():
        assert (await night.run(given)).state is ScriptState.DONE
        path = max(find_records(tmp_path), key=lambda path: path.stat().st_mtime_ns)
        flats = list(read_record(path).state.sets[ImageType.FLAT].kept)
        again = given | {"exposures": {"FLAT": flats}, "calib_collection": "LATISS/calib/daily/again"}
        for wrong in ({"flat_counts_min": 1e9}, {"filter": "SDSSg_65mm"}):
            outcome = await night.run(again | wrong)
            assert outcome.state is ScriptState.FAILED
            assert "No image was taken. exposures: " in outcome.reason
            in_log, by_record = night.offers()
            assert in_log is None
            assert "exposures" not in by_record
        assert (await night.run(again)).state is ScriptState.DONE


@pytest.mark.parametrize(
    ("fault", "image_type", "offered"),
    [
        ("image-missing:of=FLAT,at=3", "FLAT", 5),
        ("exposure-longer:of=FLAT,at=3", "FLAT", 5),
        ("exposure-foreign:of=FLAT,at=3", "FLAT", 0),
        ("filter-changed:of=FLAT,at=3", "FLAT", 0),
        ("shutter-measured", "FLAT", 6),
    ],
)
async def test_a_run_that_is_stopped_offers_what_fits(
    tmp_path: Path, fault: str, image_type: str, offered: int
) -> None:
    """The sets that it has not examined yet are examined at its end."""
    night = Night(tmp_path)
    async with night.summit(fault):
        outcome = await night.run(GIVEN, stop="All images taken.*")
        assert outcome.state is ScriptState.STOPPED
        in_log, by_record = night.offers()
        assert in_log is not None
        assert len(in_log["exposures"].get(image_type, ())) == offered
        assert in_log["exposures"] == by_record["exposures"]
        if offered:
            second = await night.run(in_log)
            assert second.state is ScriptState.DONE, second.reason
            assert night.taken == []


async def test_a_run_that_is_killed_leaves_what_had_failed_by_then(tmp_path: Path) -> None:
    """Every beginning of its record has the failures, the endings and the doubts that it had at that moment."""
    night = Night(tmp_path)
    async with night.summit("job-error:of=cpDark"):
        outcome = await night.run(GIVEN)
    assert outcome.state == ScriptState.FAILED
    whole = next(iter(find_records(tmp_path)))
    lines = whole.read_text().splitlines(keepends=True)
    complete = read_record(whole).state
    failed = next(number for number, line in enumerate(lines) if '"event":"Failed"' in line)
    assert failed < len(lines) - 2
    for length in range(failed + 1, len(lines)):
        cut = tmp_path / "LATISS_20260918T000000_cut.jsonl"
        cut.write_text("".join(lines[:length]))
        record = read_record(cut)
        state = record.state
        assert state.outcome is RunOutcome.UNFINISHED
        assert state.failures
        assert state.failures == complete.failures[: len(state.failures)]
        assert [*state.steps] == [*complete.steps]
        ended = {step_id for step_id, step in state.steps.items() if step.ended}
        assert {state.standing(step_id) for step_id in {*state.steps} - ended} <= {
            StepStanding.NOT_STARTED,
            StepStanding.RUNNING,
        }
        assert not state.is_complete
        certifying = state.standing(StepId(Action.CERTIFY, "FLAT"))
        assert certifying in (StepStanding.NOT_STARTED, StepStanding.CANCELLED)
