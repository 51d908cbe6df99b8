"""What the state machine asks of a butler repository, and the records it is answered with."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ..ground.time_range import ALWAYS, TimeRange
from ..verification import Details, RunStatistics, WrittenGains
from ..verification.defect_changes import Boxes
from ..verification.differences import Master
from .certification_records import Candidate, Certification, Conflict, unfit
from .provenance import UsedInput

__all__ = [
    "FOR_ALL",
    "Candidate",
    "Certification",
    "Conflict",
    "Detector",
    "ExposureRecord",
    "Repository",
    "Signal",
    "Source",
    "Valid",
    "lacking",
    "unfit",
]


FOR_ALL = -1
"""Stands for the detectors of a calibration that is for all of them, e.g. the camera."""


@dataclass(frozen=True)
class Detector:
    """Names of a detector; ``name`` is what cp_verify writes, e.g. ``R22_S11`` or ``RXX_S00``."""

    id: int
    name: str
    raft: str
    sensor: str


@dataclass(frozen=True)
class ExposureRecord:
    """What the butler knows of an exposure; times in seconds.

    ``taken`` is when it was taken, None where that is unknown; ``group`` is the group id that it was taken with,
    empty where its header has none.
    """

    id: int
    image_type: str
    exposure_time: float
    physical_filter: str
    taken: TimeRange | None = None
    group: str = ""


@dataclass(frozen=True)
class Valid:
    """Certified calibrations of a type with one validity range."""

    collection: str  #: Where they are.
    validity: TimeRange  #: Validity range.
    physical_filter: str | None = None  #: Their filter; None of a type that has none.
    detectors: tuple[int, ...] = ()  #: Detectors; empty of a type that is not for detectors.
    near: bool = False  #: Is the collection one of those that were looked through?


@dataclass(frozen=True)
class Source:
    """Calibrations of a type that jobs would use, from one RUN."""

    run: str  #: The RUN.
    detectors: frozenset[int]  #: Detectors they are for; `FOR_ALL` for all of them.
    validity: TimeRange = ALWAYS  #: Validity range; always where they are not certified.
    #: When the oldest of them came into the repository, UTC; None where that is unknown.
    written: datetime | None = None

    def age(self, now: datetime) -> int | None:
        """Return how many days ago they were written; None where that is unknown."""
        return None if self.written is None else (now - self.written).days


def lacking(
    sources: Collection[Source], detectors: Iterable[int], when: Collection[TimeRange]
) -> tuple[int, ...]:
    """Return the detectors that have no calibration, or none that is valid all the time.

    Parameters
    ----------
    sources : collection of `Source`
        What there is. Several one after another will do.
    detectors : iterable of `int`
        Detectors that need one.
    when : collection of `TimeRange`
        When the images are taken.
    """

    def has_one(detector: int) -> bool:
        ranges = [source.validity for source in sources if source.detectors & {detector, FOR_ALL}]
        return bool(ranges) and all(span.covered(ranges) for span in when)

    return tuple(detector for detector in detectors if not has_one(detector))


@dataclass(frozen=True)
class Signal:
    """What a raw image shows, overscan subtracted, ADU."""

    level: float  #: Median.
    noise: float = 0.0  #: Noise of one pixel; 0 where it is unknown.

    @property
    def over_noise(self) -> float:
        """Signal over noise of one pixel; infinite where the noise is unknown."""
        return self.level / self.noise if self.noise > 0 else math.inf


class Repository(Protocol):
    """What the state machine asks of a butler repository. All of it blocks and raises `RepositoryError`."""

    def check(self, *, writing: bool) -> None:
        """Raise `RepositoryError` if the repository cannot be read (and written to)."""

    def missing_collections(self, collections: Iterable[str]) -> tuple[str, ...]:
        """Return those collections that do not exist."""

    def detectors(self, instrument: str) -> tuple[Detector, ...]:
        """Return all detectors of an instrument."""

    def exposures(self, instrument: str, exposures: Collection[int]) -> tuple[ExposureRecord, ...]:
        """Return the records of those exposures that are known."""

    def have_visits(self, instrument: str, flats: Collection[int]) -> bool | None:
        """Return whether flats have visits: all of these, or, of none, any of the latest; None if there are none."""

    def ingested(self, instrument: str, exposures: Collection[int]) -> frozenset[tuple[int, int]]:
        """Return exposure and detector of the raw images of these exposures."""

    def stored(
        self, instrument: str, exposures: Collection[int], detectors: Collection[int]
    ) -> frozenset[tuple[int, int]]:
        """Return exposure and detector of the raw images of these exposures and detectors that have a file."""

    def level(self, instrument: str, exposure: int, detector: int) -> Signal:
        """Return the signal of a raw image: median of the image less that of the overscan, and its noise, ADU."""

    def residual(self, run: str, dataset_type: str) -> float | None:
        """Return the largest absolute median of the corrected images of a RUN, ADU; None where there are none."""

    def sources(
        self,
        dataset_type: str,
        instrument: str,
        collections: Sequence[str],
        physical_filter: str | None,
        when: Sequence[TimeRange],
    ) -> tuple[Source, ...]:
        """Return where the calibrations are from that jobs would use ``when`` images are taken.

        One for each RUN and validity range; `lacking` finds out for which detectors they do not suffice.
        """

    def others(
        self,
        dataset_type: str,
        instrument: str,
        detectors: Sequence[int],
        collections: Sequence[str],
        when: TimeRange,
    ) -> tuple[Valid, ...]:
        """Return calibrations of a type for these detectors, valid at a time or nearest to it.

        Those of ``collections`` come first, then those of the instrument's chain and of its daily collection.
        """

    def registered_as(self, wanted: Certification) -> str:
        """Return as what the type of a certification is registered; empty if as it must be, or not at all."""

    def conflicts(self, wanted: Certification) -> tuple[Conflict, ...]:
        """Return what stands in the way of a certification, one for each validity range; empty for nothing."""

    def run_of(self, job_id: str) -> str | None:
        """Return the RUN with the outputs of a job, None if it made none."""

    def made(self, run: str, dataset_type: str) -> Mapping[int, str]:
        """Return detector -> identifier of the datasets of that type that a RUN holds."""

    def images(self, run: str, dataset_type: str) -> frozenset[tuple[int, int]]:
        """Return exposure and detector of the datasets of that type that a RUN holds."""

    def unstored(self, run: str, dataset_type: str, data_id: Mapping[str, Any]) -> frozenset[int]:
        """Return the detectors, `FOR_ALL` for all, whose dataset in a RUN is registered, but has no file.

        ``data_id`` has the instrument, and the physical_filter of what is for one.
        """

    def inputs_used(
        self, run: str, dataset_type: str, detectors: Collection[int]
    ) -> Mapping[int, tuple[UsedInput, ...]]:
        """Return by detector what a job has read for the images of a type that it wrote, one image of each.

        Detectors without an image are not in it; those whose image does not say it have none.
        """

    def statistics(self, run: str, types: tuple[str, str, str]) -> RunStatistics:
        """Read the statistics of a verification run; its run level is empty where there are none."""

    def measured(self, run: str, types: tuple[str, str], keys: Collection[tuple[int, int]]) -> Details:
        """Read the values behind a verdict: detector statistics and corrected images of exposures and detectors."""

    def gains(self, run: str, dataset_types: Sequence[str]) -> tuple[WrittenGains, ...]:
        """Read the gains a job wrote under the first of these dataset types that it wrote."""

    def nominal_gains(self, run: str) -> Mapping[tuple[int, str], float]:
        """Return nominal gains, electron/ADU, by detector and amplifier, as far as the flats of a RUN have them."""

    def master(self, run: str, dataset_types: Sequence[str], data_id: Mapping[str, Any]) -> Master | None:
        """Read a combined calibration, of the first of these dataset types that a RUN has for a detector.

        ``data_id`` also has the physical_filter of what is for one.
        """

    def defects(self, run: str, dataset_type: str, data_id: Mapping[str, Any]) -> Boxes | None:
        """Read the defects that a RUN has for a detector."""

    def certify(
        self, wanted: Certification, run: str, may_commit: Callable[[], bool]
    ) -> tuple[str, ...] | None:
        """Certify the datasets of a RUN, all or nothing, and read back what was certified.

        Returns
        -------
        `tuple` [`str`] or `None`
            Identifiers of the certified datasets; None if ``may_commit`` said no just before the commit.

        Raises
        ------
        ConflictError
            If the collection holds something else over an overlapping range.
        RepositoryError
            If there is nothing to certify.
        ReadBackError
            If what was certified cannot be read back.
        """
