"""Properties that several types of images or calibrations have, each under a name of its own."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .fields import INSTRUMENT

__all__ = ["inputs_field", "options_field", "threshold_field"]


def threshold_field(images: str) -> Any:
    """Make the property with the threshold of a verification."""
    return Field(
        8,
        description=f"Verification of {images}: number of failed tests per detector and test type (each "
        "amplifier is tested) at which an exposure fails.",
    )


def options_field(product: str, pipeline: str) -> Any:
    """Make the property with the pipeline options of a product."""
    return Field(
        "",
        description=f"Options for the pipetask that makes {product}, each as -c label:field=value. They "
        f"override the values in {pipeline}.",
    )


def inputs_field(task: str) -> Any:
    """Make the property with the input collections of a job."""
    return Field(
        f"{INSTRUMENT}/calib",
        description=f"Input collections, separated by commas, of the pipetask that {task}; they are searched "
        f"in this order. The OCPS adds {INSTRUMENT}/raw/all itself.",
    )
