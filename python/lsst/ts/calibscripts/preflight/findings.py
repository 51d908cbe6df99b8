"""Everything that can be seen before the first exposure is looked at here, and told at once."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..config import PTC_TIMES, CalibrationsConfig, last_night
from ..errors import RepositoryError, describe
from ..ground.text import detectors_of, exposure_range, exposures_of
from ..ocps.pipelines import missing_inputs
from ..ocps.requests import StepPipelines, different_times, input_collections, named_collections, pairs_of
from ..plan import Action, ExposureSet, Plan, Step, StepId
from ..repository import Certification, Detector, Repository
from ..sal import RemoteGroup, State
from ..tables.instruments import asked_filter
from ..tables.products import PRODUCTS, ImageType, made_from_closure
from .conflicts import conflict_problems
from .examining import Asked, Examined, examine
from .references import from_now, spans, when_words
from .window import Window

__all__ = [
    "BOOTSTRAP",
    "RepositoryFindings",
    "certification",
    "component_problems",
    "existing_set",
    "repository_findings",
]

BOOTSTRAP = ("biasBootstrap", "darkBootstrap", "flatBootstrap")
"""What today's cpDefects of the Science Pipelines reads, and no pipeline of a run makes."""


@dataclass(frozen=True)
class RepositoryFindings:
    """What the repository has to say before the first exposure.

    Attributes
    ----------
    problems : `tuple` [`str`]
        One sentence each; the run must not begin if there is one.
    detectors : `tuple` [`Detector`]
        All detectors of the instrument.
    calib_exists : `bool`
        Is there a ``calib_collection`` already?
    examined : mapping [`ImageType`, `Examined`]
        What goes on of the sets that exist already.
    without_pairs : `bool`
        Are there flats among them, but no pair of equal exposure time?
    """

    problems: tuple[str, ...]
    detectors: tuple[Detector, ...] = ()
    calib_exists: bool = False
    examined: Mapping[ImageType, Examined] = field(default_factory=dict)
    without_pairs: bool = False


async def component_problems(group: RemoteGroup) -> list[str]:
    """Give a sentence for every component of a group that is not ENABLED.

    Parameters
    ----------
    group : `RemoteGroup`
        Camera or OCPS; components whose check is switched off are left out.
    """
    attributes = {name: name.lower().replace(":", "_") for name in group.components}
    names = [name for name, attribute in attributes.items() if getattr(group.check, attribute)]
    async with asyncio.TaskGroup() as tasks:
        states = [tasks.create_task(_state(group, attributes[name])) for name in names]
    return [
        f"{name} is {state.result()}, not ENABLED: enable it, then queue the script or its BLOCK again."
        for name, state in zip(names, states, strict=True)
        if state.result() != State.ENABLED.name
    ]


async def _state(group: RemoteGroup, name: str) -> str:
    try:
        return str(State(await group.get_state(name)).name)
    except TimeoutError:
        return "silent (no summaryState was received)"
    except Exception as error:
        # Whatever it is, the component is not known to be enabled, and the others are to be told, too.
        return f"in an unknown state ({describe(error)})"


def certification(
    config: CalibrationsConfig,
    product: str,
    instrument: str,
    detectors: Sequence[int],
    physical_filter: str | None = None,
) -> Certification:
    """Say what certifying a product means under a configuration."""
    record = PRODUCTS[product]
    return Certification(
        product=product,
        instrument=instrument,
        dataset_type=record.dataset_type,
        collection=config.calib_collection,
        begin=_text(config.certify_calib_begin_date),
        end=_text(config.certify_calib_end_date),
        detectors=tuple(detectors),
        physical_filter=physical_filter if record.by_filter else None,
    )


def _text(date: Any) -> str | None:
    return None if date is None else str(date)


def repository_findings(
    repository: Repository,
    config: CalibrationsConfig,
    plan: Plan,
    pipelines: StepPipelines,
    instrument: str,
    detectors: Sequence[int],
    physical_filter: str | None,
) -> RepositoryFindings:
    """Look at the repository before the first exposure. Blocks.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    config, plan, pipelines
        What is to be done.
    instrument : `str`
        Butler instrument name.
    detectors : sequence of `int`
        Detectors asked for.
    physical_filter : `str` or `None`
        Filter of the flats, None where it is not known before they are taken.

    Returns
    -------
    `RepositoryFindings`
        All that is wrong.
    """
    certifying = [step for step in plan.steps if step.id.action is Action.CERTIFY]
    try:
        repository.check(writing=bool(certifying))
        known = tuple(repository.detectors(instrument))
        problems = list(_detector_problems(instrument, detectors, {d.id for d in known}, config.repo))
        examined: dict[ImageType, Examined] = {}
        for images in plan.sets:
            if images.taken:
                asked = existing_set(config, images, instrument, detectors)
                examined[images.image_type] = found = examine(repository, instrument, asked)
                problems += _exposure_problems(instrument, asked, found)
        flats = examined.get(ImageType.FLAT)
        pairs = pairs_of(flats.found.exposures, flats.times) if flats and not flats.refused else ()
        if flats is not None:
            physical_filter = flats.physical_filter
            problems += [] if flats.refused else _pair_problems(plan, pairs, flats.times)
        calib_exists = not repository.missing_collections([config.calib_collection])
        # Several jobs need the same, and a collection of years takes seconds to look through.
        lacking = functools.cache(repository.lacking)
        for step in plan.steps:
            if step.id in pipelines.installed:
                problems += _input_problems(
                    repository,
                    lacking,
                    config,
                    plan,
                    step,
                    pipelines,
                    instrument,
                    detectors,
                    physical_filter,
                    calib_exists,
                )
        wanted = _certifications(config, plan, instrument, detectors, physical_filter)
        problems += conflict_problems(repository, wanted, last_night(config, datetime.now(UTC)))
    except RepositoryError as error:
        return RepositoryFindings((str(error),))
    except Exception as error:
        # The butler raises what its database raises; the run has not begun, so nothing is lost by refusing.
        return RepositoryFindings((f"Butler repository {config.repo} cannot be read: {describe(error)}.",))
    return RepositoryFindings(
        tuple(dict.fromkeys(problems)), known, calib_exists, examined, flats is not None and not pairs
    )


def _certifications(
    config: CalibrationsConfig,
    plan: Plan,
    instrument: str,
    detectors: Sequence[int],
    physical_filter: str | None,
) -> tuple[Certification, ...]:
    """Return what is to be certified, without flats of a filter that shows only when the instrument is set up."""
    return tuple(
        certification(config, step.id.product, instrument, detectors, physical_filter)
        for step in plan.steps
        if step.id.action is Action.CERTIFY and not (step.product.by_filter and physical_filter is None)
    )


def _detector_problems(
    instrument: str, detectors: Sequence[int], known: set[int], repo: str
) -> Iterator[str]:
    unknown = [detector for detector in detectors if detector not in known]
    if unknown:
        yield (
            f"Repository {repo} does not know {detectors_of(unknown)} of {instrument}"
            f" (it knows {len(known)} of that instrument): check the properties repo and detectors."
        )


def existing_set(
    config: CalibrationsConfig, images: ExposureSet, instrument: str, detectors: Sequence[int]
) -> Asked:
    """Return what the exposures of a set that exists already are to be."""
    flats = images.image_type is ImageType.FLAT
    return Asked(
        images.image_type,
        images.taken,
        tuple(detectors),
        times=dict.fromkeys(images.taken, images.times),
        physical_filter=asked_filter(config) if flats else (),
        window=Window.of(config, instrument, existing=True) if flats else None,
        existing=True,
    )


def _exposure_problems(instrument: str, asked: Asked, examined: Examined) -> Iterator[str]:
    """Say what is wrong with a set that exists already, apart from what is only left out of it."""
    found, name = examined.found, asked.image_type.name
    if unknown := [exposure for exposure in asked.exposures if exposure not in examined.times]:
        yield f"exposures: {instrument} has no {exposures_of(unknown)} (listed under {name})."
    if examined.refused is not None:
        yield str(examined.refused)
    elif not unknown and not found.complete:
        n_detectors = len(found.detectors), len(asked.detectors)
        which = f" ({exposure_range(found.exposures)})" if found.exposures else ""
        why = "".join(f" {name} {exposures_of(ids)}: {text}." for text, ids in examined.why.items())
        yield (
            f"exposures: not enough {name} raw images in the repository: only {len(found.exposures)} of "
            f"{len(asked.exposures)} exposures{which} and {n_detectors[0]} of {n_detectors[1]} detectors can be used."
            f"{why}"
        )


def _pair_problems(plan: Plan, pairs: Sequence[tuple[int, int]], times: Mapping[int, float]) -> Iterator[str]:
    """Say where the flats that exist make too few pairs for what the user asked for."""
    different = different_times(pairs, times)
    if plan.step(StepId(Action.GENERATE, "PTC")) and different < PTC_TIMES:
        yield (
            f"exposures: do_ptc needs pairs of consecutive flats of at least {PTC_TIMES} different exposure times, "
            f"among those listed are {f'pairs of {different} only' if different else 'none'}."
        )
    if plan.step(StepId(Action.GENERATE, "GAIN")) and "GAIN" in plan.insisted and not pairs:
        yield "exposures: do_gain_from_flat_pairs needs two consecutive flats of equal time, there are none."


def _input_problems(
    repository: Repository,
    find_lacking: Callable[..., tuple[int, ...]],
    config: CalibrationsConfig,
    plan: Plan,
    step: Step,
    pipelines: StepPipelines,
    instrument: str,
    detectors: Sequence[int],
    physical_filter: str | None,
    calib_exists: bool,
) -> Iterator[str]:
    """Give what a job would miss among its inputs."""
    property_name = (
        f"input_collections_{'verify_' if step.id.action is Action.VERIFY else ''}{step.product.option}"
    )
    lost = repository.missing_collections(named_collections(config, step.id))
    if lost:
        yield f"{property_name}: no collection {', '.join(lost)} in {config.repo}."
        return
    collections = input_collections(config, step.id, {}, calib_exists)
    sets = [images for images in plan.sets if images.image_type in step.images]
    existing = spans(repository.exposures(instrument, [e for images in sets for e in images.taken]))
    seconds = None if all(images.taken for images in sets) else plan.camera_seconds
    when = (*existing, *([] if seconds is None else [from_now(seconds)]))
    bootstrap = missing_inputs(pipelines.installed[step.id], BOOTSTRAP)
    wanted = bootstrap or [PRODUCTS[name].dataset_type for name in _read_from_collections(plan, step)]
    for dataset_type in wanted:
        by_filter = dataset_type.startswith(PRODUCTS["FLAT"].dataset_type)
        lacking = find_lacking(
            dataset_type,
            instrument,
            tuple(detectors),
            collections,
            physical_filter if by_filter else None,
            when,
        )
        if lacking:
            of_filter = f" in {physical_filter}" if by_filter and physical_filter else ""
            yield (
                f"{step.id} needs a {dataset_type}{of_filter}, but {','.join(collections) or 'no collection'} has"
                f" none for {detectors_of(lacking)} that is valid {when_words(when, seconds)}: "
                f"name a collection that has one in {property_name}."
            )


def _read_from_collections(plan: Plan, step: Step) -> list[str]:
    """Give the products a job reads that this run does not make itself."""
    names = [*made_from_closure(step.id.product)]
    if step.id.action is Action.VERIFY:
        names.append(step.id.product)
    return [name for name in names if plan.step(StepId(Action.GENERATE, name)) is None]
