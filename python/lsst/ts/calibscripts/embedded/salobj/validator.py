"""Configuration checked against its schema, with the defaults filled in."""

from __future__ import annotations

import copy
import json
import types
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Protocol

import jsonschema
import yaml

__all__ = ["ConfigValidator", "DefaultingValidator", "read_config"]


class ConfigValidator(Protocol):
    """What checks a configuration."""

    def validate(self, data_dict: dict[str, Any] | None) -> dict[str, Any]:
        """Return the configuration with defaults, or raise `jsonschema.ValidationError`."""


class DefaultingValidator:
    """Checks a configuration and fills in the defaults of its schema.

    Defaults are handled at most two levels deep: those of the properties, and
    those of the properties of a property of type object that has no default
    of its own.

    Parameters
    ----------
    schema : `dict`
        JSON schema, draft 7.

    Raises
    ------
    jsonschema.SchemaError
        If the schema is not one.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        _check_schema(json.dumps(schema, default=str))
        self.final_validator = jsonschema.Draft7Validator(schema)
        self.defaults_validator = _FillingValidator(schema)

    def validate(self, data_dict: dict[str, Any] | None) -> dict[str, Any]:
        """Check a configuration.

        Parameters
        ----------
        data_dict : `dict` or `None`
            What was passed; `None` is an empty configuration.

        Returns
        -------
        result : `dict`
            A copy with the defaults filled in.

        Raises
        ------
        jsonschema.ValidationError
            If what was passed, or a default, does not match the schema.
        """
        if data_dict is not None and not isinstance(data_dict, dict):
            raise jsonschema.ValidationError(f"{data_dict} is not a dict")
        result = copy.deepcopy(data_dict or {})
        self.defaults_validator.validate(result)
        # Defaults can be wrong as well.
        self.final_validator.validate(result)
        return result


@lru_cache(maxsize=32)
def _check_schema(text: str) -> None:
    """Check that a text is a schema; once, since that takes longer than all else that a script does to start."""
    jsonschema.Draft7Validator.check_schema(json.loads(text))


def _check_properties_with_defaults(
    validator: Any, properties: Mapping[str, Any], instance: Any, schema: Mapping[str, Any]
) -> Iterator[jsonschema.ValidationError]:
    if isinstance(instance, dict):
        for name, subschema in properties.items():
            if isinstance(subschema, dict):
                _fill(instance, name, subschema)
    yield from jsonschema.Draft7Validator.VALIDATORS["properties"](validator, properties, instance, schema)


def _fill(instance: dict[str, Any], name: str, subschema: Mapping[str, Any]) -> None:
    if "default" in subschema:
        instance.setdefault(name, copy.deepcopy(subschema["default"]))
    elif subschema.get("type") == "object":
        defaults = {
            inner: copy.deepcopy(definition["default"])
            for inner, definition in subschema.get("properties", {}).items()
            if isinstance(definition, dict) and "default" in definition
        }
        if defaults:
            instance.setdefault(name, defaults)


def _filling_validator() -> Any:
    extend: Any = jsonschema.validators.extend
    return extend(jsonschema.Draft7Validator, {"properties": _check_properties_with_defaults})


_FillingValidator = _filling_validator()


def read_config(text: str, validator: ConfigValidator | None) -> types.SimpleNamespace:
    """Read the configuration of a script.

    Parameters
    ----------
    text : `str`
        YAML.
    validator : `ConfigValidator` or `None`
        Checks it; `None` where a script has no configuration.

    Returns
    -------
    config : `types.SimpleNamespace`
        The configuration with defaults.

    Raises
    ------
    RuntimeError
        If there is one, but the script has none.
    jsonschema.ValidationError
        If it is wrong.
    """
    if validator is None:
        if text:
            raise RuntimeError(f"This script has no configuration so config={text} must be empty.")
        return types.SimpleNamespace()
    given = yaml.safe_load(text) if text else {}
    if given:
        given.pop("metadata", None)
    return types.SimpleNamespace(**validator.validate(given))
