"""What holds of the flats: they have the level that is asked for, and lamp, dome and telescope were looked at."""

from __future__ import annotations

import math

from soak.asked import CALIBRATIONS, MOST_TESTS, TOLERANCE, Asked
from soak.reading import Problems, commits, is_enough, times_asked
from soak.selecting import contradiction
from soak.story import Exposed, Story

from lsst.ts.calibscripts.events.events import (
    ExposureTaken,
    FlatTimeFound,
    ImageSetClosed,
    TrialFlatTaken,
    Warned,
)
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine

__all__ = [
    "flat_setup_is_said",
    "flats_have_the_level",
    "flats_outside_the_limits_are_left_out",
    "tests_are_few",
    "unreachable_level_ends_the_taking",
]


def tests_are_few(story: Story) -> Problems:
    """At most eight test flats are taken, and none where no level is asked for."""
    tests = [event.exposure for _, event in story.of(TrialFlatTaken)]
    if len(tests) > (MOST_TESTS if Asked(story.scenario).target else 0):
        yield f"{len(tests)} test flats were taken: {tests}"


def flats_have_the_level(story: Story) -> Problems:
    """Flats are kept only once a test flat has the level, and have the exposure times that follow from it."""
    target = Asked(story.scenario).target
    if target is None:
        return
    found = [(time, event) for time, event in story.of(FlatTimeFound)]
    kept = [(time, e) for time, e in story.of(ExposureTaken) if e.image_type == "FLAT" and not e.discarded]
    if kept and (len(found) != 1 or found[0][0] > kept[0][0]):
        yield f"flats were kept, and the exposure time was found {len(found)} times"
    times = times_asked(story)
    for _, event in kept:
        # Somebody else's image has none.
        wanted = times.get(event.exposure, event.exposure_time)
        if not abs(event.exposure_time - wanted) < TOLERANCE:
            yield f"{event.exposure} was taken with {event.exposure_time} s instead of {wanted} s"
    tests = [event for _, event in story.of(TrialFlatTaken)]
    for _, event in found:
        level = story.levels.get((tests[-1].exposure, min(story.scenario.detectors)), math.nan)
        if not (target[0] <= event.level <= target[1] and math.isclose(level, event.level)):
            yield f"{event.level} ADU were found, the image has {level} ADU, asked for are {target}"
        if story.records[tests[-1].exposure].image_type not in ("FLAT", "UNKNOWN"):
            yield f"the level of {tests[-1].exposure}, which is no flat, decides"
        if (event.n_tests, event.exposure_time) != (len(tests), tests[-1].exposure_time):
            yield f"{event} was found by {tests}"


def unreachable_level_ends_the_taking(story: Story) -> Problems:
    """Where the level cannot be reached, nothing more is taken, and nothing is certified that needs flats."""
    refused = [t for t, line in story.of(LogLine) if "do not reach flat_counts_target" in line.message]
    if not refused:
        return
    if after := [e.exposure for time, e in story.of(Exposed) if time > refused[0] and not e.ended]:
        yield f"{after} were taken after the level was given up"
    asked = Asked(story.scenario)
    certified = {CALIBRATIONS[d.dataset_type] for _, d in commits(story)}
    if of_flats := {product for product in certified if "FLAT" in asked.images(product)}:
        yield f"{sorted(of_flats)} were certified, though there are no flats"
    if story.state is ScriptState.DONE:
        yield "DONE though the flats do not reach their level"


def flats_outside_the_limits_are_left_out(story: Story) -> Problems:
    """Of the flats exposed as long as the first that fits, none is used whose level is outside the limits."""
    window = Asked(story.scenario).window
    if window is None:
        return
    low, high = window
    times = times_asked(story)
    detectors = sorted(story.scenario.detectors)[:2]
    for _, closed in story.of(ImageSetClosed):
        if closed.image_type != "FLAT" or not is_enough(closed):
            continue
        kept = sorted({*closed.exposures, *closed.left_out_exposures})
        seen = ((e, [story.levels.get((e, d), math.nan) for d in detectors]) for e in kept)
        levels = {e: next((v for v in values if math.isfinite(v)), math.nan) for e, values in seen}
        fit = (e for e in kept if not contradiction(story, "FLAT", e, times))
        first = next((e for e in fit if math.isfinite(levels[e])), None)
        for exposure in closed.exposures:
            alike = first is not None and math.isclose(
                story.records[exposure].exposure_time, story.records[first].exposure_time, abs_tol=0.004
            )
            if alike and math.isfinite(levels[exposure]) and not low <= levels[exposure] <= high:
                yield f"flat {exposure} of {levels[exposure]} ADU is used, limits are {window}"


def flat_setup_is_said(story: Story) -> Problems:
    """What is not ready for flats is a warning before the first flat, where that is asked for, and only then."""
    asked, scenario = Asked(story.scenario), story.scenario
    warned = [t for t, event in story.of(Warned) if event.message.startswith("Not ready for flats: ")]
    expected = scenario.unready and asked.looks_at_setup and scenario.option("flat_setup", "warn") == "warn"
    flats = [t for t, e in story.of(Exposed) if e.image_type == "FLAT" and not e.ended]
    if flats and expected and not (warned and warned[0] <= flats[0]):
        yield f"flats were begun at {flats[0]}, and of the {scenario.unready} was warned at {warned}"
    if warned and not expected:
        yield f"of a setup that is {scenario.unready or 'ready'} was warned at {warned}"
