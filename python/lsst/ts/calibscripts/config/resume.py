"""A configuration, and what its run had taken -> the configuration that goes on from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["resuming"]


def resuming(
    given: Mapping[str, Any], exposures: Mapping[str, Sequence[int]], certified_into: str | None
) -> dict[str, Any]:
    """Give the configuration that processes the images of a run that did not come to its end.

    Parameters
    ----------
    given : mapping
        What the user gave.
    exposures : mapping [`str`, sequence of `int`]
        Image type -> kept exposures, of the sets that were taken completely; the others are taken anew.
    certified_into : `str` or `None`
        Collection into which something was certified already; what remains goes into another one, since the same
        type of calibration cannot be certified again for the same validity range.

    Returns
    -------
    `dict`
        The configuration.
    """
    config = {name: value for name, value in given.items() if name != "exposures"}
    complete = {image_type: list(ids) for image_type, ids in exposures.items() if ids}
    if complete:
        config["exposures"] = complete
    if certified_into is not None:
        config["calib_collection"] = f"{certified_into}.resumed"
    return config
