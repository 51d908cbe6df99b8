"""The arithmetic of the benchmark: lower bound, growth and table. ``make bench`` measures."""

from __future__ import annotations

import math
import platform
from dataclasses import replace
from typing import Any

import pytest
from bench.bound import Job, list_schedule, lower_bound, shortest_makespan
from bench.cases import CASES
from bench.growth import Growth, exponent
from bench.history import PREFLIGHT, History
from bench.lag import Lag
from bench.stage import run_case
from bench.table import CaseResult, as_rst, missed
from hypothesis import given
from hypothesis import strategies as st

CHAIN = (
    Job("bias", 40, ready=40),
    Job("verify bias", 40, ready=40, after=("bias",)),
    Job("dark", 60, ready=600, after=("bias",)),
    Job("flat", 50, ready=770, after=("bias", "dark")),
    Job("verify flat", 30, ready=770, after=("flat",)),
    Job("defects", 100, ready=770, after=("bias", "dark", "flat")),
)


@pytest.mark.parametrize(
    ("workers", "seconds"),
    [
        # After the camera's 770 s flat 50, then verify flat 30 and defects 100: one after the other or side by side.
        (1, 770 + 50 + 30 + 100),
        (2, 770 + 50 + 100),
        (4, 770 + 50 + 100),
    ],
)
def test_bound_is_images_then_longest_chain_or_work(workers: int, seconds: float) -> None:
    assert lower_bound(770, CHAIN, workers) == seconds
    assert shortest_makespan(770, CHAIN, workers) == seconds


def test_camera_alone_is_a_bound() -> None:
    assert lower_bound(770, CHAIN[:2], 1) == 770
    assert lower_bound(770, (), 1) == 770


def test_workers_share_what_is_ready() -> None:
    """Three jobs of 10 s that are ready at 5 s."""
    jobs = [Job(name, 10, ready=5) for name in "abc"]
    assert lower_bound(5, jobs, 1) == 35
    assert lower_bound(5, jobs, 2) == 20
    assert shortest_makespan(5, jobs, 2) == 25
    assert lower_bound(5, jobs, 4) == 15


def test_work_is_shared_between_what_comes_before_and_after() -> None:
    """A job of 1 s, then four of 10 s side by side, then one of 1 s: two workers need 1 + 20 + 1 s."""
    middle = [Job(name, 10, ready=0, after=("first",)) for name in "abcd"]
    jobs = [Job("first", 1, ready=0), *middle, Job("last", 1, ready=0, after=tuple("abcd"))]
    assert lower_bound(0, jobs, 2) == 22
    assert shortest_makespan(0, jobs, 2) == 22


def test_idle_gap_is_filled_by_a_job_that_fits() -> None:
    jobs = [Job("late", 5, ready=10), Job("fits", 10, ready=0), Job("does not", 11, ready=0)]
    assert list_schedule(0, jobs, 1) == 10 + 5 + 11


@st.composite
def runs(draw: st.DrawFn) -> tuple[float, list[Job], int]:
    names = "abcdef"[: draw(st.integers(0, 6))]
    times = st.integers(0, 20)
    jobs = [
        Job(
            name,
            draw(times),
            draw(times),
            tuple(sorted(draw(st.sets(st.sampled_from(names[:n])) if n else st.just(set())))),
        )
        for n, name in enumerate(names)
    ]
    camera = max((job.ready for job in jobs), default=0)
    return camera, jobs, draw(st.integers(1, 4))


@given(runs())
def test_bound_is_never_above_a_run(run: tuple[float, list[Job], int]) -> None:
    camera, jobs, workers = run
    bound, shortest = lower_bound(camera, jobs, workers), shortest_makespan(camera, jobs, workers)
    # The jobs are in an order of their dependencies, so that is a run.
    assert bound <= shortest + 1e-9
    assert shortest <= list_schedule(camera, jobs, workers)


@given(runs())
def test_more_workers_never_need_more(run: tuple[float, list[Job], int]) -> None:
    camera, jobs, workers = run
    assert lower_bound(camera, jobs, workers + 1) <= lower_bound(camera, jobs, workers)
    assert shortest_makespan(camera, jobs, workers + 1) <= shortest_makespan(camera, jobs, workers)


def test_jobs_that_most_waits_for_are_submitted_first() -> None:
    """With two workers the order counts: flats and defects before the verification of darks and the PTC."""
    *_, lsstcam = CASES
    run = run_case(lsstcam, workers=2)
    assert run.makespan <= 1.02 * lower_bound(run.camera, run.jobs, 2)
    assert run.timeline


def test_exponent_is_that_of_a_power() -> None:
    assert exponent((10, 20, 40), (3.0, 12.0, 48.0)) == pytest.approx(2.0)


def _growth(*seconds: float) -> Growth:
    return Growth("exposures", (16, 32, 64), seconds)


def _result(**changes: Any) -> CaseResult:
    return replace(CaseResult("LATISS", 2, 1.0, 1.01, (0.001, 0.003, 0.002), (1.0, 1.05)), **changes)


def _lag(largest: float) -> Lag:
    return Lag("DONE", True, 10.0, 9.0, [largest, 0.01], 0.002, 220.0, 190.0)


def test_n_log_n_reaches_the_goal_and_a_square_misses_it() -> None:
    assert not list(missed([], {}, [_growth(*(n * math.log(n) for n in (16, 32, 64)))]))
    assert list(missed([], {}, [_growth(*(n**2.0 for n in (16, 32, 64)))])) == [
        "exposures: grows with exponent 2.00"
    ]


def test_what_is_above_a_goal_is_named() -> None:
    assert not list(missed([_result()], {"passes": _lag(0.09)}, []))
    slow = [_result(virtual=1.03), _result(real=1.021), _result(gaps=(0.001, 0.021))]
    assert list(missed(slow, {"passes": _lag(0.2)}, [])) == [
        "LATISS, 2 workers: 1.030 times the lower bound, jumping clock",
        "LATISS, 2 workers: 1.021 times the lower bound, real clock",
        "LATISS, 2 workers: 21.0 ms between two exposures",
        "passes: the event loop was held up for 200.0 ms",
    ]


def _history(time: float, memory: float = 200.0) -> History:
    seconds = ({PREFLIGHT: 0.5}, {PREFLIGHT: 0.5}, {PREFLIGHT: time})
    return History("SQLite", seconds, ({PREFLIGHT: 200.0}, {PREFLIGHT: 200.0}, {PREFLIGHT: memory}))


def test_ten_years_cost_twice_as_much_at_most() -> None:
    assert not list(_history(0.99).missed())
    assert list(_history(1.1).missed()) == [
        f"SQLite, {PREFLIGHT}: 2.20 times as long and 1.00 times the memory after 100,000 jobs"
    ]
    assert list(_history(0.5, memory=500.0).missed()) == [
        f"SQLite, {PREFLIGHT}: 1.00 times as long and 2.50 times the memory after 100,000 jobs"
    ]
    assert list(_history(11.0).missed())[-1] == f"SQLite, {PREFLIGHT}: 11.0 s"


def test_tables_have_ratios_and_medians() -> None:
    rows = [("combine 20 frames", "0.80", "<= 2")]
    text = as_rst([_result()], {"passes": _lag(0.09)}, [_growth(1.0, 2.1, 4.2)], rows, [_history(0.6)])
    cells = [line.strip(" *").removeprefix("- ") for line in text.splitlines()]
    for cell in (
        "LATISS",
        "1.000",
        "1.010",
        "2.0, 3.0",
        "1.025, 1.050",
        "2.0, 90.0",
        "0.90",
        "2.10, 2.00",
        "0.80",
        "100,000 jobs: time, memory",
        "1.20, 1.00",
    ):
        assert cell in cells
    assert f"Python {platform.python_version()}" in text
