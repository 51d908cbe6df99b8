"""Runs and decisions -> what came of a night. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..decisions import Decision, Decisions, ExposureSubject, MasterSubject, ProductSubject
from ..report.runs.rows import RunRow, RunStatus
from ..report.standings import once_decided

__all__ = ["Night", "NightProduct", "nights_of", "products_of", "text_of_nights"]

_RANKS = ("good", "fair", "next", "bad", "idle")
"""From the best to the worst; of the runs that were to make a product the best one counts."""


@dataclass(frozen=True)
class NightProduct:
    """What came of a product in a night: the best of its runs, how that is shown, and who has decided what on it."""

    product: str
    standing: str
    style: str
    run: str
    decisions: tuple[Decision, ...] = ()

    @property
    def words(self) -> str:
        """How it stands, and what was decided on it."""
        return "; ".join([self.standing, *(decision.signed for decision in self.decisions)])


@dataclass(frozen=True)
class Night:
    """A night of an instrument."""

    day: int  #: Observing day (YYYYMMDD).
    instrument: str  #: Butler instrument name.
    #: The verdict, in words and as good, fair, bad or next (it is under way).
    verdict: str
    style: str
    products: tuple[NightProduct, ...]  #: What was to be done, and what came of it.
    missing: tuple[str, ...]  #: What is missing, one sentence each.
    signed: tuple[str, ...]  #: Who has decided what, one sentence each.
    runs: tuple[tuple[str, str, str], ...]  #: Name, begin and state of each run, the oldest first.


def nights_of(
    rows: Iterable[RunRow], decisions: Decisions, now: datetime, most: int | None = None
) -> tuple[Night, ...]:
    """Return what came of each night, the latest first.

    Parameters
    ----------
    now : `datetime.datetime`
        The time, TAI.
    most : `int`, optional
        How many at most, since years have thousands; all by default.
    """
    grouped: dict[tuple[int, str], list[RunRow]] = {}
    for row in sorted(rows, key=lambda row: row.begun):
        if row.night:
            grouped.setdefault((row.night, row.instrument), []).append(row)
    found = sorted(grouped.items(), key=lambda item: (-item[0][0], item[0][1]))
    return tuple(
        _night(day, instrument, of_night, decisions, now) for (day, instrument), of_night in found[:most]
    )


def _night(day: int, instrument: str, rows: Sequence[RunRow], decisions: Decisions, now: datetime) -> Night:
    products = tuple(_products(rows, decisions, now))
    verdict, style = _verdict(products, rows, now)
    return Night(
        day=day,
        instrument=instrument,
        verdict=verdict,
        style=style,
        products=products,
        missing=tuple(
            f"{found.product}: {found.standing}" for found in products if found.style in ("bad", "idle")
        ),
        signed=tuple(f"{d.subject}: {d.signed}" for d in _concerning(day, instrument, rows, decisions)),
        runs=tuple((row.name, row.begun, str(row.status(now))) for row in rows),
    )


def _products(rows: Sequence[RunRow], decisions: Decisions, now: datetime) -> Iterator[NightProduct]:
    best: dict[str, NightProduct] = {}
    for row in rows:
        for found in products_of(row, decisions, now):
            known = best.get(found.product)
            if known is None or _RANKS.index(found.style) <= _RANKS.index(known.style):
                best[found.product] = found
    yield from best.values()


def products_of(row: RunRow, decisions: Decisions, now: datetime) -> Iterator[NightProduct]:
    """Return what came of the products of a run, and what was decided on them.

    Parameters
    ----------
    now : `datetime.datetime`
        The time, TAI.
    """
    for name, standing in row.standings(now).items():
        found = row.decisions(name, decisions)
        outcome = once_decided(standing, found)
        yield NightProduct(name, outcome.words, outcome.style, row.name, found)


def _verdict(products: Sequence[NightProduct], rows: Sequence[RunRow], now: datetime) -> tuple[str, str]:
    styles = {found.style for found in products}
    going = any(row.status(now) is RunStatus.RUNNING for row in rows)
    failing = any(row.status(now) is RunStatus.RUNNING and row.is_failing for row in rows)
    if going:
        return ("under way, with failures", "bad") if failing else ("under way", "next")
    if not products:
        return "nothing was done", "bad"
    if styles & {"bad", "idle", "next"}:
        return "incomplete", "bad"
    return ("complete, with remarks", "fair") if "fair" in styles else ("complete", "good")


def _concerning(
    day: int, instrument: str, rows: Iterable[RunRow], decisions: Decisions
) -> Iterator[Decision]:
    names = {row.name for row in rows} | {made for row in rows for made in row.results.made.values()}
    for decision in decisions.standing:
        subject = decision.subject
        of_run = isinstance(subject, ProductSubject | MasterSubject) and subject.run in names
        of_day = (
            isinstance(subject, ExposureSubject)
            and subject.instrument == instrument
            and subject.exposure // 10**5 == day
        )
        if of_run or of_day:
            yield decision


def text_of_nights(nights: Sequence[Night], *, markdown: bool = False) -> str:
    """Write nights for a terminal, or for a night log.

    Parameters
    ----------
    markdown : `bool`, optional
        Write Markdown.
    """
    return "\n".join(line for night in nights for line in _lines(night, markdown))


def _lines(night: Night, markdown: bool) -> Iterator[str]:
    head = f"{night.instrument} {night.day}: {night.verdict}"
    yield f"### {_plain(head)}\n" if markdown else head
    mark = "* " if markdown else "    "
    shown = _plain if markdown else str
    for found in night.products:
        yield f"{mark}{shown(found.product)}: {shown(found.standing)} ({shown(found.run)})"
    for title, texts in (("Missing", night.missing), ("Signed", night.signed)):
        if texts:
            yield f"\n**{title}**\n" if markdown else f"  {title}:"
            yield from (f"{mark}{shown(text)}" for text in texts)
    yield ""


def _plain(text: str) -> str:
    """Write a text so that Markdown takes nothing of it for markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#|!" else c for c in " ".join(text.split()))
