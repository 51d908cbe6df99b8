"""A product that a run has made and not certified is certified after its end, since somebody decides so. Blocks."""

from __future__ import annotations

from contextlib import closing

from ..decisions import Decision, Decisions, decision_against
from ..errors import CertificationError, ConflictError, DecisionError, ReadBackError
from ..events.events import Certified
from ..ground.time_range import TimeRange
from ..plan import Action, StepId
from ..preflight.examining import closed_flats, wrong_filter
from ..record import Record, with_decisions
from ..repository import ButlerRepository, Certification, Repository
from ..tables.bootstraps import RECORDS
from ..tables.products import PRODUCTS

__all__ = ["certifiable", "certify_afterwards"]


def certifiable(record: Record, product: str, decisions: Decisions) -> str:
    """Return why a product cannot be certified by a decision, empty where it can.

    Parameters
    ----------
    record : `Record`
        The run.
    product : `str`
        E.g. BIAS.
    decisions : `Decisions`
        All that people have decided.
    """
    state = with_decisions(record, decisions).state
    if product not in PRODUCTS or not PRODUCTS[product].certified:
        return f"{product} is not something that is certified."
    if state.ended is None:
        return f"{record.name} has no end: decide when the script no longer runs."
    if product in state.certified:
        return f"{product} of {record.name} is certified already."
    if not state.step(StepId(Action.GENERATE, product)).completed:
        return f"{record.name} has not made {product}."
    inputs = (name for name in state.made_before(product) if RECORDS[name].certified)
    missing = [name for name in inputs if name not in state.certified]
    if missing:
        return f"{product} was made from {' and '.join(missing)}, not certified either: decide on that first."
    if decisions.problems:
        problem = decisions.problems[0].rstrip(".")
        return f"Whether a decision speaks against {product} is unknown: {problem}. Fix that file first."
    against = decision_against(
        decisions, record.state, run=record.name, instrument=record.about.instrument, product=product
    )
    return "" if against is None else _withdraw_first(against)


def _withdraw_first(against: Decision) -> str:
    return f"{against.sentence}. If that is wrong, withdraw it first."


def certify_afterwards(
    record: Record, product: str, decisions: Decisions, *, repo: str | None = None
) -> Certified:
    """Certify exactly what a run has made, as its script would have. Blocks.

    Parameters
    ----------
    record : `Record`
        The run.
    product : `str`
        E.g. BIAS.
    decisions : `Decisions`
        All that people have decided.
    repo : `str`, optional
        Butler repository; the one of the run by default.

    Returns
    -------
    `Certified`
        What was certified, as the script would have recorded it.

    Raises
    ------
    DecisionError
        If there is nothing that could be certified.
    CalibScriptsError
        If it could not be certified, or whether it was is unknown; the text says which.
    """
    if why := certifiable(record, product, decisions):
        raise DecisionError(f"{why} Nothing was certified.")
    record = with_decisions(record, decisions)
    collection = str(record.about.config.get("calib_collection", "a collection without a name"))
    with closing(ButlerRepository(repo or str(record.about.config.get("repo", "")))) as repository:
        try:
            certified = _certify(repository, record, product, decisions)
        except (DecisionError, ReadBackError):
            raise
        except Exception as error:
            # Whatever the butler and its database say: it was not committed.
            raise CertificationError(product, collection, record.state.certified, error) from error
    return certified


def _certify(repository: Repository, record: Record, product: str, decisions: Decisions) -> Certified:
    repository.check(writing=True)
    wanted, run = _wanted(repository, record, product)
    # Once more, since only the repository knows the RUN where the record does not name it.
    if against := decisions.bad_masters(wanted.instrument).get((wanted.dataset_type, run)):
        raise DecisionError(f"{_withdraw_first(against)} Nothing was certified.")
    if problem := _obstacle(repository, record, wanted):
        raise ConflictError(problem)
    datasets = repository.certify(wanted, run, lambda: True)
    # Only who may commit no more gets None.
    assert datasets is not None
    verified = record.state.product(product).verdict is not None
    return Certified(product, wanted.collection, *wanted.validity.texts, datasets, not verified)


def _wanted(repository: Repository, record: Record, product: str) -> tuple[Certification, str]:
    """Return what is to be certified, and the RUN that holds it; records of earlier layouts do not name it."""
    config, step = record.about.config, record.state.step(StepId(Action.GENERATE, product))
    table = PRODUCTS[product]
    run = step.run or (repository.run_of(step.job_id) if step.job_id else None)
    if run is None:
        raise DecisionError(f"The job of GENERATE {product} left no RUN. Nothing was certified.")
    detectors = step.detectors or tuple(sorted(repository.made(run, table.dataset_type)))
    begin, end = (config.get(f"certify_calib_{side}_date") for side in ("begin", "end"))
    wanted = Certification(
        product=product,
        instrument=record.about.instrument,
        dataset_type=table.dataset_type,
        collection=str(config["calib_collection"]),
        validity=TimeRange.of(begin, end),
        detectors=detectors,
        physical_filter=record.state.physical_filter if table.by_filter else None,
        datasets=step.datasets,
    )
    return wanted, run


def _obstacle(repository: Repository, record: Record, wanted: Certification) -> str:
    """Return what stands in the way of a certification, as before a run and before its certifications."""
    if conflicts := repository.conflicts(wanted):
        return " ".join(map(str, conflicts))
    if (asked := closed_flats(record.state, PRODUCTS[wanted.product])) is None:
        return ""
    return wrong_filter(asked, repository.exposures(record.about.instrument, asked.exposures))
