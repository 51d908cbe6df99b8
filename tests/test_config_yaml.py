"""YAML as people write it."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsst.ts.calibscripts.config import (
    CalibrationsConfig,
    ConfigValidator,
    LatissConfig,
    json_schema,
    read_yaml,
)


def validator(model: type[CalibrationsConfig] = LatissConfig) -> ConfigValidator:
    return ConfigValidator(json_schema(model), model)


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
            ("lines 1, 2 and 3: n_bias is set twice; YAML silently keeps the last: keep one",),
        ),
        (
            "exposures:\n  BIAS: []\n  BIAS: []\n",
            {"exposures": {"BIAS": []}},
            ("lines 2 and 3: BIAS is set twice; YAML silently keeps the last: keep one",),
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
            "n_bias: 3\ncertify_calib_end_date: 2022-02-30\nn_bias: 4\nb: [2022-13-01]\n",
            {"n_bias": 4, "certify_calib_end_date": None, "b": [None]},
            (
                "line 2: the date 2022-02-30 does not exist (day is out of range for month)",
                "line 4: the date 2022-13-01 does not exist (month must be in 1..12)",
                "lines 1 and 3: n_bias is set twice; YAML silently keeps the last: keep one",
            ),
        ),
        ("2022-02-30\n", {}, ("line 1: the date 2022-02-30 does not exist (day is out of range for month)",)),
        ("n_bias: !!python/object:x {}\n", {}, ("line 1, column 9: not YAML: could not determine a constructor "
         "for the tag 'tag:yaml.org,2002:python/object:x': this is an object of Python; write it as "
         "a plain number, text or list",)),
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
    with pytest.raises(jsonschema.ValidationError, match=r"^lines 1 and 2: n_bias is set twice"):
        validator().validate_text("n_bias: 3\nn_bias: 4\n")


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "script_mode: BIAS_DARK\nn_bias: 010\nn_dark: 3\nexp_times_dark: 1:30\n",
            [
                'line 2: n_bias: YAML reads 010 as 8 (octal): write 10 or 8 for a number, "010" in quotes for a text',
                'line 4: exp_times_dark: YAML reads 1:30 as 90 (base 60): write 90 for a number, "1:30" in quotes '
                "for a text",
            ],
        ),
        ("n_bias: 08\n", ["line 1: n_bias: write 8: YAML reads 08 as a text"]),
        (
            "program: 010\n",
            [
                'line 1: program: YAML reads 010 as 8 (octal): write 10 or 8 for a number, "010" in quotes for a text'
            ],
        ),
        (
            "exp_times_flat: [0x10, 5]\n",
            [
                'line 1: exp_times_flat: YAML reads 0x10 as 16: write 16 for a number, "0x10" in quotes for a text'
            ],
        ),
        (
            "reason: 2026-1-5 1:02:03\n",
            [
                'line 1: reason: YAML reads 2026-1-5 1:02:03 as the date 2026-01-05 01:02:03: write "2026-01-05 '
                '01:02:03" for it, "2026-1-5 1:02:03" for a text'
            ],
        ),
        (
            "reason: off\n",
            [
                "line 1: reason: must be a text or null, not False; put the text in quotes (YAML reads yes, no, on "
                "and off as True or False)"
            ],
        ),
        (
            "reason: dome: closed\n",
            [
                "line 1, column 13: not YAML: mapping values are not allowed here; put a text that contains a colon "
                "in quotes"
            ],
        ),
    ],
)
def test_what_yaml_reads_as_something_else_is_refused(text: str, problems: list[str]) -> None:
    with pytest.raises(jsonschema.ValidationError) as caught:
        validator().validate_text(text)
    assert caught.value.message.splitlines() == problems


@pytest.mark.parametrize(
    "text",
    [
        "n_bias: 10\nexp_times_flat: [5, 5.0, 05.5, 1.5e+1, .5, 5.]\n",
        "do_verify: yes\n",
        "program: '010'\nreason: \"1:30\"\n",
        "certify_calib_begin_date: 2026-09-18\ncertify_calib_end_date: 2026-09-19 12:00:00\n",
        "test_case: {name: 010}\nbackground_task_timeout: 1:30\nmetadata: {a: 0x10}\n",
    ],
)
def test_what_is_read_as_it_looks_is_accepted(text: str) -> None:
    validator().validate_text(text)


def decimal(number: int) -> str:
    return str(number)


def refused_by_name(error: jsonschema.ValidationError, name: str, written: str) -> None:
    assert error.message.startswith(f"line 1: {name}: ")
    assert written in error.message


NOTATIONS = (
    decimal,
    oct,
    hex,
    bin,
    "0{}".format,
    "00{}".format,
    "{:_}".format,
    lambda number: f"{number // 60}:{number % 60:02}",
    "{}e1".format,
    "{}.0e1".format,
    "0o{:o}".format,
    "0{:o}".format,
)


@settings(max_examples=300)
@given(st.integers(1, 200), st.sampled_from(NOTATIONS), st.sampled_from(["n_bias", "exp_times_flat"]))
def test_a_number_is_what_it_looks_like_or_it_is_refused(number: int, notation: Any, name: str) -> None:
    written = notation(number)
    try:
        filled = validator().validate_text(f"{name}: {written}\n")
    except jsonschema.ValidationError as error:
        refused_by_name(error, name, written)
    else:
        assert (written, filled[name]) == (decimal(number), number)


@settings(max_examples=200)
@given(st.text(alphabet="ab:=[]{}, \n\t'\"#-1.&*!|>", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    config, problems = read_yaml(text)
    assert isinstance(config, dict)
    assert all(problems)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "generate_calibrations=True\n",
            "write `generate_calibrations: True` instead of `generate_calibrations=True`",
        ),
        (
            "script_mode BIAS\n",
            'the configuration must be lines of `property: value`, not "script_mode BIAS"',
        ),
        ("- script_mode: BIAS\n", "the configuration must be lines of `property: value`, not ["),
        ("42\n", "the configuration must be lines of `property: value`, not 42"),
    ],
)
def test_what_is_no_mapping_is_said_in_one_sentence(text: str, words: str) -> None:
    # The middleware alone would say: 'str' object has no attribute 'pop'.
    with pytest.raises(jsonschema.ValidationError) as caught:
        validator().validate_text(text)
    (line,) = caught.value.message.splitlines()
    assert line.removeprefix("line 1: ").startswith(words)
    assert any(problem.removeprefix("line 1: ").startswith(words) for problem in read_yaml(text)[1])
