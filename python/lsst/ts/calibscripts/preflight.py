"""Everything that can be seen before the first exposure is looked at here, and told at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .config import CalibrationsConfig
from .errors import RepositoryError, describe
from .jobs import StepPipelines, input_collections, named_collections
from .pipelines import missing_inputs
from .plan import Action, ExposureSet, Plan, Step, StepId
from .products import PRODUCTS, made_from_closure
from .repository import Certification, Repository
from .sal import RemoteGroup, State

__all__ = ["RepositoryFindings", "certification", "component_problems", "repository_findings"]

BOOTSTRAP = ("biasBootstrap", "darkBootstrap", "flatBootstrap")
"""What today's cpDefects of the Science Pipelines reads, and no pipeline of a run makes."""


@dataclass(frozen=True)
class RepositoryFindings:
    """What the repository has to say before the first exposure.

    Attributes
    ----------
    problems : `tuple` [`str`]
        One sentence each; the run must not begin if there is one.
    calib_exists : `bool`
        Is there a ``calib_collection`` already?
    exposure_times : mapping [`int`, `float`]
        Exposure times, seconds, of the exposures that exist already and are to be used.
    """

    problems: tuple[str, ...]
    calib_exists: bool = False
    exposure_times: Mapping[int, float] = field(default_factory=dict)


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
        f"{name} is {state.result()}, not ENABLED: enable it, then queue the script again."
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
        known = {detector.id for detector in repository.detectors(instrument)}
        problems = list(_detector_problems(instrument, detectors, known, config.repo))
        times: dict[int, float] = {}
        for images in plan.sets:
            problems += _exposure_problems(repository, instrument, images, times)
        calib_exists = not repository.missing_collections([config.calib_collection])
        for step in plan.steps:
            if step.id in pipelines.installed:
                problems += _input_problems(
                    repository,
                    config,
                    plan,
                    step,
                    pipelines,
                    instrument,
                    detectors,
                    physical_filter,
                    calib_exists,
                )
        problems += _conflicts(repository, config, plan, instrument, detectors, physical_filter)
    except RepositoryError as error:
        return RepositoryFindings((str(error),))
    except Exception as error:
        # The butler raises what its database raises; the run has not begun, so nothing is lost by refusing.
        return RepositoryFindings((f"Butler repository {config.repo} cannot be read: {describe(error)}.",))
    return RepositoryFindings(tuple(dict.fromkeys(problems)), calib_exists, times)


def flat_conflicts(
    repository: Repository,
    config: CalibrationsConfig,
    plan: Plan,
    instrument: str,
    detectors: Sequence[int],
    physical_filter: str,
) -> tuple[str, ...]:
    """Say what stands in the way of certifying flats in a filter that was not known before. Blocks."""
    return tuple(_conflicts(repository, config, plan, instrument, detectors, physical_filter))


def _conflicts(
    repository: Repository,
    config: CalibrationsConfig,
    plan: Plan,
    instrument: str,
    detectors: Sequence[int],
    physical_filter: str | None,
) -> Iterator[str]:
    for step in plan.steps:
        if step.id.action is not Action.CERTIFY:
            continue
        if step.product.by_filter and physical_filter is None:
            # Any filter would be a conflict; which one it is shows when the instrument is set up.
            continue
        wanted = certification(config, step.id.product, instrument, detectors, physical_filter)
        yield from repository.conflicts(wanted)


def _detector_problems(
    instrument: str, detectors: Sequence[int], known: set[int], repo: str
) -> Iterator[str]:
    unknown = [detector for detector in detectors if detector not in known]
    if unknown:
        yield (
            f"Repository {repo} does not know detectors {unknown} of {instrument}"
            f" (it knows {len(known)} of that instrument): check the properties repo and detectors."
        )


def _exposure_problems(
    repository: Repository, instrument: str, images: ExposureSet, times: dict[int, float]
) -> Iterator[str]:
    """Check the exposures of a set that is not taken, and note their exposure times."""
    records = {record.id: record for record in repository.exposures(instrument, images.taken)}
    name = images.image_type.name
    unknown = [exposure for exposure in images.taken if exposure not in records]
    if unknown:
        yield f"exposures: {instrument} has no exposures {unknown} (listed under {name})."
    wrong = {e: r.image_type for e, r in records.items() if r.image_type != name}
    if wrong:
        listed = ", ".join(f"{exposure} is a {image_type}" for exposure, image_type in wrong.items())
        yield f"exposures: {listed}, but listed under {name}."
    times.update({exposure: record.exposure_time for exposure, record in records.items()})


def _input_problems(
    repository: Repository,
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
    bootstrap = missing_inputs(pipelines.installed[step.id], BOOTSTRAP)
    wanted = bootstrap or [PRODUCTS[name].dataset_type for name in _read_from_collections(plan, step)]
    for dataset_type in wanted:
        by_filter = dataset_type.startswith(PRODUCTS["FLAT"].dataset_type)
        lacking = repository.lacking(
            dataset_type, instrument, detectors, collections, physical_filter if by_filter else None
        )
        if lacking:
            of_filter = f" in {physical_filter}" if by_filter and physical_filter else ""
            yield (
                f"{step.id} needs a {dataset_type}{of_filter}, but {','.join(collections) or 'no collection'} has"
                f" none for detectors {list(lacking)}: name a collection that has one in {property_name}."
            )


def _read_from_collections(plan: Plan, step: Step) -> list[str]:
    """Give the products a job reads that this run does not make itself."""
    names = [*made_from_closure(step.id.product)]
    if step.id.action is Action.VERIFY:
        names.append(step.id.product)
    return [name for name in names if plan.step(StepId(Action.GENERATE, name)) is None]
