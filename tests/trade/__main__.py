"""Checks the package and its tests, and lists what is beyond a limit without an exception in pyproject.toml."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from . import problems


def main() -> int:
    """Return 1 if something is beyond its limit."""
    root = Path.cwd()
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    found = problems(root, settings["tool"]["trade"]["exceptions"])
    for problem in found:
        print(problem)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
