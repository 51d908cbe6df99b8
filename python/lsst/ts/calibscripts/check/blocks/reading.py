"""A BLOCK file -> its content, and everything that the Scheduler would refuse or drop in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ...config import did_you_mean
from ...errors import ConfigurationError
from ...ground.untrusted import InputError, parse_json, read_text
from .model import Block, BlockScript

__all__ = ["ReadBlock", "load_block", "read_block"]


@dataclass(frozen=True)
class ReadBlock:
    """What a file holds."""

    #: The BLOCK; where something is wrong with it what can be used of it, so that one problem does not hide
    #: others. None where that is nothing.
    block: Block | None
    #: One sentence each. If there is one, the Scheduler would not take the BLOCK as it is meant.
    problems: tuple[str, ...] = ()


def load_block(path: Path) -> Block:
    """Read a BLOCK file that is right.

    Parameters
    ----------
    path : `pathlib.Path`
        JSON file.

    Raises
    ------
    ConfigurationError
        If the file cannot be read or the Scheduler would not take it as it is meant. Its problems are all that are
        found.
    """
    found = read_block(path)
    if found.block is None or found.problems:
        raise ConfigurationError(found.problems)
    return found.block


def read_block(path: Path) -> ReadBlock:
    """Read a BLOCK file, as far as it can be read.

    Parameters
    ----------
    path : `pathlib.Path`
        JSON file.

    Returns
    -------
    `ReadBlock`
        The BLOCK and what is wrong with it.
    """
    try:
        text = read_text(path)
    except InputError as error:
        return ReadBlock(None, (f"cannot be read: {error}",))
    try:
        data = parse_json(text, pairs=_Object)
    except InputError as error:
        return ReadBlock(None, (f"{error}; the Scheduler cannot be configured while this file exists",))
    if not isinstance(data, dict):
        return ReadBlock(None, ("a BLOCK must be a JSON object: { ... }",))
    problems = list(_repeated(data, ()))
    try:
        return ReadBlock(Block.model_validate(data), tuple(problems))
    except ValidationError as error:
        return ReadBlock(_usable(data), (*problems, *_problems(error)))


class _Object(dict[str, Any]):
    """An object of JSON that remembers keys that occur more than once."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]


def _repeated(value: Any, place: tuple[str | int, ...]) -> Iterator[str]:
    if isinstance(value, _Object):
        for name in value.repeated:
            yield f"{_place((*place, name))}: set twice; JSON silently keeps the last: keep one"
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _repeated(item, (*place, key))


def _usable(data: Mapping[str, Any]) -> Block | None:
    """Return what can be checked of a BLOCK that is wrong; its scripts keep their numbers."""
    scripts = data.get("scripts")
    if not isinstance(scripts, list) or not scripts:
        return None
    schema = data.get("configuration_schema")
    return Block.model_construct(
        name=str(data.get("name", "")),
        program=str(data.get("program", "")),
        scripts=tuple(map(_usable_script, scripts)),
        configuration_schema=schema if isinstance(schema, str) else "",
    )


def _usable_script(item: object) -> BlockScript:
    given = item if isinstance(item, Mapping) else {}
    name, parameters = given.get("name"), given.get("parameters")
    return BlockScript.model_construct(
        name=name if isinstance(name, str) and name else "?",
        standard=given.get("standard") is True,
        parameters=parameters if isinstance(parameters, dict) else {},
    )


def _problems(error: ValidationError) -> Iterator[str]:
    """Describe in words what the model finds wrong."""
    models: dict[int, type[BaseModel]] = {1: Block, 3: BlockScript}
    for detail in error.errors(include_url=False):
        place, kind = detail["loc"], detail["type"]
        cause = detail.get("ctx", {}).get("error")
        text = str(cause) if isinstance(cause, ValueError) else detail["msg"].lower()
        if kind == "missing":
            text = "is missing"
        elif kind == "extra_forbidden":
            near = did_you_mean(place[-1], models[len(place)].model_fields)
            text = f"unknown key, which the Scheduler silently drops; {near or 'remove it'}"
        yield f"{_place(place)}: {text}"


def _place(path: Sequence[str | int]) -> str:
    """Name a place as people count: ``script 2: parameters: n_dark``."""
    words: list[str] = []
    for part in path:
        if isinstance(part, int) and words:
            words[-1] = f"{words[-1].removesuffix('s')} {part + 1}"
        else:
            words.append(str(part))
    return ": ".join(words)
