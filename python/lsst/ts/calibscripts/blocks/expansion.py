"""What the Scheduler makes of a BLOCK: overrides and defaults, then ``$name``, then one call for each script.

As ts_scheduler's ``DriverTarget`` does it: values are put in as text, twice, before the YAML is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import Template
from typing import Any

import jsonschema
import yaml

from ..config import did_you_mean, read_yaml, with_defaults
from ..config.explain import schema_problems
from ..errors import ConfigurationError
from .model import Block, BlockScript

__all__ = ["ScriptCall", "block_configuration", "expand", "names_used", "parse_overrides"]

_SUBSTITUTIONS = 2


@dataclass(frozen=True)
class ScriptCall:
    """A script as it is put into the queue.

    Attributes
    ----------
    name : `str`
        Name of the script.
    standard : `bool`
        Is it below the directory of the standard scripts?
    config_text : `str`
        Its configuration, YAML; empty for none.
    """

    name: str
    standard: bool
    config_text: str


class _Dumper(yaml.SafeDumper):
    """Writes YAML as the Scheduler does: a text with a colon in single quotes."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="'" if ":" in text else None
    ),
)
# An object of a BLOCK file is a dict of a class of its own.
_Dumper.add_multi_representer(dict, _Dumper.represent_dict)


def parse_overrides(words: Iterable[str]) -> dict[str, Any]:
    """Read overrides as they are given in a command line.

    Parameters
    ----------
    words : iterable of `str`
        Each ``name=value``, the value in YAML.

    Returns
    -------
    `dict`
        Values by name.

    Raises
    ------
    ConfigurationError
        If one cannot be read. All such are told.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for word in words:
        name, equals, text = word.partition("=")
        try:
            if not equals or not name.strip():
                raise ValueError("write name=value")
            values[name.strip()] = yaml.safe_load(text)
        except (ValueError, yaml.YAMLError) as error:
            problems.append(f"override {word!r}: {' '.join(str(error).split())}")
    if problems:
        raise ConfigurationError(problems)
    return values


def block_configuration(block: Block, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Fill in what the configuration_schema of a BLOCK has defaults for.

    Parameters
    ----------
    block : `Block`
        The BLOCK.
    overrides : mapping, optional
        Values given to ``add_block``.

    Returns
    -------
    `dict`
        Values by name.

    Raises
    ------
    ConfigurationError
        If the schema is none, an override is not one of its properties, or a value does not fit it.
    """
    given = dict(overrides or {})
    if not block.configuration_schema.strip():
        if given:
            raise ConfigurationError(
                [
                    f"{_these(given)}: the BLOCK has no configuration_schema, so the Scheduler ignores every override"
                ]
            )
        return {}
    schema = _schema(block.configuration_schema)
    properties: Mapping[str, Any] = schema.get("properties", {})
    filled = with_defaults(properties, given)
    wrong = dict(schema_problems(schema, filled))
    for name in given:
        if name not in properties:
            near = did_you_mean(name, properties) or f"known are {', '.join(properties)}"
            wrong[name] = f"the configuration_schema has no such property, so it changes nothing; {near}"
    if wrong:
        raise ConfigurationError(
            [
                f"{'override' if name in given else 'configuration_schema'} {name}: {text}"
                for name, text in wrong.items()
            ]
        )
    return filled


def _schema(text: str) -> dict[str, Any]:
    schema, problems = read_yaml(text)
    if not problems:
        try:
            jsonschema.Draft7Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            place = ".".join(map(str, error.absolute_path))
            problems = (f"{place}: {error.message}" if place else error.message,)
    if problems:
        raise ConfigurationError([f"configuration_schema: {problem}" for problem in problems])
    return schema


def _these(names: Iterable[str]) -> str:
    return f"override {', '.join(names)}"


def _target(block: Block) -> dict[str, Any]:
    """Give the names that every BLOCK can use, with the values they have where ``add_block`` runs it."""
    return {
        "targetid": 0,
        "band_filter": "",
        "filter_name": "",
        "name": "Target",
        "note": "Target",
        "ra": "'+0:00:00'",
        "dec": "'+0:00:00'",
        **dict.fromkeys(("rot_sky", "alt", "az", "rot", "obs_time", "estimated_slew_time"), 0.0),
        "num_exp": 0,
        "exp_times": [],
        "program": block.program,
        "observation_reason": "Scheduler_Driven_Observation",
    }


def names_used(block: Block) -> frozenset[str]:
    """Give the names that the parameters of the scripts refer to with a ``$``.

    Parameters
    ----------
    block : `Block`
        The BLOCK.

    Returns
    -------
    `frozenset` [`str`]
        Without the ``$``.
    """
    texts = (_written(script) for script in block.scripts)
    return frozenset(name for text in texts for name in Template(text).get_identifiers())


def expand(block: Block, overrides: Mapping[str, Any] | None = None) -> tuple[ScriptCall, ...]:
    """Say what the Scheduler puts into the queue for a BLOCK.

    Parameters
    ----------
    block : `Block`
        The BLOCK.
    overrides : mapping, optional
        Values given to ``add_block``.

    Returns
    -------
    `tuple` [`ScriptCall`]
        One for each script, in their order.

    Raises
    ------
    ConfigurationError
        If a ``$name`` has no value, or the text with the values is not YAML. All that is wrong is told.
    """
    values = {**_target(block), **block_configuration(block, overrides)}
    calls: list[ScriptCall] = []
    problems: list[str] = []
    for number, script in enumerate(block.scripts, 1):
        try:
            calls.append(ScriptCall(script.name, script.standard, _configuration(script, values)))
        except ConfigurationError as error:
            problems += [f"script {number} ({script.name}): {problem}" for problem in error.problems]
    if problems:
        raise ConfigurationError(problems)
    return tuple(calls)


def _written(script: BlockScript) -> str:
    return str(yaml.dump(script.parameters, Dumper=_Dumper, sort_keys=False)) if script.parameters else ""


def _configuration(script: BlockScript, values: Mapping[str, Any]) -> str:
    text = _written(script)
    for _ in range(_SUBSTITUTIONS):
        template = Template(text)
        if problems := list(_template_problems(template, values)):
            raise ConfigurationError(problems)
        text = template.substitute(values)
    parameters, unread = read_yaml(text)
    if unread:
        raise ConfigurationError([f"with the values put in: {problem}" for problem in unread])
    return str(yaml.dump(parameters, Dumper=_Dumper, sort_keys=False)) if parameters else ""


def _template_problems(template: Template, values: Mapping[str, Any]) -> Iterator[str]:
    if not template.is_valid():
        yield "a $ stands alone: write $name, or $$$$ for a $ (values are put in twice)"
        return
    for name in template.get_identifiers():
        if name not in values:
            near = did_you_mean(name, values)
            yield (
                f"${name} has no value, so the BLOCK would fail: add it to configuration_schema with a default"
                + (f"; {near}" if near else "")
            )
        elif values[name] is None:
            yield f"${name} is null, which becomes the text None: give it a value"
