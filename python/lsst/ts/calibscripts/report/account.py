"""What a report tells of a run, whichever form it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ..errors import RepositoryError
from ..plan import Action, StepId
from ..products import PRODUCTS, ImageType
from ..progress import ImageSetClosed, Stage
from ..record import Record
from .archive import ALL_IMAGES, Archive, Question, gather
from .evidence import Evidence, Verification
from .summary import Certified, RunSummary, StepOutcome, TakenSet
from .trends import Trend
from .verdicts import headline, verdict_line

__all__ = ["Account", "ProductAccount", "Standing", "of_collections", "of_record", "summary_of"]


class Standing(StrEnum):
    """What came of a product."""

    CERTIFIED = "certified"
    CERTIFIED_UNVERIFIED = "certified without verification"
    PASSED = "verification passed"
    FAILED = "verification failed"
    MADE = "made, not certified"
    MEASURED = "measured"
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
    """

    product: str
    standing: Standing
    sentence: str
    certified: Certified | None = None
    generation: str | None = None
    verification: str | None = None


@dataclass(frozen=True)
class Account:
    """Everything a report tells.

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
        What the butler told.
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


def of_record(record: Record, repo: str | None = None, *, images: Sequence[str] = ALL_IMAGES) -> Account:
    """Give the account of a recorded run. Blocks.

    Parameters
    ----------
    record : `Record`
        The run.
    repo : `str`, optional
        Butler repository; the one of the run by default. Where it cannot be opened, that is said, and the report
        is of the record alone.
    images : sequence of `str`
        Images to read.
    """
    about = record.about
    repo = repo or str(about.config.get("repo", f"/repo/{about.instrument}"))
    runs: dict[StepId, str] = {}
    try:
        with Archive(repo) as archive:
            runs = _runs(archive, record)
            evidence = gather(archive, _question(record, runs, images))
    except RepositoryError as error:
        evidence = Evidence(problems=(f"{error} This report is made of the record alone.",))
    title = f"{about.instrument} calibrations of {record.begun:%Y-%m-%d %H:%M} TAI"
    products = tuple(_of_product(record, name, evidence) for name in _products(record))
    return Account(title, about.instrument, repo, record, products, evidence, runs)


def _runs(archive: Archive, record: Record) -> dict[StepId, str]:
    found: dict[StepId, str] = {}
    for job in record.jobs:
        run = archive.repository.run_of(job.job_id) if job.job_id else None
        action, _, product = job.step.partition(" ")
        if run is not None and action in Action.__members__ and product in PRODUCTS:
            found[StepId(Action(action), product)] = run
    return found


def _question(record: Record, runs: Mapping[StepId, str], images: Sequence[str]) -> Question:
    config = record.about.config
    closed = {event.image_type: event for event in record.events(ImageSetClosed)}
    names = [name for name in ImageType.__members__ if name in closed]
    return Question(
        instrument=record.about.instrument,
        runs=runs,
        thresholds={
            name: int(config[key])
            for name in ImageType.__members__
            if (key := f"number_verification_tests_threshold_{name.lower()}") in config
        },
        exposures={name: closed[name].exposures for name in names},
        detectors={name: closed[name].detectors for name in names},
        images=tuple(images),
    )


def _products(record: Record) -> list[str]:
    seen = {*record.stages, *(job.step.partition(" ")[2] for job in record.jobs)}
    return [name for name in PRODUCTS if name in seen]


def _of_product(record: Record, name: str, evidence: Evidence) -> ProductAccount:
    generation, verification = (record.job(f"{action} {name}") for action in ("GENERATE", "VERIFY"))
    certified = record.certified.get(name)
    verdict = record.verdicts.get(name)
    stage = record.stages.get(name, "")
    judged = evidence.verification(name)
    if verdict is not None:
        counts = (
            f" {verdict.failed_exposures} of {verdict.exposures} exposures failed, limit {verdict.limit}."
        )
        sentence = verdict.headline.strip().rstrip(":") + (counts if verdict.exposures else "")
        if judged is not None and not verdict.exposures:
            sentence = f"{sentence} {verdict_line(judged.verdict, generation is not None)}"
    else:
        sentence = _without_verdict(name, stage)
    return ProductAccount(
        product=name,
        standing=_standing(
            certified=certified is not None,
            passed=None if verdict is None else verdict.passed,
            made=stage in (Stage.GENERATED, Stage.VERIFIED),
            to_certify=PRODUCTS[name].certified,
        ),
        sentence=sentence,
        certified=None
        if certified is None
        else Certified(name, certified.collection, certified.begin, certified.end, not certified.unverified),
        generation=generation.collection if generation else None,
        verification=verification.collection if verification else None,
    )


def _standing(*, certified: bool, passed: bool | None, made: bool, to_certify: bool) -> Standing:
    if passed is False:
        return Standing.FAILED
    if certified:
        return Standing.CERTIFIED if passed else Standing.CERTIFIED_UNVERIFIED
    if passed:
        return Standing.PASSED
    if made:
        return Standing.MADE if to_certify else Standing.MEASURED
    return Standing.NOT_DONE


def _without_verdict(name: str, stage: str) -> str:
    match stage:
        case Stage.GENERATED if not PRODUCTS[name].certified:
            return "Measured; it is never certified."
        case Stage.CERTIFIED:
            return "Certified without verification."
        case Stage.GENERATED:
            return "Made; not verified and not certified."
        case Stage.CANCELLED:
            return "Cancelled, since something it needs had failed."
        case Stage.FAILED:
            return "Failed; see the failures."
        case _:
            return f"The run ended before: {stage.lower() or 'not begun'}."


def of_collections(collections: Sequence[str], repo: str, *, images: Sequence[str] = ALL_IMAGES) -> Account:
    """Give the account of what is in some collections. Blocks.

    Parameters
    ----------
    collections : sequence of `str`
        Collections of jobs (``u/ocps/<jobId>``), RUNs, or CALIBRATION collections.
    repo : `str`
        Butler repository.
    images : sequence of `str`
        Images to read.

    Raises
    ------
    RepositoryError
        If the repository or a collection is not there, or there is nothing in them that a report is made of.
    """
    with Archive(repo) as archive:
        instrument, runs = archive.steps_of(archive.runs_of(collections))
        if not runs:
            raise RepositoryError(
                f"There are neither calibrations nor statistics of cp_verify in {', '.join(collections)}"
            )
        evidence = gather(archive, Question(instrument, runs, images=tuple(images)))
    names = [name for name in PRODUCTS if any(step.product == name for step in runs)]
    products = tuple(_of_runs(name, runs, evidence.verification(name)) for name in names)
    return Account(
        f"{instrument} calibrations in {', '.join(collections)}",
        instrument,
        repo,
        None,
        products,
        evidence,
        runs,
    )


def _of_runs(name: str, runs: Mapping[StepId, str], judged: Verification | None) -> ProductAccount:
    generation, verification = (runs.get(StepId(action, name)) for action in (Action.GENERATE, Action.VERIFY))
    passed = None if judged is None else judged.verdict.passed
    sentence = (
        f"{headline(judged.verdict, False).strip().rstrip(':')} {verdict_line(judged.verdict, False)}"
        if judged is not None
        else "There are no statistics of a verification in these collections."
    )
    standing = _standing(
        certified=False, passed=passed, made=generation is not None, to_certify=PRODUCTS[name].certified
    )
    return ProductAccount(name, standing, sentence, None, generation, verification)


def summary_of(record: Record) -> RunSummary:
    """Give the summary of a recorded run, as the script logs one at its end.

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
        not_certified=tuple(
            (name, verdict.headline) for name, verdict in record.verdicts.items() if not verdict.passed
        ),
        failures=record.failures,
        warnings=record.warnings,
    )


def _taken(record: Record) -> Iterator[TakenSet]:
    closed = {event.image_type: event for event in record.events(ImageSetClosed)}
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


def _steps(record: Record) -> Iterator[StepOutcome]:
    for job in record.jobs:
        if job.result is None:
            outcome = "running when the record ends"
        elif job.aborted:
            outcome = "aborted"
        else:
            outcome = "done" if job.completed else "failed"
        verdict = record.verdicts.get(job.step.removeprefix("VERIFY "))
        if job.step.startswith("VERIFY ") and verdict is not None:
            outcome = "passed" if verdict.passed else "failed"
        detail = job.result.outcome if outcome == "failed" and job.result and not job.completed else ""
        yield StepOutcome(job.step, outcome, job.job_id, job.collection, detail)
    for name in record.certified:
        yield StepOutcome(f"CERTIFY {name}", "done")
