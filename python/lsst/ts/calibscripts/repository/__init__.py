"""The butler repository as the scripts need it.

A `Repository` blocks. It is a protocol, so that a test can bring its own; the parts of a run have it as an
`AwaitableRepository`. Nothing else among the production modules imports daf_butler when it runs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .provenance import UsedInput
from .records import (
    FOR_ALL,
    Candidate,
    Certification,
    Conflict,
    Detector,
    ExposureRecord,
    Repository,
    Signal,
    Source,
    Valid,
    lacking,
    unfit,
)

if TYPE_CHECKING:
    from .awaitable import AwaitableRepository
    from .butler import ButlerRepository

__all__ = [
    "FOR_ALL",
    "AwaitableRepository",
    "ButlerRepository",
    "Candidate",
    "Certification",
    "Conflict",
    "Detector",
    "ExposureRecord",
    "Repository",
    "Signal",
    "Source",
    "UsedInput",
    "Valid",
    "lacking",
    "unfit",
]

_HOMES = {"AwaitableRepository": "awaitable", "ButlerRepository": "butler"}


def __getattr__(name: str) -> Any:
    """Import what talks to a butler when it is first asked for: who only checks a configuration does not.

    Raises
    ------
    AttributeError
        For a name that is not in this package.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    return value
