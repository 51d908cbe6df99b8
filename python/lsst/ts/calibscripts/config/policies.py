"""What a property can have of a few words, where YAML reads one of them otherwise."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

__all__ = ["Comparison"]


def _off(value: Any) -> Any:
    """Return the word that was written where YAML has read False."""
    return "off" if value is False else value


Comparison = Annotated[
    Literal["off", "report", "require"],
    BeforeValidator(_off),
    Field(json_schema_extra={"type": ["string", "boolean"], "enum": ["off", "report", "require", False]}),
]
