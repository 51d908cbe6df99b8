"""What a report says of a run, whichever form it takes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..events.events import Ending, ImageSetClosed
from ..events.summary import Certified, RunSummary, StepOutcome, TakenSet, not_certified_because
from ..plan import Action, StepId
from ..record import Job, Record
from ..tables.products import PRODUCTS, ImageType
from .evidence import Evidence
from .next_steps import next_steps
from .trends import Trend

__all__ = ["Account", "ProductAccount", "Standing", "summary_of"]


class Standing(StrEnum):
    """What came of a product."""

    CERTIFIED = "certified"
    CERTIFIED_UNVERIFIED = "certified without verification"
    PASSED = "verification passed"
    FAILED = "verification failed"
    NOT_JUDGED = "could not be judged"
    CERTIFIED_SOMEHOW = "certified (no verification found)"
    MADE = "generated, not certified"
    GENERATED = "generated"
    MEASURED = "measured"
    MADE_CANCELLED = "generated, then cancelled"
    CANCELLED = "cancelled"
    NOT_DONE = "not done"


@dataclass(frozen=True)
class ProductAccount:
    """What came of one product.

    Attributes
    ----------
    product : `str`
        E.g. BIAS.
    standing : `Standing`
        In two words.
    sentence : `str`
        In the documented words, with the numbers of the verdict.
    certified : `Certified` or `None`
        Where and for how long it is certified.
    generation, verification : `str` or `None`
        Collections of its jobs.
    failed_tests : `int`
        Tests of its verification that failed.
    """

    product: str
    standing: Standing
    sentence: str
    certified: Certified | None = None
    generation: str | None = None
    verification: str | None = None
    failed_tests: int = 0


@dataclass(frozen=True)
class Account:
    """Everything a report says.

    Attributes
    ----------
    title : `str`
        Headline.
    instrument, repo : `str`
        Butler instrument name and repository.
    record : `Record` or `None`
        The record; None where the report is of collections alone.
    products : `tuple` [`ProductAccount`]
        In the order of the products.
    evidence : `Evidence`
        What the butler has.
    runs : mapping [`StepId`, `str`]
        Step -> RUN with its outputs.
    trends : `tuple` [`Trend`]
        Comparison with earlier runs.
    """

    title: str
    instrument: str
    repo: str
    record: Record | None
    products: tuple[ProductAccount, ...]
    evidence: Evidence = field(default_factory=Evidence)
    runs: Mapping[StepId, str] = field(default_factory=dict)
    trends: tuple[Trend, ...] = ()

    @property
    def collections(self) -> tuple[str, ...]:
        """RUNs of all jobs, verifications first."""
        order = sorted(
            self.runs, key=lambda step: (step.action is not Action.VERIFY, list(PRODUCTS).index(step.product))
        )
        return tuple(dict.fromkeys(self.runs[step] for step in order))


def summary_of(record: Record) -> RunSummary:
    """Return the summary of a recorded run, as the script logs one at its end.

    Parameters
    ----------
    record : `Record`
        The run.
    """
    return RunSummary(
        script=record.about.script,
        final_state=record.state,
        taken=tuple(_taken(record)),
        steps=tuple(_steps(record)),
        certified=tuple(
            Certified(c.product, c.collection, c.begin, c.end, not c.unverified)
            for c in record.certified.values()
        ),
        not_certified=tuple(_not_certified(record)),
        failures=record.failures,
        warnings=record.warnings,
        next_steps=next_steps(record),
    )


def _taken(record: Record) -> Iterator[TakenSet]:
    closed = {event.image_type: event for event in record.events(ImageSetClosed)}
    existing = record.about.config.get("exposures") or {}
    for name in ImageType.__members__:
        kept, discarded = record.exposures(name), record.exposures(name, discarded=True)
        if kept or discarded:
            left_out = closed[name].left_out_exposures if name in closed else ()
            yield TakenSet(
                image_type=name,
                wanted=int(record.about.config.get(f"n_{name.lower()}") or len(kept)),
                kept=tuple(exposure for exposure in kept if exposure not in left_out),
                discarded=discarded,
                left_out=left_out,
            )
        elif name in existing and name in closed:
            yield TakenSet(
                image_type=name,
                wanted=len(existing[name]),
                kept=tuple(e for e in closed[name].exposures if e not in closed[name].left_out_exposures),
                left_out=closed[name].left_out_exposures,
                existing=True,
            )


def _not_certified(record: Record) -> Iterator[tuple[str, str]]:
    for name in PRODUCTS:
        verdict = record.verdicts.get(name)
        failed = verdict is not None and not verdict.passed and record.job(f"GENERATE {name}") is not None
        ending = record.endings.get(f"CERTIFY {name}")
        if name not in record.certified and (failed or ending is not None):
            passed = None if verdict is None else verdict.passed
            judged = verdict is None or verdict.judged
            yield name, not_certified_because(ending or Ending.CANCELLED, passed=passed, judged=judged)


def _steps(record: Record) -> Iterator[StepOutcome]:
    """Return how the steps ended, as the run says; of one that was killed, how far they came."""
    for step in record.steps:
        job = record.job(step)
        outcome = record.endings.get(step) or _outcome(record, step, job)
        failed = outcome == Ending.FAILED and job is not None and job.result and not job.completed
        yield StepOutcome(
            step,
            outcome,
            job.job_id if job else None,
            job.collection if job else None,
            job.result.outcome if failed and job and job.result else "",
        )


def _outcome(record: Record, step: str, job: Job | None) -> str:
    """Return how far a step came that has no end in the record."""
    if job is None:
        certified = step.removeprefix("CERTIFY ") in record.certified
        return Ending.DONE if certified else Ending.NOT_STARTED
    if job.result is None:
        return "running when the record ends"
    verdict = (
        record.verdicts.get(job.step.removeprefix("VERIFY ")) if job.step.startswith("VERIFY ") else None
    )
    if verdict is not None:
        unsuccessful = Ending.FAILED if verdict.judged else Ending.NOT_JUDGED
        return Ending.PASSED if verdict.passed else unsuccessful
    if job.aborted:
        return Ending.ABORTED
    return Ending.DONE if job.completed else Ending.FAILED
