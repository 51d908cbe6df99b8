"""A record -> the configuration that resumes where its run ended. Pure."""

from __future__ import annotations

from typing import Any

from ..config import Resumption, resuming
from ..events.events import FINISHED, Doubtful, Ending, ImageSetClosed
from ..events.images import ImageSet, may_go_on_with
from ..plan import Action
from ..tables.products import PRODUCTS, ImageType
from .records import Record

__all__ = ["is_complete", "resume_configuration", "resumption"]


def is_complete(record: Record) -> bool:
    """Return whether everything that a run was asked for is done, so that nothing is left to resume."""
    endings = record.endings
    ended = record.ended is not None and bool(endings)
    return record.state == "DONE" or (ended and FINISHED.issuperset(endings.values()))


def resume_configuration(record: Record) -> dict[str, Any]:
    """Return the configuration that resumes a run; see `resumption`."""
    return resumption(record).config


def resumption(record: Record) -> Resumption:
    """Return how to process the images of a run that did not come to its end.

    Parameters
    ----------
    record : `Record`
        The run.

    Returns
    -------
    `Resumption`
        What the user set, with ``exposures``: of each image type whose set was taken completely the exposures
        that were kept, without those that never arrived. A set that was not complete, was given up, has failed its
        verification or lacks pairs of flats is taken again. Where something was certified already, or could not be,
        ``calib_collection`` is a new one, since it is not possible to certify the same type of calibration in the
        same collection with the same validity range.
    """
    image_types = str(record.about.config.get("script_mode", "")).split("_")
    exposures = {image_type: _to_go_on_with(record, image_type) for image_type in image_types}
    into = next((certified.collection for certified in record.certified.values()), None)
    into = into or _doubtful(record) or _refusing(record)
    return resuming(record.about.given, image_types, exposures, into)


def _doubtful(record: Record) -> str | None:
    """Return the collection into which something may have been certified."""
    return next((event.collection for event in record.events(Doubtful)), None)


def _refusing(record: Record) -> str | None:
    """Return the collection into which something could not be certified."""
    certifying = [step for step in _failed_steps(record) if step.startswith(Action.CERTIFY)]
    return str(record.about.config.get("calib_collection")) if certifying else None


def _to_go_on_with(record: Record, image_type: str) -> tuple[int, ...]:
    """Return the exposures of a set that can be processed; none if it was refused, or not taken to its end."""
    verdict = record.verdicts.get(image_type)
    if verdict is not None and verdict.judged and not verdict.passed:
        return ()
    if image_type == ImageType.FLAT and _lacks_pairs(record):
        return ()
    earlier = tuple((record.about.config.get("exposures") or {}).get(image_type) or ())
    kept = earlier or record.exposures(image_type)
    wanted = len(earlier) or record.about.config.get(f"n_{image_type.lower()}")
    events = [event for event in record.events(ImageSetClosed) if event.image_type == image_type]
    closed = [
        ImageSet(e.exposures, e.detectors, e.left_out_exposures, e.left_out_detectors) for e in events[-1:]
    ]
    return may_go_on_with(kept, wanted if isinstance(wanted, int) else 0, closed[0] if closed else None)


def _lacks_pairs(record: Record) -> bool:
    """Return whether a step that needs pairs of flats failed before it had a job: too few of them could be used."""
    paired = {f"GENERATE {name}" for name, product in PRODUCTS.items() if product.paired}
    return any(record.job(step) is None for step in _failed_steps(record) & paired)


def _failed_steps(record: Record) -> frozenset[str]:
    """Return the steps that failed."""
    return frozenset(step for step, ending in record.endings.items() if ending is Ending.FAILED)
