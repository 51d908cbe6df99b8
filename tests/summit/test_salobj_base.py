"""Names, enumerations, exceptions and the configuration validator of the in-process middleware."""

import copy
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from lsst.ts.calibscripts.embedded.salobj import (
    AckError,
    AckTimeoutError,
    DefaultingValidator,
    SalRetCode,
    ScriptState,
    State,
    name_to_name_index,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Script", ("Script", 0)),
        ("Script:0", ("Script", 0)),
        ("OCPS:15", ("OCPS", 15)),
        ("MT_Dome-2:3", ("MT_Dome-2", 3)),
    ],
)
def test_names(text: str, expected: tuple[str, int]) -> None:
    assert name_to_name_index(text) == expected


@pytest.mark.parametrize(
    "text", [" Script:15", "Script:15 ", "Script:", "Script:one", "Script:-1", "", "1A", "A:1\n"]
)
def test_wrong_names(text: str) -> None:
    with pytest.raises(ValueError, match="is not of the form 'name' or 'name:index'"):
        name_to_name_index(text)


def test_enumerations_have_the_observatorys_values() -> None:
    assert {state.name: state.value for state in State} == {
        "OFFLINE": 4,
        "STANDBY": 5,
        "DISABLED": 1,
        "ENABLED": 2,
        "FAULT": 3,
    }
    assert [state.name for state in sorted(ScriptState)] == [
        "UNKNOWN",
        "UNCONFIGURED",
        "CONFIGURED",
        "RUNNING",
        "PAUSED",
        "ENDING",
        "STOPPING",
        "FAILING",
        "DONE",
        "STOPPED",
        "FAILED",
        "CONFIGURE_FAILED",
    ]
    assert max(ScriptState) == 11
    codes = {"ACK": 300, "INPROGRESS": 301, "STALLED": 302, "COMPLETE": 303}
    codes |= {"NOPERM": -300, "NOACK": -301, "FAILED": -302, "ABORTED": -303, "TIMEOUT": -304}
    assert {code.name.removeprefix("CMD_"): code.value for code in SalRetCode} == codes


def test_a_failed_command_tells_code_and_result() -> None:
    ackcmd = SimpleNamespace(private_seqNum=7, ack=-302, error=1, result="Failed: no", timeout=0)
    error = AckTimeoutError("Command failed", ackcmd)
    assert isinstance(error, AckError)
    assert error.ackcmd is ackcmd
    assert str(error) == (
        "msg='Command failed', ackcmd=(ackcmd private_seqNum=7, "
        "ack=<SalRetCode.CMD_FAILED: -302>, error=1, result='Failed: no')"
    )
    assert repr(error) == f"AckTimeoutError({error})"
    ackcmd.ack = 17
    assert "ack=17" in str(error)


SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {
        "number": {"type": "number", "default": 1},
        "names": {"type": "array", "default": []},
        "text": {"type": "string"},
        "inner": {
            "type": "object",
            "properties": {
                "number": {"type": "number", "default": 2, "maximum": 10},
                "text": {"type": "string"},
                "innermost": {"type": "object", "default": {"number": 3}},
            },
        },
    },
    "additionalProperties": False,
}
DEFAULTS = {"number": 1, "names": [], "inner": {"number": 2, "innermost": {"number": 3}}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, DEFAULTS),
        ({}, DEFAULTS),
        ({"number": 5}, DEFAULTS | {"number": 5}),
        ({"text": "x"}, DEFAULTS | {"text": "x"}),
        ({"inner": {}}, DEFAULTS),
        ({"inner": {"text": "x"}}, DEFAULTS | {"inner": DEFAULTS["inner"] | {"text": "x"}}),  # type: ignore[operator]
    ],
)
def test_defaults_two_levels_deep(given: dict[str, Any] | None, expected: dict[str, Any]) -> None:
    assert DefaultingValidator(SCHEMA).validate(given) == expected


def test_an_object_with_a_default_of_its_own_gets_that() -> None:
    schema = {
        "properties": {"inner": {"type": "object", "default": {"a": 1}, "properties": {"b": {"default": 2}}}}
    }
    assert DefaultingValidator(schema).validate({}) == {"inner": {"a": 1, "b": 2}}


def test_an_object_without_defaults_is_not_made() -> None:
    schema = {
        "properties": {"inner": {"type": "object", "properties": {"b": {"type": "number"}}}, "any": True}
    }
    assert DefaultingValidator(schema).validate({}) == {}


def test_what_was_given_and_the_schema_stay_as_they_are() -> None:
    given: dict[str, Any] = {"inner": {}}
    before = copy.deepcopy(SCHEMA)
    validator = DefaultingValidator(SCHEMA)
    validator.validate(given)["names"].append("x")
    assert given == {"inner": {}}
    assert before == SCHEMA
    assert validator.validate({})["names"] == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"number": "one"}, "'one' is not of type 'number'"),
        ({"inner": {"number": 11}}, "11 is greater than the maximum of 10"),
        ({"inner": 3}, "3 is not of type 'object'"),
        ({"nmber": 1}, "'nmber' was unexpected"),
        ([1, 2], r"\[1, 2\] is not a dict"),
        ("text", "text is not a dict"),
    ],
)
def test_what_does_not_match(given: Any, message: str) -> None:
    with pytest.raises(jsonschema.ValidationError, match=message):
        DefaultingValidator(SCHEMA).validate(given)


def test_a_default_that_does_not_match() -> None:
    schema = {"properties": {"a": {"type": "number", "default": "x"}}}
    with pytest.raises(jsonschema.ValidationError, match="'x' is not of type 'number'"):
        DefaultingValidator(schema).validate({})


def test_a_schema_that_is_none() -> None:
    with pytest.raises(jsonschema.SchemaError):
        DefaultingValidator({"type": "nothing"})


def test_the_import_is_light() -> None:
    code = "import sys, lsst.ts.calibscripts.embedded.observatory; print(sorted(sys.modules.keys() & set(sys.argv)))"
    command = [sys.executable, "-c", code, "numpy", "astropy", "lsst.daf.butler"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
