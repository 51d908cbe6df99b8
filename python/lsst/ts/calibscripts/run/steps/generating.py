"""GENERATE: a job makes a calibration from the images that arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...errors import GainsError
from ...events.events import DatasetsMade, Stage
from ...events.images import ImageSet
from ...ground.text import detectors_of, images_of
from ...ocps.jobs import JobResult
from ...plan import Step
from ...tables.products import ImageType
from ..context import RunContext
from .inputs import check_inputs
from .jobs import exposures_for, note_silent, outputs_missing, run_job
from .judging import judge_gains

__all__ = ["generate"]


async def generate(context: RunContext, step: Step, images: Mapping[ImageType, ImageSet]) -> None:
    """Generate a calibration, and check that the job wrote it for every detector.

    Parameters
    ----------
    images : mapping [`ImageType`, `ImageSet`]
        Images to generate it from.

    Raises
    ------
    CalibScriptsError
        If it did not succeed; the text says why.
    """
    exposures = exposures_for(context, step, images)
    result, run = await run_job(context, step, images, exposures)
    if run is None:
        silent = "no job_result came, and " if result.exit_code is None else ""
        raise outputs_missing(step, result, f"{silent}the job left no RUN with outputs")
    await _check_outputs(context, step, run, result)
    await _check_images(context, step, run, result, exposures)
    await check_inputs(context, step, run, result)
    if step.product.measures_gains:
        await _look_at_gains(context, step, run, result)
    note_silent(context, step, result)
    context.journal.advance(step.id.product, Stage.GENERATED)


async def _check_outputs(context: RunContext, step: Step, run: str, result: JobResult) -> None:
    """Fail where a detector has no calibration, under whichever dataset type the installed stack writes."""
    made: Mapping[int, str] = {}
    for dataset_type in step.product.dataset_types:
        made = made or await context.repository.made(run, dataset_type)
    wanted = context.state.step(step.id).detectors
    if lacking := [detector for detector in wanted if detector not in made]:
        reason = f"the job wrote no {step.product.dataset_type} for {detectors_of(lacking)}"
        raise outputs_missing(step, result, reason)
    if step.product.certified:
        # What is in the RUN when it comes to CERTIFY must be the very same.
        context.journal.report(DatasetsMade(step.id, tuple(sorted(made.values()))))


async def _check_images(
    context: RunContext, step: Step, run: str, result: JobResult, exposures: Sequence[int]
) -> None:
    """Fail where a job has left out images: it ends well, and a verification need not show it."""
    kind = step.product.processed
    processed = await context.repository.images(run, kind)
    wanted = {(e, d) for e in exposures for d in context.state.step(step.id).detectors}
    if not processed:
        text = f"{step.id}: whether its job has used all images is unknown, since it wrote no {kind}."
        context.journal.warn_once(
            "images of jobs", f"{text} Nor is it checked for other steps that write none."
        )
    elif lost := wanted - processed:
        reason = (
            f"the job left out {len(lost)} of {len(wanted)} images ({images_of(lost)}), so what it wrote is not used;"
            " look in its log for the reason, the images need not be taken again"
        )
        raise outputs_missing(step, result, reason)


async def _look_at_gains(context: RunContext, step: Step, run: str, result: JobResult) -> None:
    """Report the gains that a job has found, and fail where there are none, or most of them cannot be right."""
    found = await context.repository.ask(judge_gains, context, step, run)
    for text in found.texts:
        context.journal.log.info(text)
    if found.lacking:
        raise outputs_missing(step, result, f"the job wrote no gains for {detectors_of(found.lacking)}")
    if found.most_doubtful:
        raise GainsError(f"{step.id}: {found.doubts}. Check that the flats had light, and how much.")
    if found.doubts:
        context.journal.warn(
            f"{step.id}: {found.doubts}. Check the light of the flats before these are used."
        )
