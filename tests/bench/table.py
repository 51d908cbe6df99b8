"""What was measured -> reStructuredText. Pure, but for the description of the machine."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.growth import Growth
from bench.history import History
from bench.lag import Lag
from bench.past import SIZES

__all__ = ["GAP_GOAL", "LAG_GOAL", "RATIO_GOAL", "CaseResult", "as_rst", "machine", "missed", "rst_table"]

RATIO_GOAL = 1.02
"""Makespan divided by its lower bound."""

GAP_GOAL = 0.020
"""Between two exposures, seconds."""

LAG_GOAL = 0.100
"""Largest time for which the event loop does nothing else, seconds."""


@dataclass(frozen=True)
class CaseResult:
    """A case with some workers."""

    name: str  #: The case.
    workers: int  #: How many jobs the OCPS did at once.
    #: Makespan divided by its lower bound, on a clock that jumps and in real time.
    virtual: float
    real: float
    gaps: tuple[float, ...]  #: Between two exposures, in real time, seconds.
    #: Makespan divided by that of the best order of the jobs, with durations that vary.
    varied: tuple[float, ...]


def missed(cases: Iterable[CaseResult], lags: Mapping[str, Lag], growths: Iterable[Growth]) -> Iterator[str]:
    """Return a sentence for every goal that was missed."""
    for case in cases:
        where = f"{case.name}, {case.workers} workers"
        for clock, ratio in (("jumping", case.virtual), ("real", case.real)):
            if ratio > RATIO_GOAL:
                yield f"{where}: {ratio:.3f} times the lower bound, {clock} clock"
        if max(case.gaps) > GAP_GOAL:
            yield f"{where}: {_ms(max(case.gaps))} ms between two exposures"
    for name, lag in lags.items():
        if lag.gaps[0] > LAG_GOAL:
            yield f"{name}: the event loop was held up for {_ms(lag.gaps[0])} ms"
    for growth in growths:
        if growth.exponent > growth.limit + Growth.TOLERANCE:
            yield f"{growth.name}: grows with exponent {growth.exponent:.2f}"


def as_rst(
    cases: Sequence[CaseResult],
    lags: Mapping[str, Lag],
    growths: Sequence[Growth],
    rehearsal: Iterable[tuple[str, str, str]],
    histories: Iterable[History] = (),
) -> str:
    """Return the tables; of the rehearsal what was measured, its value and the goal."""
    parts = (
        ".. Written by make bench.",
        f"Measured on {machine()}.",
        "Makespan divided by its lower bound, and what the script adds between two exposures\n"
        "-----------------------------------------------------------------------------------",
        _cases(cases),
        "The event loop while statistics are read, judged, reported and certified\n"
        "------------------------------------------------------------------------",
        _lags(lags),
        "Growth of the script's CPU time\n-------------------------------",
        _growths(growths),
        "A rehearsal and its pipelines\n-----------------------------",
        rst_table(("measured", "value", "goal"), rehearsal),
        "A repository with years of use in it\n------------------------------------",
        _histories(histories),
    )
    return "\n\n".join(parts) + "\n"


def _cases(cases: Sequence[CaseResult]) -> str:
    header = (
        "run",
        "OCPS workers",
        "jumping clock",
        "real time",
        "between exposures: median, largest (ms)",
        "varied durations: median, largest",
    )
    rows = [
        (
            case.name,
            str(case.workers),
            f"{case.virtual:.3f}",
            f"{case.real:.3f}",
            f"{_ms(median(case.gaps))}, {_ms(max(case.gaps))}",
            f"{median(case.varied):.3f}, {max(case.varied):.3f}",
        )
        for case in cases
    ]
    return rst_table(header, rows)


def _lags(lags: Mapping[str, Lag]) -> str:
    header = ("statistics", "gap: median, largest (ms)", "CPU / elapsed time", "peak memory / before (MB)")
    rows = [
        (
            name,
            f"{_ms(lag.median)}, {_ms(lag.gaps[0])}",
            f"{lag.cpu / lag.seconds:.2f}",
            f"{lag.megabytes:.0f} / {lag.before:.0f}",
        )
        for name, lag in lags.items()
    ]
    return rst_table(header, rows)


def _growths(growths: Sequence[Growth]) -> str:
    header = ("doubled", "sizes", "ratio of each doubling", "exponent", "that of n log n")
    rows = [
        (
            growth.name,
            ", ".join(map(str, growth.sizes)),
            ", ".join(f"{ratio:.2f}" for ratio in growth.ratios),
            f"{growth.exponent:.2f}",
            f"{growth.limit:.2f}",
        )
        for growth in growths
    ]
    return rst_table(header, rows)


def _histories(histories: Iterable[History]) -> str:
    sizes = (f"{past.jobs:,} jobs: time, memory" for past in SIZES[1:])
    header = ("database", "question", "new (ms)", *sizes)
    return rst_table(header, (row for history in histories for row in history.rows()))


def rst_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a list-table."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (header, *rows):
        lines += [f"   {'*' if not n else ' '} - {cell}" for n, cell in enumerate(row)]
    return "\n".join(lines)


def machine() -> str:
    """Describe this machine."""
    cpu = _field("/proc/cpuinfo", "model name") or platform.machine()
    kilobytes = re.match(r"\d+", _field("/proc/meminfo", "MemTotal"))
    memory = f", {int(kilobytes[0]) / 1024**2:.0f} GB of memory" if kilobytes else ""
    cores = len(os.sched_getaffinity(0))
    return f"{cores} of {os.cpu_count()} cores of {cpu}{memory}, Python {platform.python_version()}"


def _field(path: str, name: str) -> str:
    try:
        found = re.search(rf"^{name}\s*:\s*(.+)$", Path(path).read_text(), re.MULTILINE)
    except OSError:
        return ""
    return found[1].strip() if found else ""


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.1f}"
