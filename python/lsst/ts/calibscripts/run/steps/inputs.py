"""Which calibrations a job has really used, compared with those that it was to use.

A butler may search collections in another order than they are listed: one of before October 2025 prefers certified
calibrations to those of RUNs. A job with it ends well, and has verified, or used, yesterday's bias.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ...errors import JobError, describe
from ...ground.text import detectors_of, listed
from ...ocps.jobs import JobResult
from ...ocps.requests import input_collections
from ...plan import Action, Step, StepId
from ...preflight.images import looked_at
from ...preflight.references import Reference, needed
from ...repository import FOR_ALL, UsedInput
from ...tables.bootstraps import BOOTSTRAPS, RECORDS
from ..context import RunContext

__all__ = ["Meant", "check_inputs", "others_used", "runs_meant"]

_TOPIC = "inputs of jobs"
_BOOTSTRAPS = frozenset(product.dataset_type for product in BOOTSTRAPS.values())

Meant = Mapping[str, Mapping[str, frozenset[int]]]
"""Dataset type -> RUNs that it may come from -> detectors, -1 for all."""


async def check_inputs(context: RunContext, step: Step, run: str, result: JobResult) -> None:
    """Compare the calibrations that a job has used with those of this run, or those found before the first image.

    Parameters
    ----------
    step : `Step`
        The step of the job.
    run : `str`
        RUN with its outputs.
    result : `JobResult`
        How it ended.

    Raises
    ------
    JobError
        If the job has used others.
    """
    meant = _meant_for(context, step)
    if not meant:
        return
    detectors, kind = looked_at(context.state.step(step.id).detectors), _witness(step)
    problem = f"its job wrote no {kind}"
    used: Mapping[int, Sequence[UsedInput]] = {}
    try:
        used = await context.repository.inputs_used(run, kind, detectors)
        if used and not all(used.values()):
            problem = f"the headers of {kind} in {run} do not say it"
    except Exception as error:
        # They were made, and what they say need not be readable for what is certified.
        problem = describe(error)
    if others := others_used(used, meant):
        raise JobError(str(step.id), _refusal(others), job_id=result.job_id, exit_code=result.exit_code)
    if not (used and all(used.values())):
        context.journal.warn_once(
            _TOPIC,
            f"{step.id}: which calibrations were used cannot be read, since {problem}. That they were those of this "
            "run is not checked, nor is it for other steps of which it cannot be read.",
        )


def _refusal(others: Sequence[str]) -> str:
    return (
        f"the job used {'; '.join(others)}. What it wrote is not used. Ask those who run the OCPS which butler its "
        "jobs have (before October 2025 it preferred certified calibrations to those in RUNs), and whether somebody "
        "has certified into the inputs meanwhile; the images need not be taken again because of that"
    )


def _witness(step: Step) -> str:
    """Return the dataset type of the images, or else of the tables, that say what a job has used."""
    if step.id.action is Action.GENERATE:
        return step.product.processed
    verifier = step.product.verify
    return step.product.corrected if verifier is None or verifier.corrects else step.product.results


def _meant_for(context: RunContext, step: Step) -> Meant:
    runs = {name: context.state.step(StepId(Action.GENERATE, name)).run for name in context.plan.fresh(step)}
    own = {name: run for name, run in runs.items() if run is not None}
    collections = input_collections(context.config, step.id, {}, context.found.calib_exists)
    # Other steps look for other types in the same collections.
    types = {read.dataset_type for read in needed(context.spec, step)}
    found = (each for each in context.found.references if each.dataset_type in types)
    return runs_meant(own, found, collections)


def runs_meant(
    own: Mapping[str, str], references: Iterable[Reference], collections: Collection[str]
) -> Meant:
    """Return from which RUNs a job is to take its calibrations.

    Parameters
    ----------
    own : mapping [`str`, `str`]
        Product of this run that the job was given -> its RUN.
    references : iterable of `Reference`
        What was found before the first image.
    collections : collection of `str`
        Input collections of the job, without those of this run.
    """
    meant: dict[str, dict[str, frozenset[int]]] = {}
    for reference in references:
        # Bootstraps are never certified by a run, and of what is not for a detector, as the camera, there is one.
        compared = reference.by_detector and reference.dataset_type not in _BOOTSTRAPS
        if compared and reference.collections == tuple(collections):
            # A type may have been looked for twice: valid now, and when exposures that exist were taken.
            runs = meant.setdefault(reference.dataset_type, {})
            for source in reference.sources:
                runs[source.run] = runs.get(source.run, frozenset()) | source.detectors
    for name, run in own.items():
        if name not in BOOTSTRAPS:
            meant |= {kind: {run: frozenset({FOR_ALL})} for kind in RECORDS[name].dataset_types}
    return meant


def others_used(used: Mapping[int, Iterable[UsedInput]], meant: Meant) -> tuple[str, ...]:
    """Return which calibrations a job has used instead of those that it was to use, a sentence for each type.

    Parameters
    ----------
    used : mapping [`int`, iterable of `UsedInput`]
        What it has used, by detector.
    meant : `Meant`
        What it was to use. What is not in it may come from anywhere.
    """
    found: dict[tuple[str, str, tuple[str, ...]], set[int]] = {}
    for detector, inputs in used.items():
        for each in inputs:
            runs = tuple(_runs_for(detector, meant.get(each.dataset_type, {})))
            if runs and each.run not in runs:
                found.setdefault((each.dataset_type, each.run, runs), set()).add(detector)
    return tuple(
        f"the {kind} of {detectors_of(detectors)} in {run} instead of that in {listed(runs)}"
        for (kind, run, runs), detectors in sorted(found.items())
    )


def _runs_for(detector: int, runs: Mapping[str, frozenset[int]]) -> Iterator[str]:
    yield from (run for run, detectors in runs.items() if detectors & {detector, FOR_ALL})
