"""What `check` says, for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ..ground.time_range import text_of_moment
from ..plan import Action
from ..preflight.spec import RunSpec
from ..repository import Certification
from .configuration import Checked
from .lookup import Answers
from .words import inputs

__all__ = ["as_data"]


def as_data(checked: Checked, answers: Answers | None = None) -> dict[str, Any]:
    """Describe everything about a configuration in a form that JSON can hold.

    Parameters
    ----------
    answers : `Answers`, optional
        What a repository has answered.

    Returns
    -------
    `dict`
        ``script``, ``ok``, ``problems``, ``warnings``, ``plan`` (None where the configuration is wrong in
        itself) and ``repository`` (None where none was asked). Times in seconds, dates TAI.
    """
    return {
        "script": checked.script.name,
        "ok": not checked.problems,
        "problems": list(checked.problems),
        "warnings": list(checked.warnings),
        "plan": None if checked.spec is None else _plan(checked.spec),
        "repository": None
        if answers is None
        else {**_plain(asdict(answers)), "free": [_certified(free) for free in answers.free]},
    }


def _certified(wanted: Certification) -> dict[str, Any]:
    plain: dict[str, Any] = _plain(asdict(wanted))
    return {**plain, **plain.pop("validity")}


def _plan(spec: RunSpec) -> dict[str, Any]:
    return {
        "instrument": spec.instrument,
        "detectors": list(spec.detectors),
        "physical_filter": spec.physical_filter,
        "repo": spec.config.repo,
        "images": [
            {
                "image_type": str(images.image_type),
                "exposure_times": [exposure.exposure_time for exposure in images.exposures],
                "n_discarded": images.n_discarded,
                "taken_before": list(images.taken),
                "counts_target": None if images.goal is None else images.goal.target,
            }
            for images in spec.plan.sets
        ],
        "flat_darks": [exposure.exposure_time for exposure in spec.plan.flat_darks.exposures]
        if spec.plan.flat_darks
        else [],
        "jobs": list(_jobs(spec)),
        "job_attempts": spec.config.job_attempts,
        "certified": [_certified(wanted) for wanted in spec.certifications],
        "camera_seconds": spec.plan.camera_seconds,
        "estimated_seconds": spec.plan.seconds,
    }


def _jobs(spec: RunSpec) -> Iterator[dict[str, Any]]:
    for step in spec.plan.steps:
        if step.id.action is Action.CERTIFY:
            continue
        pipeline = spec.pipelines.installed.get(step.id)
        yield {
            "step": str(step.id),
            "pipeline": pipeline.uri if pipeline else None,
            "options": str(spec.pipelines.options.get(step.id, "")),
            "tasks": list(pipeline.labels) if pipeline and pipeline.labels is not None else None,
            "reading": _plain(asdict(pipeline.reading)) if pipeline and pipeline.reading else None,
            "images": [str(image_type) for image_type in step.images],
            "after": [str(other) for other in step.after],
            "inputs": list(inputs(spec.config, spec.plan, step)),
        }


def _plain(value: Any) -> Any:
    """Return what JSON can hold; dates are texts, TAI (``written`` of a calibration: UTC)."""
    if isinstance(value, datetime):
        return text_of_moment(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
