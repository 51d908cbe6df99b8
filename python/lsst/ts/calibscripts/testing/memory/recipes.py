"""What the jobs of each pipeline read and write, by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ...tables.bootstraps import RECORDS
from ...tables.products import parts_of

__all__ = ["FLATS", "RECIPES", "Recipe"]

FLATS = "cpPtcIsrExp"
"""Dataset type of the processed flats whose gains are measured."""


@dataclass(frozen=True)
class Recipe:
    """What a pipeline reads and writes, apart from raw images."""

    reads: tuple[str, ...]  #: Calibrations it cannot do without.
    #: Dataset types, one dataset for each detector (and physical filter, of a flat).
    writes: tuple[str, ...] = ()
    #: Image type as it stands in the names of its statistics, e.g. ``Bias``; empty where it verifies nothing.
    verifies: str = ""
    by_detector: bool = False  #: Are its statistics about each detector, not about exposures?


def _recipes() -> Iterator[tuple[str, Recipe]]:
    for product in RECORDS.values():
        inputs = tuple(RECORDS[name].dataset_type for name in product.made_from)
        made = tuple(each.dataset_type for each in (product, *parts_of(product.name)))
        yield product.generate.job, Recipe(inputs, (*made, product.processed))
        if (verifier := product.verify) is not None:
            reads = (*inputs, product.dataset_type) if verifier.always else (product.dataset_type,)
            images = (product.corrected if verifier.corrects else product.results,)
            yield verifier.pipeline.job, Recipe(reads, images, product.name.title(), verifier.by_detector)


RECIPES: Mapping[str, Recipe] = MappingProxyType(dict(_recipes()))
"""Pipelines of cp_pipe and cp_verify by the name of their file or subset."""
