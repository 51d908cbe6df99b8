"""What may be done to a file that is right, drawn by hypothesis."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

NESTED: Any = "x"
for _ in range(60):
    NESTED = [NESTED]


def hostile(examples: int) -> settings:
    """Say how many altered files a test draws: large ones, slowly, into one directory."""
    return settings(
        max_examples=examples,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
        ],
    )


NUMBERS = [0, -1, 1e308, -1e308, math.nan, math.inf, 10**18, 10**40]
TEXTS = [
    "",
    " ",
    "x" * 5000,
    "\x00",
    "\x1b[2J",
    "\ud800",
    "é",
    "\u2028",
    "../../../etc/passwd",
    "'",
    '"',
    "$(x)",
]
TEXTS += [
    "$b",
    "$$",
    "a\nb: c",
    "-c",
    "a=b",
    "2026-02-30",
    "9999-12-31",
    "0001-01-01T00:00:00",
    "BIAS_DARK_BIAS",
    "/dev/zero",
    "<script>alert(1)</script><img src=x onerror='alert(2)'>",
    "</title></textarea>--><svg onload=alert(3)>",
    "\u202egnp.exe",
    "9999-12-31T23:59:59.999",
    "0001-01-01",
]
OTHERS = [
    None,
    True,
    [],
    {},
    [None],
    [[]],
    {"a": {}},
    {"": 0},
    [{}] * 50,
    [*range(200)],
    NESTED,
    {"$ref": "#"},
]
VALUES = st.one_of(*map(st.sampled_from, (NUMBERS, TEXTS, OTHERS)))
PIECES = st.sampled_from(
    [
        *"\x00\xff\ufeff\t\n\r'\"[]{}:%|#",
        "- ",
        "? ",
        "&a ",
        "*a",
        "!!x ",
        "<<: ",
        "[" * 200,
        "- " * 200,
        "9" * 5000,
    ]
)


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*here, key)
        yield from places(item, (*here, key))


@st.composite
def altered_values(draw: st.DrawFn, content: Any) -> Any:
    changed = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.sampled_from([*places(changed)] or [()]))
        if not where:
            return copy.deepcopy(draw(VALUES))
        parent = changed
        for key in where[:-1]:
            parent = parent[key]
        match draw(st.sampled_from(["replace", "replace", "remove", "repeat", "rename"])):
            case "replace":
                parent[where[-1]] = copy.deepcopy(draw(VALUES))
            case "remove":
                del parent[where[-1]]
            case "repeat" if isinstance(parent, list):
                parent.insert(where[-1], copy.deepcopy(parent[where[-1]]))
            case "rename" if isinstance(parent, dict):
                name = draw(
                    st.sampled_from(["", "x", "program", "items", "é", "type", "$ref", "default", "loop"])
                )
                parent[name] = parent.pop(where[-1])
            case _:
                parent[where[-1]] = {"x": parent[where[-1]]}
    return changed


@st.composite
def altered_text(draw: st.DrawFn, text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["insert", "cut", "truncate", "byte"])):
            case "insert":
                data = data[:place] + draw(PIECES).encode() + data[place:]
            case "cut":
                data = data[:place] + data[place + draw(st.integers(1, 40)) :]
            case "truncate":
                data = data[:place]
            case _:
                data = data[:place] + bytes([draw(st.integers(0, 255))]) + data[place + 1 :]
    return data
