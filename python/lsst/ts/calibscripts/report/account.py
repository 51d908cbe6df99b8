"""A record, or collections, and the butler -> the account of a run. Blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..config import PropertyNames
from ..decisions import NO_DECISIONS, Decisions, read_decisions
from ..errors import RepositoryError
from ..events.events import Stage
from ..ground.text import first_few
from ..plan import Action, StepId
from ..record import Record
from ..repository import Repository
from ..repository.archive import Archive
from ..tables.products import PRODUCTS, ImageType
from .contents import Account, Certificate, ProductAccount, Standing
from .evidence import Evidence
from .gathering import ALL_IMAGES, Question, gather
from .remarks import gain_sentence
from .sentences import failed_tests, of_product, of_verdict

__all__ = ["Account", "ProductAccount", "Standing", "alone", "of_collections", "of_record", "question_of"]


_MOST_NAMED = 3
"""Collections that the title of a report names."""


def of_record(record: Record, repo: str | None = None, *, images: Sequence[str] = ALL_IMAGES) -> Account:
    """Return the account of a recorded run. Blocks.

    Parameters
    ----------
    repo : `str`, optional
        Butler repository; the one of the run by default. Where it cannot be opened, that is said, and the report
        is of the record alone.
    images : sequence of `str`
        Images to read.
    """
    about = record.about
    repo = repo or str(about.config.get("repo", f"/repo/{about.instrument}"))
    runs: Mapping[StepId, str] = {}
    try:
        with Archive(repo) as archive:
            question = question_of(archive, record, images)
            runs = question.runs
            evidence = gather(archive, question)
    except RepositoryError as error:
        evidence = Evidence(problems=(f"{error} This report is made from the record alone.",))
    decisions = read_decisions([record.path.parent])
    return replace(_of_record(record, evidence, decisions), repo=repo, runs=runs)


def alone(record: Record, *, running: bool = False, decisions: Decisions = NO_DECISIONS) -> Account:
    """Return the account of a recorded run without looking at its repository.

    Parameters
    ----------
    running : `bool`, optional
        Does it still go on, so that what is not done yet may still be?
    """
    return _of_record(record, Evidence(), decisions, running=running)


def _of_record(record: Record, evidence: Evidence, decisions: Decisions, *, running: bool = False) -> Account:
    about = record.about
    names = _planned(record) if running else _products(record)
    return Account(
        title=f"{about.instrument} calibrations of {record.begun:%Y-%m-%d %H:%M} TAI",
        instrument=about.instrument,
        repo=str(about.config.get("repo", f"/repo/{about.instrument}")),
        record=record,
        products=tuple(
            replace(
                _of_product(record, name, evidence, running=running),
                decisions=_decided(record, name, decisions),
            )
            for name in names
        ),
        evidence=evidence,
        running=running,
    )


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


def _decided(record: Record, name: str, decisions: Decisions) -> tuple[str, ...]:
    return tuple(_sentence(decision.signed) for decision in decisions.of_product(record.name, name))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _planned(record: Record) -> list[str]:
    seen = {*_products(record), *(step_id.product for step_id in record.state.steps)}
    return [name for name in PRODUCTS if name in seen]


def _of_product(record: Record, name: str, evidence: Evidence, *, running: bool) -> ProductAccount:
    generation, verification = (
        record.state.step(StepId(action, name)).collection for action in (Action.GENERATE, Action.VERIFY)
    )
    product = record.state.product(name)
    certified = product.certified
    return ProductAccount(
        product=name,
        standing=_standing_under_way(record, name) if running else _standing_of(record, name),
        sentence=of_product(record, name, evidence, running=running),
        certified=None
        if certified is None
        else Certificate(
            name, certified.collection, certified.begin, certified.end, not certified.unverified
        ),
        generation=generation,
        verification=verification,
        failed_tests=0 if product.verdict is None else failed_tests(evidence, name),
    )


def _standing_under_way(record: Record, name: str) -> Standing:
    """Return how a product stands while its run goes on."""
    product = record.state.product(name)
    measured = product.stage is Stage.GENERATED and not PRODUCTS[name].certified
    over = product.stage in (Stage.CERTIFIED, Stage.FAILED, Stage.CANCELLED)
    if product.verdict is not None or measured or over:
        return _standing_of(record, name)
    return Standing.WAITING if product.stage is Stage.WAITING else Standing.UNDER_WAY


def _standing_of(record: Record, name: str) -> Standing:
    product = record.state.product(name)
    verdict = product.verdict
    found = _standing(
        certified=product.certified is not None,
        passed=None if verdict is None else verdict.passed,
        judged=verdict is None or verdict.judged,
        made=product.stage in (Stage.GENERATED, Stage.VERIFIED),
        to_certify=PRODUCTS[name].certified,
    )
    if found is Standing.NOT_DONE and product.stage is Stage.CANCELLED:
        return Standing.MADE_CANCELLED if product.generated else Standing.CANCELLED
    return found


def _standing(
    *, certified: bool, passed: bool | None, judged: bool, made: bool, to_certify: bool
) -> Standing:
    if passed is False:
        return Standing.FAILED if judged else Standing.NOT_JUDGED
    if certified:
        return Standing.CERTIFIED if passed else Standing.CERTIFIED_UNVERIFIED
    if passed:
        return Standing.PASSED
    if made:
        return Standing.MADE if to_certify else Standing.MEASURED
    return Standing.NOT_DONE


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
        If the repository or a collection does not exist, or holds nothing that a report is made from.
    """
    with Archive(repo) as archive:
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
    products = tuple(_of_runs(name, runs, certified.get(name), evidence) for name in names)
    return Account(
        f"{instrument} calibrations in {first_few(collections, _MOST_NAMED)}",
        instrument,
        repo,
        None,
        products,
        evidence,
        runs,
    )


def _of_runs(
    name: str, runs: Mapping[StepId, str], certified: Certificate | None, evidence: Evidence
) -> ProductAccount:
    generation, verification = (runs.get(StepId(action, name)) for action in (Action.GENERATE, Action.VERIFY))
    judged = evidence.verification(name)
    standing = _standing(
        certified=certified is not None,
        passed=None if judged is None else judged.verdict.passed,
        judged=judged is None or judged.verdict.judged,
        made=generation is not None,
        to_certify=PRODUCTS[name].certified,
    )
    if certified is not None and judged is None:
        standing = Standing.CERTIFIED_SOMEHOW
    elif standing is Standing.MADE:
        # It may be certified in a collection that was not looked at.
        standing = Standing.GENERATED
    if judged is not None:
        sentence = of_verdict(
            judged.verdict, generated=generation is not None, certified=certified is not None
        )
    else:
        gain = gain_sentence(evidence) if PRODUCTS[name].measures_gains else ""
        sentence = f"No statistics of a verification in these collections. {gain}".strip()
    if standing is Standing.GENERATED:
        sentence += " Not certified in the instrument's chain of calibrations or the collections named."
    return ProductAccount(
        name, standing, sentence, certified, generation, verification, failed_tests(evidence, name)
    )
