"""A butler repository that calibrations are brought to: chains, what is certified behind them, and files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ..errors import RepositoryError, describe
from ..ground.time_range import TimeRange
from .butler import ButlerRepository
from .certified.ranges import Certified, Sought, certified, latest, nearest
from .connection import calibration_collections
from .production_records import Association, Exposed
from .validity import time_range, timespan_of

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef
    from lsst.resources import ResourcePath

__all__ = ["DeployedRepository"]

_NEAREST = 3
"""How many calibrations are named before an exposure, and how many after it."""

_OTHERS = 200
"""How many are looked at for which detectors and filters there are."""


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

    def associations(self, collection: str) -> tuple[Association, ...]:
        """Return all that CALIBRATION collections hold behind a name, in the order they are searched.

        The longer they have been in use, the longer that takes: it is for the collections of a production, and for
        comparing whole repositories.
        """
        butler, wanted = self._open(), self.calibration_types()
        return tuple(
            _association(one, dataset_type)
            for name in calibration_collections(butler, [collection])
            for dataset_type in wanted
            for one in certified(butler, Sought(dataset_type, (name,), {}))
        )

    def calibration_types(self) -> dict[str, tuple[str, ...]]:
        """Return the dataset types that can be certified, with their dimensions."""
        types = self._open().registry.queryDatasetTypes()
        return {
            found.name: tuple(sorted(found.dimensions.required))
            for found in sorted(types, key=lambda one: one.name)
            if found.isCalibration()
        }

    def found(self, dataset_type: str, exposed: Exposed) -> dict[int, tuple[Association, ...]]:
        """Return the calibrations that an exposure gets through a collection, as a pipeline looks for them.

        Parameters
        ----------
        dataset_type : `str`
            A registered dataset type.
        exposed : `Exposed`
            The exposure, and where its calibrations are looked for.

        Returns
        -------
        `dict` [`int`, `tuple` [`Association`, ...]]
            Detector -> what the first collection holds that holds any; where that is more than one, a pipeline fails.
        """
        butler, (data_id, when) = self._open(), self._when(dataset_type, exposed)
        searched = self.flattened(exposed.collection)
        here = calibration_collections(butler, [exposed.collection])
        detectors = exposed.detectors if _by_detector(butler, dataset_type) else ()
        rows = [
            _association(one, dataset_type)
            for one in certified(butler, Sought(dataset_type, here, data_id, detectors, during=when))
        ]
        # In a RUN of the chain there is no validity range.
        runs = [name for name in searched if name not in here]
        rows += [
            _of_run(ref)
            for ref in (
                butler.query_datasets(dataset_type, runs, data_id=data_id, explain=False) if runs else ()
            )
        ]
        place = {name: n for n, name in enumerate(searched)}
        found: dict[int, tuple[Association, ...]] = {}
        for detector in exposed.detectors:
            mine = [one for one in rows if one.data_id.get("detector", str(detector)) == str(detector)]
            first = min((place[one.collection] for one in mine), default=None)
            if first is not None:
                found[detector] = tuple(one for one in mine if place[one.collection] == first)
        return found

    def instead(self, dataset_type: str, exposed: Exposed) -> tuple[Association, ...]:
        """Return what there is where an exposure gets nothing: those nearest in time, else those of other data.

        Parameters
        ----------
        dataset_type : `str`
            A registered dataset type.
        exposed : `Exposed`
            The exposure with one detector, and where its calibrations are looked for.
        """
        butler, (data_id, when) = self._open(), self._when(dataset_type, exposed)
        here = calibration_collections(butler, [exposed.collection])
        detectors = exposed.detectors if _by_detector(butler, dataset_type) else ()
        exact = Sought(dataset_type, here, data_id, detectors)
        if found := nearest(butler, exact, timespan_of(when), _NEAREST):
            return tuple(_association(one, dataset_type) for one in found)
        of_instrument = {"instrument": exposed.instrument}
        for looser in (
            Sought(dataset_type, here, of_instrument, detectors),
            Sought(dataset_type, here, of_instrument),
            Sought(dataset_type, here, {}),
        ):
            if others := latest(butler, looser, _OTHERS):
                return tuple(_association(one, dataset_type) for one in others)
        return ()

    def _when(self, dataset_type: str, exposed: Exposed) -> tuple[dict[str, Any], TimeRange]:
        """Return what identifies the calibrations of an exposure but for the detector, and when it was taken."""
        butler = self._open()
        data_id = butler.registry.expandDataId(instrument=exposed.instrument, exposure=exposed.exposure)
        required = butler.get_dataset_type(dataset_type).dimensions.required
        values = {name: data_id[name] for name in required if name in data_id}
        if data_id.timespan is None:
            raise RepositoryError(
                f"When {exposed.instrument} exposure {exposed.exposure} was taken is unknown in {self.uri}"
            )
        return values, time_range(data_id.timespan)

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


def _by_detector(butler: Butler, dataset_type: str) -> bool:
    return "detector" in butler.get_dataset_type(dataset_type).dimensions


def _association(one: Certified, dataset_type: str) -> Association:
    data_id = {str(name): str(value) for name, value in one.data_id.items()}
    validity = one.validity
    return Association(
        dataset_type, str(one.dataset), one.run, one.collection, data_id, validity.begin, validity.end
    )


def _of_run(ref: DatasetRef) -> Association:
    data_id = {str(name): str(ref.dataId[name]) for name in ref.dataId.dimensions.required}
    return Association(ref.datasetType.name, str(ref.id), ref.run, ref.run, data_id, None, None)
