"""A record -> the configuration that goes on where its run ended. Pure."""

from __future__ import annotations

from typing import Any

from ..config import resuming
from ..progress import ImageSetClosed
from .records import Record

__all__ = ["resume_configuration"]


def resume_configuration(record: Record) -> dict[str, Any]:
    """Give the configuration that processes the images of a run that did not come to its end.

    Parameters
    ----------
    record : `Record`
        The run.

    Returns
    -------
    `dict`
        What the user gave, with ``exposures``: of each image type whose set was taken completely the exposures
        that were kept, without those that never arrived. A set that was not complete is taken anew. Where
        something was certified already, ``calib_collection`` is a new one, since it is not possible to certify
        the same type of calibration in the same collection with the same validity range.
    """
    earlier = record.about.config.get("exposures") or {}
    exposures = {
        image_type: earlier.get(image_type) or _complete_set(record, image_type)
        for image_type in str(record.about.config.get("script_mode", "")).split("_")
    }
    into = next((certified.collection for certified in record.certified.values()), None)
    return resuming(record.about.given, exposures, into)


def _complete_set(record: Record, image_type: str) -> tuple[int, ...]:
    """Give the exposures of a set that can be processed; none if it was not taken to its end."""
    closed = next((e for e in record.events(ImageSetClosed) if e.image_type == image_type), None)
    if closed is not None and len(closed.exposures) > len(closed.left_out_exposures):
        return closed.exposures
    kept = record.exposures(image_type)
    wanted = record.about.config.get(f"n_{image_type.lower()}")
    return kept if len(kept) == wanted else ()
