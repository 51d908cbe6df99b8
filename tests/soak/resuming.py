"""What a run offers at its end, made the configuration of a second run, and what holds of the two."""

from __future__ import annotations

import re
from typing import Any

import yaml
from soak.asked import VERIFY, Asked
from soak.reading import Problems, commits, data, doubtful, times_asked, verified_detectors
from soak.scenarios import INTRUDED, Earlier, Scenario
from soak.selecting import contradiction, refused_flats
from soak.story import Exposed, Story

from lsst.ts.calibscripts.events.events import CertificationRefused, ImageSetClosed, Verdicted
from lsst.ts.calibscripts.ground.time_range import TimeRange
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.tables.instruments import INSTRUMENTS
from lsst.ts.calibscripts.testing.memory import Dataset

__all__ = ["PAIR_INVARIANTS", "offer", "second_run"]

_OFFER = re.compile(r"configuration[^\n]*:\n(.*?)(?:\n\n|\Z)", re.DOTALL)
"""Where a script is terminated, its last messages may be one, with a blank line between them."""


def offer(story: Story) -> dict[str, Any] | None:
    """Return the configuration a run offers for going on; None where it offers none."""
    found = _OFFER.search(story.summary.partition("What to do next:")[2])
    if found is None:
        return None
    config: dict[str, Any] = yaml.safe_load(found[1])
    return config


def second_run(story: Story) -> Scenario | None:
    """Return the undisturbed run of what was offered; None where nothing was."""
    config = offer(story)
    if config is None:
        return None
    earlier = {
        exposure: Earlier(
            record.image_type,
            record.exposure_time,
            record.physical_filter,
            detectors=tuple(sorted(d for e, d in story.levels if e == exposure)),
        )
        for exposure, record in story.records.items()
    }
    first = story.scenario
    # Times that jobs are given must be those that they take.
    seconds = dict.fromkeys(first.job_seconds, 1.0)
    present = {**first.present, **unseen(story)}
    return Scenario(
        first.instrument,
        config,
        seconds,
        references=first.references,
        present=present,
        earlier=earlier,
        age=first.age,
    )


def unseen(story: Story) -> dict[str, tuple[str, str]]:
    """Return what somebody else certified, in a run that never came to certify the same: dataset type -> range."""
    intruder = story.scenario.intruder
    refused = {event.product.lower() for _, event in story.of(CertificationRefused)}
    if intruder is None or intruder.dataset_type in refused:
        return {}
    held = story.butler.associations(INSTRUMENTS[story.scenario.instrument].daily_collection)
    came = (intruder.dataset_type, TimeRange.of(*INTRUDED))
    return (
        {intruder.dataset_type: INTRUDED}
        if came in {(a.dataset.dataset_type, a.validity) for a in held}
        else {}
    )


def can_be_queued(first: Story, second: Story) -> Problems:
    """What is offered is accepted as it stands: by configure, and before the first exposure."""
    if second.state is ScriptState.CONFIGURE_FAILED:
        yield f"the configuration offered was refused: {second.reason}"
    if "No image was taken" in second.reason and not _is_in_the_way(first, second):
        yield f"the run offered could not begin: {second.reason}"


def _is_in_the_way(first: Story, second: Story) -> bool:
    """Has somebody certified, unseen by the first run, where the second is to certify?"""
    return (
        bool(unseen(first)) and "already holds" in second.reason and bool(Asked(second.scenario).impossible)
    )


def offer_leads_to_the_end(first: Story, second: Story) -> Problems:
    """What is offered ends DONE where all images are there, with all that was asked for."""
    lost = [closed for _, closed in second.of(ImageSetClosed) if closed.left_out_detectors]
    if second.state is not ScriptState.DONE and not lost and not _is_in_the_way(first, second):
        yield f"what was offered ended {second.state.name}: {second.reason}"


def offered_images_are_good(first: Story, second: Story) -> Problems:
    """Every exposure that is offered was asked for, fits, was kept, and is of a set that was not refused."""
    refused = refused_images(first)
    for image_type, exposures in Asked(second.scenario).existing.items():
        for exposure in exposures:
            if exposure in refused:
                yield f"{image_type} {exposure} is offered, though {refused[exposure]}"


def refused_is_not_certified(first: Story, second: Story) -> Problems:
    """Nothing is certified by the second run that was made from an image that the first had refused."""
    refused = refused_images(first)
    for _, dataset in commits(second):
        for exposure in sorted(_images(second, dataset) & set(refused)):
            yield f"{dataset.dataset_type} was certified from {exposure}, though {refused[exposure]}"


def something_is_left_to_do(first: Story, second: Story) -> Problems:
    """Nothing is offered where all that was asked for is done."""
    asked = Asked(first.scenario)
    certified = {(dataset.dataset_type.upper(), dataset.detector) for _, dataset in commits(first)}
    wanted = {(product, d) for product in asked.certified for d in first.scenario.detectors}
    gains = "GAIN" not in asked.made or re.search(r"^    GENERATE GAIN: done", first.summary, re.MULTILINE)
    if asked.generating and wanted and wanted <= certified and gains and not doubtful(first):
        yield "a configuration was offered, though everything is certified"


def refused_images(story: Story) -> dict[int, str]:
    """Return the exposures that a run has refused, given up or discarded, and why."""
    asked = Asked(story.scenario)
    refused = dict.fromkeys(refused_flats(story), "no flat was within the limits of the level")
    for image_type in asked.types:
        refused |= _refused_of(story, asked, image_type)
    for _, closed in story.of(ImageSetClosed):
        refused |= dict.fromkeys(closed.left_out_exposures, "it was left out")
    for product in asked.verified & set(VERIFY):
        n_detectors = verified_detectors(story, product)
        verdict = next((found for _, found in story.of(Verdicted) if found.product == product), None)
        # A butler in trouble may keep the statistics from being read; else it is known whether they can be judged.
        readable = verdict is not None and (verdict.judged or not story.scenario.troubles)
        tests_decide = readable and asked.is_judged(product)
        if n_detectors and tests_decide and not asked.passes(product, n_detectors):
            job = next(job for job in story.jobs if job.name == VERIFY[product])
            refused |= {exposure: f"the {product} failed verification" for exposure, _ in data(job)}
    return refused


def _refused_of(story: Story, asked: Asked, image_type: str) -> dict[int, str]:
    refused: dict[int, str] = {}
    begun = [e.exposure for _, e in story.of(Exposed) if e.image_type == image_type and not e.ended]
    times = times_asked(story)
    n_discard = 0 if image_type in asked.existing else asked.n_discard(image_type)
    for exposure in (*asked.existing.get(image_type, ()), *begun):
        if found := contradiction(story, image_type, exposure, times):
            refused[exposure] = f"it is one {found}"
    return refused | dict.fromkeys(begun[:n_discard], "it is to be discarded")


def _images(story: Story, dataset: Dataset) -> set[int]:
    images: set[int] = set()
    for found in dataset.inputs:
        if found.dataset_type == "raw":
            images.add(int(found.exposure or 0))
        elif found in story.written:
            images |= _images(story, found)
    return images


PAIR_INVARIANTS = (
    can_be_queued,
    offer_leads_to_the_end,
    offered_images_are_good,
    refused_is_not_certified,
    something_is_left_to_do,
)
