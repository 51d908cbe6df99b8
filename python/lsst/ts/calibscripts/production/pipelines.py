"""The installed pipelines of a production: which one makes or verifies a calibration, and what it reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..errors import ConfigurationError
from ..ocps.pairing import paired_options
from ..ocps.pipelines import Installed, find, locate
from ..ocps.requests import StepPipelines, products_read
from ..ocps.task_options import TaskOptions, check_options, with_reading
from ..plan import Action, StepId
from ..tables.products import Product
from .commands import NO_OPTIONS
from .selection.selection import ExposureChoice, Selection

__all__ = ["following", "generator", "generator_options", "verifier", "verifies"]


def generator(instrument: str, product: Product) -> Installed:
    """Find the pipeline that makes a product.

    Parameters
    ----------
    instrument : `str`
        Name of the instrument's directory among the pipelines.

    Raises
    ------
    ConfigurationError
        If it is not installed.
    """
    return locate(product.generate, instrument)


def generator_options(choice: ExposureChoice, installed: Installed) -> TaskOptions:
    """Check the options of a generation, and have its flats paired as they were selected.

    Raises
    ------
    ConfigurationError
        If one is not of this pipeline.
    """
    options = (
        check_options(choice.options, installed, f"{choice.label}: options") if choice.options else NO_OPTIONS
    )
    # Two flats of a pair may differ by what the shutter was measured to be open; all that are selected are in pairs.
    return paired_options(installed, options)[0] if choice.product.paired else options


def verifier(instrument: str, product: Product) -> Installed | None:
    """Find the pipeline that verifies a product.

    Parameters
    ----------
    instrument : `str`
        Name of the instrument's directory among the pipelines.

    Returns
    -------
    `Installed` or `None`
        None where the product has none, or not every installation has one and this has not.

    Raises
    ------
    ConfigurationError
        If one that every installation has is missing.
    """
    if product.verify is None:
        return None
    return (locate if product.verify.always else find)(product.verify.pipeline, instrument)


def verifies(instrument: str, product: Product) -> bool:
    """Return whether a product is to be verified: combined images always, others where cp_verify can.

    Parameters
    ----------
    instrument : `str`
        Name of the instrument's directory among the pipelines.
    """
    return product.always_verified or verifier(instrument, product) is not None


def following(selection: Selection) -> Selection:
    """Return a selection that follows what the installed pipelines read, each calibration after its inputs."""
    installed = dict(_installed(selection))
    return replace(selection, reads=products_read(StepPipelines(installed, {}, ()))).in_order()


def _installed(selection: Selection) -> Iterator[tuple[StepId, Installed]]:
    """Return the pipelines that can be found, with what they read; of others the table of products says it."""
    instrument = selection.instrument
    for choice in selection.choices:
        name = choice.product.name
        try:
            made = generator(instrument, choice.product)
            options = generator_options(choice, made)
            yield StepId(Action.GENERATE, name), with_reading(made, options, instrument)
            if (verified := verifier(instrument, choice.product)) is not None:
                yield StepId(Action.VERIFY, name), with_reading(verified, NO_OPTIONS, instrument)
        except ConfigurationError:
            # The step that needs it reports it: a calibration may have been made where it is installed.
            continue
