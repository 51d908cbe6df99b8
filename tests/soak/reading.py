"""What rules ask a story."""

from __future__ import annotations

import re
from collections.abc import Iterator

from soak.asked import CALIBRATIONS, VERIFY, Asked
from soak.story import Committed, Story

from lsst.ts.calibscripts.progress import JobSubmitted
from lsst.ts.calibscripts.summit.memory import Dataset
from lsst.ts.calibscripts.summit.ocps import Job, Phase

__all__ = ["Problems", "commits", "data", "doubtful", "given_up", "later", "origins", "step", "verifications"]

_DATA = re.compile(r"detector IN \(([\d.,]+)\) AND exposure IN \(([\d,]+)\)")

Problems = Iterator[str]
"""A sentence for everything that is not as it is to be."""


def commits(story: Story) -> Iterator[tuple[float, Dataset]]:
    """Give what this run certified, in order."""
    for time, commit in story.of(Committed):
        for association in commit.associations:
            if association.dataset.run.startswith("u/ocps/"):
                yield time, association.dataset


def origins(dataset: Dataset) -> Iterator[Dataset]:
    """Give the calibrations a dataset was made from, directly and indirectly."""
    for origin in dataset.inputs:
        if origin.dataset_type in CALIBRATIONS:
            yield origin
            yield from origins(origin)


def doubtful(story: Story) -> set[str]:
    """Give the products of which the summary says that it is not known whether they are certified."""
    return set(re.findall(r"^    (\w+) may be certified into", story.summary, re.MULTILINE))


def verifications(story: Story, product: str) -> Iterator[tuple[float, tuple[Dataset, ...]]]:
    """Give when verifications of a product had ended well, and what they read."""
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
    """Give the image types that were not taken for an exposure that failed, or of which too few arrived."""
    types = Asked(story.scenario).types
    given_up: set[str] = set()
    for line in story.log:
        if match := re.match(r"Only .* (\w+) and .* the set is given up", line):
            given_up.add({"biases": "BIAS", "darks": "DARK", "flats": "FLAT"}[match[1]])
        if match := re.match(r"(\w+) exposure \d+ of \d+ was not taken", line):
            given_up |= {match[1], *later(types, match[1])}
    return given_up


def later(types: tuple[str, ...], image_type: str) -> tuple[str, ...]:
    return types[types.index(image_type) + 1 :]
