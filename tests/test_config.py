"""The properties of the scripts: what is accepted, what is refused and in which words."""

import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lsst.ts.calibscripts.config import (
    CalibrationsConfig,
    ComCamConfig,
    ConfigValidator,
    LatissConfig,
    LSSTCamConfig,
    exposure_times,
    flat_pairs,
    json_schema,
    option_settings,
    parse,
    read_yaml,
    schema_text,
    warnings,
    write_schemas,
)
from lsst.ts.calibscripts.errors import ConfigurationError

EXAMPLES = Path(__file__).parent / "data" / "examples"
SCHEMAS = Path(__file__).parents[1] / "schemas"
MODELS = (LatissConfig, ComCamConfig, LSSTCamConfig)
LATISS_DARKS = [5] * 5 + [15] * 2 + [30] * 16


def validator(model: type[CalibrationsConfig] = LatissConfig) -> ConfigValidator:
    return ConfigValidator(json_schema(model), model)


def accept(data: dict[str, Any] | None, model: type[CalibrationsConfig] = LatissConfig) -> CalibrationsConfig:
    return parse(validator(model).validate(data), model)


def refusal(data: Any, model: type[CalibrationsConfig] = LatissConfig) -> list[str]:
    with pytest.raises(jsonschema.ValidationError) as caught:
        validator(model).validate(data)
    assert str(caught.value) == caught.value.message
    return str(caught.value).splitlines()


# Exposure times and pairs


@pytest.mark.parametrize(
    ("times", "n", "n_discard", "expected"),
    [
        (5, 3, 1, (5.0,) * 4),
        (2.5, 2, 0, (2.5, 2.5)),
        ([1, 2, 3], 2, 1, (1.0, 2.0, 3.0)),
        ([2, 3], 2, 1, (2.0, 2.0, 3.0)),
        ([2, 3], 2, 2, (2.0, 2.0, 2.0, 3.0)),
        ([7], 1, 0, (7.0,)),
    ],
)
def test_exposure_times(times: Any, n: int, n_discard: int, expected: tuple[float, ...]) -> None:
    assert exposure_times(times, n, n_discard) == expected


@pytest.mark.parametrize(
    ("length", "n", "n_discard", "parts"),
    [
        (5, 3, 1, ["5 exposure times", "n_dark 3", "n_discard_dark 1", "list 4 times", "or 3"]),
        (3, 4, 0, ["3 exposure times", "n_dark 4", "n_discard_dark 0", "list 4 times"]),
        (5, 3, 1, ["5 exposure times"]),
    ],
)
def test_exposure_times_that_do_not_fit(length: int, n: int, n_discard: int, parts: list[str]) -> None:
    with pytest.raises(ValueError, match="do not fit") as caught:
        exposure_times([1.0] * length, n, n_discard, "DARK")
    assert [part for part in parts if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("times", "pairs", "unpaired"),
    [
        ([], (), ()),
        ([1], (), (0,)),
        ([1, 1], ((0, 1),), ()),
        ([1, 1, 1], ((0, 1),), (2,)),
        ([1, 2, 2, 1], ((1, 2),), (0, 3)),
        ([1, 1, 1, 1], ((0, 1), (2, 3)), ()),
    ],
)
def test_flat_pairs(times: list[float], pairs: Any, unpaired: Any) -> None:
    found = flat_pairs(times)
    assert (found.pairs, found.unpaired) == (pairs, unpaired)


@given(st.lists(st.sampled_from([1.0, 2.0, 3.0])))
def test_every_exposure_is_in_one_pair_or_in_none(times: list[float]) -> None:
    found = flat_pairs(times)
    assert sorted([*sum(found.pairs, ()), *found.unpaired]) == list(range(len(times)))
    assert all(times[first] == times[second] and second == first + 1 for first, second in found.pairs)


# Defaults

COMMON: dict[str, Any] = {
    "script_mode": "BIAS_DARK_FLAT",
    "n_bias": 20,
    "n_discard_bias": 1,
    "n_dark": 20,
    "n_discard_dark": 1,
    "n_flat": 20,
    "n_discard_flat": 1,
    "exp_times_flat": 5,
    "filter": None,
    "detectors": [],
    "do_verify": True,
    "generate_calibrations": False,
    "do_defects": False,
    "do_ptc": False,
    "do_gain_from_flat_pairs": True,
    **{f"number_verification_tests_threshold_{kind}": 8 for kind in ("bias", "dark", "flat")},
    **{f"config_options_{kind}": "" for kind in ("bias", "dark", "flat", "defects", "ptc")},
    "n_processes": 8,
    "certify_calib_begin_date": "1950-01-01",
    "certify_calib_end_date": "2050-01-01",
    "oods_timeout": 120,
    "pipetask_timeout": 3600,
    "wait_between_exposures": 0,
    "on_verification_failure": "fail",
    "wait_for_certification": False,
    "program": None,
    "reason": None,
    "note": None,
    "record": True,
    "exposures": None,
    "flat_counts_min": None,
    "flat_counts_max": None,
    "bias_dark_counts_max": None,
    "background_task_timeout": None,
    "test_case": None,
}
INPUTS = [
    *(f"input_collections_{step}{kind}" for kind in ("bias", "dark", "flat") for step in ("", "verify_")),
    "input_collections_defects",
    "input_collections_ptc",
]


def collections(name: str) -> dict[str, Any]:
    return {
        "calib_collection": f"{name}/calib/daily",
        "repo": f"/repo/{name}",
        **dict.fromkeys(INPUTS, f"{name}/calib"),
    }


DEFAULTS: dict[type[CalibrationsConfig], dict[str, Any]] = {
    LatissConfig: {
        **COMMON,
        **collections("LATISS"),
        "n_dark": 22,
        "exp_times_dark": LATISS_DARKS,
        "grating": None,
    },
    ComCamConfig: {**COMMON, **collections("LSSTComCam"), "exp_times_dark": 5},
    LSSTCamConfig: {
        **COMMON,
        **collections("LSSTCam"),
        "exp_times_dark": 30,
        "pipetask_timeout": 7200,
        "ignore": [],
    },
}


@pytest.mark.parametrize("model", MODELS)
def test_defaults(model: type[CalibrationsConfig]) -> None:
    given = {"script_mode": "BIAS_DARK_FLAT"} if model is LSSTCamConfig else None
    assert validator(model).validate(given) == DEFAULTS[model]


@pytest.mark.parametrize("model", MODELS)
def test_schema_and_model_have_the_same_defaults(model: type[CalibrationsConfig]) -> None:
    told = {k: v["default"] for k, v in json_schema(model)["properties"].items() if "default" in v}
    required = {"script_mode"} if model is LSSTCamConfig else set()
    assert told == {key: value for key, value in DEFAULTS[model].items() if key not in required}


def test_lsstcam_needs_a_script_mode() -> None:
    expected = ["script_mode: is missing: must be one of BIAS, DARK, FLAT, BIAS_DARK, BIAS_DARK_FLAT"]
    assert refusal({}, LSSTCamConfig) == expected
    assert refusal({"n_bias": 0}, LSSTCamConfig) == [
        "n_bias: must be a whole number of at least 1 or null, not 0",
        *expected,
    ]


# The schema


def subschemas(schema: Any) -> Any:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from subschemas(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from subschemas(value)


@pytest.mark.parametrize("model", [*MODELS, CalibrationsConfig])
def test_schema_is_what_the_form_of_love_can_show(model: type[CalibrationsConfig]) -> None:
    schema = json_schema(model)
    jsonschema.Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    for sub in subschemas(schema):
        assert not {"$ref", "$defs", "title", "prefixItems", "ge", "le"} & sub.keys()
    for name, sub in schema["properties"].items():
        assert "type" in sub or "anyOf" in sub, name
        assert "default" in sub or name in schema.get("required", ()), name
        assert len(sub["description"]) > 20, name
        assert "<INSTRUMENT>" not in str(sub), name
        if "default" in sub:
            jsonschema.validate(sub["default"], sub)


UNITS = {"exp_times": "(s)", "timeout": "(s)", "wait_between": "(s)", "counts": "(ADU", "_date": "(TAI)"}


@pytest.mark.parametrize("model", MODELS)
def test_descriptions_tell_units(model: type[CalibrationsConfig]) -> None:
    for name, sub in json_schema(model)["properties"].items():
        for part, unit in UNITS.items():
            if part in name and not sub["description"].startswith("Deprecated"):
                assert unit in sub["description"], name


@pytest.mark.parametrize("model", MODELS)
def test_only_exposure_times_are_a_choice(model: type[CalibrationsConfig]) -> None:
    chosen = [name for name, sub in json_schema(model)["properties"].items() if "anyOf" in sub]
    assert chosen == ["exp_times_dark", "exp_times_flat"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("script_mode", "bias"),
        ("n_bias", 0),
        ("n_discard_flat", -1),
        ("exp_times_dark", 0),
        ("exp_times_flat", 0.05),
        ("exp_times_flat", []),
        ("detectors", [0, 0]),
        ("detectors", [1]),
        ("filter", "SDSSr"),
        ("filter", 0),
        ("grating", "SDSSr_65mm"),
        ("config_options_bias", "-c a:b=c; reboot"),
        ("config_options_bias", "$HOME"),
        ("input_collections_bias", "LATISS/calib LATISS/other"),
        ("input_collections_bias", "a,,b"),
        ("input_collections_bias", ""),
        ("calib_collection", "a,b"),
        ("repo", ""),
        ("certify_calib_begin_date", "tomorrow"),
        ("certify_calib_begin_date", "2022-11-04T00:00:00Z"),
        ("oods_timeout", 0),
        ("n_processes", 0),
        ("exposures", {"SKY": [2026091800002]}),
        ("exposures", {"BIAS": [42]}),
        ("on_verification_failure", "ignore"),
        ("no_such_property", 1),
    ],
)
def test_the_schema_itself_refuses(name: str, value: Any) -> None:
    # LOVE checks against the schema while one types; what it can say need not wait for ADD.
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({name: value}, json_schema(LatissConfig))
    assert refusal({name: value})[0].startswith(f"{name}: ")


def test_generated_schemas_are_current(tmp_path: Path) -> None:
    files = write_schemas(tmp_path)
    assert sorted(file.name for file in files) == sorted(file.name for file in SCHEMAS.glob("*.yaml"))
    for file in files:
        current = (SCHEMAS / file.name).read_text()
        assert file.read_text() == current, f"{file.name} has drifted: run `calibscripts schema --write`"


@pytest.mark.parametrize("model", MODELS)
def test_schema_text(model: type[CalibrationsConfig]) -> None:
    assert yaml.safe_load(schema_text(model)) == json_schema(model)


# The examples of the documents


def images(config: CalibrationsConfig) -> dict[str, tuple[float, ...]]:
    return {image_type: config.image_set(image_type).times for image_type in config.image_types}


BIASES_6, DARKS_6 = (0.0,) * 7, (5.0, 5.0, 5.0, 5.0, 10.0, 15.0, 20.0)
FLATS_14 = (0.1, 0.1, 0.1, 0.35, 0.35, 0.6, 0.6, 0.8, 0.8, 1.0, 1.0, 1.35, 1.35, 1.6, 1.6)
TEN_FLATS = ", ".join(f"{n} ({5 * n} s)" for n in range(1, 11))
NO_PAIRS = (
    f"No two consecutive flats have the same exposure time, unpaired: {TEN_FLATS}. "
    "No gain is estimated from flat pairs."
)
FIVE_UNPAIRED = (
    "Flats without a partner of the same exposure time beside them: 7 (1 s), 8 (1.5 s), 9 (1.7 s), 10 (2.1 s), "
    "11 (2.3 s), counted without the discarded ones. They do not contribute to gains or the Photon Transfer "
    "Curve."
)
FEW = (
    "Few images: n_bias is 3, n_dark is 3. DMTN-222 recommends 20 of each type. With fewer than 11 the NOISE "
    "test is likely to fail."
)


def weekly(exp_time_dark: float, exp_time_flat: float) -> dict[str, tuple[float, ...]]:
    return {"BIAS": (0.0,) * 4, "DARK": (exp_time_dark,) * 4, "FLAT": (exp_time_flat,) * 21}


DAILY = {"BIAS": (0.0,) * 21, "DARK": tuple(map(float, LATISS_DARKS)), "FLAT": (5.0,) * 21}
NUMBERS_AND_TIMES = {
    "BIAS": (0.0,) * 31,
    "DARK": (5.0, 5.0, 10.0, 15.0, 20.0, 25.0),
    "FLAT": (5.0, *(5.0 * n for n in range(1, 11))),
}

ACCEPTED: dict[str, tuple[dict[str, tuple[float, ...]], dict[str, Any], tuple[str, ...]]] = {
    "daily_default": (DAILY, {"n_dark": 22, "do_gain_from_flat_pairs": True}, ()),
    "gain_one_pair": (
        {**DAILY, "FLAT": (1.2, 1.2, 1.2)},
        {"n_flat": 2, "do_gain_from_flat_pairs": True},
        (),
    ),
    "gain_three_pairs": (
        {**DAILY, "FLAT": (0.1, 0.1, 0.1, 0.35, 0.35, 0.6, 0.6, 1.0, 1.5, 1.7, 2.1, 2.3)},
        {"n_flat": 11, "do_gain_from_flat_pairs": True},
        (FIVE_UNPAIRED,),
    ),
    **{
        f"{camera}_numbers_and_times": (
            NUMBERS_AND_TIMES,
            {"n_bias": 30, "n_dark": 5, "n_flat": 10, "do_gain_from_flat_pairs": False},
            (NO_PAIRS,),
        )
        for camera in ("latiss", "comcam")
    },
    **{
        name: (
            {"BIAS": BIASES_6, "DARK": DARKS_6, "FLAT": FLATS_14},
            {"n_flat": 14, "do_ptc": True, "do_defects": True, "certify_calib_end_date": "2021-07-17"},
            (),
        )
        for name in ("latiss_2021_ptc_and_defects", "latiss_ptc_and_defects", "comcam_ptc_and_defects")
    },
    "latiss_three_images": (
        {"BIAS": (0.0,) * 4, "DARK": (15.0,) * 4},
        {"script_mode": "BIAS_DARK", "do_gain_from_flat_pairs": False},
        (FEW,),
    ),
    "weekly_1_sdssr": ({**DAILY, "FLAT": (6.0,) * 21}, {"filter": "SDSSr_65mm", "grating": "empty_1"}, ()),
    "weekly_2_sdssg": (weekly(6, 6), {"filter": "SDSSg_65mm", "grating": "empty_1"}, ()),
    "weekly_3_sdssz": (weekly(6, 3), {"filter": "SDSSz_65mm", "grating": "empty_1"}, ()),
    "weekly_4_sdssy": (weekly(6, 30), {"filter": "empty_1", "grating": "SDSSy_65mm"}, ()),
    "weekly_5_empty": (weekly(1, 1), {"filter": "empty_1", "grating": "empty_1"}, ()),
}

FLATS_TYPO = ["line 2: exp_times_flats: unknown property; did you mean exp_times_flat?"]
INTERNAL = [
    "lines 3 and 4: certify_calib_begin_date is given twice, YAML silently keeps the last: leave one; is line 4 "
    "meant to be certify_calib_end_date?",
    "line 2: calibration_collection: unknown property; did you mean calib_collection?",
]
FILTER = "filter: replace the placeholder ${FILTER_NAME_OR_ID} by a value, or leave the line out"
GRATING = "grating: replace the placeholder ${GRATING_NAME_OR_ID} by a value, or leave the line out"

REFUSED: dict[str, list[str]] = {
    "latiss_exposure_times": FLATS_TYPO,
    "comcam_exposure_times": FLATS_TYPO,
    "latiss_internal_verification": INTERNAL,
    "comcam_internal_verification": INTERNAL,
    "latiss_ptc": [
        "line 6: write `generate_calibrations: True` instead of `generate_calibrations=True`",
        f"line 4: {FILTER}",
        f"line 5: {GRATING}",
    ],
    "comcam_ptc": [
        "line 5: write `generate_calibrations: True` instead of `generate_calibrations=True`",
        f"line 4: {FILTER}",
    ],
    # It is the configuration of auxtel/take_image_latiss.py, whose list was printed without brackets.
    "weekly_6_ptc": [
        "line 1: image_type: unknown property",
        "line 5: exp_times: unknown property; write a list, in brackets: exp_times: [0.25, 0.25, 1.42, 1.42, "
        "...]; did you mean exp_times_dark or exp_times_flat?",
    ],
}


def example_model(name: str) -> type[CalibrationsConfig]:
    return ComCamConfig if name.startswith("comcam") else LatissConfig


def test_every_example_has_its_answer() -> None:
    assert sorted(file.stem for file in EXAMPLES.glob("*.yaml")) == sorted([*ACCEPTED, *REFUSED])


@pytest.mark.parametrize("name", ACCEPTED)
def test_example_is_accepted(name: str) -> None:
    taken, values, advice = ACCEPTED[name]
    model = example_model(name)
    text = (EXAMPLES / f"{name}.yaml").read_text()
    filled = validator(model).validate_text(text)
    assert filled == validator(model).validate(yaml.safe_load(text))
    config = parse(filled, model)
    assert images(config) == taken
    assert {key: filled[key] for key in values} == values
    assert warnings(config) == advice


@pytest.mark.parametrize("name", REFUSED)
def test_example_is_refused(name: str) -> None:
    with pytest.raises(jsonschema.ValidationError) as caught:
        validator(example_model(name)).validate_text((EXAMPLES / f"{name}.yaml").read_text())
    assert str(caught.value).splitlines() == REFUSED[name]


# Refusals: one property


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"n_bias": True}, "n_bias: must be a whole number of at least 1 or null, not True"),
        ({"n_bias": 2.5}, "n_bias: must be a whole number of at least 1 or null, not 2.5"),
        ({"n_bias": "20"}, "n_bias: write 20 without quotes"),
        ({"n_bias": "many"}, 'n_bias: must be a whole number of at least 1 or null, not "many"'),
        ({"do_verify": "True"}, "do_verify: write True without quotes"),
        ({"do_verify": 1}, "do_verify: must be True or False, not 1"),
        ({"do_verify": None}, "do_verify: must be True or False, not null"),
        (
            {"script_mode": "bias_dark"},
            "script_mode: must be one of BIAS, DARK, FLAT, BIAS_DARK, BIAS_DARK_FLAT, "
            'not "bias_dark"; did you mean BIAS_DARK?',
        ),
        (
            {"exp_times_flat": True},
            "exp_times_flat: must be a number of at least 0.1 or a list in brackets, each item a number of at "
            "least 0.1, not True",
        ),
        (
            {"exp_times_flat": [5, -1]},
            "exp_times_flat: number 2 of the list must be a number of at least 0.1, not -1",
        ),
        ({"exp_times_flat": []}, "exp_times_flat: the list must have at least 1 item, not 0"),
        ({"exp_times_flat": math.inf}, "exp_times_flat: must be finite"),
        ({"exp_times_dark": [5, math.nan]}, "exp_times_dark: must be finite"),
        ({"exp_times_dark": 0}, "exp_times_dark: must be a number greater than 0 or a list in brackets, each "
         "item a number greater than 0, not 0"),
        ({"exp_times_dark": "5, 10, 15"}, "exp_times_dark: write a list, in brackets: exp_times_dark: [5, 10, 15]"),
        ({"detectors": 0}, "detectors: must be a list in brackets, each item a whole number from 0 to 0, not 0"),
        ({"detectors": [7]}, "detectors: 7 is not a detector of LATISS; valid is 0"),
        ({"detectors": [0, 0]}, "detectors: a detector is listed twice"),
        ({"filter": 0}, "filter: must be one of SDSSg_65mm, SDSSr_65mm, SDSSi_65mm, SDSSz_65mm, SDSSy_65mm, "
         "BG40_65mm_1, OG550_65mm_1, empty_1, a whole number of at least 1 or null, not 0"),
        ({"grating": "$run_grating"}, "grating: replace the placeholder $run_grating by a value, or leave the "
         "line out"),
        ({"program": "${PROGRAM}"}, "program: replace the placeholder ${PROGRAM} by a value, or leave the line "
         "out"),
        ({"certify_calib_begin_date": "4 Nov 2022"}, "certify_calib_begin_date: '4 Nov 2022' is not a date: write "
         "YYYY-MM-DD or YYYY-MM-DDThh:mm:ss (TAI)"),
        ({"certify_calib_begin_date": "2022-02-30"}, "certify_calib_begin_date: '2022-02-30' is not a date that "
         "exists (day is out of range for month)"),
        ({"certify_calib_begin_date": "2022-11-04T00:00:00Z"}, "certify_calib_begin_date: '2022-11-04T00:00:00Z' "
         "has a time zone; dates are TAI, write it without one"),
        ({"certify_calib_begin_date": 2022}, "certify_calib_begin_date: must be a text or null, not 2022"),
        ({"calib_collection": "LATISS/calib daily"}, "calib_collection: 'LATISS/calib daily' is not the name of "
         "one collection (no blanks, no commas)"),
        ({"input_collections_flat": "a,,b"}, "input_collections_flat: a collection name is empty: separate names "
         "by single commas"),
        ({"input_collections_flat": "a b,c"}, "input_collections_flat: 'a b' is not the name of a collection (no "
         "blanks, no special characters)"),
        ({"repo": None}, "repo: must be a text, not null"),
        ({"repo": " "}, "repo: give the path or URI of a butler repository, without blanks around it"),
        ({"exposures": {"BIAS": [42]}}, "exposures: BIAS: number 1 of the list must be a whole number from "
         "2000010100000 to 2099123199999, not 42"),
        ({"exposures": {"SKY": []}}, "exposures: SKY: unknown property"),
        ({"calibration_collection": "x"}, "calibration_collection: unknown property; did you mean "
         "calib_collection?"),
        ({"nbias": 3}, "nbias: unknown property; did you mean n_bias?"),
        ({"zzz": 3}, "zzz: unknown property"),
        ({"generate_calibrations=True": None}, "generate_calibrations=True: write `generate_calibrations: True`"),
        ("generate_calibrations=True", "write `generate_calibrations: True` instead of "
         "`generate_calibrations=True`"),
        ("hello", 'the configuration must be lines of `property: value`, not "hello"'),
        (["script_mode"], 'the configuration must be lines of `property: value`, not ["script_mode"]'),
    ],
)  # fmt: skip
def test_refused(data: Any, expected: str) -> None:
    assert refusal(data) == [expected]


@pytest.mark.parametrize(
    ("value", "near"),
    [("SDSSr", "SDSSr_65mm"), ("empty", "empty_1"), ("sdssg_65mm", "SDSSg_65mm")],
)
def test_misspelt_filter(value: str, near: str) -> None:
    (text,) = refusal({"filter": value})
    assert text.startswith(
        f"filter: '{value}' is not a filter of LATISS; did you mean {near}? Known are SDSSg_65mm,"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [("3", "'3' is not a filter of LATISS; write 3 without quotes? Known are SDSSg_65mm,"),
     ("x", "'x' is not a filter of LATISS; known are SDSSg_65mm,")],
)  # fmt: skip
def test_unknown_filter(value: str, text: str) -> None:
    assert refusal({"filter": value})[0].startswith(f"filter: {text}")


@pytest.mark.parametrize("character", [";", "|", "&", "$", "`", "<", ">"])
def test_shell_characters_are_refused(character: str) -> None:
    expected = (
        f"config_options_flat: {character} is not allowed: the options are read as words, never by a shell"
    )
    assert refusal({"config_options_flat": f"-c a:b=c {character} reboot"}) == [expected]


@pytest.mark.parametrize("options", ["-c a:b=c\nreboot", "-c a:b=c\n", "-c a:b=c\r"])
def test_line_breaks_in_options_are_refused(options: str) -> None:
    expected = (
        "config_options_ptc: a line break is not allowed: the options are read as words, never by a shell"
    )
    assert refusal({"config_options_ptc": options}) == [expected]


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ("", ()),
        (" ", ()),
        ("-c isr:doDefect=False", ("isr:doDefect=False",)),
        ("--config a:b=1 -c c:d.e=2", ("a:b=1", "c:d.e=2")),
        ("--config=a:b=1 -cc:d=2", ("a:b=1", "c:d=2")),
        ("-c \"a:b='x y'\"", ("a:b='x y'",)),
        ("-c a:list=[1,2]", ("a:list=[1,2]",)),
    ],
)
def test_options(options: str, settings: tuple[str, ...]) -> None:
    assert option_settings(options) == settings
    filled = validator().validate({"config_options_bias": options})
    assert filled["config_options_bias"] == options


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("-c", "a setting is missing after -c"),
        ("isr:doDefect=False", "'isr:doDefect=False' is not understood"),
        ("--rebase", "'--rebase' is not understood"),
        ("-c doDefect=False", "'doDefect=False' is not a setting"),
        ("-c isr:doDefect", "'isr:doDefect' is not a setting"),
        ("-c 'isr:a=b", "the quotes are not balanced"),
    ],
)
def test_options_that_are_not_understood(options: str, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        option_settings(options)
    assert refusal({"config_options_bias": options})[0].startswith(f"config_options_bias: {text}")


# Refusals: properties beside each other


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"n_dark": 3},
            "exp_times_dark: 23 exposure times do not fit n_dark 3 and n_discard_dark 1: list 4 times, the first "
            "1 to be discarded, or 3, where the first time is also used for the discarded. exp_times_dark was "
            "not given, so its default list applies: give it too",
        ),
        (
            {"n_discard_dark": 0},
            "exp_times_dark: 23 exposure times do not fit n_dark 22 and n_discard_dark 0: list 22 times. "
            "exp_times_dark was not given, so its default list applies: give it too",
        ),
        (
            {"n_flat": 4, "exp_times_flat": [1, 1, 2, 2, 3, 3]},
            "exp_times_flat: 6 exposure times do not fit n_flat 4 and n_discard_flat 1: list 5 times, the first 1 "
            "to be discarded, or 4, where the first time is also used for the discarded",
        ),
        ({"script_mode": "BIAS", "do_ptc": True}, "do_ptc: needs script_mode BIAS_DARK_FLAT, not BIAS"),
        ({"script_mode": "FLAT", "do_ptc": True}, "do_ptc: needs script_mode BIAS_DARK_FLAT, not FLAT"),
        (
            {"script_mode": "BIAS_DARK", "do_defects": True},
            "do_defects: needs script_mode BIAS_DARK_FLAT, not BIAS_DARK",
        ),
        (
            {"exp_times_flat": [1, 2, 3], "do_gain_from_flat_pairs": True},
            "do_gain_from_flat_pairs: needs two consecutive flats of the same exposure time, but there are none; "
            "change exp_times_flat, leave it out or set it to False",
        ),
        (
            {"exp_times_flat": [1, 1, 2], "do_ptc": True},
            "do_ptc: needs at least two pairs of consecutive flats of the same exposure time, but there is one; "
            "change exp_times_flat",
        ),
        (
            {"exp_times_flat": [1, 2, 3], "do_ptc": True},
            "do_ptc: needs at least two pairs of consecutive flats of the same exposure time, but there are none; "
            "change exp_times_flat",
        ),
        (
            {"certify_calib_begin_date": "2026-09-19", "certify_calib_end_date": "2026-09-18"},
            "certify_calib_end_date: 2026-09-18 is not after certify_calib_begin_date 2026-09-19",
        ),
        (
            {"certify_calib_begin_date": "2026-09-19", "certify_calib_end_date": "2026-09-19T00:00:00"},
            "certify_calib_end_date: 2026-09-19T00:00:00 is not after certify_calib_begin_date 2026-09-19",
        ),
        (
            {"certify_calib_begin_date": "2050-01-01"},
            "certify_calib_end_date: 2050-01-01 is not after certify_calib_begin_date 2050-01-01, which is the "
            "default: give it too",
        ),
        (
            {"certify_calib_end_date": "1949-12-31"},
            "certify_calib_end_date: 1949-12-31 is not after certify_calib_begin_date 1950-01-01; "
            "certify_calib_begin_date is 1950-01-01 by default: give it too",
        ),
        (
            {"flat_counts_min": 20000, "flat_counts_max": 10000},
            "flat_counts_max: 10000 ADU is not above flat_counts_min 20000 ADU",
        ),
        (
            {"script_mode": "BIAS", "exposures": {"FLAT": [2026091800002]}},
            "exposures: FLAT is not part of script_mode BIAS",
        ),
        (
            {"exposures": {"BIAS": [2026091800002, 2026091800002]}},
            "exposures: a BIAS exposure is listed twice",
        ),
    ],
)
def test_refused_together(data: dict[str, Any], expected: str) -> None:
    assert refusal(data) == [expected]


@pytest.mark.parametrize(
    "data",
    [
        {"script_mode": "BIAS", "n_dark": 3},
        {"script_mode": "FLAT", "n_discard_dark": 5},
        {"script_mode": "BIAS_DARK", "n_flat": 4, "exp_times_flat": [1.0]},
    ],
)
def test_only_image_types_of_the_mode_are_checked(data: dict[str, Any]) -> None:
    assert accept(data).script_mode == data["script_mode"]


def test_everything_wrong_is_told_at_once_and_in_order() -> None:
    data = {
        "exp_times_flats": 30,
        "n_bias": 0,
        "filter": "${FILTER}",
        "calib_collection": "a b",
        "n_dark": 3,
        "certify_calib_end_date": "1900-01-01",
        "config_options_bias": "-c a:b=c; reboot",
    }
    assert [line.partition(": ")[0] for line in refusal(data)] == [
        "exp_times_flats",
        "n_bias",
        "filter",
        "calib_collection",
        "config_options_bias",
        "exp_times_dark",
        "certify_calib_end_date",
    ]


def test_a_wrong_value_is_not_told_twice() -> None:
    # With do_ptc, the pairs among wrong times are nobody's question.
    assert len(refusal({"exp_times_flat": [1, -1], "do_ptc": True})) == 1


def test_each_problem_can_be_read_from_the_error() -> None:
    with pytest.raises(jsonschema.ValidationError) as caught:
        validator().validate({"n_bias": 0, "zzz": 1})
    found = [(list(problem.path), problem.message) for problem in caught.value.context or []]
    assert found == [
        (["n_bias"], "must be a whole number of at least 1 or null, not 0"),
        (["zzz"], "unknown property"),
    ]


# What is filled in


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"exp_times_flat": [1.2, 1.2]}, {"n_flat": 2, "n_discard_flat": 1}),
        ({"exp_times_dark": [5, 10, 15]}, {"n_dark": 3}),
        ({"exp_times_dark": 20}, {"n_dark": 22, "exp_times_dark": 20}),
        ({"n_flat": None, "exp_times_flat": [1, 1, 2]}, {"n_flat": 3}),
        ({"n_bias": None, "n_discard_bias": None}, {"n_bias": 20, "n_discard_bias": 1}),
        ({"n_dark": 23, "n_discard_dark": 0}, {"n_dark": 23, "exp_times_dark": LATISS_DARKS}),
        ({"script_mode": "BIAS"}, {"do_gain_from_flat_pairs": False}),
        ({"script_mode": "BIAS", "do_gain_from_flat_pairs": True}, {"do_gain_from_flat_pairs": False}),
        ({"script_mode": "FLAT"}, {"do_gain_from_flat_pairs": True}),
        ({"exposures": {"BIAS": [], "DARK": [], "FLAT": []}}, {"exposures": None}),
        ({"script_mode": "FLAT", "n_flat": 1}, {"do_gain_from_flat_pairs": False}),
        ({"n_bias": 20.0}, {"n_bias": 20}),
        ({"filter": 3}, {"filter": 3}),
        ({"certify_calib_end_date": None}, {"certify_calib_end_date": None}),
        ({"input_collections_ptc": "a, b"}, {"input_collections_ptc": "a,b"}),
        ({"exposures": {"BIAS": [2026091800002]}}, {"exposures": {"BIAS": [2026091800002], "DARK": [], "FLAT": []}}),
    ],
)  # fmt: skip
def test_filled_in(data: dict[str, Any], expected: dict[str, Any]) -> None:
    before = repr(data)
    filled = validator().validate(data)
    assert {key: filled[key] for key in expected} == expected
    assert validator().validate(filled) == filled
    assert repr(data) == before


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("script_mode", ["BIAS", "DARK", "FLAT", "BIAS_DARK", "BIAS_DARK_FLAT"])
def test_a_form_that_writes_every_default_changes_nothing(
    model: type[CalibrationsConfig], script_mode: str
) -> None:
    # react-jsonschema-form fills in the defaults, also those of nested properties.
    form = {**DEFAULTS[model], "script_mode": script_mode, "exposures": {"BIAS": [], "DARK": [], "FLAT": []}}
    assert accept(form, model) == accept({"script_mode": script_mode}, model)


def test_a_whole_number_written_as_a_float_becomes_one() -> None:
    assert type(validator().validate({"n_bias": 20.0})["n_bias"]) is int


def test_dates_without_quotes_are_understood() -> None:
    given = yaml.safe_load(
        "{certify_calib_begin_date: 2022-11-04, certify_calib_end_date: 2022-11-05 12:00:00}"
    )
    config = accept(given)
    assert config.certify_calib_begin_date == "2022-11-04"
    assert config.certify_calib_end_date == "2022-11-05T12:00:00"


def test_filled_in_values_can_be_written_as_yaml_and_read_again() -> None:
    filled = validator().validate({"exp_times_flat": [1, 1], "exposures": {"BIAS": [2026091800002]}})
    assert validator().validate_text(yaml.safe_dump(filled)) == filled


def test_changing_the_result_changes_no_default() -> None:
    own = validator()
    own.validate(None)["exp_times_dark"].append("x")
    assert own.validate(None) == DEFAULTS[LatissConfig]


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "script_mode": st.sampled_from(["BIAS", "DARK", "FLAT", "BIAS_DARK", "BIAS_DARK_FLAT", "SKY"]),
    "n_bias": st.none() | st.integers(0, 4) | st.just("3"),
    "n_dark": st.none() | st.integers(1, 4),
    "n_flat": st.none() | st.integers(1, 4) | st.just(2.0),
    "n_discard_bias": st.none() | st.integers(0, 2),
    "n_discard_dark": st.none() | st.integers(0, 2),
    "n_discard_flat": st.none() | st.integers(0, 2),
    "exp_times_dark": st.sampled_from([5, 0.5, 0]) | st.lists(st.sampled_from([1, 2.5]), max_size=5),
    "exp_times_flat": st.sampled_from([5, 0.01, "5, 5"]) | st.lists(st.sampled_from([1, 2]), max_size=5),
    "filter": st.sampled_from([None, "SDSSr_65mm", "SDSSr", 1, 0, "${F}"]),
    "detectors": st.lists(st.integers(0, 1), max_size=2),
    "do_ptc": st.booleans(),
    "do_defects": st.booleans(),
    "do_gain_from_flat_pairs": st.booleans(),
    "generate_calibrations": st.booleans() | st.just("True"),
    "certify_calib_begin_date": st.sampled_from([None, "2022-11-04", "2060-01-01", "soon"]),
    "config_options_bias": st.sampled_from(["", "-c a:b=c", "-c a:b=$c"]),
    "zzz": st.integers(),
}


def refused_with_its_names(error: jsonschema.ValidationError) -> None:
    names = [problem.path[0] for problem in error.context or []]
    assert names
    assert set(names) <= set(LatissConfig.model_fields) | {"zzz"}
    assert len(str(error).splitlines()) == len(names)


@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries({}, optional=VALUES))
def test_whatever_is_given_is_filled_in_for_good_or_refused_with_its_names(data: dict[str, Any]) -> None:
    own = validator()
    try:
        filled = own.validate(data)
    except jsonschema.ValidationError as error:
        refused_with_its_names(error)
        return
    jsonschema.validate(filled, own.schema)
    assert own.validate(filled) == filled
    config = parse(filled, LatissConfig)
    for image_type in config.image_types:
        taken = config.image_set(image_type)
        assert len(taken.kept) == filled[f"n_{image_type.lower()}"]
        assert len(taken.times) - len(taken.kept) == filled[f"n_discard_{image_type.lower()}"]
    assert all(isinstance(text, str) for text in warnings(config))
    # The gain is not applicable everywhere; null stands for a default.
    given_values = {k: v for k, v in data.items() if v is not None and k != "do_gain_from_flat_pairs"}
    assert {key: filled[key] for key in given_values} == given_values


# Warnings


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, []),
        ({"n_bias": 3}, []),
        (
            {"script_mode": "BIAS", "generate_calibrations": True},
            ["calib_collection is the default LATISS/calib/daily", "The validity range is the default"],
        ),
        (
            {"script_mode": "BIAS", "generate_calibrations": True, "n_bias": 15, "calib_collection": "x",
             "certify_calib_end_date": None},
            ["Few images: n_bias is 15. DMTN-222 recommends 20 of each type."],
        ),
        (
            {"script_mode": "BIAS_DARK", "generate_calibrations": True, "do_verify": False,
             "calib_collection": "x", "certify_calib_begin_date": "2026-09-18"},
            ["do_verify is False: BIAS, DARK will be certified unverified."],
        ),
        ({"do_ptc": True, "calib_collection": "x"}, ["The validity range is the default"]),
        ({"exp_times_flat": [1, 1, 2]}, ["Flats without a partner of the same exposure time beside them: 3 (2 s)"]),
        ({"exp_times_flat": [1, 1, 2], "do_gain_from_flat_pairs": False}, []),
        ({"exp_times_flat": [1, 2]}, ["No two consecutive flats have the same exposure time, unpaired: 1 (1 s), "
                                      "2 (2 s)."]),
        ({"background_task_timeout": 30, "test_case": {"name": "LVV-T1"}},
         ["Deprecated and ignored: background_task_timeout, test_case."]),
    ],
)  # fmt: skip
def test_warnings(data: dict[str, Any], expected: list[str]) -> None:
    found = warnings(accept(data))
    assert len(found) == len(expected)
    assert all(text.startswith(start) for text, start in zip(found, expected, strict=True))


# YAML as people write it


@pytest.mark.parametrize(
    ("text", "config", "problems"),
    [
        ("", {}, ()),
        ("# nothing\n", {}, ()),
        ("n_bias: 3\n", {"n_bias": 3}, ()),
        (
            "script_mode: BIAS\ngenerate_calibrations=True\n",
            {"script_mode": "BIAS", "generate_calibrations": True},
            ("line 2: write `generate_calibrations: True` instead of `generate_calibrations=True`",),
        ),
        (
            "n_bias=3\nn_dark = 4\n",
            {"n_bias": 3, "n_dark": 4},
            (
                "line 1: write `n_bias: 3` instead of `n_bias=3`",
                "line 2: write `n_dark: 4` instead of `n_dark = 4`",
            ),
        ),
        (
            "exp_times_flat:\n0.25,\n0.25,\n1.42\nn_bias: 3\n",
            {"exp_times_flat": [0.25, 0.25, 1.42], "n_bias": 3},
            ("line 2: write a list, in brackets: exp_times_flat: [0.25, ...]",),
        ),
        (
            "n_bias: 3\nn_bias: 4\nn_bias: 5\n",
            {"n_bias": 5},
            ("lines 1, 2 and 3: n_bias is given twice, YAML silently keeps the last: leave one",),
        ),
        (
            "exposures:\n  BIAS: []\n  BIAS: []\n",
            {"exposures": {"BIAS": []}},
            ("lines 2 and 3: BIAS is given twice, YAML silently keeps the last: leave one",),
        ),
        ("a: [1, 2\nb: 3\n", {}, ("line 2, column 2: not YAML: expected ',' or ']', but got ':'",)),
        (
            "n_bias: 3\n\tn_dark: 4\n",
            {},
            (
                "line 2, column 1: not YAML: found character '\\t' that cannot start any token; use blanks "
                "instead of tabs",
            ),
        ),
        ("n_bias\n", {}, ('the configuration must be lines of `property: value`, not "n_bias"',)),
        (
            "n_bias: 3\ncertify_calib_end_date: 2022-02-30\n",
            {},
            ("line 2: the date 2022-02-30 does not exist (day is out of range for month)",),
        ),
        ("n_bias: !!python/object:x {}\n", {}, ("line 1, column 9: not YAML: could not determine a constructor "
         "for the tag 'tag:yaml.org,2002:python/object:x'",)),
        ("a=1\nb: [1\n", {}, ("line 1: write `a: 1` instead of `a=1`", "line 2, column 6: not YAML: expected ',' or "
         "']', but got '<stream end>'")),
    ],
)  # fmt: skip
def test_read_yaml(text: str, config: dict[str, Any], problems: tuple[str, ...]) -> None:
    assert read_yaml(text) == (config, problems)


def test_text_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(jsonschema.ValidationError, match=r"^line 2, column 2: not YAML"):
        validator().validate_text("a: [1, 2\nb: 3\n")


def test_a_repeated_property_is_refused_though_its_values_are_right() -> None:
    with pytest.raises(jsonschema.ValidationError, match=r"^lines 1 and 2: n_bias is given twice"):
        validator().validate_text("n_bias: 3\nn_bias: 4\n")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab:=[]{}, \n\t'\"#-1.&*!|>", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    config, problems = read_yaml(text)
    assert isinstance(config, dict)
    assert all(problems)


# Other instruments


class NewCamera:
    """Merges schemas as upstream's subclasses do: the base's properties over its own."""

    @staticmethod
    def schema(**own: Any) -> dict[str, Any]:
        schema: dict[str, Any] = yaml.safe_load(
            """
            $schema: http://json-schema.org/draft-07/schema#
            title: MakeNewCalibrations v1
            type: object
            properties:
              detectors: {type: array, items: [{type: integer}], default: [3]}
              calib_collection: {type: string, default: New/calib/tests}
              shutter: {type: object, properties: {speed: {type: number, default: 2}, side: {type: string}}}
            additionalProperties: false
            required: [script_mode]
            """
        )
        schema["properties"].update(own)
        schema["properties"].update(json_schema(CalibrationsConfig)["properties"])
        return schema


def test_the_common_schema_leaves_to_an_instrument_what_only_it_knows() -> None:
    left_out = set(LatissConfig.model_fields) - set(json_schema(CalibrationsConfig)["properties"])
    assert left_out == {*collections(""), "detectors", "filter", "grating"}


def test_a_fourth_instrument_has_its_own_properties_and_defaults() -> None:
    own = ConfigValidator(NewCamera.schema(), CalibrationsConfig)
    filled = own.validate({"script_mode": "BIAS"})
    assert filled["detectors"] == [3]
    assert filled["calib_collection"] == "New/calib/tests"
    assert filled["shutter"] == {"speed": 2}
    assert "repo" not in filled
    assert own.validate(filled) == filled
    config = parse(filled, CalibrationsConfig, "New")
    assert config.detectors == (3,)
    assert config.calib_collection == "New/calib/tests"
    assert config.repo == "/repo/New"
    assert config.input_collections_verify_bias == "New/calib"


def test_a_fourth_instrument_gets_the_same_refusals() -> None:
    own = ConfigValidator(NewCamera.schema(), CalibrationsConfig)
    with pytest.raises(jsonschema.ValidationError) as caught:
        own.validate(
            {"shuter": {}, "detectors": ["x"], "n_bias": 0, "exp_times_flat": [1, 2], "do_ptc": True}
        )
    assert str(caught.value).splitlines() == [
        "shuter: unknown property; did you mean shutter?",
        """detectors: 'x' is not of type 'integer'""",
        "n_bias: must be a whole number of at least 1 or null, not 0",
        "script_mode: is missing: must be one of BIAS, DARK, FLAT, BIAS_DARK, BIAS_DARK_FLAT",
    ]


def test_a_default_of_its_own_for_the_number_of_darks() -> None:
    schema = NewCamera.schema()
    schema["properties"]["n_dark"] = {"type": "integer", "default": 7}
    filled = ConfigValidator(schema, CalibrationsConfig).validate({"script_mode": "DARK"})
    assert filled["n_dark"] == 7
    assert len(parse(filled, CalibrationsConfig, "New").image_set("DARK").times) == 8


def test_without_the_name_of_the_instrument_nothing_is_guessed() -> None:
    filled = ConfigValidator(NewCamera.schema(), CalibrationsConfig).validate({"script_mode": "BIAS"})
    with pytest.raises(ConfigurationError, match="repo: has no default"):
        parse(filled, CalibrationsConfig)


def test_a_wrong_default_of_a_schema_is_refused() -> None:
    schema = json_schema(LatissConfig)
    schema["properties"]["exp_times_flat"]["default"] = -1
    with pytest.raises(jsonschema.ValidationError, match="exp_times_flat"):
        ConfigValidator(schema, LatissConfig).validate({})


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(jsonschema.SchemaError):
        ConfigValidator({"type": "nothing"}, LatissConfig)


# The frozen configuration


def test_parse_leaves_out_what_the_model_does_not_know() -> None:
    config = parse({**validator().validate(None), "shutter": 3}, LatissConfig)
    assert not hasattr(config, "shutter")


def test_parse_tells_everything_that_is_wrong() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse({"n_bias": 0, "do_ptc": True, "script_mode": "BIAS"}, LatissConfig)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["n_bias", "do_ptc"]


def test_the_configuration_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        accept({}).n_bias = 3  # type: ignore[misc]


def test_a_model_made_directly_obeys_the_same_rules() -> None:
    assert LatissConfig(exp_times_flat=(1.2, 1.2)).n_flat == 2
    with pytest.raises(ValueError, match="do_ptc: needs script_mode BIAS_DARK_FLAT"):
        LatissConfig(script_mode="BIAS", do_ptc=True)


@pytest.mark.parametrize(
    ("model", "valid"),
    [(LatissConfig, "valid is 0"), (ComCamConfig, "valid are 0..8"), (LSSTCamConfig, "0..204")],
)
def test_detectors(model: type[CalibrationsConfig], valid: str) -> None:
    (text,) = refusal({"script_mode": "BIAS", "detectors": [0, 999]}, model)
    assert text.startswith("detectors: 999 is not a detector of ")
    assert text.endswith(valid)
    assert accept({"script_mode": "BIAS", "detectors": [0]}, model).detectors == (0,)


def test_wavefront_detectors_may_be_asked_for() -> None:
    assert accept({"script_mode": "BIAS", "detectors": [204]}, LSSTCamConfig).detectors == (204,)


def test_import_is_fast() -> None:
    # The ScriptQueue waits for it; the heavy libraries are not needed to read a configuration.
    heavy = ("numpy", "astropy", "lsst.daf.butler")
    code = f"import sys, lsst.ts.calibscripts.config; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
