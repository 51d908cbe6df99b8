"""A summit without pixels: a butler in memory and an OCPS back end that answers at once, for thousands of runs."""

from __future__ import annotations

from .alteration import Alteration
from .butler import Association, CollectionKind, Dataset, MemoryButler
from .jobs import NOMINAL_GAIN, Behaviour, MemoryIngest, MemoryRunner
from .recipes import Recipe
from .reference import reference_calibrations
from .repository import MemoryRepository
from .statistics import Verification
from .trouble import Trouble

__all__ = [
    "NOMINAL_GAIN",
    "Alteration",
    "Association",
    "Behaviour",
    "CollectionKind",
    "Dataset",
    "MemoryButler",
    "MemoryIngest",
    "MemoryRepository",
    "MemoryRunner",
    "Recipe",
    "Trouble",
    "Verification",
    "reference_calibrations",
]
