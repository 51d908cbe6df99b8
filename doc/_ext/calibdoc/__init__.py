"""Sphinx directives of this manual: what is generated from the package while the pages are built."""

from __future__ import annotations

from types import GenericAlias
from typing import Any

from sphinx.application import Sphinx

from calibdoc.directives import DIRECTIVES

__all__ = ["setup"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directives known to Sphinx."""
    for name, directive in DIRECTIVES.items():
        app.add_directive(name, directive)
    app.connect("autodoc-skip-member", _skip_alias)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _skip_alias(app: Sphinx, what: str, name: str, member: object, skip: bool, options: Any) -> bool | None:
    """Leave out aliases like ``dict[str, int]``: autodoc takes them for classes and fails on their signature."""
    return True if isinstance(member, GenericAlias) else None
