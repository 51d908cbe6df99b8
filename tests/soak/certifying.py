"""What holds of every certification."""

from __future__ import annotations

from collections import Counter

from soak.asked import CALIBRATIONS, VERIFY, Asked
from soak.reading import Problems, commits, origins, verifications, verified_detectors
from soak.story import Committed, Sent, Story

from lsst.ts.calibscripts.events.events import Compared
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.ocps.csc import Phase
from lsst.ts.calibscripts.testing.memory import Dataset

__all__ = [
    "certified_as_asked",
    "certified_comes_of_good_jobs",
    "certified_is_verified",
    "certified_while_running_only",
    "failed_has_no_heirs",
    "moved_is_withheld",
    "origins_are_certified_first",
]


def certified_is_verified(story: Story) -> Problems:
    """Nothing is certified unless it passed its verification, or none was wanted, or it is DEFECTS or PTC."""
    asked = Asked(story.scenario)
    unseen = story.scenario.hides_inputs and "certified-preferred" in story.scenario.fault_names
    for time, dataset in commits(story):
        product = CALIBRATIONS[dataset.dataset_type]
        if product not in VERIFY or not asked.verifying:
            continue
        n_detectors = verified_detectors(story, product)
        if n_detectors is None or not asked.passes(product, n_detectors):
            what = asked.verification(product)
            yield f"{product} was certified though the verification of {n_detectors} detectors is: {what}"
        ended_before = [seen for ended, seen in verifications(story, product) if ended <= time]
        if not (unseen and ended_before) and not any(dataset in seen for seen in ended_before):
            yield f"{product} was certified at {time} before a verification that read it had ended"


def certified_comes_of_good_jobs(story: Story) -> Problems:
    """Nothing is certified that a job left which failed, nor what was made from that."""
    failed = {f"u/ocps/{job.job_id}/run" for job in story.jobs if job.phase is not Phase.COMPLETED}
    for _, dataset in commits(story):
        for each in (dataset, *origins(dataset)):
            if each.run in failed:
                yield f"{dataset.dataset_type} was certified with {each.dataset_type} of the failed {each.run}"


def origins_are_certified_first(story: Story) -> Problems:
    """Nothing is certified before everything of this run that it was made from."""
    done: set[Dataset] = set()
    for _, dataset in commits(story):
        for origin in origins(dataset):
            if origin in story.written and origin not in done:
                yield f"{dataset.dataset_type} was certified before the {origin.dataset_type} it was made from"
        done.add(dataset)


def failed_has_no_heirs(story: Story) -> Problems:
    """Nothing is certified that was made from something whose verification failed, images included.

    A job that failed, or took too long, has told nothing about the images; DEFECTS and PTC are not verified anyway.
    """
    asked = Asked(story.scenario)
    judged = {product: verified_detectors(story, product) for product in asked.verified}
    failing = {p for p, n_detectors in judged.items() if n_detectors and not asked.passes(p, n_detectors)}
    failing = {product for product in failing if not asked.is_untold(product)}
    for _, dataset in commits(story):
        for origin in origins(dataset):
            product = CALIBRATIONS[origin.dataset_type]
            if origin in story.written and product in failing:
                yield f"{dataset.dataset_type} was certified though {product} failed its verification"
        for image_type in asked.images(CALIBRATIONS[dataset.dataset_type]):
            if image_type in failing:
                yield f"{dataset.dataset_type} was certified though its {image_type} images failed theirs"


def moved_is_withheld(story: Story) -> Problems:
    """What has moved from the calibration before it is said, and not certified where that is asked for."""
    asked = Asked(story.scenario)
    if withheld := {CALIBRATIONS[d.dataset_type] for _, d in commits(story)} & asked.withheld:
        yield f"{sorted(withheld)} were certified though they have moved"
    for _, compared in story.of(Compared):
        if not compared.problem and bool(compared.moved) != (compared.product in asked.moved):
            yield f"{compared.product} is said to have moved: {compared.moved}, to have moved are {asked.moved}"
    told = Counter(compared.product for _, compared in story.of(Compared))
    off = story.scenario.option("compare_with_previous", "report") == "off"
    if told and (off or max(told.values()) > 1):
        yield f"compared were {told}"


def certified_while_running_only(story: Story) -> Problems:
    """Nothing is certified after a stop, while paused, or when the script is ending."""
    stops = [time for time, _ in story.of(Sent)]
    for time, commit in story.of(Committed):
        if not any(association.dataset in story.written for association in commit.associations):
            continue
        if commit.state is not ScriptState.RUNNING:
            yield f"certified at {time} in state {commit.state.name}"
        if any(time > stop for stop in stops):
            yield f"certified at {time}, after the stop at {stops}"


def certified_as_asked(story: Story) -> Problems:
    """What is certified is what this run made, into the collection and for the range that were asked for."""
    asked = Asked(story.scenario)
    for _, commit in story.of(Committed):
        for association in commit.associations:
            dataset = association.dataset
            if dataset not in story.written:
                continue
            product = CALIBRATIONS[dataset.dataset_type]
            if product not in asked.certified:
                yield f"{product} was certified and nobody wanted it"
            found = association.collection, *association.validity.texts
            if found != asked.certification:
                yield f"{product} was certified as {found}, wanted was {asked.certification}"
            if dataset.detector not in story.scenario.detectors:
                yield f"{product} was certified for detector {dataset.detector}"
    twice = [name for name, n in Counter(d.place for _, d in commits(story)).items() if n > 1]
    if twice:
        yield f"certified twice: {twice}"
