"""A real butler repository, as a run needs it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ConflictError, ReadBackError, RepositoryError, describe
from ..ground.time_range import TimeRange
from ..verification import Details, RunStatistics, WrittenGains, exposures_in, exposures_to_look_into
from .certification_records import Candidate, Certification, Conflict, lacking_file, unfit
from .certified.certifying import commit, conflicts, holds, registered_as
from .certified.masters import MasterReader
from .certified.others import calibrations
from .certified.ranges import Sought
from .certified.sources import sources_with
from .connection import collection_type, exposure_and_detector, exposure_of, registered
from .files import without_file
from .gains import written_gains
from .levels import NOMINAL_GAIN, NOMINAL_NOISE, corrected_level, nominal_values
from .patience import connection_lost, patient
from .provenance import UsedInput, inputs_used
from .raws import RawReader
from .records import FOR_ALL, Detector, Source, Valid

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

__all__ = ["ButlerRepository"]

FLATS_OF_PAIRS = ("cpPtcIsrExp", "cpPtcProc")
"""Dataset types of the processed flats of PTC and GAIN, today's first."""

RESIDUALS_LOOKED_AT = 4
"""How many corrected images are read for the level that is left."""


class ButlerRepository(MasterReader, RawReader):
    """A butler repository, made from its URI like a `ButlerConnection`.

    Notes
    -----
    Not thread safe: call it from one thread at a time.
    """

    @patient
    def detectors(self, instrument: str) -> tuple[Detector, ...]:
        """See `Repository`."""
        records = self._open().query_dimension_records(
            "detector", instrument=instrument, explain=False, limit=None
        )
        return tuple(
            Detector(r.id, r.full_name, r.raft or "", r.name_in_raft or "")
            for r in sorted(records, key=lambda record: int(record.id))
        )

    @patient
    def residual(self, run: str, dataset_type: str) -> float | None:
        """See `Repository`; only a few images are read, the first of the RUN."""
        levels: list[float] = []
        unread: list[str] = []
        for ref in self._refs(run, dataset_type):
            try:
                with self._open().getURI(ref).as_local() as file:
                    levels.append(abs(corrected_level(file.ospath)))
            except (OSError, ValueError) as error:
                # The others show what is left in them, too.
                unread.append(describe(error))
            if RESIDUALS_LOOKED_AT in (len(levels), len(unread)):
                break
        if unread and not levels:
            raise RepositoryError(f"The level of {dataset_type} in {run} cannot be read: {unread[0]}")
        return max(levels, default=None)

    @patient
    def images(self, run: str, dataset_type: str) -> frozenset[tuple[int, int]]:
        """See `Repository`."""
        return frozenset(map(exposure_and_detector, self._refs(run, dataset_type)))

    @patient
    def unstored(self, run: str, dataset_type: str, data_id: Mapping[str, Any]) -> frozenset[int]:
        """See `Repository`; the files are only looked for, all at the same time."""
        lost = without_file(self._open(), self._refs(run, dataset_type, **data_id))
        return frozenset(int(ref.dataId.get("detector", FOR_ALL)) for ref in lost)

    @patient
    def inputs_used(
        self, run: str, dataset_type: str, detectors: Collection[int]
    ) -> Mapping[int, tuple[UsedInput, ...]]:
        """See `Repository`."""
        refs = (ref for ref in self._refs(run, dataset_type) if ref.dataId["detector"] in detectors)
        return inputs_used(self._open(), refs)

    @patient
    def sources(
        self,
        dataset_type: str,
        instrument: str,
        collections: Sequence[str],
        physical_filter: str | None,
        when: Sequence[TimeRange],
    ) -> tuple[Source, ...]:
        """See `Repository`."""
        butler = self._open()
        if not registered(butler, dataset_type):
            return ()
        data_id = {"instrument": instrument} | (
            {"physical_filter": physical_filter} if physical_filter else {}
        )
        return sources_with(butler, dataset_type, collections, data_id, when)

    @patient
    def others(
        self,
        dataset_type: str,
        instrument: str,
        detectors: Sequence[int],
        collections: Sequence[str],
        when: TimeRange,
    ) -> tuple[Valid, ...]:
        """See `Repository`."""
        if not registered(butler := self._open(), dataset_type):
            return ()
        of_instrument = {"instrument": instrument}
        return tuple(calibrations(butler, Sought(dataset_type, collections, of_instrument, detectors), when))

    @patient
    def registered_as(self, wanted: Certification) -> str:
        """See `Repository`."""
        return registered_as(self._open(), wanted)

    @patient
    def conflicts(self, wanted: Certification) -> tuple[Conflict, ...]:
        """See `Repository`."""
        butler = self._open()
        if self.missing_collections([wanted.collection]):
            return ()
        return conflicts(butler, wanted)

    @patient
    def run_of(self, job_id: str) -> str | None:
        """See `Repository`; where the job's collection is itself a RUN, that is it."""
        from lsst.daf.butler import CollectionType

        butler, job = self._open(), f"u/ocps/{job_id}"
        names = (f"{job}/run", job)
        return next((name for name in names if collection_type(butler, name) is CollectionType.RUN), None)

    @patient
    def made(self, run: str, dataset_type: str) -> Mapping[int, str]:
        """See `Repository`."""
        return {int(ref.dataId["detector"]): str(ref.id) for ref in self._refs(run, dataset_type)}

    @patient
    def statistics(self, run: str, types: tuple[str, str, str]) -> RunStatistics:
        """See `Repository`; those of detectors are read only for exposures that the others do not explain."""
        try:
            levels = tuple(map(self._read_yaml, self._refs(run, types[0])))
            by_exposure = {exposure_of(ref): self._read_yaml(ref) for ref in self._refs(run, types[1])}
            open_ids = {key for level in levels for key in exposures_to_look_into(level, by_exposure)}
            verified = {exposure_and_detector(ref): ref for ref in self._refs(run, types[2])}
            # Those of a product that was verified by detector name no exposure at the level of the run.
            of_exposures = any(map(exposures_in, levels))
            by_detector = {
                key: self._read_yaml(ref)
                for key, ref in verified.items()
                if not of_exposures or key[0] in open_ids
            }
        except Exception as error:
            raise RepositoryError(f"The statistics in {run} cannot be read: {describe(error)}") from error
        return RunStatistics(levels, by_exposure, by_detector, frozenset(verified))

    @patient
    def measured(self, run: str, types: tuple[str, str], keys: Collection[tuple[int, int]]) -> Details:
        """See `Repository`; of the images, the header of one per detector is read."""
        found = {exposure_and_detector(ref): ref for ref in self._refs(run, types[0])}
        statistics = {key: self._read_yaml(found[key]) for key in keys if key in found}
        detectors = {detector for _, detector in keys}
        images = [ref for ref in self._refs(run, types[1]) if int(ref.dataId["detector"]) in detectors]
        return Details(statistics, self._nominal(images, NOMINAL_NOISE))

    @patient
    def gains(self, run: str, dataset_types: Sequence[str]) -> tuple[WrittenGains, ...]:
        """See `Repository`; partial datasets that only fill the second place of a pair are skipped."""
        for dataset_type in dataset_types:
            if refs := self._refs(run, dataset_type):
                butler = self._open()
                written = [written_gains(ref, butler.get(ref)) for ref in refs]
                unique = {(w.detector, w.exposures): w for w in written if w is not None}
                return tuple(unique[key] for key in sorted(unique))
        return ()

    @patient
    def nominal_gains(self, run: str) -> dict[tuple[int, str], float]:
        """See `Repository`; they are in the headers of the processed flats."""
        refs = [ref for dataset_type in FLATS_OF_PAIRS for ref in self._refs(run, dataset_type)]
        return self._nominal(refs, NOMINAL_GAIN)

    def _nominal(self, refs: Iterable[DatasetRef], keyword: str) -> dict[tuple[int, str], float]:
        """Read nominal values from the headers of images, one for each detector."""
        one = {int(ref.dataId["detector"]): ref for ref in refs}
        found: dict[tuple[int, str], float] = {}
        for detector, ref in one.items():
            with self._open().getURI(ref).as_local() as local:
                values = nominal_values(local.ospath, keyword)
            found |= {(detector, amplifier): value for amplifier, value in values.items()}
        return found

    def certify(
        self, wanted: Certification, run: str, may_commit: Callable[[], bool]
    ) -> tuple[str, ...] | None:
        """See `Repository`."""
        from lsst.daf.butler import CollectionType
        from lsst.daf.butler.registry import ConflictingDefinitionError

        refs = self._to_certify(wanted, run)
        try:
            butler = self._open()
            butler.collections.register(wanted.collection, CollectionType.CALIBRATION)
            if not commit(butler, wanted, refs, may_commit):
                return None
        except ConflictingDefinitionError as error:
            reasons = self.conflicts(wanted) or (describe(error),)
            raise ConflictError(" ".join(map(str, reasons))) from error
        except Exception as error:
            # The answer to the commit may have been lost with the connection: what is in the collection decides.
            if not connection_lost(error) or not self._is_there(wanted, refs):
                raise
        if not self._is_there(wanted, refs):
            raise ReadBackError(
                f"{wanted.dataset_type} was certified into {wanted.collection} for {wanted.validity.interval}, but "
                "reading it back did not find all of it: check with `butler query-datasets` before you use it"
            )
        return tuple(sorted(str(ref.id) for ref in refs))

    @patient
    def _to_certify(self, wanted: Certification, run: str) -> list[DatasetRef]:
        """Return the datasets of a RUN that are to be certified, one of every detector at least."""
        refs = [
            ref for ref in self._refs(run, wanted.dataset_type) if ref.dataId["detector"] in wanted.detectors
        ]
        if problem := unfit(run, wanted, [*map(_candidate, refs)]):
            raise RepositoryError(problem)
        if without := without_file(self._open(), refs):
            detectors = sorted(int(ref.dataId["detector"]) for ref in without)
            raise RepositoryError(lacking_file(run, wanted, detectors))
        return refs

    def _is_there(self, wanted: Certification, refs: Sequence[DatasetRef]) -> bool:
        """Return whether the collection holds all these datasets for this validity range."""
        try:
            return self._holds(wanted, refs)
        except Exception as error:
            # Whatever the database raises now: it may have been committed.
            raise ReadBackError(
                f"{wanted.product} may have been committed, but was not read back: {describe(error)}"
            ) from error

    @patient
    def _holds(self, wanted: Certification, refs: Sequence[DatasetRef]) -> bool:
        butler = self._open()
        return not self.missing_collections([wanted.collection]) and holds(butler, wanted, refs)


def _candidate(ref: DatasetRef) -> Candidate:
    physical_filter = str(ref.dataId["physical_filter"]) if "physical_filter" in ref.dataId else None
    return Candidate(str(ref.id), int(ref.dataId["detector"]), physical_filter)
