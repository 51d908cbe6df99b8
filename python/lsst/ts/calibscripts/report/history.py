"""What earlier runs measured, kept beside their records, and how a run compares with them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..errors import CalibScriptsError, RecordError
from ..events.events import Verdicted
from ..ground.text import counted
from ..ground.untrusted import RECORD, InputError, parse_json, read_text
from ..record import Record, find_records, read_record
from .account import Account, of_record
from .measuring import measure
from .trends import Measured, Past, Trend, compare

__all__ = ["Run", "beside", "earlier", "history", "history_table", "recall", "remember", "with_history"]

ENDING = ".measured.json"
"""Ending of the file beside a record that keeps what its run measured."""

IMAGES = ("combined dark",)
"""Images that are needed to measure."""


@dataclass(frozen=True)
class Run:
    """A run and how it compares with those before it."""

    record: Record  #: The run.
    measured: tuple[Measured, ...]  #: What it measured; empty where that is not known.
    trends: tuple[Trend, ...]  #: Comparison with the earlier runs.


def recall(record: Path) -> Past | None:
    """Return what is kept beside a record, None where nothing is, or nothing that can be read.

    Parameters
    ----------
    record : `pathlib.Path`
        The record.
    """
    try:
        return TypeAdapter(Past).validate_python(parse_json(read_text(beside(record), RECORD), RECORD))
    except (InputError, ValidationError):
        # It is made again from the butler.
        return None


def remember(record: Record, measured: Sequence[Measured]) -> bool:
    """Keep what a run measured beside its record, with what was kept there before.

    Parameters
    ----------
    record : `Record`
        The run.
    measured : sequence of `Measured`
        What it measured.

    Returns
    -------
    `bool`
        False where the directory cannot be written to; a report is made anyway.
    """
    before = recall(record.path)
    kept = {(m.quantity, m.condition): m for m in (*(before.measured if before else ()), *measured)}
    past = Past(record.name, record.begun.isoformat(timespec="seconds"), tuple(kept.values()))
    path = beside(record.path)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(asdict(past), separators=(",", ":")), encoding="utf-8")
        part.replace(path)
    except OSError:
        return False
    return True


def beside(record: Path) -> Path:
    """Return the file that keeps what a run measured.

    Parameters
    ----------
    record : `pathlib.Path`
        Its record.
    """
    return record.with_name(record.stem + ENDING)


def earlier(record: Record) -> tuple[Past, ...]:
    """Return what the runs before this one measured, in the same place and with the same camera.

    Parameters
    ----------
    record : `Record`
        The run.

    Returns
    -------
    `tuple` [`Past`]
        The oldest first.
    """
    found = (recall(path) for path in find_records(record.path.parent, record.about.instrument))
    begun = record.begun.isoformat(timespec="seconds")
    past = [run for run in found if run is not None and run.name != record.name and run.tai <= begun]
    return tuple(sorted(past, key=lambda run: run.tai))


def with_history(account: Account) -> Account:
    """Compare a recorded run with earlier ones, and keep what it measured for later ones. Blocks.

    Parameters
    ----------
    account : `Account`
        The report; one that is not of a record is returned unchanged.
    """
    record = account.record
    if record is None:
        return account
    measured = measure(account.evidence)
    if measured:
        remember(record, measured)
    kept = recall(record.path)
    now = kept.measured if kept else measured
    tai = record.begun.isoformat(timespec="seconds")
    return replace(account, trends=compare(tai, now, earlier(record)))


def history(
    directory: Path, instrument: str, *, repo: str | None = None, measuring: bool = True
) -> tuple[Run, ...]:
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
    `tuple` [`Run`]
        The oldest first; files that are not records are left out.
    """
    return tuple(_runs(find_records(directory, instrument), repo, measuring))


def _runs(paths: Sequence[Path], repo: str | None, measuring: bool) -> Iterator[Run]:
    past: list[Past] = []
    for record in sorted(_records(paths), key=lambda record: record.begun):
        kept = recall(record.path)
        if kept is None and measuring and record.jobs and record.state.ended:
            remember(record, _measure(record, repo))
            kept = recall(record.path)
        tai = record.begun.isoformat(timespec="seconds")
        measured = kept.measured if kept else ()
        yield Run(record, measured, compare(tai, measured, past))
        if kept:
            past.append(kept)


def _records(paths: Sequence[Path]) -> Iterator[Record]:
    for path in paths:
        try:
            yield read_record(path)
        except RecordError:
            # Whatever else is there, the runs that are recorded can still be listed.
            continue


def _measure(record: Record, repo: str | None) -> tuple[Measured, ...]:
    try:
        return measure(of_record(record, repo, images=IMAGES).evidence)
    except CalibScriptsError:
        # Without its repository the run is listed anyway, with nothing measured.
        return ()


def history_table(runs: Sequence[Run]) -> str:
    """Write the runs as a table with a line for each verdict, and below it one for each quantity over time.

    Parameters
    ----------
    runs : sequence of `Run`
        The oldest first.

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
        *(row for run in runs for row in _rows(run)),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    for quantity, condition in dict.fromkeys((m.quantity, m.condition) for run in runs for m in run.measured):
        lines += ["", *_quantity(runs, quantity, condition)]
    return "\n".join(lines) + "\n"


def _rows(run: Run) -> Iterator[tuple[str, str, str, str, str]]:
    """Return a line for each verdict of a run; only the first one says which run it is."""
    record = run.record
    verdicts = [(name, _verdict(verdict)) for name, verdict in record.state.verdicts.items()]
    head = f"{record.begun:%Y-%m-%d %H:%M}", record.outcome, _filter(record)
    for place, (name, verdict) in enumerate(verdicts or [("-", "-")]):
        yield *(head if place == 0 else ("", "", "")), name, verdict


def _filter(record: Record) -> str:
    config = record.about.config
    if "FLAT" not in str(config.get("script_mode", "")):
        return "-"
    chosen = [str(config[name]) for name in ("filter", "grating") if config.get(name) is not None]
    return ", ".join(chosen) or "as it was"


def _verdict(verdict: Verdicted) -> str:
    if not verdict.judged:
        return "could not be judged"
    result = "passed" if verdict.passed else "FAILED"
    if not verdict.exposures:
        return result
    return f"{result}, {verdict.failed_exposures} of {counted(verdict.exposures, verdict.noun)} failed"


def _quantity(runs: Sequence[Run], quantity: str, condition: str) -> Iterator[str]:
    def of(values: Sequence[Measured | Trend]) -> Measured | Trend | None:
        return next((v for v in values if (v.quantity, v.condition) == (quantity, condition)), None)

    found = [(run, measured) for run in runs if (measured := of(run.measured)) is not None]
    unit = found[0][1].unit
    yield f"{f'{quantity}, {condition}' if condition else quantity} [{unit}]"
    for run, measured in found:
        assert isinstance(measured, Measured)
        trend = of(run.trends)
        level = f"  at {measured.level:.0f} electron" if measured.level is not None else ""
        mark = " !" if isinstance(trend, Trend) and trend.departures else ""
        yield f"    {run.record.begun:%Y-%m-%d %H:%M}  {measured.median:.4g}{mark}{level}"
