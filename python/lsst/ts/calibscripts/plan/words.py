"""Durations in words, and what is unusual about a plan."""

from __future__ import annotations

from collections.abc import Iterator

from ..config import CalibrationsConfig
from .building import job_seconds
from .steps import Action, ExposureSet, Plan

__all__ = ["duration", "plan_warnings"]

LONG_CAMERA_SECONDS = 3 * 3600.0
"""Camera time beyond what any calibrations of a day or week take: those of the documents take 1 to 50 minutes."""

LEAST_OODS_SECONDS = 5.0
"""Seconds that images usually take from the end of an exposure to the event of the OODS."""


def duration(seconds: float) -> str:
    """Write a duration as people say it.

    Parameters
    ----------
    seconds : `float`
        Seconds.

    Returns
    -------
    `str`
        E.g. ``42 s``, ``9 min 41 s`` or ``1 h 5 min``.
    """
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def plan_warnings(config: CalibrationsConfig, plan: Plan, n_detectors: int) -> Iterator[str]:
    """Report what is unusual about a plan, and which limits it cannot keep.

    Parameters
    ----------
    n_detectors : `int`
        Number of detectors asked for.

    Yields
    ------
    `str`
        One sentence each.
    """
    if plan.camera_seconds > LONG_CAMERA_SECONDS:
        sets = ", ".join(_images(images) for images in plan.sets if not images.taken)
        yield (
            f"Camera time: {duration(plan.camera_seconds)} ({sets}), which is unusually long. Check numbers of "
            "images and exposure times."
        )
    if plan.camera_seconds and config.oods_timeout < LEAST_OODS_SECONDS:
        yield (
            f"oods_timeout is {config.oods_timeout:g} s, which is too short: images need about "
            f"{LEAST_OODS_SECONDS:g} s to arrive, and those that come later are left out."
        )
    jobs = {step.id: job_seconds(plan, step, n_detectors, config.n_processes) for step in plan.steps}
    late = [
        step for step in jobs if step.action is not Action.CERTIFY and jobs[step] > config.pipetask_timeout
    ]
    if late:
        longest = max(late, key=jobs.__getitem__)
        others = {1: "", 2: ", and another job takes too long"}.get(
            len(late), f", and {len(late) - 1} other jobs take too long"
        )
        yield (
            f"pipetask_timeout is {config.pipetask_timeout:g} s, but {longest} is estimated to take "
            f"{duration(jobs[longest])}{others}: a job that reaches the timeout is aborted, and its step fails."
        )


def _images(images: ExposureSet) -> str:
    times = {exposure.exposure_time for exposure in images.exposures}
    if not any(times):
        return str(images)
    return f"{images} of {f'{min(times):g} to ' if len(times) > 1 else ''}{max(times):g} s"
