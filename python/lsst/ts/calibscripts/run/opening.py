"""What a run does before its first exposure: it looks at all that can be seen, and sets up the instrument."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain

from ..config import as_installed, key_problem, not_installed
from ..errors import PreconditionError, describe
from ..events.events import ExposureTimesRead, FilterFound, ImageSetClosed
from ..ground.cancellation import heed_cancellation
from ..ocps.pairing import pairing_warning
from ..preflight.components import component_problems
from ..preflight.findings import RepositoryFindings, repository_findings
from ..preflight.ocps_settings import settings_problem, settings_warning
from ..preflight.spec import RunSpec
from ..sal import ExpectedError
from ..tables.products import PRODUCTS, ImageType
from .context import RunContext
from .host import answer_of
from .taking.beam import filter_in_beam, filter_problem
from .taking.flat_setup import warn_of_flat_setup

__all__ = ["check", "set_up_instrument"]

REPOSITORY_TIMEOUT = 60.0
"""Longest wait for the repository before the first exposure, seconds."""


class _RefusalError(PreconditionError, ExpectedError):
    """What salobj logs no traceback of: nothing has begun, and the text says why."""


# Check.


async def check(context: RunContext) -> RunContext:
    """Check everything that can be seen before the first exposure, and report all that is wrong.

    Returns
    -------
    `RunContext`
        The same, with what was found, and without what cannot be done.

    Raises
    ------
    PreconditionError
        If something is wrong.
    """
    problems = [*await _component_problems(context), *await _camera_problems(context)]
    seen = await answer_of("get_physical_filter", context.host.get_physical_filter(set_up=False))
    spec = replace(context.spec, physical_filter=seen)
    found = await _ask_repository(context, spec)
    for image_type, examined in found.examined.items():
        if examined.refused is not None:
            # A set that exists already and was refused is not offered for resuming.
            context.journal.report(ImageSetClosed.of(image_type, examined.found))
    if problems := [*problems, *found.problems]:
        raise _refusal(context, problems)
    _tell_of_references(context, found)
    asked = tuple(detector.id for detector in found.detectors if detector.id in spec.detectors)
    spec = replace(found.planned(spec), detectors=asked)
    return _with_existing(replace(context, spec=spec, found=found))


async def _component_problems(context: RunContext) -> list[str]:
    """Return what is wrong with the components that the run needs, and the settings of the OCPS."""
    host, journal = context.host, context.journal
    groups = [host.ocps_group, *([host.camera] if _exposing(context) else [])]
    # At once: of each component a heartbeat is waited for.
    problems, *of_camera = await asyncio.gather(*map(component_problems, groups))
    if not problems:
        which = ", ".join(host.ocps_group.components), host.ocps, host.instrument_name
        if warning := settings_warning(*which):
            # That they are unknown does not stand in the way.
            journal.warn(warning)
        if problem := settings_problem(*which):
            problems.append(problem)
    return [*problems, *chain.from_iterable(of_camera)]


async def _camera_problems(context: RunContext) -> list[str]:
    """Return why the images cannot be taken as they are configured."""
    host, problems = context.host, list[str]()
    for image_type in _exposing(context):
        try:
            await answer_of("assert_feasibility", host.assert_feasibility(image_type.name))
        except Exception as error:
            # Subclasses raise what they like; here it only means no.
            problems.append(describe(error) + ".")
    heed_cancellation()
    if ImageType.FLAT in _exposing(context):
        await warn_of_flat_setup(context)
    if _exposing(context):
        problems += not_installed(
            host.get_instrument_configuration(), await answer_of("get_installed", host.get_installed())
        )
        if problem := key_problem(host.get_group_id()):
            problems.append(f"The group id of the images {problem}.")
    return problems


def _exposing(context: RunContext) -> list[ImageType]:
    """Return the image types that are taken; the others exist already."""
    return [images.image_type for images in context.plan.sets if not images.taken]


async def _ask_repository(context: RunContext, spec: RunSpec) -> RepositoryFindings:
    try:
        async with asyncio.timeout(REPOSITORY_TIMEOUT):
            return await context.repository.ask(repository_findings, spec)
    except TimeoutError:
        return RepositoryFindings(
            (
                f"Butler repository {spec.config.repo} did not answer within {REPOSITORY_TIMEOUT:.0f} s: look at "
                "its database and its disk, then queue the script or its BLOCK again.",
            )
        )


def _tell_of_references(context: RunContext, found: RepositoryFindings) -> None:
    """Report the calibrations that jobs will read, and what is to be known of them, each once in a run."""
    journal, now = context.journal, datetime.now(UTC).replace(tzinfo=None)
    limit = context.config.reference_age_max
    for reference in (event for each in found.references for event in each.events(now, limit)):
        if reference not in journal.state.references:
            journal.log.info("Reference %s", reference.text)
            journal.report(reference)
    for text in found.warnings:
        journal.warn_once(text, text)


def _with_existing(context: RunContext) -> RunContext:
    """Return the same with what is known of the images that exist already, without what they do not suffice for."""
    found, report = context.found, context.journal.report
    for examined in found.examined.values():
        report(ExposureTimesRead(tuple(examined.times), tuple(examined.times.values())))
    flats = found.examined.get(ImageType.FLAT)
    if flats is None:
        return context
    report(FilterFound(flats.physical_filter))
    if any(step.product.paired for step in context.plan.steps):
        # Of flats that will be taken configure has said which pairs cp_pipe will not use.
        times = [flats.times[exposure] for exposure in sorted(flats.found.exposures)]
        if remark := pairing_warning(times, context.spec.pipelines.pairing):
            context.journal.warn(remark)
    plan = context.plan
    for name in found.unpaired:
        context.journal.warn(
            f"No two consecutive flats have the same exposure time: no {PRODUCTS[name].singular} is estimated."
        )
        plan = plan.without(name)
    return replace(context, spec=replace(context.spec, plan=plan))


# Set up.


async def set_up_instrument(context: RunContext) -> None:
    """Set filter and the like once, before the images.

    Parameters
    ----------
    context : `RunContext`
        The run, checked.

    Raises
    ------
    PreconditionError
        If it cannot be set, or flats cannot be taken with what is in the beam then.
    """
    if not _exposing(context):
        return
    host = context.host
    wanted, installed = (
        host.get_instrument_configuration(),
        await answer_of("get_installed", host.get_installed()),
    )
    given = {
        name: as_installed(value, installed.get(name, ()))
        for name, value in wanted.items()
        if value is not None
    }
    words = ", ".join(f"{name} {value}" for name, value in given.items()) or "left as it is"
    await context.checkpoints.reach(f"Setup {host.instrument_name}: {words}")
    if given:
        try:
            await host.camera.setup_instrument(**given)
        except Exception as error:
            heed_cancellation()
            what = (
                f"{words} was not set"
                if len(given) == 1
                else f"Setting {words} failed, perhaps one of them only"
            )
            raise _refusal(context, [f"{what}: {_why_not_set(error)}."]) from error
        heed_cancellation()
    if ImageType.FLAT in _exposing(context):
        context.journal.report(FilterFound(await _filter_of_flats(context)))


def _why_not_set(error: Exception) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        # What the camera class raises where the command was accepted, and the event of its end does not come.
        return "that it is in place was not reported in time; look at the filter wheel or changer"
    return describe(error)


async def _filter_of_flats(context: RunContext) -> str | None:
    """Return the filter that is set; refuse another one than asked for, and what cannot work in it."""
    expected = context.spec.physical_filter
    in_beam = await filter_in_beam(context.host, expected)
    if problem := filter_problem(expected, in_beam):
        raise _refusal(context, [problem])
    if expected is not None:
        return expected
    if in_beam is None:
        held = f"whether {context.config.calib_collection} already holds flats in it, and "
        context.journal.warn(
            f"{context.host.instrument_name} does not report the filter in the beam, so it was not checked before "
            f"the images {held if context.found.unasked else ''}whether the calibrations that it needs exist. Where "
            "that matters, stop the script and set filter in the configuration, by name."
        )
        return None
    # It shows only now, so only now can the repository be asked about it.
    found = await _ask_repository(context, replace(context.spec, physical_filter=in_beam))
    if found.problems:
        raise _refusal(context, found.problems)
    _tell_of_references(context, found)
    return in_beam


def _refusal(context: RunContext, problems: Sequence[str]) -> PreconditionError:
    """Keep what stands in the way of the first exposure, and return the error that says so."""
    for problem in problems:
        context.journal.keep_failure(problem)
    return _RefusalError(problems)
