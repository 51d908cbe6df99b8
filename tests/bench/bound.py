"""How long a run must take at least. Pure.

The camera takes one exposure after another, and some workers of the OCPS do the jobs, each as soon as its images and
the jobs before it allow. No order of the jobs ends earlier than the largest of three: the end of the camera; the
longest chain of jobs after the images it begins with; and, of every group of jobs, the time at which the first of
them can begin, the work of all of them shared evenly by the workers, and the shortest chain that follows one of
them (J. Carlier, "The one-machine sequencing problem", 1982, for one worker; the same holds of several).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Job", "heads", "list_schedule", "lower_bound", "shortest_makespan", "tails"]


@dataclass(frozen=True)
class Job:
    """A job of the OCPS; times in seconds."""

    name: str  #: Its name.
    seconds: float  #: How long a worker is at it.
    ready: float  #: When its images are there, from the beginning of the first exposure.
    after: tuple[str, ...] = ()  #: Jobs that must have ended before.


def heads(jobs: Sequence[Job]) -> dict[str, float]:
    """Return the earliest beginning of each job; they are in an order of their dependencies."""
    found: dict[str, float] = {}
    seconds = {job.name: job.seconds for job in jobs}
    for job in jobs:
        found[job.name] = max([job.ready, *(found[name] + seconds[name] for name in job.after)])
    return found


def tails(jobs: Sequence[Job]) -> dict[str, float]:
    """Return what must pass at least between the end of each job and that of the run."""
    found = dict.fromkeys((job.name for job in jobs), 0.0)
    for job in reversed(jobs):
        for name in job.after:
            found[name] = max(found[name], job.seconds + found[job.name])
    return found


def lower_bound(camera_seconds: float, jobs: Sequence[Job], workers: int) -> float:
    """Return the shortest time that a run can take, seconds; it may not be reachable.

    Parameters
    ----------
    camera_seconds : `float`
        From the beginning of the first exposure to the end of the last one.
    jobs : sequence of `Job`
        In an order of their dependencies.
    workers : `int`
        How many of them can be done at once.
    """
    head, tail = heads(jobs), tails(jobs)
    chains = [head[job.name] + job.seconds + tail[job.name] for job in jobs]
    shared = [
        earliest + sum(job.seconds for job in group) / workers + latest
        for earliest in set(head.values())
        for latest in set(tail.values())
        if (group := [j for j in jobs if head[j.name] >= earliest and tail[j.name] >= latest])
    ]
    return max([camera_seconds, *chains, *shared])


def list_schedule(camera_seconds: float, order: Iterable[Job], workers: int) -> float:
    """Return the end of a run whose jobs get a worker in this order, each as early as it can from then on.

    A job is put into the first gap that a worker has for it, so that one of all the orders gives the shortest run
    (R. Kolisch, "Serial and parallel resource-constrained project scheduling methods revisited", 1996).

    Parameters
    ----------
    camera_seconds, workers
        As `lower_bound` has them.
    order : iterable of `Job`
        In an order of their dependencies.
    """
    busy: list[list[tuple[float, float]]] = [[] for _ in range(workers)]
    ended: dict[str, float] = {}
    for job in order:
        earliest = max([job.ready, *(ended[name] for name in job.after)])
        begin, worker = min((_first_gap(spans, earliest, job.seconds), n) for n, spans in enumerate(busy))
        ended[job.name] = begin + job.seconds
        busy[worker] = sorted([*busy[worker], (begin, ended[job.name])])
    return max([camera_seconds, *ended.values()])


def _first_gap(spans: Sequence[tuple[float, float]], earliest: float, seconds: float) -> float:
    for begin, end in spans:
        if earliest + seconds <= begin:
            break
        earliest = max(earliest, end)
    return earliest


def shortest_makespan(camera_seconds: float, jobs: Sequence[Job], workers: int) -> float:
    """Return the time of the shortest run there is, by trying every order of the jobs: for eight of them at most.

    Who knows all durations before could do it in that time; `lower_bound` is never above it.
    """
    bound = lower_bound(camera_seconds, jobs, workers)
    best = float("inf")
    for order in _orders(tuple(jobs)):
        best = min(best, list_schedule(camera_seconds, order, workers))
        if best <= bound * (1 + 1e-12):
            break
    return best


def _orders(left: tuple[Job, ...], begun: tuple[Job, ...] = ()) -> Iterator[tuple[Job, ...]]:
    """Return every order in which no job comes before one that it waits for."""
    if not left:
        yield begun
    names = {job.name for job in begun}
    for job in left:
        if names.issuperset(job.after):
            yield from _orders(tuple(other for other in left if other is not job), (*begun, job))
