"""Calibrations that are made only to make others: one frozen record each.

Today's pipeline of the defects reads combined images that were made without any other calibration. A run makes them
from its own images, with the inputs of the defects, where these lack them; they are never certified.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from .product import Dataset, ImageType, Pipeline, Product
from .products import PRODUCTS

__all__ = ["BOOTSTRAPS", "RECORDS", "everything_before"]


def _bootstrap(image_type: ImageType, *made_from: str, by_filter: bool = False) -> Product:
    label = image_type.lower()
    return Product(
        name=f"{image_type}_BOOTSTRAP",
        images=(image_type,),
        made_from=made_from,
        dataset=Dataset((f"{label}Bootstrap",), by_filter=by_filter),
        generate=Pipeline("CP_PIPE_DIR", (f"cp{label.title()}Bootstrap.yaml",)),
        part_of="DEFECTS",
    )


BOOTSTRAPS: Mapping[str, Product] = MappingProxyType(
    {
        product.name: product
        for product in (
            _bootstrap(ImageType.BIAS),
            _bootstrap(ImageType.DARK, "BIAS_BOOTSTRAP"),
            _bootstrap(ImageType.FLAT, "BIAS_BOOTSTRAP", "DARK_BOOTSTRAP", by_filter=True),
        )
    }
)
"""By name, each behind its inputs."""

RECORDS: Mapping[str, Product] = MappingProxyType({**BOOTSTRAPS, **PRODUCTS})
"""Everything that a run can make, by name."""


def everything_before(name: str) -> Iterator[str]:
    """Return the inputs of a product, direct and indirect, where the pipelines cannot be asked.

    Parameters
    ----------
    name : `str`
        A product, or a bootstrap.

    Yields
    ------
    `str`
        One of its inputs.
    """
    wanted = set(RECORDS[name].made_from)
    for earlier in list(wanted):
        wanted.update(everything_before(earlier))
    yield from (other for other in RECORDS if other in wanted)
