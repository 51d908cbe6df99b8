"""The properties of a script in groups, as the tables of the manual show them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from lsst.ts.calibscripts.config import CalibrationsConfig, json_schema

__all__ = ["GROUPS", "Property", "grouped"]

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Images": (
        "script_mode",
        "n_[!p]*",
        "exp_times_*",
        "filter",
        "grating",
        "detectors",
        "wait_between_exposures",
        "exposures",
    ),
    "Calibrations": (
        "generate_calibrations",
        "do_[!v]*",
        "wait_for_certification",
    ),
    "Verification": (
        "do_verify",
        "do_verify_products",
        "number_verification_tests_threshold_*",
        "on_verification_failure",
        "compare_*",
    ),
    "Where calibrations go, and for which dates": ("calib_collection", "certify_calib_*_date"),
    "Inputs and options of the pipetasks": ("repo", "n_processes", "input_collections_*", "config_options_*"),
    "Levels and ages that are looked at": (
        "flat_counts_*",
        "flat_times_scale",
        "flat_setup",
        "bias_dark_counts_max",
        "reference_age_max",
    ),
    "Limits of time, and second attempts": ("oods_timeout", "pipetask_timeout", "job_attempts"),
    "Image headers and record": ("program", "reason", "note", "record"),
    "Rarely needed": ("ignore", "background_task_timeout", "test_case"),
}
"""Headings of the tables, and the names of the properties below each: the first pattern that fits decides."""


@dataclass(frozen=True)
class Property:
    """A row of a table: name, default as YAML writes it (empty for a required one) and description."""

    name: str
    default: str
    description: str


def grouped(model: type[CalibrationsConfig]) -> dict[str, list[Property]]:
    """Give all properties of a script, by heading.

    Parameters
    ----------
    model : `type` [`CalibrationsConfig`]
        Configuration of the script.

    Returns
    -------
    `dict` [`str`, `list` [`Property`]]
        Headings with at least one property, in the order of `GROUPS`.

    Raises
    ------
    LookupError
        If a property is in no group.
    """
    found: dict[str, list[Property]] = {heading: [] for heading in GROUPS}
    for name, schema in json_schema(model)["properties"].items():
        found[_heading(name)].append(Property(name, _default(schema), schema["description"]))
    return {heading: rows for heading, rows in found.items() if rows}


def _heading(name: str) -> str:
    for heading, patterns in GROUPS.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return heading
    raise LookupError(f"no table has a place for {name}: add it to GROUPS")


def _default(schema: Mapping[str, Any]) -> str:
    if "default" not in schema:
        return ""
    value = schema["default"]
    return value if isinstance(value, str) and value else json.dumps(value)
