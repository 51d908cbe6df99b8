"""What YAML reads as another value than it looks like: 010 is 8, 1:30 is 90."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any

import yaml

__all__ = ["misread"]

_INTEGER = re.compile(r"[-+]?(0|[1-9]\d*)")
_NOTHING = re.compile("(?!)")
_FLOAT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def misread(node: yaml.MappingNode, ignored: Collection[str]) -> Iterator[tuple[str, str]]:
    """Find numbers and dates without quotes that YAML reads as others than people do.

    Parameters
    ----------
    node : `yaml.MappingNode`
        A configuration.
    ignored : collection of `str`
        Properties whose values do not matter.

    Yields
    ------
    name, text : `str`
        Property, and a sentence with its line.
    """
    seen: set[int] = set()
    for key, value in node.value:
        name = str(key.value)
        waiting: list[yaml.Node] = [] if name in ignored else [value]
        while waiting:
            here = waiting.pop()
            # An alias is the node it stands for, which may even be below itself.
            if id(here) in seen:
                continue
            seen.add(id(here))
            if isinstance(here, yaml.ScalarNode):
                if text := _problem(here):
                    yield name, f"line {here.start_mark.line + 1}: {name}: {text}"
            else:
                parts = [
                    part for item in here.value for part in (item if isinstance(item, tuple) else [item])
                ]
                waiting.extend(reversed(parts))


def _problem(node: yaml.ScalarNode) -> str:
    written, kind = node.value, node.tag.rpartition(":")[2]
    expected = {"int": _INTEGER, "float": _FLOAT, "timestamp": _NOTHING}.get(kind)
    # Most are as they should be, and are not read a second time.
    if node.style is not None or expected is None or expected.fullmatch(written):
        return ""
    try:
        value: Any = yaml.safe_load(written)
    except (ValueError, OverflowError, yaml.YAMLError):
        # A date that does not exist; that is said elsewhere.
        return ""
    if isinstance(value, date):
        return _date_problem(written, value)
    why = " (base 60)" if ":" in written else " (octal)" if re.match(r"[-+]?0[0-7_]", written) else ""
    meant = re.sub(r"^([-+]?)0+(?=\d)", r"\1", written)
    numbers = [f"{value:.15g}" if isinstance(value, float) else str(value)]
    if _INTEGER.fullmatch(meant):
        numbers.insert(0, meant)
    return (
        f"YAML reads {written} as {numbers[-1]}{why}: write {' or '.join(numbers)} for a number, "
        f'"{written}" in quotes for a text'
    )


def _date_problem(written: str, value: date) -> str:
    # A time zone is refused in the words for dates.
    zoned = isinstance(value, datetime) and value.tzinfo is not None
    if zoned or written.replace(" ", "T") == value.isoformat().replace(" ", "T"):
        return ""
    return f'YAML reads {written} as the date {value}: write "{value}" for it, "{written}" for a text'
