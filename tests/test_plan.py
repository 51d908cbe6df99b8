"""The plan: which exposures, which steps, after which."""

import itertools
from typing import Any

import pytest

from lsst.ts.calibscripts.config import ConfigValidator, LatissConfig, json_schema, parse
from lsst.ts.calibscripts.plan import Action, Plan, StepId, build, plan_warnings
from lsst.ts.calibscripts.tables.bootstraps import everything_before
from lsst.ts.calibscripts.tables.products import PRODUCTS, ImageType

VALIDATOR = ConfigValidator(json_schema(LatissConfig), LatissConfig)

G, V, C = Action.GENERATE, Action.VERIFY, Action.CERTIFY


def plan_of(**given: object) -> Plan:
    return build(parse(VALIDATOR.validate(given), LatissConfig), n_detectors=1)


def graph_of(plan: Plan) -> dict[str, tuple[set[str], set[str]]]:
    return {str(s.id): ({str(i) for i in s.images}, {str(a) for a in s.after}) for s in plan.steps}


def test_empty_configuration_is_the_documented_daily_default():
    plan = plan_of()
    taken = {s.image_type: [e.exposure_time for e in s.exposures] for s in plan.sets}
    assert taken[ImageType.BIAS] == [0.0] * 21
    assert taken[ImageType.DARK] == [5.0] * 5 + [15.0] * 2 + [30.0] * 16
    assert taken[ImageType.FLAT] == [5.0] * 21
    assert [s.n_discarded for s in plan.sets] == [1, 1, 1]
    assert [str(s) for s in plan.sets] == [
        "21 biases (first 1 discarded)",
        "23 darks (first 1 discarded)",
        "21 flats (first 1 discarded)",
    ]
    assert graph_of(plan) == {
        "VERIFY BIAS": ({"BIAS"}, set()),
        "VERIFY DARK": ({"DARK"}, set()),
        "VERIFY FLAT": ({"FLAT"}, set()),
        "GENERATE GAIN": ({"FLAT"}, set()),
    }


def test_generating_everything():
    plan = plan_of(
        generate_calibrations=True,
        do_defects=True,
        do_ptc=True,
        n_flat=6,
        exp_times_flat=[1, 1, 2, 2, 4, 4],
    )
    assert graph_of(plan) == {
        "GENERATE BIAS": ({"BIAS"}, set()),
        "VERIFY BIAS": ({"BIAS"}, {"GENERATE BIAS"}),
        "CERTIFY BIAS": (set(), {"GENERATE BIAS", "VERIFY BIAS"}),
        "GENERATE DARK": ({"DARK"}, {"GENERATE BIAS"}),
        "VERIFY DARK": ({"DARK"}, {"GENERATE DARK"}),
        "CERTIFY DARK": (set(), {"GENERATE DARK", "VERIFY DARK", "CERTIFY BIAS"}),
        "GENERATE FLAT": ({"FLAT"}, {"GENERATE BIAS", "GENERATE DARK"}),
        "VERIFY FLAT": ({"FLAT"}, {"GENERATE FLAT"}),
        "CERTIFY FLAT": (set(), {"GENERATE FLAT", "VERIFY FLAT", "CERTIFY BIAS", "CERTIFY DARK"}),
        "GENERATE DEFECTS": ({"DARK", "FLAT"}, {"GENERATE BIAS", "GENERATE DARK", "GENERATE FLAT"}),
        "CERTIFY DEFECTS": (
            set(),
            {
                "GENERATE DEFECTS",
                "CERTIFY BIAS",
                "CERTIFY DARK",
                "CERTIFY FLAT",
            },
        ),
        "GENERATE PTC": ({"FLAT"}, {"GENERATE BIAS", "GENERATE DARK"}),
        "CERTIFY PTC": (set(), {"GENERATE PTC", "CERTIFY BIAS", "CERTIFY DARK"}),
    }
    verdicts = {str(s.id): {str(v) for v in s.once_over} for s in plan.steps if s.once_over}
    assert verdicts == {"CERTIFY DEFECTS": {"VERIFY DARK", "VERIFY FLAT"}, "CERTIFY PTC": {"VERIFY FLAT"}}


def test_waiting_for_certification_replaces_generated_by_certified():
    plan = plan_of(generate_calibrations=True, wait_for_certification=True)
    assert graph_of(plan)["GENERATE DARK"] == ({"DARK"}, {"CERTIFY BIAS"})
    assert graph_of(plan)["GENERATE FLAT"] == ({"FLAT"}, {"CERTIFY BIAS", "CERTIFY DARK"})


@pytest.mark.parametrize(
    ("mode", "steps"),
    [
        ("BIAS", {"GENERATE BIAS", "VERIFY BIAS", "CERTIFY BIAS"}),
        ("DARK", {"GENERATE DARK", "VERIFY DARK", "CERTIFY DARK"}),
        ("FLAT", {"GENERATE FLAT", "VERIFY FLAT", "CERTIFY FLAT", "GENERATE GAIN"}),
    ],
)
def test_a_mode_with_one_type_reads_the_rest_from_collections(mode: str, steps: set[str]):
    plan = plan_of(script_mode=mode, generate_calibrations=True)
    assert {str(step.id) for step in plan.steps} == steps
    assert str(plan.steps[0].id) == f"GENERATE {mode}"
    assert plan.steps[0].after == ()


def test_external_verification_certifies_defects_and_ptc_only():
    plan = plan_of(do_defects=True, do_ptc=True, n_flat=6, exp_times_flat=[1, 1, 2, 2, 4, 4])
    assert graph_of(plan) == {
        "VERIFY BIAS": ({"BIAS"}, set()),
        "VERIFY DARK": ({"DARK"}, set()),
        "VERIFY FLAT": ({"FLAT"}, set()),
        "GENERATE DEFECTS": ({"DARK", "FLAT"}, set()),
        "CERTIFY DEFECTS": (set(), {"GENERATE DEFECTS"}),
        "GENERATE PTC": ({"FLAT"}, set()),
        "CERTIFY PTC": (set(), {"GENERATE PTC"}),
    }
    assert {str(step) for step in plan.spoiled("FLAT")} == {"CERTIFY DEFECTS", "CERTIFY PTC"}


def test_without_verification_there_is_no_verify_step():
    plan = plan_of(script_mode="BIAS_DARK", generate_calibrations=True, do_verify=False)
    assert graph_of(plan)["CERTIFY BIAS"] == (set(), {"GENERATE BIAS"})
    assert not [step for step in plan.steps if step.id.action is V]


def test_ptc_replaces_gain():
    flats = {"n_flat": 6, "exp_times_flat": [1, 1, 2, 2, 4, 4]}
    assert StepId(G, "GAIN") in {s.id for s in plan_of(**flats).steps}
    assert StepId(G, "GAIN") not in {s.id for s in plan_of(do_ptc=True, **flats).steps}


MODES = ["BIAS", "DARK", "FLAT", "BIAS_DARK", "BIAS_DARK_FLAT"]


@pytest.mark.parametrize(
    ("mode", "generating", "verifying", "waiting"),
    list(itertools.product(MODES, *[[True, False]] * 3)),
)
def test_steps_come_after_what_they_need_and_certification_after_all_origins(
    mode: str, generating: bool, verifying: bool, waiting: bool
):
    plan = plan_of(
        script_mode=mode,
        generate_calibrations=generating,
        do_verify=verifying,
        wait_for_certification=waiting,
        do_defects=mode == "BIAS_DARK_FLAT",
    )
    seen: set[StepId] = set()
    for step in plan.steps:
        assert set(step.after) <= seen
        seen.add(step.id)
        if step.id.action is C:
            for origin in everything_before(step.id.product):
                assert (StepId(C, origin) in step.after) == (StepId(G, origin) in seen)
    certifying = {step.id.product for step in plan.steps if step.id.action is C}
    assert certifying == ({*mode.split("_")} if generating else set()) | (
        {"DEFECTS"} if mode == "BIAS_DARK_FLAT" else set()
    )


def test_a_failed_bias_spoils_everything_made_from_it():
    plan = plan_of(generate_calibrations=True)
    spoiled = {str(step) for step in plan.spoiled("BIAS")}
    assert spoiled == {
        "CERTIFY BIAS",
        *(f"{action} {product}" for action in Action for product in ("DARK", "FLAT")),
        "GENERATE GAIN",
    }
    assert not plan.worth_taking(ImageType.DARK, plan.spoiled("BIAS"))
    assert not plan.worth_taking(ImageType.FLAT, plan.spoiled("BIAS"))


def test_a_failed_dark_leaves_the_bias_alone():
    plan = plan_of(generate_calibrations=True)
    assert not {step for step in plan.spoiled("DARK") if step.product == "BIAS"}
    assert not plan.worth_taking(ImageType.FLAT, plan.spoiled("DARK"))


def test_an_external_failure_spoils_no_other_type():
    plan = plan_of()
    assert plan.spoiled("BIAS") == ()
    assert plan.worth_taking(ImageType.DARK, {StepId(V, "BIAS")})


def test_a_failed_flat_keeps_ptc_and_defects_from_being_certified():
    plan = plan_of(
        generate_calibrations=True, do_defects=True, do_ptc=True, n_flat=6, exp_times_flat=[1, 1, 2, 2, 4, 4]
    )
    spoiled = {str(step) for step in plan.spoiled("FLAT")}
    assert spoiled == {"CERTIFY FLAT", "GENERATE DEFECTS", "CERTIFY DEFECTS", "CERTIFY PTC"}


def test_images_without_any_step_are_always_worth_taking():
    plan = plan_of(script_mode="BIAS", do_verify=False)
    assert plan.steps == ()
    assert plan.products == ("BIAS",)
    assert plan.worth_taking(ImageType.BIAS, set())


def test_camera_time_and_duration():
    plan = plan_of(script_mode="BIAS_DARK", n_dark=2, exp_times_dark=10, wait_between_exposures=3)
    assert plan.camera_seconds == pytest.approx(21 * (2 + 3) + 3 * (10 + 2 + 3))
    assert plan.seconds > plan.camera_seconds
    flats = plan_of(script_mode="FLAT", n_flat=2, exp_times_flat=4)
    assert flats.camera_seconds == pytest.approx(3 * (4 + 2 + 1))
    assert plan_of(script_mode="BIAS", do_verify=False).seconds == pytest.approx(21 * 2)


def test_every_product_is_made_from_products_before_it():
    names = list(PRODUCTS)
    for name, product in PRODUCTS.items():
        assert all(names.index(origin) < names.index(name) for origin in product.made_from)
    assert list(everything_before("DEFECTS")) == ["BIAS", "DARK", "FLAT"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, []),
        ({"pipetask_timeout": 110, "n_bias": 20, "script_mode": "BIAS"}, []),
        (
            {"pipetask_timeout": 1, "script_mode": "BIAS"},
            [
                "pipetask_timeout is 1 s, but VERIFY BIAS is estimated to take 40 s: a job that reaches the timeout"
            ],
        ),
        (
            {"pipetask_timeout": 39, "script_mode": "BIAS_DARK"},
            ["pipetask_timeout is 39 s, but VERIFY DARK is estimated to take 41 s, and another job"],
        ),
        (
            {"oods_timeout": 0.001},
            ["oods_timeout is 0.001 s, which is too short: images need about 5 s to arrive"],
        ),
        (
            {"n_bias": 200, "n_dark": 60, "exp_times_dark": 900},
            [
                "Camera time: 15 h 26 min (201 biases (first 1 discarded), 61 darks (first 1 discarded) of 900 s, 21 "
                "flats (first 1 discarded) of 5 s), which is unusually long."
            ],
        ),
        (
            {
                "n_dark": 60,
                "exp_times_dark": 900,
                "exposures": {"DARK": [2026091800002], "BIAS": [2026091800001]},
            },
            [],
        ),
    ],
)
def test_what_is_unusual_about_a_plan(given: dict[str, Any], words: list[str]) -> None:
    config = parse(VALIDATOR.validate(given), LatissConfig)
    found = list(plan_warnings(config, build(config, n_detectors=1), 1))
    assert len(found) == len(words)
    assert [word for word, text in zip(words, found, strict=True) if not text.startswith(word)] == []
