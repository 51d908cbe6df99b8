"""Before flats lamp, dome and telescope are looked at; what is not ready is named with a script that helps."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from fault_table_stages import EVENING
from scripts_over import LatissInMemory

from lsst.ts.calibscripts.events.events import ExposureTaken
from lsst.ts.calibscripts.preflight.flat_setup import FlatSetup, not_ready
from lsst.ts.calibscripts.record import find_records, read_record
from lsst.ts.calibscripts.sal import Remote, ScriptState
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Outcome, ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import MemoryButler, MemoryIngest, MemoryRepository, MemoryRunner

READY = FlatSetup(2, 2, 3.0, (188.7, 39.0))
LIGHT, MOVE = "auxtel/calibrations/power_on_atcalsys.py", "auxtel/prepare_for/flat.py"
FLATS: dict[str, Any] = {
    "repo": "/repo/LATISS",
    "script_mode": "FLAT",
    "do_verify": False,
    "do_gain_from_flat_pairs": False,
    "n_flat": 3,
    "exp_times_flat": 1,
}


@pytest.mark.parametrize(
    ("setup", "says"),
    [
        (READY, []),
        (FlatSetup(2, 2, 1.6, (189.1, 38.6)), []),
        (FlatSetup(2, 2, 4.4, (548.9, 39.4)), []),
        (FlatSetup(4, 2, 3.0, (188.7, 39.0)), [f"ATWhiteLight: its lamp is warming up; {LIGHT}"]),
        (
            FlatSetup(1, 1, 3.0, (188.7, 39.0)),
            [f"ATWhiteLight: its lamp is off and its shutter is closed; {LIGHT}"],
        ),
        (FlatSetup(9, 2, 3.0, (188.7, 39.0)), ["ATWhiteLight: its lamp is in state 9; "]),
        (
            FlatSetup(2, 2, 358.0, (188.7, 39.0)),
            ["ATDome is at azimuth 358.0 degrees, not at 3 (within 1.5); " + MOVE],
        ),
        (
            FlatSetup(2, 2, 3.0, (0.0, 80.0)),
            [
                "ATMCS is at azimuth 0.0, elevation 80.0 degrees, not at the flat screen at 188.7, 39 (within 0.5); "
                + MOVE
            ],
        ),
        (
            FlatSetup(2, 2, math.nan, (188.7, math.nan)),
            [
                "ATDome is at azimuth nan degrees, not at 3",
                "ATMCS is at azimuth 188.7, elevation nan degrees",
            ],
        ),
        (FlatSetup(2, 2, math.inf, (math.nan, 39.0)), ["ATDome is at azimuth ", "ATMCS is at azimuth nan"]),
        (FlatSetup(), ["ATWhiteLight is silent", "ATDome is silent", "ATMCS is silent"]),
    ],
)
def test_what_is_not_ready_is_named_with_its_script(setup: FlatSetup, says: list[str]) -> None:
    found = not_ready(setup)
    assert len(found) == len(says)
    assert all(text.startswith(wanted) for text, wanted in zip(found, says, strict=True))


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CP_PIPE_DIR", "CP_VERIFY_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(tmp_path))


async def run(
    before: Callable[[Summit], Awaitable[None]] | None = None, **config: Any
) -> tuple[Outcome, str, int]:
    """Take flats, and return the outcome, warnings and errors, and the number of images."""
    butler, log = MemoryButler(), list[LogLine]()

    make = LatissInMemory.over(MemoryRepository(butler))

    ingest, runner = MemoryIngest(butler), MemoryRunner(butler)
    async with Summit("memory", start=EVENING, ingest=ingest, runner=runner) as summit:
        if before is not None:
            await before(summit)
        text = yaml.safe_dump({**FLATS, **config})
        outcome = await ScriptQueue(log.append).run("auxtel/make_latiss_calibrations.py", text, make=make)
    said = [line.message for line in log if line.level_name in ("WARNING", "ERROR")]
    return outcome, "\n".join(said), len(summit.readouts)


async def close_the_shutter(summit: Summit) -> None:
    domain = summit.components["ATWhiteLight"].controller.domain
    async with Remote(domain, "ATWhiteLight") as light:
        await light.cmd_closeShutter.start(timeout=60.0)


async def turn_the_dome(summit: Summit) -> None:
    domain = summit.components["ATDome"].controller.domain
    async with Remote(domain, "ATDome") as dome:
        await dome.cmd_moveAzimuth.set_start(azimuth=285.0, timeout=60.0)
        await asyncio.sleep(60.0)


async def test_a_summit_that_is_ready_says_nothing() -> None:
    outcome, said, images = await run(flat_setup="require")
    assert (outcome.state, images) == (ScriptState.DONE, 4), outcome.reason
    assert "ready" not in said


@pytest.mark.parametrize("before", [close_the_shutter, turn_the_dome])
async def test_it_is_a_warning_by_default(before: Callable[[Summit], Awaitable[None]]) -> None:
    outcome, said, images = await run(before)
    assert (outcome.state, images) == (ScriptState.DONE, 4), outcome.reason
    assert said.count("Not ready for flats: ") == 1
    assert ("its shutter is closed" in said) == (before is close_the_shutter)
    assert ("ATDome is at azimuth 28" in said) == (before is turn_the_dome)


async def test_it_is_required_where_that_is_asked_for() -> None:
    outcome, _, images = await run(close_the_shutter, flat_setup="require")
    assert (outcome.state, images) == (ScriptState.FAILED, 0)
    assert "No flats can be taken: ATWhiteLight: its shutter is closed" in outcome.reason
    assert LIGHT in outcome.reason


async def test_the_camera_does_not_wait_for_a_look(tmp_path: Path) -> None:
    gaps = []
    for policy in ("ignore", "warn", "require"):
        config = {"script_mode": "BIAS_DARK_FLAT", "n_bias": 1, "n_dark": 1, "exp_times_dark": 5}
        outcome, _, _ = await run(**config, flat_setup=policy)
        assert outcome.state is ScriptState.DONE, outcome.reason
        entries = read_record(find_records(tmp_path)[-1]).entries
        taken = [(entry.loop, entry.event) for entry in entries if isinstance(entry.event, ExposureTaken)]
        dark = max(time for time, event in taken if event.image_type == "DARK")
        gaps.append(min(time for time, event in taken if event.image_type == "FLAT") - dark)
    assert gaps == pytest.approx([gaps[0]] * 3, abs=0.1)


async def test_what_is_not_ready_any_more_when_the_flats_come_stops_them() -> None:
    async def later(summit: Summit) -> None:
        async def close() -> None:
            # The first look is over, darks are taken, and the last of them has not begun.
            await asyncio.sleep(15.0)
            await close_the_shutter(summit)

        closing.append(asyncio.create_task(close()))

    closing: list[asyncio.Task[None]] = []
    config = {"script_mode": "BIAS_DARK_FLAT", "n_bias": 1, "n_dark": 2, "exp_times_dark": 15}
    outcome, _, images = await run(later, **config, flat_setup="require")
    await closing[0]
    assert (outcome.state, images) == (ScriptState.FAILED, 5)
    assert "No flats can be taken: ATWhiteLight: its shutter is closed" in outcome.reason


async def test_it_may_be_ignored() -> None:
    outcome, said, images = await run(close_the_shutter, flat_setup="ignore")
    assert (outcome.state, images) == (ScriptState.DONE, 4), outcome.reason
    assert "ready" not in said
