"""The content of a BLOCK file."""

from __future__ import annotations

import re
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["Block", "BlockScript", "Constraint", "queue_prefix"]

# As the Scheduler reads it: at the beginning; what comes behind the number distinguishes variants of a BLOCK.
_PROGRAM = re.compile(r"(?P<test>BLOCK-T)?(?:BLOCK-)?(?P<number>[0-9]{1,18})(?![0-9])")


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
    program: str = Field(description="BLOCK-123, or BLOCK-T123 for a test case; more may follow.")
    constraints: tuple[Constraint, ...] = ()
    scripts: tuple[BlockScript, ...] = Field(description="In the order they are run.")
    configuration_schema: str = Field("", description="JSON schema, as YAML, of what add_block may override.")

    @field_validator("program")
    @classmethod
    def _has_a_number(cls, program: str) -> str:
        if not _PROGRAM.match(program):
            raise ValueError(
                f"must begin with a number as in BLOCK-123, BLOCK-T123 or BLOCK-123_v2, not {program!r}: the "
                "Scheduler skips a BLOCK without one"
            )
        return program

    @field_validator("id", mode="before")
    @classmethod
    def _is_not_null(cls, id: object) -> object:
        if id is None:
            raise ValueError("the Scheduler refuses null: leave it out")
        return id

    @field_validator("scripts")
    @classmethod
    def _is_not_empty(cls, scripts: tuple[BlockScript, ...]) -> tuple[BlockScript, ...]:
        if not scripts:
            raise ValueError("none; the Scheduler never accepts such a BLOCK as valid")
        return scripts


def queue_prefix(program: str) -> str:
    """Return what the identifiers of the executions of a BLOCK begin with.

    Parameters
    ----------
    program : `str`
        As in ``BLOCK-295``, ``BLOCK-271_1`` or ``BLOCK-T595_v4``.

    Returns
    -------
    `str`
        ``BL295``, ``BL271`` or ``BT595``.

    Raises
    ------
    ValueError
        If the program has no number.
    """
    found = _PROGRAM.match(program)
    if found is None:
        raise ValueError(f"program {program!r} has no number")
    return f"B{'T' if found['test'] else 'L'}{found['number']}"
