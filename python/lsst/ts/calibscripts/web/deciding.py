"""Makes decisions, from a page or from the command line. Blocks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..decisions import (
    Decision,
    ProductSubject,
    Subject,
    Verb,
    check_signature,
    check_writable,
    decide,
    read_decisions,
)
from ..errors import CalibScriptsError, DecisionError
from ..ground.appending import alone_with
from ..record import Record
from ..run.afterwards import certify_afterwards
from ..tables.products import PRODUCTS

__all__ = ["certify", "mark_bad", "on_product", "withdraw"]


def on_product(directory: Path, record: Record, product: str, verb: Verb, who: str, why: str) -> Decision:
    """Approve or reject a product of a run.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where its record is.
    product : `str`
        E.g. BIAS.
    verb : `Verb`
        APPROVE or REJECT.

    Raises
    ------
    DecisionError
        If there is no such product, or the decision cannot be recorded.
    """
    known = [name for name in PRODUCTS if any(step.product == name for step in record.state.steps)]
    if product not in known:
        raise DecisionError(
            f"{record.name} has no product {product!r}, only {', '.join(known) or 'none'}. Nothing was decided."
        )
    return decide(directory, who, why, verb, ProductSubject(record.name, product))


def certify(
    heeded: Sequence[Path], record: Record, product: str, who: str, why: str, repo: str | None = None
) -> Decision:
    """Certify in spite of failures exactly what a run has made, and record who has decided it.

    Parameters
    ----------
    heeded : sequence of `pathlib.Path`
        Directories whose decisions count. It is recorded in that of the record.
    product : `str`
        E.g. BIAS.
    repo : `str`, optional
        Butler repository; the one of the run by default.

    Raises
    ------
    DecisionError
        If it has no name or no reason, or cannot be recorded.
    CalibScriptsError
        If it could not be certified.
    """
    directory = record.path.parent
    check_signature(who, why)
    check_writable(directory)
    # Of two who certify the same at the same time the second one reads what the first one has decided.
    with alone_with(record.path):
        certified = certify_afterwards(record, product, read_decisions(heeded), repo=repo)
        subject = ProductSubject(record.name, product)
        try:
            return decide(directory, who, why, Verb.CERTIFY, subject, certified=certified)
        except CalibScriptsError as error:
            raise DecisionError(
                f"{product} WAS certified into {certified.collection}, but that could not be recorded: {error}"
            ) from error


def mark_bad(directory: Path, subject: Subject, who: str, why: str) -> Decision:
    """Mark an exposure or a master as bad.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where the records are.

    Raises
    ------
    DecisionError
        If it is marked already, or cannot be recorded.
    """
    for known in read_decisions([directory]).standing:
        if known.subject == subject and known.verb is Verb.MARK_BAD:
            raise DecisionError(f"{subject} is already {known.signed} ({known.id}). Nothing was decided.")
    return decide(directory, who, why, Verb.MARK_BAD, subject)


def withdraw(directory: Path, id_: str, who: str, why: str) -> Decision:
    """Withdraw a decision; what it has certified stays certified.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where the records are.
    id_ : `str`
        Identifier of the decision.

    Raises
    ------
    DecisionError
        If there is no such decision, it was withdrawn already, or has certified something.
    """
    decisions = read_decisions([directory])
    found = next((each for each in decisions.all if each.id == id_ and each.verb is not Verb.WITHDRAW), None)
    if found is None:
        raise DecisionError(f"There is no decision {id_!r} in {directory}. Nothing was decided.")
    if found.id in decisions.withdrawn:
        raise DecisionError(f"{id_} was withdrawn already. Nothing was decided.")
    if found.certified:
        raise DecisionError(
            f"{id_} has certified {found.certified.product} into {found.certified.collection}, which a withdrawal "
            "does not undo: decertify it with the butler and mark the master as bad. Nothing was decided."
        )
    return decide(directory, who, why, Verb.WITHDRAW, found.subject, withdraws=id_)
