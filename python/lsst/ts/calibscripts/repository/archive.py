"""A butler repository as a report needs it: what jobs wrote, read back by RUN, and what is certified. Blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import yaml

from ..errors import RepositoryError
from ..plan import Action, StepId
from ..products import PRODUCTS, Product
from .butler import ButlerRepository

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef, Timespan

__all__ = ["Archive"]


class Archive(ButlerRepository):
    """A butler repository that a report is made from; a context manager.

    Parameters
    ----------
    repo : `str`
        Any butler URI.

    Raises
    ------
    RepositoryError
        If it cannot be opened.
    """

    def __init__(self, repo: str) -> None:
        super().__init__(repo)
        self.check(writing=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def names(self, instrument: str) -> dict[int, str]:
        """Give the full names of the detectors of an instrument."""
        return {detector.id: detector.name for detector in self.detectors(instrument)}

    def refs(self, run: str, dataset_type: str) -> list[DatasetRef]:
        """Give the datasets of a type in a RUN; none where the type is not registered."""
        butler = self._open()
        if not any(True for _ in butler.registry.queryDatasetTypes(dataset_type)):
            return []
        return butler.query_datasets(dataset_type, run, explain=False, limit=None)

    def get(self, ref: DatasetRef) -> Any:
        """Read a dataset."""
        return self._open().get(ref)

    def statistics_of(self, run: str, dataset_type: str) -> Iterator[tuple[Mapping[str, Any], Any]]:
        """Read the datasets of a type of cp_verify's statistics, with their data ids.

        The butler reads YAML without the C parser, which takes ten times as long: minutes for a large camera.
        """
        butler = self._open()
        for ref in self.refs(run, dataset_type):
            uri = butler.getURI(ref)
            plain = uri.getExtension() == ".yaml"
            yield (
                ref.dataId.mapping,
                yaml.load(uri.read(), Loader=yaml.CSafeLoader) if plain else butler.get(ref),
            )

    def runs_of(self, collections: Iterable[str]) -> tuple[str, ...]:
        """Give the RUNs that collections stand for.

        A chain of a job stands for its own RUN, not for the job's inputs; a CALIBRATION collection for the
        RUNs of what is certified in it.

        Raises
        ------
        RepositoryError
            If there is no such collection.
        """
        from lsst.daf.butler import CollectionType, MissingCollectionError

        butler = self._open()
        runs: list[str] = []
        for name in collections:
            try:
                info = butler.collections.get_info(name)
            except MissingCollectionError as error:
                raise RepositoryError(f"{self.uri} has no collection {name}") from error
            if info.type is CollectionType.CHAINED:
                job_run = f"{name}/run"
                runs += [job_run] if job_run in info.children else self.runs_of(info.children)
            elif info.type is CollectionType.CALIBRATION:
                runs += (found.ref.run for _, found in self._associations(name))
            else:
                runs.append(name)
        return tuple(dict.fromkeys(runs))

    def certified(self, collections: Iterable[str]) -> dict[str, tuple[str, str | None, str | None]]:
        """Give collection, begin and end (TAI, None is open) of what is certified, by product; the last counts."""
        return {
            name: (collection, *_dates(found.timespan))
            for collection in collections
            for name, found in self._associations(collection)
        }

    def _associations(self, collection: str) -> Iterator[tuple[str, Any]]:
        registry = self._open().registry
        for product in PRODUCTS.values():
            if product.certified and any(True for _ in registry.queryDatasetTypes(product.dataset_type)):
                for found in registry.queryDatasetAssociations(product.dataset_type, collections=collection):
                    if found.timespan is not None:
                        yield product.name, found

    def steps_of(self, runs: Iterable[str]) -> tuple[str, dict[StepId, str]]:
        """Find out which steps wrote some RUNs, the first RUN of a step counts.

        Returns
        -------
        instrument : `str`
            Butler instrument name; empty where nothing is known.
        steps : `dict` [`StepId`, `str`]
            Step -> RUN.
        """
        instrument = ""
        steps: dict[StepId, str] = {}
        for run in runs:
            for product in PRODUCTS.values():
                for step, dataset_types in _written_by(product):
                    refs = [ref for kind in dataset_types for ref in self.refs(run, kind)[:1]]
                    taken = step.product == "GAIN" and StepId(Action.GENERATE, "PTC") in steps
                    if refs and not taken:
                        steps.setdefault(step, run)
                        instrument = instrument or str(refs[0].dataId["instrument"])
        return instrument, steps


def _dates(timespan: Timespan) -> tuple[str | None, str | None]:
    """Give begin and end of a validity range, ISO-8601, TAI; None is open."""
    begin, end = (
        # A bound that is open is no time.
        None if (tai := getattr(time, "tai", None)) is None else str(tai.isot).partition(".")[0]
        for time in (timespan.begin, timespan.end)
    )
    return begin, end


def _written_by(product: Product) -> Iterator[tuple[StepId, tuple[str, ...]]]:
    yield StepId(Action.GENERATE, product.name), product.dataset_types
    if product.verify is not None:
        yield StepId(Action.VERIFY, product.name), product.statistics[:1]
