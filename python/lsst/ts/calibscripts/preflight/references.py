"""Calibrations that the jobs of a run read from collections: which exist, valid when the images are taken."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from ..ground.text import detectors_of
from ..ocps.pipelines import missing_inputs
from ..ocps.requests import input_collections, input_property, named_collections
from ..plan import Action, Plan, Step, StepId
from ..repository import ExposureRecord, Repository
from ..tables.products import PRODUCTS, is_by_filter, made_from_closure
from .spec import RunSpec

__all__ = ["BOOTSTRAP", "Reference", "References", "from_now", "spans", "when_words"]

BOOTSTRAP = ("biasBootstrap", "darkBootstrap", "flatBootstrap")
"""What today's cpDefects of the Science Pipelines reads, and no pipeline of a run makes."""

_Times = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Reference:
    """A calibration that a job looks for.

    Attributes
    ----------
    dataset_type : `str`
        Its dataset type.
    physical_filter : `str` or `None`
        The filter it is needed in; None where any will do.
    collections : `tuple` [`str`]
        Where it is looked for.
    found, missing : `tuple` [`int`]
        Detectors.
    """

    dataset_type: str
    physical_filter: str | None
    collections: tuple[str, ...]
    found: tuple[int, ...]
    missing: tuple[int, ...]


class References:
    """The calibrations that the jobs of a run look for, each looked up once.

    Parameters
    ----------
    repository : `Repository`
        The repository.
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

    @property
    def asked(self) -> tuple[Reference, ...]:
        """What was looked for, each once, in this order."""
        return tuple(dict.fromkeys(self._asked.values()))

    def problems(self) -> Iterator[str]:
        """Return what the jobs of the run would miss among their inputs. Blocks."""
        for step in self._spec.plan.steps:
            if step.id in self._spec.pipelines.installed:
                yield from self._of_step(step)

    def _of_step(self, step: Step) -> Iterator[str]:
        """Return what a job would miss."""
        spec = self._spec
        lost = self._repository.missing_collections(named_collections(spec.config, step.id))
        if lost:
            yield f"{input_property(step.id)}: no collection {', '.join(lost)} in {spec.config.repo}."
            return
        collections = input_collections(spec.config, step.id, {}, self._calib_exists)
        when, seconds = self._when(step)
        wanted = missing_inputs(spec.pipelines.installed[step.id], BOOTSTRAP) or [
            PRODUCTS[name].dataset_type for name in _read_from_collections(spec.plan, step)
        ]
        for dataset_type in wanted:
            physical_filter = spec.physical_filter if is_by_filter(dataset_type) else None
            found = self._look_up(dataset_type, physical_filter, collections, when)
            if found.missing:
                of_filter = f" in {physical_filter}" if physical_filter else ""
                yield (
                    f"{step.id} needs a {dataset_type}{of_filter}, but {','.join(collections) or 'no collection'} "
                    f"has none for {detectors_of(found.missing)} that is valid {when_words(when, seconds)}: "
                    f"name a collection that has one in {input_property(step.id)}."
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

    def _look_up(
        self, dataset_type: str, physical_filter: str | None, collections: tuple[str, ...], when: _Times
    ) -> Reference:
        key = (dataset_type, physical_filter, collections, when)
        if key not in self._asked:
            detectors = self._spec.detectors
            missing = tuple(
                self._repository.lacking(
                    dataset_type, self._spec.instrument, detectors, collections, physical_filter, when
                )
            )
            found = tuple(detector for detector in detectors if detector not in missing)
            self._asked[key] = Reference(dataset_type, physical_filter, collections, found, missing)
        return self._asked[key]


def _read_from_collections(plan: Plan, step: Step) -> list[str]:
    """Return the products a job reads that this run does not make itself."""
    names = [*made_from_closure(step.id.product)]
    if step.id.action is Action.VERIFY:
        names.append(step.id.product)
    return [name for name in names if plan.step(StepId(Action.GENERATE, name)) is None]


def spans(records: Iterable[ExposureRecord]) -> tuple[tuple[str, str], ...]:
    """Return when exposures were taken; of one whose time is unknown, the noon its observing day begins with.

    Parameters
    ----------
    records : iterable of `ExposureRecord`
        What the butler knows of them.

    Returns
    -------
    `tuple` [(`str`, `str`)]
        Begin and end of each, ISO-8601, TAI, half open.
    """
    return tuple(record.taken or _noon(record.id) for record in records)


def _noon(exposure: int) -> tuple[str, str]:
    day = date(exposure // 10**9, exposure // 10**7 % 100, exposure // 10**5 % 100)
    return f"{day}T12:00:00", f"{day}T12:00:01"


def from_now(seconds: float) -> tuple[str, str]:
    """Return the time from now until the images are taken as planned, ISO-8601, TAI.

    Parameters
    ----------
    seconds : `float`
        How long the camera takes for them.
    """
    from astropy.time import Time, TimeDelta

    now = Time(datetime.now(UTC)).tai
    return str(now.isot), str((now + TimeDelta(max(seconds, 1.0), format="sec")).isot)


def when_words(when: Sequence[tuple[str, str]], seconds: float | None) -> str:
    """Report when a calibration must be valid.

    Parameters
    ----------
    when : sequence of (`str`, `str`)
        All times.
    seconds : `float` or `None`
        How long the camera takes for the images of this run; None where it takes none.
    """
    if seconds is None:
        return "for these exposures"
    also = " and for these exposures" if len(when) > 1 else ""
    return f"from now until the images are taken ({math.ceil(seconds / 60)} min){also}"
