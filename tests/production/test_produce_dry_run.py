"""What the steps show with ``--dry-run``, and engines other than pipetask."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from lsst.daf.butler import Butler, DatasetType
from production_support import BASE, BEGIN, ENVIRONMENT, Walk, ids, produce, select_words

from lsst.ts.calibscripts.production import Ledger
from lsst.ts.calibscripts.production.ledger import Did
from lsst.ts.calibscripts.tables.products import PRODUCTS


@pytest.fixture
def fresh(walk: Walk, tmp_path: Path) -> Path:
    """Return a selection with names of its own, of which nothing is made yet."""
    path = tmp_path / "selection.yaml"
    path.write_text(walk.selection.read_text().replace("20240326a", "20240327b"))
    return path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["generate", "--only", "bias"], f"-o {BASE}/biasGen.20240327b"),
        (["verify", "--only", "bias"], f"-o {BASE}/verifyBias.20240327b"),
        (["approve"], f"verifyBiasStats --collections {BASE}/verifyBias.20240327b/run"),
        (["certify", *BEGIN], f"{BASE}/biasGen.20240327b/run {BASE}/bias.20240405a bias"),
        (["chain"], "butler collection-chain --mode prepend"),
        (["export"], "butler export-calibs --transfer copy"),
    ],
)
def test_a_step_shows_its_commands_and_does_nothing(fresh: Path, words: list[str], expected: str):
    result = produce(words[0], fresh, *words[1:], "--dry-run")
    assert result.exit_code == 0, result.output
    assert expected in result.output
    assert [*fresh.parent.iterdir()] == [fresh]


def test_select_shows_where_it_looks(walk: Walk, tmp_path: Path):
    result = produce(*select_words(walk.first, tmp_path / "x.yaml"), "--dry-run")
    assert result.exit_code == 0
    assert result.output.startswith(f"butler query-dimension-records {walk.first} exposure")
    assert not [*tmp_path.iterdir()]


def test_commands_that_only_look_need_no_more_than_the_repository(walk: Walk):
    looked = produce("check-deployed", walk.first, ids(18, 18)[0], "--dry-run")
    assert looked.exit_code == 0
    assert "NOTHING FOUND" not in looked.output
    types = sorted(product.dataset_type for product in PRODUCTS.values() if product.certified)
    assert looked.output.startswith(f"butler query-datasets {walk.first} {' '.join(types)} --collections")
    compared = produce("compare", walk.first, walk.first.parent / "none", "--collection", "c", "--dry-run")
    assert compared.exit_code == 0
    assert len(compared.output.splitlines()) == 2


def test_detectors_that_cannot_be_read(walk: Walk):
    result = produce("check-deployed", walk.first, ids(18, 18)[0], "--detectors", "all")
    assert result.exit_code == 1
    assert "--detectors: " in result.output


def test_a_type_that_is_not_registered_is_reported(site: Path, tmp_path: Path):
    repo = shutil.copytree(site, tmp_path / "repo")
    with Butler.from_config(str(repo), writeable=True) as butler:
        made = butler.query_datasets("ptc", collections="*", find_first=False)
        butler.pruneDatasets(made, disassociate=True, unstore=True, purge=True)
        butler.registry.removeDatasetType("ptc")
    result = produce("check-deployed", repo, ids(18, 18)[0])
    assert "ptc      detector 0: NOTHING FOUND: no such dataset type is registered" in result.output


def test_a_selection_that_cannot_be_written(walk: Walk, tmp_path: Path):
    (tmp_path / "file").touch()
    result = produce(*select_words(walk.first, tmp_path / "file" / "selection.yaml"))
    assert result.exit_code == 1
    assert "cannot be written" in result.output


def test_types_that_nobody_made_and_nobody_expects_are_not_reported(site: Path, tmp_path: Path):
    repo = shutil.copytree(site, tmp_path / "repo")
    with Butler.from_config(str(repo), writeable=True) as butler:
        dimensions = butler.dimensions.conform(("instrument", "detector"))
        butler.registry.registerDatasetType(
            DatasetType("fringe", dimensions, "StructuredDataDict", isCalibration=True)
        )
    result = produce("check-deployed", repo, ids(18, 18)[0])
    assert "bias     detector 0: " in result.output
    assert "fringe" not in result.output


def program(directory: Path, text: str) -> dict[str, str]:
    """Put a program of the name bps on the path."""
    path = directory / "bin" / "bps"
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o755)
    return {**ENVIRONMENT, "PATH": f"{path.parent}:{os.environ['PATH']}"}


needs_no_bps = pytest.mark.skipif(
    Path(sys.executable).with_name("bps").exists(), reason="ctrl_bps is installed, and would be used"
)


@needs_no_bps
def test_without_ctrl_bps_it_is_said_how_to_install_it(fresh: Path):
    words = ("generate", fresh, "--only", "defects", "--engine", "bps")
    result = produce(*words, environment={**ENVIRONMENT, "PATH": ""})
    assert result.exit_code == 1
    assert (
        "Program bps is missing in this environment: pip install 'lsst-ts-calibscripts[bps]'" in result.output
    )


@needs_no_bps
def test_a_program_that_does_not_run(fresh: Path):
    environment = program(fresh.parent, "neither a script nor a program")
    result = produce("generate", fresh, "--only", "defects", "--engine", "bps", environment=environment)
    assert result.exit_code == 1
    assert "bps could not be run: " in result.output


@needs_no_bps
def test_what_is_submitted_is_looked_for_afterwards(fresh: Path):
    """Its exit code is 0 even where quanta have failed, so it decides nothing."""
    environment = program(fresh.parent, '#!/bin/sh\necho "$@"\n')
    result = produce("generate", fresh, "--only", "defects", "--engine", "bps", environment=environment)
    assert result.exit_code == 1
    assert f"{BASE}/defectGen.20240327b/run has no defects of detectors 0 (exit code 0" in result.output
    submitted = fresh.parent / "bps" / "defectGen.20240327b.yaml"
    assert yaml.safe_load(submitted.read_text())["payload"]["outputRun"] == f"{BASE}/defectGen.20240327b/run"
    (entry,) = Ledger.beside(fresh).events(Did)
    assert Path(entry.facts["log"]).read_text().splitlines()[-1] == f"submit {submitted}"
