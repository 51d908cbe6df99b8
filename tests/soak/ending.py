"""What holds of the end of every run."""

from __future__ import annotations

import re
from collections import Counter

from soak.asked import CALIBRATIONS, GENERATE, VERIFY, Asked, ancestors
from soak.reading import Problems, commits, given_up, step, verified_detectors
from soak.story import Exposed, Sent, Story

from lsst.ts.calibscripts.events.events import Verdicted
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.ocps.csc import Phase
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine

__all__ = [
    "done_means_done",
    "end_has_a_reason",
    "ends_in_time",
    "errors_are_ours",
    "nothing_is_left",
    "peace_ends_done",
    "preconditions_cost_no_exposure",
    "the_rest_goes_on",
    "verdicts_decide",
]

STOP_SECONDS = 10.0
"""Then the ScriptQueue terminates a script that it has stopped."""


def done_means_done(story: Story) -> Problems:
    """DONE: every step that was asked for was completed, but for what a verification failed with `warn`."""
    if story.state is not ScriptState.DONE:
        return
    asked = Asked(story.scenario)
    judged = {product: verified_detectors(story, product) for product in asked.verified}
    lost = {p for p, n_detectors in judged.items() if n_detectors and not asked.passes(p, n_detectors)}
    # Statistics that could not be read, or do not tell of a detector, are a failed verification too.
    lost |= {verdict.product for _, verdict in story.of(Verdicted) if not verdict.passed}
    said = {verdict.product for _, verdict in story.of(Verdicted)}
    # What was verified when something it was made from failed is cancelled before anybody looks at its statistics.
    cancelled = {product for product in lost - said if lost.intersection(ancestors(product))}
    if heavy := {product for product in lost - cancelled if not asked.may_fail(product)}:
        yield f"DONE though the verification of {sorted(heavy)} failed"
    if withheld := asked.withheld & asked.certified - {
        p for p in asked.products if lost & {p, *ancestors(p)}
    }:
        yield f"DONE though {sorted(withheld)} must not be certified"
    # What was made from something that failed need not be there, and what it was verified with neither.
    excused = {p for p in asked.products if lost & {p, *ancestors(p), *asked.images(p)}}
    completed = {job.name for job in story.jobs if job.phase is Phase.COMPLETED and job.exit_code == 0}
    for product in asked.made - excused:
        if GENERATE[product] not in completed:
            yield f"DONE though {product} was not generated"
    for product in asked.verified - excused:
        if VERIFY[product] not in completed:
            yield f"DONE though {product} was not verified"
    certified = {(CALIBRATIONS[d.dataset_type], d.detector) for _, d in commits(story)}
    for product in asked.certified - excused:
        for detector in story.scenario.detectors:
            if (product, detector) not in certified:
                yield f"DONE though {product} of detector {detector} was not certified"


def peace_ends_done(story: Story) -> Problems:
    """A run in which nothing went wrong ends DONE."""
    if Asked(story.scenario).is_peaceful and story.state is not ScriptState.DONE:
        yield f"ended {story.state.name}: {story.reason}"


def verdicts_decide(story: Story) -> Problems:
    """Where nothing but verifications fails, exactly what is made from what failed is lost, and all else is done."""
    asked = Asked(story.scenario)
    if not asked.is_peaceful_but_for_verdicts:
        return
    judged = {event.product for _, event in story.of(Verdicted)}
    if not asked.judged <= judged <= asked.verified:
        yield f"judged were {sorted(judged)}, to be judged were {sorted(asked.judged)}"
    certified = {CALIBRATIONS[d.dataset_type] for _, d in commits(story)}
    wanted = {product for product in asked.certified if not asked.is_spoiled(product)}
    if certified != wanted:
        yield f"certified were {sorted(certified)}, to be certified were {sorted(wanted)}"
    failed = {product for product in asked.failing & judged if not asked.may_fail(product)}
    if story.state is not (ScriptState.FAILED if failed else ScriptState.DONE):
        yield f"ended {story.state.name} with failed verifications of {sorted(asked.failing)}"


def the_rest_goes_on(story: Story) -> Problems:
    """When something fails, all that does not depend on it is done, and the images for it are taken."""
    asked = Asked(story.scenario)
    if story.state not in (ScriptState.DONE, ScriptState.FAILED) or not list(story.of(Exposed)):
        return
    steps = story.summary.partition("Steps:")[2].partition("Certified:")[0]
    told = dict(re.findall(r"^    (\w+ \w+): ([\w ]+\w)", steps, re.MULTILINE))
    failed = {step(name) for name, outcome in told.items() if outcome in ("failed", "not judged")}
    judged = {verdict.product for _, verdict in story.of(Verdicted) if not verdict.passed}
    too_few = given_up(story)
    lost = asked.lost(failed, judged if asked.generating else set(), too_few)
    for name, outcome in told.items():
        if outcome not in ("done", "passed") and step(name) not in lost:
            yield f"{name} was {outcome}, though nothing it needs had failed"
    begun = Counter(event.image_type for _, event in story.of(Exposed) if not event.ended)
    for image_type in set(asked.types) - too_few:
        served = {s for s in asked.steps if s[0] != "CERTIFY" and image_type in asked.images(s[1])}
        if begun[image_type] < asked.n_exposures(image_type) and served - lost:
            yield f"{begun[image_type]} {image_type} were taken, though they serve {sorted(served - lost)}"
    if {step(name) for name in told} != asked.steps:
        yield f"the steps were {sorted(told)}, asked was for {sorted(asked.steps)}"


def end_has_a_reason(story: Story) -> Problems:
    """FAILED says why; STOPPED comes of a stop."""
    operator = story.scenario.operator
    match story.state:
        case ScriptState.CONFIGURE_FAILED:
            yield f"the configuration was refused: {story.reason}"
        case ScriptState.FAILED if not re.fullmatch(r"Error in run: \S.*", story.reason, re.DOTALL):
            yield f"FAILED without a reason: {story.reason!r}"
        case ScriptState.FAILED if "TaskGroup" in story.reason or "sub-exception" in story.reason:
            yield f"FAILED with a reason that nobody can read: {story.reason}"
        case ScriptState.STOPPED if not (operator.stop or operator.stop_checkpoint):
            yield "STOPPED though nobody stopped it"
        case ScriptState.UNKNOWN if operator.stop != "signal":
            yield "it has no final state"
        case ScriptState.DONE if story.reason:
            yield f"DONE with a reason: {story.reason}"


def preconditions_cost_no_exposure(story: Story) -> Problems:
    """What can be seen before the first exposure is: the run fails, and nothing is taken."""
    asked = Asked(story.scenario)
    if asked.impossible and list(story.of(Exposed)):
        yield f"exposures were taken though {asked.impossible}"
    if asked.impossible and story.state is ScriptState.DONE:
        yield f"DONE though {asked.impossible}"


def nothing_is_left(story: Story) -> Problems:
    """No task leaks, and no error goes unnoticed."""
    yield from story.leaked
    for line in story.log:
        if "cannot go from" in line or "Callback" in line or "Unexpected" in line:
            yield f"the log says: {line}"


def errors_are_ours(story: Story) -> Problems:
    """Where no foreign error was thrown in, none comes out."""
    if any(trouble.error is not None for trouble in story.scenario.troubles):
        return
    for _, line in story.of(LogLine):
        if re.fullmatch(r"(GENERATE|VERIFY|CERTIFY) \w+ failed", line.message):
            yield f"an unexpected error: {line.message}, {story.reason}"


def ends_in_time(story: Story) -> Problems:
    """The run ends within the sum of its timeouts, and soon after a stop."""
    limit = Asked(story.scenario).longest
    if story.ended - story.began > limit:
        yield f"it took {story.ended - story.began} s, the sum of its timeouts is {limit} s"
    for time, _ in story.of(Sent):
        # While the record is written, the clock may jump to where a call of the butler ends that nobody waits for.
        if story.ended - time > STOP_SECONDS + story.scenario.latency:
            yield f"it took {story.ended - time} s to stop"
