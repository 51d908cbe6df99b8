"""The OCPS job of a step: which exposures and detectors it processes, what it reads, and what it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from ...config import Pairing
from ...errors import ImageSetError, JobError, OutputsMissingError, job_log
from ...events.events import OutputsFound
from ...events.images import ImageSet
from ...ground.text import counted, detectors_of, exposure_range
from ...ground.threads import OneThread
from ...ocps.job_logs import last_error
from ...ocps.jobs import JobRequest, JobResult, has_failed
from ...ocps.requests import (
    data_query,
    different_times,
    input_collections,
    job_request,
    pairs_of,
    planned_pairs,
)
from ...plan import Action, Step, StepId
from ...tables.products import ImageType
from ...verification import enough_detectors
from ..context import RunContext

__all__ = ["exposures_for", "last_error_of", "note_silent", "outputs_missing", "run_job"]

LOG_TIMEOUT = 5.0
"""Longest wait for the log of a job that failed, seconds."""


def exposures_for(context: RunContext, step: Step, images: Mapping[ImageType, ImageSet]) -> tuple[int, ...]:
    """Return the exposures of a step's job: those that arrived, of a product that needs pairs only those in pairs.

    Raises
    ------
    ImageSetError
        If there are too few pairs.
    """
    exposures = tuple(e for image_type in step.images for e in images[image_type].exposures)
    if step.product.pairs is None:
        return exposures
    pairing, times = context.spec.pipelines.pairing, context.state.times
    pairs = pairs_of(exposures, times, pairing)
    flats = context.plan.image_set(ImageType.FLAT)
    planned = planned_pairs(flats, times, pairing) if flats else len(pairs)
    different = different_times(pairs, times)
    needed = step.product.pairs.times
    if different < needed:
        arrived = f"pairs of {different} different exposure times arrived, a curve needs {needed}"
        which = arrived if pairs else f"none of {planned} planned flat pairs can be used"
        raise ImageSetError(ImageType.FLAT.name, f"{step.id}: {which}.")
    if len(pairs) < planned and step.id.action is Action.GENERATE:
        context.journal.warn(f"{step.id}: only {len(pairs)} of {planned} planned flat pairs can be used.")
    if pairing is not Pairing.EXPID:
        # Left out, the others could no longer separate two pairs of equal time, which would then be one run.
        return exposures
    return tuple(exposure for pair in pairs for exposure in pair)


async def run_job(
    context: RunContext, step: Step, images: Mapping[ImageType, ImageSet], exposures: Sequence[int]
) -> tuple[JobResult, str | None]:
    """Run the job of a step.

    Parameters
    ----------
    images : mapping [`ImageType`, `ImageSet`]
        Sets that it needs.
    exposures : sequence of `int`
        What of them is processed.

    Returns
    -------
    result : `JobResult`
        How it ended.
    run : `str` or `None`
        RUN with its outputs, None if it left none.

    Raises
    ------
    ImageSetError
        If too few detectors are left.
    JobError
        If the job did not succeed.
    """
    config = context.config
    detectors = _detectors_for(context, step, images)
    runs = {name: context.state.step(StepId(Action.GENERATE, name)).run for name in context.plan.fresh(step)}
    fresh = {name: run for name, run in runs.items() if run is not None}
    inputs = input_collections(config, step.id, fresh, context.found.calib_exists)
    query = data_query(context.spec.instrument, detectors, exposures)
    request = job_request(config, step.id, context.spec.pipelines, inputs, query)
    context.journal.log.info(
        f"{step.id}: {request.pipeline} {request.config} on {_words(detectors, exposures)}"
    )
    result = await _result_of(context, request)
    run = await context.repository.run_of(result.job_id)
    context.journal.report(OutputsFound(step.id, run, detectors))
    return result, run


async def _result_of(context: RunContext, request: JobRequest) -> JobResult:
    """Run a job to its end; one that fails is submitted again, until there have been ``job_attempts``."""
    attempts = context.config.job_attempts
    failed: tuple[str, ...] = ()
    while True:
        try:
            return await context.ocps.run(
                request,
                context.config.pipetask_timeout,
                on_started=lambda job_id: context.journal.log.info(
                    f"{request.step}: OCPS job {job_id}, log {job_log(job_id)}"
                ),
            )
        except JobError as error:
            error.earlier = failed
            if error.job_id is None or not has_failed(error) or len(failed) + 1 == attempts:
                raise
            error.last_error = await last_error_of(error.job_id)
            failed = (*failed, error.job_id)
            text = str(error).rstrip(".")
            context.journal.warn(f"{text}. It is submitted again: attempt {len(failed) + 1} of {attempts}.")


def _detectors_for(context: RunContext, step: Step, images: Mapping[ImageType, ImageSet]) -> tuple[int, ...]:
    """Return the detectors of a step: those of its images for which everything it reads was made.

    Raises
    ------
    ImageSetError
        If half or fewer of those asked for are left.
    """
    asked = context.spec.detectors
    wanted = set(asked)
    for image_type in step.images:
        wanted &= set(images[image_type].detectors)
    for name in (*step.reads, step.id.product):
        # Of what this run makes itself nothing else may be read: a detector it was not made for is left out.
        made = context.state.step(StepId(Action.GENERATE, name)).outputs
        wanted &= wanted if made is None else set(made.detectors)
    if not enough_detectors(len(wanted), len(asked)):
        left = detectors_of(wanted) if wanted else "none"
        raise ImageSetError(
            step.id.product,
            f"{step.id}: of the {len(asked)} detectors asked for only {left} "
            f"{'is' if len(wanted) == 1 else 'are'} left, more than half are needed. The others have lost "
            "their images or a calibration that this step reads.",
        )
    return tuple(sorted(wanted))


def _words(detectors: Sequence[int], exposures: Sequence[int]) -> str:
    """Return the selection of a job in words; the record has its data query, with each exposure."""
    noun = "detector" if len(detectors) == 1 else "detectors"
    return f"{noun} {exposure_range(detectors)}, {counted(len(exposures), 'exposure')} {exposure_range(exposures)}"


def outputs_missing(step: Step, result: JobResult, reason: str) -> OutputsMissingError:
    """Return the error of a job that ended without what it was to write."""
    return OutputsMissingError(str(step.id), reason, job_id=result.job_id, exit_code=result.exit_code)


def note_silent(context: RunContext, step: Step, result: JobResult) -> None:
    """Report where a job's outputs exist but its result never came."""
    if result.exit_code is None:
        context.journal.warn(
            f"{step.id}: no job_result came for OCPS job {result.job_id}; its outputs exist, "
            "so the run continues."
        )


async def last_error_of(job_id: str) -> str:
    """Return the last error in the log of a job; nothing where its disk is not there or does not answer."""
    thread = OneThread("log of a job")
    try:
        async with asyncio.timeout(LOG_TIMEOUT):
            return await thread(last_error, job_log(job_id))
    except TimeoutError:
        return ""
    finally:
        thread.close()
