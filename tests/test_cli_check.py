"""`calibscripts check`, as it is typed."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.summit.butler.rehearsal import make_rehearsal_repository

EXAMPLES = Path(__file__).parent / "data" / "examples"
PIPELINES = Path(__file__).parents[1] / "python/lsst/ts/calibscripts/summit/pipelines"
LATISS = "auxtel/make_latiss_calibrations.py"


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_rehearsal_repository(tmp_path_factory.mktemp("cli") / "repo", seed=1, filters=[])


def run(*words: str | Path, text: str | None = None) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, words)], input=text)


@pytest.mark.parametrize(
    ("example", "exit_code", "words"),
    [
        ("daily_default", 0, ["23 darks (first 1 discarded)", "OK: 0 problems, 0 warnings"]),
        ("weekly_4_sdssy", 0, ["21 x 30 s; filter empty_1, grating SDSSy_65mm"]),
        ("latiss_numbers_and_times", 0, ["No two consecutive flats", "OK: 0 problems, 1 warning"]),
        (
            "latiss_internal_verification",
            1,
            ["lines 3 and 4: certify_calib_begin_date", "line 2: calibration_col"],
        ),
        (
            "latiss_ptc",
            1,
            ["line 6: write `generate_calibrations: True`", "line 4: filter: replace the placeholder"],
        ),
        (
            "latiss_exposure_times",
            1,
            ["line 2: exp_times_flats: unknown property; did you mean exp_times_flat?"],
        ),
    ],
)
def test_examples_of_the_documents(example: str, exit_code: int, words: list[str]) -> None:
    result = run(LATISS, EXAMPLES / f"{example}.yaml")
    assert result.exit_code == exit_code, result.output
    assert [word for word in words if word not in result.output] == []
    assert ("REFUSED" in result.output) is bool(exit_code)


def test_standard_input_and_another_camera() -> None:
    result = run("maintel/make_lsstcam_calibrations.py", "-", text="script_mode: BIAS\nn_bias: 5\n")
    assert result.exit_code == 0
    assert "on LSSTCam, detectors 0..188, repository /repo/LSSTCam" in result.output
    missing = run("maintel/make_lsstcam_calibrations.py", "-", text="")
    assert missing.exit_code == 1
    assert "script_mode: is missing: must be one of BIAS, DARK" in missing.output


def test_json_of_a_plan() -> None:
    text = "script_mode: BIAS\nn_bias: 2\ngenerate_calibrations: True\n"
    result = run(LATISS, "-", "--json", text=text)
    told = json.loads(result.output)
    assert result.exit_code == 0
    assert (told["script"], told["ok"], told["problems"], told["repository"]) == (LATISS, True, [], None)
    assert told["warnings"][0].startswith("Few images: n_bias is 2.")
    plan = told["plan"]
    assert plan["images"] == [
        {"image_type": "BIAS", "exposure_times": [0.0, 0.0, 0.0], "n_discarded": 1, "taken_before": []}
        | {"counts_target": None}
    ]
    assert plan["jobs"][1] == {
        "step": "VERIFY BIAS",
        "pipeline": "${CP_VERIFY_DIR}/pipelines/LATISS/verifyBias.yaml",
        "options": "",
        "tasks": None,
        "reading": None,
        "images": ["BIAS"],
        "after": ["GENERATE BIAS"],
        "inputs": ["RUN of GENERATE BIAS", "LATISS/calib/daily (where it exists)", "LATISS/calib"],
    }
    (certified,) = plan["certified"]
    assert (certified["collection"], certified["begin"]) == ("LATISS/calib/daily", "1950-01-01")
    assert (plan["camera_seconds"], plan["estimated_seconds"]) == (6.0, 68.0)


def test_json_of_a_refusal() -> None:
    result = run(LATISS, "-", "--json", text="n_bias=3\n")
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "script": LATISS,
        "ok": False,
        "problems": ["line 1: write `n_bias: 3` instead of `n_bias=3`"],
        "warnings": [],
        "plan": None,
        "repository": None,
    }


def test_repository_and_pipelines(repo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = (LATISS, "-", "--repo", repo, "--pipelines")
    text = "script_mode: BIAS_DARK\n"
    unread = run(*words, text=text)
    assert unread.exit_code == 1
    assert "verifyBias.yaml, verifyDark.yaml cannot be read on this machine" in unread.output
    monkeypatch.setenv("CP_PIPE_DIR", str(PIPELINES / "cp_pipe"))
    monkeypatch.setenv("CP_VERIFY_DIR", str(PIPELINES / "cp_verify"))
    read = run(*words, text=text)
    assert read.exit_code == 0, read.output
    assert "dark: found in LATISS/calib for detector 0" in read.output
    flats = run(*words, "--json", text="script_mode: FLAT\n")
    assert flats.exit_code == 1
    references = json.loads(flats.output)["repository"]["references"]
    assert {"bias", "dark", "linearizer", "crosstalk"} <= {found["dataset_type"] for found in references}
    assert [found["dataset_type"] for found in references if found["missing"]] == ["flat"]
    (bias,) = (found["sources"] for found in references if found["dataset_type"] == "bias")
    assert [source["detectors"] for source in bias] == [[0]]
    assert bias[0]["written"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("sleep.py", "-"),
            "this package has no script sleep.py; it has auxtel/make_latiss_calibrations.py",
        ),
        (("auxtel/make_latis_calibrations.py", "-"), "did you mean auxtel/make_latiss_calibrations.py?"),
    ],
)
def test_unknown_scripts(words: tuple[str, ...], told: str) -> None:
    result = run(*words, text="")
    assert result.exit_code == 1
    assert told in result.output


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"n_bias: \xff\xfe\n")
    result = run(LATISS, tmp_path / "x.yaml")
    assert result.exit_code == 1
    assert "x.yaml: line 1: byte 0xff is not UTF-8" in result.output
    assert run(LATISS, tmp_path / "y.yaml").exit_code == 2


def test_what_salobj_takes_out_is_no_property() -> None:
    result = run(LATISS, "-", text="metadata: {author: me}\nscript_mode: BIAS\n")
    assert result.exit_code == 0, result.output
    assert "OK: 0 problems, 0 warnings" in result.output


def test_a_date_that_does_not_exist_hides_nothing() -> None:
    result = run(LATISS, "-", text="certify_calib_begin_date: 2022-02-30\nn_biases: 3\nn_dark: 0\n")
    assert result.exit_code == 1
    words = (
        "line 1: the date 2022-02-30 does not exist",
        "line 2: n_biases: unknown",
        "line 3: n_dark: must be",
    )
    assert [word for word in words if word not in result.output] == []
    assert "REFUSED: 3 problems" in result.output


def test_defects_that_only_bootstraps_make_are_refused_without_a_repository_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "pipelines" / "LATISS"
    shutil.copytree(PIPELINES / "cp_pipe", tmp_path, dirs_exist_ok=True)
    definition = "description: x\ntasks:\n  cpDefects:\n    class: a.B\n    config:\n"
    for bootstrap in directory.glob("*Bootstrap.yaml"):
        bootstrap.unlink()
    (directory / "cpDefects.yaml").write_text(
        definition
        + "".join(f"      connections.{kind}: {kind}Bootstrap\n" for kind in ("bias", "dark", "flat"))
    )
    monkeypatch.setenv("CP_PIPE_DIR", str(tmp_path))
    monkeypatch.setenv("CP_VERIFY_DIR", str(PIPELINES / "cp_verify"))
    text = "do_defects: True\ncalib_collection: u/me/x\ncertify_calib_end_date: null\n"
    result = run(LATISS, "-", text=text)
    assert result.exit_code == 1
    words = " ".join(result.output.split())
    assert (
        "do_defects: the installed cpDefects.yaml reads biasBootstrap, darkBootstrap, flatBootstrap, which no "
        "step of this run makes."
    ) in words
    assert "check with --repo; else set do_defects to False." in words


def test_the_variable_that_a_verification_imports_from_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANALYSIS_TOOLS_DIR", raising=False)
    monkeypatch.setenv("CP_VERIFY_DIR", str(tmp_path))
    (tmp_path / "pipelines" / "LATISS").mkdir(parents=True)
    imports = "description: x\nimports:\n  - $ANALYSIS_TOOLS_DIR/pipelines/cpCore.yaml\n"
    (tmp_path / "pipelines" / "LATISS" / "verifyBias.yaml").write_text(imports)
    result = run(LATISS, "-", "--pipelines", text="script_mode: BIAS\n")
    assert result.exit_code == 1
    words = " ".join(result.output.split())
    assert "set ANALYSIS_TOOLS_DIR to the directory of analysis_tools that the OCPS uses" in words
    assert "set CP_VERIFY_DIR" not in words
