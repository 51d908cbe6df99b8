"""Read what a user wrote: everything that is wrong is reported at once, what is left out is filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, TypeVar

import jsonschema
from pydantic import ValidationError

from ..errors import ConfigurationError
from ..ground.untrusted import InputError, check_values
from .calibrations import CalibrationsConfig
from .rules import Given
from .text.explain import hint, not_a_mapping, schema_problems
from .text.yaml_text import DROPPED, understand

__all__ = ["DROPPED", "ConfigValidator", "parse", "with_defaults"]

Config = TypeVar("Config", bound=CalibrationsConfig)
_Problem = tuple[str, str]
"""A property, or nothing, and what is wrong with it."""


class ConfigValidator:
    """Validate a configuration, with the contract of salobj's `DefaultingValidator`.

    Parameters
    ----------
    schema : `dict`
        Draft-7 schema of the script. It may have properties that the model does not know (they are passed
        on as they are), leave out some of the model's, and have defaults of its own.
    model : `type` [`CalibrationsConfig`]
        Knows what was set and what was left out, and holds the properties against each other.

    Raises
    ------
    jsonschema.SchemaError
        If the schema is not a draft-7 schema.
    """

    def __init__(self, schema: dict[str, Any], model: type[CalibrationsConfig]) -> None:
        _check_schema(json.dumps(schema, default=str))
        self.schema = schema
        self.model = model
        self.given: dict[str, Any] = {}
        self._properties: dict[str, Any] = schema.get("properties", {})
        self._defaults: dict[str, Any] = _plain(with_defaults(self._properties, {}))

    def validate(self, data_dict: Mapping[str, Any] | None) -> dict[str, Any]:
        """Check a configuration and fill in what it leaves out.

        Parameters
        ----------
        data_dict : mapping or `None`
            What the user set; None for nothing. It is not changed.

        Returns
        -------
        `dict`
            A value for every property that was set or has a default: numbers, texts, lists and mappings
            as JSON has them. Validating it again returns the same.

        Raises
        ------
        jsonschema.ValidationError
            If anything is wrong. Its message has a line for each problem; its ``context`` holds them one by
            one, with the property as ``path``.
        """
        if data_dict is not None and not isinstance(data_dict, Mapping):
            raise _error([("", not_a_mapping(data_dict))])
        try:
            # Read by salobj, which has no limits.
            check_values(data_dict or {})
        except InputError as error:
            raise _error([("", str(error))]) from None
        given = {str(name): _plain(value) for name, value in (data_dict or {}).items()}
        filled, problems = self._check(given)
        if problems:
            raise _error(problems)
        self.given = given
        return filled

    def validate_text(self, text: str) -> dict[str, Any]:
        """Check a configuration as it was written, with what YAML would hide.

        Parameters
        ----------
        text : `str`
            YAML text.

        Returns
        -------
        `dict`
            As of `validate`.

        Raises
        ------
        jsonschema.ValidationError
            If anything is wrong. As of `validate`, with lines.
        """
        understood = understand(text)
        given = {name: _plain(value) for name, value in understood.config.items() if name != DROPPED}
        # Where nothing could be understood, there is nothing to check either.
        checked = bool(given) or not understood.problems
        filled, problems = self._check(given) if checked else ({}, [])
        by_line = [("", problem) for problem in understood.problems]
        problems = [problem for problem in problems if problem[0] not in understood.misread]
        if by_line or problems:
            raise _error(by_line + problems, understood.lines)
        self.given = given
        return filled

    def wrong_values(self, given: Mapping[str, Any]) -> dict[str, str]:
        """Check values each by itself, where the others are not known.

        Parameters
        ----------
        given : mapping
            Values by property.

        Returns
        -------
        `dict` [`str`, `str`]
            What is wrong, by property.
        """
        plain = {str(name): _plain(value) for name, value in given.items()}
        return {name: text for name, text in self._wrong(plain).items() if name in plain}

    def _check(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[_Problem]]:
        """Fill in what was not set, and list everything that is wrong in the order it was written."""
        wrong = self._wrong(given)
        config, rules = _build(self.model, given, self._defaults, wrong)
        position = {name: number for number, name in enumerate(given)}
        problems = sorted(wrong.items(), key=lambda problem: position.get(problem[0], len(position)))
        if config is None or problems or rules:
            return {}, problems + rules
        names = {*self._defaults, *given}
        known = {name: value for name, value in config.model_dump(mode="json").items() if name in names}
        filled = {**_plain(with_defaults(self._properties, given)), **known}
        return filled, list(schema_problems(self.schema, filled))

    def _wrong(self, given: Mapping[str, Any]) -> dict[str, str]:
        """Report what is wrong with each property on its own, in the words that help most."""
        found = {name: hint(name, value, self._properties.get(name)) for name, value in given.items()}
        hints = {name: text for name, text in found.items() if text and name in self._properties}
        generic, own = _values(self.model, given, self._defaults)
        return {**generic, **dict(schema_problems(self.schema, given)), **own, **hints}


@lru_cache(maxsize=32)
def _check_schema(text: str) -> None:
    """Check that a text is a schema; once, since that takes longer than to check a configuration against it."""
    jsonschema.Draft7Validator.check_schema(json.loads(text))


def parse(filled: Mapping[str, Any], model: type[Config], instrument_name: str | None = None) -> Config:
    """Make the frozen configuration of what a validator filled in.

    Parameters
    ----------
    filled : mapping
        Values by property, as `ConfigValidator.validate` returns them. Properties that the model does not
        know are left out.
    instrument_name : `str`, optional
        Name of the instrument in the defaults of collections and repo; needed by a model that is not of one
        instrument.

    Raises
    ------
    ConfigurationError
        If the values do not make one.
    """
    defaults = model.defaults(instrument_name)
    known = {name: _plain(value) for name, value in filled.items() if name in model.model_fields}
    missing = [(name, "has no default") for name in model.model_fields if name not in {*defaults, *known}]
    wrong = {**dict(missing), **{n: t for texts in _values(model, known, defaults) for n, t in texts.items()}}
    config, rules = _build(model, known, defaults, wrong)
    if config is None or wrong or rules:
        raise ConfigurationError([_line(*problem) for problem in (*wrong.items(), *rules)])
    return config


def _values(
    model: type[CalibrationsConfig], given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, str]]:
    """Try each value alone: what is wrong in pydantic's words, and in ours."""
    generic: dict[str, str] = {}
    own: dict[str, str] = {}
    known = {name: value for name, value in given.items() if name in model.model_fields}
    try:
        model.model_validate(known, context=Given(defaults))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            cause = detail.get("ctx", {}).get("error")
            if not detail["loc"] or (name := str(detail["loc"][0])) not in known:
                continue
            if isinstance(cause, ValueError):
                own.setdefault(name, str(cause))
            else:
                generic.setdefault(name, detail["msg"])
    return generic, own


def _build(
    model: type[Config], given: Mapping[str, Any], defaults: Mapping[str, Any], wrong: Mapping[str, str]
) -> tuple[Config | None, list[_Problem]]:
    """Hold the right values against each other; defaults stand for the wrong ones."""
    right = {name: value for name, value in given.items() if name in model.model_fields and name not in wrong}
    stand_in = {**CalibrationsConfig.defaults("-"), **model.defaults(), **defaults}
    try:
        return model.model_validate(right, context=Given(stand_in, frozenset(wrong))), []
    except ValidationError as error:
        causes = [detail.get("ctx", {}).get("error") for detail in error.errors(include_url=False)]
        lines = [line for cause in causes if isinstance(cause, ConfigurationError) for line in cause.problems]
        # Anything else here is a default that is wrong in itself.
        lines = lines or [f"{detail['loc'][0]}: default: {detail['msg']}" for detail in error.errors()]
        return None, [(name, text) for name, _, text in (line.partition(": ") for line in lines)]


def with_defaults(properties: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in the defaults of a schema, two levels deep as salobj does.

    Parameters
    ----------
    properties : mapping
        Properties of the schema.
    given : mapping
        Values by property.

    Returns
    -------
    `dict`
        With the defaults, an absent object made of those of its own properties.
    """
    values = dict(given)
    for name, schema in properties.items():
        if not isinstance(schema, dict):
            continue
        inner = {
            key: value["default"]
            for key, value in schema.get("properties", {}).items()
            if isinstance(value, dict) and "default" in value
        }
        if name not in values and ("default" in schema or inner):
            values[name] = schema.get("default", inner)
        if isinstance(values.get(name), dict):
            values[name] = {**inner, **values[name]}
    return values


def _error(
    problems: Sequence[_Problem], lines: Mapping[str, int] | None = None
) -> jsonschema.ValidationError:
    def where(name: str) -> str:
        return f"line {lines[name]}: " if lines and name in lines else ""

    return jsonschema.ValidationError(
        "\n".join(f"{where(name)}{_line(name, text)}" for name, text in problems),
        context=[jsonschema.ValidationError(text, path=[name] if name else []) for name, text in problems],
    )


def _line(name: str, text: str) -> str:
    return f"{name}: {text}" if name else text


def _plain(value: Any) -> Any:
    """Copy a value that YAML made; a date without quotes becomes its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
