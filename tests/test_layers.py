"""Imports point downwards only, in the order in which the house is described."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "python/lsst/ts/calibscripts"

LAYERS = [
    "cli",
    "auxtel",
    "maintel",
    "make_calibrations",
    "base_make_calibrations",
    "run",
    "summary",
    "opening",
    "exposing",
    "beam",
    "closing",
    "absences",
    "processing",
    "judging",
    "blocks",
    "checking",
    "preflight",
    "references",
    "conflicts",
    "graph",
    "production",
    "jobs",
    "examining",
    "window",
    "results",
    "history",
    "replay",
    "report",
    "acceptance",
    "record",
    "ocps",
    "ocps_settings",
    "images",
    "sparing",
    "repository",
    "threads",
    "cancellation",
    "pairing",
    "pipelines",
    "sal",
    "plan",
    "verification",
    "scripts",
    "linking",
    "config",
    "products",
    "progress",
    "instruments",
    "untrusted",
    "errors",
    "job_logs",
    "home",
]
"""Production modules, top to bottom."""

SUMMIT_MAY_IMPORT = {
    "sal",
    "instruments",
    "products",
    "blocks",
    "config",
    "errors",
    "job_logs",
    "progress",
    "repository",
    "untrusted",
}


def imports(path: Path) -> Iterator[str]:
    """Give the modules of this package that a file imports, relative to the package's root."""
    package = list(path.relative_to(ROOT).with_suffix("").parts)[:-1]
    tree = ast.parse(path.read_text())
    hints = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in hints:
            continue
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            if node.module:
                yield ".".join([*base, *node.module.split(".")])
            else:
                yield from (".".join([*base, alias.name]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lsst.ts.calibscripts"):
            yield str(node.module).removeprefix("lsst.ts.calibscripts").lstrip(".")


def module_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


PRODUCTION = [
    path for path in sorted(ROOT.rglob("*.py")) if module_of(path) not in {"summit", "data", "__init__"}
]


def test_every_production_module_has_its_place():
    assert {module_of(path) for path in PRODUCTION} == set(LAYERS)


@pytest.mark.parametrize("path", PRODUCTION, ids=lambda path: str(path.relative_to(ROOT)))
def test_production_imports_point_downwards(path: Path):
    module = module_of(path)
    for imported in imports(path):
        top = imported.split(".")[0]
        if top == "" or top == module:
            continue
        if top == "summit":
            assert module == "cli" or (
                module == "sal" and imported.split(".")[1] in {"salobj", "observatory"}
            )
        elif top not in {"__version__", "get_scripts_dir"}:
            assert LAYERS.index(module) < LAYERS.index(top), f"{module} imports {top}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "summit").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_the_summit_stands_beside_the_production_modules(path: Path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    for imported in imports(path):
        names = imported.split(".")
        if parts[1] == "salobj":
            assert imported.startswith(("summit.salobj", "errors"))
        elif parts[1] == "observatory":
            assert imported.startswith(("summit.salobj", "summit.observatory"))
        elif names[0] not in {"summit", "", "get_scripts_dir"}:
            assert names[0] in SUMMIT_MAY_IMPORT, f"{'.'.join(parts)} imports {imported}"
