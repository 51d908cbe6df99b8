"""A record, or collections, and the butler -> the account of a run. Blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from ..config import PropertyNames
from ..decisions import NO_DECISIONS, Decision, Decisions, decisions_on, own_decisions, read_decisions
from ..errors import RepositoryError
from ..ground.text import first_few
from ..plan import Action, StepId
from ..record import Record, with_decisions
from ..repository import Repository
from ..repository.archive import Archive
from ..tables.products import PRODUCTS, ImageType
from .contents import Account, Certificate, ProductAccount
from .products import product_of_run, product_of_runs
from .reading.evidence import Evidence
from .reading.gathering import ALL_IMAGES, Question, gather
from .standings import Standing

__all__ = [
    "Account",
    "ProductAccount",
    "Standing",
    "alone",
    "decided",
    "of_collections",
    "of_record",
    "question_of",
]


_MOST_NAMED = 3
"""Collections that the title of a report names."""


def of_record(
    record: Record,
    repo: str | None = None,
    *,
    images: Sequence[str] = ALL_IMAGES,
    decisions: Decisions | None = None,
) -> Account:
    """Return the account of a recorded run. Blocks.

    Parameters
    ----------
    repo : `str`, optional
        Butler repository; the one of the run by default. Where it cannot be opened, that is said, and the report
        is of the record alone.
    images : sequence of `str`
        Images to read.
    decisions : `Decisions`, optional
        What people have decided; by default what is kept beside the record.
    """
    about = record.about
    repo = repo or str(about.config.get("repo", f"/repo/{about.instrument}"))
    runs: Mapping[StepId, str] = {}
    try:
        with closing(Archive(repo)) as archive:
            question = question_of(archive, record, images)
            runs = question.runs
            evidence = gather(archive, question)
    except RepositoryError as error:
        evidence = Evidence(problems=(f"{error} This report is made from the record alone.",))
    account = replace(_begun(record), repo=repo, evidence=evidence, runs=runs)
    return decided(account, read_decisions([record.path.parent]) if decisions is None else decisions)


def alone(record: Record, *, running: bool = False, decisions: Decisions = NO_DECISIONS) -> Account:
    """Return the account of a recorded run without looking at its repository.

    Parameters
    ----------
    running : `bool`, optional
        Does it still go on, so that what is not done yet may still be?
    decisions : `Decisions`, optional
        What people have decided.
    """
    return decided(replace(_begun(record), running=running), decisions)


def _begun(record: Record) -> Account:
    """Return an account without products."""
    about = record.about
    return Account(
        title=f"{about.instrument} calibrations of {record.begun:%Y-%m-%d %H:%M} TAI",
        instrument=about.instrument,
        repo=str(about.config.get("repo", f"/repo/{about.instrument}")),
        record=record,
        products=(),
    )


def decided(account: Account, decisions: Decisions) -> Account:
    """Return the account of a recorded run with what came of its products once decisions are known. Pure.

    Parameters
    ----------
    decisions : `Decisions`
        All that people have decided.
    """
    if account.record is None:
        return account
    record, evidence = with_decisions(account.record, decisions), account.evidence
    products = tuple(
        replace(
            product_of_run(record, name, evidence, running=account.running),
            decisions=_decisions_on(decisions, account, name),
        )
        for name in (_planned(record) if account.running else _products(record))
    )
    return replace(account, record=record, products=products, bad=decisions.bad_exposures(account.instrument))


def _runs(repository: Repository, record: Record) -> dict[StepId, str]:
    found: dict[StepId, str] = {}
    for step_id, step in record.state.steps.items():
        # What a verification left that did not come to its end says nothing of the images.
        unfinished = step_id.action is Action.VERIFY and not step.completed
        run = repository.run_of(step.job_id) if step.job_id and not unfinished else None
        if run is not None and step_id.product in PRODUCTS:
            found[step_id] = run
    return found


def question_of(repository: Repository, record: Record, images: Sequence[str]) -> Question:
    """Return what is to be read of a run: of verifications what the script asked for. Blocks.

    Parameters
    ----------
    repository : `Repository`
        Where the RUNs of its jobs are.
    images : sequence of `str`
        Images to read.
    """
    config = record.about.config
    sets = record.state.sets.items()
    closed = {str(name): images.closed for name, images in sets if images.closed is not None}
    return Question(
        instrument=record.about.instrument,
        runs=_runs(repository, record),
        thresholds={
            str(name): int(config[key])
            for name in ImageType
            if (key := PropertyNames.of(name).threshold) in config
        },
        exposures={name: event.exposures for name, event in closed.items()},
        detectors={name: _verified(record, name) or event.detectors for name, event in closed.items()},
        asked=record.about.detectors,
        unjudged=frozenset(name for name, verdict in record.state.verdicts.items() if not verdict.judged),
        images=tuple(images),
        previous={
            name: product.compared.previous
            for name, product in record.state.products.items()
            if product.compared is not None and name in PRODUCTS
        },
    )


def _verified(record: Record, name: str) -> tuple[int, ...]:
    """Return the detectors that the verification of a product was to process; none where that is not recorded."""
    return record.state.step(StepId(Action.VERIFY, name)).detectors


def _products(record: Record) -> list[str]:
    seen = {*record.state.products, *(job.step.product for job in record.jobs)}
    return [name for name in PRODUCTS if name in seen]


def _decisions_on(decisions: Decisions, account: Account, name: str) -> tuple[Decision, ...]:
    generation = StepId(Action.GENERATE, name)
    run, made = "", account.runs.get(generation)
    if account.record is not None:
        run, made = account.record.name, account.record.state.step(generation).run or made
    return decisions_on(decisions, run=run, product=name, instrument=account.instrument, made=made)


def _planned(record: Record) -> list[str]:
    seen = {*_products(record), *(step_id.product for step_id in record.state.steps)}
    return [name for name in PRODUCTS if name in seen]


def of_collections(collections: Sequence[str], repo: str, *, images: Sequence[str] = ALL_IMAGES) -> Account:
    """Return the account of what is in some collections. Blocks.

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
        If the repository or a collection does not exist, or holds nothing to report on.
    """
    with closing(Archive(repo)) as archive:
        instrument, runs = archive.steps_of(archive.runs_of(collections))
        if not runs:
            raise RepositoryError(
                f"There are neither calibrations nor statistics of cp_verify in {', '.join(collections)}. A job "
                "that failed has made none; its inputs are not checked."
            )
        found = archive.certified(instrument, runs, collections)
        certified = {name: Certificate(name, where, *range_.texts) for name, (where, range_) in found.items()}
        evidence = gather(archive, Question(instrument, runs, images=tuple(images)))
    names = [name for name in PRODUCTS if any(step.product == name for step in runs)]
    decisions = own_decisions()
    title = f"{instrument} calibrations in {first_few(collections, _MOST_NAMED)}"
    account = Account(title, instrument, repo, None, (), evidence, runs)
    products = (
        replace(
            product_of_runs(name, runs, certified.get(name), evidence),
            decisions=_decisions_on(decisions, account, name),
        )
        for name in names
    )
    return replace(account, products=tuple(products), bad=decisions.bad_exposures(instrument))
