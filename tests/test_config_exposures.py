"""The property ``exposures``: ids, ranges as they are printed, and names of images."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibscripts.config import ConfigValidator, LatissConfig, json_schema, written_exposures
from lsst.ts.calibscripts.ground.text import exposure_range

DAYS = (20260918_00000, 20260919_00000)
ids = st.lists(
    st.builds(lambda day, number: day + number, st.sampled_from(DAYS), st.integers(1, 60)),
    min_size=1,
    max_size=40,
    unique=True,
)


SCHEMA = json_schema(LatissConfig)


def read(items: Any) -> list[int]:
    """Read exposures of biases as `configure` does."""
    validator = ConfigValidator(SCHEMA, LatissConfig)
    filled: dict[str, Any] = validator.validate({"script_mode": "BIAS", "exposures": {"BIAS": items}})
    jsonschema.Draft7Validator(SCHEMA).validate(filled)
    exposures: list[int] = filled["exposures"]["BIAS"]
    return exposures


@given(ids)
def test_what_is_offered_is_read_in_its_order(exposures: list[int]) -> None:
    text = yaml.safe_dump(written_exposures(exposures))
    assert read(yaml.safe_load(text)) == exposures


@given(ids)
def test_what_a_report_prints_can_be_given_in_brackets(exposures: list[int]) -> None:
    assert read(yaml.safe_load(f"[{exposure_range(exposures)}]")) == sorted(exposures)


@given(ids)
def test_names_of_images_are_read(exposures: list[int]) -> None:
    names = [f"AT_O_{exposure // 100_000}_{exposure % 100_000:06d}" for exposure in exposures]
    assert read(names) == exposures


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (["2026091800002..004"], [2026091800002, 2026091800003, 2026091800004]),
        (["2026091800009..10"], [2026091800009, 2026091800010]),
        ([" 2026091800002 .. 2026091800003 ", 2026091800009], [2026091800002, 2026091800003, 2026091800009]),
        (["2026091800002"], [2026091800002]),
    ],
)
def test_ways_to_write_them(items: list[Any], expected: list[int]) -> None:
    assert read(items) == expected


@pytest.mark.parametrize(
    "item",
    ["2026091800004..2026091800002", "2026091800001..2026091899999", "AT_P_20260918_000002", "..", "42..50"],
)
def test_what_is_neither_is_refused(item: str) -> None:
    with pytest.raises(jsonschema.ValidationError, match="exposures: "):
        read([item])
