"""What holds of all that a run says of itself."""

from __future__ import annotations

import re

from soak.asked import CALIBRATIONS, Asked
from soak.reading import Problems, commits, doubtful
from soak.story import Exposed, Sent, Story

from lsst.ts.calibscripts.events.events import Certified, ReferenceFound, StageReached
from lsst.ts.calibscripts.events.events import Ended as RunEnded
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine

__all__ = [
    "cancelled_is_cancelled",
    "exposures_are_reported",
    "references_are_reported",
    "stages_are_reported",
    "summary_is_true",
]

_EXPOSURES = re.compile(r"\b(\d{13})(?:\.\.(\d{13}))?\b")


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
        # A script that is ended by a signal has two seconds for it, and says so where they were too short.
        if not any("was terminated before its run" in line.message for _, line in story.of(LogLine)):
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
    # Of an image that was taken after a foreign one, or under the name of another, nobody knows the id.
    unknown_ids = story.scenario.fault_names & {"exposure-foreign", "exposure-repeated"}
    if taken - told and not unknown_ids:
        yield f"exposures {sorted(taken - told)} are not in the summary"
    if told - {event.exposure for _, event in story.of(Exposed)} - {*story.scenario.earlier}:
        yield "the summary has exposures that were never taken"


def references_are_reported(story: Story) -> Problems:
    """Before the first exposure each reference is told, and those that are old are a warning; nothing else is."""
    asked, age = Asked(story.scenario), story.scenario.age
    first = next((time for time, _ in story.of(Exposed)), None)
    told = {event.dataset_type for time, event in story.of(ReferenceFound) if first is None or time <= first}
    read = {product.lower() for product in asked.read_from_references}
    if first is not None and not read <= told:
        yield f"references are {sorted(read)}, told were {sorted(told)}"
    if made := told & {product.lower() for product in asked.made}:
        yield f"{sorted(made)} were told as references, though the run makes them"
    most = story.scenario.option("reference_age_max", 400)
    old = age is not None and most is not None and int(age) > most
    warned = {match[1] for text in story.log if (match := re.match(r"The (\w+) that jobs .* is old: ", text))}
    if warned != (told if old else set()):
        yield f"{sorted(warned)} are told as old, age is {age}, limit {most}, and told were {sorted(told)}"
    if told and story.summary and "\nReferences:\n" not in story.summary:
        yield "the summary has no references"


def summary_is_true(story: Story) -> Problems:
    """The summary and the events tell exactly what is certified and what is not."""
    if not story.summary:
        return
    asked = Asked(story.scenario)
    certified = {CALIBRATIONS[d.dataset_type] for _, d in commits(story)}
    told = set(re.findall(r"^    (\w+) in \S+, valid", story.summary, re.MULTILINE))
    told |= doubtful(story) & certified
    if told != certified:
        yield f"certified are {sorted(certified)}, the summary tells of {sorted(told)}"
    events = {event.product for _, event in story.of(Certified)} | (doubtful(story) & certified)
    if events != certified:
        yield f"certified are {sorted(certified)}, the events tell of {sorted(events)}"
    not_certified = story.summary.partition("NOT certified:")[2]
    for product in asked.certified - certified:
        if f"    {product}: " not in not_certified:
            yield f"the summary does not say that {product} is not certified"
    ended = "STOPPED" if story.state is ScriptState.UNKNOWN else story.state.name
    # A stop that meets a run which has ended, and whose record is still being written, changes the state.
    written = max((time for time, event in story.of(RunEnded)), default=story.ended)
    just_then = any(time > written - 0.01 for time, _ in story.of(Sent))
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


def stages_are_reported(story: Story) -> Problems:
    """What was certified has reached its stage, and nothing else has."""
    reached = {event.product for _, event in story.of(StageReached) if event.stage == "CERTIFIED"}
    certified = {CALIBRATIONS[d.dataset_type] for _, d in commits(story)}
    reached |= doubtful(story) & certified
    if story.state is not ScriptState.UNKNOWN and reached != certified:
        yield f"certified are {sorted(certified)}, that stage reached {sorted(reached)}"
