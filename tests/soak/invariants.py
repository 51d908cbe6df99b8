"""What holds of every run, whatever goes wrong. Each function yields a sentence for everything that does not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from soak.asked import CALIBRATIONS, GENERATE, VERIFY, Asked, ancestors
from soak.stage import Committed, Exposed, Sent, Story

from lsst.ts.calibscripts.progress import (
    Certified,
    ImageArrived,
    JobEnded,
    JobSubmitted,
    StageReached,
    Verdicted,
)
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.memory import Dataset
from lsst.ts.calibscripts.summit.ocps import Job, Phase
from lsst.ts.calibscripts.summit.script_queue import LogLine

__all__ = ["INVARIANTS", "broken"]

STOP_SECONDS = 45.0
"""A stop waits 10 s for a job id, 10 s for an acknowledgement of abort_job, and 10 s for the butler."""

_FINAL_PHASES = frozenset({Phase.COMPLETED, Phase.ERROR, Phase.ABORTED})
_EXPOSURES = re.compile(r"\b(\d{13})(?:\.\.(\d{13}))?\b")
_DATA = re.compile(r"detector IN \(([\d.,]+)\) AND exposure IN \(([\d,]+)\)")

Problems = Iterator[str]


def broken(story: Story) -> list[str]:
    """Give everything in which a run was not as every run is to be."""
    return [f"{rule.__name__}: {problem}" for rule in INVARIANTS for problem in rule(story)]


# Certification.


def certified_is_verified(story: Story) -> Problems:
    """Nothing is certified unless it passed its verification, or none was wanted, or it is DEFECTS or PTC."""
    asked = Asked(story.scenario)
    for time, dataset in _commits(story):
        product = CALIBRATIONS[dataset.dataset_type]
        if product not in VERIFY or not asked.verifying:
            continue
        if not asked.verification(product).passes:
            yield f"{product} was certified though its verification is: {asked.verification(product)}"
        if not any(dataset in seen for ended, seen in _verifications(story, product) if ended <= time):
            yield f"{product} was certified at {time} before a verification that read it had ended"


def origins_are_certified_first(story: Story) -> Problems:
    """Nothing is certified before everything of this run that it was made from."""
    done: set[Dataset] = set()
    for _, dataset in _commits(story):
        for origin in _origins(dataset):
            if origin.run.startswith("u/ocps/") and origin not in done:
                yield f"{dataset.dataset_type} was certified before the {origin.dataset_type} it was made from"
        done.add(dataset)


def failed_has_no_heirs(story: Story) -> Problems:
    """Nothing is certified that was made from something whose verification failed, images included."""
    asked = Asked(story.scenario)
    for _, dataset in _commits(story):
        for origin in _origins(dataset):
            product = CALIBRATIONS[origin.dataset_type]
            if origin.run.startswith("u/ocps/") and product in asked.failing:
                yield f"{dataset.dataset_type} was certified though {product} failed its verification"
        for image_type in asked.images(CALIBRATIONS[dataset.dataset_type]):
            if image_type in asked.failing:
                yield f"{dataset.dataset_type} was certified though its {image_type} images failed theirs"


def certified_while_running_only(story: Story) -> Problems:
    """Nothing is certified after a stop, while paused, or when the script is ending."""
    stops = [time for time, _ in story.of(Sent)]
    for time, commit in story.of(Committed):
        if not any(association.dataset.run.startswith("u/ocps/") for association in commit.associations):
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
            if not dataset.run.startswith("u/ocps/"):
                continue
            product = CALIBRATIONS[dataset.dataset_type]
            if product not in asked.certified:
                yield f"{product} was certified and nobody wanted it"
            found = association.collection, association.begin, association.end
            if found != asked.certification:
                yield f"{product} was certified as {found}, wanted was {asked.certification}"
            if dataset.detector not in story.scenario.detectors:
                yield f"{product} was certified for detector {dataset.detector}"
    twice = [name for name, n in Counter(d.place for _, d in _commits(story)).items() if n > 1]
    if twice:
        yield f"certified twice: {twice}"


# Steps.


def steps_wait(story: Story) -> Problems:
    """No step starts before its images and its prerequisites are there."""
    asked = Asked(story.scenario)
    generated: set[str] = set()
    certified: set[str] = set()
    failed: set[str] = set()
    arrived: set[tuple[int, int]] = set()
    types: dict[int, str] = {}
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
                product = asked.product_of(job)
                needed = set(ancestors(product)) & asked.made
                ready = certified if asked.waits and job.name in GENERATE.values() else generated
                if job.name in VERIFY.values() and product in asked.made:
                    needed |= {product}
                if needed - ready:
                    yield f"{job.name} began before {sorted(needed - ready)}"
                if spoiled := {*ancestors(product), product} & failed & asked.made:
                    yield f"{job.name} began though {sorted(spoiled)} failed"
                for exposure, detector in _data(job):
                    if (exposure, detector) not in arrived:
                        yield f"{job.name} began before {exposure} of detector {detector} had arrived"
                    if types.get(exposure) not in asked.images(product):
                        yield f"{job.name} reads {exposure}, a {types.get(exposure)}"


def steps_run_once(story: Story) -> Problems:
    """No step is submitted twice."""
    for step, n in Counter(event.step for _, event in story.of(JobSubmitted)).items():
        if n > 1:
            yield f"{step} was submitted {n} times"


def discarded_are_not_used(story: Story) -> Problems:
    """The first exposures of a set, as many as are to be discarded, are in no job."""
    asked = Asked(story.scenario)
    begun: Counter[str] = Counter()
    discarded = set()
    for _, event in story.of(Exposed):
        if not event.ended:
            begun[event.image_type] += 1
            if begun[event.image_type] <= asked.n_discard(event.image_type):
                discarded.add(event.exposure)
    for job in story.jobs:
        if used := {exposure for exposure, _ in _data(job)} & discarded:
            yield f"{job.name} reads {sorted(used)}, which are discarded"


def fresh_is_read(story: Story) -> Problems:
    """A job reads the products of this run, never older ones where this run makes them."""
    asked = Asked(story.scenario)
    for dataset in story.written:
        for origin in dataset.inputs:
            product = CALIBRATIONS.get(origin.dataset_type)
            if product in asked.made and not origin.run.startswith("u/ocps/"):
                yield f"{dataset.dataset_type} in {dataset.run} read the {product} of {origin.run}"


def no_job_runs_on(story: Story) -> Problems:
    """No job of ours runs after the end, or begins."""
    # A job whose id comes with its end cannot be aborted before.
    late_ids = "result-before-ack" in story.scenario.fault_names
    for job in story.jobs_at_end:
        if job.phase not in _FINAL_PHASES and not late_ids:
            yield f"{job.name} is {job.phase} after the script has ended {story.state.name}"
    if len(story.jobs) > len(story.jobs_at_end):
        yield f"jobs began after the end: {[job.name for job in story.jobs[len(story.jobs_at_end) :]]}"


# The camera.


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
        if failed and any(begun[image_type] for image_type in _later(types, fault.of)):
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
        action, product = end.step.split()
        if action == "GENERATE" and end.exit_code not in (0, None):
            lost.setdefault(product, time)
    for time, event in story.of(Exposed):
        if event.ended:
            continue
        for product, since in lost.items():
            if time > since and product in ancestors(event.image_type):
                yield f"a {event.image_type} was begun at {time}, after {product} was lost at {since}"


def exposures_are_reported(story: Story) -> Problems:
    """Every exposure taken is in the summary; one that a stop interrupted cannot be."""
    if story.state is ScriptState.CONFIGURE_FAILED:
        return
    running = [time for time, state in story.of(ScriptState) if state is ScriptState.RUNNING]
    stops = [time for time, _ in story.of(Sent)]
    # salobj stops a script that is just about to run without asking it to clean up.
    if not running or any(stop <= running[0] for stop in stops):
        return
    if not story.summary:
        # salobj closes the log of a script that a signal ends before its tasks have ended.
        if story.state is not ScriptState.UNKNOWN:
            yield "there is no summary"
        return
    taken = {
        event.exposure
        for time, event in story.of(Exposed)
        if event.ended and not any(time >= stop for stop in stops) and time < story.ended
    }
    images = story.summary.partition("Steps:")[0]
    told = {
        exposure
        for first, last in _EXPOSURES.findall(images)
        for exposure in range(int(first), int(last or first) + 1)
    }
    if taken - told:
        yield f"exposures {sorted(taken - told)} are not in the summary"
    if told - {event.exposure for _, event in story.of(Exposed)}:
        yield "the summary has exposures that were never taken"


# The end.


def done_means_done(story: Story) -> Problems:
    """DONE: every step that was asked for was completed, but for what a verification failed with `warn`."""
    if story.state is not ScriptState.DONE:
        return
    asked = Asked(story.scenario)
    lost = {product for product in asked.verified if not asked.verification(product).passes}
    # Statistics that could not be read, or do not tell of a detector, are a failed verification too.
    lost |= {verdict.product for _, verdict in story.of(Verdicted) if not verdict.passed}
    if lost and not asked.warns:
        yield f"DONE though the verification of {sorted(lost)} failed"
    # What was made from something that failed need not be there, and what it was verified with neither.
    excused = {p for p in asked.products if lost & {p, *ancestors(p), *asked.images(p)}}
    completed = {job.name for job in story.jobs if job.phase is Phase.COMPLETED and job.exit_code == 0}
    for product in asked.made - excused:
        if GENERATE[product] not in completed:
            yield f"DONE though {product} was not generated"
    for product in asked.verified - excused:
        if VERIFY[product] not in completed:
            yield f"DONE though {product} was not verified"
    certified = {(CALIBRATIONS[d.dataset_type], d.detector) for _, d in _commits(story)}
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
    certified = {CALIBRATIONS[d.dataset_type] for _, d in _commits(story)}
    wanted = {product for product in asked.certified if not asked.is_spoiled(product)}
    if certified != wanted:
        yield f"certified were {sorted(certified)}, to be certified were {sorted(wanted)}"
    failed = asked.failing & judged and not asked.warns
    if story.state is not (ScriptState.FAILED if failed else ScriptState.DONE):
        yield f"ended {story.state.name} with failed verifications of {sorted(asked.failing)}"


def the_rest_goes_on(story: Story) -> Problems:
    """When something fails, all that does not depend on it is done, and the images for it are taken."""
    asked = Asked(story.scenario)
    if story.state not in (ScriptState.DONE, ScriptState.FAILED) or not list(story.of(Exposed)):
        return
    steps = story.summary.partition("Steps:")[2].partition("Certified:")[0]
    told = dict(re.findall(r"^    (\w+ \w+): (\w+)", steps, re.MULTILINE))
    failed = {_step(name) for name, outcome in told.items() if outcome == "failed"}
    judged = {verdict.product for _, verdict in story.of(Verdicted) if not verdict.passed}
    given_up = _given_up(story)
    lost = asked.lost(failed, judged if asked.generating else set(), given_up)
    for name, outcome in told.items():
        if outcome not in ("done", "passed") and _step(name) not in lost:
            yield f"{name} was {outcome}, though nothing it needs had failed"
    begun = Counter(event.image_type for _, event in story.of(Exposed) if not event.ended)
    for image_type in set(asked.types) - given_up:
        served = {s for s in asked.steps if s[0] != "CERTIFY" and image_type in asked.images(s[1])}
        if begun[image_type] < asked.n_exposures(image_type) and served - lost:
            yield f"{begun[image_type]} {image_type} were taken, though they serve {sorted(served - lost)}"
    if {_step(name) for name in told} != asked.steps:
        yield f"the steps were {sorted(told)}, asked was for {sorted(asked.steps)}"


def only_what_was_asked(story: Story) -> Problems:
    """No job is run that nobody asked for, and no exposure taken."""
    asked = Asked(story.scenario)
    names = {GENERATE[product] for product in asked.made} | {VERIFY[product] for product in asked.verified}
    if strange := {job.name for job in story.jobs} - names:
        yield f"jobs that nobody asked for: {sorted(strange)}"
    begun = Counter(event.image_type for _, event in story.of(Exposed) if not event.ended)
    for image_type, n in begun.items():
        if image_type not in asked.types or n > asked.n_exposures(image_type):
            yield f"{n} {image_type} were taken"


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


def summary_is_true(story: Story) -> Problems:
    """The summary and the events tell exactly what is certified and what is not."""
    if not story.summary:
        return
    asked = Asked(story.scenario)
    certified = {CALIBRATIONS[d.dataset_type] for _, d in _commits(story)}
    told = set(re.findall(r"^    (\w+) in \S+, valid", story.summary, re.MULTILINE))
    told |= _unknown(story) & certified
    if told != certified:
        yield f"certified are {sorted(certified)}, the summary tells of {sorted(told)}"
    events = {event.product for _, event in story.of(Certified)} | (_unknown(story) & certified)
    if events != certified:
        yield f"certified are {sorted(certified)}, the events tell of {sorted(events)}"
    not_certified = story.summary.partition("NOT certified:")[2]
    for product in asked.certified - certified:
        if f"    {product}: " not in not_certified:
            yield f"the summary does not say that {product} is not certified"
    ended = "STOPPED" if story.state is ScriptState.UNKNOWN else story.state.name
    # A stop that meets a script which is just ending changes the state after the summary was written.
    written = max(time for time, line in story.of(LogLine) if line.message == story.summary)
    just_then = any(abs(written - time) < 0.01 or written < time for time, _ in story.of(Sent))
    if not just_then and f" ends {ended}: " not in story.summary.splitlines()[0]:
        yield f"the summary does not say {ended}: {story.summary.splitlines()[0]}"


def cancelled_is_cancelled(story: Story) -> Problems:
    """No step is said to be cancelled that was done, and none ends without being told."""
    cancelled = {step for line in story.log for step in re.findall(r"^(\w+ \w+) is cancelled", line)}
    steps = story.summary.partition("Steps:")[2].partition("Certified:")[0]
    done = set(re.findall(r"^    (\w+ \w+): (?:done|passed|failed)", steps, re.MULTILINE))
    if cancelled & done:
        yield f"told as cancelled, and done: {sorted(cancelled & done)}"
    if story.state in (ScriptState.DONE, ScriptState.FAILED) and list(story.of(Exposed)):
        open_ones = re.findall(
            r"^    (\w+ \w+): not started|^    (\w+): the run ended", story.summary, re.MULTILINE
        )
        if open_ones:
            yield f"not told how they ended: {open_ones}"


def nothing_is_left(story: Story) -> Problems:
    """No task leaks, and no error goes unnoticed."""
    yield from story.leaked
    for line in story.log:
        if "cannot go from" in line or "Callback" in line:
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
        if story.ended - time > STOP_SECONDS + story.scenario.butler_seconds:
            yield f"it took {story.ended - time} s to stop"


def stages_are_told(story: Story) -> Problems:
    """What was certified has reached its stage, and nothing else has."""
    reached = {event.product for _, event in story.of(StageReached) if event.stage == "CERTIFIED"}
    certified = {CALIBRATIONS[d.dataset_type] for _, d in _commits(story)}
    reached |= _unknown(story) & certified
    if story.state is not ScriptState.UNKNOWN and reached != certified:
        yield f"certified are {sorted(certified)}, that stage reached {sorted(reached)}"


INVARIANTS: tuple[Callable[[Story], Problems], ...] = (
    certified_is_verified,
    origins_are_certified_first,
    failed_has_no_heirs,
    certified_while_running_only,
    certified_as_asked,
    steps_wait,
    steps_run_once,
    discarded_are_not_used,
    fresh_is_read,
    no_job_runs_on,
    camera_stops_at_a_failure,
    camera_stops_at_a_verdict,
    exposures_are_reported,
    done_means_done,
    peace_ends_done,
    verdicts_decide,
    the_rest_goes_on,
    only_what_was_asked,
    end_has_a_reason,
    preconditions_cost_no_exposure,
    summary_is_true,
    cancelled_is_cancelled,
    nothing_is_left,
    errors_are_ours,
    ends_in_time,
    stages_are_told,
)


def _commits(story: Story) -> Iterator[tuple[float, Dataset]]:
    """Give what this run certified, in order."""
    for time, commit in story.of(Committed):
        for association in commit.associations:
            if association.dataset.run.startswith("u/ocps/"):
                yield time, association.dataset


def _origins(dataset: Dataset) -> Iterator[Dataset]:
    """Give the calibrations a dataset was made from, directly and indirectly."""
    for origin in dataset.inputs:
        if origin.dataset_type in CALIBRATIONS:
            yield origin
            yield from _origins(origin)


def _unknown(story: Story) -> set[str]:
    """Give the products of which the summary says that it is not known whether they are certified."""
    return set(re.findall(r"^    (\w+) may be certified into", story.summary, re.MULTILINE))


def _verifications(story: Story, product: str) -> Iterator[tuple[float, tuple[Dataset, ...]]]:
    """Give when verifications of a product had ended well, and what they read."""
    for time, job in story.of(Job):
        if job.name == VERIFY[product] and job.phase is Phase.COMPLETED and job.exit_code == 0:
            run = f"u/ocps/{job.job_id}/run"
            for dataset in story.written:
                if dataset.run == run and dataset.dataset_type == f"{VERIFY[product]}Stats":
                    yield time, dataset.inputs


def _data(job: Job) -> Iterator[tuple[int, int]]:
    """Give exposures and detectors of a job."""
    match = _DATA.search(job.data_query)
    assert match is not None, job.data_query
    detectors = [
        detector
        for part in match[1].split(",")
        for detector in range(int(part.split("..")[0]), int(part.split("..")[-1]) + 1)
    ]
    return ((int(exposure), detector) for exposure in match[2].split(",") for detector in detectors)


def _step(name: str) -> tuple[str, str]:
    action, product = name.split()
    return action, product


def _given_up(story: Story) -> set[str]:
    """Give the image types that were not taken for an exposure that failed, or of which too few arrived."""
    types = Asked(story.scenario).types
    given_up: set[str] = set()
    for line in story.log:
        if match := re.match(r"Only .* (\w+) and .* the set is given up", line):
            given_up.add({"biases": "BIAS", "darks": "DARK", "flats": "FLAT"}[match[1]])
        if match := re.match(r"(\w+) exposure \d+ of \d+ was not taken", line):
            given_up |= {match[1], *_later(types, match[1])}
    return given_up


def _later(types: tuple[str, ...], image_type: str) -> tuple[str, ...]:
    return types[types.index(image_type) + 1 :]
