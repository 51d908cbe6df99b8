"""What the Scheduler makes of the configuration_schema of a BLOCK and of the values given to add_block.

As salobj's ``DefaultingValidator`` does it, which the Scheduler uses.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import jsonschema

from ...config import read_yaml
from ...config.text.explain import schema_problems
from ...errors import InputError
from ...ground.untrusted import applying, check_schema, schema_validator

__all__ = ["Configured", "configured"]

_NEVER_FILLED = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "default",
        "definitions",
        "items",
        "patternProperties",
        "properties",
        "property",
        "readOnly",
        "uniqueItems",
    }
)
"""Properties with these names never get their defaults: the Scheduler's reader of schemas skips them."""


@dataclass(frozen=True)
class Configured:
    """Values that a BLOCK is expanded with."""

    values: Mapping[str, Any] = field(default_factory=dict)  #: Values by name, as far as they are known.
    properties: Mapping[str, Any] = field(default_factory=dict)  #: What the schema says of each.
    closed: bool = False  #: Does the schema refuse other names?
    readable: bool = True  #: Can the schema be read? If not, it is unknown which names have values.
    problems: tuple[str, ...] = ()  #: One sentence each.


def configured(text: str, overrides: Mapping[str, Any]) -> Configured:
    """Fill in what a configuration_schema has defaults for.

    Parameters
    ----------
    text : `str`
        The schema; empty for none.
    overrides : mapping
        Values given to ``add_block``.
    """
    if not text:
        names = ", ".join(overrides)
        ignored = f"override {names}: the BLOCK has no configuration_schema, so the Scheduler ignores every override"
        return Configured(problems=(ignored,) if overrides else ())
    schema, problems = _schema(text)
    if schema is None:
        return Configured(readable=False, problems=problems)
    # A default that two properties share by an alias is one object, also in the copy: the Scheduler fills both.
    schema = copy.deepcopy(schema)
    properties = schema.get("properties", {})
    values: dict[str, Any] = copy.deepcopy(dict(overrides))
    found = [*problems, *_misnamed(properties), *_filled(schema, values, overrides)]
    closed = schema.get("additionalProperties") is False
    known = {name: value for name, value in values.items() if isinstance(name, str)}
    return Configured(known, properties, closed, problems=tuple(found))


@lru_cache(maxsize=32)
def _schema(text: str) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Read a schema; what is returned is never changed. Many BLOCKs of a directory have the same."""
    schema, problems = read_yaml(text)
    found = tuple(f"configuration_schema: {problem}" for problem in problems)
    if problems and not schema:
        return None, found
    try:
        # No text at all is not a schema either.
        check_schema(schema or None)
    except InputError as error:
        return None, (*found, f"configuration_schema: {error}")
    return schema, found


def _misnamed(properties: Mapping[Any, Any]) -> Iterator[str]:
    for name in properties:
        if not isinstance(name, str):
            yield (
                f"configuration_schema: YAML reads the name of a property as {name!r}: put it in quotes (on, off, "
                "yes, no, dates and numbers are not texts); the Scheduler cannot use it"
            )


def _filled(schema: Mapping[str, Any], values: dict[str, Any], overrides: Mapping[str, Any]) -> Iterator[str]:
    """Fill in the defaults, and say what is wrong with the values then."""
    try:
        early = applying(lambda: list(schema_validator(schema, _FillingValidator).iter_errors(values)))
        wrong = applying(lambda: dict(schema_problems(schema, values)))
    except InputError as error:
        yield f"configuration_schema: {error}"
        return
    for name, text in wrong.items():
        if name in overrides and name not in schema.get("properties", {}):
            # Said with what it would change.
            continue
        advice = ": put it in quotes" if isinstance(values.get(name), date) else ""
        yield f"{'override' if name in overrides else 'configuration_schema'} {name}: {text}{advice}"
    if early and not wrong:
        yield (
            f"configuration_schema: {early[0].message}: the Scheduler checks in the order of the schema, so write "
            "`properties`, with its defaults, above what needs them"
        )


def _fill(
    validator: Any, properties: Mapping[str, Any], instance: Any, schema: Mapping[str, Any]
) -> Iterator[jsonschema.ValidationError]:
    """Fill in defaults of properties, and of the properties of an absent object; then check them, in this order."""
    if isinstance(instance, dict):
        for name, definition in properties.items():
            if isinstance(definition, dict) and name not in _NEVER_FILLED:
                _fill_one(instance, name, definition)
    yield from jsonschema.Draft7Validator.VALIDATORS["properties"](validator, properties, instance, schema)


def _fill_one(instance: dict[str, Any], name: str, definition: Mapping[str, Any]) -> None:
    if "default" in definition:
        instance.setdefault(name, definition["default"])
    elif definition.get("type") == "object" and "properties" in definition:
        inner = {
            key: value["default"] for key, value in definition["properties"].items() if "default" in value
        }
        if inner:
            instance.setdefault(name, inner)


def _filling_validator() -> Any:
    extend: Any = jsonschema.validators.extend
    return extend(jsonschema.Draft7Validator, {"properties": _fill})


_FillingValidator = _filling_validator()
