"""Reading YAML as people write it: mistakes that YAML hides are reported with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from ...ground.untrusted import Constructor, compose_yaml, construct_yaml
from .explain import not_a_mapping
from .misread import misread

__all__ = ["DROPPED", "IGNORED", "YamlText", "read_yaml", "understand"]

DROPPED = "metadata"
"""What salobj takes out of the configuration of a script before it is validated."""

IGNORED = frozenset({DROPPED, "background_task_timeout", "test_case"})
"""Properties whose values are never read, so that they may be anything."""

_ASSIGNMENT = re.compile(r"(\s*)([A-Za-z_]\w*)\s*=(.*)")
_KEY = re.compile(r"[A-Za-z_]\w*:\s*")
_NUMBER = re.compile(r"[-+]?\.?\d[\d.eE+-]*")


@dataclass(frozen=True)
class YamlText:
    """What a text says."""

    #: Values by property; where the text is wrong, what it seems to say, so that the rest can be checked too.
    config: dict[str, Any] = field(default_factory=dict)
    #: One sentence each, with its line. If there is one, the text must not be used.
    problems: tuple[str, ...] = ()
    lines: dict[str, int] = field(default_factory=dict)  #: Line of each property, from 1.
    #: Properties whose value is another one than it looks like; ``problems`` name them.
    misread: frozenset[str] = frozenset()


def read_yaml(text: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Read a configuration and find what YAML would hide or explain badly.

    Parameters
    ----------
    text : `str`
        YAML text.

    Returns
    -------
    config : `dict`
        Values by property, as far as they can be understood.
    problems : `tuple` [`str`]
        One sentence each, with its line. If there is one, the text must not be used.
    """
    understood = understand(text)
    return understood.config, understood.problems


def understand(text: str) -> YamlText:
    """Read a configuration; where YAML cannot, fix what people often write, and report it.

    Parameters
    ----------
    text : `str`
        YAML text.
    """
    try:
        return _read(text)
    except ValueError as error:
        corrected, problems = _correct(text.splitlines())
        if not problems:
            return YamlText(problems=(str(error),))
    try:
        rest = _read(corrected)
    except ValueError as error:
        return YamlText(problems=(*problems, str(error)))
    return replace(rest, problems=(*problems, *rest.problems))


def _read(text: str) -> YamlText:
    node = compose_yaml(text)
    # Before values are made of the nodes: that puts what is merged with << among what is written.
    dates, repeated = tuple(_impossible_dates(node)), tuple(_repeated(node))
    others = tuple(misread(node, IGNORED)) if isinstance(node, yaml.MappingNode) else ()
    written = node.value if isinstance(node, yaml.MappingNode) else []
    lines = {
        str(key.value): key.start_mark.line + 1 for key, _ in written if isinstance(key, yaml.ScalarNode)
    }
    data = None if node is None else construct_yaml(node, _Constructor)
    if data is None:
        return YamlText(problems=dates)
    if not isinstance(data, dict):
        raise ValueError(not_a_mapping(data))
    return YamlText(
        {str(key): value for key, value in data.items()},
        (*dates, *repeated, *(text for _, text in others)),
        lines,
        frozenset(name for name, _ in others),
    )


class _Constructor(Constructor):
    """Reads on past a date that the calendar does not have, so that the rest can be checked too."""


def _date(constructor: _Constructor, node: yaml.ScalarNode) -> Any:
    try:
        return constructor.construct_yaml_timestamp(node)
    except ValueError:
        return None


_Constructor.yaml_constructors = {**Constructor.yaml_constructors, "tag:yaml.org,2002:timestamp": _date}


def _impossible_dates(node: yaml.Node | None) -> Iterator[str]:
    """Find dates without quotes that the calendar does not have; YAML does not say where they are."""
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for part in pair:
                yield from _impossible_dates(part)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _impossible_dates(item)
    elif isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:timestamp":
        try:
            _Constructor().construct_yaml_timestamp(node)
        except ValueError as error:
            yield f"line {node.start_mark.line + 1}: the date {node.value} does not exist ({error})"


def _repeated(node: yaml.Node | None) -> Iterator[str]:
    """Find properties that occur more than once; YAML silently keeps the last."""
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, list[int]] = {}
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            lines.setdefault(str(key.value), []).append(key.start_mark.line + 1)
        yield from _repeated(value)
    for name, found in lines.items():
        if len(found) > 1:
            other = name.replace("_begin_", "_end_")
            meant = f"; is line {found[-1]} meant to be {other}?" if other not in lines else ""
            places = f"{', '.join(map(str, found[:-1]))} and {found[-1]}"
            yield f"lines {places}: {name} is set twice; YAML silently keeps the last: keep one{meant}"


def _correct(lines: list[str]) -> tuple[str, list[str]]:
    """Write `a=b` as `a: b`, and lines of numbers below a property as a list, in the same number of lines."""
    problems: list[str] = []
    corrected: list[str] = []
    open_list: int | None = None
    for number, line in enumerate(lines, 1):
        if open_list is not None and _are_numbers(line):
            corrected[open_list] = f"{corrected[open_list][:-1]}, {line.strip().rstrip(',')}]"
            corrected.append("")
            continue
        open_list = None
        if found := _ASSIGNMENT.fullmatch(line):
            indent, name, value = found[1], found[2], found[3].strip()
            problems.append(f"line {number}: write `{name}: {value}` instead of `{line.strip()}`")
            corrected.append(f"{indent}{name}: {value}")
        elif corrected and _KEY.fullmatch(corrected[-1]) and _are_numbers(line):
            first = f"{corrected[-1].strip()} [{line.strip().rstrip(',')}"
            problems.append(f"line {number}: write a list, in brackets: {first}, ...]")
            open_list = len(corrected) - 1
            corrected[open_list] = f"{first}]"
            corrected.append("")
        else:
            corrected.append(line)
    return "\n".join(corrected), problems


def _are_numbers(line: str) -> bool:
    """Return whether a line consists of numbers separated by commas, with or without one at the end."""
    words = [word.strip() for word in line.strip().removesuffix(",").split(",")]
    return all(map(_NUMBER.fullmatch, words))
