"""What came of a product, in a sentence or two. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..events.events import Stage, Verdicted
from ..ground.text import counted
from ..plan import Action, StepId
from ..record import Record
from ..tables.bootstraps import RECORDS
from ..tables.products import PRODUCTS
from ..verification import Verdict
from ..verification.failing import failure_patterns, headline_pattern
from ..verification.words import verdict_line
from .numbers import patterns_of
from .reading.evidence import Evidence
from .remarks import gain_sentence

__all__ = ["failed_tests", "of_product", "of_verdict"]


def failed_tests(evidence: Evidence, product: str) -> int:
    """Return how many tests of a product's verification failed.

    Parameters
    ----------
    product : `str`
        E.g. BIAS.
    """
    verification = evidence.verification(product)
    return 0 if verification is None else len(verification.verdict.failures)


_UNDER_WAY = {
    Stage.WAITING: "Not begun yet.",
    Stage.TAKING: "Its images are being taken, or are on their way.",
    Stage.INGESTED: "Its images have arrived and are being processed.",
    Stage.GENERATED: "Generated, and not certified yet.",
    Stage.VERIFIED: "Verified, and not certified yet.",
}
"""What is said of a product at each stage while its run goes on."""


def of_product(record: Record, name: str, evidence: Evidence, *, running: bool = False) -> str:
    """Report what came of a product of a recorded run.

    Parameters
    ----------
    name : `str`
        E.g. BIAS.
    running : `bool`, optional
        Does the run still go on?
    """
    product = record.state.product(name)
    if product.verdict is not None:
        return _of_verdicted(record, product.verdict, evidence, running=running)
    measured = product.stage is Stage.GENERATED and not PRODUCTS[name].certified
    if running and product.stage in _UNDER_WAY and not measured:
        return _UNDER_WAY[product.stage]
    gain = gain_sentence(evidence) if name in PRODUCTS and PRODUCTS[name].measures_gains else ""
    return f"{_without_verdict(record, name)} {gain}".strip()


def _of_verdicted(record: Record, verdict: Verdicted, evidence: Evidence, *, running: bool) -> str:
    name = verdict.product
    judged = evidence.verification(name)
    generating = record.job(StepId(Action.GENERATE, name)) is not None
    numbers = (
        f"{verdict.failed_exposures} of {verdict.exposures} {verdict.noun}s failed (limit {verdict.limit})."
        if verdict.exposures and verdict.judged
        else ("" if judged is None else verdict_line(judged.verdict, generating))
    )
    if running and verdict.passed and generating and record.state.product(name).stage in _UNDER_WAY:
        text = f"{name} calibration {_result(verdict)} and is not certified yet."
    else:
        text = _verdict_words(name, _result(verdict), generating, certified=name in record.state.certified)
    pattern = (
        verdict.pattern if judged is None else headline_pattern(patterns_of(judged, evidence.nominal.noises))
    )
    return " ".join(part for part in (text, numbers, _tests(failed_tests(evidence, name)), pattern) if part)


def _result(verdict: Verdict | Verdicted) -> str:
    if verdict.passed:
        return "passed verification criteria"
    return "failed verification" if verdict.judged else "could not be judged"


def _verdict_words(name: str, result: str, generating: bool, *, certified: bool) -> str:
    """Report what came of a verification, in the documented words where there are any, but of what has happened."""
    if not generating:
        return f"{name} exposures {result}."
    passed = result.startswith("passed")
    link = "and was" if certified else "but was not" if passed else "and was not"
    return f"{name} calibration {result} {link} certified."


def _tests(failed: int) -> str:
    return f"{counted(failed, 'test')} failed in all." if failed else ""


def of_verdict(verdict: Verdict, *, generated: bool, certified: bool) -> str:
    """Report what came of a verification that is judged from its statistics alone.

    Parameters
    ----------
    generated, certified : `bool`
        Is the calibration among what is reported, and is it certified?
    """
    name = verdict.image_type
    if verdict.reason:
        return f"{name}: no statistics ({verdict.reason})."
    words = (
        _verdict_words(name, _result(verdict), generating=True, certified=True)
        if generated and certified
        else f"{name} {'calibration' if generated else 'exposures'} {_result(verdict)}."
    )
    pattern = headline_pattern(failure_patterns(verdict))
    return f"{words} {verdict_line(verdict, False)}. {_tests(len(verdict.failures))} {pattern}".strip()


def _without_verdict(record: Record, name: str) -> str:
    product = record.state.product(name)
    if product.certified is not None and product.stage is not Stage.CERTIFIED:
        return "Generated, not verified, and certified after the run."
    match product.stage:
        case Stage.GENERATED if not PRODUCTS[name].certified:
            return "Measured; it is never certified."
        case Stage.CERTIFIED:
            return "Certified without verification."
        case Stage.GENERATED:
            return "Generated, but neither verified nor certified."
        case Stage.CANCELLED:
            done = "Generated, but not certified" if product.generated else "Not generated"
            return f"{done}: {_cause(record, name)}."
        case Stage.FAILED:
            return "Failed; see the failures."
        case _:
            begun = name in record.state.products
            return f"The run ended before: {product.stage.lower() if begun else 'not begun'}."


def _cause(record: Record, name: str) -> str:
    causes = list(_causes(record, name))
    return f"it depends on {' and '.join(causes)}" if causes else "the run ended before"


def _causes(record: Record, name: str) -> Iterator[str]:
    needed = {*record.state.origins(name), *map(str, PRODUCTS[name].images)} - {name}
    for other in (product for product in RECORDS if product in needed):
        verdict = record.state.product(other).verdict
        if verdict is not None and not verdict.passed:
            yield f"{other}, which {_result(verdict)}"
        elif record.state.product(other).stage is Stage.FAILED:
            yield f"{other}, which failed"
