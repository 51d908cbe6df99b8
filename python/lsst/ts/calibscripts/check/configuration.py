"""Checks of a configuration that need neither a summit nor a repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jsonschema

from ..config import DROPPED, CalibrationsConfig, ConfigValidator, json_schema, parse, warnings
from ..config.scripts import ScriptRecord
from ..errors import ConfigurationError
from ..ocps.pipelines import missing_inputs
from ..ocps.requests import StepPipelines, install
from ..plan import Action, Plan, build, plan_warnings
from ..preflight.findings import BOOTSTRAP, certification
from ..repository import Certification
from ..tables.instruments import physical_filter
from ..tables.products import PRODUCTS

__all__ = ["Checked", "check_text", "check_values", "look_up_pipelines", "without_repository", "wrong_values"]

NO_PIPELINES = StepPipelines({}, {}, ())


@dataclass(frozen=True)
class Checked:
    """A configuration and what there is to say of it.

    Attributes
    ----------
    script : `ScriptRecord`
        The script it is for.
    config : `CalibrationsConfig` or `None`
        None where the configuration is wrong in itself.
    plan : `Plan` or `None`
        What a run would do; None where ``config`` is.
    pipelines : `StepPipelines`
        Pipelines of the steps, as far as they were looked up.
    problems : `tuple` [`str`]
        Everything that is wrong, one sentence each. A run would be refused, or fail.
    warnings : `tuple` [`str`]
        What may not be meant, or will not come out as hoped.
    """

    script: ScriptRecord
    config: CalibrationsConfig | None = None
    plan: Plan | None = None
    pipelines: StepPipelines = NO_PIPELINES
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def detectors(self) -> tuple[int, ...]:
        """Detectors of the run: those asked for, else those of the instrument."""
        asked = self.config.detectors if self.config is not None else ()
        return tuple(asked) or self.script.instrument.detectors

    @property
    def physical_filter(self) -> str | None:
        """Physical filter of the flats, None where the configuration does not name it."""
        known = type(self.config).model_fields if self.config is not None else {}
        names = [getattr(self.config, name) for name in ("filter", "grating") if name in known]
        return physical_filter(*names) if names and all(isinstance(name, str) for name in names) else None

    @property
    def certifications(self) -> tuple[Certification, ...]:
        """What would be certified, in this order."""
        if self.config is None or self.plan is None:
            return ()
        return tuple(
            certification(
                self.config,
                step.id.product,
                self.script.instrument.name,
                self.detectors,
                self.physical_filter,
            )
            for step in self.plan.steps
            if step.id.action is Action.CERTIFY
        )


def check_text(script: ScriptRecord, text: str, now: datetime | None = None) -> Checked:
    """Check a configuration as it was written.

    Parameters
    ----------
    script : `ScriptRecord`
        The script it is for.
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


def check_values(script: ScriptRecord, values: Mapping[str, Any], now: datetime | None = None) -> Checked:
    """Check a configuration that was read already.

    Parameters
    ----------
    script : `ScriptRecord`
        The script it is for.
    values : mapping
        Values by property.
    now : `datetime.datetime`, optional
        When the images will be taken, UTC; by default now.

    Returns
    -------
    `Checked`
        Its problems name properties.
    """
    kept = {name: value for name, value in values.items() if name != DROPPED}
    return _check(script, lambda validator: validator.validate(kept), now)


def wrong_values(script: ScriptRecord, values: Mapping[str, Any]) -> dict[str, str]:
    """Check values of a configuration of which others are not known.

    Parameters
    ----------
    script : `ScriptRecord`
        The script it is for.
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
    script: ScriptRecord, validate: Callable[[ConfigValidator], dict[str, Any]], now: datetime | None
) -> Checked:
    validator = _validator(script.model)
    try:
        filled = validate(validator)
    except jsonschema.ValidationError as error:
        return Checked(script, problems=tuple(error.message.splitlines()))
    config = parse(filled, script.model)
    checked = Checked(script, config)
    n_detectors = len(checked.detectors)
    plan = build(config, n_detectors=n_detectors, given=validator.given)
    doubts = (*warnings(config, now or datetime.now(UTC)), *plan_warnings(config, plan, n_detectors))
    return replace(checked, plan=plan, warnings=doubts)


def without_repository(checked: Checked) -> Checked:
    """Say what only a repository could allow: defects from inputs that no step of a run makes.

    Parameters
    ----------
    checked : `Checked`
        A configuration with its pipelines.

    Returns
    -------
    `Checked`
        With what is refused unless a repository has these inputs.
    """
    found = []
    for step_id, pipeline in checked.pipelines.installed.items():
        if needed := missing_inputs(pipeline, BOOTSTRAP):
            found.append(
                f"do_{PRODUCTS[step_id.product].option}: the installed {pipeline.uri.rpartition('/')[2]} reads "
                f"{', '.join(needed)}, which no step of this run makes. If a collection in "
                f"input_collections_{PRODUCTS[step_id.product].option} has them, check with --repo; else set "
                f"do_{PRODUCTS[step_id.product].option} to False."
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
    if checked.config is None or checked.plan is None:
        return checked
    try:
        pipelines = install(checked.config, checked.plan, checked.script.instrument.name)
    except ConfigurationError as error:
        return replace(checked, problems=(*checked.problems, *error.problems))
    unread = _unread(pipelines) if insist else ()
    return replace(
        checked,
        pipelines=pipelines,
        problems=(*checked.problems, *unread),
        warnings=(*checked.warnings, *pipelines.warnings),
    )


def _unread(pipelines: StepPipelines) -> Iterator[str]:
    """Name the pipelines whose definition this machine cannot read, by the variables that are lacking."""
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
