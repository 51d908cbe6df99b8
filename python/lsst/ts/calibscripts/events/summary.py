"""The one text at the end of a run, however it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..ground.text import counted, exposure_range
from .events import Ending

__all__ = [
    "Certified",
    "RunSummary",
    "StepOutcome",
    "TakenSet",
    "headline_of_run",
    "not_certified_because",
    "run_summary",
]


@dataclass(frozen=True)
class TakenSet:
    """Exposures of one type.

    Attributes
    ----------
    image_type : `str`
        BIAS, DARK or FLAT.
    wanted : `int`
        Exposures asked for, without the discarded ones.
    kept, discarded, left_out : `tuple` [`int`]
        Exposures that are used; the first ones, which are never used; those left out because they did not
        arrive.
    existing : `bool`
        Were they taken before, by another run?
    """

    image_type: str
    wanted: int
    kept: tuple[int, ...]
    discarded: tuple[int, ...] = ()
    left_out: tuple[int, ...] = ()
    existing: bool = False


@dataclass(frozen=True)
class StepOutcome:
    """How one step ended.

    Attributes
    ----------
    step : `str`
        E.g. ``GENERATE BIAS``.
    outcome : `str`
        One of `Ending`, or ``running when the record ends``.
    job_id : `str` or `None`
        OCPS job; None where the step had none or it is unknown.
    collection : `str` or `None`
        Where its outputs are.
    detail : `str`
        Why it ended so; may be empty.
    """

    step: str
    outcome: str
    job_id: str | None = None
    collection: str | None = None
    detail: str = ""


@dataclass(frozen=True)
class Certified:
    """One calibration product that was certified.

    Attributes
    ----------
    product : `str`
        E.g. BIAS.
    collection : `str`
        The CALIBRATION collection.
    begin, end : `str` or `None`
        Validity range, ISO-8601, TAI; None is open.
    verified : `bool`
        Whether it passed a verification.
    """

    product: str
    collection: str
    begin: str | None
    end: str | None
    verified: bool = True


@dataclass(frozen=True)
class RunSummary:
    """What a run did and did not do.

    Attributes
    ----------
    script : `str`
        E.g. ``auxtel/make_latiss_calibrations.py``.
    final_state : `str`
        DONE, FAILED or STOPPED.
    taken : `tuple` [`TakenSet`]
        Exposures, in the order taken.
    steps : `tuple` [`StepOutcome`]
        Steps, in the order of the plan.
    certified : `tuple` [`Certified`]
        What is certified now.
    not_certified : `tuple` [(`str`, `str`)]
        Product that was to be certified and is not, and why.
    failures, warnings, next_steps : `tuple` [`str`]
        One sentence each.
    """

    script: str
    final_state: str
    taken: tuple[TakenSet, ...] = ()
    steps: tuple[StepOutcome, ...] = ()
    certified: tuple[Certified, ...] = ()
    not_certified: tuple[tuple[str, str], ...] = ()
    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()


def run_summary(summary: RunSummary) -> str:
    """Write the summary of a run.

    Parameters
    ----------
    summary : `RunSummary`
        What was done and what was not.

    Returns
    -------
    `str`
        A headline, then one section each for the images, the steps, what is certified and what is not,
        failures, warnings and what to do next; of the last five only those that hold something, except that
        it is always said what is certified.
    """
    certified = [_certified(product) for product in summary.certified]
    not_certified = [f"{product}: {why}" for product, why in summary.not_certified]
    lines = [
        f"{summary.script} ends {headline_of_run(summary)}.",
        *_section("Images taken", [_taken(images) for images in summary.taken] or ["none"]),
        *_section("Steps", [_step(step) for step in summary.steps]),
        *_section("Certified", certified or ["nothing"]),
        *_section("NOT certified", not_certified),
        *_section("Failures", summary.failures),
        *_section("Warnings", summary.warnings),
        *_section("What to do next", summary.next_steps),
    ]
    return "\n".join(lines)


def headline_of_run(summary: RunSummary) -> str:
    """Report in one line how a run ended, e.g. for its last checkpoint.

    Parameters
    ----------
    summary : `RunSummary`
        What was done and what was not.

    Returns
    -------
    `str`
        E.g. ``DONE: 66 images taken, 3 products certified, 0 failures, 1 warning``.
    """
    n_images = sum(
        len(images.kept) + len(images.left_out) + len(images.discarded)
        for images in summary.taken
        if not images.existing
    )
    return (
        f"{summary.final_state}: {counted(n_images, 'image')} taken, "
        f"{counted(len(summary.certified), 'product')} certified, {_counted_endings(summary.steps)}"
        f"{counted(len(summary.failures), 'failure')}, {counted(len(summary.warnings), 'warning')}"
    )


def _counted_endings(steps: Iterable[StepOutcome]) -> str:
    """Count the steps that were not done, by how they ended; those that failed are among the failures."""
    counts = Counter(step.outcome for step in steps)
    shown = (Ending.ABORTED, Ending.CANCELLED, Ending.NOT_STARTED)
    return "".join(f"{counted(counts[ending], 'step')} {ending}, " for ending in shown if counts[ending])


def not_certified_because(ending: str, *, passed: bool | None, judged: bool) -> str:
    """Explain why a product was not certified.

    Parameters
    ----------
    ending : `str`
        How its certification ended.
    passed : `bool` or `None`
        Has it passed its verification? None where there is no verdict.
    judged : `bool`
        Could its verification be judged?
    """
    if passed is False:
        return "it failed verification" if judged else "it could not be judged"
    match ending:
        case Ending.FAILED:
            return "certifying it failed"
        case Ending.CANCELLED | Ending.ABORTED:
            return "a step it needs failed"
        case _:
            return "the run ended before"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        yield from (f"    {line}" for line in lines)


def _taken(images: TakenSet) -> str:
    n_kept = len(images.kept)
    short = f" of {images.wanted} wanted" if n_kept != images.wanted else ""
    return "".join(
        [
            f"{images.image_type}: {n_kept}{short}: {exposure_range(images.kept)}",
            _aside("discarded", images.discarded),
            _aside("left out", images.left_out),
            "; taken before" if images.existing else "",
        ]
    )


def _aside(what: str, exposures: Iterable[int]) -> str:
    return f"; {what} {exposure_range(exposures)}" if exposures else ""


def _step(step: StepOutcome) -> str:
    facts = [
        f"job {step.job_id}" if step.job_id else "",
        f"collection {step.collection}" if step.collection else "",
        step.detail,
    ]
    known = ", ".join(fact for fact in facts if fact)
    return f"{step.step}: {step.outcome}" + (f" ({known})" if known else "")


def _certified(product: Certified) -> str:
    unverified = "" if product.verified else ", without verification"
    return (
        f"{product.product} in {product.collection}, valid {product.begin or 'always before'} .. "
        f"{product.end or 'open'} (TAI){unverified}"
    )
