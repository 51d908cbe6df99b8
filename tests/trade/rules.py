"""What is beyond its limit, and which exceptions are not needed any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .measuring import measures

__all__ = ["LIMITS", "Problem", "problems"]

LIMITS: Mapping[str, Mapping[str, int]] = {
    "python": {"lines": 299, "body": 30, "parameters": 7, "fields": 10},
    # A test is a list of cases, which is long and not deep: ruff measures how deep.
    "tests": {"lines": 500, "parameters": 7, "fields": 10},
}
"""Folder -> most of each kind."""


@dataclass(frozen=True)
class Problem:
    """Something that the rules do not allow, and where."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


def problems(root: Path, exceptions: Mapping[str, str]) -> list[Problem]:
    """Check all modules.

    Parameters
    ----------
    root : `pathlib.Path`
        Root of the checkout.
    exceptions : mapping [`str`, `str`]
        Path, name and kind, e.g. ``python/a.py Class fields`` or ``tests/b.py lines``, and the reason.
    """
    beyond = {key: problem for folder in LIMITS for key, problem in _beyond(root, folder)}
    found = [problem for key, problem in beyond.items() if key not in exceptions]
    found += [
        Problem("pyproject.toml", f"the exception '{key}' is not needed: remove it")
        for key in exceptions
        if key not in beyond
    ]
    found += [
        Problem("pyproject.toml", f"the exception '{key}' has no reason")
        for key, reason in exceptions.items()
        if not reason.strip()
    ]
    return found


def _beyond(root: Path, folder: str) -> Iterator[tuple[str, Problem]]:
    for path in sorted((root / folder).rglob("*.py")):
        name = path.relative_to(root).as_posix()
        for measure in measures(path.read_text(encoding="utf-8")):
            most = LIMITS[folder].get(measure.kind)
            if most is not None and measure.number > most:
                key = " ".join(part for part in (name, measure.name, measure.kind) if part)
                what = f"{measure.name or 'the module'} has {measure.number} {measure.kind}, at most {most}"
                yield key, Problem(f"{name}:{measure.line}", f"{what} (exception: '{key}')")
