"""What `check` says, for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ..config import CalibrationsConfig
from ..plan import Action, Plan
from .configuration import Checked
from .lookup import Answers
from .words import inputs

__all__ = ["as_data"]


def as_data(checked: Checked, answers: Answers | None = None) -> dict[str, Any]:
    """Describe everything about a configuration in a form that JSON can hold.

    Parameters
    ----------
    checked : `Checked`
        The configuration.
    answers : `Answers`, optional
        What a repository has answered.

    Returns
    -------
    `dict`
        ``script``, ``ok``, ``problems``, ``warnings``, ``plan`` (None where the configuration is wrong in
        itself) and ``repository`` (None where none was asked). Times in seconds, dates TAI.
    """
    config, plan = checked.config, checked.plan
    return {
        "script": checked.script.name,
        "ok": not checked.problems,
        "problems": list(checked.problems),
        "warnings": list(checked.warnings),
        "plan": None if config is None or plan is None else _plan(checked, config, plan),
        "repository": None if answers is None else _plain(asdict(answers)),
    }


def _plan(checked: Checked, config: CalibrationsConfig, plan: Plan) -> dict[str, Any]:
    return {
        "instrument": checked.script.instrument.name,
        "detectors": list(checked.detectors),
        "physical_filter": checked.physical_filter,
        "repo": config.repo,
        "images": [
            {
                "image_type": str(images.image_type),
                "exposure_times": [exposure.exposure_time for exposure in images.exposures],
                "n_discarded": images.n_discarded,
                "taken_before": list(images.taken),
            }
            for images in plan.sets
        ],
        "jobs": list(_jobs(checked, config, plan)),
        "certified": [_plain(asdict(wanted)) for wanted in checked.certifications],
        "camera_seconds": plan.camera_seconds,
        "estimated_seconds": plan.seconds,
    }


def _jobs(checked: Checked, config: CalibrationsConfig, plan: Plan) -> Iterator[dict[str, Any]]:
    for step in plan.steps:
        if step.id.action is Action.CERTIFY:
            continue
        pipeline = checked.pipelines.installed.get(step.id)
        yield {
            "step": str(step.id),
            "pipeline": pipeline.uri if pipeline else None,
            "options": str(checked.pipelines.options.get(step.id, "")),
            "images": [str(image_type) for image_type in step.images],
            "after": [str(other) for other in step.after],
            "inputs": list(inputs(config, plan, step)),
        }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
