"""A butler repository as a report needs it: what jobs wrote, read back by RUN, and what is certified. Blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import RepositoryError
from ..ground.time_range import TimeRange
from ..plan import Action, StepId
from ..tables.products import PRODUCTS, Product
from .butler import ButlerRepository
from .certified.ranges import Certified, Sought, latest
from .connection import calibration_collections, exposure_and_detector, registered

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

__all__ = ["Archive"]

_NEWEST = 2000
"""How many certified datasets of a type are looked at for their RUNs: more than there are in one certification."""


class Archive(ButlerRepository):
    """A butler repository that a report reads.

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

    def names(self, instrument: str) -> dict[int, str]:
        """Return the full names of the detectors of an instrument."""
        return {detector.id: detector.name for detector in self.detectors(instrument)}

    def refs(self, run: str, dataset_type: str) -> list[DatasetRef]:
        """Return the datasets of a type in a RUN; none where the type is not registered."""
        return self._refs(run, dataset_type)

    def get(self, ref: DatasetRef) -> Any:
        """Read a dataset."""
        return self._open().get(ref)

    def details(self, run: str, dataset_type: str) -> dict[tuple[int, int], Any]:
        """Read all statistics of the detectors of a verification, by exposure and detector."""
        return {exposure_and_detector(ref): self._read_yaml(ref) for ref in self.refs(run, dataset_type)}

    def runs_of(self, collections: Iterable[str]) -> tuple[str, ...]:
        """Return the RUNs that collections stand for.

        A chain of a job, or of a production, stands for its own RUNs, never for its inputs; any other chain for all
        that is in it; a CALIBRATION collection for the RUNs of what is certified in it, the newest first, and those
        of the newest only where it holds years of them.

        Raises
        ------
        RepositoryError
            If there is no such collection.
        """
        from lsst.daf.butler import CollectionType

        runs: list[str] = []
        for name in collections:
            info = self._info(name)
            if info.type is CollectionType.CHAINED:
                own = [child for child in info.children if child.startswith(f"{name}/")]
                made = [child for child in own if self._info(child).type is CollectionType.RUN]
                runs += made if made or _has_raws(info.children) else self.runs_of(info.children)
            elif info.type is CollectionType.CALIBRATION:
                runs += (found.run for found in self._newest(name))
            else:
                runs.append(name)
        return tuple(dict.fromkeys(runs))

    def certified(
        self, instrument: str, runs: Mapping[StepId, str], collections: Iterable[str]
    ) -> dict[str, tuple[str, TimeRange]]:
        """Return where the very datasets are certified that some RUNs hold.

        Parameters
        ----------
        instrument : `str`
            Butler instrument name.
        runs : mapping [`StepId`, `str`]
            Step -> RUN.
        collections : iterable of `str`
            Where to look, beyond the collections that the names of the RUNs begin with and the instrument's chain of
            calibrations.

        Returns
        -------
        `dict` [`str`, (`str`, `TimeRange`)]
            Product -> collection and validity range; the last one counts.
        """
        places = [
            *collections,
            f"{instrument}/calib",
            *(name for run in runs.values() for name in _above(run)),
        ]
        here = calibration_collections(self._open(), places)
        found: dict[str, tuple[str, TimeRange]] = {}
        for step, run in runs.items():
            product = PRODUCTS[step.product]
            refs = self.refs(run, product.dataset_type) if step.action is Action.GENERATE else []
            if refs and here and product.certified:
                sought = Sought(product.dataset_type, here, {}, datasets=[ref.id for ref in refs])
                if last := latest(self._open(), sought, 1):
                    found[product.name] = (last[0].collection, last[0].validity)
        return found

    def _info(self, name: str) -> Any:
        from lsst.daf.butler import MissingCollectionError

        try:
            return self._open().collections.get_info(name)
        except MissingCollectionError as error:
            raise RepositoryError(f"{self.uri} has no collection {name}") from error

    def _newest(self, collection: str) -> Iterator[Certified]:
        """Return what is certified, product after product, the newest first; of years only the last."""
        butler = self._open()
        for product in PRODUCTS.values():
            if product.certified and registered(butler, product.dataset_type):
                yield from latest(butler, Sought(product.dataset_type, (collection,), {}), _NEWEST)

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
                    of_the_whole = StepId(step.action, product.part_of) in steps
                    if refs and not of_the_whole:
                        steps.setdefault(step, run)
                        instrument = instrument or str(refs[0].dataId["instrument"])
        return instrument, steps


def _has_raws(collections: Iterable[str]) -> bool:
    """Return whether these are the inputs of a job: it reads the raw images, too."""
    return any(name.endswith("/raw/all") for name in collections)


def _above(run: str) -> Iterator[str]:
    """Return the collections that the name of a RUN begins with, e.g. those of its production."""
    parts = run.split("/")
    return ("/".join(parts[:n]) for n in range(2, len(parts)))


def _written_by(product: Product) -> Iterator[tuple[StepId, tuple[str, ...]]]:
    yield StepId(Action.GENERATE, product.name), product.dataset_types
    if product.verify is not None:
        yield StepId(Action.VERIFY, product.name), product.statistics[:1]
