"""Reading YAML as people write it: mistakes that YAML hides are told with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from .explain import not_a_mapping
from .misread import misread

__all__ = ["DROPPED", "IGNORED", "YamlText", "read_yaml", "understand"]

DROPPED = "metadata"
"""What salobj takes out of the configuration of a script before it is validated."""

IGNORED = frozenset({DROPPED, "background_task_timeout", "test_case"})
"""Properties whose values nobody reads, so that they may be anything."""

_ASSIGNMENT = re.compile(r"(\s*)([A-Za-z_]\w*)\s*=\s*(.*?)\s*")
_KEY = re.compile(r"[A-Za-z_]\w*:\s*")
_NUMBER = r"[-+]?\.?\d[\d.eE+-]*"
_ADVICE = {
    "\\t": "; use blanks instead of tabs",
    "mapping values are not allowed": "; put a text that contains a colon in quotes",
    "that cannot start any token": "; put a text that begins with it in quotes",
}
_NUMBERS = re.compile(rf"\s*{_NUMBER}(\s*,\s*{_NUMBER})*\s*,?\s*")


@dataclass(frozen=True)
class YamlText:
    """What a text says.

    Attributes
    ----------
    config : `dict`
        Values by property; where the text is wrong, what it seems to say, so that the rest can be checked too.
    problems : `tuple` [`str`]
        One sentence each, with its line. If there is one, the text must not be used.
    lines : `dict` [`str`, `int`]
        Line of each property, from 1.
    misread : `frozenset` [`str`]
        Properties whose value is another one than it looks like; ``problems`` name them.
    """

    config: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    lines: dict[str, int] = field(default_factory=dict)
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
    """Read a configuration; where YAML cannot, mend what people often write, and say so.

    Parameters
    ----------
    text : `str`
        YAML text.

    Returns
    -------
    `YamlText`
        Values, problems and lines.
    """
    try:
        return _read(text)
    except ValueError as error:
        mended, told = _mend(text.splitlines())
        if not told:
            return YamlText(problems=(str(error),))
    try:
        rest = _read(mended)
    except ValueError as error:
        return YamlText(problems=(*told, str(error)))
    return replace(rest, problems=(*told, *rest.problems))


def _read(text: str) -> YamlText:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ValueError(_yaml_problem(error)) from None
    dates = tuple(_impossible_dates(node))
    if data is None:
        return YamlText(problems=dates)
    if not isinstance(data, dict) or not isinstance(node, yaml.MappingNode):
        raise ValueError(not_a_mapping(data))
    lines = {str(key.value): key.start_mark.line + 1 for key, _ in node.value}
    others = tuple(misread(node, IGNORED))
    return YamlText(
        {str(key): value for key, value in data.items()},
        (*dates, *_repeated(node), *(text for _, text in others)),
        lines,
        frozenset(name for name, _ in others),
    )


class _Loader(yaml.SafeLoader):
    """Reads on past a date that the calendar does not have, so that the rest can be checked too."""


def _date(loader: _Loader, node: yaml.ScalarNode) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return None


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _date)


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
            yaml.safe_load(node.value)
        except ValueError as error:
            yield f"line {node.start_mark.line + 1}: the date {node.value} does not exist ({error})"


def _repeated(node: yaml.Node) -> Iterator[str]:
    """Find properties that are given more than once; YAML keeps the last without a word."""
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, list[int]] = {}
    for key, value in node.value:
        lines.setdefault(str(key.value), []).append(key.start_mark.line + 1)
        yield from _repeated(value)
    for name, found in lines.items():
        if len(found) > 1:
            other = name.replace("_begin_", "_end_")
            meant = f"; is line {found[-1]} meant to be {other}?" if other not in lines else ""
            places = f"{', '.join(map(str, found[:-1]))} and {found[-1]}"
            yield f"lines {places}: {name} is given twice, YAML silently keeps the last: leave one{meant}"


def _mend(lines: list[str]) -> tuple[str, list[str]]:
    """Write `a=b` as `a: b`, and lines of numbers below a property as a list, in the same number of lines."""
    told: list[str] = []
    mended: list[str] = []
    open_list: int | None = None
    for number, line in enumerate(lines, 1):
        if open_list is not None and _NUMBERS.fullmatch(line):
            mended[open_list] = f"{mended[open_list][:-1]}, {line.strip().rstrip(',')}]"
            mended.append("")
            continue
        open_list = None
        if found := _ASSIGNMENT.fullmatch(line):
            indent, name, value = found.groups()
            told.append(f"line {number}: write `{name}: {value}` instead of `{line.strip()}`")
            mended.append(f"{indent}{name}: {value}")
        elif _NUMBERS.fullmatch(line) and mended and _KEY.fullmatch(mended[-1]):
            first = f"{mended[-1].strip()} [{line.strip().rstrip(',')}"
            told.append(f"line {number}: write a list, in brackets: {first}, ...]")
            open_list = len(mended) - 1
            mended[open_list] = f"{first}]"
            mended.append("")
        else:
            mended.append(line)
    return "\n".join(mended), told


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    text = " ".join((getattr(error, "problem", None) or str(error)).split())
    if mark is None:
        return f"not YAML: {text}"
    advice = next((words for sign, words in _ADVICE.items() if sign in text), "")
    return f"line {mark.line + 1}, column {mark.column + 1}: not YAML: {text}{advice}"
