"""Reading YAML as people write it: mistakes that YAML hides are told with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from .explain import not_a_mapping

__all__ = ["property_lines", "read_yaml"]

_ASSIGNMENT = re.compile(r"(\s*)([A-Za-z_]\w*)\s*=\s*(.*?)\s*")
_KEY = re.compile(r"[A-Za-z_]\w*:\s*")
_NUMBERS = re.compile(r"\s*[-+]?\.?\d[\d.eE+-]*(\s*,\s*[-+]?\.?\d[\d.eE+-]*)*\s*,?\s*")


def read_yaml(text: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Read a configuration and find what YAML would hide or explain badly.

    Parameters
    ----------
    text : `str`
        YAML text.

    Returns
    -------
    config : `dict`
        What the text says; where it is wrong, what it seems to say, so that the rest can be checked too.
    problems : `tuple` [`str`]
        One sentence each, with its line. If there is one, the text must not be used.
    """
    config, problems = _read(text)
    if config is not None:
        return config, problems
    repaired, repairs = _repair(text.splitlines())
    if not repairs:
        return {}, problems
    config, rest = _read(repaired)
    return config or {}, (*repairs, *rest)


def property_lines(text: str) -> dict[str, int]:
    """Find where each property stands.

    Parameters
    ----------
    text : `str`
        YAML text.

    Returns
    -------
    `dict` [`str`, `int`]
        Line by property, from 1; empty if the text is not a YAML mapping.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return {}
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): key.start_mark.line + 1 for key, _ in node.value}


def _read(text: str) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Read YAML; None where it is not a mapping."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return None, (_yaml_problem(error),)
    except ValueError as error:
        # A date without quotes that the calendar does not have.
        return None, (f"a date does not exist: {error}",)
    if data is None:
        return {}, ()
    if not isinstance(data, dict):
        return None, (not_a_mapping(data),)
    return {str(key): value for key, value in data.items()}, tuple(_repeated(node))


def _repeated(node: yaml.Node | None) -> Iterator[str]:
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
            meant = (
                f"; is line {found[-1]} meant to be {other}?" if other != name and other not in lines else ""
            )
            places = f"{', '.join(map(str, found[:-1]))} and {found[-1]}"
            yield f"{name} is given in lines {places}, and YAML silently keeps the last: leave one{meant}"


def _repair(lines: list[str]) -> tuple[str, list[str]]:
    """Write `a=b` as `a: b`, and lines of numbers below a property as a list."""
    problems: list[str] = []
    repaired: list[str] = []
    for number, line in enumerate(lines, 1):
        if found := _ASSIGNMENT.fullmatch(line):
            indent, name, value = found.groups()
            problems.append(f"line {number}: write `{name}: {value}` instead of `{line.strip()}`")
            repaired.append(f"{indent}{name}: {value}")
        elif _NUMBERS.fullmatch(line) and repaired and repaired[-1].endswith("]"):
            repaired[-1] = f"{repaired[-1][:-1]}, {line.strip().rstrip(',')}]"
        elif _NUMBERS.fullmatch(line) and repaired and _KEY.fullmatch(repaired[-1]):
            name = repaired[-1].strip()
            repaired[-1] = f"{name} [{line.strip().rstrip(',')}]"
            problems.append(
                f"line {number}: write a list, in brackets: {name} [{line.strip().rstrip(',')}, ...]"
            )
        else:
            repaired.append(line)
    return "\n".join(repaired), problems


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    text = getattr(error, "problem", None) or str(error)
    if mark is None:
        return f"not YAML: {' '.join(text.split())}"
    tab = "; use blanks instead of tabs" if "\\t" in text else ""
    return f"line {mark.line + 1}, column {mark.column + 1}: not YAML: {text}{tab}"
