"""Checks of a configuration that need neither a summit nor a repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import jsonschema

from ..config import DROPPED, CalibrationsConfig, ConfigValidator, json_schema, parse
from ..config.scripts import ScriptRecord
from ..errors import ConfigurationError
from ..ocps.requests import StepPipelines, input_property
from ..preflight.references import needed
from ..preflight.spec import CameraFacts, RunSpec, prepare

__all__ = ["Checked", "check_text", "check_values", "look_up_pipelines", "without_repository", "wrong_values"]

BOOTSTRAP = "Bootstrap"
"""End of the names of calibrations that are made only to make others."""


@dataclass(frozen=True)
class Checked:
    """A configuration and what there is to say of it."""

    script: ScriptRecord  #: The script it is for.
    spec: RunSpec | None = None  #: What a run would do; None where the configuration is wrong in itself.
    #: Everything that is wrong, one sentence each. A run would be refused, or fail.
    problems: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()  #: What a repository could not be asked.

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may not be meant, or will not come out as hoped."""
        return (*(self.spec.warnings if self.spec is not None else ()), *self.doubts)


def check_text(script: ScriptRecord, text: str, now: datetime | None = None) -> Checked:
    """Check a configuration as it was written.

    Parameters
    ----------
    text : `str`
        YAML text.
    now : `datetime.datetime`, optional
        When the images will be taken, UTC; by default now.

    Returns
    -------
    `Checked`
        Its problems name lines.
    """
    return _check(script, lambda validator: validator.validate_text(text), now)


def check_values(script: ScriptRecord, values: Mapping[str, Any]) -> Checked:
    """Check a configuration that was read already.

    Parameters
    ----------
    values : mapping
        Values by property.

    Returns
    -------
    `Checked`
        Its problems name properties.
    """
    kept = {name: value for name, value in values.items() if name != DROPPED}
    return _check(script, lambda validator: validator.validate(kept))


def wrong_values(script: ScriptRecord, values: Mapping[str, Any]) -> dict[str, str]:
    """Check values of a configuration of which others are not known.

    Parameters
    ----------
    values : mapping
        Values by property.

    Returns
    -------
    `dict` [`str`, `str`]
        What is wrong with each by itself, by property.
    """
    kept = {name: value for name, value in values.items() if name != DROPPED}
    return _validator(script.model).wrong_values(kept)


@cache
def _validator(model: type[CalibrationsConfig]) -> ConfigValidator:
    """Return the validator of a model: making its schema takes longer than to use it."""
    return ConfigValidator(json_schema(model), model)


def _check(
    script: ScriptRecord, validate: Callable[[ConfigValidator], dict[str, Any]], now: datetime | None = None
) -> Checked:
    validator = _validator(script.model)
    try:
        filled = validate(validator)
    except jsonschema.ValidationError as error:
        return Checked(script, problems=tuple(error.message.splitlines()))
    camera = CameraFacts(script.instrument.name, script.instrument.detectors)
    return Checked(script, prepare(parse(filled, script.model), camera, validator.given, now))


def without_repository(checked: Checked) -> Checked:
    """Report what only a repository could allow: products from bootstraps that no step of a run makes.

    Parameters
    ----------
    checked : `Checked`
        A configuration with its pipelines.

    Returns
    -------
    `Checked`
        With what is refused unless a repository has these inputs.
    """
    if checked.spec is None:
        return checked
    found = []
    for step in checked.spec.plan.steps:
        pipeline = checked.spec.pipelines.installed.get(step.id)
        if pipeline is None or step.product.switch is None:
            continue
        names = [read.dataset_type for read in needed(checked.spec, step)]
        if bootstraps := [name for name in names if name.endswith(BOOTSTRAP)]:
            switch = step.product.switch.name
            found.append(
                f"{switch}: the installed {pipeline.uri.rpartition('/')[2]} reads {', '.join(bootstraps)}, which no "
                f"step of this run makes. If a collection in {input_property(step.id)} has them, check with --repo; "
                f"else set {switch} to False."
            )
    return replace(checked, problems=(*checked.problems, *found))


def look_up_pipelines(checked: Checked, *, insist: bool) -> Checked:
    """Look up the names of the pipelines and the task labels in the options, as configure does.

    Parameters
    ----------
    checked : `Checked`
        A configuration.
    insist : `bool`
        Is it a problem if they cannot be looked up on this machine?

    Returns
    -------
    `Checked`
        With the pipelines, and with what is wrong with them.
    """
    if checked.spec is None:
        return checked
    try:
        spec = checked.spec.with_pipelines(checked.script.instrument.name)
    except ConfigurationError as error:
        return replace(checked, problems=(*checked.problems, *error.problems))
    unread = _unread(spec.pipelines) if insist else ()
    return replace(checked, spec=spec, problems=(*checked.problems, *unread))


def _unread(pipelines: StepPipelines) -> Iterator[str]:
    """Name the pipelines whose definition this machine cannot read, by the variables that are missing."""
    files: dict[tuple[str, ...], list[str]] = {}
    for found in pipelines.installed.values():
        if found.labels is None:
            package, _, path = found.uri[2:].partition("}/")
            files.setdefault(found.unset or (package,), []).append(path.rsplit("/", 1)[-1])
    for variables, names in files.items():
        settings = " and ".join(
            f"{variable} to the directory of {variable.removesuffix('_DIR').lower()}"
            for variable in variables
        )
        yield (
            f"{', '.join(dict.fromkeys(names))} cannot be read on this machine, so neither the names of these "
            f"pipelines nor the labels in their options are checked: set {settings} that the OCPS uses, and install "
            "lsst-pipe-base."
        )
