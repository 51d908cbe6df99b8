"""What is measured: a script, its configuration, and how long its jobs take."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts_over import ComCamInMemory, LatissInMemory, LSSTCamInMemory

from lsst.ts.calibscripts.plan import IMAGE_SECONDS, JOB_SECONDS, Action, Plan, Step

__all__ = ["CASES", "WORKERS", "Case", "durations"]

WORKERS = (1, 2, 4)
"""How many jobs the OCPS does at once."""

_CHAIN: Mapping[str, Any] = {
    "script_mode": "BIAS_DARK_FLAT",
    "generate_calibrations": True,
    "do_defects": True,
    "do_ptc": True,
    "exp_times_flat": [float(time) for time in range(1, 11) for _ in (1, 2)],
}

_FULL: Mapping[str, Any] = {
    **_CHAIN,
    "n_processes": 32,
    # The time that a job waits for its worker counts.
    "pipetask_timeout": 36_000,
}


@dataclass(frozen=True)
class Case:
    """A script with a configuration."""

    name: str  #: What the table calls it.
    script: str  #: Name in the ScriptQueue.
    make: type[Any]  #: The script.
    speed: float  #: In real time: divides the times of the camera.
    job_speed: float  #: In real time: divides those of the jobs.
    config: Mapping[str, Any] = field(default_factory=dict)  #: Its configuration.


CASES = (
    Case("LATISS, Daily Default", "auxtel/make_latiss_calibrations.py", LatissInMemory, 60, 60),
    Case("LATISS, all products", "auxtel/make_latiss_calibrations.py", LatissInMemory, 60, 60, _CHAIN),
    Case(
        "ComCam, generated and verified",
        "maintel/make_comcam_calibrations.py",
        ComCamInMemory,
        30,
        60,
        {"generate_calibrations": True},
    ),
    Case(
        "LSSTCam, 189 detectors, all products",
        "maintel/make_lsstcam_calibrations.py",
        LSSTCamInMemory,
        30,
        250,
        _FULL,
    ),
)


def durations(plan: Plan, n_detectors: int, n_processes: int, seed: int | None = None) -> dict[str, float]:
    """Return how long the job of each step takes, seconds.

    Parameters
    ----------
    plan : `Plan`
        The plan of the run; what it estimates for a job is taken.
    n_detectors, n_processes : `int`
        Of the job.
    seed : `int`, optional
        Makes every job take between half and twice as long as estimated.
    """
    vary = random.Random(seed)
    kept = {images.image_type: images.n_kept for images in plan.sets}

    def seconds(step: Step) -> float:
        images = sum(kept[image_type] for image_type in step.images)
        factor = 1.0 if seed is None else 2.0 ** vary.uniform(-1.0, 1.0)
        return factor * (JOB_SECONDS + IMAGE_SECONDS * images * n_detectors / n_processes)

    return {str(step.id): seconds(step) for step in plan.steps if step.id.action is not Action.CERTIFY}
