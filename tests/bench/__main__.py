"""``python -m bench <file>``: measure everything, print it, and write the tables into a file.

The exit code tells whether all goals were reached.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bench import combine, rehearse
from bench.bound import lower_bound, shortest_makespan
from bench.cases import CASES, WORKERS, Case
from bench.growth import measure_growth
from bench.history import measure_histories
from bench.lag import measure_all
from bench.stage import Measured, run_case
from bench.table import RATIO_GOAL, CaseResult, as_rst, missed

VARIATIONS = 5
"""How many runs with other durations of the jobs."""


def main(path: Path) -> int:
    """Measure, and give the exit code."""
    _take_two_cores()
    cases = [_measure(case, workers) for case in CASES for workers in WORKERS]
    print("The event loop while statistics are read, judged, reported and certified ...", flush=True)
    lags = measure_all()
    print("Growth ...", flush=True)
    growths = measure_growth()
    print("A rehearsal, and frames of full size ...", flush=True)
    rehearsed, combined = rehearse.main(), combine.main()
    print("Repositories with years of use in them ...", flush=True)
    histories = measure_histories()
    text = as_rst(cases, lags, growths, (*rehearsed.rows(), *combined.rows()), histories)
    path.write_text(text)
    print(f"\n{text}")
    problems = [*missed(cases, lags, growths), *rehearsed.missed(), *combined.missed()]
    problems += [problem for history in histories for problem in history.missed()]
    print("\n".join(f"Missed: {problem}" for problem in problems) or "All goals were reached.")
    return int(bool(problems))


def _take_two_cores() -> None:
    """Keep to two cores, so that all machines measure alike."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


def _measure(case: Case, workers: int) -> CaseResult:
    virtual, real = run_case(case, workers), run_case(case, workers, real=True)
    varied = tuple(_to_shortest(run_case(case, workers, seed=seed), workers) for seed in range(VARIATIONS))
    result = CaseResult(
        case.name, workers, _to_bound(virtual, workers), _to_bound(real, workers), real.gaps, varied
    )
    print(f"{case.name}, {workers} workers: {result.virtual:.3f}, in real time {result.real:.3f}", flush=True)
    for run in (virtual, real):
        if _to_bound(run, workers) > RATIO_GOAL:
            print(*run.timeline, sep="\n", flush=True)
    return result


def _to_bound(run: Measured, workers: int) -> float:
    return run.makespan / lower_bound(run.camera, run.jobs, workers)


def _to_shortest(run: Measured, workers: int) -> float:
    return run.makespan / shortest_makespan(run.camera, run.jobs, workers)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
