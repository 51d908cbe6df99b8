"""What the jobs of a production read and it does not make: all of it is to be there before the first job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...ground.text import detectors_of, listed
from ...ocps.reading import Read
from ...preflight.times import spans
from ...repository import Repository, lacking
from ..commands import Job
from ..selection.selection import ExposureChoice, Selection

__all__ = ["missing_references"]


def missing_references(
    repository: Repository,
    selection: Selection,
    jobs: Mapping[ExposureChoice, Job],
    *,
    verifying: bool,
) -> Iterator[str]:
    """Report what the jobs would miss, each once, with the calibrations that need it. Blocks.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    selection : `Selection`
        What is made, in an order that follows what the pipelines read.
    jobs : mapping [`ExposureChoice`, `Job`]
        Jobs to be run, with what their pipelines read.
    verifying : `bool`
        Are they verifications?

    Yields
    ------
    `str`
        One sentence; nothing for jobs of which it is not known what they read.
    """
    missing: dict[tuple[str, str | None, tuple[int, ...]], list[str]] = {}
    named = (selection.names.calib, f"{selection.instrument}/raw/all")
    absent = repository.missing_collections(named)
    common = [name for name in named if name not in absent]
    for choice, job in jobs.items():
        exposures = selection.verification_exposures(choice) if verifying else choice.generate
        reading = job.pipeline.reading
        if reading and reading.by_visit and repository.have_visits(selection.instrument, exposures) is False:
            yield (
                f"{choice.label}: {job.pipeline.uri} works on visits, but not all of these exposures have one: "
                "define them, or leave it out with --only."
            )
        when = spans(repository.exposures(selection.instrument, exposures))
        for read in _others(selection, choice, job, verifying=verifying):
            physical_filter = choice.physical_filter if read.by_filter else None
            sources = repository.sources(
                read.dataset_type, selection.instrument, common, physical_filter, when
            )
            if lost := lacking(sources, selection.detectors, when):
                key = read.dataset_type, physical_filter, lost
                missing.setdefault(key, []).append(choice.label)
    for (dataset_type, physical_filter, detectors), labels in missing.items():
        needed = f"{dataset_type} in {physical_filter}" if physical_filter else dataset_type
        yield (
            f"{listed(labels)} {'needs' if len(labels) == 1 else 'need'} {needed}, but the selection makes none, and "
            f"{selection.names.calib} has none for {detectors_of(detectors)} that is valid for these exposures."
        )


def _others(selection: Selection, choice: ExposureChoice, job: Job, *, verifying: bool) -> Iterator[Read]:
    """Return what a job cannot do without and no other job of the selection makes for it."""
    fresh = selection.verified_from(choice) if verifying else selection.prerequisites(choice)
    made = {name for other in fresh for name in other.product.dataset_types}
    reading = job.pipeline.reading
    for read in () if reading is None else reading.reads:
        if not read.optional and read.dataset_type not in made:
            yield read
