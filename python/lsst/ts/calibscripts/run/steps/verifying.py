"""VERIFY: a job tests the images that arrived, and its statistics are judged."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from ...errors import NoAnswerError, NotJudgedError, OutputsMissingError, VerificationFailedError
from ...events.events import Stage, Verdicted
from ...events.images import ImageSet
from ...plan import Step
from ...tables.products import ImageType
from ..context import RunContext
from .inputs import check_inputs
from .jobs import exposures_for, note_silent, run_job
from .judging import Judged, judge, too_bright

__all__ = ["verify"]


async def verify(context: RunContext, step: Step, images: Mapping[ImageType, ImageSet]) -> None:
    """Verify the images of a type, judge the statistics and report.

    Parameters
    ----------
    images : mapping [`ImageType`, `ImageSet`]
        Images to verify.

    Raises
    ------
    CalibScriptsError
        If they did not pass, or could not be verified; the text says why.
    """
    exposures = exposures_for(context, step, images)
    result, run = await run_job(context, step, images, exposures)
    judged = await context.repository.ask(judge, context, step, run, exposures)
    verdict = judged.verdict
    if result.exit_code is None and (verdict.reason or verdict.missing):
        reason = "no job_result came, and its statistics are not complete"
        raise OutputsMissingError(str(step.id), reason, job_id=result.job_id)
    if run is not None:
        # Before the verdict is reported: what it stops must not go on while the butler is asked, and one about the
        # calibrations of another run must not be believed.
        await check_inputs(context, step, run, result)
        await _look_at_level(context, step, run)
    note_silent(context, step, result)
    _report(context, step, judged)
    _heed(context, step, judged)
    context.journal.advance(step.id.product, Stage.VERIFIED)


async def _look_at_level(context: RunContext, step: Step, run: str) -> None:
    """Warn of images that are too bright after correction; the verdict does not depend on it."""
    try:
        text = await context.repository.ask(too_bright, context, step, run)
    except NoAnswerError as error:
        text = f"The level of the corrected {step.id.product} images could not be read: {error}"
    if text:
        context.journal.warn(text)


def _report(context: RunContext, step: Step, judged: Judged) -> None:
    """Report and log a verdict: failed tests of one that passed are a warning, one that failed is an error."""
    verdict, journal = judged.verdict, context.journal
    verification = context.state.step(step.id).collection or ""
    journal.report(
        Verdicted(
            step.id.product,
            verdict.passed,
            verification,
            judged.headline,
            len(verdict.exposures),
            len(verdict.failed_exposures),
            verdict.thresholds.exposures,
            verdict.judged,
            verdict.thresholds.by_detector,
            judged.pattern,
        )
    )
    if verdict.passed and not verdict.clean:
        text = (
            f"{judged.numbers}, but there are tests that did not pass (see {verification}). {judged.pattern}"
        )
        journal.warn(text.rstrip(), in_full=judged.text)
    elif not verdict.reason:
        # Without statistics there is nothing to report but the failure itself.
        journal.log.log(logging.INFO if verdict.clean else logging.ERROR, judged.text)
    if judged.undecisive:
        journal.warn(judged.undecisive)


def _heed(context: RunContext, step: Step, judged: Judged) -> None:
    """Fail the step where its images were not judged, or did not pass."""
    verdict = judged.verdict
    where = f"(see {context.state.step(step.id).collection})"
    if not verdict.judged:
        raise NotJudgedError(
            f"{judged.headline.rstrip('.')}: {verdict.reason or judged.numbers} {where}. The images need not be "
            "taken again because of that."
        )
    if not verdict.passed:
        pattern = f" {judged.pattern}" if judged.pattern else ""
        raise VerificationFailedError(f"{judged.numbers}. {judged.headline}{pattern} {where}")
