"""Collections and datasets in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from ...errors import ConflictError, RepositoryError
from ...ground.time_range import ALWAYS, TimeRange
from ...repository import ExposureRecord

__all__ = ["Association", "CollectionKind", "Dataset", "MemoryButler"]


class CollectionKind(StrEnum):
    """What a collection holds."""

    RUN = "RUN"
    CHAINED = "CHAINED"
    CALIBRATION = "CALIBRATION"


@dataclass(frozen=True, eq=False)
class Dataset:
    """One dataset, and its inputs; each is equal to itself only."""

    id: str  #: Unique within a butler.
    #: Its dataset id and the RUN it is in.
    dataset_type: str
    run: str
    instrument: str
    #: Data id, as far as the dataset type has these dimensions.
    detector: int | None = None
    exposure: int | None = None
    physical_filter: str | None = None  #: As these.
    value: Any = None  #: What a get gives; an exception is raised instead.
    #: The datasets it was made from directly: images, and the calibrations they were corrected with.
    inputs: tuple[Dataset, ...] = ()

    @property
    def place(self) -> tuple[str, str, int | None, str | None]:
        """What must differ, of two datasets that are valid at the same time."""
        return self.dataset_type, self.instrument, self.detector, self.physical_filter


@dataclass(frozen=True)
class Association:
    """A dataset in a CALIBRATION collection."""

    collection: str  #: The collection.
    dataset: Dataset  #: The dataset.
    validity: TimeRange  #: Validity range.


@dataclass(frozen=True)
class _Collection:
    kind: CollectionKind
    #: Dataset type -> datasets, which are only added to.
    datasets: dict[str, list[Dataset]] = field(default_factory=dict)
    children: tuple[str, ...] = ()
    associations: tuple[Association, ...] = ()


class MemoryButler:
    """A butler repository in memory.

    What is in it is replaced or added to, never changed, so that it can be read from a thread while jobs write.

    Parameters
    ----------
    on_certified : callable
        Takes the associations of every certification at the moment when they are committed, in whichever thread
        that is done.
    visits : `bool` or `None`, optional
        Whether flats have visits; None where it does not hold any.
    written : `datetime.datetime` or `None`, optional
        When its calibrations were written, UTC; None where that is unknown.
    """

    def __init__(
        self,
        on_certified: Callable[[tuple[Association, ...]], None] = lambda new: None,
        *,
        visits: bool | None = True,
        written: datetime | None = None,
    ) -> None:
        self.on_certified = on_certified
        self.visits = visits
        self.written = written
        self._collections: dict[str, _Collection] = {}
        self._exposures: dict[tuple[str, int], ExposureRecord] = {}
        self._ids = itertools.count(1)

    @property
    def collections(self) -> dict[str, CollectionKind]:
        """All collections (a copy)."""
        return {name: self._collections[name].kind for name in tuple(self._collections)}

    def register(self, name: str, kind: CollectionKind, children: Iterable[str] = ()) -> None:
        """Make a collection, unless there is one of that name and kind; a chain gets these children.

        Raises
        ------
        RepositoryError
            If there is one of another kind.
        """
        present = self._collections.setdefault(name, _Collection(kind))
        if present.kind is not kind:
            raise RepositoryError(f"Collection {name} is a {present.kind} collection, not a {kind} one")
        if kind is CollectionKind.CHAINED:
            self._collections[name] = _Collection(kind, children=tuple(children))

    def add_exposure(self, instrument: str, record: ExposureRecord) -> None:
        """Note that an exposure exists."""
        self._exposures[instrument, record.id] = record

    def exposure(self, instrument: str, exposure: int) -> ExposureRecord | None:
        """Return what is known of an exposure."""
        return self._exposures.get((instrument, exposure))

    def put(self, dataset_type: str, run: str, instrument: str, **fields: Any) -> Dataset:
        """Put a dataset into a RUN, which is made where there is none.

        Parameters
        ----------
        dataset_type, run, instrument : `str`
            As `Dataset` has them.
        **fields
            The other fields of a `Dataset`.
        """
        self.register(run, CollectionKind.RUN)
        dataset = Dataset(f"{next(self._ids):08d}", dataset_type, run, instrument, **fields)
        self._collections[run].datasets.setdefault(dataset_type, []).append(dataset)
        return dataset

    def remove(self, run: str, dataset_type: str) -> tuple[Dataset, ...]:
        """Remove all datasets of a type from a RUN, and return them."""
        return tuple(self._collections[run].datasets.pop(dataset_type, ()))

    def datasets(self, run: str, dataset_type: str | None = None) -> tuple[Dataset, ...]:
        """Return the datasets in a RUN, all or those of a type; none where there is no such RUN."""
        found = self._collections.get(run)
        if found is None:
            return ()
        if dataset_type is not None:
            return tuple(found.datasets.get(dataset_type, ()))
        return tuple(itertools.chain.from_iterable(tuple(found.datasets.values())))

    def associations(self, collection: str) -> tuple[Association, ...]:
        """Return what is certified in a CALIBRATION collection; nothing where there is no such collection."""
        found = self._collections.get(collection)
        return found.associations if found else ()

    def certify(
        self, collection: str, datasets: Iterable[Dataset], validity: TimeRange = ALWAYS
    ) -> tuple[Association, ...]:
        """Certify datasets, all or nothing, into a CALIBRATION collection, which is made where there is none.

        Raises
        ------
        ConflictError
            If the collection holds another dataset of the same place over an overlapping validity range.
        """
        self.register(collection, CollectionKind.CALIBRATION)
        new = tuple(Association(collection, dataset, validity) for dataset in datasets)
        present = self._collections[collection]
        places = {association.dataset.place for association in new}
        for old in present.associations:
            if old.dataset.place in places and old.validity.overlaps(validity):
                raise ConflictError(f"{collection} already holds {old.dataset.place} over that range")
        self._collections[collection] = replace(present, associations=(*present.associations, *new))
        self.on_certified(new)
        return new

    def flatten(self, collections: Iterable[str]) -> Iterator[str]:
        """Return RUNs and CALIBRATION collections in the order they are searched, chains replaced by theirs.

        Raises
        ------
        RepositoryError
            If one does not exist.
        """
        for name in collections:
            found = self._collections.get(name)
            if found is None:
                raise RepositoryError(f"Collection {name} does not exist")
            if found.kind is CollectionKind.CHAINED:
                yield from self.flatten(found.children)
            else:
                yield name

    def all(
        self,
        dataset_type: str,
        instrument: str,
        collections: Iterable[str],
        when: Sequence[TimeRange] = (),
    ) -> Iterator[Dataset]:
        """Return the datasets of a type in some collections; certified ones if there is one all the time, TAI."""
        for name in self.flatten(collections):
            here = (a for a in self.associations(name) if a.dataset.dataset_type == dataset_type)
            for dataset in (*self.datasets(name, dataset_type), *_valid(here, when)):
                if dataset.instrument == instrument:
                    yield dataset

    def runs(
        self,
        where: tuple[str, str, Iterable[str], Sequence[TimeRange]],
        physical_filter: str | None,
    ) -> dict[str, frozenset[int]]:
        """Return the RUNs of the datasets that `all` returns, in a filter where one is named, and their detectors."""
        found: dict[str, set[int]] = {}
        for dataset in self.all(*where):
            if physical_filter in (None, dataset.physical_filter) and dataset.detector is not None:
                found.setdefault(dataset.run, set()).add(dataset.detector)
        return {run: frozenset(detectors) for run, detectors in found.items()}

    def find(
        self,
        place: tuple[str, str, int | None, str | None],
        collections: Sequence[str],
        moment: datetime,
    ) -> Dataset | None:
        """Return the first dataset of a place; in a CALIBRATION collection the one that is valid at a moment, TAI."""
        for name in self.flatten(collections):
            valid = (
                a.dataset
                for a in self.associations(name)
                if a.dataset.place == place and a.validity.contains(moment)
            )
            here = (dataset for dataset in self.datasets(name, place[0]) if dataset.place == place)
            dataset = next(itertools.chain(here, valid), None)
            if dataset is not None:
                return dataset
        return None


def _valid(associations: Iterable[Association], when: Iterable[TimeRange]) -> Iterator[Dataset]:
    """Return the datasets of whose place there is one valid at every moment of some ranges of time."""
    by_place: dict[tuple[object, ...], list[Association]] = {}
    for association in associations:
        by_place.setdefault(association.dataset.place, []).append(association)
    for here in by_place.values():
        if all(span.covered(each.validity for each in here) for span in when):
            yield from (association.dataset for association in here)
