"""What came of each product of a run, or of some collections. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ..events.events import Stage
from ..events.parts import StepStanding
from ..plan import Action, StepId
from ..record import Record
from ..tables.products import PRODUCTS
from .contents import Certificate, ProductAccount
from .reading.evidence import Evidence
from .remarks import gain_sentence
from .sentences import failed_tests, of_product, of_verdict
from .standings import Standing

__all__ = ["product_of_run", "product_of_runs"]

_TO_COME = (StepStanding.NOT_STARTED, StepStanding.RUNNING)


def product_of_run(record: Record, name: str, evidence: Evidence, *, running: bool) -> ProductAccount:
    """Return what came of a product of a recorded run.

    Parameters
    ----------
    name : `str`
        E.g. BIAS.
    running : `bool`
        Does the run still go on?
    """
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
    certify = StepId(Action.CERTIFY, name)
    if found is Standing.PASSED and certify in record.state.steps:
        # One that passed is good where nothing more was asked for.
        waiting = record.state.ended is None and record.state.standing(certify) in _TO_COME
        return Standing.TO_CERTIFY if waiting else Standing.NOT_CERTIFIED
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


def product_of_runs(
    name: str, runs: Mapping[StepId, str], certified: Certificate | None, evidence: Evidence
) -> ProductAccount:
    """Return what came of a product as the RUNs of its jobs say it, without a record.

    Parameters
    ----------
    name : `str`
        E.g. BIAS.
    runs : mapping [`StepId`, `str`]
        Step -> RUN with its outputs.
    certified : `Certificate` or `None`
        Where it is certified.
    """
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
