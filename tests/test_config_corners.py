"""Configurations and schemas that are seldom seen."""

from typing import Any

import pytest
from pydantic import ValidationError

from lsst.ts.calibscripts.config import ConfigValidator, LatissConfig, json_schema
from lsst.ts.calibscripts.config.text.explain import schema_problems
from lsst.ts.calibscripts.config.text.yaml_text import understand


def test_text_is_no_configuration():
    with pytest.raises(ValidationError):
        LatissConfig.model_validate("script_mode: BIAS")


@pytest.mark.parametrize(
    ("schema", "given", "expected"),
    [
        ({"minProperties": 1}, {}, [("", "{} should be non-empty")]),
        ({"properties": {"a": {"not": {}}}}, {"a": 3}, [("a", "3 should not be valid under {}")]),
    ],
)
def test_schemas_of_others_are_reported_in_the_words_of_the_validator(
    schema: dict[str, Any], given: dict[str, Any], expected: list[tuple[str, str]]
):
    assert [*schema_problems(schema, given)] == expected


def test_a_property_of_which_a_subclass_says_nothing():
    schema = json_schema(LatissConfig)
    validator = ConfigValidator(
        schema | {"properties": schema["properties"] | {"anything": True}}, LatissConfig
    )
    filled = validator.validate({"anything": [1, "two"]})
    assert filled["anything"] == [1, "two"]
    assert "anything" not in validator.validate({})


def test_characters_that_yaml_does_not_allow():
    read = understand("script_mode: BIAS\a\n")
    assert any("special characters are not allowed" in problem for problem in read.problems)
