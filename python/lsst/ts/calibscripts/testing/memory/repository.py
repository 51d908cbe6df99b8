"""A butler in memory as the state machine asks it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...errors import ConflictError, ReadBackError, RepositoryError, describe
from ...ground.time_range import TimeRange
from ...repository import (
    FOR_ALL,
    Candidate,
    Certification,
    Conflict,
    Detector,
    ExposureRecord,
    Signal,
    Source,
    UsedInput,
    Valid,
    unfit,
)
from ...summit.hardware.focalplane import detectors as detectors_of
from ...tables.instruments import INSTRUMENTS
from ...verification import Details, RunStatistics, WrittenGains
from ...verification.defect_changes import Boxes
from ...verification.differences import Master
from .butler import Association, CollectionKind, Dataset
from .masters import defects, master
from .trouble import Troubled

__all__ = ["MemoryRepository"]


class MemoryRepository(Troubled):
    """Answers what the state machine asks of a repository, out of a butler in memory; made as a `Troubled`."""

    def check(self, *, writing: bool) -> None:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("check")

    def missing_collections(self, collections: Iterable[str]) -> tuple[str, ...]:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("missing_collections")
        present = self.butler.collections
        return tuple(name for name in dict.fromkeys(collections) if name not in present)

    def detectors(self, instrument: str) -> tuple[Detector, ...]:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("detectors")
        return tuple(Detector(d.id, d.full_name, d.raft, d.sensor) for d in detectors_of(instrument))

    def exposures(self, instrument: str, exposures: Collection[int]) -> tuple[ExposureRecord, ...]:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("exposures")
        found = (self.butler.exposure(instrument, exposure) for exposure in exposures)
        return tuple(record for record in found if record is not None)

    def have_visits(self, instrument: str, flats: Collection[int]) -> bool | None:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("have_visits")
        return self.butler.visits

    def ingested(self, instrument: str, exposures: Collection[int]) -> frozenset[tuple[int, int]]:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("ingested")
        return frozenset(key for key, _ in self._raws(instrument, exposures))

    def stored(
        self, instrument: str, exposures: Collection[int], detectors: Collection[int]
    ) -> frozenset[tuple[int, int]]:
        """See `lsst.ts.calibscripts.repository.Repository`: one whose value is a FileNotFoundError has no file."""
        self._begin("stored")
        return frozenset(
            key
            for key, raw in self._raws(instrument, exposures)
            if key[1] in detectors and not isinstance(raw.value, FileNotFoundError)
        )

    def _raws(self, instrument: str, exposures: Collection[int]) -> Iterator[tuple[tuple[int, int], Dataset]]:
        for raw in self.butler.datasets(INSTRUMENTS[instrument].raw_collection, "raw"):
            if raw.exposure in exposures and raw.exposure is not None and raw.detector is not None:
                yield (raw.exposure, raw.detector), raw

    def level(self, instrument: str, exposure: int, detector: int) -> Signal:
        """See `lsst.ts.calibscripts.repository.Repository`: the value of the raw, which has no pixels.

        Raises
        ------
        RepositoryError
            If there is no such image.
        """
        self._begin("level")
        for raw in self.butler.datasets(INSTRUMENTS[instrument].raw_collection, "raw"):
            if (raw.exposure, raw.detector) == (exposure, detector):
                return Signal(float(raw.value))
        raise RepositoryError(f"There is no raw image of exposure {exposure}, detector {detector}")

    def residual(self, run: str, dataset_type: str) -> float | None:
        """See `lsst.ts.calibscripts.repository.Repository`: there are no corrected images."""
        self._begin("residual")
        return None

    def sources(
        self,
        dataset_type: str,
        instrument: str,
        collections: Sequence[str],
        physical_filter: str | None,
        when: Sequence[TimeRange],
    ) -> tuple[Source, ...]:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("sources")
        found = self.butler.runs((dataset_type, instrument, collections, when), physical_filter)
        return tuple(Source(run, who, written=self.butler.written) for run, who in found.items())

    def others(
        self,
        dataset_type: str,
        instrument: str,
        detectors: Sequence[int],
        collections: Sequence[str],
        when: TimeRange,
    ) -> tuple[Valid, ...]:
        """See `lsst.ts.calibscripts.repository.Repository`: each detector by itself, at any time."""
        self._begin("others")
        near = {*self.butler.flatten(collections)}
        found = (
            Valid(name, a.validity, a.dataset.physical_filter, (a.dataset.detector,), name in near)
            for name, kind in self.butler.collections.items()
            if kind is CollectionKind.CALIBRATION
            for a in self.butler.associations(name)
            if (a.dataset.dataset_type, a.dataset.instrument) == (dataset_type, instrument)
            and a.dataset.detector is not None
            and a.dataset.detector in detectors
        )
        return tuple(sorted(found, key=lambda valid: not valid.near))

    def registered_as(self, wanted: Certification) -> str:
        """See `lsst.ts.calibscripts.repository.Repository`: nothing is registered in memory."""
        self._begin("registered_as")
        return ""

    def conflicts(self, wanted: Certification) -> tuple[Conflict, ...]:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("conflicts")
        return self._conflicts(wanted)

    def _conflicts(self, wanted: Certification) -> tuple[Conflict, ...]:
        kind = self.butler.collections.get(wanted.collection, CollectionKind.CALIBRATION)
        if kind is not CollectionKind.CALIBRATION:
            return (Conflict(wanted, kind=kind),)
        found: dict[TimeRange, set[int]] = {}
        for present in self.butler.associations(wanted.collection):
            detector = present.dataset.detector
            if (
                detector is not None
                and _is_meant(present.dataset, wanted)
                and present.validity.overlaps(wanted.validity)
            ):
                found.setdefault(present.validity, set()).add(detector)
        return tuple(Conflict(wanted, validity, tuple(sorted(ids))) for validity, ids in found.items())

    def run_of(self, job_id: str) -> str | None:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("run_of")
        present = self.butler.collections
        names = (f"u/ocps/{job_id}/run", f"u/ocps/{job_id}")
        return next((name for name in names if present.get(name) is CollectionKind.RUN), None)

    def made(self, run: str, dataset_type: str) -> Mapping[int, str]:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("made")
        return {d.detector: d.id for d in self.butler.datasets(run, dataset_type) if d.detector is not None}

    def images(self, run: str, dataset_type: str) -> frozenset[tuple[int, int]]:
        """See `lsst.ts.calibscripts.repository.Repository`: one dataset stands for those of all images it is from."""
        self._begin("images")
        return frozenset(
            (raw.exposure, found.detector)
            for found in self.butler.datasets(run, dataset_type)
            for raw in found.inputs
            if raw.dataset_type == "raw" and raw.exposure is not None and found.detector is not None
        )

    def unstored(self, run: str, dataset_type: str, data_id: Mapping[str, Any]) -> frozenset[int]:
        """See `lsst.ts.calibscripts.repository.Repository`: one whose value is a FileNotFoundError has no file."""
        self._begin("unstored")
        return frozenset(
            FOR_ALL if found.detector is None else found.detector
            for found in self.butler.datasets(run, dataset_type)
            if isinstance(found.value, FileNotFoundError)
            and all(getattr(found, name) == value for name, value in data_id.items())
        )

    def inputs_used(
        self, run: str, dataset_type: str, detectors: Collection[int]
    ) -> Mapping[int, tuple[UsedInput, ...]]:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("inputs_used")
        return {
            image.detector: tuple(UsedInput(each.dataset_type, each.run, each.id) for each in image.inputs)
            for image in self.butler.datasets(run, dataset_type)
            if image.detector is not None and image.detector in detectors
        }

    def statistics(self, run: str, types: tuple[str, str, str]) -> RunStatistics:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("statistics")
        levels, exposures, detectors = ([*self.butler.datasets(run, name)] for name in types)
        by_detector = {(d.exposure or 0, d.detector): _get(d) for d in detectors if d.detector is not None}
        return RunStatistics(
            tuple(_get(dataset) for dataset in levels),
            {d.exposure: _get(d) for d in exposures if d.exposure is not None},
            by_detector,
            frozenset(by_detector),
        )

    def measured(self, run: str, types: tuple[str, str], keys: Collection[tuple[int, int]]) -> Details:
        """See `lsst.ts.calibscripts.repository.Repository`; images in memory have no headers."""
        self._begin("measured")
        found = {(d.exposure or 0, d.detector): d for d in self.butler.datasets(run, types[0])}
        return Details({key: _get(found[key]) for key in keys if key in found}, {})

    def gains(self, run: str, dataset_types: Sequence[str]) -> tuple[WrittenGains, ...]:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("gains")
        for name in dataset_types:
            if found := self.butler.datasets(run, name):
                return tuple(gains for dataset in found for gains in dataset.value or ())
        return ()

    def nominal_gains(self, run: str) -> dict[tuple[int, str], float]:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("nominal_gains")
        flats = self.butler.datasets(run, "cpPtcIsrExp")
        return {(flat.detector or 0, name): gain for flat in flats for name, gain in flat.value.items()}

    def master(self, run: str, dataset_types: Sequence[str], data_id: Mapping[str, Any]) -> Master | None:
        """See `lsst.ts.calibscripts.repository.Repository`: the value of the dataset, else one without anything."""
        self._begin("master")
        for dataset_type in dataset_types:
            for found in self.butler.datasets(run, dataset_type):
                if all(getattr(found, name) == value for name, value in data_id.items()):
                    return found.value or master(dataset_type)
        return None

    def defects(self, run: str, dataset_type: str, data_id: Mapping[str, Any]) -> Boxes | None:
        """See `lsst.ts.calibscripts.repository.Repository`: the value of the dataset, else none at all."""
        self._begin("defects")
        for found in self.butler.datasets(run, dataset_type):
            if all(getattr(found, name) == value for name, value in data_id.items()):
                return found.value or defects(0)
        return None

    def certify(
        self, wanted: Certification, run: str, may_commit: Callable[[], bool]
    ) -> tuple[str, ...] | None:
        """See `lsst.ts.calibscripts.repository.Repository`."""
        self._begin("certify")
        datasets = [
            d for d in self.butler.datasets(run, wanted.dataset_type) if d.detector in wanted.detectors
        ]
        present = [Candidate(d.id, d.detector or 0, d.physical_filter) for d in datasets]
        if problem := unfit(run, wanted, present):
            raise RepositoryError(problem)
        if not may_commit():
            return None
        try:
            new = self.butler.certify(wanted.collection, datasets, wanted.validity)
        except ConflictError as error:
            raise ConflictError(" ".join(map(str, self._conflicts(wanted) or (describe(error),)))) from error
        self._read_back(new)
        return tuple(dataset.id for dataset in datasets)

    def _read_back(self, new: Sequence[Association]) -> None:
        try:
            self._begin("read_back")
        except Exception as error:
            raise ReadBackError(f"It was committed, but cannot be read back: {describe(error)}") from error
        present = [one for name in {a.collection for a in new} for one in self.butler.associations(name)]
        lost = [association.dataset.id for association in new if association not in present]
        if lost:
            raise ReadBackError(f"Reading back did not find datasets {', '.join(lost)}")


def _is_meant(dataset: Dataset, wanted: Certification) -> bool:
    return (
        (dataset.dataset_type, dataset.instrument) == (wanted.dataset_type, wanted.instrument)
        and dataset.detector in wanted.detectors
        and wanted.physical_filter in (None, dataset.physical_filter)
    )


def _get(dataset: Dataset) -> dict[object, object]:
    if isinstance(dataset.value, Exception):
        raise RepositoryError(f"The statistics in {dataset.run} cannot be read: {describe(dataset.value)}")
    value: dict[object, object] = dataset.value
    return value
