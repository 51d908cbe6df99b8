"""OCPS jobs and the ingestion of images without pixels."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle

from ...config import Pairing, flat_pairs
from ...errors import RepositoryError
from ...repository import ExposureRecord
from ...summit.hardware.focalplane import Detector
from ...summit.hardware.focalplane import detectors as detectors_of
from ...summit.hardware.observation import Observation
from ...summit.ocps.csc import Job
from ...summit.ocps.pipetask import invocation
from ...tables.instruments import INSTRUMENTS
from ...tables.products import PRODUCTS, Content, holding, is_by_filter
from ...verification import WrittenGains
from .alteration import Alteration, Ingested, altered
from .butler import CollectionKind, Dataset, MemoryButler
from .masters import defects, master
from .recipes import FLATS, RECIPES, Recipe
from .statistics import AMPLIFIERS, Verification, statistics

__all__ = ["NOMINAL_GAIN", "Behaviour", "MemoryIngest", "MemoryRunner"]

_QUERY = re.compile(r"instrument='(\w+)' AND detector IN \(([\d.,]+)\) AND exposure IN \((\d+(?:,\d+)*)\)")

_FAILURE = 1
_HOLD_GAINS = frozenset(product.dataset_type for product in PRODUCTS.values() if product.measures_gains)
_COMBINED = frozenset(product.dataset_type for product in holding(Content.IMAGES))
_BOXES = frozenset(product.dataset_type for product in holding(Content.BOXES))
_CURVES = frozenset(product.dataset_type for product in holding(Content.CURVES))
NOMINAL_GAIN = 0.57
"""Nominal gain of every amplifier, electron/ADU."""

NOISE = 12.0
"""Read noise of every amplifier, electron."""


@dataclass(frozen=True)
class Behaviour:
    """How a job goes.

    Attributes
    ----------
    seconds : `float`
        How long it takes.
    exit_code : `int`
        If it is not 0, the job writes nothing.
    writes_not : `frozenset` [`int`]
        Detectors for which it writes no dataset, though it ends well.
    verification : `Verification`
        What its statistics say, if it verifies.
    gains : sequence of `float`
        What it finds for the amplifiers of each pair of flats, electron/ADU, again and again; empty for nothing.
    certified_first : `bool`
        Does its butler search the RUNs of other jobs last, as those of before October 2025?
    shift : `float`
        How far the combined images that it makes are from others, in units of the noise of both.
    """

    seconds: float = 0.0
    exit_code: int = 0
    writes_not: frozenset[int] = frozenset()
    verification: Verification = Verification.PASSES
    gains: Sequence[float] = (NOMINAL_GAIN,)
    certified_first: bool = False
    shift: float = 0.0


class MemoryIngest:
    """Puts images without pixels into a butler in memory; the value of each is its level in ADU.

    Parameters
    ----------
    butler : `MemoryButler`
        The butler.
    alterations : iterable of `Alteration`
        What the butler gets to know otherwise than it was.
    """

    def __init__(self, butler: MemoryButler, alterations: Iterable[Alteration] = ()) -> None:
        self._butler = butler
        self._alterations = tuple(alterations)
        self._taken: Counter[str] = Counter()

    async def __call__(self, observation: Observation, detectors: tuple[Detector, ...]) -> None:
        """Ingest the images of these detectors."""
        name, exposure = observation.instrument, observation.exposure_id
        image_type, seconds = observation.image_type, observation.exposure_time
        self._taken[image_type] += 1
        record = ExposureRecord(
            exposure, image_type, seconds, observation.physical_filter, group=observation.group_id
        )
        found = Ingested(record, observation.rate * seconds, detectors)
        found = altered(self._alterations, image_type, self._taken[image_type], found)
        self._butler.add_exposure(name, found.record)
        run = INSTRUMENTS[name].raw_collection
        for detector in found.detectors:
            self._butler.put("raw", run, name, detector=detector.id, exposure=exposure, value=found.level)


class MemoryRunner:
    """Does the work of OCPS jobs on a butler in memory, as pipetask would, without looking at a pixel.

    Parameters
    ----------
    butler : `MemoryButler`
        The butler.
    behave : callable
        Says how a job goes.
    """

    def __init__(
        self, butler: MemoryButler, behave: Callable[[Job], Behaviour] = lambda job: Behaviour()
    ) -> None:
        self._butler = butler
        self._behave = behave

    async def run(self, job: Job) -> int:
        """Run a job to its end; when it is cancelled it has written nothing.

        Returns
        -------
        exit_code : `int`
            0 for success; 1 for an unknown pipeline, a wrong data selection, no exposure, a missing collection
            or a missing calibration.
        """
        behaviour = self._behave(job)
        recipe = RECIPES.get(job.name)
        arguments = invocation(job, "").arguments
        inputs = arguments[arguments.index("-i") + 1].split(",")
        if behaviour.certified_first:
            inputs.sort(key=lambda name: name.startswith("u/ocps/"))
        await asyncio.sleep(behaviour.seconds)
        selection = _QUERY.fullmatch(job.data_query)
        if recipe is None or selection is None or behaviour.exit_code:
            return behaviour.exit_code or _FAILURE
        work = _Work(self._butler, job, recipe, tuple(inputs), behaviour)
        try:
            work.do(_ranges(selection[2]), [int(exposure) for exposure in selection[3].split(",")])
        except RepositoryError:
            return _FAILURE
        return 0


@dataclass(frozen=True)
class _Work:
    """What a job does once it has its turn."""

    butler: MemoryButler
    job: Job
    recipe: Recipe
    inputs: tuple[str, ...]
    behaviour: Behaviour

    @property
    def run(self) -> str:
        return f"u/ocps/{self.job.job_id}/run"

    def do(self, detectors: Sequence[int], exposures: Sequence[int]) -> None:
        """Read, then write.

        Raises
        ------
        RepositoryError
            If something is missing; then nothing is written.
        """
        raws = self._raws(detectors, exposures)
        if not raws:
            raise RepositoryError("the quantum graph is empty")
        read = {
            detector: (*images, *self._calibrations(detector, images)) for detector, images in raws.items()
        }
        self.butler.register(self.run, CollectionKind.RUN)
        chain = (self.run, *self.inputs)
        self.butler.register(self.run.removesuffix("/run"), CollectionKind.CHAINED, chain)
        written = {d: found for d, found in read.items() if d not in self.behaviour.writes_not}
        for detector, found in written.items():
            self._write_products(detector, found)
        if self.recipe.verifies:
            self._write_statistics(written)

    def _raws(self, detectors: Sequence[int], exposures: Sequence[int]) -> dict[int, list[Dataset]]:
        """Return the images of each detector that has some."""
        found: dict[int, list[Dataset]] = {detector: [] for detector in detectors}
        wanted = {*exposures}
        for dataset in self.butler.all("raw", self.job.instrument, self.inputs):
            if dataset.detector is not None and dataset.detector in found and dataset.exposure in wanted:
                found[dataset.detector].append(dataset)
        return {detector: images for detector, images in found.items() if images}

    def _calibrations(self, detector: int, raws: Sequence[Dataset]) -> Iterator[Dataset]:
        name = self.job.instrument
        moment = _noon(min(int(raw.exposure or 0) for raw in raws))
        for dataset_type in self.recipe.reads:
            filters = self._filters(raws) if is_by_filter(dataset_type) else [None]
            for physical_filter in filters:
                place = (dataset_type, name, detector, physical_filter)
                found = self.butler.find(place, self.inputs, moment)
                if found is None:
                    raise RepositoryError(f"there is no {dataset_type} of detector {detector}")
                yield found

    def _filters(self, raws: Sequence[Dataset]) -> list[str]:
        """Return the physical filters of the flats among these images; their type may be unknown."""
        found = (self.butler.exposure(raw.instrument, int(raw.exposure or 0)) for raw in raws)
        records = [record for record in found if record is not None]
        flat = "FLAT" if any(record.image_type == "FLAT" for record in records) else "UNKNOWN"
        return sorted({record.physical_filter for record in records if record.image_type == flat})

    def _write_products(self, detector: int, found: tuple[Dataset, ...]) -> None:
        raws = [dataset for dataset in found if dataset.dataset_type == "raw"]
        for dataset_type in self.recipe.writes:
            filters: Sequence[str | None] = self._filters(raws) if is_by_filter(dataset_type) else [None]
            for name in filters:
                holds = dataset_type in _HOLD_GAINS and self.behaviour.gains
                pairs = [()] if dataset_type in _CURVES else self._pairs(raws)
                value: object = tuple(self._gains(detector, pair) for pair in pairs) if holds else None
                if dataset_type in _COMBINED and self.behaviour.shift:
                    value = master(dataset_type, self.behaviour.shift)
                if dataset_type in _BOXES and self.behaviour.shift:
                    value = defects(round(self.behaviour.shift))
                if dataset_type == FLATS:
                    value = dict.fromkeys(AMPLIFIERS, NOMINAL_GAIN)
                self._put(dataset_type, detector=detector, physical_filter=name, value=value, inputs=found)

    def _pairs(self, raws: Sequence[Dataset]) -> list[tuple[int, ...]]:
        """Pair exposures as cp_pipe does: by time, unless it is asked to pair each two consecutive ones."""
        ids = sorted(int(raw.exposure or 0) for raw in raws)
        if f"matchExposuresType={Pairing.EXPID}" in self.job.config:
            return list(zip(ids[::2], ids[1::2], strict=False))
        records = [self.butler.exposure(self.job.instrument, exposure) for exposure in ids]
        times = [0.0 if record is None else record.exposure_time for record in records]
        return [(ids[first], ids[second]) for first, second in flat_pairs(times, Pairing.TIME).pairs]

    def _gains(self, detector: int, pair: tuple[int, ...]) -> WrittenGains:
        gains = dict(zip(AMPLIFIERS, cycle(self.behaviour.gains), strict=False))
        return WrittenGains(detector, pair, gains, dict.fromkeys(AMPLIFIERS, NOISE))

    def _write_statistics(self, read: Mapping[int, tuple[Dataset, ...]]) -> None:
        inputs = tuple(dict.fromkeys(dataset for found in read.values() for dataset in found))
        names = {d.full_name: d.id for d in detectors_of(self.job.instrument) if d.id in read}
        raws = [dataset for dataset in inputs if dataset.dataset_type == "raw"]
        exposures = sorted({dataset.exposure for dataset in raws if dataset.exposure is not None})
        stem = f"verify{self.recipe.verifies}"
        if self.recipe.by_detector:
            return self._write_by_detector(stem, names, inputs)
        levels = statistics(self.behaviour.verification, exposures, list(names))
        if levels.run is not None:
            physical_filter = next(iter(self._filters(raws)), None)
            self._put(f"{stem}Stats", physical_filter=physical_filter, value=levels.run, inputs=inputs)
        for exposure, value in levels.exposures.items():
            self._put(f"{stem}ExpStats", exposure=exposure, value=value)
        for (exposure, name), value in levels.detectors.items():
            self._put(f"{stem}DetStats", exposure=exposure, detector=names[name], value=value)

    def _write_by_detector(self, stem: str, names: Mapping[str, int], inputs: tuple[Dataset, ...]) -> None:
        levels = statistics(self.behaviour.verification, [0], list(names))
        details = {name: value for (_, name), value in levels.detectors.items()}
        if levels.run is None:
            return
        run = {name: {"SUCCESS": value["SUCCESS"], "FAILURES": []} for name, value in details.items()}
        self._put(f"{stem}Stats", value={**run, "SUCCESS": levels.run["SUCCESS"]}, inputs=inputs)
        for name, value in details.items():
            self._put(f"{stem}DetStats", detector=names[name], value=value)

    def _put(self, dataset_type: str, **fields: object) -> None:
        self.butler.put(dataset_type, self.run, self.job.instrument, **fields)


def _ranges(text: str) -> list[int]:
    """Read ``0..2,5``."""
    bounds = [[int(bound) for bound in part.split("..")] for part in text.split(",")]
    return [number for first, *last in bounds for number in range(first, [first, *last][-1] + 1)]


def _noon(exposure: int) -> datetime:
    """Return the noon at which the observing day of an exposure begins, TAI, when its own time does not matter."""
    return datetime.strptime(f"{exposure // 100_000}12", "%Y%m%d%H")
