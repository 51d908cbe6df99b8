"""Which runs the list shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..decisions import NO_DECISIONS, Decisions
from ..report.runs.rows import RunRow, RunStatus
from ..report.standings import in_short
from .nights import NightProduct, products_of

__all__ = ["Listing", "listing"]

PAGE = 100
"""Runs on a page."""

_STYLES = {
    RunStatus.RUNNING: "next",
    RunStatus.UNFINISHED: "bad",
    RunStatus.DONE: "good",
    RunStatus.FAILED: "bad",
    RunStatus.STOPPED: "fair",
    RunStatus.UNREADABLE: "idle",
}


@dataclass(frozen=True)
class Shown:
    """A run in the list: its row, how it stands and how that is shown, and its products with what came of them."""

    row: RunRow
    status: RunStatus
    style: str
    products: tuple[NightProduct, ...]

    @property
    def headline(self) -> str:
        """What came of it in one line, and what was decided since."""
        # The state has a column of its own.
        said = self.row.headline.partition(": ")[2] if self.row.outcome else self.row.headline
        decided = "; ".join(filter(None, (in_short(p.product, p.decisions) for p in self.products)))
        return f"{said}; since then {decided}" if decided else said


@dataclass(frozen=True)
class Listing:
    """A page of the list of runs."""

    #: Runs that go on, and the others, the newest first.
    running: tuple[Shown, ...]
    others: tuple[Shown, ...]
    found: int  #: How many runs fit, on all pages.
    #: Number of the page, from 1, and how many there are.
    page: int
    pages: int
    choices: Mapping[str, tuple[str, ...]]  #: Name of a filter -> what there is to choose from.
    chosen: Mapping[str, str]  #: Name of a filter -> what was chosen; empty for all.


def listing(
    rows: Sequence[RunRow], asked: Mapping[str, str], now: datetime, decisions: Decisions = NO_DECISIONS
) -> Listing:
    """Return a page of the list of runs.

    Parameters
    ----------
    rows : sequence of `RunRow`
        All runs, the newest first.
    asked : mapping [`str`, `str`]
        Filters (instrument, state, night, product) and page, as somebody wrote them.
    now : `datetime.datetime`
        The time, TAI.
    """
    chosen = {name: asked.get(name, "") for name in ("instrument", "state", "night", "product")}
    fitting = [row for row in rows if _fits(row, chosen, now)]
    running = [row for row in fitting if row.status(now) is RunStatus.RUNNING]
    others = [row for row in fitting if row.status(now) is not RunStatus.RUNNING]
    pages = max(1, -(-len(others) // PAGE))
    page = min(max(1, int(asked["page"]) if asked.get("page", "").isdecimal() else 1), pages)
    return Listing(
        running=tuple(_shown(row, now, decisions) for row in running) if page == 1 else (),
        others=tuple(_shown(row, now, decisions) for row in others[(page - 1) * PAGE : page * PAGE]),
        found=len(fitting),
        page=page,
        pages=pages,
        choices={
            "instrument": tuple(sorted({row.instrument for row in rows})),
            "state": tuple(RunStatus),
            "night": tuple(
                str(night) for night in sorted({row.night for row in rows if row.night}, reverse=True)
            ),
            "product": tuple(sorted({_plain(name) for row in rows for name in row.products})),
        },
        chosen=chosen,
    )


def _fits(row: RunRow, chosen: Mapping[str, str], now: datetime) -> bool:
    return (
        chosen["instrument"] in ("", row.instrument)
        and chosen["state"] in ("", row.status(now))
        and chosen["night"] in ("", str(row.night))
        and (not chosen["product"] or any(_plain(name) == chosen["product"] for name in row.products))
    )


def _plain(product: str) -> str:
    """Return a product without its filter."""
    return product.partition(" ")[0]


def _shown(row: RunRow, now: datetime, decisions: Decisions) -> Shown:
    status = row.status(now)
    # A run that goes on in which something has failed is bad from then on.
    failing = status is RunStatus.RUNNING and row.is_failing
    return Shown(row, status, "bad" if failing else _STYLES[status], tuple(products_of(row, decisions, now)))
