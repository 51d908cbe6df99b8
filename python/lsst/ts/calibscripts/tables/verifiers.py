"""Verification of the products that are not combined images: one frozen record each.

They are verified where the installed cp_verify has a pipeline for it. Combined images always are; their pipelines
stand in the table of products.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .product import ImageType, Pipeline, Product

__all__ = ["VERIFIERS", "Verifier", "verification"]


@dataclass(frozen=True)
class Verifier:
    """How cp_verify verifies a product."""

    pipeline: Pipeline  #: Its names.
    images: tuple[ImageType, ...]  #: Sets whose exposures the job is given.
    #: Are its statistics about each detector? Else about each detector in each exposure.
    by_detector: bool = True
    undecided: frozenset[str] = frozenset()  #: Tests that do not count, since nothing passes them.
    #: Does it write images that it has corrected? They say which calibrations it has used, else its tables do.
    corrects: bool = True


def _cp_verify(file: str) -> Pipeline:
    return Pipeline("CP_VERIFY_DIR", (file,))


VERIFIERS: Mapping[str, Verifier] = MappingProxyType(
    {
        "DEFECTS": Verifier(
            _cp_verify("verifyDefects.yaml"),
            (ImageType.FLAT,),
            by_detector=False,
            # It compares the number of outliers with that of masked pixels, and cp_verify itself calls it bad.
            undecided=frozenset({"PROB_TEST"}),
        ),
        "PTC": Verifier(_cp_verify("verifyPtc.yaml"), (ImageType.FLAT,), corrects=False),
        "LINEARIZER": Verifier(_cp_verify("verifyLinearizer.yaml"), (ImageType.FLAT,)),
    }
)
"""By the name of the product."""


def verification(product: Product) -> Pipeline | None:
    """Return the pipeline that verifies a product; None for one that has none in any installation."""
    verifier = VERIFIERS.get(product.name)
    return product.verify if verifier is None else verifier.pipeline
