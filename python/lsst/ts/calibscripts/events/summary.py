"""The state of a run -> the one text at its end, however it ended. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..ground.text import counted, exposure_range, listed
from ..plan import Action, StepId
from .events import Certified
from .parts import SetState, StepStanding
from .references import references_line
from .resume import TO_RESUME, next_steps, to_resume
from .state import RunState

__all__ = ["headline_of_run", "not_certified", "run_summary"]

_SHOWN = (StepStanding.ABORTED, StepStanding.CANCELLED, StepStanding.NOT_STARTED)
"""Steps that the headline counts; those that failed are among its failures."""


def run_summary(state: RunState, script: str, given: Mapping[str, Any]) -> str:
    """Write the summary of a run.

    Parameters
    ----------
    state : `RunState`
        The run.
    script : `str`
        E.g. ``auxtel/make_latiss_calibrations.py``.
    given : mapping
        Configuration as the user wrote it.

    Returns
    -------
    `str`
        A headline, then one section each for the images, the references, the steps, what is certified and
        what is not, failures, warnings and what to do next; only those that hold something, except that it
        is always said what is taken and what is certified.
    """
    taken = [_taken(images) for images in state.sets.values() if images.begun]
    if state.flat_darks:
        taken.append(
            f"flat-darks: {len(state.flat_darks)}: {exposure_range(state.flat_darks)}; read by no job"
        )
    certified = [_certified(product) for product in state.certified.values()]
    lines = [
        f"{script} ends {headline_of_run(state)}.",
        *_section("Images taken", taken or ["none"]),
        *_section("References", [references_line(state.references)] if state.references else []),
        *_section("Steps", [_step(state, step_id) for step_id in state.steps]),
        *_section("Certified", certified or ["nothing"]),
        *_section("NOT certified", [f"{name}: {why}" for name, why in not_certified(state).items()]),
        *_section("Failures", state.failures),
        *_section("Warnings", state.warnings),
        *_section("What to do next", [*next_steps(state), *_resume(state, given)]),
    ]
    return "\n".join(lines)


def headline_of_run(state: RunState) -> str:
    """Report in one line how a run ended, e.g. for its last checkpoint.

    Parameters
    ----------
    state : `RunState`
        The run.

    Returns
    -------
    `str`
        E.g. ``DONE: 66 images taken, 3 products certified, 0 failures, 1 warning``.
    """
    n_images = sum(len(images.taken + images.tests) for images in state.sets.values() if not images.existing)
    n_images += len(state.flat_darks)
    counts = Counter(state.standings.values())
    steps = "".join(
        f"{counted(counts[standing], 'step')} {standing}, " for standing in _SHOWN if counts[standing]
    )
    return (
        f"{state.outcome}: {counted(n_images, 'image')} taken, "
        f"{counted(len(state.certified), 'product')} certified, {steps}"
        f"{counted(len(state.failures), 'failure')}, {counted(len(state.warnings), 'warning')}"
    )


def not_certified(state: RunState) -> dict[str, str]:
    """Return why each product was not certified that was to be.

    Parameters
    ----------
    state : `RunState`
        The run.

    Returns
    -------
    `dict` [`str`, `str`]
        Product -> why, in the order of the plan.
    """
    wanted = (step_id for step_id in state.steps if step_id.action is Action.CERTIFY)
    return {
        step.product: _not_certified(state, step) for step in wanted if step.product not in state.certified
    }


def _not_certified(state: RunState, step_id: StepId) -> str:
    verdict = state.product(step_id.product).verdict
    if verdict is not None and not verdict.passed:
        return "it failed verification" if verdict.judged else "it could not be judged"
    compared = state.product(step_id.product).compared
    if compared is not None and compared.withheld:
        return "it has moved from the one before" if compared.moved else "it could not be compared"
    if state.product(step_id.product).doubtful is not None:
        return "unknown: it may be certified, see the warnings"
    match state.standing(step_id):
        case StepStanding.FAILED:
            return "certifying it failed"
        case StepStanding.CANCELLED | StepStanding.ABORTED:
            return "a step it needs failed"
        case _:
            return "the run ended before"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        yield from (f"    {line}" for line in lines)


def _taken(images: SetState) -> str:
    used, wanted = images.used, images.planned.n_kept
    short = f" of {wanted} wanted" if len(used) != wanted else ""
    return "".join(
        [
            f"{images.image_type}: {len(used)}{short}: {exposure_range(used)}",
            _aside("discarded", images.discarded),
            _aside("left out", images.left_out),
            _aside("test flats", images.tests),
            f"; {images.time_found.text}" if images.time_found else "",
            "; taken before" if images.existing else "",
        ]
    )


def _aside(what: str, exposures: Iterable[int]) -> str:
    return f"; {what} {exposure_range(exposures)}" if exposures else ""


def _step(state: RunState, step_id: StepId) -> str:
    step = state.steps[step_id]
    known = f" (job {step.job_id}, collection {step.collection})" if step.job_id else ""
    failed = [attempt.job_id or "unknown" for attempt in step.earlier]
    before = f", after {'jobs' if len(failed) > 1 else 'job'} {listed(failed)} failed" if failed else ""
    return f"{step_id}: {state.standing(step_id)}{known}{before}"


def _certified(product: Certified) -> str:
    unverified = ", without verification" if product.unverified else ""
    return (
        f"{product.product} in {product.collection}, valid {product.begin or 'always before'} .. "
        f"{product.end or 'open'} (TAI){unverified}"
    )


def _resume(state: RunState, given: Mapping[str, Any]) -> Iterator[str]:
    found = to_resume(state, given)
    if found is not None:
        yield f"{TO_RESUME} below. {found.sentence}:\n{found.text}"
