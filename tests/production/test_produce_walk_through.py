"""The walk-through of the manual: from exposures of two days to a second repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.daf.butler import Butler
from production_support import BASE, BEGIN, CERTIFIED, TICKET, Walk, ids, manual, produce

from lsst.ts.calibscripts.production import Ledger, contents, read_selection
from lsst.ts.calibscripts.production.ledger import Approved, Chained


def get(repo: Path, dataset_type: str, **data_id: Any) -> Any:
    with Butler.from_config(str(repo), collections="LATISS/calib", instrument="LATISS") as butler:
        return butler.get(dataset_type, exposure=ids(3, 3)[0], detector=0, **data_id)


def test_selection(walk: Walk):
    choices = {choice.label: choice for choice in read_selection(walk.selection).choices}
    assert [*choices] == ["bias", "dark", "flat-g", "flat-r", "defects", "ptc"]
    assert choices["bias"].generate == ids(2, 12)
    assert choices["bias"].verify == (*ids(1, 1, 20240325), *ids(1, 1))
    assert choices["dark"].generate == ids(14, 16)
    assert choices["flat-g"].generate == ids(18, 19)
    assert choices["flat-r"].generate == ids(21, 22)
    assert choices["ptc"].generate == ids(21, 26)
    assert choices["ptc"].verify == ()


def test_every_line_is_a_command_or_a_comment(walk: Walk):
    lines = [line for result in walk.said.values() for line in result.output.splitlines()]
    assert all(line.startswith(("#", "butler ", "pipetask ", "find ", "(cd ")) for line in lines)
    assert sum(line.startswith("pipetask") for line in lines) == 12
    assert sum(line.startswith("butler certify-calibrations") for line in lines) == 6


def test_approval_is_recorded_with_name_and_reason(walk: Walk):
    approved = {event.label: event for event in Ledger.beside(walk.selection).events(Approved)}
    assert [*approved] == ["bias", "dark", "flat-g", "flat-r", "defects", "ptc"]
    assert {event.approved_by for event in approved.values()} == {"TAXICAB"}
    assert {label for label, event in approved.items() if event.despite_failures} == {"dark"}
    assert approved["dark"].despite_failures.startswith("the read noise was 50 % high")
    assert "2 of 13 exposures failed, limit 8" in approved["bias"].verdict
    assert "0 of 1 detectors failed" in approved["ptc"].verdict
    assert "0 of 2 exposures failed" in approved["defects"].verdict
    assert "no verification of" not in walk.said["approve"].output
    report = (walk.work / "reports" / "verifyDark.20240326a.txt").read_text()
    assert f"Verification collection: {BASE}/verifyDark.20240326a" in report


@pytest.mark.parametrize("repo", ["first", "second"])
def test_chains_before_and_after(walk: Walk, repo: str):
    uri = str(getattr(walk, repo))
    changes = Ledger.beside(walk.selection).events(Chained)
    change = next(event for event in changes if event.repo == uri)
    assert change.before == {TICKET: None, "LATISS/calib": ("LATISS/calib/reference",)}
    assert change.after == {TICKET: CERTIFIED, "LATISS/calib": (TICKET, "LATISS/calib/reference")}
    with Butler.from_config(uri) as butler:
        assert tuple(butler.collections.get_info("LATISS/calib").children) == change.after["LATISS/calib"]
        assert tuple(butler.collections.get_info(TICKET).children) == CERTIFIED


def test_second_repository_serves_the_same_bias(walk: Walk):
    first, second = (get(repo, "bias") for repo in (walk.first, walk.second))
    assert first.meta["LSST BUTLER RUN"] == f"{BASE}/biasGen.20240326a/run"
    assert second.meta["LSST BUTLER ID"] == first.meta["LSST BUTLER ID"]
    np.testing.assert_array_equal(second.data, first.data)


def test_second_repository_holds_the_same(walk: Walk):
    result = produce("compare", walk.first, walk.second, "--collection", "LATISS/calib")
    assert result.exit_code == 0
    assert "# They agree: 7 collections, 20 certified datasets." in result.output


def test_files_have_the_permissions_of_the_reference(walk: Walk):
    files = [path for path in (walk.second / BASE).rglob("*") if path.is_file()]
    assert len(files) == 6
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640}


@pytest.mark.parametrize("repo", ["first", "second"])
def test_what_an_exposure_really_gets(walk: Walk, repo: str):
    result = produce("check-deployed", getattr(walk, repo), ids(18, 18)[0])
    assert result.exit_code == 0
    for name, generation in (("bias", "biasGen"), ("flat", "flatGen-g"), ("ptc", "ptcGen")):
        assert f"from {BASE}/{generation}.20240326a/run" in result.output, name
    assert result.output.count("valid [2024-03-20, open) TAI") == 5


def test_an_exposure_that_gets_nothing_new(walk: Walk):
    """Before the reference calibrations were replaced there were neither defects nor a curve."""
    result = produce("check-deployed", walk.first, ids(18, 18)[0], "--collection", f"{BASE}/flat-r.20240405a")
    assert result.exit_code == 1
    assert f"NOTHING FOUND: no bias in {BASE}/flat-r.20240405a" in result.output
    assert "none of physical_filter SDSSg_65mm~empty, only of SDSSr_65mm~empty" in result.output


def snapshot(walk: Walk) -> dict[str, Any]:
    """Take down all that a step could change."""
    found: dict[str, Any] = {
        str(path): (path.stat().st_mtime_ns, path.stat().st_mode)
        for path in walk.work.rglob("*")
        if path.is_file() and not path.name.startswith("gen3.sqlite3") and path.parent.name != "reports"
    }
    for repo in (walk.first, walk.second):
        found[f"{repo} calib"] = contents(str(repo), "LATISS/calib")
        with Butler.from_config(str(repo)) as butler:
            found[f"{repo} collections"] = sorted(butler.collections.query("*"))
    return found


def test_second_run_of_every_step_changes_nothing(walk: Walk):
    before = snapshot(walk)
    steps = [words for words in manual() if words[0] not in ("compare", "check-deployed")]
    for words in [*steps, ["run", "selection.yaml", *BEGIN]]:
        result = walk.step(words)
        assert result.exit_code == 0, result.output
        assert "already done" in result.output
        if words[0] != "select":
            assert all("already done" in line for line in result.output.splitlines()), result.output
    assert snapshot(walk) == before


def test_chain_is_undone_and_made_again(walk: Walk):
    assert "remove-collections" in produce("chain", walk.selection, "--undo", "--dry-run").output
    undone = produce("chain", walk.selection, "--undo")
    assert undone.exit_code == 0, undone.output
    with Butler.from_config(str(walk.first)) as butler:
        assert tuple(butler.collections.get_info("LATISS/calib").children) == ("LATISS/calib/reference",)
        assert TICKET not in butler.collections.query("*", include_chains=True)
    assert "already done" in produce("chain", walk.selection, "--undo").output
    assert produce("compare", walk.first, walk.second, "--collection", "LATISS/calib").exit_code == 1
    assert produce("chain", walk.selection).exit_code == 0
    assert produce("compare", walk.first, walk.second, "--collection", "LATISS/calib").exit_code == 0
