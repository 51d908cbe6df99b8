"""Runs in which the biases fail for a real reason: too few of them, and noisy amplifiers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from e2e_support import (
    LATISS_SCRIPT,
    Rehearsed,
    example,
    opened,
    rehearse,
    rehearse_without_pixels,
)

from lsst.ts.calibscripts.events.events import (
    Certified,
    ExposureTaken,
    JobStarted,
    Stage,
    StageReached,
    Verdicted,
)
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.ocps.csc import ABORTED, Phase
from lsst.ts.calibscripts.testing.memory import Behaviour, Verification

COLLECTION = "LATISS/calib/u/plazas/daily.2022SEP29.2"


@pytest.fixture(scope="module")
def three_images(fresh_latiss: Callable[[str], str]) -> Rehearsed:
    """The documents' example that fails since only three images of each type are taken, and NOISE is two-sided.

    The camera takes 17 s for a dark, as at the summit: the biases are judged before the darks are all taken, also
    where the jobs share their processors.
    """
    config, faults = example("latiss_three_images"), ["noise-two-sided"]
    return rehearse(
        fresh_latiss("three"), LATISS_SCRIPT, config, begin="2022-09-29T13:00:00", speed=1.0, faults=faults
    )


def test_three_biases_fail_noise(three_images: Rehearsed) -> None:
    assert three_images.outcome.state is ScriptState.FAILED, three_images.text
    biases = three_images.kept("BIAS")
    assert len(biases) == 3
    report = next(line for line in three_images.log if "verification tests that failed" in line.message)
    assert report.level_name == "ERROR"
    lines = [line.strip() for line in report.message.splitlines()]
    assert lines[0] == "BIAS calibration failed verification and will not be certified."
    for exposure in biases:
        assert f"Exposure ID: {exposure}" in lines
    assert lines.count("NOISE: 16") == 3
    for name in [f"C{number:02d}" for number in (*range(8), *range(10, 18))]:
        assert lines.count(f"RXX_S00 {name} NOISE") == 3
    assert "Acceptable maximum number of failed exposures: 3" in lines
    assert "Final number of exposures that failed verification: 3" in lines
    for what, step in (("Generation", "GENERATE BIAS"), ("Verification", "VERIFY BIAS")):
        assert f"{what} collection: u/ocps/{three_images.job_id(step)}" in lines


def test_no_further_darks_are_taken_after_the_verdict(three_images: Rehearsed) -> None:
    judged = three_images.when(Verdicted, product="BIAS")
    later = [
        event
        for time, event in three_images.timed_events
        if isinstance(event, ExposureTaken) and event.image_type == "DARK" and time > judged
    ]
    # The exposure that was under way comes to its end.
    assert len(later) <= 1
    assert len(three_images.times("DARK")) < 4
    assert len(three_images.readouts) == len(three_images.events(ExposureTaken))
    assert any("Skipping the remaining darks" in warning for warning in three_images.warnings)


def test_nothing_is_made_of_biases_that_failed(three_images: Rehearsed) -> None:
    assert {str(event.step) for event in three_images.events(JobStarted)} == {"GENERATE BIAS", "VERIFY BIAS"}
    assert three_images.events(Certified) == ()
    with opened(three_images.repo) as butler:
        assert COLLECTION not in butler.collections.query("*")
    assert "BIAS" in three_images.outcome.reason


def test_dark_is_aborted_when_noisy_amplifiers_fail_the_biases(
    fresh_latiss: Callable[[str], str],
) -> None:
    config = {
        "script_mode": "BIAS_DARK",
        "generate_calibrations": True,
        "n_bias": 4,
        "n_dark": 3,
        "exp_times_dark": 5,
        "calib_collection": "LATISS/calib/noisy",
    }
    # A slow job, so that it runs for certain when the biases are judged.
    faults = ["verification-fails-majority", "job-slow:of=cpDark,delay=120"]
    begin = "2022-09-29T13:00:00"
    run = rehearse(fresh_latiss("noisy"), LATISS_SCRIPT, config, begin=begin, faults=faults)
    assert run.outcome.state is ScriptState.FAILED, run.text
    judged, dark = run.when(Verdicted, product="BIAS"), run.job_id("GENERATE DARK")
    job = next(job for job in run.jobs if job.job_id == dark)
    assert (job.phase, job.exit_code) == (Phase.ABORTED, ABORTED)
    assert job.started is not None
    assert job.ended is not None
    assert job.started < judged < job.ended < judged + 60
    assert run.events(Certified) == ()
    assert "VERIFY DARK" not in {str(event.step) for event in run.events(JobStarted)}
    assert run.outcome.reason.startswith("Error in run: BIAS: 4 of 4 exposures failed")
    with opened(run.repo) as butler:
        assert "LATISS/calib/noisy" not in butler.collections.query("*")
        assert "u/ocps/" + dark + "/run" not in butler.collections.query("*")


@pytest.mark.parametrize(
    ("pipeline", "behaviour", "reason"),
    [
        ("cpBias", Behaviour(seconds=60, exit_code=1), "GENERATE BIAS: the job failed with exit code 1"),
        ("verifyBias", Behaviour(seconds=60, verification=Verification.FAILS), "BIAS: 20 of 20 exposures"),
    ],
)
async def test_biases_fail_while_darks_are_on_their_way(
    pipeline: str, behaviour: Behaviour, reason: str
) -> None:
    """All darks are taken, and arrive in the OODS only after nothing uses them any more."""
    run = await rehearse_without_pixels(
        {"script_mode": "BIAS_DARK", "exp_times_dark": 1, "n_dark": 12, "generate_calibrations": True},
        behave=lambda job: behaviour if job.name == pipeline else Behaviour(),
        faults=["image-late:of=DARK,at=1,count=1000,delay=90"],
    )
    assert run.outcome.state is ScriptState.FAILED
    assert run.outcome.reason.startswith(f"Error in run: {reason}")
    assert run.events(Certified) == ()
    stages = [event.stage for event in run.events(StageReached) if event.product == "DARK"]
    assert stages == [Stage.TAKING, Stage.CANCELLED]
