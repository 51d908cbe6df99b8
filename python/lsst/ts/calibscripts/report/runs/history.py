"""The recorded runs of a camera over time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf
from pathlib import Path

from ...decisions import NO_DECISIONS, Decisions
from ...errors import CalibScriptsError
from ...record import Record, read_record
from ..account import of_record
from ..trends import Measured
from .measuring import measure
from .past import remember
from .rows import Median, RunRow, RunStatus, list_of_runs

__all__ = ["history", "history_table"]

IMAGES = ("combined dark",)
"""Images that are needed to measure."""


def history(
    directory: Path, instrument: str, *, repo: str | None = None, measuring: bool = True
) -> tuple[RunRow, ...]:
    """Return all recorded runs of a camera. Blocks.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where the records are.
    instrument : `str`
        Butler instrument name.
    repo : `str`, optional
        Butler repository to measure in, by default that of each run.
    measuring : `bool`, optional
        Measure runs for which nothing is kept, where their repository can be read.

    Returns
    -------
    `tuple` [`RunRow`]
        The oldest first; files that are not records are left out.
    """
    runs = list_of_runs(directory)
    runs.refresh(inf)
    if measuring and (unmeasured := [row for row in _of(runs.rows, instrument) if _is_unmeasured(row)]):
        for row in unmeasured:
            record = read_record(directory / f"{row.name}.jsonl")
            remember(record, _measure(record, repo))
        runs.refresh(inf)
    return _of(runs.rows, instrument)


def _of(rows: Iterable[RunRow], instrument: str) -> tuple[RunRow, ...]:
    found = [row for row in rows if row.outcome and row.instrument == instrument]
    return tuple(sorted(found, key=lambda row: (row.begun, row.name)))


def _is_unmeasured(row: RunRow) -> bool:
    return row.results.medians is None and row.results.jobs > 0 and row.outcome != RunStatus.UNFINISHED


def _measure(record: Record, repo: str | None) -> tuple[Measured, ...]:
    try:
        return measure(of_record(record, repo, images=IMAGES).evidence)
    except CalibScriptsError:
        # Without its repository the run is listed anyway, with nothing measured.
        return ()


def history_table(runs: Sequence[RunRow], decisions: Decisions = NO_DECISIONS) -> str:
    """Write the runs as a table with a line for each verdict, and below it one for each quantity over time.

    Parameters
    ----------
    runs : sequence of `RunRow`
        The oldest first.
    decisions : `Decisions`, optional
        What people have decided.

    Returns
    -------
    `str`
        Text that is not wider for more filters; ``!`` marks a median of a run in which something left its usual
        range.
    """
    if not runs:
        return "No run is recorded there.\n"
    rows = [
        ("run (TAI)", "state", "filter", "verified", "verdict"),
        *(row for run in runs for row in _lines(run, decisions)),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    found: dict[tuple[str, str], list[tuple[RunRow, Median]]] = {}
    for run in runs:
        for median in run.results.medians or ():
            found.setdefault((median.quantity, median.condition), []).append((run, median))
    for of_quantity in found.values():
        lines += ["", *_quantity(of_quantity)]
    return "\n".join(lines) + "\n"


def _lines(run: RunRow, decisions: Decisions) -> Iterator[tuple[str, str, str, str, str]]:
    """Return a line for each product that was judged; only the first one says which run it is."""
    head = _minute(run), run.outcome, run.results.filter
    for place, (name, verdict) in enumerate(_judged(run, decisions) or [("-", "-")]):
        yield *(head if place == 0 else ("", "", "")), name, verdict


def _judged(run: RunRow, decisions: Decisions) -> list[tuple[str, str]]:
    """Return what the verifications of a run said, and what was decided on its products."""
    verdicts = run.results.verdicts
    found: list[tuple[str, str]] = []
    for name in dict.fromkeys([*verdicts, *(label.partition(" ")[0] for label in run.products)]):
        signed = [decision.signed for decision in run.decisions(name, decisions)]
        if name in verdicts or signed:
            found.append((name, "; ".join([verdicts.get(name, "not verified"), *signed])))
    return found


def _minute(run: RunRow) -> str:
    return run.begun[: len("2026-11-26T12:00")].replace("T", " ")


def _quantity(found: Sequence[tuple[RunRow, Median]]) -> Iterator[str]:
    _, first = found[0]
    title = f"{first.quantity}, {first.condition}" if first.condition else first.quantity
    yield f"{title} [{first.unit}]"
    for run, median in found:
        level = f"  at {median.level:.0f} electron" if median.level is not None else ""
        yield f"    {_minute(run)}  {median.value:.4g}{' !' if median.departed else ''}{level}"
