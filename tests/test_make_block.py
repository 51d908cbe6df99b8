"""`calibscripts make-block`: a BLOCK like 295 for what is installed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from recorded import recorded_run

from lsst.ts.calibscripts.check.blocks import check_block, expand, get_blocks_dir, load_block
from lsst.ts.calibscripts.check.blocks.weekly import light_paths, weekly_block, weekly_sets
from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.cli.make_block import installed
from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.record import last_good_times
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import MemoryButler, MemoryIngest, MemoryRunner, Verification

SHIPPED = get_blocks_dir() / "block-295-latiss_weekly_calibrations.json"
REGULAR = ("SDSSg_65mm", "SDSSr_65mm", "SDSSz_65mm", "empty_1"), ("holo4_003", "empty_1", "SDSSy_65mm")
FLATS = {"script_mode": "FLAT", "filter": "SDSSg_65mm", "grating": "empty_1", "n_flat": 3}
FLATS |= {"do_gain_from_flat_pairs": False}


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["make-block", "latiss-weekly", *map(str, words)])


def content(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a BLOCK with its schema read, so that the order and folding of its text do not matter."""
    return {**data, "configuration_schema": yaml.safe_load(data["configuration_schema"])}


def test_the_regular_filters_give_the_documented_sets() -> None:
    made = weekly_block(weekly_sets(light_paths(*REGULAR), {}), "BLOCK-295")
    assert content(made) == content(json.loads(SHIPPED.read_text()))
    properties, shipped = (
        [*content(block)["configuration_schema"]["properties"]]
        for block in (made, json.loads(SHIPPED.read_text()))
    )
    assert properties == shipped


@pytest.mark.parametrize(
    ("filters", "gratings", "expected"),
    [
        (
            *REGULAR,
            [
                ("SDSSr_65mm", "empty_1", 6),
                ("SDSSg_65mm", "empty_1", 6),
                ("SDSSz_65mm", "empty_1", 3),
                ("empty_1", "SDSSy_65mm", 30),
                ("empty_1", "empty_1", 1),
            ],
        ),
        (
            ("BG40_65mm_1", "OG550_65mm_1", "empty_2"),
            ("empty_1", "blue300lpmm_qn1"),
            [("BG40_65mm_1", "empty_1", 6), ("OG550_65mm_1", "empty_1", 6), ("empty_2", "empty_1", 1)],
        ),
        (("SDSSi_65mm",), ("SDSSi_65mm", "SDSSy_65mm", "empty_2"), [("SDSSi_65mm", "empty_2", 6)]),
        # In the other wheel than in the BLOCK that is shipped.
        (
            ("SDSSr_65mm", "SDSSy_65mm"),
            ("empty_1",),
            [("SDSSr_65mm", "empty_1", 6), ("SDSSy_65mm", "empty_1", 30)],
        ),
    ],
)
def test_sets_of_filters(
    tmp_path: Path,
    filters: tuple[str, ...],
    gratings: tuple[str, ...],
    expected: list[tuple[str, str, float]],
) -> None:
    path = tmp_path / "block.json"
    words = ("--filters", ", ".join(filters), "--gratings", ",".join(gratings))
    result = run(*words, "--records", tmp_path / "none", "--program", "BLOCK-295_site", "--output", path)
    assert result.exit_code == 0, result.output
    checked = check_block(load_block(path))
    assert (checked.problems, checked.warnings) == ((), ())
    *sets, curve = (yaml.safe_load(call.config_text) for call in expand(load_block(path)))
    assert [(each["filter"], each["grating"], each["exp_times_flat"]) for each in sets] == expected
    assert [each.get("n_bias") for each in sets] == [None, *[3] * (len(sets) - 1)]
    assert (curve["filter"], curve["grating"], len(curve["exp_times"])) == (*expected[0][:2], 60)
    assert {each["program"] for each in (*sets, curve)} == {"BLOCK-295_site"}
    assert ("a guess" in result.output) == any(
        not name.startswith(("SDSSr", "SDSSg")) for name, *_ in expected[:1]
    )


async def test_times_are_those_of_the_last_good_flats(tmp_path: Path) -> None:
    wanted = {"SDSSg_65mm~empty"}
    records = tmp_path / "records"
    assert last_good_times(records, "LATISS", wanted) == {}
    for number, (seconds, verification) in enumerate(
        [
            (9, Verification.PASSES),
            (7.5, Verification.PASSES),
            ([1, 2, 3], Verification.PASSES),
            (20, Verification.FAILS),
        ]
    ):
        given = {**FLATS, "exp_times_flat": seconds}
        record, _ = await recorded_run(tmp_path, given, verifications={"verifyFlat": verification})
        assert record.state.physical_filter == "SDSSg_65mm~empty"
        # The names of records begin with their time.
        records.mkdir(exist_ok=True)
        shutil.copy(record.path, records / f"LATISS_20261126T00000{number}_00000000.jsonl")
    (records / "LATISS_20261127T000000_00000000.jsonl").write_text("no record\n")
    assert last_good_times(records, "LATISS", wanted) == {"SDSSg_65mm~empty": 7.5}
    # What was read once is not read again: the cost of a look does not grow with the years.
    for path in records.glob("*.jsonl"):
        status = path.stat()
        path.write_bytes(b"?" * status.st_size)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert last_good_times(records, "LATISS", wanted) == {"SDSSg_65mm~empty": 7.5}
    result = run("--filters", "SDSSg_65mm", "--records", records)
    assert "flats of 7.5 s (the last flats in this filter)" in result.output


async def test_what_is_installed_is_asked_of_the_spectrograph() -> None:
    ingest = MemoryIngest(MemoryButler())
    async with Summit("memory", ["LATISS"], ingest=ingest, runner=MemoryRunner(MemoryButler())):
        filters, gratings = await installed()
    assert "SDSSr_65mm" in filters
    assert "empty_1" in gratings
    paths = light_paths(filters, gratings)
    assert paths[0].filter == "SDSSr_65mm"
    assert paths[-1].physical_filter == "empty~empty"


async def test_a_spectrograph_that_is_silent_is_said() -> None:
    with pytest.raises(ConfigurationError, match=r"ATSpectrograph has not reported within 10 s .* --filters"):
        await installed()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--filters", "SDSSr_65mm", "--gratings", "holo4_003"),
            "No place among the gratings (holo4_003) is empty",
        ),
        (("--filters", ","), "No filter is named"),
    ],
)
def test_where_there_is_nothing_to_take_flats_through(words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert result.exit_code == 1
    assert said in result.output
    assert "No BLOCK was written." in result.output
