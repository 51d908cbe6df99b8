"""What holds of the jobs and the exposures of every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from soak.asked import CALIBRATIONS, GENERATE, MOST_TESTS, VERIFY, Asked, ancestors
from soak.reading import Problems, commits, data, failed_by_itself, later, origins
from soak.story import Committed, Exposed, Story

from lsst.ts.calibscripts.events.events import (
    ImageArrived,
    JobEnded,
    JobSubmitted,
    StepEnded,
    StepOutcome,
    TrialFlatTaken,
    Verdicted,
)
from lsst.ts.calibscripts.plan import StepId
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.ocps.csc import Job, Phase

__all__ = [
    "camera_stops_at_a_failure",
    "camera_stops_at_a_verdict",
    "discarded_are_not_used",
    "fresh_is_read",
    "heirs_of_failures_are_aborted",
    "no_job_runs_on",
    "only_failed_jobs_are_repeated",
    "only_what_was_asked",
    "steps_wait",
]

CANNOT_BE_ABORTED = frozenset({"result-before-ack", "no-acknowledgement", "ocps-fault", "ocps-dead"})
"""Faults through which the id of a job is not known in time, or nobody aborts it."""

ABORT_SECONDS = 1.0

_FINAL_PHASES = frozenset({Phase.COMPLETED, Phase.ERROR, Phase.ABORTED})


def steps_wait(story: Story) -> Problems:
    """No job is submitted before its images and its prerequisites are there, and the OCPS runs no other."""
    asked = Asked(story.scenario)
    generated: set[str] = set()
    certified: set[str] = set()
    failed: set[str] = set()
    earlier = story.scenario.earlier
    arrived = {(exposure, d) for exposure, image in earlier.items() for d in image.detectors}
    types = {exposure: name for name, exposures in asked.existing.items() for exposure in exposures}
    submitted: set[tuple[str, str]] = set()
    for entry in story.entries:
        match entry.what:
            case Exposed(exposure, image_type):
                types[exposure] = image_type
            case ImageArrived(exposure, detector, 0):
                arrived.add((exposure, detector))
            case Committed(associations):
                certified |= {CALIBRATIONS[a.dataset.dataset_type] for a in associations}
            case Verdicted(product, passed=False):
                failed.add(product)
            case Job(phase=Phase.COMPLETED) as job:
                generated |= {product for product, name in GENERATE.items() if name == job.name}
            case Job(phase=Phase.QUEUED) as job:
                if (job.pipeline, job.data_query) not in submitted:
                    yield f"{job.name} was queued on {job.data_query}, which nobody submitted"
            case JobSubmitted(step=name) as request:
                submitted.add((request.pipeline, request.data_query))
                action, product = name.action, name.product
                needed = set(ancestors(product)) & asked.made
                ready = certified if asked.waits and action == "GENERATE" else generated
                if action == "VERIFY" and product in asked.made:
                    needed |= {product}
                if needed - ready:
                    yield f"{name} began before {sorted(needed - ready)}"
                if spoiled := {*ancestors(product), product} & failed & asked.made:
                    yield f"{name} began though {sorted(spoiled)} failed"
                for exposure, detector in data(request):
                    if (exposure, detector) not in arrived:
                        yield f"{name} began before {exposure} of detector {detector} had arrived"
                    if types.get(exposure) not in asked.images(product):
                        yield f"{name} reads {exposure}, a {types.get(exposure)}"


def heirs_of_failures_are_aborted(story: Story) -> Problems:
    """A job that reads what a verdict has failed is aborted at once, not waited for."""
    asked = Asked(story.scenario)
    if not asked.generating or story.scenario.fault_names & CANNOT_BE_ABORTED:
        return
    for time, verdict in story.of(Verdicted):
        for ended, job in story.of(Job):
            heir = verdict.product in ancestors(asked.product_of(job))
            if heir and not verdict.passed and job.phase is Phase.COMPLETED and ended > time + ABORT_SECONDS:
                yield f"{job.name} ran on until {ended}, though {verdict.product} had failed at {time}"


def only_failed_jobs_are_repeated(story: Story) -> Problems:
    """A step has a second job only if its first one failed, and it has all its attempts before it fails."""
    attempts = Asked(story.scenario).attempts
    ends: dict[StepId, list[JobEnded]] = {}
    for entry in story.entries:
        match entry.what:
            case JobSubmitted(step=name):
                before = ends.setdefault(name, [])
                if any(not failed_by_itself(end) for end in before) or len(before) >= attempts:
                    yield f"{name} was submitted after {[(end.outcome, end.exit_code) for end in before]}"
            case JobEnded(step=name) as end:
                ends[name].append(end)
            case StepEnded(step=name, outcome=StepOutcome.FAILED) if ends.get(name):
                if failed_by_itself(ends[name][-1]) and len(ends[name]) < attempts:
                    yield f"{name} failed after {len(ends[name])} of {attempts} attempts"


def discarded_are_not_used(story: Story) -> Problems:
    """The first exposures of a set, as many as are to be discarded, are in no job, and test flats neither."""
    if {"exposure-foreign", "exposure-repeated"} <= story.scenario.fault_names:
        # The first image hides behind somebody else's, and is then reported under the name of the next.
        return
    asked = Asked(story.scenario)
    begun: Counter[str] = Counter()
    discarded = set()
    for _, event in story.of(Exposed):
        if not event.ended:
            begun[event.image_type] += 1
            if begun[event.image_type] <= asked.n_discard(event.image_type):
                discarded.add(event.exposure)
    discarded |= {event.exposure for _, event in story.of(TrialFlatTaken)}
    for job in story.jobs:
        if used := {exposure for exposure, _ in data(job)} & discarded:
            yield f"{job.name} reads {sorted(used)}, which are discarded"


def fresh_is_read(story: Story) -> Problems:
    """A job reads the products of this run, never older ones; where the OCPS lets it, nothing comes of that."""
    asked = Asked(story.scenario)
    older = {
        dataset: origin
        for dataset in story.written
        for origin in dataset.inputs
        if CALIBRATIONS.get(origin.dataset_type) in asked.made and origin not in story.written
    }
    preferred = "certified-preferred" in story.scenario.fault_names
    if not preferred:
        for dataset, origin in older.items():
            yield f"{dataset.dataset_type} in {dataset.run} read the {origin.dataset_type} of {origin.run}"
    if story.scenario.hides_inputs:
        return
    for _, dataset in commits(story):
        if stale := {dataset, *origins(dataset)} & older.keys():
            runs = sorted(each.run for each in stale)
            yield f"{dataset.dataset_type} was certified, and older calibrations went into {runs}"
    if older and preferred and story.state is ScriptState.DONE and not asked.warns:
        yield f"DONE though jobs read older calibrations: {sorted(d.run for d in older)}"


def no_job_runs_on(story: Story) -> Problems:
    """No job of ours runs after the end, or begins."""
    # A job whose id comes with its end cannot be aborted before.
    late_ids = "result-before-ack" in story.scenario.fault_names
    for job in story.jobs_at_end:
        if job.phase not in _FINAL_PHASES and not late_ids:
            yield f"{job.name} is {job.phase} after the script has ended {story.state.name}"
    if len(story.jobs) > len(story.jobs_at_end):
        yield f"jobs began after the end: {[job.name for job in story.jobs[len(story.jobs_at_end) :]]}"


def only_what_was_asked(story: Story) -> Problems:
    """No job is run that nobody asked for, and no exposure taken."""
    asked = Asked(story.scenario)
    names = {GENERATE[product] for product in asked.made} | {VERIFY[product] for product in asked.verified}
    if strange := {job.name for job in story.jobs} - names:
        yield f"jobs that nobody asked for: {sorted(strange)}"
    begun = Counter(event.image_type for _, event in story.of(Exposed) if not event.ended)
    for image_type, n in begun.items():
        if image_type == "ENGTEST" and "exposure-foreign" in story.scenario.fault_names:
            continue
        wanted = asked.n_exposures(image_type) if image_type in asked.types else 0
        wanted += MOST_TESTS if image_type == "FLAT" and asked.target else 0
        if n > wanted + (len(asked.flat_darks) if image_type == "DARK" else 0):
            yield f"{n} {image_type} were taken"


def camera_stops_at_a_failure(story: Story) -> Problems:
    """After an exposure that failed none is taken."""
    types = Asked(story.scenario).types
    begun = Counter(event.image_type for _, event in story.of(Exposed) if not event.ended)
    for fault in story.scenario.summit_faults():
        if fault.name not in ("exposure-rejected", "camera-fault") or fault.of not in types:
            continue
        if begun[fault.of] >= fault.at:
            yield f"{begun[fault.of]} {fault.of} were taken though number {fault.at} failed"
        failed = any(
            f"{fault.of} exposure {fault.at} " in line and "was not taken" in line for line in story.log
        )
        if failed and any(begun[image_type] for image_type in later(types, fault.of)):
            yield f"exposures were taken after the failed {fault.of}"


def camera_stops_at_a_verdict(story: Story) -> Problems:
    """When generating, nothing is taken that only feeds what was cancelled by a verdict or a failed job."""
    asked = Asked(story.scenario)
    if not asked.generating:
        return
    lost: dict[str, float] = {}
    for time, verdict in story.of(Verdicted):
        if not verdict.passed:
            lost.setdefault(verdict.product, time)
    for time, end in story.of(JobEnded):
        again = any(after >= time and event.step == end.step for after, event in story.of(JobSubmitted))
        if end.step.action == "GENERATE" and end.exit_code not in (0, None) and not again:
            lost.setdefault(end.step.product, time)
    for sent, event in _sent(story):
        for product, since in lost.items():
            if sent > since and product in ancestors(event.image_type):
                yield f"a {event.image_type} was sent for at {sent}, after {product} was lost at {since}"


def _sent(story: Story) -> Iterator[tuple[float, Exposed]]:
    """Return when each exposure was sent for, at the earliest, and that it was begun.

    After somebody else's exposure, which is taken for ours, the camera is one behind: a command waits in it while the
    one before it is exposed.
    """
    foreign, before = False, 0.0
    for time, event in story.of(Exposed):
        if event.ended:
            continue
        if event.image_type == "ENGTEST":
            foreign = True
        else:
            yield before if foreign else time, event
        before = time
