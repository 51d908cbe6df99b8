"""Whole runs of the scripts on the simulated summit, with random disturbances: what must hold always holds.

The real script, the real simulated components and a butler in memory, on a clock that jumps. ``make soak`` does forty
times as many, other ones each time.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from soak.invariants import broken, broken_by_the_second
from soak.resuming import second_run
from soak.scenarios import EARLIER, Earlier, FilterChange, Intruder, Lost, Operator, Scenario
from soak.stage import play
from soak.strategies import scenarios

from lsst.ts.calibscripts.errors import RepositoryError
from lsst.ts.calibscripts.testing.clock import JumpingEventLoop
from lsst.ts.calibscripts.testing.memory import Alteration, Trouble, Verification

SOAKING = bool(os.environ.get("CALIBSCRIPTS_SOAK"))


FEWEST = 15
"""Runs of each kind that are made whenever the tests are run."""


def runs(n: int) -> settings:
    """Say how many runs a test makes when it soaks; otherwise one of forty, the same ones each time."""
    return settings(
        max_examples=n if SOAKING else max(FEWEST, n // 40),
        derandomize=not SOAKING,
        database=None,
        print_blob=True,
        report_multiple_bugs=False,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def check(scenario: Scenario, loop_factory: Callable[[], JumpingEventLoop] | None = None) -> None:
    story = play(scenario, loop_factory)
    problems = broken(story)
    assert not problems, "\n".join([*problems, str(story)])
    wanted = second_run(story) if scenario.resumes else None
    if wanted is not None:
        second = play(wanted, loop_factory, after=story)
        problems = broken_by_the_second(story, second)
        assert not problems, "\n".join([*problems, str(story), str(second)])


@runs(600)
@given(scenarios())
def test_undisturbed_runs(scenario: Scenario):
    check(scenario)


@runs(1_500)
@given(scenarios(verdicts=True))
def test_verification_outcomes(scenario: Scenario):
    check(scenario)


@runs(2_000)
@given(scenarios(faults=True))
def test_faults_of_the_summit(scenario: Scenario):
    check(scenario)


@runs(1_200)
@given(scenarios(butler=True))
def test_troubles_of_the_butler(scenario: Scenario):
    check(scenario)


@runs(1_200)
@given(scenarios(operator=True))
def test_stops_and_pauses(scenario: Scenario):
    check(scenario)


@runs(1_500)
@given(scenarios(images=True))
def test_images_that_are_not_as_asked_for(scenario: Scenario):
    """Some exist already, some get lost, some differ in type, exposure time, filter or level."""
    check(scenario)


@runs(1_200)
@given(st.one_of(scenarios(quality=True), scenarios(quality=True, images=True, verdicts=True)))
def test_better_calibrations(scenario: Scenario):
    """Flats to a level with lamps of every kind, masters that move, a setup that is not ready, old references."""
    check(scenario)


@runs(1_000)
@given(
    st.one_of(
        scenarios(faults=True, resumes=True),
        scenarios(images=True, verdicts=True, resumes=True),
        scenarios(operator=True, images=True, resumes=True),
        scenarios(butler=True, resumes=True),
        scenarios(quality=True, resumes=True),
    )
)
def test_what_is_offered_is_a_run_of_its_own(scenario: Scenario):
    """A run that does not come to its end offers a configuration; it is played in the same repository."""
    check(scenario)


@runs(200)
@given(scenarios(faults=True, verdicts=True))
def test_with_a_butler_in_a_thread(scenario: Scenario):
    """The others call the butler from the event loop itself, so that they are the same each time."""
    check(scenario, JumpingEventLoop)


@runs(800)
@given(
    scenarios(faults=True, verdicts=True, butler=True, operator=True, images=True, resumes=True)
    | scenarios(faults=True, butler=True, operator=True, images=True, quality=True, resumes=True)
)
def test_everything_at_once(scenario: Scenario):
    check(scenario)


BIAS_DARK = {"script_mode": "BIAS_DARK", "generate_calibrations": True, "n_bias": 1, "n_dark": 1}
BIAS_DARK |= {"exp_times_dark": 5.0, "n_discard_bias": 0, "n_discard_dark": 0}
ALL = BIAS_DARK | {"script_mode": "BIAS_DARK_FLAT", "n_flat": 4, "exp_times_flat": 1.0}
LOST = RepositoryError("the connection is lost")

WORTH_REMEMBERING = {
    "no result of a verification whose statistics are incomplete": Scenario(
        config=BIAS_DARK,
        verifications={"verifyBias": Verification.INCOMPLETE},
        faults=("result-never:of=verifyBias",),
    ),
    "a result that never comes, of a job that ends late within its time": Scenario(
        config=BIAS_DARK | {"pipetask_timeout": 20.0}, faults=("result-never:of=cpBias",)
    ),
    "a job fails while flats are taken": Scenario(config=ALL, faults=("job-error:of=cpDark",)),
    "a job fails twice while flats are taken, and its third attempt is certified": Scenario(
        config=ALL | {"job_attempts": 3}, faults=("job-error:of=cpDark,count=2",)
    ),
    "a verification job fails at all its attempts": Scenario(
        config=ALL | {"job_attempts": 2}, faults=("job-error:of=verifyBias,count=9",), resumes=True
    ),
    "stopped when a job that failed is submitted again": Scenario(
        config=ALL | {"job_attempts": 2},
        faults=("job-error:of=cpBias",),
        operator=Operator(stop="command", at=2, after="JobSubmitted"),
        resumes=True,
    ),
    "a verdict falls while a job that reads what failed is submitted again": Scenario(
        config=ALL | {"job_attempts": 2},
        job_seconds={"verifyBias": 12.0, "cpDark": 6.0},
        verifications={"verifyBias": Verification.FAILS},
        faults=("job-error:of=cpDark",),
    ),
    "a verification job fails, and what does not wait for it goes on": Scenario(
        config=ALL, faults=("job-error:of=verifyBias",)
    ),
    "statistics cannot be reached": Scenario(config=ALL, troubles=(Trouble("run_of", at=2, error=LOST),)),
    "committed, but not read back": Scenario(config=BIAS_DARK, troubles=(Trouble("read_back", error=LOST),)),
    "committed, but the answer takes 20 minutes": Scenario(
        config=BIAS_DARK, troubles=(Trouble("certify", seconds=1200.0),)
    ),
    "committed, not read back, and stopped at that moment": Scenario(
        config=BIAS_DARK,
        troubles=(Trouble("read_back", seconds=3.0, error=LOST),),
        operator=Operator(stop="command", at=1, after="Committed", delay=1.0),
    ),
    "a detector lacks among the biases only, and darks wait for certified biases": Scenario(
        instrument="LSSTComCam",
        config=BIAS_DARK | {"wait_for_certification": True, "detectors": [0, 1, 2], "oods_timeout": 20.0},
        faults=("detector-missing:of=2,strikes=1",),
    ),
    "paused while the butler is asked to certify": Scenario(
        config=BIAS_DARK | {"n_dark": 4},
        job_seconds={"cpBias": 1.0, "verifyBias": 18.0},
        latency=2.0,
        operator=Operator(pause_checkpoint="Images taken: DARK.*", resume_after=50.0),
    ),
    "no dark arrives, and flats are verified all the same": Scenario(
        config=ALL | {"generate_calibrations": False, "do_defects": True, "oods_timeout": 2.0},
        faults=("image-missing:of=DARK,at=1,count=9",),
    ),
    "flats are too dark, and what is offered is queued": Scenario(
        config=ALL | {"flat_counts_min": 1000.0},
        alterations=(Alteration("FLAT", count=9, level=10.0),),
        resumes=True,
    ),
    "flats whose level is no number": Scenario(
        config=ALL | {"flat_counts_min": 1000.0},
        alterations=(Alteration("FLAT", count=9, level=math.nan),),
        resumes=True,
    ),
    "somebody certifies a flat, and the run is stopped before it could see that": Scenario(
        config=ALL,
        operator=Operator(stop="command", at=1, after="JobStarted"),
        intruder=Intruder("flat", at=12),
        resumes=True,
    ),
    "stopped when the run has ended and its messages are still on their way": Scenario(
        config=BIAS_DARK | {"n_bias": 3},
        troubles=(Trouble("run_of", error=LOST),),
        operator=Operator(stop="command", at=26, delay=0.3),
    ),
    "stopped when the flats are taken, and those that arrived are too few pairs": Scenario(
        instrument="LSSTComCam",
        config=BIAS_DARK
        | {"script_mode": "BIAS_DARK_FLAT", "do_ptc": True, "detectors": [0, 1, 2, 3], "oods_timeout": 20.0}
        | {"n_bias": 3, "n_flat": 6, "n_discard_flat": 0, "exp_times_flat": [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]},
        operator=Operator(stop_checkpoint="Images taken: FLAT.*"),
        lost=(Lost(0, 0, 5),),
        resumes=True,
    ),
    "flats whose records have no type": Scenario(
        instrument="LSSTComCam",
        config=ALL | {"detectors": [0, 1]},
        alterations=(Alteration("FLAT", count=9, image_type="UNKNOWN"),),
    ),
    "flats of the night before are too dark": Scenario(
        config=ALL | {"flat_counts_min": 1000.0, "exposures": {"FLAT": [EARLIER + n for n in range(1, 5)]}},
        earlier={EARLIER + n: Earlier("FLAT", 1.0, "SDSSr_65mm~empty", 10.0) for n in range(1, 5)},
    ),
    "a flat of the night before that is lacking leaves no pair": Scenario(
        config=ALL
        | {"n_flat": 3, "exp_times_flat": [1.0, 2.0, 2.0]}
        | {"exposures": {"FLAT": [EARLIER + n for n in range(1, 4)]}},
        earlier={
            EARLIER + 1: Earlier("FLAT", 1.0, "SDSSr_65mm~empty"),
            EARLIER + 2: Earlier("FLAT", 2.0, "SDSSr_65mm~empty", detectors=()),
            EARLIER + 3: Earlier("FLAT", 2.0, "SDSSr_65mm~empty"),
        },
    ),
    "flats of the night before have another filter than asked for": Scenario(
        config=ALL | {"filter": "SDSSr_65mm", "exposures": {"FLAT": [EARLIER + n for n in range(1, 5)]}},
        earlier={EARLIER + n: Earlier("FLAT", 1.0, "SDSSg_65mm~empty") for n in range(1, 5)},
    ),
    "somebody changes the filter while darks are taken": Scenario(
        config=ALL | {"n_dark": 3}, filter_change=FilterChange("DARK"), resumes=True
    ),
    "somebody changes the filter of LSSTComCam while flats are taken": Scenario(
        instrument="LSSTComCam",
        config=ALL | {"exp_times_flat": 15.0, "detectors": [0, 1]},
        filter_change=FilterChange("FLAT"),
        resumes=True,
    ),
    "the butler never answers again, and the run is stopped": Scenario(
        config=ALL | {"n_dark": 4},
        troubles=(Trouble("exposures", count=1000, seconds=10_000.0),),
        operator=Operator(stop="command", at=9, after="ExposureTaken"),
    ),
    "the butler hangs in a commit, and the run is stopped": Scenario(
        config=ALL,
        troubles=(Trouble("certify", seconds=10_000.0),),
        operator=Operator(stop="command", at=3, after="JobEnded"),
    ),
    "a foreign dark of another time, and the run is stopped": Scenario(
        config=ALL | {"n_dark": 4},
        alterations=(Alteration("DARK", at=2, exposure_time=30.0),),
        operator=Operator(stop="command", at=3, after="JobEnded"),
        resumes=True,
    ),
    "a dark of another time, and another that lacks one detector, which is spared": Scenario(
        instrument="LSSTComCam",
        config=BIAS_DARK | {"n_dark": 4, "detectors": [0, 1, 2, 3], "oods_timeout": 20.0},
        alterations=(
            Alteration("DARK", at=2, exposure_time=30.0),
            Alteration("DARK", at=2, count=2, loses=frozenset({0})),
        ),
        resumes=True,
    ),
    "the OCPS dies with a job that it has not begun yet": Scenario(
        config=ALL
        | {"n_flat": 6, "pipetask_timeout": 20.0}
        | {"exp_times_flat": [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]},
        faults=("ocps-dead:of=cpFlat",),
    ),
    "flats of the night before have two filters": Scenario(
        config=ALL | {"exposures": {"FLAT": [EARLIER + n for n in range(1, 5)]}},
        earlier={
            EARLIER + 1: Earlier("FLAT", 1.0, "SDSSg_65mm~empty"),
            **{EARLIER + n: Earlier("FLAT", 1.0, "SDSSr_65mm~empty") for n in range(2, 5)},
        },
    ),
    "a flat of the night before has an unknown filter": Scenario(
        config=ALL | {"exposures": {"FLAT": [EARLIER + n for n in range(1, 4)]}},
        earlier={
            EARLIER + 1: Earlier("FLAT", 1.0, "unknown~unknown"),
            **{EARLIER + n: Earlier("FLAT", 1.0, "SDSSr_65mm~empty") for n in range(2, 4)},
        },
    ),
    "the flats that are left of those too dark are too few": Scenario(
        config=ALL | {"n_flat": 2, "n_discard_flat": 1, "flat_counts_min": 1000.0},
        alterations=(
            Alteration("FLAT", at=2, exposure_time=30.0),
            Alteration("FLAT", at=2, count=2, level=10.0),
        ),
        resumes=True,
    ),
    "a bias that is announced, but never ingested, and nothing is verified": Scenario(
        config=BIAS_DARK | {"n_bias": 4, "do_verify": False},
        alterations=(Alteration("BIAS", at=2, loses=frozenset({0})),),
    ),
    "biases lack one detector and darks two others": Scenario(
        instrument="LSSTComCam",
        config=BIAS_DARK | {"n_bias": 2, "n_dark": 2, "detectors": [0, 1, 2, 3, 4], "oods_timeout": 20.0},
        lost=(Lost(0, 0, 2), Lost(3, 2, 2), Lost(4, 2, 2)),
        resumes=True,
    ),
    "of three detectors that are left of five, one fails all tests": Scenario(
        instrument="LSSTComCam",
        config=BIAS_DARK | {"n_bias": 2, "n_dark": 2, "detectors": [0, 1, 2, 3, 4], "oods_timeout": 20.0},
        verifications={"verifyBias": Verification.ONE_DETECTOR_FAILS},
        lost=(Lost(0, 0, 2), Lost(3, 0, 2)),
        resumes=True,
    ),
    "flats scatter as today's cp_verify finds": Scenario(
        instrument="LSSTComCam",
        config=ALL | {"detectors": [0, 1, 2, 3, 4]},
        verifications={"verifyFlat": Verification.VAGUE_SCATTERED},
    ),
    "somebody else certifies before the run does, and what is offered is queued": Scenario(
        config=BIAS_DARK | {"n_bias": 3}, intruder=Intruder("bias", at=25), resumes=True
    ),
    "biases fail verification, and what is offered is queued": Scenario(
        config=ALL, verifications={"verifyBias": Verification.FAILS}, resumes=True
    ),
    "a job fails, and what is offered is queued": Scenario(
        config=ALL, faults=("job-error:of=cpFlat",), resumes=True
    ),
    "a flat of an unknown filter is left out": Scenario(
        config=ALL,
        alterations=(Alteration("FLAT", at=3, physical_filter="unknown~unknown"),),
        resumes=True,
    ),
    "images are not announced, but ingested": Scenario(
        config=ALL | {"oods_timeout": 5.0}, faults=("image-unannounced:of=BIAS,count=9",)
    ),
    "the verification of the only detector writes nothing of it, and what is offered is queued": Scenario(
        config=BIAS_DARK,
        verifications={"verifyBias": Verification.UNEXPLAINED},
        writes_not={"verifyBias": frozenset({0})},
        resumes=True,
    ),
    "biases fail with a warning before the incomplete statistics of the darks are read": Scenario(
        config=BIAS_DARK | {"on_verification_failure": "warn"},
        verifications={"verifyBias": Verification.FAILS, "verifyDark": Verification.INCOMPLETE},
        latency=5.0,
        troubles=(Trouble("inputs_used", at=1, error=LOST),),
    ),
    "stopped before a set closes, and the butler is too slow to examine it": Scenario(
        instrument="LSSTComCam",
        config=BIAS_DARK
        | {"n_bias": 4, "n_discard_bias": 1, "n_dark": 4, "exp_times_dark": 15.0, "oods_timeout": 60.0}
        | {"detectors": [0, 1]},
        faults=("image-missing:of=BIAS,at=2,count=3",),
        latency=5.0,
        operator=Operator(stop="command", at=3, after="ImageArrived", delay=30.0),
        resumes=True,
    ),
    "a verdict and the start of what depends on it fall together, with a slow butler": Scenario(
        config=ALL,
        verifications={"verifyDark": Verification.FAILS},
        faults=("results-swapped",),
        troubles=(Trouble("run_of", at=1),),
        latency=5.0,
        operator=Operator(pause_checkpoint=".*", resume_after=0.0),
    ),
    "flats to a level that the lamp cannot reach, and what is offered is queued": Scenario(
        config=ALL | {"flat_counts_target": 20_000.0, "do_ptc": False},
        faults=("lamp-off",),
        resumes=True,
    ),
    "flats to a level with a lamp that becomes warm, and one of them outside the limits": Scenario(
        config=ALL
        | {
            "n_flat": 6,
            "flat_counts_target": 20_000.0,
            "flat_counts_tolerance": 0.2,
            "flat_counts_min": 1000.0,
        },
        faults=("lamp-warming:delay=10",),
        alterations=(Alteration("FLAT", at=6, level=10.0),),
    ),
    "a job fails after flats to a level, and what is offered has the times that were found": Scenario(
        config=ALL
        | {"exp_times_flat": [1.0, 1.0, 2.0, 2.0], "flat_counts_target": 5000.0, "flat_times_scale": "auto"},
        faults=("job-error:of=cpFlat",),
        resumes=True,
    ),
    "somebody else's image is taken for a test flat": Scenario(
        config=ALL
        | {"exp_times_flat": [1.0, 1.0, 2.0, 2.0], "flat_counts_target": 20_000.0, "flat_times_scale": "auto"}
        | {"n_discard_flat": 0},
        faults=("exposure-foreign:of=FLAT,at=2",),
        resumes=True,
    ),
    "darks have moved, and none may: the biases are certified, and nothing that was made from the darks": Scenario(
        config=ALL | {"compare_with_previous": "require"}, shifts={"cpDark": 8.0}, resumes=True
    ),
    "biases that have moved fail their verification, too": Scenario(
        config=ALL | {"compare_with_previous": "require", "on_verification_failure": "warn"},
        shifts={"cpBias": 8.0},
        verifications={"verifyBias": Verification.FAILS},
    ),
    "the dome is beside the screen, and must not be": Scenario(
        config=ALL | {"flat_setup": "require"}, unready="dome"
    ),
    "a verdict falls at the moment when jobs that read what failed are submitted": Scenario(
        config=ALL | {"n_flat": 2, "n_bias": 2, "n_dark": 2},
        job_seconds={"cpBias": 60.0, "cpDark": 0.5, "verifyBias": 0.0},
        verifications={"verifyBias": Verification.INCOMPLETE},
        faults=("results-swapped",),
    ),
}


@pytest.mark.parametrize("name", WORTH_REMEMBERING)
def test_scenarios_worth_remembering(name: str):
    check(WORTH_REMEMBERING[name])
