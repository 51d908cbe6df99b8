"""What holds of the images, detectors and filters that a run uses: only what is as it was asked for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from soak.asked import CALIBRATIONS, TOLERANCE, VERIFY, Asked
from soak.reading import Problems, commits, data, is_enough, times_asked
from soak.story import Exposed, Story

from lsst.ts.calibscripts.events.events import ImageArrived, ImageSetClosed, JobSubmitted, Warned
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.testing.memory import Dataset

__all__ = [
    "filter_is_the_one_asked_for",
    "left_out_is_not_used",
    "left_out_is_reported",
    "levels_are_heeded",
    "minorities_are_not_certified",
    "no_set_is_given_up_needlessly",
    "only_fitting_images_are_used",
]

BLINDING = frozenset(
    {
        "oods-fault",
        "image-behind",
        "image-doubted",
        "image-late",
        "image-status-1",
        "detectors-renamed",
        "exposure-foreign",
        "exposure-repeated",
    }
)
"""Faults after which the butler knows an image later than the run, or not as its own."""


def only_fitting_images_are_used(story: Story) -> Problems:
    """An image whose record contradicts what was asked for, that is bad or that the butler lacks, is in no job."""
    times = times_asked(story)
    for submitted, job in story.of(JobSubmitted):
        product = job.step.product
        arrived = [event for time, event in story.of(ImageArrived) if time <= submitted]
        good = {(event.exposure, event.detector) for event in arrived if event.status_code == 0}
        bad = {(event.exposure, event.detector) for event in arrived} - good
        for exposure, detector in data(job):
            if (exposure, detector) in bad:
                yield f"{job.step} is to read {exposure} of detector {detector}, which the OODS reported as bad"
            if (exposure, detector) not in story.levels:
                yield f"{job.step} is to read {exposure} of detector {detector}, which was never ingested"
        for exposure in sorted({exposure for exposure, _ in data(job)}):
            if found := contradiction(story, product, exposure, times):
                yield f"{job.step} is to read {exposure}, {found}"


def contradiction(story: Story, product: str, exposure: int, times: dict[int, float]) -> str:
    """Say how the record of an exposure contradicts what a job of a product may read; empty where it does not."""
    asked, record = Asked(story.scenario), story.records.get(exposure)
    if record is None:
        return "which the butler does not know"
    image_type = _type_asked(story, exposure)
    if image_type not in asked.images(product) or record.image_type not in (image_type, "UNKNOWN"):
        return f"a {record.image_type} taken as {image_type}"
    if exposure in times and not abs(record.exposure_time - times[exposure]) < TOLERANCE:
        return f"of {record.exposure_time} s instead of {times[exposure]} s"
    if exposure not in times and not asked.has_right_time(image_type, record.exposure_time):
        return f"of {record.exposure_time} s, which is none of the times asked for"
    if image_type == "FLAT" and asked.filter not in (None, record.physical_filter):
        return f"in {record.physical_filter} instead of {asked.filter}"
    return ""


def filter_is_the_one_asked_for(story: Story) -> Problems:
    """What is certified was made from flats of one filter, the one that was asked for, and is certified for it."""
    asked = Asked(story.scenario)
    for _, dataset in commits(story):
        filters = {story.records[exposure].physical_filter for exposure in _flats(story, dataset)}
        if dataset.dataset_type == "flat":
            filters.add(str(dataset.physical_filter))
        if len(filters) > 1 or (asked.filter is not None and filters - {asked.filter}):
            yield f"{dataset.dataset_type} was certified from flats in {filters}, asked for was {asked.filter}"


def levels_are_heeded(story: Story) -> Problems:
    """Nothing is certified, or generated, from flats of which none is within the limits of their level."""
    refused = refused_flats(story)
    for dataset in story.written:
        if dataset.dataset_type in CALIBRATIONS and refused & _flats(story, dataset):
            yield f"{dataset.dataset_type} was made from flats whose level is outside {Asked(story.scenario).window}"


def refused_flats(story: Story) -> set[int]:
    """Return the flats of the run if the level of none of them is within the limits."""
    window = Asked(story.scenario).window
    if window is None:
        return set()
    low, high = window
    ours = {exposure for exposure in story.records if _type_asked(story, exposure) == "FLAT"}
    seen = {e: v for (e, d), v in story.levels.items() if e in ours and d in story.scenario.detectors}
    good = [level for level in seen.values() if low <= level <= high]
    return set() if good else ours


def minorities_are_not_certified(story: Story) -> Problems:
    """What was verified in half of the detectors asked for or fewer is not certified."""
    asked = Asked(story.scenario)
    certified: dict[str, set[int]] = {}
    for _, dataset in commits(story):
        certified.setdefault(CALIBRATIONS[dataset.dataset_type], set()).add(int(dataset.detector or 0))
    for product, detectors in certified.items():
        few = 2 * len(detectors) <= len(story.scenario.detectors)
        if product in VERIFY and asked.verifying and few:
            yield f"{product} was certified for detectors {sorted(detectors)} only"


def left_out_is_not_used(story: Story) -> Problems:
    """No job reads an exposure that was left out of its set, or a detector that was left out of it."""
    left_out: dict[str, ImageSetClosed] = {}
    for entry in story.entries:
        match entry.what:
            case ImageSetClosed() as closed:
                left_out[closed.image_type] = closed
            case JobSubmitted() as job:
                sets = [
                    left_out[name]
                    for name in Asked(story.scenario).images(job.step.product)
                    if name in left_out
                ]
                exposures = {exposure for closed in sets for exposure in closed.left_out_exposures}
                detectors = (
                    set.intersection(*({*closed.left_out_detectors} for closed in sets)) if sets else set()
                )
                used = {*data(job)}
                if lost := sorted({e for e, _ in used} & exposures | {d for _, d in used} & detectors):
                    yield f"{job.step} is to read {lost}, left out of its set"


def left_out_is_reported(story: Story) -> Problems:
    """Exposures that are left out are in the summary, and a run that lost detectors is not DONE."""
    for _, closed in story.of(ImageSetClosed):
        if closed.left_out_detectors and is_enough(closed) and story.state is ScriptState.DONE:
            yield f"DONE though {closed.image_type} lost detectors {closed.left_out_detectors}"
        images = story.summary.partition("Steps:")[0]
        if not closed.left_out_exposures or not story.summary or "Images taken:\n    none" in images:
            continue
        if story.state is ScriptState.DONE and "\nWarnings:\n" not in story.summary:
            yield f"DONE without a warning though {closed.left_out_exposures} are left out"
        if "; left out " not in images:
            yield f"the summary does not say that {closed.left_out_exposures} are left out"


def no_set_is_given_up_needlessly(story: Story) -> Problems:
    """A set goes on with what fits, if that is more than half of its exposures and of its detectors."""
    scenario, asked = story.scenario, Asked(story.scenario)
    if scenario.troubles or scenario.fault_names & BLINDING:
        return
    times = times_asked(story)
    for _, closed in story.of(ImageSetClosed):
        image_type = closed.image_type
        kept = sorted({*closed.exposures, *closed.left_out_exposures})
        refused = image_type == "FLAT" and (asked.window or scenario.filter_change)
        types = {story.records[e].image_type for e in kept if e in story.records}
        filters = {story.records[e].physical_filter for e in kept if e in story.records}
        filters = {name for name in filters if "unknown" not in name.lower()}
        strange = types - {image_type, "UNKNOWN"} or (image_type == "FLAT" and len(filters) > 1)
        # A set that a stopped run had no time to examine is not offered, and that is said.
        unexamined = any("so they are not offered" in event.message for _, event in story.of(Warned))
        if is_enough(closed) or refused or strange or unexamined:
            continue
        fitting = [e for e in kept if not contradiction(story, image_type, e, times)]
        if _can_go_on(story, kept, fitting):
            yield f"the {image_type} were given up, though enough of {fitting} fits"


def _can_go_on(story: Story, kept: list[int], fitting: list[int]) -> bool:
    asked = story.scenario.detectors
    for n in range(len(asked) // 2 + 1, len(asked) + 1):
        for detectors in itertools.combinations(asked, n):
            whole = [e for e in fitting if all((e, d) in story.levels for d in detectors)]
            if 2 * len(whole) > len(kept):
                return True
    return False


def _flats(story: Story, dataset: Dataset) -> set[int]:
    """Return the flats a dataset was made from, directly and through calibrations of this run."""
    return {
        int(found.exposure or 0)
        for found in _inputs(story, dataset)
        if found.dataset_type == "raw" and _type_asked(story, int(found.exposure or 0)) == "FLAT"
    }


def _inputs(story: Story, dataset: Dataset) -> Iterator[Dataset]:
    for found in dataset.inputs:
        yield found
        if found in story.written:
            yield from _inputs(story, found)


def _type_asked(story: Story, exposure: int) -> str:
    """Return the type an exposure was taken as, or listed under."""
    for name, ids in Asked(story.scenario).existing.items():
        if exposure in ids:
            return name
    return next((e.image_type for _, e in story.of(Exposed) if e.exposure == exposure), "")
