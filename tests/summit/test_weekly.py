"""The weekly calibrations of LATISS (seed 004), from BLOCK-309 to BLOCK-310."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from weekly_support import (
    LATISS_SCRIPT,
    SETUP,
    SHUTDOWN,
    WEEKLY,
    Rehearsed,
    entries_of,
    latiss,
    remotes,
    shipped,
)

from lsst.ts.calibscripts import sal
from lsst.ts.calibscripts.check.blocks import expand, get_blocks_dir
from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.summit.butler.rehearsal import make_rehearsal_repository
from lsst.ts.calibscripts.summit.hardware.calsys import ATCS, LampState, ShutterState
from lsst.ts.calibscripts.summit.queue.script_queue import Entry, block_entries, run_in_order

State = sal.ScriptState
MINUTE = 60.0
GENERATING = "BLOCK-295_generate"
LATISS = ("ATCamera", "ATSpectrograph", "ATHeaderService", "ATOODS")

SHORT = {
    "ptc_exp_times": [1.0, 1.0],
    **{f"set{number}_exp_times_flat": 3 for number in (1, 2, 3)},
    **{f"set{number}_filter": "SDSSr_65mm" for number in (2, 3)},
}
"""Overrides that show what they change."""


def in_flat_position(there: Rehearsed) -> bool:
    mount, dome = there.system.mount, there.system.dome
    pointed = (mount.azimuth, mount.elevation) == (188.7, 39.0)
    return pointed and dome.azimuth == pytest.approx(3.0, abs=0.5)


def is_as_documented(there: Rehearsed) -> bool:
    """Is the end state that of seed 004?"""
    light = there.system.light
    is_off = (light.lamp, light.shutter, light.chilling) == (LampState.OFF, ShutterState.CLOSED, False)
    enabled = there.states(*LATISS, *ATCS) == {"ENABLED"} and there.states("ATWhiteLight") == {"STANDBY"}
    return is_off and enabled and in_flat_position(there)


# All is well.


async def test_the_weekly_block_that_generates() -> None:
    overrides = {**SHORT, "day": "2020-01-01", "set2_filter": "SDSSg_65mm", "set3_filter": "SDSSz_65mm"}
    entries = block_entries(GENERATING, expand(shipped(GENERATING), overrides))
    async with latiss(ready=True) as there:
        finished = await run_in_order(entries, there.run)
        taken = Counter(readout.observation.image_type for readout in there.summit.readouts)
        found = [
            (one.dataset.dataset_type, one.dataset.physical_filter)
            for one in there.butler.associations("LATISS/calib/weekly/2020-01-01")
        ]
    assert [outcome.state for outcome in finished.outcomes] == [State.DONE] * 6, there.text
    # One bias and one dark, with which the flats of all filters are made.
    assert taken == {"BIAS": 21, "DARK": 23, "FLAT": 5 * 21 + 2}
    filters = ["SDSSr_65mm~empty", "SDSSg_65mm~empty", "SDSSz_65mm~empty", "empty~SDSSy_65mm", "empty~empty"]
    assert found == [("bias", None), ("dark", None), *(("flat", name) for name in filters)]


async def test_from_setup_to_shutdown() -> None:
    clock = asyncio.get_running_loop().time
    async with latiss() as there:
        assert not is_as_documented(there)
        finished = await there.block(SETUP, WEEKLY, SHUTDOWN)
        minutes = clock() / MINUTE
        assert [outcome.state for outcome in finished.outcomes] == [State.DONE] * 13, there.text
        assert is_as_documented(there)
        taken = [readout.observation for readout in there.summit.readouts]
    assert finished.exit_code == 0
    assert minutes == pytest.approx(89, abs=2)
    assert Counter((each.image_type, each.physical_filter) for each in taken) == {
        ("BIAS", "SDSSr_65mm~empty"): 21,
        ("DARK", "SDSSr_65mm~empty"): 23,
        ("FLAT", "SDSSr_65mm~empty"): 21 + 60,
        **{
            (image_type, name): number
            for name in ("SDSSg_65mm~empty", "SDSSz_65mm~empty", "empty~SDSSy_65mm", "empty~empty")
            for image_type, number in (("BIAS", 4), ("DARK", 4), ("FLAT", 21))
        },
    }
    assert {each.program for each in taken} == {WEEKLY}
    assert Counter(each.reason for each in taken) == {"weekly_calibrations": 181, "weekly_PTC": 60}
    assert all(each.rate > 0 for each in taken if each.image_type == "FLAT")


async def test_every_flat_of_the_sets_is_within_the_window() -> None:
    async with latiss() as there:
        await there.block(SETUP, WEEKLY)
        lines = [line.message for line in there.log if line.message.startswith("Flat ")]
        levels = [float(line.split(": ")[1].split(" ADU")[0]) for line in lines]
    # Of each set two while it is taken, the discarded one included; the others are in the record alone.
    assert len(levels) == 5 * 2
    assert all(10_000 < level < 110_000 for level in levels)
    assert levels[0] == pytest.approx(29_500, rel=0.01)


async def test_images_of_a_block_share_its_execution() -> None:
    async with latiss() as there:
        await there.block(SETUP, WEEKLY, overrides=SHORT)
        groups = [readout.observation.group_id for readout in there.summit.readouts]
    sets = groups[:181]
    assert len(set(sets)) == 5
    assert all(group.startswith("BL295_O_") and "_000002_2000" in group for group in sets)


async def test_overrides_reach_the_images() -> None:
    async with latiss(ready=True) as there:
        finished = await there.block(WEEKLY, overrides=SHORT)
        assert finished.exit_code == 0, there.text
        flats = [readout.observation for readout in there.readouts("FLAT")]
    assert {each.exposure_time for each in flats[: 3 * 21]} == {3.0}
    assert {each.physical_filter for each in flats[: 3 * 21]} == {"SDSSr_65mm~empty"}
    assert [each.exposure_time for each in flats[-2:]] == [1.0, 1.0]


async def test_as_an_observer_does_it_through_the_scheduler() -> None:
    scripts = [
        Entry("auxtel/enable_atcs.py"),
        Entry("auxtel/enable_latiss.py"),
        Entry("auxtel/scheduler/enable.py", "config: auxtel.yaml"),
        *(Entry("auxtel/scheduler/add_block.py", f"id: {name}") for name in (SETUP, WEEKLY, SHUTDOWN)),
    ]
    async with latiss() as there:

        def added() -> list[Entry]:
            return [
                each
                for block, calls in there.scheduler.take()
                for each in block_entries(block.program, calls)
            ]

        finished = await run_in_order(scripts, there.run, added)
        assert is_as_documented(there)
    assert finished.exit_code == 0
    assert len(finished.outcomes) == 6 + 13


# What goes wrong.


async def watch_flats(domain: sal.Domain, begun: list[float]) -> None:
    """Note when the camera begins a flat."""
    camera = sal.Remote(domain, "ATCamera", readonly=True, include=["startIntegration"])
    await camera.start_task
    clock = asyncio.get_running_loop().time

    async def note(data: Any) -> None:
        if "FLAT" in data.additionalValues.split(":"):
            begun.append(clock())

    camera.evt_startIntegration.callback = note


async def test_with_a_misaligned_dome_no_flat_begins_after_the_second_was_read() -> None:
    clock = asyncio.get_running_loop().time
    begun: list[float] = []
    read: list[float] = []
    async with latiss(faults=["dome-misaligned"], speed=1.0) as there, sal.Domain() as domain:
        there.queue.on_log = lambda line: read.append(clock()) if line.message.startswith("Flat ") else None
        await watch_flats(domain, begun)
        finished = await there.block(SETUP, WEEKLY, SHUTDOWN)
        assert len(there.readouts("FLAT")) == len(begun)
        assert there.system.light.lamp is LampState.ON
        # As the telemetry tells it, the dome is where it should be.
        assert there.system.dome.encoder_azimuth == pytest.approx(3.0, abs=0.5)
    assert len(read) == 2
    assert 2 <= len(begun) <= 3
    assert max(begun) <= read[1]
    assert [outcome.state for outcome in finished.outcomes] == [State.DONE] * 4 + [State.FAILED]
    assert [entry.program for entry in finished.waiting] == [WEEKLY] * 5 + [SHUTDOWN] * 3
    assert finished.exit_code == 1
    reason = finished.outcomes[-1].reason
    for word in ("too low", "flat_counts_min is 10000", "auxtel/atdome/home_dome.py", "BLOCK-309"):
        assert word in reason
    for word in ("auxtel/prepare_for/flat.py", "auxtel/atdome/slew_dome.py", "AuxTel team"):
        assert word in reason


@pytest.mark.parametrize(
    "cure",
    [
        [Entry("auxtel/atdome/home_dome.py"), *entries_of(SETUP)],
        [Entry("auxtel/atdome/home_dome.py"), Entry("auxtel/prepare_for/flat.py")],
    ],
    ids=["BLOCK-309 from the beginning", "prepare_for/flat.py alone"],
)
async def test_what_is_reported_cures_it(cure: list[Entry]) -> None:
    async with latiss(faults=["dome-misaligned"]) as there:
        assert (await there.block(SETUP, WEEKLY)).exit_code == 1
        cured = await run_in_order([*cure, *entries_of(WEEKLY, SHUTDOWN)], there.run)
        assert cured.exit_code == 0, there.text


async def test_a_small_adjustment_cures_it_where_the_setup_is_not_required() -> None:
    async with latiss(faults=["dome-misaligned"]) as there:
        await there.block(SETUP)
        config = "{script_mode: FLAT, exp_times_flat: 6, flat_counts_min: 10000, filter: SDSSr_65mm, flat_setup: %s}"
        assert (await there.script("auxtel/atdome/slew_dome.py", "az: 0.0")).state is State.DONE
        required = await there.script(LATISS_SCRIPT, config % "require")
        assert "use flat_setup: warn" in required.reason
        assert (await there.script(LATISS_SCRIPT, config % "warn")).state is State.DONE, there.text


async def test_homed_but_not_prepared_again_no_image_is_taken() -> None:
    async with latiss(faults=["dome-misaligned"]) as there:
        await there.block(SETUP)
        assert (await there.script("auxtel/atdome/home_dome.py")).state is State.DONE
        finished = await there.block(WEEKLY)
        assert "No flats can be taken: ATDome is at azimuth 0.0 degrees" in finished.outcomes[-1].reason


async def without_lamp(there: Rehearsed) -> None:
    there.system.light.lamp = LampState.OFF


async def warming(there: Rehearsed) -> None:
    there.system.light.lamp = LampState.OFF
    async with remotes("ATWhiteLight") as (light,):
        await light.cmd_turnLampOn.start(timeout=60)


@pytest.mark.parametrize("spoil", [without_lamp, warming])
async def test_without_a_warm_lamp_flats_are_dark_and_it_is_reported(
    spoil: Callable[[Rehearsed], Any],
) -> None:
    async with latiss(ready=True) as there:
        await spoil(there)
        # The lamp would be warm after the biases and darks that come first.
        config = "{script_mode: FLAT, exp_times_flat: 6, flat_counts_min: 10000, filter: SDSSr_65mm}"
        outcome = await there.script(LATISS_SCRIPT, config)
        assert {readout.observation.rate for readout in there.readouts("FLAT")} == {0.0}
    assert outcome.state is State.FAILED
    assert "too low: 0 ADU" in outcome.reason
    assert "Check that the lamp is on and warm (15 minutes)." in outcome.reason


async def test_too_bright_flats_are_reported_too() -> None:
    async with latiss(ready=True) as there:
        finished = await there.block(WEEKLY, overrides={"set1_exp_times_flat": 25.0})
        assert len(there.readouts("FLAT")) <= 3
    assert "too high" in finished.outcomes[0].reason
    assert "flat_counts_max is 110000" in finished.outcomes[0].reason


async def test_without_the_setup_no_image_is_taken() -> None:
    async with latiss() as there:
        finished = await there.block(WEEKLY)
        assert not there.summit.readouts
    assert finished.outcomes[-1].state is State.FAILED
    assert "OCPS:1" in finished.outcomes[-1].reason


async def test_the_shutdown_can_be_run_after_a_failure() -> None:
    async with latiss(faults=["dome-misaligned"]) as there:
        await there.block(SETUP, WEEKLY)
        assert (await there.block(SHUTDOWN)).exit_code == 0
        assert there.system.light.lamp is LampState.OFF


# The command, with the real pipetask.


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_rehearsal_repository(tmp_path_factory.mktemp("weekly") / "repo", filters=["SDSSr_65mm~empty"])


def write(path: Path, program: str, *scripts: tuple[str, bool, dict[str, Any]], schema: str = "") -> Path:
    keys = ("name", "standard", "parameters")
    content = {
        "name": path.stem,
        "program": program,
        "scripts": [dict(zip(keys, script, strict=True)) for script in scripts],
        "configuration_schema": schema,
    }
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def flats(tmp_path: Path) -> Path:
    """A BLOCK with the least that the weekly one does: flats with their level looked at, and further ones."""
    flats = {"script_mode": "FLAT", "n_flat": "$n_flat", "exp_times_flat": 6, "filter": "SDSSr_65mm"}
    window = {"flat_counts_min": 10000, "flat_counts_max": 110000, "program": "$program"}
    return write(
        tmp_path / "flats.json",
        "BLOCK-901",
        (LATISS_SCRIPT, False, flats | window),
        ("auxtel/take_image_latiss.py", True, {"image_type": "FLAT", "exp_times": [0.25, 0.25]}),
        schema="{type: object, properties: {n_flat: {type: integer, default: 20}}}",
    )


def block_file(program: str) -> str:
    return next(str(path) for path in get_blocks_dir().glob("*.json") if program.lower() in path.name)


def rehearse(*words: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "400"}).invoke(main, ["rehearse", *map(str, words)])


@pytest.fixture
def paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away afterwards what the command says of where the pipelines are."""
    for name in ("CP_PIPE_DIR", "CP_VERIFY_DIR"):
        monkeypatch.setenv(name, "")


@pytest.mark.usefixtures("paths")
def test_a_short_variant_of_it_is_rehearsed_with_the_real_pipetask(repo: str, flats: Path) -> None:
    result = rehearse(
        *("--block", block_file(SETUP), "--block", flats, "--block", block_file(SHUTDOWN)),
        *("--override", "n_flat=2", "--repo", repo, "--speed", "3000"),
    )
    assert result.exit_code == 0, result.output
    lines = [re.sub(r"^\d\d:\d\d:\d\d\.\d ", "", line) for line in result.output.splitlines()]
    assert "All 9 scripts ended DONE" in lines
    assert "Script RUNNING, checkpoint: Taking 3 flats (first 1 discarded)" in lines
    assert any(line.startswith("INFO    Flat 2") and "ADU" in line for line in lines)
    assert "        ATWhiteLight: The lamp is warming up: 15 minutes left." in lines
    assert "FLAT exposures passed verification criteria" in result.output
    assert "  STANDBY: ATWhiteLight" in lines
    assert "  ATWhiteLight: lamp off, shutter closed, chiller off" in lines
    assert any("elevation 39.0 degrees: at the flat screen, not tracking" in line for line in lines)


@pytest.mark.usefixtures("paths")
def test_with_a_misaligned_dome_the_rest_is_not_run_and_what_to_do_is_reported(
    repo: str, flats: Path
) -> None:
    result = rehearse(
        *("--block", flats, "--block", block_file(SHUTDOWN), "--ready", "--fault", "dome-misaligned"),
        *("--repo", repo, "--speed", "500"),
    )
    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if not line.startswith(("Record: ", "Report: "))]
    *_, verdict, waiting = lines
    assert verdict.startswith(
        f"BLOCK-901 {LATISS_SCRIPT} ended FAILED: Error in run: The first flats are too low"
    )
    assert "re-home the dome (auxtel/atdome/home_dome.py)" in verdict
    assert waiting.startswith(
        "The queue is paused. Not run: BLOCK-901 auxtel/take_image_latiss.py, BLOCK-310 auxtel/"
    )
    assert result.output.count("not run") == 4
    assert "The summit is ready for flats" in result.output
    assert "lost 3.0 degrees" in result.output


@pytest.mark.usefixtures("paths")
def test_a_stand_in_by_itself_adds_a_block(repo: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("id: BLOCK-309")
    result = rehearse("auxtel/scheduler/add_block.py", "--config", config, "--repo", repo, "--speed", "3000")
    assert result.exit_code == 0, result.output
    assert "lamp on, shutter open, chiller on" in result.output
    assert "All 5 scripts ended DONE" in result.output.splitlines()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Name a script, e.g."),
        ([LATISS_SCRIPT, "--block", block_file(SETUP)], "Name a script, e.g."),
        (["--block", block_file(SETUP), "--config", __file__], "the parameters of a BLOCK take --override"),
        ([LATISS_SCRIPT, "--override", "a=1"], "--override is for BLOCKs"),
        (["--block", block_file(SETUP), "--override", "n_flat"], "write name=value"),
        (["--block", block_file(WEEKLY), "--override", "filter=g"], "override filter: none of the BLOCKs"),
        (["--block", block_file(WEEKLY), "--override", "set1_filter=3"], "BLOCK-295: override set1_filter"),
        (["auxtel/point.py"], "Unknown script auxtel/point.py"),
        (["--block", "nowhere.json"], "nowhere.json"),
    ],
)
def test_what_cannot_be_rehearsed_is_refused(words: list[str], told: str, tmp_path: Path) -> None:
    result = rehearse(*words, "--repo", tmp_path / "repo")
    assert result.exit_code != 0
    assert told in " ".join(result.output.split())
    assert not (tmp_path / "repo").exists()


def test_blocks_that_cannot_be_run_here_are_refused(tmp_path: Path) -> None:
    unknown = write(tmp_path / "unknown.json", "BLOCK-1", ("auxtel/point.py", True, {}))
    wrong = write(tmp_path / "wrong.json", "BLOCK-2", (LATISS_SCRIPT, True, {}))
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    for path, told in (
        (unknown, "BLOCK-1: Unknown script auxtel/point.py"),
        (wrong, "write standard: false"),
        (broken, "broken.json: line 1"),
    ):
        result = rehearse("--block", path, "--repo", tmp_path / "repo")
        assert result.exit_code == 1
        assert told in result.output


def test_the_blocks_of_this_package_run_here() -> None:
    assert {program: len(shipped(program).scripts) for program in (SETUP, WEEKLY, SHUTDOWN)} == {
        SETUP: 4,
        WEEKLY: 6,
        SHUTDOWN: 3,
    }
