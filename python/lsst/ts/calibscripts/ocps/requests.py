"""Step -> arguments of the OCPS command that does it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..config import CalibrationsConfig, Pairing, PropertyNames, flat_pairs, groups_of_times
from ..errors import ConfigurationError
from ..plan import Action, ExposureSet, Plan, Step, StepId
from ..tables.bootstraps import BOOTSTRAPS, RECORDS
from ..tables.products import ImageType, Pipeline, verified_where_possible
from .jobs import JobRequest
from .pairing import paired_options, pairing_warning
from .pipelines import Installed, find, locate, not_written
from .task_options import TaskOptions, check_options, with_reading

__all__ = [
    "NO_PIPELINES",
    "StepPipelines",
    "data_query",
    "different_times",
    "input_collections",
    "input_property",
    "install",
    "job_request",
    "pairs_of",
    "planned_pairs",
    "products_read",
]


@dataclass(frozen=True)
class StepPipelines:
    """Pipeline and options of every step of a run that is an OCPS job."""

    installed: Mapping[StepId, Installed]  #: Pipelines.
    options: Mapping[StepId, TaskOptions]  #: Checked options.
    warnings: tuple[str, ...]  #: What was translated in the options, and flat pairs that will not be used.
    pairing: Pairing = Pairing.EXPID  #: How the jobs of PTC and GAIN pair flats.


NO_PIPELINES = StepPipelines({}, {}, ())
"""What is known before they are looked up."""


def install(config: CalibrationsConfig, plan: Plan, pipeline_instrument: str) -> StepPipelines:
    """Look up the pipelines of a plan and check the options for them.

    Raises
    ------
    ConfigurationError
        If a pipeline is not installed or does not write its product, or an option names a task it does not have. All
        that is wrong is reported.
    """
    installed: dict[StepId, Installed] = {}
    options: dict[StepId, TaskOptions] = {}
    problems: list[str] = []
    pairings: list[Pairing] = []
    for step in plan.steps:
        product, generating = step.product, step.id.action is Action.GENERATE
        if (pipeline := _pipeline(step)) is None:
            continue
        try:
            found = locate(pipeline, pipeline_instrument)
            # The options overwrite values of the generation pipelines (002); verification takes none.
            words = _options(config, product.name, found) if generating else TaskOptions(())
        except ConfigurationError as error:
            problems += error.problems
            continue
        if product.paired:
            words, pairing = paired_options(found, words)
            pairings.append(pairing)
        installed[step.id], options[step.id] = with_reading(found, words, pipeline_instrument), words
    if problems := [*problems, *not_written(installed)]:
        raise ConfigurationError(problems)
    installed |= _bootstraps(installed.values(), pipeline_instrument)
    installed |= _verifications(config, installed, pipeline_instrument)
    options = {step_id: options.get(step_id, TaskOptions(())) for step_id in installed}
    # What one job cannot pair is not counted for any.
    pairing = next((pairing for pairing in pairings if pairing is not Pairing.EXPID), Pairing.EXPID)
    return StepPipelines(installed, options, tuple(_remarks(plan, installed, options, pairings)), pairing)


def _pipeline(step: Step) -> Pipeline | None:
    """Return the pipeline of a step that every installation has; None where it has none."""
    if step.id.action is Action.VERIFY and step.product.verify is not None and step.product.verify.always:
        return step.product.verify.pipeline
    return step.product.generate if step.id.action is Action.GENERATE else None


def _remarks(
    plan: Plan,
    installed: Mapping[StepId, Installed],
    options: Mapping[StepId, TaskOptions],
    pairings: Iterable[Pairing],
) -> Iterator[str]:
    """Report what cannot be read here, what was translated, and flat pairs that will not be used, each once."""
    unread = [found.warning for found in installed.values()]
    translated = [text for option in options.values() for text in option.warnings]
    unused = [pairing_warning(_times_of_flats(plan), pairing) for pairing in pairings]
    yield from dict.fromkeys(filter(None, [*unread, *translated, *unused]))


def _bootstraps(
    installed: Iterable[Installed], pipeline_instrument: str
) -> Iterator[tuple[StepId, Installed]]:
    """Return the installed pipelines of the bootstraps that other pipelines read, or bootstraps among them."""
    wanted = {read.dataset_type for found in installed if found.reading for read in found.reading.reads}
    for name, product in reversed([*BOOTSTRAPS.items()]):
        found = find(product.generate, pipeline_instrument) if product.dataset_type in wanted else None
        if found is not None:
            found = with_reading(found, TaskOptions(()), pipeline_instrument)
            wanted |= {read.dataset_type for read in found.reading.reads} if found.reading else set()
            yield StepId(Action.GENERATE, name), found


def _verifications(
    config: CalibrationsConfig, made: Collection[StepId], pipeline_instrument: str
) -> Iterator[tuple[StepId, Installed]]:
    """Return the installed pipelines that verify products which are no combined images."""
    if not (config.do_verify and config.do_verify_products):
        return
    for product in verified_where_possible():
        if StepId(Action.GENERATE, product.name) not in made or product.verify is None:
            continue
        if (found := find(product.verify.pipeline, pipeline_instrument)) is not None:
            yield (
                StepId(Action.VERIFY, product.name),
                with_reading(found, TaskOptions(()), pipeline_instrument),
            )


def _options(config: CalibrationsConfig, product: str, found: Installed) -> TaskOptions:
    return check_options(config.of(product).options, found, PropertyNames.of(product).options)


def _times_of_flats(plan: Plan) -> list[float]:
    """List the exposure times of the flats that are taken and used."""
    flats = (images.exposures for images in plan.sets if images.image_type is ImageType.FLAT)
    return [exposure.exposure_time for exposures in flats for exposure in exposures if not exposure.discarded]


def products_read(pipelines: StepPipelines) -> dict[StepId, tuple[str, ...]]:
    """Return which products the jobs read, of those jobs of which it is known.

    Parameters
    ----------
    pipelines : `StepPipelines`
        Pipelines of the jobs.
    """
    return {
        step_id: tuple(
            product.name
            for product in RECORDS.values()
            if any(found.reading.read(name) for name in product.dataset_types)
            or (found.reading.unknown and product.name in RECORDS[step_id.product].made_from)
        )
        for step_id, found in pipelines.installed.items()
        if found.reading is not None
    }


def input_collections(
    config: CalibrationsConfig, step_id: StepId, fresh: Mapping[str, str], calib_exists: bool
) -> tuple[str, ...]:
    """Return the input collections of a job, in the order they are searched.

    First the RUNs of the jobs that made what it reads, then, generating, ``calib_collection`` where it exists,
    then what the configuration names.

    Parameters
    ----------
    step_id : `StepId`
        GENERATE or VERIFY of a product.
    fresh : mapping [`str`, `str`]
        Product -> RUN, of the products of this run that it reads (`Plan.fresh`), in the order they are made.
    calib_exists : `bool`
        Is there a ``calib_collection`` already?
    """
    own = [config.calib_collection] if config.generate_calibrations and calib_exists else []
    return tuple(dict.fromkeys([*reversed([*fresh.values()]), *own, *named_collections(config, step_id)]))


def named_collections(config: CalibrationsConfig, step_id: StepId) -> tuple[str, ...]:
    """Return the input collections that the configuration names for a job."""
    own = config.of(step_id.product)
    return own.verify_inputs if _has_own_inputs(step_id) else own.inputs


def _has_own_inputs(step_id: StepId) -> bool:
    """Check whether a verification has a property for its inputs; that of other products has those of the product."""
    return step_id.action is Action.VERIFY and RECORDS[step_id.product].always_verified


def input_property(step_id: StepId) -> str:
    """Return the name of the property with the input collections of a job.

    Parameters
    ----------
    step_id : `StepId`
        GENERATE or VERIFY of a product.
    """
    names = PropertyNames.of(step_id.product)
    return names.verify_inputs if _has_own_inputs(step_id) else names.inputs


def data_query(instrument: str, detectors: Sequence[int], exposures: Sequence[int]) -> str:
    """Return the data selection of a job; a run of consecutive detectors is written as a range."""
    return (
        f"instrument='{instrument}' AND detector IN ({_detector_ranges(detectors)})"
        f" AND exposure IN ({','.join(map(str, exposures))})"
    )


def _detector_ranges(detectors: Sequence[int]) -> str:
    ranges: list[list[int]] = []
    for detector in sorted(detectors):
        if ranges and detector == ranges[-1][-1] + 1:
            ranges[-1][1:] = [detector]
        else:
            ranges.append([detector])
    return ",".join("..".join(map(str, bounds)) for bounds in ranges)


def job_request(
    config: CalibrationsConfig,
    step_id: StepId,
    pipelines: StepPipelines,
    inputs: Iterable[str],
    query: str,
) -> JobRequest:
    """Return the arguments of the command for a step."""
    options = str(pipelines.options[step_id])
    words = [f"-j {config.n_processes}", f"-i {','.join(inputs)}", "--register-dataset-types", options]
    return JobRequest(
        step=step_id,
        pipeline=pipelines.installed[step_id].uri,
        config=" ".join(word for word in words if word),
        data_query=query,
    )


def pairs_of(
    exposures: Collection[int], times: Mapping[int, float], pairing: Pairing = Pairing.EXPID
) -> tuple[tuple[int, int], ...]:
    """Return the flat pairs: consecutive exposures of equal time, each in one pair at most.

    Parameters
    ----------
    exposures : collection of `int`
        Kept exposures of the set. cp_pipe takes them in the order of their ids, which is that of their taking.
    times : mapping [`int`, `float`]
        Exposure -> exposure time, seconds.
    pairing : `Pairing`, optional
        How the job pairs them.
    """
    ordered = sorted(exposures)
    positions = flat_pairs([times[exposure] for exposure in ordered], pairing).pairs
    return tuple((ordered[first], ordered[second]) for first, second in positions)


def different_times(pairs: Iterable[tuple[int, int]], times: Mapping[int, float]) -> int:
    """Count the different exposure times of flat pairs: see `Pairs` for how many a product needs."""
    return len(groups_of_times(times[first] for first, _ in pairs))


def planned_pairs(images: ExposureSet, times: Mapping[int, float], pairing: Pairing = Pairing.EXPID) -> int:
    """Return how many flat pairs a set was to make.

    Parameters
    ----------
    images : `ExposureSet`
        The flats as planned.
    times : mapping [`int`, `float`]
        Exposure -> exposure time, seconds, of flats that exist already.
    pairing : `Pairing`, optional
        How the job pairs them.
    """
    if images.taken:
        return len(pairs_of([exposure for exposure in images.taken if exposure in times], times, pairing))
    kept = [exposure.exposure_time for exposure in images.exposures if not exposure.discarded]
    return len(flat_pairs(kept, pairing).pairs)
