"""What rules ask a story."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from soak.asked import CALIBRATIONS, VERIFY, Asked
from soak.story import Committed, Exposed, Story

from lsst.ts.calibscripts.events.events import (
    FlatTimeFound,
    ImageSetClosed,
    JobEnded,
    JobSubmitted,
)
from lsst.ts.calibscripts.summit.ocps.csc import ABORTED, Job, Phase
from lsst.ts.calibscripts.testing.memory import Dataset

__all__ = [
    "Problems",
    "commits",
    "data",
    "doubtful",
    "failed_by_itself",
    "given_up",
    "is_enough",
    "later",
    "origins",
    "step",
    "times_asked",
    "verifications",
    "verified_detectors",
]

_DATA = re.compile(r"detector IN \(([\d.,]+)\) AND exposure IN \(([\d,]+)\)")

Problems = Iterator[str]
"""A sentence for everything that is not as it is to be."""


def commits(story: Story) -> Iterator[tuple[float, Dataset]]:
    """Return what this run certified, in order."""
    for time, commit in story.of(Committed):
        for association in commit.associations:
            if association.dataset in story.written:
                yield time, association.dataset


def origins(dataset: Dataset) -> Iterator[Dataset]:
    """Return the calibrations a dataset was made from, directly and indirectly."""
    for origin in dataset.inputs:
        if origin.dataset_type in CALIBRATIONS:
            yield origin
            yield from origins(origin)


def doubtful(story: Story) -> set[str]:
    """Return the products of which the summary says that it is not known whether they are certified."""
    return set(re.findall(r"^    (\w+) may be certified into", story.summary, re.MULTILINE))


def failed_by_itself(end: JobEnded) -> bool:
    """Return whether the OCPS has said that a job failed, and not that somebody aborted it."""
    return end.exit_code not in (None, 0, ABORTED)


def verifications(story: Story, product: str) -> Iterator[tuple[float, tuple[Dataset, ...]]]:
    """Return when verifications of a product had ended well, and what they read."""
    for time, job in story.of(Job):
        if job.name == VERIFY[product] and job.phase is Phase.COMPLETED and job.exit_code == 0:
            run = f"u/ocps/{job.job_id}/run"
            for dataset in story.written:
                if dataset.run == run and dataset.dataset_type == f"{VERIFY[product]}Stats":
                    yield time, dataset.inputs


def data(job: Job | JobSubmitted) -> Iterator[tuple[int, int]]:
    """Return exposures and detectors of a job."""
    match = _DATA.search(job.data_query)
    assert match is not None, job.data_query
    detectors = [
        detector
        for part in match[1].split(",")
        for detector in range(int(part.split("..")[0]), int(part.split("..")[-1]) + 1)
    ]
    return ((int(exposure), detector) for exposure in match[2].split(",") for detector in detectors)


def step(name: str) -> tuple[str, str]:
    action, product = name.split()
    return action, product


def given_up(story: Story) -> set[str]:
    """Return the image types that were not taken, or of whose images too few can be used."""
    asked = Asked(story.scenario)
    closed = {event.image_type: event for _, event in story.of(ImageSetClosed)}
    given_up = {name for name in asked.types if name not in closed or not is_enough(closed[name])}
    for line in story.log:
        if match := re.match(r"(\w+) exposure \d+ of \d+ (was not taken|failed)", line):
            given_up |= {match[1], *later(asked.types, match[1])}
        if match := re.match(r"The (bias|dark|flat)e?s could not be looked up in the butler", line):
            given_up.add(match[1].upper())
        if line.startswith("The level of test flat"):
            given_up.add("FLAT")
    return given_up


def is_enough(closed: ImageSetClosed) -> bool:
    """Return whether more than half of the exposures and of the detectors of a set are left."""
    return len(closed.exposures) > len(closed.left_out_exposures) and len(closed.detectors) > len(
        closed.left_out_detectors
    )


def verified_detectors(story: Story, product: str) -> int | None:
    """Return how many detectors the verification of a product that ended well was of; None without one."""
    name = VERIFY.get(product)
    for job in story.jobs:
        if job.name == name and job.phase is Phase.COMPLETED and job.exit_code == 0:
            return len({detector for _, detector in data(job)})
    return None


def times_asked(story: Story) -> dict[int, float]:
    """Return the exposure time that was asked for, of every exposure taken, seconds; not of test flats."""
    asked = Asked(story.scenario)
    times = {name: iter(asked.all_times(name)) for name in asked.types}
    found = [(time, event.exposure_time) for time, event in story.of(FlatTimeFound)]
    since, longest = next(iter(found), (math.inf, math.nan))
    wanted: dict[int, float] = {}
    n_discarded = asked.n_discard("FLAT")
    for time, event in story.of(Exposed):
        if event.ended or event.image_type not in times:
            continue
        if event.image_type != "FLAT" or asked.target is None:
            wanted[event.exposure] = next(times[event.image_type], math.nan)
        elif n_discarded:
            # The first guess has its time; nobody uses it.
            n_discarded, wanted[event.exposure] = n_discarded - 1, next(times["FLAT"], math.nan)
        elif time >= since:
            # Whatever was taken before is a test, also one whose id is that of somebody else's image.
            factor = longest / max(asked.times("FLAT"))
            wanted[event.exposure] = max(next(times["FLAT"], math.nan) * factor, 0.1)
    return wanted


def later(types: tuple[str, ...], image_type: str) -> tuple[str, ...]:
    return types[types.index(image_type) + 1 :]
