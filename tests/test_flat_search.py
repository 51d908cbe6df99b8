"""Flats to a level: the search by itself, over lamps of every kind, and runs that search."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from fault_table_stages import EVENING
from hypothesis import assume, given
from hypothesis import strategies as st
from scripts_over import LatissInMemory

from lsst.ts.calibscripts.events.events import ExposureTaken, FlatTimeFound, LevelMeasured, TrialFlatTaken
from lsst.ts.calibscripts.plan.exposure_time import (
    MOST_TESTS,
    FlatGoal,
    Found,
    NotFound,
    Obstacle,
    Trial,
    TryTime,
    jump,
    next_test,
)
from lsst.ts.calibscripts.record import Record, find_records, read_record
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Outcome, ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import (
    Alteration,
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
)

GOAL = FlatGoal(20_000.0, 0.05)
guesses = st.floats(0.1, 120.0)
rates = st.floats(math.log(20_000 / 110), math.log(20_000 / 0.11)).map(math.exp)


def search(
    level: Callable[[int, float], float | None], guess: float, goal: FlatGoal = GOAL
) -> tuple[Found | NotFound, list[Trial]]:
    """Search with a lamp that says the level of the n-th test of so many seconds."""
    trials: list[Trial] = []
    while isinstance(step := next_test(goal, guess, trials), TryTime):
        assert 0.1 <= step.exposure_time <= 120.0
        assert len(trials) < MOST_TESTS
        trials.append(Trial(step.exposure_time, level(len(trials), step.exposure_time)))
    return step, trials


@given(guesses, rates)
def test_a_linear_lamp_needs_two_tests(guess: float, rate: float) -> None:
    found, trials = search(lambda _, seconds: rate * seconds, guess)
    assert isinstance(found, Found)
    assert abs(found.level / GOAL.target - 1) <= GOAL.tolerance
    assert len(trials) <= 2


@given(guesses, rates, st.floats(1.3, 10.0), st.booleans())
def test_saturation_does_not_mislead(guess: float, rate: float, most: float, soft: bool) -> None:
    # No detector bends much before it is full.
    full = most * GOAL.target * (2 if soft else 1)

    def level(_: int, seconds: float) -> float:
        light = rate * seconds
        return full * -math.expm1(-light / full) if soft else min(light, full)

    assume(level(0, 120.0) > GOAL.target)
    found, trials = search(level, guess)
    assert isinstance(found, Found), trials
    assert jump(GOAL, trials) is None


@given(guesses, rates, st.floats(-0.05, 0.0), st.floats(0.0, 2000.0))
def test_a_slow_shutter_or_an_offset_is_no_jump(
    guess: float, rate: float, late: float, offset: float
) -> None:
    assume(rate * (0.1 + late) + offset < GOAL.target < rate * 119)
    seen: list[Trial] = []

    def level(_: int, seconds: float) -> float:
        return offset + rate * (seconds + late)

    found, trials = search(level, guess)
    assert isinstance(found, Found), trials
    for n in range(len(trials)):
        seen.append(trials[n])
        assert jump(GOAL, seen) is None


@given(guesses, st.floats(-20.0, 20.0))
def test_a_lamp_that_is_off_is_refused(guess: float, level: float) -> None:
    found, trials = search(lambda *_: level, guess)
    assert isinstance(found, NotFound)
    assert found.why is Obstacle.DARK
    assert "too dim" in found.reason
    assert len(trials) <= 4


@given(guesses, st.floats(22_000.0, 123_000.0))
def test_saturation_at_the_shortest_time_is_refused(guess: float, level: float) -> None:
    found, _ = search(lambda *_: level, guess)
    assert isinstance(found, NotFound)
    assert "too bright or saturated" in found.reason
    assert "0.1 s" in found.reason


@given(guesses, rates, st.floats(0.0, 0.5), st.floats(0.5, 5.0))
def test_a_lamp_that_becomes_warm_is_found_or_said(
    guess: float, rate: float, lacks: float, slow: float
) -> None:
    assume(rate * (1 - lacks) * 120 > 1.1 * GOAL.target)
    found, trials = search(lambda n, seconds: rate * seconds * (1 - lacks * math.exp(-n / slow)), guess)
    if isinstance(found, Found):
        assert GOAL.reached(found.level)
    else:
        # Only where it begins at the end of the range.
        assert found.why is not Obstacle.DARK or trials[-1].exposure_time == 120.0


def test_a_jump_is_seen() -> None:
    steady = [Trial(2.0, 8000.0), Trial(5.0, 20_000.0)]
    brighter = [Trial(2.0, 8000.0), Trial(5.0, 26_000.0)]
    darker = [Trial(2.0, 8000.0), Trial(5.0, 6000.0)]
    unknown = [Trial(2.0, 8000.0), Trial(5.0, None)]
    assert [jump(GOAL, trials) is not None for trials in (steady, brighter, darker, unknown, [])] == [
        False,
        True,
        True,
        False,
        False,
    ]


@given(guesses, st.lists(st.none() | st.floats(-1e3, 2e5), min_size=MOST_TESTS, max_size=MOST_TESTS))
def test_it_ends_whatever_is_seen(guess: float, levels: list[float | None]) -> None:
    found, trials = search(lambda n, _: levels[n], guess)
    assert len(trials) <= MOST_TESTS
    if isinstance(found, Found):
        assert GOAL.reached(found.level)
        assert found.exposure_time == trials[-1].exposure_time


def test_a_level_that_cannot_be_read_is_tried_once_more() -> None:
    found, trials = search(lambda n, seconds: None if n == 0 else 4000 * seconds, 5.0)
    assert (found, len(trials)) == (Found(5.0, 20_000.0), 2)
    found, trials = search(lambda *_: None, 5.0)
    assert isinstance(found, NotFound)
    assert (found.reason, len(trials)) == ("their levels cannot be read", 2)


# Runs.

FLATS: dict[str, Any] = {
    "script_mode": "FLAT",
    "do_verify": False,
    "do_gain_from_flat_pairs": False,
    "n_flat": 3,
    "filter": "SDSSr_65mm",
    "grating": "empty_1",
    "flat_counts_target": 20_000,
}


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CP_PIPE_DIR", "CP_VERIFY_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(tmp_path))


class Ran:
    """How a run ended, what it logged, its checkpoints, the notes of its images, and its record."""

    def __init__(self, outcome: Outcome, log: list[LogLine], notes: list[str], record: Record) -> None:
        self.outcome, self.log, self.notes, self.record = outcome, log, notes, record
        self.found = next(record.events(FlatTimeFound), None)
        self.tests = [event.exposure_time for event in record.events(TrialFlatTaken)]
        self.kept = [e.exposure_time for e in record.events(ExposureTaken) if not e.discarded]
        self.discarded = [e.exposure_time for e in record.events(ExposureTaken) if e.discarded]

    @property
    def warnings(self) -> str:
        return "\n".join(line.message for line in self.log if line.level_name in ("WARNING", "ERROR"))


async def run(tmp_path: Path, *faults: str, alterations: Sequence[Alteration] = (), **config: Any) -> Ran:
    butler, log = MemoryButler(), list[LogLine]()

    make = LatissInMemory.over(MemoryRepository(butler))

    known = set(find_records(tmp_path))
    ingest, runner = MemoryIngest(butler, alterations), MemoryRunner(butler)
    async with Summit("memory", faults=faults, start=EVENING, ingest=ingest, runner=runner) as summit:
        outcome = await ScriptQueue(log.append).run(
            "auxtel/make_latiss_calibrations.py",
            yaml.safe_dump({"repo": "/repo/LATISS", **FLATS, **config}),
            make=make,
        )
        notes = [readout.observation.note for readout in summit.readouts]
    (path,) = set(find_records(tmp_path)) - known
    return Ran(outcome, log, notes, read_record(path))


@pytest.mark.parametrize("guess", [0.5, 60.0])
async def test_flats_reach_the_level(guess: float, tmp_path: Path) -> None:
    ran = await run(tmp_path, exp_times_flat=guess, note="weekly")
    assert ran.outcome.state is ScriptState.DONE, ran.outcome.reason
    assert ran.found is not None
    assert ran.found.physical_filter == "SDSSr_65mm~empty"
    assert ran.found.exposure_time == pytest.approx(20_000 / 4900, rel=0.05)
    assert ran.discarded == [guess]
    assert ran.tests == [guess, ran.found.exposure_time]
    assert ran.kept == [ran.found.exposure_time] * 3
    levels = {event.exposure: event.level for event in ran.record.events(LevelMeasured)}
    assert [round(levels[event.exposure]) for event in ran.record.events(TrialFlatTaken)][-1] == round(
        ran.found.level
    )
    assert ran.notes == [
        "weekly",
        "weekly; test flat 1 for 20000 ADU",
        "weekly; test flat 2 for 20000 ADU",
        *[f"weekly; {ran.found.text}"] * 3,
    ]
    text = "\n".join(line.message for line in ran.log)
    assert f"Exposure time of the flats: {ran.found.text}." in text
    assert "FLAT: 3: " in text
    assert "test flats" in text
    assert "DONE: 6 images taken" in text


async def test_the_next_run_begins_with_what_was_found(tmp_path: Path) -> None:
    first = await run(tmp_path, exp_times_flat=60.0)
    assert first.found is not None
    second = await run(tmp_path, "lamp-aged", exp_times_flat=60.0, flat_counts_target=10_000)
    assert second.found is not None
    assert second.discarded == [pytest.approx(first.found.exposure_time / 2, rel=0.05)]
    assert second.kept[0] == pytest.approx(10_000 / 4900 / 0.3, rel=0.06)
    other = await run(tmp_path, exp_times_flat=3.0, filter="SDSSg_65mm")
    assert other.discarded == [3.0]


async def test_a_lamp_that_is_off_is_refused_with_what_was_seen(tmp_path: Path) -> None:
    ran = await run(tmp_path, "lamp-off", exp_times_flat=6.0)
    assert ran.outcome.state is ScriptState.FAILED
    assert "too dim: 0 ADU in 120 s" in ran.outcome.reason
    assert "Lamp off, dome off the screen?" in ran.outcome.reason
    assert (ran.tests, ran.kept, ran.found) == ([6.0, 120.0], [], None)
    assert not ran.record.state.sets["FLAT"].offered  # type: ignore[index]


async def test_what_is_too_bright_at_the_shortest_time_is_refused(tmp_path: Path) -> None:
    ran = await run(tmp_path, filter="empty_1", flat_counts_target=500)
    assert ran.outcome.state is ScriptState.FAILED
    assert "too bright or saturated: 1360 ADU in 0.1 s" in ran.outcome.reason


async def test_a_lamp_that_becomes_warm_is_said(tmp_path: Path) -> None:
    ran = await run(tmp_path, "lamp-warming:delay=10", exp_times_flat=0.5)
    assert "The level of the test flats jumps" in ran.warnings
    assert ran.outcome.state is ScriptState.DONE, ran.outcome.reason


async def test_a_list_is_scaled(tmp_path: Path) -> None:
    times = [0.1, 0.1, 1, 1, 2, 2, 10, 10]
    ran = await run(tmp_path, n_flat=8, exp_times_flat=times, flat_times_scale="auto")
    assert ran.outcome.state is ScriptState.DONE, ran.outcome.reason
    assert ran.found is not None
    assert max(ran.kept) == pytest.approx(ran.found.exposure_time)
    assert ran.kept[2:] == pytest.approx([time * ran.found.factor for time in times[2:]], abs=0.001)
    assert ran.kept[:2] == [0.1, 0.1]
    assert "2 of 9 scaled exposure times" in ran.warnings or "3 of 9 scaled exposure times" in ran.warnings
    last = ran.record.state.exposures[max(ran.record.state.sets["FLAT"].kept)]  # type: ignore[index]
    assert last.level is None


WINDOW: dict[str, Any] = {
    "n_flat": 6,
    "exp_times_flat": 4,
    "flat_counts_target": None,
    "flat_counts_min": 10_000,
    "flat_counts_max": 50_000,
}


async def test_flats_outside_the_limits_are_named_and_left_out(tmp_path: Path) -> None:
    dark = (Alteration(of="FLAT", at=4, level=200.0), Alteration(of="FLAT", at=6, level=300.0))
    ran = await run(tmp_path, alterations=dark, **WINDOW)
    assert ran.outcome.state is ScriptState.DONE, ran.outcome.reason
    assert (
        "FLAT exposures 2026091800004, 2026091800006 are left out: 200 to 300 ADU, flat_counts_min is 10000."
        in ran.warnings
    )
    flats = ran.record.state.sets["FLAT"]  # type: ignore[index]
    assert flats.left_out == (2026091800004, 2026091800006)
    assert flats.used == (2026091800002, 2026091800003, 2026091800005, 2026091800007)
    # Every level is recorded, though only the first two are logged.
    assert len([*ran.record.events(LevelMeasured)]) == 7


async def test_a_set_of_which_too_few_flats_are_left_is_given_up(tmp_path: Path) -> None:
    ran = await run(tmp_path, alterations=[Alteration(of="FLAT", at=4, count=3, level=90_000.0)], **WINDOW)
    assert ran.outcome.state is ScriptState.FAILED
    assert "Only 3 of 6 flats" in ran.outcome.reason
    assert "90000 ADU, flat_counts_max is 50000" in ran.outcome.reason
    assert not ran.record.state.sets["FLAT"].offered  # type: ignore[index]
