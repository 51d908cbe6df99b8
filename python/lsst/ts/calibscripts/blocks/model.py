"""The content of a BLOCK file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ..config import did_you_mean
from ..errors import ConfigurationError

__all__ = ["Block", "BlockScript", "Constraint", "load_block"]

_PROGRAM = re.compile(r"BLOCK-T?\d+")


class Constraint(BaseModel):
    """Limit on when a BLOCK may be scheduled."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: Literal[
        "airmass", "moon_brightness", "moon_distance", "cloud_extinction", "sky_brightness", "seeing"
    ] = Field(description="What is limited.")
    max: float = Field(description="Highest value.")
    band: Literal["u", "g", "r", "i", "z", "y"] | None = Field(None, description="Of sky_brightness only.")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        low, high = {
            "airmass": (1.0, float("inf")),
            "moon_brightness": (0.0, 1.0),
            "moon_distance": (0.0, 180.0),
        }.get(self.name, (0.0, float("inf")))
        if not low <= self.max <= high:
            raise ValueError(f"max must be from {low:g} to {high:g}, not {self.max:g}")
        if self.name == "sky_brightness" and self.band is None:
            raise ValueError("band is missing")
        return self


class BlockScript(BaseModel):
    """A script of a BLOCK, with parameters that may hold ``$name``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, description="Name below the scripts directory of the ScriptQueue.")
    standard: bool = Field(strict=True, description="Is it below the directory of the standard scripts?")
    parameters: dict[str, Any] = Field(description="Its configuration.")


class Block(BaseModel):
    """A BLOCK: scripts that the Scheduler queues one after another.

    Notes
    -----
    The Scheduler finds a BLOCK by its ``program``, never by its name or its file. It drops keys that it does not
    know without a word; here they are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Free text.")
    id: UUID | None = Field(None, description="Replaced by the Scheduler for every execution.")
    program: str = Field(description="BLOCK-123, or BLOCK-T123 for a test case.")
    constraints: tuple[Constraint, ...] = ()
    scripts: tuple[BlockScript, ...] = Field(description="In the order they are run.")
    configuration_schema: str = Field("", description="JSON schema, as YAML, of what add_block may override.")

    @field_validator("program")
    @classmethod
    def _has_a_number(cls, program: str) -> str:
        if not _PROGRAM.fullmatch(program):
            raise ValueError(
                f"must have the format BLOCK-123 or BLOCK-T123, not {program!r}: the Scheduler takes its number out "
                "of it, and skips a BLOCK without one"
            )
        return program

    @field_validator("scripts")
    @classmethod
    def _is_not_empty(cls, scripts: tuple[BlockScript, ...]) -> tuple[BlockScript, ...]:
        if not scripts:
            raise ValueError("there are none, and the Scheduler never takes such a BLOCK as valid")
        return scripts


def load_block(path: Path) -> Block:
    """Read a BLOCK file.

    Parameters
    ----------
    path : `pathlib.Path`
        JSON file.

    Returns
    -------
    `Block`
        What it holds.

    Raises
    ------
    ConfigurationError
        If the file cannot be read or the Scheduler would not take it as it is meant. Everything that is wrong
        is told.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_Object)
    except json.JSONDecodeError as error:
        text = f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}"
        raise ConfigurationError(
            [f"{text}; the Scheduler cannot be configured while this file is there"]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"cannot be read: {error}"]) from None
    if not isinstance(data, dict):
        raise ConfigurationError(["a BLOCK must be a JSON object: { ... }"])
    problems = list(_repeated(data, ()))
    try:
        block = Block.model_validate(data)
    except ValidationError as error:
        raise ConfigurationError([*problems, *_problems(error)]) from None
    if problems:
        raise ConfigurationError(problems)
    return block


class _Object(dict[str, Any]):
    """An object of JSON that remembers keys given more than once."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.repeated = [name for name in self if names.count(name) > 1]


def _repeated(value: Any, place: tuple[str | int, ...]) -> Iterator[str]:
    if isinstance(value, _Object):
        for name in value.repeated:
            yield f"{_place((*place, name))}: given twice, JSON silently keeps the last: leave one"
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _repeated(item, (*place, key))


def _problems(error: ValidationError) -> Iterator[str]:
    """Say in words what the model finds wrong."""
    models: dict[int, type[BaseModel]] = {1: Block, 3: BlockScript}
    for detail in error.errors(include_url=False):
        place, kind = detail["loc"], detail["type"]
        cause = detail.get("ctx", {}).get("error")
        text = str(cause) if isinstance(cause, ValueError) else detail["msg"].lower()
        if kind == "missing":
            text = "is missing"
        elif kind == "extra_forbidden":
            near = did_you_mean(place[-1], models[len(place)].model_fields)
            text = f"unknown key, which the Scheduler silently drops; {near or 'take it out'}"
        yield f"{_place(place)}: {text}"


def _place(path: Sequence[str | int]) -> str:
    """Name a place as people count: ``script 2: parameters: n_dark``."""
    words: list[str] = []
    for part in path:
        if isinstance(part, int):
            words[-1] = f"{words[-1].removesuffix('s')} {part + 1}"
        else:
            words.append(str(part))
    return ": ".join(words)
