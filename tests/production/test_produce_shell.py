"""The printed commands, executed by a shell, make the same calibrations."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.daf.butler import Butler
from production_support import BASE, BEGIN, CERTIFIED, ENVIRONMENT, TICKET, Walk, ids, produce

from lsst.ts.calibscripts.production import contents, read_selection, selection_text

LABELS = ("bias", "dark", "flat-g", "defects", "ptc")
UNSHOWN = ("verifyDark", "verifyFlat", "verifyDefects", "verifyPtc", "query-collections")
MEMBERS = tuple(f"{BASE}/{label}.20240405a" for label in LABELS)


def execute(script: str, directory: Path, programs: Path) -> None:
    """Let a shell execute commands; it stops at the first that fails."""
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=directory,
        env={**os.environ, **ENVIRONMENT, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


@pytest.fixture(scope="module")
def by_hand(walk: Walk, site: Path, programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Do what the commands say in copies of the repositories: the production, and its import.

    Of the calibrations one flat, and of the verifications one, show every kind of command.
    """
    root = tmp_path_factory.mktemp("shell")
    for name in ("first", "second"):
        shutil.copytree(site, root / name)
    made = read_selection(walk.selection)
    choices = tuple(choice for choice in made.choices if choice.label in LABELS)
    made = replace(made, repo=str(root / "first"), choices=choices)
    (root / "selection.yaml").write_text(selection_text(made))
    every = produce("run", root / "selection.yaml", *BEGIN, "--dry-run")
    there = produce(
        "import-to", root / "second", root / "selection.yaml", "--reference", walk.reference, "--dry-run"
    )
    assert every.exit_code == there.exit_code == 0
    assert sorted(path.name for path in root.iterdir()) == ["first", "second", "selection.yaml"]
    lines = [
        line
        for line in (*every.output.splitlines(), *there.output.splitlines())
        if not any(word in line for word in UNSHOWN)
    ]
    execute("\n".join(lines), root, programs)
    return root


def certified(repo: Path, collection: str) -> list[tuple[Any, ...]]:
    """Return what is certified, without the identifiers, which every run makes anew."""
    return [
        (one.collection, one.key, one.run, one.begin, one.end)
        for one in contents(str(repo), collection).associations
    ]


@pytest.mark.parametrize("repo", ["first", "second"])
def test_the_same_is_certified(walk: Walk, by_hand: Path, repo: str):
    found = certified(by_hand / repo, "LATISS/calib")
    expected = certified(getattr(walk, repo), "LATISS/calib")
    assert found == [one for one in expected if one[0] not in {*CERTIFIED} - {*MEMBERS}]
    assert [one[0] for one in found[: len(MEMBERS)]] == [*MEMBERS]


@pytest.mark.parametrize("repo", ["first", "second"])
def test_the_chains_are_the_same(walk: Walk, by_hand: Path, repo: str):
    assert contents(str(by_hand / repo), TICKET).collections == MEMBERS
    with Butler.from_config(str(by_hand / repo)) as butler:
        children = butler.collections.get_info("LATISS/calib").children
    assert tuple(children) == (TICKET, "LATISS/calib/reference")


@pytest.mark.parametrize(("dataset_type", "exposure"), [("bias", 3), ("dark", 3), ("flat", 18)])
def test_the_pixels_are_the_same(walk: Walk, by_hand: Path, dataset_type: str, exposure: int):
    images = []
    for repo in (walk.first, by_hand / "second"):
        with Butler.from_config(str(repo), collections="LATISS/calib", instrument="LATISS") as butler:
            images.append(butler.get(dataset_type, exposure=ids(exposure, exposure)[0], detector=0))
    np.testing.assert_array_equal(images[1].data, images[0].data)


def test_verification_was_made(by_hand: Path):
    with Butler.from_config(str(by_hand / "first")) as butler:
        run = f"{BASE}/verifyBias.20240326a/run"
        statistics = butler.get("verifyBiasStats", instrument="LATISS", collections=run)
    assert statistics[ids(2, 2)[0]]["SUCCESS"] in (True, False)
    assert {*ids(1, 12)} <= {*statistics}


def test_the_permissions_are_the_same(by_hand: Path):
    files = [path for path in (by_hand / "second" / BASE).rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640}
