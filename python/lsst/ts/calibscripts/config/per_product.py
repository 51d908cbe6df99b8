"""The properties that products have under names of their own: made from the table of products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, create_model

from ..tables.products import PRODUCTS, Product, parts_of, switched
from . import fields as f
from .settings import PropertyNames

__all__ = ["BEHIND", "ProductProperties"]

_Definition = tuple[Any, Any]
"""Type and field of a property."""


def _thresholds() -> Iterator[tuple[str, _Definition]]:
    for product in _verified():
        field = Field(
            8,
            description=f"Verification of {product.images[0].plural}: number of failed tests per detector and test "
            "type (each amplifier is tested) at which an exposure fails.",
        )
        yield PropertyNames.of(product.name).threshold, (f.Count, field)


def _switches() -> Iterator[tuple[str, _Definition]]:
    for _, switch in switched():
        yield switch.name, (f.Flag, Field(switch.by_default, description=switch.description))


def _options() -> Iterator[tuple[str, _Definition]]:
    for product in _whole():
        field = Field(
            "",
            description=f"Options for the pipetask that makes {_made(product)}, each as -c label:field=value. They "
            f"override the values in {product.generate.files[0]}.",
        )
        yield PropertyNames.of(product.name).options, (f.PipelineOptions, field)


def _inputs() -> Iterator[tuple[str, _Definition]]:
    for product in _whole():
        names = PropertyNames.of(product.name)
        yield names.inputs, _collections(f"makes {_made(product)}")
        if product.always_verified:
            yield names.verify_inputs, _collections(f"verifies the {product.images[0].plural}")


def _collections(task: str) -> _Definition:
    description = (
        f"Input collections, separated by commas, of the pipetask that {task}; they are searched in this order. The "
        f"OCPS adds {f.INSTRUMENT}/raw/all itself."
    )
    return f.CollectionNames, Field(f"{f.INSTRUMENT}/calib", description=description)


def _verified() -> Iterator[Product]:
    return (product for product in PRODUCTS.values() if product.always_verified)


def _whole() -> Iterator[Product]:
    return (product for product in PRODUCTS.values() if not product.part_of)


def _made(product: Product) -> str:
    return " or ".join(f"the {each.long}" for each in (product, *parts_of(product.name)))


_OF_VERIFICATION: Mapping[str, _Definition] = dict(_thresholds())
_OF_MAKING: Mapping[str, _Definition] = dict([*_switches(), *_options(), *_inputs()])

BEHIND: Mapping[str, tuple[str, ...]] = {
    "do_verify_products": tuple(_OF_VERIFICATION),
    "compare_pixels_max": tuple(_OF_MAKING),
}
"""Property of every instrument -> those of the products that a form shows behind it."""

if TYPE_CHECKING:
    # Nobody reads one of them by its name in the code: `TypeSettings` says what a product has.
    class ProductProperties(BaseModel):
        """Properties that products have, each valid by itself."""

else:
    ProductProperties = create_model("ProductProperties", **_OF_VERIFICATION, **_OF_MAKING)
