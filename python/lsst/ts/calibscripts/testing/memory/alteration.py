"""Images whose records in the butler differ from what the camera was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...repository import ExposureRecord
from ...summit.hardware.focalplane import Detector

__all__ = ["Alteration", "Ingested", "altered"]


@dataclass(frozen=True)
class Ingested:
    """What the butler gets of an exposure."""

    record: ExposureRecord  #: What its header says.
    level: float  #: Signal of its images, ADU.
    detectors: tuple[Detector, ...]  #: Detectors whose images are ingested.


@dataclass(frozen=True)
class Alteration:
    """A difference between what some exposures of a type were to be and what the butler knows of them."""

    of: str  #: Image type asked for.
    #: The first ingested exposure of that type that is hit, from 1, and how many are hit.
    at: int = 1
    count: int = 1
    #: What the header says instead, the exposure time in seconds; None where it is right.
    image_type: str | None = None
    exposure_time: float | None = None
    physical_filter: str | None = None
    level: float | None = None  #: Signal instead, ADU; may be NaN.
    loses: frozenset[int] = frozenset()  #: Detectors whose images are announced as ingested but are not.

    def hits(self, image_type: str, number: int) -> bool:
        """Return whether an exposure is hit, by its type and its number within it, from 1."""
        return self.of == image_type and self.at <= number < self.at + self.count

    def __call__(self, found: Ingested) -> Ingested:
        """Return what the butler gets instead."""
        given = {
            name: value
            for name in ("image_type", "exposure_time", "physical_filter")
            if (value := getattr(self, name)) is not None
        }
        return Ingested(
            replace(found.record, **given),
            found.level if self.level is None else self.level,
            tuple(detector for detector in found.detectors if detector.id not in self.loses),
        )


def altered(alterations: Sequence[Alteration], image_type: str, number: int, found: Ingested) -> Ingested:
    """Return what the butler gets of an exposure after all alterations that hit it."""
    for alteration in alterations:
        if alteration.hits(image_type, number):
            found = alteration(found)
    return found
