"""What a production refuses, and how it tells that something failed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import yaml
from lsst.daf.butler import Butler
from production_support import BASE, BEGIN, DAY, ENVIRONMENT, NAMES, Walk, ids, produce, select_words

from lsst.ts.calibscripts.production import Ledger, contents
from lsst.ts.calibscripts.production.ledger import Did


def edited(walk: Walk, tmp_path: Path, **changes: object) -> Path:
    """Return a copy of the selection with other entries in one or more sets; None takes a set out."""
    content = yaml.safe_load(walk.selection.read_text())
    for label, change in changes.items():
        if change is None:
            del content["sets"][label.replace("_", "-")]
        else:
            content["sets"][label.replace("_", "-")] |= change
    path = tmp_path / "selection.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def test_darks_among_the_flats_are_refused_before_anything_starts(walk: Walk, tmp_path: Path):
    path = edited(walk, tmp_path, flat_g={"generate": [f"{DAY}00014..{DAY}00019"], "rerun": "20240328a"})
    result = produce("generate", path, "--only", "flat-g")
    assert result.exit_code == 1
    assert f"flat-g: {DAY}00014..{DAY}00016 are DARK, not FLAT" in result.output
    assert f"flat-g: {DAY}00017 is the first of its set" in result.output
    assert "Nothing was started." in result.output
    assert not (tmp_path / "logs").exists()


def test_references_that_nobody_has_are_named_before_anything_starts(walk: Walk, tmp_path: Path):
    with Butler.from_config(str(walk.first), writeable=True) as butler:
        chain = f"{NAMES.instrument}/calib"
        children = butler.collections.get_info(chain).children
        butler.collections.redefine_chain(chain, [name for name in children if "reference" not in name])
    try:
        path = edited(walk, tmp_path, bias={"rerun": "20240328a"}, flat_g={"rerun": "20240328a"})
        result = produce("generate", path, "--only", "bias", "--only", "flat-g")
    finally:
        with Butler.from_config(str(walk.first), writeable=True) as butler:
            butler.collections.redefine_chain(chain, children)
    assert result.exit_code == 1
    output = " ".join(result.output.split())
    assert "bias and flat-g need crosstalk, but the selection makes none, and LATISS/calib has none" in output
    assert "for detector 0 that is valid for these exposures." in output
    assert "Nothing was started." in output
    assert not (tmp_path / "logs").exists()


def test_another_selection_is_never_overwritten(walk: Walk, tmp_path: Path):
    path = edited(walk, tmp_path, bias={"generate": [f"{DAY}00002..{DAY}00011"]})
    before = path.read_text()
    result = produce(*select_words(walk.first, path))
    assert result.exit_code == 1
    assert "holds another selection" in result.output
    assert path.read_text() == before


def test_days_without_exposures(walk: Walk, tmp_path: Path):
    result = produce(*select_words(walk.first, tmp_path / "x.yaml"), "--day-obs", "20240101..20240131")
    assert result.exit_code == 1
    assert "bias: no set of suitable exposures" in result.output
    assert "Looked at 0 exposures" in result.output
    assert not (tmp_path / "x.yaml").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--day-obs", "yesterday"], "yesterday"),
        (["--reason", "daily"], "'daily' must be written TYPE=VALUE"),
        (["--exposure-time", "flat=long"], "long"),
        (["--instrument", "HSC"], "Unknown instrument HSC: give --detectors"),
        (["--ticket", "43525"], "a ticket such as DM-43525"),
    ],
)
def test_requests_that_cannot_be_understood(walk: Walk, tmp_path: Path, words: list[str], problem: str):
    result = produce(*select_words(walk.first, tmp_path / "x.yaml"), *words)
    assert result.exit_code == 1
    assert problem in result.output


def test_other_exposures_than_it_was_made_from(walk: Walk, tmp_path: Path):
    path = edited(walk, tmp_path, bias={"generate": [f"{DAY}00003..{DAY}00012"]})
    result = produce("generate", path, "--only", "bias")
    assert result.exit_code == 1
    assert f"was made from other exposures than are selected now: it has {DAY}00002" in result.output
    assert "Write another `rerun`" in result.output


def test_another_bias_than_it_was_made_from(walk: Walk, tmp_path: Path):
    path = edited(walk, tmp_path, bias={"rerun": "20240327a"})
    for step in ("generate", "verify"):
        result = produce(step, path, "--only", "dark")
        assert result.exit_code == 1
        assert f"{BASE}/biasGen.20240326a/run, and would now be made from" in result.output
        assert f"{BASE}/biasGen.20240327a/run. Write another `rerun`" in result.output


def test_unknown_label(walk: Walk):
    result = produce("generate", walk.selection, "--only", "flat-y")
    assert result.exit_code == 1
    assert "The selection has no flat-y, only bias, dark" in result.output


def test_pipelines_that_are_not_set_up(walk: Walk, monkeypatch: pytest.MonkeyPatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    result = produce("generate", walk.selection, environment={})
    assert result.exit_code == 1
    assert "CP_PIPE_DIR is not set" in result.output


def test_a_label_of_a_task_that_there_is_not(walk: Walk, tmp_path: Path):
    path = edited(walk, tmp_path, bias={"options": "-c cpBiasIrs:doDefect=False"})
    result = produce("generate", path, "--only", "bias")
    assert result.exit_code == 1
    assert "bias: options: no task has the label 'cpBiasIrs'" in result.output


def test_nothing_is_certified_that_is_not_approved(walk: Walk, tmp_path: Path):
    # The ledger of this copy is empty.
    path = edited(walk, tmp_path)
    result = produce("certify", path, "--only", "dark", *BEGIN)
    assert result.exit_code == 1
    assert "dark is not approved as it is now: see `produce approve`." in result.output
    assert "Nothing was certified." in result.output


def test_what_it_was_made_from_is_certified_first(walk: Walk, tmp_path: Path):
    path = edited(walk, tmp_path)
    path.write_text(path.read_text().replace("20240405a", "20240406a"))
    given = "--approved-by", "TAXICAB", "--reason", "nice", "--despite-failures", "nice all the same"
    assert produce("approve", path, *given).exit_code == 0
    result = produce("certify", path, "--only", "dark", *BEGIN)
    assert result.exit_code == 1
    assert "dark was made from bias, which is not certified: certify both." in result.output


def test_what_was_made_from_something_that_is_no_longer_selected_is_not_certified(walk: Walk, tmp_path: Path):
    path = edited(walk, tmp_path, bias={"rerun": "20240327a"})
    given = "--approved-by", "TAXICAB", "--reason", "nice", "--despite-failures", "nice all the same"
    assert produce("approve", path, "--only", "dark", *given).exit_code == 0
    result = produce("certify", path, "--only", "dark", *BEGIN)
    assert result.exit_code == 1
    assert f"dark was made from {BASE}/biasGen.20240326a/run, which is not in the selection." in result.output


def test_approval_needs_a_name_and_reasons(walk: Walk, tmp_path: Path):
    path = edited(walk, tmp_path)
    shown = produce("approve", path, "--only", "bias")
    assert shown.exit_code == 0
    assert "Nothing was approved: certification waits for --approved-by" in shown.output
    without = produce("approve", path, "--approved-by", "TAXICAB")
    assert without.exit_code == 1
    assert "--approved-by needs --reason" in without.output
    failed = produce("approve", path, "--only", "dark", "--approved-by", "TAXICAB", "--reason", "nice")
    assert failed.exit_code == 1
    assert "dark was not approved, since it failed its verification" in failed.output
    assert not (tmp_path / "selection.record.jsonl").exists()


def test_conflicts_come_first(walk: Walk):
    before = contents(str(walk.first), "LATISS/calib")
    result = produce("certify", walk.selection, "--begin-date", "2024-03-21")
    assert result.exit_code == 1
    assert result.output.count("which overlaps [2024-03-21, open)") == 6
    assert "Nothing was certified." in result.output
    assert contents(str(walk.first), "LATISS/calib") == before


def test_what_is_not_certified_is_neither_chained_nor_exported(walk: Walk, tmp_path: Path):
    path = edited(walk, tmp_path)
    path.write_text(path.read_text().replace("20240405a", "20240406a"))
    for step in ("chain", "export"):
        result = produce(step, path)
        assert result.exit_code == 1
        assert f"{BASE}/bias.20240406a" in result.output
        assert "certify it first" in result.output.lower()


def test_a_damaged_export_is_not_imported(walk: Walk, site: Path, tmp_path: Path):
    shutil.copytree(site, tmp_path / "third")
    shutil.copytree(walk.work / "calibs.20240405a", tmp_path / "brought")
    (damaged,) = (tmp_path / "brought").rglob("dark_*.fits")
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    result = produce("import-to", tmp_path / "third", tmp_path / "brought" / "selection.yaml")
    assert result.exit_code == 1
    assert "is damaged" in result.output
    assert damaged.name in result.output
    with Butler.from_config(str(tmp_path / "third")) as butler:
        assert not butler.collections.query_info(f"{BASE}*")


def test_another_export_is_not_overwritten(walk: Walk, tmp_path: Path):
    (tmp_path / "taken").mkdir()
    result = produce("export", walk.selection, "--to", tmp_path / "taken")
    assert result.exit_code == 1
    assert "is not an export of `produce export`" in result.output


def test_a_failed_job_is_noticed_and_can_be_repeated(site: Path, tmp_path: Path):
    """A raw file has lost its end; when it is whole again, the next run takes up what is there."""
    shutil.copytree(site, tmp_path / "repo")
    path = tmp_path / "selection.yaml"
    assert (
        produce(
            *select_words(tmp_path / "repo", path), "--type", "bias", "--type", "dark", "--number", "3"
        ).exit_code
        == 0
    )
    (raw,) = (tmp_path / "repo").rglob(f"raw_*{DAY}_000004*.fits")
    whole = raw.read_bytes()
    raw.write_bytes(whole[: len(whole) // 2])
    failed = produce("generate", path)
    assert failed.exit_code == 1
    assert (
        f"bias: FAILED: {BASE}/biasGen.20240326a/run has no bias of detectors 0 (exit code 1" in failed.output
    )
    assert "dark was not started: bias of detectors 0 is not generated" in failed.output
    _, entry = Ledger(tmp_path / "selection.record.jsonl").events(Did)
    assert (entry.step, entry.what, entry.succeeded) == ("generate", "bias", False)
    assert Path(entry.facts["log"]).read_text().startswith("pipetask --long-log run")
    raw.write_bytes(whole)
    repeated = produce("generate", path, "--only", "bias")
    assert repeated.exit_code == 0, repeated.output
    assert "--extend-run --clobber-outputs" in repeated.output
    assert "already done" in produce("generate", path, "--only", "bias").output


SPARING = """#!{python}
import os, re, sys
words = [re.sub(r",\\d+\\)$", ")", word) for word in sys.argv[1:]]
os.execv({pipetask!r}, ["pipetask", *words])
"""
"""A pipetask that leaves out the last exposure of its data query without a word."""


def test_a_job_that_left_out_an_exposure_is_noticed(
    site: Path, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(site, tmp_path / "repo")
    path = tmp_path / "selection.yaml"
    words = select_words(tmp_path / "repo", path)
    assert produce(*words, "--type", "bias", "--number", "3").exit_code == 0
    program = tmp_path / "pipetask"
    program.write_text(SPARING.format(python=sys.executable, pipetask=str(programs / "pipetask")))
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    failed = produce("generate", path)
    assert failed.exit_code == 1
    assert f"bias: FAILED: {BASE}/biasGen.20240326a/run was made from other exposures" in failed.output
    assert f"it lacks {DAY}0000" in failed.output
    (_, entry) = Ledger(tmp_path / "selection.record.jsonl").events(Did)
    assert not entry.succeeded


def test_compare_needs_two(walk: Walk):
    assert produce("compare", walk.first, "--collection", "LATISS/calib").exit_code == 2


def test_an_exposure_that_is_not_known(walk: Walk):
    result = produce("check-deployed", walk.first, ids(99, 99)[0])
    assert result.exit_code == 1
    assert f"Exposure {DAY}00099 is unknown" in result.output
