"""Reports on collections: what their RUNs made, and whether that very dataset is certified."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from lsst.daf.butler import Butler, CollectionType
from recorded import Rehearsed, rehearsed_once

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.errors import RepositoryError
from lsst.ts.calibscripts.plan import StepId
from lsst.ts.calibscripts.report.account import Standing, of_collections
from lsst.ts.calibscripts.report.page import as_html

CERTIFIED = "LATISS/calib/daily/test"


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    return rehearsed_once(tmp_path_factory.getbasetemp())


@pytest.fixture
def repo(rehearsed: Rehearsed, tmp_path: Path) -> Path:
    """Return a copy of the repository that may be altered."""
    return Path(shutil.copytree(rehearsed.repo, tmp_path / "repo"))


def job(rehearsed: Rehearsed, step: str) -> str:
    found = rehearsed.record.job(StepId.read(step))
    assert found is not None
    return str(found.collection)


def chained(repo: Path, name: str, *children: str, run: bool = False) -> None:
    """Make the chain of a job, with or without a RUN of its own."""
    with Butler.from_config(str(repo), writeable=True) as butler:
        if run:
            butler.collections.register(f"{name}/run", CollectionType.RUN)
            children = (f"{name}/run", *children)
        butler.collections.register(name, CollectionType.CHAINED)
        butler.collections.redefine_chain(name, children)


@pytest.mark.parametrize("run", [False, True])
@pytest.mark.parametrize("name", ["u/ocps/failed", "LATISS/calib/DM-1/tag/biasGen.20260918a"])
def test_a_job_that_made_nothing_does_not_show_its_inputs(repo: Path, name: str, run: bool):
    chained(repo, name, "LATISS/raw/all", "LATISS/calib", run=run)
    with pytest.raises(RepositoryError, match="A job that failed has made none"):
        of_collections([name], str(repo), images=())


def test_a_verification_is_not_certified_and_neither_is_what_it_read(rehearsed: Rehearsed):
    found = of_collections([job(rehearsed, "VERIFY BIAS"), CERTIFIED], str(rehearsed.repo), images=())
    product = found.products[0]
    assert product.product == "BIAS"
    assert product.verification == f"{job(rehearsed, 'VERIFY BIAS')}/run"


def test_a_job_is_certified_where_its_very_dataset_is(rehearsed: Rehearsed):
    name = job(rehearsed, "GENERATE BIAS")
    found = of_collections([name, CERTIFIED], str(rehearsed.repo), images=())
    certified = found.products[0].certified
    assert certified is not None
    assert certified.collection == CERTIFIED
    (alone,) = of_collections([name], str(rehearsed.repo), images=()).products
    # Into a collection that is in no chain that was looked at.
    assert alone.certified is None
    assert alone.standing is Standing.GENERATED
    assert "Not certified in" in alone.sentence


def test_a_bias_of_another_job_in_the_calibrations_does_not_count(rehearsed: Rehearsed, repo: Path):
    (before,) = of_collections([job(rehearsed, "GENERATE BIAS")], str(repo), images=()).products
    assert before.certified is None
    # The instrument's chain holds a bias all the while: that of another job.
    assert "GENERATE BIAS" in {str(s) for s in of_collections(["LATISS/calib"], str(repo), images=()).runs}


def test_a_calibration_collection_has_pictures(rehearsed: Rehearsed):
    found = of_collections([CERTIFIED], str(rehearsed.repo))
    text = as_html(found)
    assert text.count("data:image/png;base64,") == 3
    assert "Combined images that were not verified here" in text
    assert 'class="defect"' in text


def test_the_file_of_a_report_on_many_collections_has_a_short_name(rehearsed: Rehearsed, tmp_path: Path):
    jobs = [str(found.collection) for found in rehearsed.record.jobs]
    assert len(jobs) == 8
    names = set()
    for chosen in (jobs, jobs[:-1]):
        arguments = ["--collections", ",".join(chosen), "--repo", str(rehearsed.repo), "--no-images"]
        written = CliRunner().invoke(main, ["report", *arguments, "--out", str(tmp_path)])
        assert written.exit_code == 0, written.output
        names.add(Path(written.output.strip()).name)
    assert len(names) == 2
    assert max(map(len, names)) < 130
