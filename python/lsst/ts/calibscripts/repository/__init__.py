"""The butler repository as the scripts need it.

A `Repository` blocks. It is a protocol, so that a test can bring its own; the parts of a run have it as an
`AwaitableRepository`. Nothing else among the production modules imports daf_butler when it runs.
"""

from .awaitable import AwaitableRepository
from .butler import ButlerRepository
from .records import (
    Certification,
    Conflict,
    Detector,
    ExposureRecord,
    Repository,
    Valid,
    other_filter,
)

__all__ = [
    "AwaitableRepository",
    "ButlerRepository",
    "Certification",
    "Conflict",
    "Detector",
    "ExposureRecord",
    "Repository",
    "Valid",
    "other_filter",
]
