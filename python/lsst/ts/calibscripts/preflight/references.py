"""Calibrations that the jobs of a run read from collections: which exist, valid when the images are taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..decisions import Decision
from ..events.references import ReferenceFound
from ..ground.text import detectors_of, listed
from ..ground.time_range import TimeRange
from ..ocps.reading import Read
from ..ocps.requests import input_collections, input_property, named_collections
from ..plan import Action, Step, StepId
from ..repository import FOR_ALL, Repository, Source, lacking
from ..tables.bootstraps import RECORDS, everything_before
from ..tables.products import is_by_filter
from .instead import instead
from .spec import RunSpec
from .times import from_now, spans, when_words

__all__ = ["Reference", "References", "needed"]

_Times = tuple[TimeRange, ...]


@dataclass(frozen=True)
class Reference:
    """A calibration that a job looks for."""

    dataset_type: str  #: Its dataset type.
    physical_filter: str | None  #: The filter it is needed in; None where any will do.
    collections: tuple[str, ...]  #: Where it is looked for.
    #: Detectors.
    found: tuple[int, ...]
    missing: tuple[int, ...]
    #: Is there one for each detector, one for each physical filter?
    by_detector: bool = True
    by_filter: bool = False
    sources: tuple[Source, ...] = ()  #: The RUNs of what was found.

    def events(self, now: datetime, age_max: float | None) -> Iterator[ReferenceFound]:
        """Return an event for each RUN: what is used from it, its validity and its age.

        Parameters
        ----------
        now : `datetime`
            The time, UTC.
        age_max : `float` or `None`
            Days above which it is old; None for never.
        """
        for source in self.sources:
            many = {*self.found} - source.detectors and FOR_ALL not in source.detectors
            yield ReferenceFound(
                self.dataset_type,
                source.run,
                self.physical_filter,
                tuple(sorted(source.detectors)) if many else (),
                *source.validity.texts,
                None if source.written is None else f"{source.written:%Y-%m-%d}",
                source.age(now),
                age_max,
            )


class References:
    """The calibrations that the jobs of a run look for, each looked up once.

    Parameters
    ----------
    spec : `RunSpec`
        What is to be done.
    calib_exists : `bool`
        Is there a ``calib_collection`` already?
    """

    def __init__(self, repository: Repository, spec: RunSpec, calib_exists: bool) -> None:
        self._repository = repository
        self._spec = spec
        self._calib_exists = calib_exists
        self._taking = from_now(spec.plan.camera_seconds)
        # Several jobs need the same, and a collection of years takes seconds to look through.
        self._asked: dict[tuple[str, str | None, tuple[str, ...], _Times], Reference] = {}
        self._needed_by: dict[Reference, list[StepId]] = {}

    @property
    def asked(self) -> tuple[Reference, ...]:
        """What was looked for, each once, in this order."""
        return tuple(dict.fromkeys(self._asked.values()))

    @property
    def bootstraps_exist(self) -> bool:
        """Whether the collections have all bootstraps that the run would make, in a filter that is known. Blocks."""
        spec = self._spec
        for step in spec.bootstraps:
            if step.product.by_filter and spec.physical_filter is None:
                return False
            if self._repository.missing_collections(named_collections(spec.config, step.id)):
                return False
            collections = input_collections(spec.config, step.id, {}, self._calib_exists)
            read = Read(step.product.dataset_type, by_filter=step.product.by_filter)
            if self._look_up(read, collections, self._when(step)[0]).missing:
                return False
        return bool(spec.bootstraps)

    def problems(self) -> Iterator[str]:
        """Return what the jobs of the run would miss among their inputs, each once, with the jobs. Blocks."""
        spec = self._spec
        lost: dict[str, list[str]] = {}
        missing: dict[tuple[Reference, str], list[StepId]] = {}
        for step in spec.plan.steps:
            if step.id not in spec.pipelines.installed:
                continue
            if absent := self._repository.missing_collections(named_collections(spec.config, step.id)):
                lost.setdefault(", ".join(absent), []).append(input_property(step.id))
                continue
            when, seconds = self._when(step)
            collections = input_collections(spec.config, step.id, {}, self._calib_exists)
            for read in needed(spec, step):
                found = self._look_up(read, collections, when)
                self._needed_by.setdefault(found, []).append(step.id)
                if found.missing:
                    missing.setdefault((found, when_words(when, seconds)), []).append(step.id)
        for (reference, words), steps in missing.items():
            yield self._missing(reference, words, steps)
        for names, properties in lost.items():
            yield f"{listed([*dict.fromkeys(properties)])}: no collection {names} in {spec.config.repo}."

    def without_files(self) -> tuple[list[str], list[str]]:
        """Return which of the calibrations that were found have no file, which their jobs would find out. Blocks.

        Returns
        -------
        problems : `list` [`str`]
            One sentence for each type and RUN.
        warnings : `list` [`str`]
            Instead of these one sentence, where most have none: the jobs may see a datastore that is not seen here.
        """
        problems: list[str] = []
        n_lost, n_all = 0, 0
        for reference, steps in self._needed_by.items():
            for source in reference.sources:
                used = source.detectors & {*reference.found, FOR_ALL}
                lost = used & self._unstored(reference, source)
                n_lost, n_all = n_lost + len(lost), n_all + len(used)
                if lost:
                    which = f" for {detectors_of(lost)}" if reference.by_detector else ""
                    problems.append(
                        f"{_need(reference, steps)}, but its file{which} in {source.run} is missing or damaged, "
                        f"though the butler lists it: name another collection in {_properties(steps)}, or have "
                        "the file restored."
                    )
        if 2 * n_lost <= n_all:
            return problems, []
        return [], [
            "Most files of the calibrations that jobs will read cannot be seen from here, so whether they are there "
            f"is unknown. For example, {problems[0]}"
        ]

    def _unstored(self, reference: Reference, source: Source) -> frozenset[int]:
        data_id = {"instrument": self._spec.instrument}
        if reference.by_filter:
            if reference.physical_filter is None:
                # It is asked for again when the filter shows.
                return frozenset()
            data_id["physical_filter"] = reference.physical_filter
        return self._repository.unstored(source.run, reference.dataset_type, data_id)

    def marked_bad(self, bad: Mapping[tuple[str, str], Decision]) -> Iterator[str]:
        """Return which of the calibrations that were found somebody has marked as bad. Blocks.

        Parameters
        ----------
        bad : mapping [(`str`, `str`), `Decision`]
            Dataset type and RUN -> who has marked it, when and why.
        """
        kinds = {dataset_type for dataset_type, _ in bad}
        for dataset_type, physical_filter, collections, when in self._asked:
            if dataset_type not in kinds:
                continue
            for source in self._asked[dataset_type, physical_filter, collections, when].sources:
                if decision := bad.get((dataset_type, source.run)):
                    yield (
                        f"The {dataset_type} that jobs of this run will use, in {source.run}, was "
                        f"{decision.signed}. To use another one set the input collections (now "
                        f"{','.join(collections)})."
                    )

    def old(self, now: datetime) -> Iterator[str]:
        """Return which of the calibrations that were found are older than ``reference_age_max``.

        Parameters
        ----------
        now : `datetime`
            The time, UTC.
        """
        for reference in self.asked:
            for found in reference.events(now, self._spec.config.reference_age_max):
                if found.old:
                    yield (
                        f"The {found.dataset_type} that jobs of this run will use is old: {found.run}, "
                        f"{found.validity}, was written {found.age} days ago (reference_age_max is "
                        f"{found.age_max:g}). Make a new one, name other input collections (now "
                        f"{','.join(reference.collections)}), or set reference_age_max."
                    )

    def _missing(self, reference: Reference, words: str, steps: Sequence[StepId]) -> str:
        """Report what is missing: which jobs need it, where it was looked for, and what there is instead."""
        where = ",".join(reference.collections) or "no collection"
        which = f" for {detectors_of(reference.missing)}" if reference.by_detector else ""
        others = self._repository.others(
            reference.dataset_type,
            self._spec.instrument,
            reference.missing,
            reference.collections,
            self._taking,
        )
        return (
            f"{_need(reference, steps)}, but {where} has none{which} that is valid {words}: "
            f"name a collection that has one in {_properties(steps)}."
            + instead(others, reference.collections, reference.physical_filter, self._taking)
        )

    def _when(self, step: Step) -> tuple[_Times, float | None]:
        """Return when the images of a step are taken, and how long the camera takes for those it takes now."""
        plan = self._spec.plan
        sets = [images for images in plan.sets if images.image_type in step.images]
        exposures = [exposure for images in sets for exposure in images.taken]
        existing: _Times = ()
        if exposures:
            existing = spans(self._repository.exposures(self._spec.instrument, exposures))
        if all(images.taken for images in sets):
            return existing, None
        return (*existing, self._taking), plan.camera_seconds

    def _look_up(self, read: Read, collections: tuple[str, ...], when: _Times) -> Reference:
        physical_filter = self._spec.physical_filter if read.by_filter else None
        key = (read.dataset_type, physical_filter, collections, when)
        if key not in self._asked:
            detectors = self._spec.detectors
            sources = self._repository.sources(
                read.dataset_type, self._spec.instrument, collections, physical_filter, when
            )
            missing = lacking(sources, detectors, when)
            found = tuple(detector for detector in detectors if detector not in missing)
            used = {*found, FOR_ALL}
            self._asked[key] = Reference(
                read.dataset_type,
                physical_filter,
                collections,
                found,
                missing,
                read.by_detector,
                read.by_filter,
                tuple(source for source in sources if used & source.detectors),
            )
        return self._asked[key]


def _need(reference: Reference, steps: Sequence[StepId]) -> str:
    of_filter = f" in {reference.physical_filter}" if reference.physical_filter else ""
    jobs = f"{listed([str(step) for step in steps])} {'needs' if len(steps) == 1 else 'need'}"
    return f"{jobs} {_a(reference.dataset_type)}{of_filter}"


def _properties(steps: Sequence[StepId]) -> str:
    return listed([*dict.fromkeys(map(input_property, steps))])


def _a(dataset_type: str) -> str:
    return dataset_type if dataset_type.endswith("defects") else f"a {dataset_type}"


def needed(spec: RunSpec, step: Step) -> tuple[Read, ...]:
    """Return the calibrations that a job cannot do without and that its run does not make.

    Parameters
    ----------
    spec : `RunSpec`
        What is to be done, with pipelines.
    step : `Step`
        GENERATE or VERIFY of a product.
    """
    made = {name for product in step.reads for name in RECORDS[product].dataset_types}
    reading = spec.pipelines.installed[step.id].reading
    reads = [] if reading is None else [read for read in reading.reads if not read.optional]
    if reading is None or reading.unknown:
        names = [*everything_before(step.id.product)]
        if step.id.action is Action.VERIFY:
            names.append(step.id.product)
        known = {read.dataset_type for read in reads}
        types = [RECORDS[name].dataset_type for name in names]
        reads += [Read(name, by_filter=is_by_filter(name)) for name in types if name not in known]
    return tuple(read for read in reads if read.dataset_type not in made)
