"""A butler repository that calibrations are brought to: chains, what is certified behind them, and files."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from ..errors import RepositoryError, describe
from ..ground.time_range import ALWAYS
from .butler import ButlerRepository
from .production_records import Association
from .validity import time_range

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef, Timespan
    from lsst.resources import ResourcePath

__all__ = ["DeployedRepository"]


class DeployedRepository(ButlerRepository):  # numpydoc ignore=PR02
    """A butler repository that calibrations are brought to, or deployed in.

    Parameters
    ----------
    uri : `str`
        Any butler URI, or the path of a butler configuration.
    """

    def write(self) -> None:
        """Make it writeable, before the first thing that is written.

        Raises
        ------
        RepositoryError
            If it cannot be written to.
        """
        if not self._writeable:
            self.close()
            self.check(writing=True)

    def chain(self, name: str) -> tuple[str, ...] | None:
        """Return the children of a CHAINED collection, None where there is none of that name.

        Raises
        ------
        RepositoryError
            If it is another kind of collection.
        """
        from lsst.daf.butler import CollectionType

        if self.missing_collections([name]):
            return None
        info = self._open().collections.get_info(name)
        if info.type is not CollectionType.CHAINED:
            raise RepositoryError(f"{name} in {self.uri} is a {info.type.name} collection, not a chain")
        return tuple(info.children)

    def set_chains(self, chains: Mapping[str, Sequence[str] | None]) -> None:
        """Define chains, all or nothing; one whose children are None is removed.

        Parameters
        ----------
        chains : mapping [`str`, sequence of `str` or `None`]
            Chain -> children.

        Raises
        ------
        RepositoryError
            If they were not changed.
        """
        from lsst.daf.butler import CollectionType

        self.write()
        butler = self._open()
        try:
            with butler.transaction():
                for name, children in chains.items():
                    if children is not None:
                        butler.collections.register(name, CollectionType.CHAINED)
                        butler.collections.redefine_chain(name, children)
                for name in [name for name, children in chains.items() if children is None]:
                    butler.collections.x_remove(name)
        except Exception as error:
            raise RepositoryError(
                f"The chains {', '.join(chains)} in {self.uri} were not changed: {describe(error)}"
            ) from error

    def flattened(self, name: str) -> tuple[str, ...]:
        """Return the collections that are searched behind a name, in order."""
        if self.missing_collections([name]):
            return ()
        return tuple(self._open().collections.query(name, flatten_chains=True))

    def associations(
        self, collection: str, dataset_types: Collection[str] | None = None
    ) -> tuple[Association, ...]:
        """Return what CALIBRATION collections hold behind a name, in the order they are searched."""
        wanted = self.calibration_types() if dataset_types is None else dataset_types
        return tuple(found for found, _ in self._associations(collection, wanted))

    def _associations(
        self, collection: str, dataset_types: Collection[str]
    ) -> Iterator[tuple[Association, Timespan | None]]:
        from lsst.daf.butler import CollectionType

        butler = self._open()
        for name in self.flattened(collection):
            if butler.collections.get_info(name).type is CollectionType.CALIBRATION:
                for dataset_type in dataset_types:
                    for found in butler.registry.queryDatasetAssociations(
                        dataset_type, collections=name, collectionTypes={CollectionType.CALIBRATION}
                    ):
                        yield _association(found.ref, found.collection, found.timespan), found.timespan

    def calibration_types(self) -> dict[str, tuple[str, ...]]:
        """Return the dataset types that can be certified, with their dimensions."""
        types = self._open().registry.queryDatasetTypes()
        return {
            found.name: tuple(sorted(found.dimensions.required))
            for found in sorted(types, key=lambda one: one.name)
            if found.isCalibration()
        }

    def found(
        self, dataset_type: str, instrument: str, exposure: int, detector: int, collection: str
    ) -> Association | None:
        """Return the calibration that an exposure gets through a collection, as a pipeline looks for it."""
        butler = self._open()
        data_id = butler.registry.expandDataId(instrument=instrument, exposure=exposure, detector=detector)
        kind = butler.get_dataset_type(dataset_type)
        try:
            ref = butler.find_dataset(
                kind, data_id.subset(kind.dimensions), collections=collection, timespan=data_id.timespan
            )
        except Exception as error:
            raise RepositoryError(f"{dataset_type}, detector {detector}: {describe(error)}") from error
        if ref is None:
            return None
        for known, span in self._associations(collection, [dataset_type]):
            if known.dataset == str(ref.id) and span is not None and span.overlaps(data_id.timespan):
                return known
        # It may be found in a RUN of the chain, where there is no validity range.
        return _association(ref, str(ref.run), None)

    def export(self, directory: str, collections: Sequence[str]) -> None:
        """Copy calibrations and what the registry knows of them into a new directory."""
        from lsst.daf.butler.script import exportCalibs

        try:
            exportCalibs(self.uri, directory, collections, (), "copy")
        except Exception as error:
            raise RepositoryError(f"The export to {directory} failed: {describe(error)}") from error

    def import_(self, directory: str) -> None:
        """Copy exported calibrations into this repository, all or nothing."""
        from lsst.daf.butler.script import butlerImport

        skip = ("instrument", "detector", "physical_filter")
        try:
            butlerImport(self.uri, directory, f"{directory}/export.yaml", "copy", skip)
        except Exception as error:
            raise RepositoryError(
                f"The import of {directory} into {self.uri} failed and nothing was imported: {describe(error)}"
            ) from error

    def checksums(self, associations: Sequence[Association]) -> dict[str, tuple[str, str]]:
        """Return where the file of each dataset is, and its SHA-256, by the identifier of the dataset."""
        found = {}
        for one in associations:
            uri = self._file(one)
            with uri.as_local() as local, open(local.ospath, "rb") as file:
                checksum = hashlib.file_digest(file, "sha256").hexdigest()
            found[one.dataset] = (str(uri.ospath if uri.isLocal else uri), checksum)
        return found

    def files(self, associations: Sequence[Association]) -> tuple[str, ...]:
        """Return the files of datasets on a disk of this machine.

        Raises
        ------
        RepositoryError
            If one is in an object store or behind a server, where files have no permissions.
        """
        files = [self._file(one) for one in associations]
        if away := [str(file) for file in files if not file.isLocal]:
            raise RepositoryError(
                f"{away[0]} is not on a disk of this machine: permissions can only be set on a disk. Nothing was set."
            )
        return tuple(str(file.ospath) for file in files)

    def _file(self, association: Association) -> ResourcePath:
        butler = self._open()
        ref = butler.get_dataset(UUID(association.dataset))
        if ref is None:
            raise RepositoryError(
                f"{self.uri} has lost dataset {association.dataset} ({association.dataset_type})"
            )
        return butler.getURI(ref)


def _association(ref: DatasetRef, collection: str, timespan: Timespan | None) -> Association:
    validity = ALWAYS if timespan is None else time_range(timespan)
    data_id = {str(name): str(ref.dataId[name]) for name in ref.dataId.dimensions.required}
    return Association(
        ref.datasetType.name, str(ref.id), str(ref.run), collection, data_id, validity.begin, validity.end
    )
