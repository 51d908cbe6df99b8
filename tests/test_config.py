"""The properties of the scripts: what is accepted, what is refused and in which words."""

import math
import re
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
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
    json_schema,
    option_settings,
    parse,
    schema_text,
    warnings,
    write_schemas,
)
from lsst.ts.calibscripts.errors import ConfigurationError

SCHEMAS = Path(__file__).parents[1] / "schemas"
MODELS = (LatissConfig, ComCamConfig, LSSTCamConfig)
NIGHT = datetime(2026, 9, 18, 22, tzinfo=UTC)
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


# Defaults

OTHERS = ("defects", "ptc", "linearizer", "cti", "bfk")

COMMON: dict[str, Any] = {
    "script_mode": "BIAS_DARK_FLAT",
    "n_bias": 20,
    "n_discard_bias": 1,
    "n_dark": 20,
    "n_discard_dark": 1,
    "n_flat": 20,
    "n_discard_flat": 1,
    "exp_times_flat": 5,
    "n_flat_dark": 0,
    "filter": None,
    "detectors": [],
    "do_verify": True,
    "do_verify_products": True,
    "generate_calibrations": False,
    "do_defects": False,
    "do_ptc": False,
    "do_gain_from_flat_pairs": True,
    "do_linearizer": False,
    "do_cti": False,
    "do_bfk": False,
    **{f"number_verification_tests_threshold_{kind}": 8 for kind in ("bias", "dark", "flat")},
    **{f"config_options_{kind}": "" for kind in ("bias", "dark", "flat", *OTHERS)},
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
    "flat_setup": "warn",
    "flat_counts_min": None,
    "flat_counts_max": None,
    "flat_counts_target": None,
    "flat_counts_tolerance": 0.05,
    "flat_times_scale": "listed",
    "bias_dark_counts_max": None,
    "reference_age_max": 400,
    "job_attempts": 1,
    "compare_with_previous": "report",
    "compare_sigmas_max": 2.0,
    "compare_pixels_max": 0.002,
    "background_task_timeout": None,
    "test_case": None,
}
INPUTS = [
    *(f"input_collections_{step}{kind}" for kind in ("bias", "dark", "flat") for step in ("", "verify_")),
    *(f"input_collections_{kind}" for kind in OTHERS),
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
        "flat_setup": "require",
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
        assert not {"$ref", "$defs", "prefixItems", "ge", "le"} & sub.keys()
    titled = [sub for sub in subschemas(schema) if "title" in sub]
    assert titled == [option for sub in schema["properties"].values() for option in sub.get("anyOf", ())]
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
        ("filter", ""),
        ("filter", 0),
        ("grating", ""),
        ("config_options_bias", "-c a:b=c; reboot"),
        ("config_options_bias", "$HOME"),
        ("input_collections_bias", "LATISS/calib LATISS/other"),
        ("input_collections_bias", "a,,b"),
        ("input_collections_bias", ""),
        ("calib_collection", "a,b"),
        ("repo", ""),
        ("certify_calib_begin_date", "tomorrow"),
        ("program", "BLOCK-295\n"),
        ("reason", "weekly \u2013 Mu\u00f1oz"),
        ("note", "two\nlines"),
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
        ({"detectors": 0}, "detectors: must be the list [0] (0 is the only one), not 0"),
        ({"detectors": [7]}, "detectors: 7 is not a detector of LATISS; detector 0 is the only one"),
        ({"detectors": [0, 0]}, "detectors: a detector is listed twice"),
        ({"filter": 0}, "filter: must be a name such as SDSSu_65mm, SDSSg_65mm, SDSSr_65mm, a whole number of at "
         "least 1 or null, not 0"),
        ({"grating": " "}, "grating: must not be empty; write null, or leave the line out, to leave it as it is"),
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
        ({"certify_calib_begin_date": 2022}, "certify_calib_begin_date: must be a text or null, not 2022; put "
         "the text in quotes"),
        ({"calib_collection": "LATISS/calib daily"}, "calib_collection: 'LATISS/calib daily' is not the name of "
         "one collection (no blanks, no commas)"),
        ({"input_collections_flat": "a,,b"}, "input_collections_flat: a collection name is empty: separate names "
         "by single commas"),
        ({"input_collections_flat": "a b,c"}, "input_collections_flat: 'a b' is not the name of a collection (no "
         "blanks, no special characters)"),
        ({"repo": None}, "repo: must be a text, not null"),
        ({"repo": " "}, "repo: write the path or URI of a butler repository, without blanks around it"),
        ({"exposures": {"BIAS": [42]}}, "exposures: BIAS: number 1 of the list must be a whole number from "
         "2000010100000 to 2099123199999 or a name such as 2026091800002..2026091800021, not 42"),
        ({"exposures": {"BIAS": ["2026091800002..2026091700003"]}},
         "exposures: 2026091800002..2026091700003: a range "
         "lies within one day; write one range for each day"),
        ({"exposures": {"BIAS": ["the last twenty"]}},
         "exposures: 'the last twenty' is not an exposure: write an id "
         "(2026091800002), a range of them (2026091800002..2026091800021) or the name of an image "
         "(AT_O_20260918_000002)"),
        ({"exposures": {"BIAS": ["MC_O_20260918_000002"]}}, "exposures: MC_O_20260918_000002 is not an image of "
         "LATISS, whose names begin with AT_O_"),
        ({"exposures": {"SKY": []}}, "exposures: SKY: unknown property"),
        ({"exposures": {"BIAS": [2026130100002]}}, "exposures: 2026130100002 is not an exposure id, it does not "
         "begin with a date (month must be in 1..12)"),
        ({"n_bias": "1e3"}, "n_bias: write 1000: YAML reads 1e3 as a text"),
        ({"n_bias": "08"}, "n_bias: write 8: YAML reads 08 as a text"),
        ({"exp_times_flat": [5, "05"]}, "exp_times_flat: number 2 of the list: write 5: YAML reads 05 as a text"),
        ({"program": "None"}, "program: write null: YAML reads None as a text"),
        ({"reason": False}, "reason: must be a text or null, not False; put the text in quotes (YAML reads yes, no, "
         "on and off as True or False)"),
        ({"n_bias\u00a0": 3}, "n_bias\u00a0: the name contains no-break space (U+00A0): write n_bias"),
        ({"n_bias": "3\u00a0"}, 'n_bias: "3 " contains no-break space (U+00A0): remove it'),
        ({"do_ptc": "True\u200b"}, 'do_ptc: "True\u200b" contains zero width space (U+200B): remove it'),
        ({"calib_collection": "a\u00a0b"}, "calib_collection: 'a\\xa0b' is not the name of one collection (no "
         "blanks, no commas): it contains no-break space (U+00A0)"),
        ({"n_bias": 2026091800002}, "n_bias: 2026091800002 exceeds the maximum of 10000 images"),
        ({"reason": "daily, imageType: FLAT"}, "reason: 'daily, imageType: FLAT': the camera reads text "
         "between a comma and a colon as another header keyword; remove the comma or the colon"),
        ({"program": "BLOCK-295\nBLOCK-309"}, "program: 'BLOCK-295\\nBLOCK-309' contains a line break: image "
         "headers hold printable ASCII on one line; replace or remove it"),
        ({"reason": "weekly \u2013 Mu\u00f1oz"}, "reason: "
         "'weekly \u2013 Mu\u00f1oz' contains \u2013 (en dash) and \u00f1 "
         "(latin small letter n with tilde): image headers hold printable ASCII on one line; replace or remove it"),
        ({"note": "two\tlines\n"}, "note: 'two\\tlines\\n' contains a tab and a line break: image headers hold "
         "printable ASCII on one line; replace or remove it"),
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


ROUND = ("SDSSr_65mm", "did you mean SDSSr_65mm?")


@pytest.mark.parametrize(
    ("model", "given", "words"),
    [
        (LatissConfig, {"filter": "SDSSr"}, ROUND),
        (LatissConfig, {"filter": "sdssr_65"}, ROUND),
        (LatissConfig, {"filter": "r"}, ROUND),
        (LatissConfig, {"filter": "none"}, ("did you mean empty_1?",)),
        (LatissConfig, {"filter": "3"}, ("write 3 without quotes for slot 3?",)),
        (
            LatissConfig,
            {"filter": "unheard_of"},
            ("of known filters of LATISS. What the instrument reports",),
        ),
        (LatissConfig, {"filter": "holo4_003"}, ("it is the name of a grating: are the two swapped?",)),
        (LatissConfig, {"grating": "BG40"}, ("it is the name of a filter: are the two swapped?",)),
        (LatissConfig, {"filter": "SDSSr_65mm", "grating": "SDSSy_65mm"}, ("are both filters", "empty_1")),
        (LSSTCamConfig, {"script_mode": "FLAT", "filter": "i"}, ("did you mean i_39?",)),
        (ComCamConfig, {"filter": "y"}, ("did you mean y_02 or y_04?",)),
    ],
)
def test_names_that_are_not_in_the_lists_are_accepted_with_a_warning(
    model: type[CalibrationsConfig], given: dict[str, Any], words: tuple[str, ...]
) -> None:
    (text,) = warnings(accept(given, model), NIGHT)
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (LSSTCamConfig, {"script_mode": "FLAT", "filter": "NONE"}),
        (LSSTCamConfig, {"script_mode": "FLAT", "filter": "ef_43"}),
        (LSSTCamConfig, {"script_mode": "FLAT", "filter": "ph_5"}),
        (ComCamConfig, {"filter": "NONE"}),
        (LatissConfig, {"filter": "empty_1", "grating": "SDSSi_65mm"}),
        (LatissConfig, {"filter": "SDSSu_65mm", "grating": "pinhole_2_1_1000"}),
        (LatissConfig, {"filter": "cyl_lens"}),
        (LatissConfig, {"filter": 3, "grating": 1}),
    ],
)
def test_names_of_the_observatory_are_known(model: type[CalibrationsConfig], given: dict[str, Any]) -> None:
    assert warnings(accept(given, model), NIGHT) == ()


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
            "not set, so its default list applies: set it too",
        ),
        (
            {"n_discard_dark": 0},
            "exp_times_dark: 23 exposure times do not fit n_dark 22 and n_discard_dark 0: list 22 times. "
            "exp_times_dark was not set, so its default list applies: set it too",
        ),
        (
            {"n_flat": 4, "exp_times_flat": [1, 1, 2, 2, 3, 3]},
            "exp_times_flat: 6 exposure times do not fit n_flat 4 and n_discard_flat 1: list 5 times, the first 1 "
            "to be discarded, or 4, where the first time is also used for the discarded",
        ),
        (
            {"calib_collection": "LATISS/raw/all", "generate_calibrations": True},
            "calib_collection: LATISS/raw/all holds the raw images, so nothing can be certified into it; name a "
            "CALIBRATION collection, or one that does not exist yet",
        ),
        (
            {"script_mode": "BIAS_DARK_FLAT", "n_flat": 1, "do_gain_from_flat_pairs": True},
            "do_gain_from_flat_pairs: needs two consecutive flats of the same exposure time, but there are none; "
            "set n_flat to 2 or more, or leave do_gain_from_flat_pairs out or set it to False",
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
            "change exp_times_flat, or leave do_gain_from_flat_pairs out or set it to False",
        ),
        (
            {"script_mode": "BIAS_DARK", "do_gain_from_flat_pairs": True},
            "do_gain_from_flat_pairs: needs a script_mode with FLAT, not BIAS_DARK; change it or leave this out",
        ),
        (
            {"exp_times_flat": [1, 1, 2], "do_ptc": True},
            "do_ptc: needs pairs of consecutive flats of at least 3 different exposure times, but there are pairs of "
            "1 only; change exp_times_flat, e.g. [1, 1, 2, 2, 4, 4]",
        ),
        (
            {"exp_times_flat": [1, 2, 3], "do_ptc": True},
            "do_ptc: needs pairs of consecutive flats of at least 3 different exposure times, but there are none; "
            "change exp_times_flat, e.g. [1, 1, 2, 2, 4, 4]",
        ),
        (
            {"certify_calib_begin_date": "2026-09-19", "certify_calib_end_date": "2026-09-18"},
            "certify_calib_end_date: 2026-09-18 is not after certify_calib_begin_date 2026-09-19",
        ),
        (
            {"certify_calib_begin_date": "2026-09-19", "certify_calib_end_date": "2026-09-19T00:00:00"},
            "certify_calib_end_date: 2026-09-19 is not after certify_calib_begin_date 2026-09-19",
        ),
        (
            {"certify_calib_begin_date": "2050-01-01"},
            "certify_calib_end_date: 2050-01-01 is not after certify_calib_begin_date 2050-01-01, which is the "
            "default: set it too",
        ),
        (
            {"certify_calib_end_date": "1970-01-01"},
            "certify_calib_end_date: 1970-01-01 is too early, the butler keeps dates from 1970-01-01 to 2100-01-01 "
            "only; the range would be empty",
        ),
        (
            {"certify_calib_end_date": "2206-11-27"},
            "certify_calib_end_date: 2206-11-27 is too late, the butler keeps dates from 1970-01-01 to 2100-01-01 "
            "only; check the year, or write null for a range without an end",
        ),
        (
            {"certify_calib_begin_date": "2100-01-01", "certify_calib_end_date": None},
            "certify_calib_begin_date: 2100-01-01 is too late, the butler keeps dates from 1970-01-01 to 2100-01-01 "
            "only; check the year",
        ),
        (
            {"flat_counts_min": 20000, "flat_counts_max": 10000},
            "flat_counts_max: 10000 ADU is not above flat_counts_min 20000 ADU",
        ),
        (
            {"flat_counts_min": 20000, "flat_counts_target": 10000},
            "flat_counts_target: 10000 ADU is below flat_counts_min 20000 ADU",
        ),
        (
            {"flat_counts_max": 20000, "flat_counts_target": 30000},
            "flat_counts_target: 30000 ADU is above flat_counts_max 20000 ADU",
        ),
        (
            {"flat_counts_target": 20000, "exp_times_flat": [1, 1, 2, 2]},
            "flat_counts_target: one exposure time is looked for, but exp_times_flat is a list: write one value, or "
            "flat_times_scale: auto, which multiplies the listed times by one factor",
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


def test_everything_wrong_is_reported_at_once_and_in_order() -> None:
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


def test_a_wrong_value_is_not_reported_twice() -> None:
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
        ({"script_mode": "BIAS", "do_gain_from_flat_pairs": False}, {"do_gain_from_flat_pairs": False}),
        # Those that exist already have the times of their records.
        ({"exposures": {"FLAT": [2026091800002]}, "n_flat": 1}, {"do_gain_from_flat_pairs": True}),
        ({"script_mode": "FLAT"}, {"do_gain_from_flat_pairs": True}),
        ({"exposures": {"BIAS": [], "DARK": [], "FLAT": []}}, {"exposures": None}),
        ({"script_mode": "FLAT", "n_flat": 1}, {"do_gain_from_flat_pairs": False}),
        ({"n_bias": 20.0}, {"n_bias": 20}),
        ({"filter": 3}, {"filter": 3}),
        ({"certify_calib_end_date": None}, {"certify_calib_end_date": None}),
        ({"certify_calib_end_date": "9999-12-31"}, {"certify_calib_end_date": None}),
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
    "filter": st.sampled_from([None, "SDSSr_65mm", "SDSSr", "", 1, 0, "${F}"]),
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


@settings(max_examples=300)
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
    assert all(isinstance(text, str) for text in warnings(config, NIGHT))
    # The gain is not applicable everywhere; null stands for a default.
    given_values = {k: v for k, v in data.items() if v is not None and k != "do_gain_from_flat_pairs"}
    assert {key: filled[key] for key in given_values} == given_values


# Warnings


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, []),
        ({"n_bias": 3}, []),
        ({"number_verification_tests_threshold_dark": 16}, []),
        ({"number_verification_tests_threshold_dark": 17}, ["number_verification_tests_threshold_dark is 17, but"]),
        (
            {"number_verification_tests_threshold_dark": 17, "script_mode": "BIAS"},
            ["number_verification_tests_threshold_dark has no effect: script_mode is BIAS."],
        ),
        (
            {"calib_collection": "u/me/x", "certify_calib_begin_date": "2020-01-01",
             "config_options_bias": "-c a:b=1", "input_collections_dark": "u/me/y"},
            ["calib_collection, certify_calib_begin_date have no effect: nothing is certified, since "
             "generate_calibrations is False.",
             "config_options_bias, input_collections_dark have no effect: no combined bias, dark or flat is made, "
             "since generate_calibrations is False."],
        ),
        ({"script_mode": "BIAS", "exp_times_flat": [1, 1], "exp_times_dark": [5, 5]},
         ["exp_times_dark, exp_times_flat have no effect: script_mode is BIAS."]),
        ({"script_mode": "BIAS_DARK", "flat_counts_min": 10000, "n_flat": 10},
         ["n_flat, flat_counts_min have no effect: script_mode is BIAS_DARK."]),
        ({"do_verify": False, "on_verification_failure": "warn"},
         ["on_verification_failure has no effect: do_verify is False."]),
        ({"config_options_defects": "-c a:b=1"}, ["config_options_defects has no effect: do_defects is False."]),
        ({"config_options_ptc": "-c a:b=1", "input_collections_ptc": "u/me/x"}, []),
        ({"flat_counts_target": 0}, []),
        ({"flat_counts_tolerance": 0.1, "flat_times_scale": "auto"},
         ["flat_counts_tolerance, flat_times_scale have no effect: flat_counts_target is null."]),
        ({"flat_counts_target": 2e4, "exposures": {"FLAT": [2026091800002, 2026091800003]}},
         ["flat_counts_target has no effect: exposures lists flats, so that none are taken."]),
        ({"flat_counts_target": 1e9}, ["flat_counts_target is 1e+09 ADU, but a raw image holds at most 262143 ADU"]),
        ({"flat_counts_min": 1e9}, ["flat_counts_min is 1e+09 ADU, but a raw image holds at most 262143 ADU"]),
        ({"flat_counts_max": 1e9}, ["flat_counts_max is 1e+09 ADU, but a raw image holds at most 262143 ADU: it has "
                                    "no effect."]),
        ({"flat_counts_max": 0}, ["flat_counts_max is 0 ADU: every flat is brighter"]),
        ({"input_collections_verify_bias": "LATISS/calib,LSSTCam/calib"},
         ["input_collections_verify_bias: LSSTCam/calib is a collection of LSSTCam, not of LATISS."]),
        (
            {"generate_calibrations": True, "calib_collection": "LATISS/calib",
             "certify_calib_begin_date": "2024-11-27", "certify_calib_end_date": "2024-11-28"},
            ["calib_collection is LATISS/calib, which everyone reads",
             "The validity range, 2024-11-27 to 2024-11-28, does not contain the night of 2026-09-18"],
        ),
        (
            {"script_mode": "BIAS", "generate_calibrations": True},
            ["calib_collection is the default LATISS/calib/daily", "The validity range is the default"],
        ),
        (
            {"script_mode": "BIAS", "generate_calibrations": True, "calib_collection": "LSSTComCam/calib/daily"},
            ["calib_collection: LSSTComCam/calib/daily is a collection of LSSTComCam, not of LATISS",
             "The validity range is the default"],
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
        (
            {"do_ptc": True, "exp_times_flat": [1, 1, 2, 2, 3, 3], "calib_collection": "x"},
            ["The validity range is the default"],
        ),
        ({"exp_times_flat": [1, 1, 2]}, ["Flats without a partner of the same exposure time beside them: 3 (2 s)"]),
        ({"exp_times_flat": [1, 1, 2], "do_gain_from_flat_pairs": False}, []),
        ({"exp_times_flat": [1, 2]}, ["No two consecutive flats have the same exposure time, unpaired: 1 (1 s), "
                                      "2 (2 s)."]),
        ({"background_task_timeout": 0, "test_case": {"name": "LVV-T1"}},
         ["Deprecated and ignored: background_task_timeout, test_case."]),
    ],
)  # fmt: skip
def test_warnings(data: dict[str, Any], expected: list[str]) -> None:
    found = warnings(accept(data), NIGHT)
    assert len(found) == len(expected)
    assert all(text.startswith(start) for text, start in zip(found, expected, strict=True))


NIGHTS = st.dates(datetime(2026, 1, 1).date(), datetime(2026, 12, 31).date())


@settings(max_examples=200)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)), NIGHTS, st.integers(1, 3), st.none() | NIGHTS
)
def test_a_range_without_the_night_of_the_images_is_a_warning(
    now: datetime, begin: date, days: int, taken: date | None
) -> None:
    end = begin + timedelta(days=days)
    given = {
        "script_mode": "BIAS",
        "generate_calibrations": True,
        "calib_collection": "u/me/x",
        "certify_calib_begin_date": str(begin),
        "certify_calib_end_date": str(end),
        "exposures": {"BIAS": [int(f"{taken:%Y%m%d}00001")] if taken else []},
    }
    night = taken or (now - timedelta(hours=12)).date()
    noon = datetime.combine(night, time(12))
    touches = any(str(begin) <= str(noon + timedelta(hours=hour)) < str(end) for hour in range(24))
    told = [text for text in warnings(accept(given), now) if "does not contain the night" in text]
    assert [f"the night of {night}" in text for text in told] == [] if touches else [True]


@pytest.mark.parametrize("model", MODELS)
def test_what_everybody_uses_needs_no_warning(model: type[CalibrationsConfig]) -> None:
    for script_mode in ("BIAS", "DARK", "FLAT", "BIAS_DARK", "BIAS_DARK_FLAT"):
        assert warnings(accept({"script_mode": script_mode}, model), NIGHT) == ()


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
    [
        (LatissConfig, "detector 0 is the only one"),
        (ComCamConfig, "valid are 0..8"),
        (LSSTCamConfig, "0..204"),
    ],
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
