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
            "n_bias: 3\ncertify_calib_end_date: 2022-02-30\nn_bias: 4\nb: [2022-13-01]\n",
            {"n_bias": 4, "certify_calib_end_date": None, "b": [None]},
            (
                "line 2: the date 2022-02-30 does not exist (day is out of range for month)",
                "line 4: the date 2022-13-01 does not exist (month must be in 1..12)",
                "lines 1 and 3: n_bias is given twice, YAML silently keeps the last: leave one",
            ),
        ),
        ("2022-02-30\n", {}, ("line 1: the date 2022-02-30 does not exist (day is out of range for month)",)),
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
