"""What the Scheduler makes of a BLOCK: overrides and defaults, then ``$name``, then one call for each script.

As ts_scheduler's ``DriverTarget`` does it: values are put in as text, twice, before the YAML is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...config import did_you_mean
from ...config.text.yaml_text import understand
from ...errors import ConfigurationError
from ...ground.untrusted import InputError, load_yaml
from .configuration import Configured, configured
from .model import Block, BlockScript
from .substitution import put_in, written

__all__ = [
    "Expanded",
    "ExpandedScript",
    "ScriptCall",
    "expand",
    "expand_all",
    "parse_overrides",
]


@dataclass(frozen=True)
class ScriptCall:
    """A script as it is put into the queue."""

    name: str  #: Name of the script.
    standard: bool  #: Is it below the directory of the standard scripts?
    parameters: Mapping[str, Any]  #: Its configuration.

    @cached_property
    def config_text(self) -> str:
        """Its configuration, YAML; empty for none."""
        return written(self.parameters)


@dataclass(frozen=True)
class ExpandedScript:
    """A script of a BLOCK with the values put in."""

    call: ScriptCall  #: What is queued; where there are problems, with those parameters that have none.
    complete: bool = True  #: Has it all its parameters?
    problems: tuple[str, ...] = ()  #: Why not, one sentence each.
    names: frozenset[str] = frozenset()  #: Names that it refers to with a ``$``.


@dataclass(frozen=True)
class Expanded:
    """A BLOCK with the values put in."""

    configuration: Configured  #: The values, and what is wrong with them.
    scripts: tuple[ExpandedScript, ...]  #: All scripts, in their order.
    #: Everything that is wrong, that of the scripts with their numbers.
    problems: tuple[str, ...] = field(default=())

    @property
    def unused(self) -> tuple[str, ...]:
        """Properties of the schema that no script refers to."""
        names = frozenset[str]().union(*(script.names for script in self.scripts))
        return tuple(sorted(str(name) for name in self.configuration.properties if name not in names))


def parse_overrides(words: Iterable[str]) -> dict[str, Any]:
    """Read overrides as they stand in a command line.

    Parameters
    ----------
    words : iterable of `str`
        Each ``name=value``, the value in YAML.

    Raises
    ------
    ConfigurationError
        If any cannot be read. Its problems are all of them.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for word in words:
        name, equals, text = word.partition("=")
        try:
            if not equals or not name.strip():
                raise InputError("write name=value")
            values[name.strip()] = load_yaml(text)
            if (understood := understand(f"{name.strip()}: {text}")).misread:
                raise InputError(understood.problems[0].partition(f"{name.strip()}: ")[2])
        except InputError as error:
            problems.append(f"override {word!r}: {error}")
    if problems:
        raise ConfigurationError(problems)
    return values


def expand(block: Block, overrides: Mapping[str, Any] | None = None) -> tuple[ScriptCall, ...]:
    """Return what the Scheduler puts into the queue for a BLOCK.

    Parameters
    ----------
    overrides : mapping, optional
        Values given to ``add_block``.

    Returns
    -------
    `tuple` [`ScriptCall`]
        One for each script, in their order.

    Raises
    ------
    ConfigurationError
        If a value does not fit, a ``$name`` has no value, or the text with the values is not YAML. Its problems are
        all that are found.
    """
    found = expand_all(block, overrides)
    if found.problems:
        raise ConfigurationError(found.problems)
    return tuple(script.call for script in found.scripts)


def expand_all(block: Block, overrides: Mapping[str, Any] | None = None) -> Expanded:
    """Expand a BLOCK, as `expand`, as far as it can be expanded; the result has everything that is wrong."""
    configuration = configured(block.configuration_schema, overrides or {})
    values = {**_target(block), **configuration.values}
    scripts = tuple(_expanded(script, values, configuration.readable) for script in block.scripts)
    names = frozenset[str]().union(*(script.names for script in scripts))
    problems = [
        *configuration.problems,
        *(_useless(overrides or {}, configuration, names) if configuration.properties else ()),
        *(
            f"script {number} ({script.call.name}): {problem}"
            for number, script in enumerate(scripts, 1)
            for problem in script.problems
        ),
    ]
    return Expanded(configuration, scripts, tuple(problems))


def _target(block: Block) -> dict[str, Any]:
    """Return the names that every BLOCK can use, with the values they have where ``add_block`` runs it."""
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


def _useless(overrides: Mapping[str, Any], known: Configured, names: frozenset[str]) -> Iterator[str]:
    """Name the overrides that the schema does not allow; one that a script uses works anyway."""
    for name in overrides:
        if name in known.properties or (name in names and not known.closed):
            continue
        effect = "the Scheduler refuses it" if known.closed else "it changes nothing"
        near = did_you_mean(name, map(str, known.properties))
        yield (
            f"override {name}: the configuration_schema has no such property, so {effect}; "
            f"{near or 'known are ' + ', '.join(map(str, known.properties))}"
        )


def _expanded(script: BlockScript, values: Mapping[str, Any], readable: bool) -> ExpandedScript:
    parameters, problems, names = put_in(script.parameters, values, readable)
    complete = not problems
    if problems:
        # What can be read of the others is checked anyway.
        alone = [put_in({name: value}, values, readable) for name, value in script.parameters.items()]
        parameters = {name: value for found, _, _ in alone for name, value in found.items()}
        names = names.union(*(found for _, _, found in alone))
    call = ScriptCall(script.name, script.standard, parameters)
    return ExpandedScript(call, complete, tuple(filter(None, problems)), names)
