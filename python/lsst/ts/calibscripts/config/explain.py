"""Texts for an observer on what a schema finds wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

import jsonschema

from .fields import did_you_mean

__all__ = ["hint", "not_a_mapping", "schema_problems", "shown"]

_ASSIGNMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*\S)\s*")
_ASSIGNMENTS = re.compile(r"([A-Za-z_]\w*)\s*=\s*(\S+)")
_PLACEHOLDER = re.compile(r"\$\{\w+\}|^\$\w+$")
_NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
_NUMBERS = re.compile(rf"\s*{_NUMBER}(\s*[,\s]\s*{_NUMBER})*\s*,?\s*")
_KINDS = {"integer": "a whole number", "number": "a number", "boolean": "True or False", "null": "null"}


def shown(value: Any) -> str:
    """Write a value as it looks in YAML, shortened.

    Parameters
    ----------
    value : `object`
        Anything that YAML can hold.

    Returns
    -------
    `str`
        One line of at most about 60 characters.
    """
    if isinstance(value, list | tuple):
        items = [shown(item) for item in value[:4]] + ["..."] * (len(value) > 4)
        return f"[{', '.join(items)}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "True", False: "False"}[value]
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return " ".join(text.split()) if len(text) <= 60 else f"{' '.join(text[:50].split())}..."


def not_a_mapping(data: Any) -> str:
    """Say why a configuration that is no mapping cannot be used.

    Parameters
    ----------
    data : `object`
        What YAML made of the text.

    Returns
    -------
    `str`
        One sentence.
    """
    if isinstance(data, str) and (found := _ASSIGNMENTS.findall(data)):
        return "; ".join(f"write `{name}: {value}` instead of `{name}={value}`" for name, value in found)
    return f"the configuration must be lines of `property: value`, not {shown(data)}"


def hint(name: str, value: Any, schema: Mapping[str, Any] | None = None) -> str | None:
    """Recognise a mistake that documents and habits lead to.

    Parameters
    ----------
    name : `str`
        Property.
    value : `object`
        What was given.
    schema : mapping, optional
        Schema of the property, where it has one.

    Returns
    -------
    `str` or `None`
        What to do, or None.
    """
    if any(isinstance(number, float) and not isfinite(number) for number in _items(value)):
        return "must be finite"
    if not isinstance(value, str):
        return None
    if name != "repo" and (found := _PLACEHOLDER.search(value)):
        return f"replace the placeholder {found[0]} by a value, or leave the line out"
    kinds = _types(schema or {})
    if _NUMBERS.fullmatch(value) and ("array" in kinds or (not kinds and "," in value)):
        numbers = [number for number in re.split(r"[,\s]+", value) if number]
        listed = ", ".join(numbers[:4] + ["..."] * (len(numbers) > 4))
        if len(numbers) > 1:
            return f"write a list, in brackets: {name}: [{listed}]"
    if kinds and "string" not in kinds:
        if value.lower() in ("true", "false") and "boolean" in kinds:
            return f"write {value} without quotes"
        if re.fullmatch(_NUMBER, value.strip()) and kinds & {"integer", "number"}:
            return f"write {value.strip()} without quotes"
    return None


def schema_problems(schema: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Say what is wrong by a schema.

    Parameters
    ----------
    schema : mapping
        Draft-7 schema of an object.
    given : mapping
        The object.

    Yields
    ------
    name, text : `str`
        One sentence for each property that is wrong, unknown or missing.
    """
    known = schema.get("properties", {})
    told = set()
    for error in jsonschema.Draft7Validator(schema).iter_errors(dict(given)):
        if error.path:
            name = str(error.path[0])
            if name not in told:
                told.add(name)
                yield name, _value(name, given[name], known.get(name, {}), error)
        elif error.validator == "additionalProperties":
            for name in (name for name in given if name not in known):
                yield str(name), _unknown(str(name), given[name], known)
        elif error.validator == "required":
            for name in (name for name in schema["required"] if name not in given and name not in told):
                told.add(name)
                yield name, f"is missing; it must be {_expected(known.get(name, {}))}"
        else:
            yield "", error.message


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _unknown(name: str, value: Any, known: Mapping[str, Any]) -> str:
    if found := _ASSIGNMENT.fullmatch(name):
        return f"write `{found[1]}: {found[2]}`"
    texts = ("unknown property", did_you_mean(name, known), hint(name, value) or "")
    return "; ".join(text for text in texts if text)


def _value(name: str, value: Any, schema: Mapping[str, Any], error: jsonschema.ValidationError) -> str:
    if (text := hint(name, value, schema)) is not None:
        return text
    if not (expected := _expected(schema)):
        return error.message
    part = _wrong_item(schema, value)
    return f"must be {expected}, not {shown(value) if part is None else part}"


def _wrong_item(schema: Mapping[str, Any], value: Any) -> str | None:
    """Find the item that makes a list wrong."""
    if not isinstance(value, list):
        return None
    for option in schema.get("anyOf", [schema]):
        if "array" in _types(option) and "items" in option:
            validator = jsonschema.Draft7Validator(option["items"])
            for position, item in enumerate(value, 1):
                if not validator.is_valid(item):
                    return f"{shown(item)} (number {position} of the list)"
    return None


def _types(schema: Mapping[str, Any]) -> set[str]:
    kinds = schema.get("type", [])
    own = {kinds} if isinstance(kinds, str) else set(kinds)
    return own.union(*(_types(option) for option in schema.get("anyOf", [])))


def _expected(schema: Mapping[str, Any]) -> str:
    """Say in words what a schema asks for; nothing where words are lacking."""
    if "anyOf" in schema:
        return " or ".join(filter(None, (_expected(option) for option in schema["anyOf"])))
    if "enum" in schema:
        return f"one of {', '.join(shown(value).strip(chr(34)) for value in schema['enum'])}"
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    return " or ".join(filter(None, (_expected_type(kind, schema) for kind in kinds)))


def _expected_type(kind: str, schema: Mapping[str, Any]) -> str:
    if kind == "array":
        different = " of different items" if schema.get("uniqueItems") else ""
        items = _expected(schema.get("items", {}))
        return f"a list in brackets{different}" + (f", each {items}" if items else "")
    if kind == "string":
        return f"one of {', '.join(schema['examples'])}" if "examples" in schema else "a text"
    text = _KINDS.get(kind, "a mapping")
    if kind in ("integer", "number"):
        low, high = schema.get("minimum"), schema.get("maximum")
        if low is not None and high is not None:
            return f"{text} from {low} to {high}"
        if low is not None:
            return f"{text} of at least {low}"
        if "exclusiveMinimum" in schema:
            return f"{text} greater than {schema['exclusiveMinimum']}"
    return text
