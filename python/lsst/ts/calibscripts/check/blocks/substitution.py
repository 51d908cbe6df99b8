"""Values put in for ``$name`` as the Scheduler does it: as text, twice, before the YAML is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from string import Template
from typing import Any

import yaml

from ...config import did_you_mean, read_yaml
from ...ground.untrusted import CONFIGURATION

__all__ = ["put_in", "written"]

_SUBSTITUTIONS = 2


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


def written(parameters: Mapping[str, Any]) -> str:
    """Write the parameters of a script as the Scheduler does; empty for none."""
    return str(yaml.dump(dict(parameters), Dumper=_Dumper, sort_keys=False)) if parameters else ""


def put_in(
    parameters: Mapping[str, Any], values: Mapping[str, Any], readable: bool
) -> tuple[dict[str, Any], list[str], frozenset[str]]:
    """Put values in for the names of some parameters.

    Parameters
    ----------
    parameters : mapping
        Parameters of a script.
    readable : `bool`
        Are all names known? If not, one without a value has no words.

    Returns
    -------
    parameters : `dict`
        With the values; empty where there are problems.
    problems : `list` [`str`]
        Why not, maybe without words.
    names : `frozenset` [`str`]
        Names that were met.
    """
    text, names = written(parameters), frozenset[str]()
    for _ in range(_SUBSTITUTIONS):
        template = Template(text)
        used = template.get_identifiers()
        names = names.union(used)
        if problems := list(_template_problems(template, used, values, readable)):
            return {}, problems, names
        if _length(template, values) > CONFIGURATION.characters:
            return {}, [f"with the values put in: more than {CONFIGURATION.characters:,} characters"], names
        text = template.substitute(values)
    found, unread = read_yaml(text)
    return (
        ({}, [f"with the values put in: {problem}" for problem in unread], names)
        if unread
        else (found, [], names)
    )


def _length(template: Template, values: Mapping[str, Any]) -> int:
    """Return how long a text is with the values put in, without putting them in."""
    lengths = {name: len(str(values[name])) for name in template.get_identifiers()}
    named = (match["named"] or match["braced"] for match in template.pattern.finditer(template.template))
    return len(template.template) + sum(lengths[name] for name in named if name)


def _template_problems(
    template: Template, used: Iterable[str], values: Mapping[str, Any], readable: bool
) -> Iterator[str]:
    if not template.is_valid():
        yield "a $ stands alone: write $name, or $$$$ for a $ (values are put in twice)"
    for name in used:
        if name not in values:
            near = did_you_mean(name, values)
            # Without a readable schema it is unknown which names have values.
            yield (
                f"${name} has no value, so the BLOCK would fail: add it to configuration_schema with a default"
                + (f"; {near}" if near else "")
                if readable
                else ""
            )
        elif values[name] is None:
            yield f"${name} is null, which becomes the text None: set a value"
