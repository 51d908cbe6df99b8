"""Arguments of OCPS jobs."""

from pathlib import Path

import pytest

from lsst.ts.calibscripts.config import ConfigValidator, LatissConfig, json_schema, parse
from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.ocps.pipelines import Installed
from lsst.ts.calibscripts.ocps.requests import (
    StepPipelines,
    data_query,
    input_collections,
    install,
    job_request,
    pairs_of,
)
from lsst.ts.calibscripts.ocps.task_options import TaskOptions
from lsst.ts.calibscripts.plan import Action, StepId, build

VALIDATOR = ConfigValidator(json_schema(LatissConfig), LatissConfig)
GENERATE_DARK = StepId(Action.GENERATE, "DARK")
PIPELINES = Path(__file__).parents[1] / "python/lsst/ts/calibscripts/summit/pipelines"


def config_of(**given: object) -> LatissConfig:
    return parse(VALIDATOR.validate(given), LatissConfig)


@pytest.mark.parametrize(
    ("detectors", "exposures", "expected"),
    [
        ([0], [5], "instrument='LATISS' AND detector IN (0) AND exposure IN (5)"),
        ([0, 1, 2], [5, 6], "instrument='LATISS' AND detector IN (0..2) AND exposure IN (5,6)"),
        ([4, 0, 1, 7, 8], [5], "instrument='LATISS' AND detector IN (0..1,4,7..8) AND exposure IN (5)"),
    ],
)
def test_data_query(detectors: list[int], exposures: list[int], expected: str):
    assert data_query("LATISS", detectors, exposures) == expected


def test_inputs_of_generation_are_the_fresh_runs_first():
    config = config_of(generate_calibrations=True, input_collections_flat="x/y, LATISS/calib")
    flat = StepId(Action.GENERATE, "FLAT")
    fresh = {"BIAS": "u/ocps/b/run", "DARK": "u/ocps/d/run"}
    assert input_collections(config, flat, fresh, calib_exists=False) == (
        "u/ocps/d/run",
        "u/ocps/b/run",
        "x/y",
        "LATISS/calib",
    )
    assert input_collections(config, flat, {}, calib_exists=True)[0] == "LATISS/calib/daily"


def test_inputs_of_verification_are_the_product_and_what_it_was_made_from():
    config = config_of(generate_calibrations=True)
    fresh = {"BIAS": "b", "DARK": "d"}
    verify = StepId(Action.VERIFY, "DARK")
    assert input_collections(config, verify, fresh, calib_exists=False) == ("d", "b", "LATISS/calib")


def test_external_verification_reads_what_the_user_named():
    config = config_of(input_collections_verify_dark="mine,LATISS/calib")
    verify = StepId(Action.VERIFY, "DARK")
    assert input_collections(config, verify, {}, calib_exists=True) == ("mine", "LATISS/calib")


def test_a_collection_is_named_once():
    config = config_of(generate_calibrations=True, calib_collection="LATISS/calib")
    assert input_collections(config, GENERATE_DARK, {}, calib_exists=True) == ("LATISS/calib",)


def test_job_request():
    pipelines = StepPipelines(
        {GENERATE_DARK: Installed("${CP_PIPE_DIR}/pipelines/LATISS/cpDark.yaml")},
        {GENERATE_DARK: TaskOptions(("-c", "cpDarkIsr:doDefect=False"))},
        (),
    )
    request = job_request(config_of(n_processes=4), GENERATE_DARK, pipelines, ("a", "b"), "query")
    assert request.name == "GENERATE DARK"
    assert request.pipeline == "${CP_PIPE_DIR}/pipelines/LATISS/cpDark.yaml"
    assert request.config == "-j 4 -i a,b --register-dataset-types -c cpDarkIsr:doDefect=False"
    assert request.data_query == "query"


def test_install_tells_every_wrong_option(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CP_PIPE_DIR", str(PIPELINES / "cp_pipe"))
    monkeypatch.setenv("CP_VERIFY_DIR", str(PIPELINES / "cp_verify"))
    config = config_of(
        generate_calibrations=True,
        config_options_bias="-c nope:x=1",
        config_options_dark="-c isr:doDefect=False",
        config_options_flat="-c never:y=2",
    )
    plan = build(config, n_detectors=1)
    with pytest.raises(ConfigurationError) as caught:
        install(config, plan, "LATISS")
    assert len(caught.value.problems) == 2
    assert "cpBiasCombine" in caught.value.problems[0]
    good = config_of(generate_calibrations=True, config_options_dark="-c isr:doDefect=False")
    found = install(good, build(good, n_detectors=1), "LATISS")
    assert str(found.options[GENERATE_DARK]) == "-c cpDarkIsr:doDefect=False"
    assert "translated to 'cpDarkIsr'" in found.warnings[0]


def test_pairs_are_consecutive_exposures_of_equal_time():
    times = dict(enumerate([0.1, 0.1, 0.35, 0.35, 0.6, 0.6, 1, 1.5, 1.7, 2.1, 2.3]))
    assert pairs_of(list(times), times) == ((0, 1), (2, 3), (4, 5))
    # One exposure of the second pair did not arrive.
    assert pairs_of([0, 1, 3, 4, 5], times) == ((0, 1), (4, 5))
