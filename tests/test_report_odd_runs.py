"""Reports on what is not as usual: cameras of nine detectors, parts that cannot be read, records that break off."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from lsst.daf.butler import Butler
from recorded import Rehearsed, recorded_run, rehearsed_once

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.plan import StepId
from lsst.ts.calibscripts.record import read_record
from lsst.ts.calibscripts.report.account import Account, ProductAccount, Standing, of_collections, of_record
from lsst.ts.calibscripts.report.amplifiers import amplifier_table
from lsst.ts.calibscripts.report.page import as_html
from lsst.ts.calibscripts.report.reading.evidence import (
    Evidence,
    Grid,
    Image,
    Nominal,
    Outcome,
    PairGain,
    Verification,
)
from lsst.ts.calibscripts.report.sections import detector_rows, failure_table
from lsst.ts.calibscripts.summit.hardware.focalplane import detectors
from lsst.ts.calibscripts.tables.products import PRODUCTS
from lsst.ts.calibscripts.testing.memory import Behaviour
from lsst.ts.calibscripts.verification import Failure, Statistics, Verdict, judge, reading

GENERATING = {
    "generate_calibrations": True,
    "n_bias": 4,
    "n_dark": 4,
    "exp_times_dark": 5,
    "n_flat": 2,
    "exp_times_flat": 1,
    "repo": "/no/such/repo",
}
EXPOSURES = (2026091800001, 2026091800002)
NAMES = tuple(detector.full_name for detector in detectors("LSSTComCam"))


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    return rehearsed_once(tmp_path_factory.getbasetemp())


@pytest.fixture
def repo(rehearsed: Rehearsed, tmp_path: Path) -> Path:
    """Return a copy of the repository that may be altered."""
    return Path(shutil.copytree(rehearsed.repo, tmp_path / "repo"))


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)], catch_exceptions=False)


# A camera of nine detectors.


def verdict(*failures: Failure) -> Verdict:
    statistics = Statistics(failures, frozenset(EXPOSURES))
    return judge(statistics, exposures=EXPOSURES, detectors=NAMES, threshold=8, image_type="BIAS")


def grid(**changes: Any) -> Grid:
    shape = len(EXPOSURES), len(NAMES), 2
    values = {"NOISE": np.full(shape, 6.0, np.float32)}
    outcomes = {"NOISE": np.full(shape, Outcome.PASSED, np.int8)}
    given: dict[str, Any] = {"amplifiers": ("C10", "C11"), "values": values, "outcomes": outcomes} | changes
    return Grid(
        EXPOSURES, NAMES, given.pop("amplifiers"), given.pop("values"), given.pop("outcomes"), **given
    )


def comcam(*verifications: Verification, **evidence: Any) -> Account:
    products = tuple(ProductAccount(v.product, Standing.PASSED, "It passed.") for v in verifications)
    found = Evidence(verifications, **evidence)
    return Account("LSSTComCam calibrations", "LSSTComCam", "/repo/LSSTComCam", None, products, found, {})


def test_detectors_of_a_small_camera_are_named_in_the_plane():
    page = as_html(comcam(Verification("BIAS", "run", verdict(), grid())))
    assert all(f">{name}</text>" in page for name in NAMES)


def test_gains_of_several_detectors_are_shown_by_their_ratio():
    gains = [PairGain(name, (), {"C10": 1.1, "C11": math.nan}, {"C10": 5.0}, "electron") for name in NAMES]
    nominal = {(name, "C10"): 1.0 for name in NAMES[:-1]}
    page = as_html(comcam(gains=tuple(gains), nominal=Nominal(nominal)))
    assert "gain / nominal" in page


def test_tests_of_whole_detectors_count_and_have_values():
    scatter = np.full((2, len(NAMES)), Outcome.PASSED, np.int8)
    scatter[1, 4] = Outcome.FAILED
    values = np.full((2, len(NAMES)), 0.5, np.float32)
    found = grid(detector_outcomes={"SCATTER": scatter}, detector_values={"SCATTER": values})
    assert detector_rows(found) == ((NAMES[4], (0, 1)),)
    failures = [Failure(EXPOSURES[1], NAMES[4], None, "SCATTER"), Failure(EXPOSURES[1], None, None, "OTHER")]
    table = failure_table([Verification("FLAT", "run", verdict(*failures), found)])
    assert [cells[-2:] for cells, _ in table.rows] == [("SCATTER", "0.5"), ("OTHER", "")]


def test_a_verification_without_statistics_has_no_columns():
    lost = reading.Verification(PRODUCTS["DARK"], "", EXPOSURES, NAMES, {}).failed("lost")
    found = Evidence(
        (Verification("BIAS", "run", verdict(), grid()), Verification("DARK", "run", lost, None))
    )
    assert not any("DARK" in head for head in amplifier_table(found).heads)
    assert "DARK" in as_html(comcam(*found.verifications))


def test_amplifiers_of_other_names_and_values_that_are_none_are_left_blank():
    nothing = {"NOISE": np.full((2, len(NAMES), 2), np.nan, np.float32)}
    page = as_html(
        comcam(Verification("BIAS", "run", verdict(), grid(amplifiers=("A", "B"), values=nothing)))
    )
    assert "<svg" in page


def test_pictures_of_a_constant_and_of_nothing():
    flat = [Image("combined bias", name, np.zeros((8, 8), np.float32), "electron", 0.0) for name in NAMES]
    blank = [
        Image("combined dark", name, np.full((8, 8), np.nan, np.float32), "electron", 0.0) for name in NAMES
    ]
    page = as_html(comcam(Verification("BIAS", "run", verdict(), grid()), images=(*flat, *blank)))
    assert page.lower().count("combined bias") > page.lower().count("combined dark")


# Parts that cannot be read.


def replaced(repo: Path, dataset_type: str, run: str, content: Any) -> None:
    with Butler.from_config(str(repo), writeable=True) as butler:
        for ref in butler.query_datasets(dataset_type, collections=run):
            butler.pruneDatasets([ref], purge=True, unstore=True, disassociate=True)
            if content is not None:
                butler.put(content, dataset_type, ref.dataId, run=run)


def run_of(rehearsed: Rehearsed, step: str) -> str:
    job = rehearsed.record.job(StepId.read(step))
    assert job is not None
    return f"{job.collection}/run"


def sentence(account: Account, product: str) -> str:
    verification = account.evidence.verification(product)
    assert verification is not None
    return verification.verdict.reason


def test_statistics_that_are_lost_or_damaged_fail(rehearsed: Rehearsed, repo: Path):
    replaced(repo, "verifyBiasStats", run_of(rehearsed, "VERIFY BIAS"), None)
    replaced(
        repo, "verifyDarkStats", run_of(rehearsed, "VERIFY DARK"), {EXPOSURES[0]: "text", "SUCCESS": False}
    )
    account = of_record(rehearsed.record, str(repo), images=())
    assert sentence(account, "BIAS").endswith("holds no verifyBiasStats")
    assert sentence(account, "DARK").endswith("expected a mapping, found 'text'")


def test_a_detector_that_was_skipped_in_one_exposure_is_no_pass(rehearsed: Rehearsed, repo: Path):
    run = run_of(rehearsed, "VERIFY DARK")
    assert of_record(rehearsed.record, str(repo), images=()).evidence.verifications[1].verdict.passed
    with Butler.from_config(str(repo), writeable=True) as butler:
        ref, *_ = butler.query_datasets("verifyDarkDetStats", collections=run)
        butler.pruneDatasets([ref], purge=True, unstore=True, disassociate=True)
    reports = (
        of_record(rehearsed.record, str(repo), images=()),
        of_collections([run.removesuffix("/run")], str(repo), images=()),
    )
    for account in reports:
        assert sentence(account, "DARK").endswith("does not hold statistics of all exposures for detector 0")
    assert reports[1].products[0].standing is Standing.NOT_JUDGED


def test_a_file_that_cannot_be_read_is_reported_and_the_rest_reported(rehearsed: Rehearsed, repo: Path):
    (defects,) = (repo / run_of(rehearsed, "GENERATE DEFECTS")).rglob("defects_*.*")
    defects.write_bytes(b"damaged")
    account = of_record(rehearsed.record, str(repo), images=())
    (problem,) = account.evidence.problems
    assert problem.startswith("The defects cannot be read: ")
    assert account.evidence.curves


# Without a record.


@pytest.mark.parametrize(("form", "ending"), [("text", "txt"), ("markdown", "md"), ("html", "html")])
def test_collections_are_reported_in_every_form(rehearsed: Rehearsed, tmp_path: Path, form: str, ending: str):
    job = rehearsed.record.job(StepId.read("VERIFY BIAS"))
    assert job is not None
    what = "--collections", str(job.collection), "--repo", rehearsed.repo, "--no-images"
    told = command("report", *what, "--format", form, "--out", tmp_path)
    assert told.exit_code == 0, told.output
    (written,) = tmp_path.iterdir()
    assert told.output == f"{written}\n"
    assert written.suffix == f".{ending}"
    assert "BIAS" in written.read_text()


# Records that break off.


async def test_a_record_that_breaks_off_tells_which_jobs_ran(tmp_path: Path):
    record, _ = await recorded_run(tmp_path, GENERATING, usual=Behaviour(seconds=5.0))
    lines = record.path.read_text().splitlines(keepends=True)
    last = next(n for n, line in enumerate(lines) if "JobEnded" in line or '"event":"JobEnded"' in line)
    broken = tmp_path / "broken" / record.path.name
    broken.parent.mkdir()
    broken.write_text("".join(lines[:last]))
    found = read_record(broken)
    assert "GENERATE BIAS: running (job " in command("report", broken, "--format", "text").output
    assert "the record ends before the job did" in command("replay", broken).output
    assert found.jobs[0].result is None


async def test_a_stopped_run_tells_what_it_aborted(tmp_path: Path):
    record, _ = await recorded_run(
        tmp_path, GENERATING, usual=Behaviour(seconds=500.0), stop="Taking 3 flats.*"
    )
    assert any(job.aborted for job in record.jobs)
    assert "aborted" in command("report", record.path, "--format", "text").output
