"""The rooms of the package: its floors as `make lint` checks them, and the imports between them as they are."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import grimp

from calibdoc.drawing import Arrow, Box, Drawing

__all__ = ["Room", "picture", "rooms"]

PACKAGE = "lsst.ts.calibscripts"
PROJECT = Path(__file__).parents[3] / "pyproject.toml"


@dataclass(frozen=True)
class Room:
    """A room of the package."""

    name: str  #: Name of the folder, or of the module.
    floor: int  #: Which floor it is on, 0 at the top.
    sentence: str  #: What it is for: the first sentence of its docstring.
    imports: tuple[str, ...]  #: Rooms that it imports from, the highest first.


def rooms() -> tuple[Room, ...]:
    """Return the rooms, from the top of the house to its ground."""
    floors = _floors()
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    found = []
    for name, floor in floors.items():
        others = [other for other in floors if other != name and _directly(graph, name, other)]
        found.append(Room(name, floor, _sentence(name), tuple(others)))
    return tuple(found)


def _floors() -> Mapping[str, int]:
    """Read the floor of each room from the contract that `make lint` checks."""
    contracts = tomllib.loads(PROJECT.read_text())["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one.get("containers") == [PACKAGE])
    return {
        name.strip(): floor
        for floor, layer in enumerate(layers)
        for name in layer.replace(":", "|").split("|")
    }


def _directly(graph: grimp.ImportGraph, importer: str, imported: str) -> bool:
    modules = [m for m in graph.modules if _room(m) == importer]
    return any(
        _room(other) == imported for m in modules for other in graph.find_modules_directly_imported_by(m)
    )


def _room(module: str) -> str:
    return module.removeprefix(f"{PACKAGE}.").partition(".")[0]


def _sentence(name: str) -> str:
    doc = importlib.import_module(f"{PACKAGE}.{name}").__doc__ or ""
    return " ".join(doc.split("\n\n")[0].split())


def picture() -> Drawing:
    """Draw the rooms on their floors; an import that follows from others is left out."""
    found = rooms()
    by_name = {room.name: room for room in found}
    floors = [[r for r in found if r.floor == floor] for floor in range(max(r.floor for r in found) + 1)]
    width, step = 760.0, 66.0
    boxes = {
        room.name: Box(
            room.name,
            x=width * (place + 0.5) / len(row),
            y=step * (floor + 0.5),
            width=min(max(84.0, 8.0 * len(room.name) + 16), width / len(row) - 12),
        )
        for floor, row in enumerate(floors)
        for place, room in enumerate(row)
    }
    arrows = [
        Arrow(boxes[room.name].side("bottom"), boxes[other].side("top"))
        for room in found
        for other in room.imports
        if not any(other in _reached(by_name, between) for between in room.imports if between != other)
    ]
    return Drawing(width, step * len(floors), "The rooms of the package, and what they import", boxes, arrows)


def _reached(rooms: Mapping[str, Room], name: str) -> set[str]:
    """Return all rooms that a room imports from, directly or through others."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for other in rooms[waiting.pop()].imports:
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found
