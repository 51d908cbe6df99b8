"""The butler repository as the scripts need it.

Everything here blocks: the state machine calls it in a thread. `Repository` is a protocol, so that a test can
bring its own. Nothing else among the production modules imports daf_butler when it runs.
"""

from .butler import ButlerRepository
from .records import Certification, Conflict, Detector, ExposureRecord, Repository, other_filter

__all__ = [
    "ButlerRepository",
    "Certification",
    "Conflict",
    "Detector",
    "ExposureRecord",
    "Repository",
    "other_filter",
]
