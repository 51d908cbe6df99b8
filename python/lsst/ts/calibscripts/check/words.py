"""What `check` says: the plan of a run in words, and what was found wrong or doubtful."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby

from ..config import CalibrationsConfig, Pairing, flat_pairs
from ..ground.text import counted, detectors_of
from ..ocps.pipelines import Installed
from ..ocps.requests import input_collections, named_collections
from ..plan import Action, ExposureSet, Plan, Step, StepId, duration
from ..plan.exposure_time import MOST_TESTS
from ..preflight.spec import RunSpec
from ..tables.products import PRODUCTS, ImageType
from .configuration import Checked
from .lookup import Answers, Reference

__all__ = ["images", "inputs", "report", "verdict"]

_WIDTH = 110


def images(exposures: ExposureSet) -> str:
    """Report what is taken of an image type.

    Returns
    -------
    `str`
        E.g. ``4 darks (first 1 discarded): 4 x 6 s``.
    """
    if exposures.taken:
        return f"{exposures}, which were taken before"
    if exposures.image_type is ImageType.BIAS:
        return str(exposures)
    runs = groupby(exposure.exposure_time for exposure in exposures.exposures)
    times = ", ".join(f"{len(list(run))} x {time:g} s" for time, run in runs)
    if (goal := exposures.goal) is None:
        return f"{exposures}: {times}"
    what = "the longest" if goal.scales else "they"
    search = f"{what} will have {goal.text}, found with at most {MOST_TESTS} test flats"
    return f"{exposures}: {times} is the first guess; {search}"


def inputs(config: CalibrationsConfig, plan: Plan, step: Step) -> tuple[str, ...]:
    """Name the input collections of a job in the order they are searched, before the jobs have their ids.

    Parameters
    ----------
    step : `Step`
        GENERATE or VERIFY of a product.

    Returns
    -------
    `tuple` [`str`]
        Collections; of a product that is made in the same run ``RUN of GENERATE BIAS``.
    """
    fresh = {name: f"RUN of {StepId(Action.GENERATE, name)}" for name in plan.fresh(step)}
    named = named_collections(config, step.id)
    return tuple(
        name if name in named or name in fresh.values() else f"{name} (where it exists)"
        for name in input_collections(config, step.id, fresh, calib_exists=True)
    )


def report(checked: Checked, answers: Answers | None = None, *, pipelines: bool = False) -> str:
    """Describe everything about a configuration.

    Parameters
    ----------
    answers : `Answers`, optional
        What a repository has answered.
    pipelines : `bool`, optional
        Also name the tasks of the pipelines, and what they read and write.

    Returns
    -------
    `str`
        The plan where there is one, then warnings, problems and the verdict.
    """
    parts = [
        *_plan(checked),
        *(_section("Pipelines", _pipelines(checked)) if pipelines else ()),
        *(_section(f"Repository {answers.uri} (only read)", _answers(answers)) if answers else ()),
        *_section("Warnings", checked.warnings),
        *_section("Problems", checked.problems),
        verdict(checked.problems, checked.warnings),
    ]
    return "\n".join(parts)


def verdict(problems: Sequence[str], warnings: Sequence[str]) -> str:
    """Sum up in one line.

    Parameters
    ----------
    problems, warnings : sequence of `str`
        What there is of each.

    Returns
    -------
    `str`
        E.g. ``REFUSED: 2 problems, 1 warning`` or ``OK: 0 problems, 0 warnings``.
    """
    found = f"{counted(len(problems), 'problem')}, {counted(len(warnings), 'warning')}"
    return f"{'REFUSED' if problems else 'OK'}: {found}"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Write lines below a title, folded, with an empty line behind them; nothing where there are none."""
    if found := list(lines):
        yield title
        for line in found:
            yield from _folded(line)
        yield ""


def _folded(line: str) -> list[str]:
    # Names of collections and pipelines must stay in one piece, to be copied and searched for.
    return textwrap.wrap(
        line,
        _WIDTH,
        initial_indent="  ",
        subsequent_indent="      ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plan(checked: Checked) -> Iterator[str]:
    if (spec := checked.spec) is None:
        return
    plan = spec.plan
    yield f"{checked.script.name} on {spec.instrument}, {detectors_of(spec.detectors)}, repository {spec.config.repo}"
    yield ""
    title = f"Images, camera time {duration(plan.camera_seconds)}" if plan.camera_seconds else "Images"
    yield from _section(title, _images(spec))
    yield from _section("Processing", _processing(spec))
    yield from _section("Certified", _certified(spec))
    yield f"Estimated duration: {duration(plan.seconds)}"
    yield ""


def _images(spec: RunSpec) -> Iterator[str]:
    path = spec.config.light_path.items()
    names = ", ".join(f"{name} {'as it is' if value is None else value}" for name, value in path)
    for exposures in spec.plan.sets:
        flat = exposures.image_type is ImageType.FLAT and not exposures.taken
        yield images(exposures) + (f"; {names}" if flat else "")
    if flat_darks := spec.plan.flat_darks:
        yield f"after the flats {images(flat_darks)}, which no job reads"


def _processing(spec: RunSpec) -> Iterator[str]:
    plan, pipelines = spec.plan, spec.pipelines
    jobs = [step for step in plan.steps if step.id.action is not Action.CERTIFY]
    if not jobs:
        yield "none: the images are only taken"
    for step in jobs:
        pipeline = pipelines.installed.get(step.id)
        options = str(pipelines.options.get(step.id, ""))
        pairs = _pairs(plan, pipelines.pairing) if step.product.paired else ""
        yield (
            f"{step.id}: {pipeline.uri if pipeline else 'pipeline unknown'} on {_sets(step, plan)}{pairs}, "
            f"{_when(step)}; inputs: {', '.join(inputs(spec.config, plan, step))}"
            + (f"; options: {options}" if options else "")
        )
    if jobs and spec.config.job_attempts > 1:
        yield f"a job that fails is submitted again: at most {spec.config.job_attempts} attempts for each step"


def _pipelines(checked: Checked) -> Iterator[str]:
    """Report the tasks of each pipeline, and what it reads and writes."""
    if checked.spec is None:
        return
    for step_id, found in checked.spec.pipelines.installed.items():
        yield f"{step_id}: {found.uri}, {_tasks(found)}; {_reading(found)}"


def _tasks(found: Installed) -> str:
    return "tasks unknown" if found.labels is None else f"tasks {', '.join(found.labels)}"


def _reading(found: Installed) -> str:
    if (reading := found.reading) is None:
        return "what it reads is unknown"
    reads = [
        f"{read.dataset_type}{' (where there is one)' if read.optional else ''}" for read in reading.reads
    ]
    unknown = f"; of {', '.join(reading.unknown)} it is unknown" if reading.unknown else ""
    return (
        f"reads {', '.join(reads) or 'no calibration'}, writes {', '.join(reading.writes)} (known from "
        f"{reading.source}{unknown})"
    )


def _pairs(plan: Plan, pairing: Pairing) -> str:
    """Report how many pairs there will be among flats that are still to be taken."""
    (flats,) = (found for found in plan.sets if found.image_type is ImageType.FLAT)
    if flats.taken:
        return ""
    n = len(flat_pairs([e.exposure_time for e in flats.exposures if not e.discarded], pairing).pairs)
    return f" ({counted(n, 'pair')})"


def _sets(step: Step, plan: Plan) -> str:
    sets = [found for found in plan.sets if found.image_type in step.images]
    return " and ".join(found.image_type.counted(found.n_kept) for found in sets)


def _when(step: Step) -> str:
    arrived = " and ".join(image_type.plural for image_type in step.images)
    return " and ".join(
        [
            *([f"after {', '.join(map(str, step.after))}"] if step.after else []),
            f"when the {arrived} are in the OODS",
        ]
    )


def _certified(spec: RunSpec) -> Iterator[str]:
    steps = [step for step in spec.plan.steps if step.id.action is Action.CERTIFY]
    if not steps:
        yield "nothing"
    for step, wanted in zip(steps, spec.certifications, strict=True):
        verified = any(
            other.action is Action.VERIFY and other.product == step.id.product for other in step.after
        )
        of_filter = f" in {wanted.physical_filter or 'the filter it has'}" if step.product.by_filter else ""
        yield (
            f"{wanted.dataset_type}{of_filter} into {wanted.collection} for {wanted.validity.interval}, after "
            f"{', '.join(map(str, step.after))}" + ("" if verified else "; it is not verified itself")
        )


def _answers(answers: Answers) -> Iterator[str]:
    yield from map(_reference, answers.references)
    if not answers.references:
        yield "no reference calibration was looked for"
    for free in answers.free:
        of_filter = _of_filter(PRODUCTS[free.product].by_filter, free.physical_filter)
        yield (
            f"{free.dataset_type}{of_filter}: nothing in {free.collection} overlaps {free.validity.interval}, so it "
            "can be certified"
        )


def _reference(reference: Reference) -> str:
    of_filter = _of_filter(reference.by_filter, reference.physical_filter)
    name = f"{reference.dataset_type}{of_filter}"
    where = ", ".join(reference.collections)
    if not reference.missing:
        now = datetime.now(UTC).replace(tzinfo=None)
        named = "".join(f"; {one.text}" for one in reference.events(now, None))
        return f"{name}: found in {where} for {detectors_of(reference.found)}{named}"
    found = f", found for {detectors_of(reference.found)}" if reference.found else ""
    return f"{name}: none in {where} for {detectors_of(reference.missing)}{found}"


def _of_filter(by_filter: bool, physical_filter: str | None) -> str:
    return f" in {physical_filter or 'any filter'}" if by_filter else ""
