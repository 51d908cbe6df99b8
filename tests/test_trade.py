"""The numbers of the rules of the trade."""

from pathlib import Path

import pytest
from trade import LIMITS, measures, problems

SOURCE = '''
"""A module."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """Fields."""

    kind: ClassVar[str] = "x"
    one: int
    two: int = 2

    def method(self, a: int, *, b: int) -> int:
        """Two parameters and two lines."""
        c = a
        return c + b

    @staticmethod
    def other(self) -> None: ...


@group.command("name")
def command(a, b, c, d, e, f, g, h, i):
    def inner(x):
        return x
'''


def test_what_is_measured() -> None:
    found = {(one.name, one.kind): one.number for one in measures(SOURCE)}
    assert found == {
        ("", "lines"): 26,
        ("Record", "fields"): 2,
        ("Record.method", "body"): 2,
        ("Record.method", "parameters"): 2,
        ("Record.other", "body"): 1,
        ("Record.other", "parameters"): 1,
        ("command", "body"): 2,
        ("command.inner", "body"): 1,
        ("command.inner", "parameters"): 1,
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in LIMITS:
        (tmp_path / folder).mkdir()
    (tmp_path / "python" / "long.py").write_text("x = 1\n" * 300)
    (tmp_path / "python" / "short.py").write_text("x = 1\n" * 299)
    return tmp_path


def test_what_is_beyond_a_limit_is_reported(root: Path) -> None:
    (problem,) = problems(root, {})
    assert str(problem).startswith("python/long.py:1: the module has 300 lines, at most 299")


def test_exceptions_have_a_reason_and_are_needed(root: Path) -> None:
    assert problems(root, {"python/long.py lines": "a table"}) == []
    (empty,) = problems(root, {"python/long.py lines": " "})
    assert str(empty) == "pyproject.toml: the exception 'python/long.py lines' has no reason"
    _, useless = problems(root, {"python/short.py lines": "a table"})
    assert str(useless) == "pyproject.toml: the exception 'python/short.py lines' is not needed: remove it"
