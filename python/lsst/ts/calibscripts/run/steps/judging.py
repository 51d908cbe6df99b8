"""What a job's outputs mean, and how that is said. All of it blocks: `AwaitableRepository.ask` calls it.

For 189 detectors it takes a second, and the heartbeat must not wait for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...ground.text import for_log, messages
from ...plan import Action, Step, StepId
from ...repository import Repository
from ...tables.products import parts_of
from ...verification import Verdict, words
from ...verification.failing import Measured, failure_patterns, headline_pattern, places_to_read
from ...verification.gains import PairGains, gain_report
from ...verification.reading import THRESHOLD, Verification, doubtful_gains, measured, verdict_on
from ..context import RunContext

__all__ = ["Judged", "JudgedGains", "judge", "judge_gains", "too_bright"]


@dataclass(frozen=True)
class Judged:
    """A verdict and how it is said."""

    verdict: Verdict  #: The verdict; statistics that are missing or unreadable are a failed verification.
    headline: str  #: What follows from it, in the documented words.
    numbers: str  #: Its numbers in one line.
    text: str  #: What is logged: one line where all is well, the documented report where a test failed.
    undecisive: str = ""  #: The failed tests that do not decide, in one line; empty where there is none.
    pattern: str = ""  #: Where tests failed, and how far from their limits; empty where none failed.


@dataclass(frozen=True)
class JudgedGains:
    """The gains of a job, and what is wrong with them."""

    texts: tuple[str, ...]  #: What is logged: all values, in as few messages as the middleware allows.
    lacking: tuple[int, ...]  #: Detectors of the step for which its own datasets hold no gain.
    doubts: str  #: The amplifiers whose gains cannot be right; empty for none.
    most_doubtful: bool  #: Whether these are more than half of them.


def judge(
    repository: Repository, context: RunContext, step: Step, run: str | None, exposures: Sequence[int]
) -> Judged:
    """Judge a verification job.

    Parameters
    ----------
    step : `Step`
        The step of the job.
    run : `str` or `None`
        RUN with its outputs, None if it left none.
    exposures : sequence of `int`
        Exposures that it was to verify.
    """
    verdict = _verdict(repository, context, step, run, exposures)
    generation = context.state.step(StepId(Action.GENERATE, step.id.product)).collection
    verification = context.state.step(step.id).collection or ""
    # A step that ends before it could begin was cancelled.
    in_vain = context.state.step(StepId(Action.CERTIFY, step.id.product)).ended is not None
    headline = words.headline(verdict, generation is not None, in_vain=in_vain)
    numbers = words.verdict_line(verdict, generation is not None)
    if verdict.clean:
        return Judged(verdict, headline, numbers, f"{headline} {numbers}")
    patterns = failure_patterns(verdict, _measured(repository, context, step, run, verdict))
    text = words.failure_report(verdict, generation, verification, patterns)
    where = f"butler get {step.product.statistics[0]} in {verification}"
    shown = f"{headline}\n{for_log(text, where=where)}"
    return Judged(
        verdict, headline, numbers, shown, words.undecisive_line(verdict), headline_pattern(patterns)
    )


def _measured(
    repository: Repository, context: RunContext, step: Step, run: str | None, verdict: Verdict
) -> Measured | None:
    """Read the values behind the failed tests of a verdict; None where there are none to read."""
    wanted = places_to_read(verdict)
    if run is None or not wanted or verdict.thresholds.by_detector:
        return None
    ids = {detector.name: detector.id for detector in context.found.detectors}
    types = (step.product.statistics[2], step.product.corrected)
    try:
        keys = [(exposure, ids[name]) for exposure, name in wanted if name in ids]
        return measured(repository.measured(run, types, keys), {i: name for name, i in ids.items()})
    except Exception:
        # They only say more about a verdict that stands: the report names the tests without them.
        context.journal.log.warning("The values of failed tests in %s could not be read.", run, exc_info=True)
        return None


def _verdict(
    repository: Repository, context: RunContext, step: Step, run: str | None, exposures: Sequence[int]
) -> Verdict:
    asked = Verification(
        product=step.product,
        run=run or "",
        exposures=exposures,
        detectors=[detector.name for detector in context.detectors.values()],
        known={detector.id: detector.name for detector in context.found.detectors},
        processed=context.state.step(step.id).detectors,
        threshold=context.config.of(step.product.name).threshold or THRESHOLD,
    )
    if run is None:
        return asked.failed("the verification job left no RUN")
    return verdict_on(asked, lambda: repository.statistics(run, step.product.statistics))


def judge_gains(repository: Repository, context: RunContext, step: Step, run: str) -> JudgedGains:
    """Report the gains of a job, whichever dataset type the installed stack writes.

    Parameters
    ----------
    step : `Step`
        The step of the job.
    run : `str`
        RUN with its outputs.
    """
    processed = context.state.step(step.id).detectors
    own = [g for g in repository.gains(run, step.product.dataset_types) if g.detector in processed]
    lacking = sorted({*processed} - {gain.detector for gain in own})
    parts = parts_of(step.id.product)
    written = [*(g for part in parts for g in repository.gains(run, part.dataset_types)), *own]
    names = {detector.id: detector.name for detector in context.detectors.values()}
    nominal = repository.nominal_gains(run)
    doubts, most_doubtful = doubtful_gains(own, nominal, names)
    gains = [
        PairGains(
            exposures=gain.exposures,
            detector=names[gain.detector],
            gain=gain.gain,
            noise=gain.noise,
            noise_unit=gain.noise_unit,
        )
        for gain in written
        if gain.detector in processed
    ]
    known = {(names[d], amplifier): gain for (d, amplifier), gain in nominal.items() if d in names}
    texts = messages(gain_report(gains, known)) if gains else []
    return JudgedGains(tuple(texts), tuple(lacking), doubts, most_doubtful)


def too_bright(repository: Repository, context: RunContext, step: Step, run: str) -> str:
    """Report that biases or darks are brighter after correction than the configuration allows; empty if not.

    Parameters
    ----------
    step : `Step`
        The step of the job that corrected them.
    run : `str`
        RUN with its outputs.
    """
    limit, product = context.config.bias_dark_counts_max, step.product
    if limit is None or not product.always_verified or product.by_filter:
        return ""
    try:
        level = repository.residual(run, product.corrected)
    except Exception as error:
        # A help for the observer; the verdict does not depend on it.
        return f"The level of the corrected {product.name} images could not be read: {error}"
    if level is None:
        return f"{product.name}: bias_dark_counts_max was not checked, {run} holds no {product.corrected}."
    if level <= limit:
        return ""
    return (
        f"{product.name} images have {level:.3g} ADU after correction, bias_dark_counts_max is {limit:g}: "
        f"look at {product.corrected} in {context.state.step(step.id).collection}, and report it."
    )
