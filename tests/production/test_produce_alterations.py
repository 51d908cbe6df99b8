"""A production in a repository that somebody has altered since, or that cannot be written to."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from lsst.daf.butler import Butler, CollectionType, Timespan
from production_support import BASE, BEGIN, CERTIFIED, DAY, TICKET, Walk, ids, produce

from lsst.ts.calibscripts.production import Ledger, contents
from lsst.ts.calibscripts.production.ledger import Did
from lsst.ts.calibscripts.report.account import of_collections

BIAS_RUN, BIAS_VERIFICATION = f"{BASE}/biasGen.20240326a/run", f"{BASE}/verifyBias.20240326a/run"


@pytest.fixture
def copy(walk: Walk, tmp_path: Path) -> Path:
    """Return the selection of a copy of the repository, whose ledger is empty."""
    shutil.copytree(walk.first, tmp_path / "repo")
    content = yaml.safe_load(walk.selection.read_text()) | {"repo": str(tmp_path / "repo")}
    path = tmp_path / "selection.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def edit(path: Path, **changes: object) -> None:
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes, sort_keys=False))


def opened(path: Path) -> Butler:
    return Butler.from_config(str(path.parent / "repo"), writeable=True)


def rewrite(path: Path, dataset_type: str, run: str, change: Callable[[Any], Any]) -> None:
    """Put other datasets of a type in place of those in a RUN; None takes them out."""
    with opened(path) as butler:
        for ref in butler.query_datasets(dataset_type, collections=run):
            content = change(butler.get(ref))
            butler.pruneDatasets([ref], purge=True, unstore=True, disassociate=True)
            if content is not None:
                butler.put(content, dataset_type, ref.dataId, run=run)


def failing(detector: str) -> Callable[[Any], Any]:
    """Let all exposures of statistics fail in a detector of that name."""
    failures = [f"{detector} C{amplifier:02} NOISE" for amplifier in range(16)]

    def change(statistics: dict[Any, Any]) -> dict[Any, Any]:
        of_exposures = {
            key: {"SUCCESS": False, "FAILURES": failures} for key in statistics if key != "SUCCESS"
        }
        return {**of_exposures, "SUCCESS": False}

    return change


def refuse(path: Path, table: str) -> None:
    """Let the database of a repository refuse new rows of a table."""
    database = sqlite3.connect(path.parent / "repo" / "gen3.sqlite3")
    database.execute(
        f"CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    )
    database.close()


def test_the_only_detector_by_another_name_fails(copy: Path):
    rewrite(copy, "verifyBiasStats", BIAS_VERIFICATION, failing("R22_S11"))
    result = produce("approve", copy, "--only", "bias", "--approved-by", "TAXICAB", "--reason", "nice")
    assert result.exit_code == 1
    assert "13 of 13 exposures failed" in result.output
    assert "bias was not approved, since it failed its verification" in result.output


def test_the_only_detector_by_another_name_fails_in_a_report_too(copy: Path):
    rewrite(copy, "verifyBiasStats", BIAS_VERIFICATION, failing("R22_S11"))
    account = of_collections([BIAS_VERIFICATION], str(copy.parent / "repo"), images=())
    judged = account.evidence.verification("BIAS")
    assert judged is not None
    assert len(judged.verdict.failed_exposures) == 13
    assert not judged.verdict.passed


def test_detectors_there_are_not_are_no_verification(copy: Path):
    with opened(copy) as butler:
        second = {"instrument": "LATISS", "id": 1, "full_name": "RXX_S01"}
        butler.registry.insertDimensionData("detector", second)
    rewrite(copy, "verifyBiasStats", BIAS_VERIFICATION, failing("R22_S11"))
    result = produce("approve", copy, "--only", "bias", "--approved-by", "TAXICAB", "--reason", "nice")
    assert result.exit_code == 1
    assert "they name unknown detectors: R22_S11" in result.output


def test_statistics_that_lack_an_exposure_are_reported(copy: Path):
    def lacking(statistics: dict[Any, Any]) -> dict[Any, Any]:
        return {key: value for key, value in statistics.items() if str(key) != str(ids(2, 2)[0])}

    rewrite(copy, "verifyBiasStats", BIAS_VERIFICATION, lacking)
    result = produce("verify", copy, "--only", "bias")
    assert result.exit_code == 1
    assert f"verify bias failed: no statistics of {ids(2, 2)[0]}" in result.output


def test_a_calibration_that_was_taken_out_is_not_approved(copy: Path):
    rewrite(copy, "bias", BIAS_RUN, lambda _: None)
    result = produce("approve", copy, "--only", "bias", "--approved-by", "TAXICAB", "--reason", "nice")
    assert result.exit_code == 1
    assert f"bias was not approved: it is not generated yet ({BIAS_RUN} holds no bias)" in result.output


def test_a_run_without_its_calibration_is_not_extended_with_other_exposures(copy: Path):
    rewrite(copy, "bias", BIAS_RUN, lambda _: None)
    sets = yaml.safe_load(copy.read_text())["sets"]
    edit(copy, sets=sets | {"bias": sets["bias"] | {"generate": [f"{DAY}00003..{DAY}00012"]}})
    result = produce("generate", copy, "--only", "bias")
    assert result.exit_code == 1
    assert f"bias was not started: {BIAS_RUN} was made from other exposures" in result.output


def test_a_run_that_was_made_without_an_image_of_a_detector_is_noticed(copy: Path):
    """What else there is of the exposure may be of other detectors."""
    run = f"{BASE}/darkGen.20240326a/run"
    with opened(copy) as butler:
        first, *_ = sorted(
            butler.query_datasets("cpDarkIsrExp", collections=run), key=lambda ref: ref.dataId["exposure"]
        )
        butler.pruneDatasets([first], purge=True, unstore=True, disassociate=True)
    result = produce("generate", copy, "--only", "dark")
    assert result.exit_code == 1
    assert (
        f"{run} was made without exposure {first.dataId['exposure']} of detector 0. Write another"
        in result.output
    )


def test_detectors_without_raw_images_are_refused(copy: Path):
    edit(copy, detectors="0..1")
    result = produce("generate", copy, "--only", "bias")
    assert result.exit_code == 1
    assert f"{DAY}00001..{DAY}00012 has no raw image of some detector" in result.output
    assert "Nothing was started." in result.output


def test_a_run_ends_where_an_approval_is_needed(copy: Path):
    before = contents(str(copy.parent / "repo"), TICKET)
    result = produce("run", copy, *BEGIN)
    assert result.exit_code == 0, result.output
    assert "Nothing was approved: certification waits for --approved-by" in result.output
    assert contents(str(copy.parent / "repo"), TICKET) == before
    assert not (copy.parent / "calibs.20240405a").exists()


def test_what_the_butler_refuses_to_certify_is_in_the_ledger(copy: Path):
    copy.write_text(copy.read_text().replace("20240405a", "20240406a"))
    approved = produce("approve", copy, "--only", "defects", "--approved-by", "TAXICAB", "--reason", "nice")
    assert approved.exit_code == 0, approved.output
    with opened(copy) as butler:
        butler.collections.register(f"{BASE}/defects.20240406a", CollectionType.RUN)
    result = produce("certify", copy, "--only", "defects", *BEGIN)
    assert result.exit_code == 1
    assert f"{BASE}/defects.20240406a" in result.output
    (entry,) = Ledger.beside(copy).events(Did)
    assert (entry.step, entry.what, entry.succeeded) == ("certify", "defects", False)


def test_a_chain_that_others_have_changed_is_not_undone(copy: Path):
    with opened(copy) as butler:
        butler.collections.redefine_chain("LATISS/calib", ["LATISS/calib/reference"])
        butler.collections.x_remove(TICKET)
    assert produce("chain", copy).exit_code == 0
    with opened(copy) as butler:
        butler.collections.register("newer", CollectionType.CALIBRATION)
        butler.collections.prepend_chain("LATISS/calib", "newer")
    result = produce("chain", copy, "--undo")
    assert result.exit_code == 1
    assert "were changed by others since" in result.output
    with opened(copy) as butler:
        assert butler.collections.get_info("LATISS/calib").children[0] == "newer"


def test_an_undone_chain_that_was_there_before_is_shown_without_the_new_children(copy: Path):
    with opened(copy) as butler:
        butler.collections.redefine_chain("LATISS/calib", [TICKET, "LATISS/calib/reference"])
        butler.collections.redefine_chain(TICKET, CERTIFIED[1:])
    assert produce("chain", copy).exit_code == 0
    shown = produce("chain", copy, "--undo", "--dry-run")
    assert (
        f"butler collection-chain --mode remove {copy.parent / 'repo'} {TICKET} {CERTIFIED[0]}"
        in shown.output
    )
    assert "remove-collections" not in shown.output


def test_a_collection_that_is_no_chain(copy: Path):
    with opened(copy) as butler:
        butler.collections.redefine_chain("LATISS/calib", ["LATISS/calib/reference"])
        butler.collections.x_remove(TICKET)
        butler.collections.register(TICKET, CollectionType.CALIBRATION)
    result = produce("chain", copy)
    assert result.exit_code == 1
    assert f"{TICKET} in {copy.parent / 'repo'} is a CALIBRATION collection, not a chain" in result.output


def test_an_exposure_between_two_validity_ranges_gets_none(copy: Path):
    """The bias before and the bias after: the butler does not choose, as in a pipeline."""
    exposure = ids(14, 14)[0]
    with opened(copy) as butler:
        ((record,), (ref,)) = (
            butler.query_dimension_records("exposure", instrument="LATISS", exposure=exposure),
            butler.query_datasets("bias", collections=BIAS_RUN),
        )
        middle = record.timespan.begin + 0.5 * (record.timespan.end - record.timespan.begin)
        butler.collections.register("another/run", CollectionType.RUN)
        other = butler.put(butler.get(ref), "bias", ref.dataId, run="another/run")
        butler.collections.register("two", CollectionType.CALIBRATION)
        butler.registry.certify("two", [ref], Timespan(None, middle))
        butler.registry.certify("two", [other], Timespan(middle, None))
    result = produce("check-deployed", copy.parent / "repo", exposure, "--collection", "two")
    assert result.exit_code == 1
    assert (
        "bias     detector 0: NOTHING FOUND: two holds 2 that are valid while it was exposed" in result.output
    )


def test_a_calibration_found_in_a_run_has_no_validity_range(copy: Path):
    result = produce("check-deployed", copy.parent / "repo", ids(14, 14)[0], "--collection", BIAS_RUN)
    assert f"in {BIAS_RUN}, valid [open, open) TAI" in result.output


def test_an_export_of_something_else_is_not_overwritten(walk: Walk, copy: Path):
    shutil.copytree(walk.work / "calibs.20240405a", copy.parent / "calibs.20240405a")
    sets = yaml.safe_load(copy.read_text())["sets"]
    edit(copy, sets={"bias": sets["bias"]})
    result = produce("export", copy)
    assert result.exit_code == 1
    assert "holds another export. Nothing was exported. Move it away first." in result.output


def test_an_export_that_cannot_be_written_is_in_the_ledger(copy: Path):
    (copy.parent / "file").touch()
    result = produce("export", copy, "--to", copy.parent / "file" / "calibs")
    assert result.exit_code == 1
    assert "failed: " in result.output
    (entry,) = Ledger.beside(copy).events(Did)
    assert (entry.step, entry.succeeded) == ("export", False)


def test_something_else_under_the_names_of_an_export_is_not_touched(walk: Walk, site: Path, tmp_path: Path):
    third = shutil.copytree(site, tmp_path / "third")
    brought = shutil.copytree(walk.work / "calibs.20240405a", tmp_path / "brought")
    with Butler.from_config(str(third), writeable=True) as butler:
        (ref,) = butler.query_datasets("bias", collections="LATISS/calib/reference", find_first=False)
        butler.collections.register(CERTIFIED[0], CollectionType.CALIBRATION)
        butler.registry.certify(CERTIFIED[0], [ref], Timespan(None, None))
    result = produce("import-to", third, brought / "selection.yaml")
    assert result.exit_code == 1
    assert f"{third} holds 1 datasets in the collections of this production" in result.output
    assert "Nothing was imported" in result.output


def test_an_import_that_fails_is_in_the_ledger(walk: Walk, site: Path, tmp_path: Path):
    third = shutil.copytree(site, tmp_path / "third")
    brought = shutil.copytree(walk.work / "calibs.20240405a", tmp_path / "brought")
    with Butler.from_config(str(third), writeable=True) as butler:
        butler.collections.register(CERTIFIED[0], CollectionType.TAGGED)
    result = produce("import-to", third, brought / "selection.yaml")
    assert result.exit_code == 1
    assert f"The import of {brought} into {third} failed and nothing was imported" in result.output
    (*_, entry) = Ledger.beside(brought / "selection.yaml").events(Did)
    assert (entry.step, entry.succeeded) == ("import-to", False)
    with Butler.from_config(str(third)) as butler:
        assert tuple(butler.collections.get_info("LATISS/calib").children) == ("LATISS/calib/reference",)


def test_an_import_keeps_the_permissions_where_no_others_are_asked_for(
    walk: Walk, site: Path, tmp_path: Path
):
    third = shutil.copytree(site, tmp_path / "third")
    brought = shutil.copytree(walk.work / "calibs.20240405a", tmp_path / "brought")
    shown = produce("import-to", third, brought / "selection.yaml", "--dry-run")
    assert "chmod" not in shown.output
    result = produce("import-to", third, brought / "selection.yaml")
    assert result.exit_code == 0, result.output
    assert "chmod" not in result.output
    (damaged,) = (third / BASE).rglob("bias_*.fits")
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    again = produce("import-to", third, brought / "selection.yaml")
    assert again.exit_code == 1
    assert f"Imported files differ from those exported: {damaged}" in again.output


def test_chains_that_the_database_refuses_are_as_before(copy: Path):
    with opened(copy) as butler:
        butler.collections.redefine_chain("LATISS/calib", ["LATISS/calib/reference"])
        butler.collections.x_remove(TICKET)
    refuse(copy, "collection_chain")
    result = produce("chain", copy)
    assert result.exit_code == 1
    assert "were not changed: " in result.output
    assert "the disk is full" in result.output
    with opened(copy) as butler:
        assert tuple(butler.collections.get_info("LATISS/calib").children) == ("LATISS/calib/reference",)


def test_a_raw_image_without_a_header_is_named(copy: Path):
    (raw,) = (copy.parent / "repo").rglob(f"raw_*{DAY}_000004*.fits")
    raw.write_bytes(b"")
    result = produce("generate", copy, "--only", "bias")
    assert result.exit_code == 1
    assert f"The header of LATISS exposure {ids(4, 4)[0]} cannot be read: " in result.output


def test_verification_skipped_images_of_a_detector(copy: Path):
    with opened(copy) as butler:
        refs = butler.query_datasets("verifyBiasDetStats", collections=BIAS_VERIFICATION)
        butler.pruneDatasets(refs[:1], purge=True, unstore=True, disassociate=True)
    result = produce("approve", copy, "--only", "bias", "--approved-by", "TAXICAB", "--reason", "nice")
    assert result.exit_code == 1
    assert "does not hold statistics of all exposures for detector 0" in result.output


def test_a_report_that_cannot_be_written_is_reported(copy: Path):
    (copy.parent / "reports").touch()
    result = produce("approve", copy, "--only", "bias")
    assert result.exit_code == 1
    assert f"The report {copy.parent / 'reports'}" in result.output


def test_a_calibration_that_was_replaced_after_its_verification_is_not_approved(copy: Path):
    rewrite(copy, "bias", BIAS_RUN, lambda bias: bias)
    result = produce("approve", copy, "--only", "bias", "--approved-by", "TAXICAB", "--reason", "nice")
    assert result.exit_code == 1
    assert f"the bias in {BIAS_RUN} was written after it was verified in {BIAS_VERIFICATION}" in result.output
    assert "Write another `rerun` into the selection" in result.output
    result = produce("verify", copy, "--only", "bias")
    assert result.exit_code == 1
    assert "already done" not in result.output
    result = produce("certify", copy, "--only", "bias", *BEGIN)
    assert result.exit_code == 1
    assert "bias is not approved as it is now" in result.output


def test_a_verification_that_was_repeated_is_of_the_calibration_that_exists(copy: Path):
    rewrite(copy, "bias", BIAS_RUN, lambda bias: bias)
    rewrite(copy, "verifyBiasStats", BIAS_VERIFICATION, lambda statistics: statistics)
    result = produce("approve", copy, "--only", "bias", "--approved-by", "TAXICAB", "--reason", "nice")
    assert result.exit_code == 0, result.output


def test_other_options_are_another_calibration(walk: Walk, copy: Path):
    shutil.copy(walk.selection.with_suffix(".record.jsonl"), copy.with_suffix(".record.jsonl"))
    result = produce("generate", copy, "--only", "bias")
    assert result.exit_code == 0, result.output
    assert "already done" in result.output
    sets = yaml.safe_load(copy.read_text())["sets"]
    edit(copy, sets=sets | {"bias": sets["bias"] | {"options": "-c cpBiasCombine:clip=4.0"}})
    result = produce("generate", copy, "--only", "bias")
    assert result.exit_code == 1
    assert "was made with options none, and would now be made with -c cpBiasCombine:clip=4.0" in result.output
