"""Names of pipelines, subsets and labels, today's and older ones."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lsst.ts.calibscripts.check import check_values, look_up_pipelines
from lsst.ts.calibscripts.config.scripts import SCRIPTS
from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.ocps.pipelines import Installed, locate
from lsst.ts.calibscripts.ocps.task_options import check_options
from lsst.ts.calibscripts.tables.products import PRODUCTS

PIPELINES = Path(__file__).parents[1] / "python/lsst/ts/calibscripts/summit/pipelines"
TODAY = {"CP_PIPE_DIR": str(PIPELINES / "cp_pipe"), "CP_VERIFY_DIR": str(PIPELINES / "cp_verify")}

BIAS_VERIFIED = next(p.verify.pipeline for p in PRODUCTS.values() if p.verify is not None)


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Return a function that sets the directories of the packages."""

    def set_directories(directories: dict[str, str]) -> None:
        for name in TODAY:
            monkeypatch.delenv(name, raising=False)
        for name, directory in directories.items():
            monkeypatch.setenv(name, directory)

    return set_directories


Environ = Callable[[dict[str, str]], None]


def write(root: Path, name: str, text: str) -> None:
    path = root / "pipelines" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("product", "uri"),
    [
        ("BIAS", "${CP_PIPE_DIR}/pipelines/LATISS/cpBias.yaml"),
        ("DEFECTS", "${CP_PIPE_DIR}/pipelines/LATISS/cpDefects.yaml"),
        ("GAIN", "${CP_PIPE_DIR}/pipelines/LATISS/cpPtc.yaml#cpPtcGainFromFlatPairs"),
    ],
)
def test_today_s_names(product: str, uri: str, environ: Environ):
    for directories in ({}, {"CP_PIPE_DIR": "/does/not/exist"}):
        environ(directories)
        installed = locate(PRODUCTS[product].generate, "LATISS")
        assert (installed.uri, installed.labels) == (uri, None)
    environ(TODAY)
    installed = locate(PRODUCTS[product].generate, "LATISS")
    assert installed.uri == uri
    assert installed.labels


GAINS = "subsets:\n  {}:\n    subset: [isr]\n    description: y\n"
TASKS = "description: x\ntasks:\n  isr: lsst.ip.isr.IsrTask\n"


@pytest.mark.parametrize("instrument", ["LATISS", "LSSTComCam", "LSSTCam"])
@pytest.mark.parametrize(
    ("directories", "bias", "verify", "subset"),
    [
        (
            {"LATISS": "Latiss", "LSSTComCam": "LsstComCam", "LSSTCam": "LsstCam"},
            "{}/",
            "{}/Verify",
            "gainFromFlatPairs",
        ),
        (
            {"LATISS": "Latiss", "LSSTComCam": "LsstComCam", "LSSTCam": "LsstCam"},
            "{}/",
            "Verify",
            "generateGainFromFlatPair",
        ),
        ({}, "{}/", "{}/verify", "cpPtcGainFromFlatPairs"),
        ({}, "_ingredients/", "_ingredients/verify", "cpPtcGainFromFlatPairs"),
    ],
)
def test_names_of_every_year_since_2022(
    instrument: str,
    directories: dict[str, str],
    bias: str,
    verify: str,
    subset: str,
    tmp_path: Path,
    environ: Environ,
):
    environ({"CP_PIPE_DIR": str(tmp_path / "pipe"), "CP_VERIFY_DIR": str(tmp_path / "verify")})
    directory = directories.get(instrument, instrument)
    bias, verify = bias.format(directory), verify.format(directory)
    # What must not be taken instead: the general ones, and another camera's.
    for name in ("_ingredients", "LSSTCamSim"):
        write(tmp_path / "pipe", f"{name}/cpBias.yaml", TASKS)
        write(tmp_path / "verify", f"{name}/verifyBias.yaml", TASKS)
    write(tmp_path / "pipe", f"{bias}cpBias.yaml", TASKS)
    write(tmp_path / "pipe", f"{bias}cpPtc.yaml", TASKS + GAINS.format(subset))
    write(tmp_path / "verify", f"{verify}Bias.yaml", TASKS)
    assert [
        locate(pipeline, instrument).uri
        for pipeline in (PRODUCTS["BIAS"].generate, PRODUCTS["GAIN"].generate, BIAS_VERIFIED)
    ] == [
        f"${{CP_PIPE_DIR}}/pipelines/{bias}cpBias.yaml",
        f"${{CP_PIPE_DIR}}/pipelines/{bias}cpPtc.yaml#{subset}",
        f"${{CP_VERIFY_DIR}}/pipelines/{verify}Bias.yaml",
    ]


def test_variables_that_a_definition_imports_from_are_named(
    tmp_path: Path, environ: Environ, monkeypatch: pytest.MonkeyPatch
):
    environ({"CP_VERIFY_DIR": str(tmp_path)})
    monkeypatch.delenv("ANALYSIS_TOOLS_DIR", raising=False)
    imports = (
        "description: x\nimports:\n  - location: $CP_VERIFY_DIR/pipelines/_ingredients/verifyBias.yaml\n"
    )
    write(tmp_path, "LATISS/verifyBias.yaml", imports)
    core = "description: x\nimports:\n  - $ANALYSIS_TOOLS_DIR/pipelines/cpCore.yaml\ntasks:\n  a: b.C\n"
    write(tmp_path, "_ingredients/verifyBias.yaml", core)
    found = locate(BIAS_VERIFIED, "LATISS")
    assert (found.labels, found.unset) == (None, ("ANALYSIS_TOOLS_DIR",))
    assert found.warning.endswith(
        "cannot be read here, so options are not checked: it imports from $ANALYSIS_TOOLS_DIR, not set here"
    )
    monkeypatch.setenv("ANALYSIS_TOOLS_DIR", str(tmp_path / "tools"))
    write(tmp_path / "tools", "cpCore.yaml", TASKS)
    assert locate(BIAS_VERIFIED, "LATISS").labels == ("a", "isr")


def test_labels_are_those_of_the_subset(environ: Environ):
    environ(TODAY)
    gain = locate(PRODUCTS["GAIN"].generate, "LATISS").labels
    ptc = locate(PRODUCTS["PTC"].generate, "LATISS").labels
    assert gain is not None
    assert ptc is not None
    assert "cpPtcSolve" in ptc
    assert set(gain) < set(ptc)
    assert "cpPtcSolve" not in gain


def test_older_names_and_directories(tmp_path: Path, environ: Environ):
    environ({"CP_PIPE_DIR": str(tmp_path), "CP_VERIFY_DIR": str(tmp_path)})
    tasks = "description: x\ntasks:\n  isr: lsst.ip.isr.IsrTask\n"
    write(tmp_path, "Latiss/findDefects.yaml", tasks)
    write(tmp_path, "Latiss/VerifyBias.yaml", tasks)
    write(tmp_path, "_ingredients/cpBias.yaml", tasks)
    write(
        tmp_path,
        "Latiss/cpPtc.yaml",
        tasks + "subsets:\n  generateGainFromFlatPair:\n    subset: [isr]\n    description: y\n",
    )
    old = {
        "DEFECTS": "${CP_PIPE_DIR}/pipelines/Latiss/findDefects.yaml",
        "BIAS": "${CP_PIPE_DIR}/pipelines/_ingredients/cpBias.yaml",
        "GAIN": "${CP_PIPE_DIR}/pipelines/Latiss/cpPtc.yaml#generateGainFromFlatPair",
    }
    for product, uri in old.items():
        assert locate(PRODUCTS[product].generate, "LATISS").uri == uri
    assert locate(BIAS_VERIFIED, "LATISS").uri == "${CP_VERIFY_DIR}/pipelines/Latiss/VerifyBias.yaml"


def test_a_pipeline_that_is_not_installed_is_reported(tmp_path: Path, environ: Environ):
    environ({"CP_PIPE_DIR": str(tmp_path)})
    (tmp_path / "pipelines").mkdir()
    with pytest.raises(ConfigurationError, match=r"No pipeline cpBias\.yaml for LATISS"):
        locate(PRODUCTS["BIAS"].generate, "LATISS")


def test_a_definition_that_cannot_be_read_here_is_used_unchecked(tmp_path: Path, environ: Environ):
    environ({"CP_PIPE_DIR": str(tmp_path)})
    write(tmp_path, "LATISS/cpBias.yaml", "imports:\n  - location: $NOT_SET_HERE_DIR/x.yaml\n")
    installed = locate(PRODUCTS["BIAS"].generate, "LATISS")
    assert installed.uri == "${CP_PIPE_DIR}/pipelines/LATISS/cpBias.yaml"
    assert installed.labels is None
    assert "options are not checked" in installed.warning


def test_a_missing_subset_is_reported(tmp_path: Path, environ: Environ):
    environ({"CP_PIPE_DIR": str(tmp_path)})
    write(tmp_path, "LATISS/cpPtc.yaml", "description: x\ntasks:\n  isr: lsst.ip.isr.IsrTask\n")
    with pytest.raises(ConfigurationError, match=r"has no subset cpPtcGainFromFlatPairs .*, only tasks: "):
        locate(PRODUCTS["GAIN"].generate, "LATISS")


LINEARIZERS = """
description: linearizers
tasks:
  cpLinearizerIsr: lsst.ip.isr.IsrTaskLSST
  cpLinearizerSolve:
    class: lsst.cp.pipe.LinearitySolveTask
    config: {config}
"""


@pytest.mark.parametrize(
    ("config", "problems"),
    [
        # As that of LSSTComCam since October 2025: its connection was renamed for another class of task.
        ("{maxLinearAdu: 120000}", 1),
        ("{connections.outputLinearizer: linearizer}", 0),
    ],
)
def test_a_pipeline_that_does_not_write_its_product_is_refused(
    config: str, problems: int, tmp_path: Path, environ: Environ
):
    environ({**TODAY, "CP_PIPE_DIR": str(tmp_path)})
    shutil.copytree(PIPELINES / "cp_pipe", tmp_path, dirs_exist_ok=True)
    write(tmp_path, "LATISS/cpLinearizer.yaml", LINEARIZERS.format(config=config))
    given = {"generate_calibrations": True, "do_linearizer": True, "exp_times_flat": [1, 1, 2, 2, 3, 3]}
    checked = look_up_pipelines(
        check_values(SCRIPTS["auxtel/make_latiss_calibrations.py"], given), insist=True
    )
    assert len(checked.problems) == problems, checked.problems
    for problem in checked.problems:
        assert (
            "cpLinearizer.yaml with its options writes no linearizer, only linearity, postISRCCD" in problem
        )
        assert "(known from its definition)" in problem
        assert problem.endswith("else set do_linearizer to False.")


def test_options_that_rename_what_a_pipeline_writes_are_refused(environ: Environ):
    environ(TODAY)
    options = "-c cpBiasCombine:connections.outputData=mine"
    given = {"script_mode": "BIAS", "generate_calibrations": True, "config_options_bias": options}
    (problem,) = look_up_pipelines(
        check_values(SCRIPTS["auxtel/make_latiss_calibrations.py"], given), insist=True
    ).problems
    assert "writes no bias, only " in problem
    assert "(known from its tasks)" in problem
    assert "Check config_options_bias" in problem


BIAS = Installed("/x/cpBias.yaml", ("cpBiasIsr", "cpBiasCombine"))
"""A pipeline whose tasks are on another machine."""


@pytest.mark.parametrize(
    ("options", "expected", "warnings"),
    [
        ("", "", 0),
        ("-c cpBiasIsr:doDefect=False", "-c cpBiasIsr:doDefect=False", 0),
        ("-c isr:doDefect=False", "-c cpBiasIsr:doDefect=False", 1),
        (
            "--config isr:doDefect=False -c cpBiasCombine:x=1",
            "-c cpBiasIsr:doDefect=False -c cpBiasCombine:x=1",
            1,
        ),
        ("""-c 'cpBiasIsr:name=a b'""", "-c 'cpBiasIsr:name=a b'", 0),
    ],
)
def test_options(options: str, expected: str | None, warnings: int):
    checked = check_options(options, BIAS, "config_options_bias")
    assert str(checked) == (expected if expected is not None else options.replace("isr:", "cpBiasIsr:"))
    assert len(checked.warnings) == warnings


def test_an_unknown_label_names_those_there_are():
    with pytest.raises(ConfigurationError, match=r"no task has the label .cpBias.*cpBiasIsr, cpBiasCombine"):
        check_options("-c cpBias:x=1", BIAS, "config_options_bias")


def test_every_unknown_label_is_reported():
    with pytest.raises(ConfigurationError) as caught:
        check_options("-c cpBias:x=1 -c cpBiasIsr:doDefect=False -c y:x=1", BIAS, "config_options_bias")
    assert [problem.split(" (in ")[0] for problem in caught.value.problems] == [
        f"config_options_bias: no task has the label '{label}'" for label in ("cpBias", "y")
    ]


def test_isr_is_not_translated_where_there_is_no_or_more_than_one():
    for labels in (("a",), ("aIsr", "bIsr")):
        with pytest.raises(ConfigurationError, match="no task has the label 'isr'"):
            check_options("-c isr:x=1", Installed("/x/y.yaml", labels), "config_options_bias")


def test_labels_are_not_checked_where_they_cannot_be_read():
    assert check_options("-c whatever:x=1", Installed("/x/y.yaml"), "config_options_bias").words == (
        "-c",
        "whatever:x=1",
    )


@pytest.mark.parametrize(
    ("options", "problems"),
    [
        ("-c cpBiasIsr:doDefect=False -c cpBiasCombine:connections.outputData=bias", []),
        (
            "-c cpBiasIsr:doDefcet=False",
            ["cpBiasIsr:doDefcet=False is refused: ", "no attribute doDefcet", "did you mean doDefect"],
        ),
        (
            "-c isr:doDefect=Flase -c cpBiasCombine:nothing=1 -c cpBiasIsr:doDefect=True",
            [
                "cpBiasIsr:doDefect=Flase is refused: Field 'doDefect' failed",
                "cpBiasCombine:nothing=1 is refused",
            ],
        ),
    ],
)
def test_tasks_that_are_here_are_asked_about_their_options(
    options: str, problems: list[str], environ: Environ
):
    environ(TODAY)
    installed = locate(PRODUCTS["BIAS"].generate, "LATISS")
    if problems:
        with pytest.raises(ConfigurationError) as caught:
            check_options(options, installed, "config_options_bias")
        found = "\n".join(caught.value.problems)
        assert all(text in found for text in problems), found
        assert all(text.startswith("config_options_bias: ") for text in caught.value.problems)
    else:
        assert check_options(options, installed, "config_options_bias").words


def test_tasks_that_are_elsewhere_are_not_asked(environ: Environ, tmp_path: Path):
    write(tmp_path, "LATISS/cpBias.yaml", "description: bias\ntasks:\n  cpBiasIsr: lsst.somewhere.else.Isr\n")
    environ({"CP_PIPE_DIR": str(tmp_path)})
    installed = locate(PRODUCTS["BIAS"].generate, "LATISS")
    assert installed.labels == ("cpBiasIsr",)
    assert check_options("-c cpBiasIsr:anything=1", installed, "config_options_bias").words
