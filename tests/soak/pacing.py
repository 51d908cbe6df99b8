"""What holds of the time: taking, processing and pauses beside each other."""

from __future__ import annotations

import itertools
import re

from soak.asked import Asked
from soak.reading import Problems
from soak.story import Committed, Exposed, Story

from lsst.ts.calibscripts.events.events import JobSubmitted, TrialFlatTaken
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine

__all__ = [
    "camera_waits_for_nothing",
    "inputs_exist",
    "pause_holds_the_camera",
    "unverified_is_certified_with_a_warning",
]

IDLE = 8.0
"""How long the camera may be idle between two exposures, seconds: a look at the filter waits 5 s for its event."""


def camera_waits_for_nothing(story: Story) -> Problems:
    """Images are taken one after another, whatever is processed or has not arrived."""
    operator = story.scenario.operator
    if operator.pause_checkpoint or story.scenario.filter_change:
        return
    longest = IDLE + 10 * story.scenario.latency + story.scenario.option("wait_between_exposures", 0.0)
    exposures = [(time, event) for time, event in story.of(Exposed)]
    # The time of the next one depends on what they show.
    tests = {event.exposure for _, event in story.of(TrialFlatTaken)}
    for (ended, before), (begun, after) in itertools.pairwise(exposures):
        idle = before.ended and not after.ended and before.exposure not in tests
        if idle and begun - ended > longest:
            yield f"the camera was idle from {ended} to {begun}, before {after.exposure}"


def pause_holds_the_camera(story: Story) -> Problems:
    """No exposure begins while the script is paused."""
    state = ScriptState.UNKNOWN
    for entry in story.entries:
        match entry.what:
            case ScriptState():
                state = entry.what
            case Exposed(ended=False) if state is ScriptState.PAUSED:
                yield f"{entry.what.exposure} was begun at {entry.time}, while the script was paused"


def inputs_exist(story: Story) -> Problems:
    """Every input collection of a job was there before, whoever made it, or is the RUN of a job of this run."""
    there = {*story.collections, *(f"u/ocps/{job.job_id}/run" for job in story.jobs)}
    for entry in story.entries:
        match entry.what:
            case Committed(associations):
                there |= {a.collection for a in associations if a.dataset not in story.written}
            case JobSubmitted() as job:
                names = re.findall(r"-i (\S+)", job.config)[0].split(",")
                if strange := {*names} - there:
                    yield f"{job.step} is given {sorted(strange)}, which did not exist"


def unverified_is_certified_with_a_warning(story: Story) -> Problems:
    """What is certified without verification is said so, and nothing else."""
    asked = Asked(story.scenario)
    said = {
        match[1]
        for _, line in story.of(LogLine)
        if line.level_name == "WARNING" and (match := re.match(r"(\w+) was certified WITHOUT", line.message))
    }
    verified = {match[1] for line in story.log if (match := re.match(r"(\w+) was certified into", line))}
    if wrong := (said & asked.verified) | (verified - asked.verified):
        yield f"of {sorted(wrong)} the log says wrongly whether they were certified without verification"
