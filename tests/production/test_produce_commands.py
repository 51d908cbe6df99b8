"""The commands that are printed, and the configuration for ctrl_bps."""

import shlex
from pathlib import Path

import pytest
import yaml
from production_support import NAMES, ids, selection

from lsst.ts.calibscripts.ground.time_range import TimeRange
from lsst.ts.calibscripts.ocps.pipelines import Installed
from lsst.ts.calibscripts.ocps.task_options import TaskOptions
from lsst.ts.calibscripts.production import BPS_LOCAL, Bps, Pipetask
from lsst.ts.calibscripts.production import commands as c
from lsst.ts.calibscripts.production.selection.selection import ExposureChoice

BASE = "LATISS/calib/DM-43525/lowerSetTemp"
BIAS = ExposureChoice("bias", ids(2, 3), ids(1, 1))
DARK = ExposureChoice("dark", ids(5, 6))
FLAT_G = ExposureChoice("flat-g", ids(8, 9), physical_filter="SDSSg_65mm~empty", rerun="20240328a")
FLAT_R = ExposureChoice("flat-r", ids(11, 12), physical_filter="SDSSr_65mm~empty")
DEFECTS = ExposureChoice("defects", (*ids(5, 6), *ids(8, 9)))
ALL = selection(BIAS, DARK, FLAT_G, FLAT_R, DEFECTS)
OPTIONS = TaskOptions(("-c", "cpBiasIsr:doDefect=False"))
PIPELINE = Installed("${CP_PIPE_DIR}/pipelines/LATISS/cpBias.yaml")


@pytest.mark.parametrize(
    ("choice", "verifying", "fresh"),
    [
        (BIAS, False, []),
        (BIAS, True, ["biasGen.20240326a"]),
        (DARK, False, ["biasGen.20240326a"]),
        (DARK, True, ["darkGen.20240326a", "biasGen.20240326a"]),
        (FLAT_R, False, ["darkGen.20240326a", "biasGen.20240326a"]),
        (FLAT_R, True, ["flatGen-r.20240326a", "darkGen.20240326a", "biasGen.20240326a"]),
        (
            DEFECTS,
            False,
            # They are looked for in the light of their exposures.
            ["flatGen-g.20240328a", "darkGen.20240326a", "biasGen.20240326a"],
        ),
    ],
)
def test_fresh_calibrations_are_searched_first(choice: ExposureChoice, verifying: bool, fresh: list[str]):
    expected = (*(f"{BASE}/{name}/run" for name in fresh), "LATISS/calib", "LATISS/raw/all")
    assert c.input_collections(ALL, choice, verifying=verifying) == expected


def test_pipetask():
    job = c.job(ALL, BIAS, PIPELINE, verifying=False, options=OPTIONS, processes=4)
    (text,) = Pipetask().commands(job)
    assert text == (
        "pipetask --long-log run -b repo -p '${CP_PIPE_DIR}/pipelines/LATISS/cpBias.yaml' "
        f"-i LATISS/calib,LATISS/raw/all -o {BASE}/biasGen.20240326a --output-run {BASE}/biasGen.20240326a/run "
        "-d \"instrument='LATISS' AND detector IN (0) AND exposure IN (2024032600002,2024032600003)\" "
        "-j 4 --register-dataset-types -c cpBiasIsr:doDefect=False"
    )
    assert tuple(shlex.split(text)) == job.pipetask()


def test_pipetask_goes_on():
    job = c.job(ALL, BIAS, PIPELINE, verifying=False)
    assert {*job.pipetask(again=True)} - {*job.pipetask()} == {"--extend-run", "--clobber-outputs"}


def test_verification_has_all_exposures():
    job = c.job(ALL, BIAS, PIPELINE, verifying=True)
    assert job.name == "verifyBias.20240326a"
    assert "exposure IN (2024032600001,2024032600002,2024032600003)" in job.query


def test_bps(tmp_path: Path):
    engine = Bps(BPS_LOCAL, tmp_path)
    job = c.job(ALL, BIAS, PIPELINE, verifying=False, options=OPTIONS)
    content = yaml.safe_load(engine.content(job))
    assert content["includeConfigs"] == [str(BPS_LOCAL)]
    assert content["payload"]["output"] == f"{BASE}/biasGen.20240326a"
    assert content["payload"]["outputRun"] == job.run
    assert content["payload"]["dataQuery"] == job.query
    assert content["extraQgraphOptions"] == "-c cpBiasIsr:doDefect=False"
    write, submit = engine.commands(job)
    assert write.splitlines()[0] == f"cat > {tmp_path}/biasGen.20240326a.yaml <<'EOF'"
    assert submit == f"bps submit {tmp_path}/biasGen.20240326a.yaml"
    again = yaml.safe_load(engine.content(job, again=True))
    assert again["extraQgraphOptions"].startswith("--extend-run --clobber-outputs")


def test_bps_on_one_machine_clusters_quanta():
    clusters = yaml.safe_load(BPS_LOCAL.read_text())["cluster"]
    labels = {label: one["dimensions"] for one in clusters.values() for label in one["pipetasks"].split(",")}
    assert len(labels) == sum(len(one["pipetasks"].split(",")) for one in clusters.values())
    # ctrl_bps takes a cluster with the name of a label for that task, and finds a cycle.
    assert not labels.keys() & clusters.keys()
    assert labels["cpBiasCombine"] == labels["verifyFlatDet"] == "detector"
    # These look at all detectors of an exposure, or at all exposures.
    assert labels["verifyBias"] == labels["verifyFlatExp"] == "instrument"
    assert "cpFlatNormalize" not in labels


@pytest.mark.parametrize(
    ("begin", "end", "dates"),
    [
        ("2024-04-10", None, "--begin-date 2024-04-10 "),
        ("2024-04-10", "2024-05-01", "--begin-date 2024-04-10 --end-date 2024-05-01 "),
    ],
)
def test_certify(begin: str, end: str | None, dates: str):
    assert c.shell_text(c.certify(ALL, FLAT_G, TimeRange.of(begin, end))) == (
        f"butler certify-calibrations {dates}repo {BASE}/flatGen-g.20240328a/run {BASE}/flat-g.20240405a flat"
    )


def test_chain_export_and_import(tmp_path: Path):
    members = [ALL.certified(choice) for choice in (BIAS, FLAT_G)]
    assert c.shell_text(c.chain("repo", NAMES.chain, members)) == (
        "butler collection-chain --mode prepend repo LATISS/calib/DM-43525 "
        f"{BASE}/bias.20240405a {BASE}/flat-g.20240405a"
    )
    assert c.shell_text(c.export(selection(BIAS), Path("calibs.20240405a"))) == (
        f"butler export-calibs --transfer copy repo calibs.20240405a {BASE}/bias.20240405a"
    )
    assert c.shell_text(c.import_("main", Path("calibs.20240405a"))) == (
        "butler import main calibs.20240405a --transfer copy --export-file calibs.20240405a/export.yaml "
        "-s instrument -s detector -s physical_filter"
    )
    assert c.change_modes("main", NAMES.base, Path("a b.fits")) == (
        f"find main/{BASE} -type f -exec chmod --reference='a b.fits' {{}} +"
    )


@pytest.mark.parametrize(
    "words",
    [("a", "b c"), ("it's", "$HOME"), ("it's $HOME",), ('"', "'", "`x`"), ("",), ("x='1' AND y IN (2)", "!")],
)
def test_a_shell_reads_what_was_meant(words: tuple[str, ...]):
    assert tuple(shlex.split(c.shell_text(words))) == words
