"""What the state machine asks of a butler repository, and the records it is answered with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = [
    "Certification",
    "Detector",
    "ExposureRecord",
    "Repository",
    "RunStatistics",
    "WrittenGains",
]


@dataclass(frozen=True)
class Detector:
    """Names of a detector; ``name`` is what cp_verify writes, e.g. ``R22_S11`` or ``RXX_S00``."""

    id: int
    name: str
    raft: str
    sensor: str


@dataclass(frozen=True)
class ExposureRecord:
    """What the butler knows of an exposure; times in seconds."""

    id: int
    image_type: str
    exposure_time: float
    physical_filter: str


@dataclass(frozen=True)
class Certification:
    """What is to be certified, and for how long.

    Attributes
    ----------
    product : `str`
        Name of the product.
    instrument : `str`
        Butler instrument name.
    dataset_type : `str`
        Dataset type of the product.
    collection : `str`
        CALIBRATION collection.
    begin, end : `str` or `None`
        Validity range, ISO-8601, TAI, half open; None is open.
    detectors : `tuple` [`int`]
        Detectors to certify.
    physical_filter : `str` or `None`
        Filter of a flat where it is known; None for every filter there is.
    """

    product: str
    instrument: str
    dataset_type: str
    collection: str
    begin: str | None
    end: str | None
    detectors: tuple[int, ...]
    physical_filter: str | None = None

    @property
    def validity(self) -> str:
        """The validity range as an observer reads it."""
        return f"[{self.begin or 'open'}, {self.end or 'open'}) TAI"


@dataclass(frozen=True)
class RunStatistics:
    """cp_verify's statistics of one verification run, as the butler returns them.

    Attributes
    ----------
    run : `tuple` [`dict`]
        Run level: one, or one per physical_filter.
    exposures : `dict` [`int`, `dict`]
        Per exposure; read where the run level does not name what failed.
    detectors : `dict` [`tuple` [`int`, `int`], `dict`]
        Per exposure and detector; read where the others do not name what failed.
    verified : `frozenset` [`tuple` [`int`, `int`]]
        Exposures and detectors of which there are statistics; empty where the run tells none per detector.
    """

    run: tuple[Mapping[Any, Any], ...]
    exposures: Mapping[int, Mapping[Any, Any]]
    detectors: Mapping[tuple[int, int], Mapping[Any, Any]]
    verified: frozenset[tuple[int, int]] = frozenset()

    def skipped(self, exposures: Iterable[int], detectors: Iterable[int]) -> tuple[int, ...]:
        """Give the detectors that were not verified in all of these exposures, of those the run level covers.

        An image that the OODS has announced but not ingested is left out by the pipelines without a word.
        """
        covered = [e for e in exposures if any(e in level or str(e) in level for level in self.run)]
        if not self.verified:
            return ()
        return tuple(d for d in detectors if any((e, d) not in self.verified for e in covered))


@dataclass(frozen=True)
class WrittenGains:
    """Gains and read noises of the amplifiers of a detector, as a job wrote them.

    Attributes
    ----------
    detector : `int`
        Detector.
    exposures : `tuple` [`int`, ...]
        The pair of exposures they were estimated from; empty for a fit to all of them.
    gain : `dict` [`str`, `float`]
        Amplifier -> gain, electron/ADU.
    noise : `dict` [`str`, `float`]
        Amplifier -> read noise, in ``noise_unit``.
    noise_unit : `str`
        electron, or ADU where it was measured in the overscan before any gain was known.
    """

    detector: int
    exposures: tuple[int, ...]
    gain: Mapping[str, float]
    noise: Mapping[str, float]
    noise_unit: str = "electron"


class Repository(Protocol):
    """What the state machine asks of a butler repository. All of it blocks and raises `RepositoryError`."""

    def check(self, *, writing: bool) -> None:
        """Raise `RepositoryError` if the repository cannot be read (and written to)."""

    def missing_collections(self, collections: Iterable[str]) -> tuple[str, ...]:
        """Give those collections that do not exist."""

    def detectors(self, instrument: str) -> tuple[Detector, ...]:
        """Give all detectors of an instrument."""

    def exposures(self, instrument: str, exposures: Collection[int]) -> tuple[ExposureRecord, ...]:
        """Give the records of those exposures that are known."""

    def ingested(self, instrument: str, exposures: Collection[int]) -> frozenset[tuple[int, int]]:
        """Give exposure and detector of the raw images of these exposures."""

    def level(self, instrument: str, exposure: int, detector: int) -> float:
        """Give the signal of a raw image: median of the image less that of the overscan, ADU."""

    def residual(self, run: str, dataset_type: str) -> float | None:
        """Give the largest absolute median of the corrected images of a RUN, ADU; None where there are none."""

    def lacking(
        self,
        dataset_type: str,
        instrument: str,
        detectors: Sequence[int],
        collections: Sequence[str],
        physical_filter: str | None,
        within: tuple[str, str],
    ) -> tuple[int, ...]:
        """Give the detectors for which the collections hold no such calibration.

        One in a CALIBRATION collection only counts if it is valid at some moment ``within`` a range, TAI, half open.
        """

    def conflicts(self, wanted: Certification) -> tuple[str, ...]:
        """Say in sentences what stands in the way of a certification; empty for nothing."""

    def run_of(self, job_id: str) -> str | None:
        """Give the RUN with the outputs of a job, None if it made none."""

    def made(self, run: str, dataset_type: str) -> frozenset[int]:
        """Give the detectors for which a RUN holds a dataset of that type."""

    def statistics(self, run: str, types: tuple[str, str, str]) -> RunStatistics:
        """Read the statistics of a verification run; its run level is empty where there are none."""

    def gains(self, run: str, dataset_types: Sequence[str]) -> tuple[WrittenGains, ...]:
        """Read the gains a job wrote under the first of these dataset types that it wrote."""

    def certify(
        self, wanted: Certification, run: str, may_commit: Callable[[], bool]
    ) -> tuple[str, ...] | None:
        """Certify the datasets of a RUN, all or nothing, and read back what was certified.

        Returns
        -------
        `tuple` [`str`] or `None`
            Identifiers of the certified datasets; None if ``may_commit`` said no just before the commit.
        """
