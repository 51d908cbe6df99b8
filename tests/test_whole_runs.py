"""Whole runs of the scripts on the simulated summit, with random disturbances: what must hold always holds.

The real script, the real simulated components and a butler in memory, on a clock that jumps. ``make soak`` does ten
times as many, other ones each time.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, note, settings
from soak.invariants import broken
from soak.scenarios import Scenario
from soak.stage import play
from soak.strategies import scenarios

from lsst.ts.calibscripts.summit.clock import JumpingEventLoop

SOAKING = bool(os.environ.get("CALIBSCRIPTS_SOAK"))


def runs(n: int) -> settings:
    """Say how many runs a test makes; the same ones each time, unless it soaks."""
    return settings(
        max_examples=n * 10 if SOAKING else n,
        derandomize=not SOAKING,
        database=None,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def check(scenario: Scenario, loop_factory: Callable[[], JumpingEventLoop] | None = None) -> None:
    story = play(scenario, loop_factory)
    problems = broken(story)
    if problems:
        note(str(story))
    assert not problems, "\n".join(problems)


@runs(100)
@given(scenarios())
def test_undisturbed_runs(scenario: Scenario):
    check(scenario)


@runs(200)
@given(scenarios(verdicts=True))
def test_verification_outcomes(scenario: Scenario):
    check(scenario)


@runs(250)
@given(scenarios(faults=True))
def test_faults_of_the_summit(scenario: Scenario):
    check(scenario)


@runs(150)
@given(scenarios(butler=True))
def test_troubles_of_the_butler(scenario: Scenario):
    check(scenario)


@runs(150)
@given(scenarios(operator=True))
def test_stops_and_pauses(scenario: Scenario):
    check(scenario)


@runs(25)
@given(scenarios(faults=True, verdicts=True))
def test_with_a_butler_in_a_thread(scenario: Scenario):
    """The others call the butler from the event loop itself, so that they are the same each time."""
    check(scenario, JumpingEventLoop)


@runs(125)
@given(scenarios(faults=True, verdicts=True, butler=True, operator=True))
def test_everything_at_once(scenario: Scenario):
    check(scenario)
