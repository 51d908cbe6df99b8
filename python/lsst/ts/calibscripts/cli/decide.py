"""`calibscripts decide`: decisions on calibrations and exposures, signed and kept beside the records."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..decisions import Decision, ExposureSubject, MasterSubject, Verb, read_decisions
from ..ground.home import record_directory, user_name
from ..record import read_record
from ..tables.products import PRODUCTS
from ._help import WholeSentences
from ._options import INSTRUMENT, RECORD, RECORDS

__all__ = ["decide"]

F = TypeVar("F", bound=Callable[..., Any])

_EXPOSURE = re.compile(r"20\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{5}")
_JOB = re.compile(r"u/ocps/[^/]+")

_PRODUCT = click.argument("product", type=click.Choice(list(PRODUCTS)))


def _signed(command: F) -> F:
    """Add the options of a signature."""
    command = click.option("--by", "who", default=user_name, help="Who decides; by default the user.")(
        command
    )
    return click.option("--why", required=True, help="Why; it is shown wherever the decision is.")(command)


@click.group(cls=WholeSentences)
def decide() -> None:
    """Decide on calibrations and exposures.

    Decisions are kept in a ledger beside the records, and shown wherever what they are on is shown.
    """


@decide.command("list")
@RECORDS
def list_(records: Path | None) -> None:
    """List all decisions."""
    directory = records or record_directory()
    decisions = read_decisions([directory])
    if not (decisions.all or decisions.problems):
        click.echo(f"Nobody has decided anything in {directory}.")
    for decision in decisions.all:
        withdrawn = decisions.withdrawn.get(decision.id)
        after = f"; {withdrawn.signed}" if withdrawn else ""
        click.echo(f"{decision.id}  {decision.subject}: {decision.signed}{after}")
    for problem in decisions.problems:
        click.echo(problem, err=True)


@decide.command()
@RECORD
@_PRODUCT
@_signed
def approve(record: Path, product: str, who: str, why: str) -> None:
    """Approve PRODUCT of the run of RECORD."""
    from ..web.deciding import on_product

    _echo(on_product(record.parent, read_record(record), product, Verb.APPROVE, who, why))


@decide.command()
@RECORD
@_PRODUCT
@_signed
def reject(record: Path, product: str, who: str, why: str) -> None:
    """Reject PRODUCT of the run of RECORD."""
    from ..web.deciding import on_product

    _echo(on_product(record.parent, read_record(record), product, Verb.REJECT, who, why))


@decide.command()
@RECORD
@_PRODUCT
@click.option("--repo", help="Butler repository; by default the one of the record.")
@_signed
def certify(record: Path, product: str, repo: str | None, who: str, why: str) -> None:
    """Certify PRODUCT in spite of failures, exactly as the run of RECORD has made it."""
    from ..web.deciding import certify as certify_anyway

    heeded = record.parent, record_directory()
    _echo(certify_anyway(heeded, read_record(record), product, who, why, repo))


@decide.command("bad-exposure")
@INSTRUMENT
@click.argument("exposure", type=click.IntRange(min=1))
@RECORDS
@_signed
def bad_exposure(instrument: str, exposure: int, records: Path | None, who: str, why: str) -> None:
    """Mark EXPOSURE as bad: `exposures` refuses it, `produce select` leaves it out, `certify` what has it."""
    from ..web.deciding import mark_bad

    if not _EXPOSURE.fullmatch(str(exposure)):
        raise click.BadParameter(
            f"{exposure} is not the id of an exposure, YYYYMMDDNNNNN. Nothing was decided."
        )
    _echo(mark_bad(records or record_directory(), ExposureSubject(instrument, exposure), who, why))


@decide.command("bad-master")
@INSTRUMENT
@_PRODUCT
@click.argument("run")
@RECORDS
@_signed
def bad_master(instrument: str, product: str, run: str, records: Path | None, who: str, why: str) -> None:
    """Mark the PRODUCT in the collection RUN as bad: it is warned of wherever it would be used, and not certified."""
    from ..web.deciding import mark_bad

    if _JOB.fullmatch(run):
        # Log and summary name the collection of a job; what it made is in the RUN below it.
        run = f"{run}/run"
    subject = MasterSubject(instrument, PRODUCTS[product].dataset_type, run)
    _echo(mark_bad(records or record_directory(), subject, who, why))


@decide.command()
@click.argument("decision")
@RECORDS
@_signed
def withdraw(decision: str, records: Path | None, who: str, why: str) -> None:
    """Withdraw DECISION, which `decide list` names."""
    from ..web.deciding import withdraw as withdraw_it

    _echo(withdraw_it(records or record_directory(), decision, who, why))


def _echo(decision: Decision) -> None:
    click.echo(f"{decision.subject}: {decision.signed}\nDecision {decision.id}")
    if decision.certified:
        begin, end = decision.certified.begin, decision.certified.end
        click.echo(
            f"Certified into {decision.certified.collection}, valid {begin or 'open'} to {end or 'open'} TAI"
        )
