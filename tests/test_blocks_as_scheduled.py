"""BLOCKs that people write, held against what the Scheduler makes of them."""

from __future__ import annotations

import copy
import json
import re
import time
from pathlib import Path
from string import Template
from typing import Any

import jsonschema
import pytest
import yaml
from effort import calls
from hypothesis import given, settings
from hypothesis import strategies as st

from lsst.ts.calibscripts.check.blocks import Block, check_block, check_files, expand, get_blocks_dir
from lsst.ts.calibscripts.errors import ConfigurationError

EXAMPLES = Path(__file__).parent / "data" / "blocks"
LATISS = "auxtel/make_latiss_calibrations.py"
FOREIGN = "auxtel/other.py"
BUILT_IN = {"program": "BLOCK-901", "name": "Target", "num_exp": 0}
SKIPPED = ["items", "properties", "definitions", "default", "readOnly", "uniqueItems", "additionalProperties"]


def block(*scripts: dict[str, Any], schema: Any = "", **keys: Any) -> dict[str, Any]:
    text = schema if isinstance(schema, str) else yaml.safe_dump(schema, sort_keys=False)
    return {
        "name": "test",
        "program": "BLOCK-901",
        "scripts": list(scripts),
        "configuration_schema": text,
        **keys,
    }


def script(name: str = LATISS, **parameters: Any) -> dict[str, Any]:
    return {"name": name, "standard": name != LATISS, "parameters": parameters}


def problems(tmp_path: Path, content: object, overrides: dict[str, Any] | None = None) -> tuple[str, ...]:
    path = tmp_path / "block.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    (checked,) = check_files([path], overrides)
    return checked.problems


# The Scheduler, in short: salobj's DefaultingValidator, then the values as text, twice.


def filled(schema: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    def fill(validator: Any, properties: Any, instance: Any, whole: Any) -> Any:
        for name, definition in properties.items():
            if not isinstance(definition, dict) or not isinstance(instance, dict) or name in SKIPPED:
                continue
            if "default" in definition:
                instance.setdefault(name, definition["default"])
            elif definition.get("type") == "object" and "properties" in definition:
                inner = {k: v["default"] for k, v in definition["properties"].items() if "default" in v}
                if inner:
                    instance.setdefault(name, inner)
        yield from jsonschema.Draft7Validator.VALIDATORS["properties"](validator, properties, instance, whole)

    extend: Any = jsonschema.validators.extend
    jsonschema.Draft7Validator.check_schema(schema)
    result = dict(given)
    extend(jsonschema.Draft7Validator, {"properties": fill})(schema).validate(result)
    jsonschema.Draft7Validator(schema).validate(result)
    return result


def scheduled(content: dict[str, Any], overrides: dict[str, Any]) -> list[Any]:
    schema = yaml.safe_load(content["configuration_schema"]) if content["configuration_schema"] else None
    values = {**BUILT_IN, **(filled(copy.deepcopy(schema), overrides) if schema else {})}
    found = []
    for one in content["scripts"]:
        text = yaml.safe_dump(one["parameters"], sort_keys=False) if one["parameters"] else ""
        for _ in range(2):
            text = Template(text).substitute(**values)
        found.append(yaml.safe_load(text) or {})
    return found


NAMES = st.sampled_from(["a", "b", "items", "default", "program", "deep", "properties"])
VALUES = st.sampled_from([1, 2.5, "x", "$a", "$$b", "$", [1, 2], True, "[3, 4]", "c: d"])
TYPES = st.sampled_from([{}, {"type": "integer"}, {"type": "string"}, {"type": ["number", "array"]}])
LEAF = st.builds(
    lambda kind, rest: {**kind, **rest}, TYPES, st.fixed_dictionaries({}, optional={"default": VALUES})
)


def objects(inner: Any) -> Any:
    return st.builds(
        lambda properties, rest: {"type": "object", "properties": properties, **rest},
        st.dictionaries(NAMES, inner, max_size=3),
        st.fixed_dictionaries(
            {}, optional={"default": st.builds(dict), "required": st.lists(NAMES, max_size=1)}
        ),
    )


SCHEMAS = objects(LEAF | objects(LEAF | objects(LEAF)))
TEXTS = st.sampled_from(
    ["$a", "${b}", "$items", "$deep", "$program", "$default", "x$a", "$$$$", "$nothing", "y"]
)
SCRIPTS = st.lists(
    st.dictionaries(st.sampled_from("pqr"), TEXTS | VALUES, max_size=3), min_size=1, max_size=2
)


@settings(max_examples=400)
@given(SCHEMAS, SCRIPTS, st.dictionaries(NAMES, VALUES, max_size=2), st.booleans())
def test_what_the_scheduler_makes_of_a_block(
    schema: dict[str, Any], parameters: list[dict[str, Any]], overrides: dict[str, Any], first: bool
) -> None:
    if first and "required" in schema:
        schema = {"required": schema.pop("required"), **schema}
    content = block(*(script(FOREIGN, **one) for one in parameters), schema=schema)
    try:
        theirs = scheduled(content, overrides)
    except Exception:
        # Whatever it stumbles over: the BLOCK is not run.
        theirs = None
    found = Block.model_validate(content)
    try:
        ours = [dict(call.parameters) for call in expand(found, overrides)]
    except ConfigurationError as error:
        # We also refuse an override that changes nothing, null, and what is not lines of `property: value`.
        ours, told = None, error.problems
    stricter = ("changes nothing", "is null", "with the values put in")
    if ours is None and theirs is not None:
        assert all(any(word in text for word in stricter) for text in told)
    else:
        assert ours == theirs


def test_the_number_at_the_beginning_of_a_program_counts(tmp_path: Path) -> None:
    content = json.loads((EXAMPLES / "suffix.json").read_text())
    assert problems(tmp_path, content) == ()
    # Images of a variant may name the BLOCK that it is a variant of, but no other.
    for program, warned in [
        ("BLOCK-T595", False),
        ("BLOCK-595", True),
        ("BLOCK-T59", True),
        ("weekly", True),
    ]:
        content["scripts"][0]["parameters"]["program"] = program
        warnings = check_block(Block.model_validate(content)).warnings
        assert any("do not name BLOCK-T595_v4" in text for text in warnings) is warned


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("badref.json", "configuration_schema: $ref '/definitions/x' leads to nothing in this schema"),
        ("items.json", "script 1 (auxtel/make_latiss_calibrations.py): $items has no value"),
        ("on_key.json", "configuration_schema: YAML reads the name of a property as True: put it in quotes"),
    ],
)
def test_examples_that_the_scheduler_refuses(name: str, problem: str) -> None:
    (checked,) = check_files([EXAMPLES / name])
    assert [text for text in checked.problems if problem in text]
    assert len(checked.problems) == 1


@pytest.mark.parametrize("name", SKIPPED)
def test_properties_whose_defaults_the_scheduler_never_fills_in(tmp_path: Path, name: str) -> None:
    schema = {"properties": {name: {"type": "integer", "default": 5}}}
    (problem,) = problems(tmp_path, block(script(script_mode="BIAS", n_bias=f"${name}"), schema=schema))
    assert f"${name} has no value" in problem
    schema = {"properties": {"n": {"default": 20}}}
    assert problems(tmp_path, block(script(script_mode="BIAS", n_bias="${n}"), schema=schema)) == ()


def test_an_id_that_is_null(tmp_path: Path) -> None:
    assert problems(tmp_path, block(script(), id=None)) == ("id: the Scheduler refuses null: leave it out",)


def test_required_before_the_defaults_that_would_fill_it(tmp_path: Path) -> None:
    schema = {"required": ["n"], "properties": {"n": {"default": 20}}}
    (problem,) = problems(tmp_path, block(script(script_mode="BIAS", n_bias="$n"), schema=schema))
    assert "'n' is a required property: the Scheduler checks in the order of the schema" in problem


def test_defaults_of_any_depth(tmp_path: Path) -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer", "default": 20}}}
    for name in ("c", "b", "a"):
        schema = {"type": "object", "properties": {name: {**schema, "default": {}}}}
    content = block(script(FOREIGN, x="$a"), schema=schema)
    (call,) = expand(Block.model_validate(content))
    assert call.parameters == {"x": {"b": {"c": {"n": 20}}}}


def test_an_override_of_a_name_that_every_block_has(tmp_path: Path) -> None:
    content = block(script(program="$program"), schema={"properties": {"a": {"default": 1}}})
    found = Block.model_validate(content)
    assert [call.parameters for call in expand(found, {"program": "BLOCK-7"})] == [{"program": "BLOCK-7"}]
    assert problems(tmp_path, content, {"name": "x"}) == (
        "override name: the configuration_schema has no such property, so it changes nothing; known are a",
    )
    closed = block(
        script(program="$program"),
        schema={"properties": {"a": {"default": 1}}, "additionalProperties": False},
    )
    assert problems(tmp_path, closed, {"program": "BLOCK-7"}) == (
        "override program: the configuration_schema has no such property, so the Scheduler refuses it; known are a",
    )


def test_a_default_that_two_properties_share_by_an_alias_is_filled_for_both(tmp_path: Path) -> None:
    shared: dict[str, Any] = {}
    first = {"type": "object", "default": shared, "properties": {"x": {"default": 1}}}
    second = {"default": shared, "properties": {"y": {"default": 2}}, "additionalProperties": False}
    content = block(script(FOREIGN, a="$a", b="$b"), schema={"properties": {"a": first, "b": second}})
    assert "&id001" in content["configuration_schema"]
    (problem,) = problems(tmp_path, content)
    assert "configuration_schema b: " in problem
    assert "x" in problem
    second["default"] = {}
    content = block(script(FOREIGN, a="$a", b="$b"), schema={"properties": {"a": first, "b": second}})
    assert problems(tmp_path, content) == ()


def test_a_property_that_only_a_default_uses_is_used() -> None:
    content = block(
        script(filter="$a"), schema={"properties": {"a": {"default": "$b"}, "b": {"default": "SDSSr_65mm"}}}
    )
    checked = check_block(Block.model_validate(content))
    assert (checked.problems, checked.warnings) == ((), ())
    assert checked.calls[0].checked is not None


def test_one_problem_hides_no_other(tmp_path: Path) -> None:
    content = block(
        script(n_bias=0, filter="$nothing", reason="5 $", n_dark="$n"),
        {"name": LATISS, "standard": False, "parameters": {"n_flat": 0}, "params": {}},
        script(exp_times_flats=3),
        script("auxtel/make_latiss_calibrations"),
        "no script",
        schema={"properties": {"n": {"type": "integer", "default": "x"}}},
        program="weekly",
        id=None,
    )
    told = problems(tmp_path, content)
    wanted = [
        "id: the Scheduler refuses null",
        "program: must begin with a number",
        "script 2: params: unknown key",
        "script 5: ",
        "configuration_schema n: must be a whole number",
        f"script 1 ({LATISS}): $nothing has no value",
        f"script 1 ({LATISS}): a $ stands alone",
        f"script 1 ({LATISS}): n_bias: must be",
        f"script 2 ({LATISS}): n_flat: must be",
        f"script 3 ({LATISS}): exp_times_flats: unknown property",
        "script 4 (auxtel/make_latiss_calibrations): this package has no script",
    ]
    for start in wanted:
        assert any(text.startswith(start) for text in told), (start, told)


def test_where_the_schema_cannot_be_read_no_name_is_called_unknown(tmp_path: Path) -> None:
    told = problems(tmp_path, block(script(n_bias="$n", n_dark=0), schema="type: [1\n"))
    assert [text.split(": ")[0] for text in told] == ["configuration_schema", f"script 1 ({LATISS})"]
    assert "n_dark: must be" in told[1]
    assert problems(tmp_path, block(script(), schema=" ")) == (
        "configuration_schema: not a JSON schema: it must be a mapping",
    )


@pytest.mark.parametrize(
    "name",
    [
        "auxtel/make_latiss_calibrations",
        "make_latiss_calibrations.py",
        "auxtel/make_latiss_calibration.py",
        "auxtel/make_LATISS_calibrations.py",
        "auxtel/make_latiss_calibrations.py ",
        "maintel/make_lsstcam_calibration",
        "maintel/makelsstcam_calibrations.py",
    ],
)
def test_names_that_are_meant_to_be_ours(tmp_path: Path, name: str) -> None:
    (problem,) = problems(tmp_path, block(script(name)))
    assert f"this package has no script {name}; did you mean" in problem


def test_scripts_of_other_packages_keep_their_names(tmp_path: Path) -> None:
    assert problems(tmp_path, block(script("auxtel/take_image_latiss.py"), script("sleep.py"))) == ()
    (checked,) = check_files([tmp_path / "block.json"])
    assert checked.warnings == ()
    problems(tmp_path, block(script("auxtel/take_image_latiss")))
    (checked,) = check_files([tmp_path / "block.json"])
    assert checked.warnings == (
        "script 1 (auxtel/take_image_latiss): the name does not end in .py, as those of all scripts of the "
        "ScriptQueue do",
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[" * 200 + "]" * 200, "nested more than 30 levels deep"),
        (json.dumps(block(script(n_bias=1))).replace("1}", "9" * 5000 + "}"), "is a number of 5,000 digits"),
        (
            block(script(FOREIGN, a="$b" * 3000), schema={"properties": {"b": {"default": "$b" * 3000}}}),
            "more than 1,000,000 characters",
        ),
        (block(script(FOREIGN, a="$b"), schema="a: &a [*a]"), "an alias stands within what it stands for"),
        (block(script(), schema={"$ref": "http://localhost:9/x.json"}), "nothing outside of it is fetched"),
        (block(script(), schema="$ref: '#'"), "a $ref leads to itself"),
        (block(script(), schema="properties: {a: {$ref: '#/required/0'}}\nrequired: [b]"), "configuration_schema"),
        (block(script(), schema="properties: {b: {properties: {c: true}, type: object}}"), "configuration_schema"),
    ],
)  # fmt: skip
def test_hostile_blocks_are_refused_at_once(tmp_path: Path, content: object, problem: str) -> None:
    begun = time.process_time()
    told = problems(tmp_path, content)
    assert any(problem in text for text in told), told
    assert time.process_time() - begun < 60


def test_many_files_with_one_program(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number:02}.json").write_text(json.dumps(block(script(script_mode="BIAS"))))
    checked = check_files([tmp_path])
    assert all(len(one.problems) == 1 and re.search("and 46 more: the", one.problems[0]) for one in checked)


def test_a_block_takes_as_long_among_many(tmp_path: Path) -> None:
    weekly = json.loads((get_blocks_dir() / "block-295-latiss_weekly_calibrations.json").read_text())
    for number in range(10):
        weekly["program"] = f"BLOCK-{number + 1}"
        (tmp_path / f"{number}.json").write_text(json.dumps(weekly))
    few = [tmp_path / f"{number}.json" for number in range(2)]
    assert not any(checked.problems for checked in check_files([tmp_path]))
    # Five times as many.
    assert calls(lambda: check_files([tmp_path])) < 1.2 * 5 * calls(lambda: check_files(few))
