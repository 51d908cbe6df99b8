"""A connection to a butler repository, and what every question to it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import RepositoryError, describe
from .patience import locked, patient

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, CollectionType, DatasetRef

__all__ = [
    "ButlerConnection",
    "calibration_collections",
    "collection_type",
    "exposure_and_detector",
    "exposure_of",
    "registered",
]


class ButlerConnection:
    """A connection to a butler repository, opened when it is first needed.

    Parameters
    ----------
    uri : `str`
        Any butler URI, or the path of a butler configuration.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._butler: Butler | None = None
        self._writeable = False

    def check(self, *, writing: bool) -> None:
        """Open the repository, and try a write that changes nothing."""
        self._writeable = writing
        butler = self._open()
        if writing:
            records = butler.query_dimension_records("instrument", explain=False)
            try:
                with butler.transaction():
                    butler.registry.insertDimensionData("instrument", *records, skip_existing=True)
            except Exception as error:
                raise RepositoryError(
                    f"Butler repository {self.uri} cannot be written to: {describe(error)}. "
                    "Check its permissions and that no other process locks it."
                ) from error

    def _open(self) -> Butler:
        from lsst.daf.butler import Butler

        if self._butler is None:
            try:
                self._butler = Butler.from_config(self.uri, writeable=self._writeable)
            except Exception as error:
                hint = "Check the property repo and that this machine sees it."
                if locked(error):
                    hint = "Another process holds it locked: try again when that has ended."
                raise RepositoryError(
                    f"Butler repository {self.uri} cannot be read: {describe(error)}. {hint}"
                ) from error
        # Jobs in other processes register dataset types and collections.
        self._butler.registry.refresh()
        return self._butler

    def close(self) -> None:
        """Close the connections."""
        if self._butler is not None:
            self._butler.close()
            self._butler = None

    @patient
    def missing_collections(self, collections: Iterable[str]) -> tuple[str, ...]:
        """See `Repository`."""
        butler = self._open()
        return tuple(name for name in dict.fromkeys(collections) if collection_type(butler, name) is None)

    def _raws(self, instrument: str, where: str, bind: Mapping[str, Any]) -> list[DatasetRef]:
        return self._open().query_datasets(
            "raw",
            f"{instrument}/raw/all",
            instrument=instrument,
            where=where,
            bind=bind,
            explain=False,
            limit=None,
        )

    def _read_yaml(self, ref: DatasetRef) -> Any:
        """Read a dataset of cp_verify's statistics.

        The butler reads YAML without the C parser, which takes ten times as long: minutes for a large camera.
        """
        import yaml

        butler = self._open()
        uri = butler.getURI(ref)
        plain = uri.getExtension() == ".yaml"
        return yaml.load(uri.read(), Loader=yaml.CSafeLoader) if plain else butler.get(ref)

    def _refs(self, run: str, dataset_type: str, **data_id: Any) -> list[DatasetRef]:
        butler = self._open()
        if not registered(butler, dataset_type) or self.missing_collections([run]):
            return []
        return butler.query_datasets(dataset_type, run, explain=False, limit=None, data_id=data_id)


def collection_type(butler: Butler, name: str) -> CollectionType | None:
    """Return the type of a collection, None where it does not exist.

    It is asked for by its name: a pattern makes the butler read all collections, of which every OCPS job leaves two.
    """
    from lsst.daf.butler import MissingCollectionError

    try:
        return butler.collections.get_info(name).type
    except MissingCollectionError:
        return None


def calibration_collections(butler: Butler, names: Iterable[str]) -> list[str]:
    """Return the CALIBRATION collections among some and in the chains among them; others need not exist.

    Parameters
    ----------
    names : iterable of `str`
        Collections, in the order in which they are searched.
    """
    from lsst.daf.butler import CollectionType

    present = [name for name in dict.fromkeys(names) if collection_type(butler, name) is not None]
    if not present:
        return []
    infos = butler.collections.query_info(present, CollectionType.CALIBRATION, flatten_chains=True)
    return [info.name for info in infos]


def registered(butler: Butler, dataset_type: str) -> bool:
    """Return whether a repository knows a dataset type."""
    return any(True for _ in butler.registry.queryDatasetTypes(dataset_type))


def exposure_and_detector(ref: DatasetRef) -> tuple[int, int]:
    """Return which exposure and detector a dataset is of; 0 for the exposure of one that is of a detector alone."""
    return exposure_of(ref), int(ref.dataId["detector"])


def exposure_of(ref: DatasetRef) -> int:
    """Return which exposure a dataset is of, or the visit, which has its number; 0 where it has neither."""
    return int(next((ref.dataId[name] for name in ("exposure", "visit") if name in ref.dataId), 0))
