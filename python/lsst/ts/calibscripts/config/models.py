"""The configuration of each script: what differs from the common properties for its instrument."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator

from ..tables.instruments import DOME_COMPONENTS, LATISS, LSSTCAM, LSSTCOMCAM
from . import fields as f
from .calibrations import CalibrationsConfig

__all__ = ["MODELS", "ComCamConfig", "LSSTCamConfig", "LatissConfig"]

_FILTER = (
    "Filter: its name, or its number. It must be installed, which is checked before the first image; names known "
    "are only proposals. null or omitted: the filter is not changed."
)
_LATISS_DARK_TIMES = (5.0,) * 5 + (15.0,) * 2 + (30.0,) * 16


class LatissConfig(CalibrationsConfig):
    """Configuration of ``auxtel/make_latiss_calibrations.py``."""

    instrument = LATISS
    script = LATISS.script

    n_dark: f.NumberOfImages = Field(22, description=CalibrationsConfig.model_fields["n_dark"].description)
    exp_times_dark: f.DarkTimes = Field(
        _LATISS_DARK_TIMES,
        description=f"{CalibrationsConfig.model_fields['exp_times_dark'].description} The default takes one "
        "dark to discard and four darks of 5 s, two of 15 s, which show whether the dark signal is linear, "
        "and sixteen of 30 s, the usual exposure time on the sky.",
    )
    filter: f.NameOrNumber = Field(None, description=_FILTER)
    grating: f.NameOrNumber = Field(
        None,
        description="Grating: its name, or its number. It must be installed, which is checked before the first "
        "image. null or omitted: the grating is not changed.",
    )


class ComCamConfig(CalibrationsConfig):
    """Configuration of ``maintel/make_comcam_calibrations.py``."""

    instrument = LSSTCOMCAM
    script = LSSTCOMCAM.script

    filter: f.NameOrNumber = Field(None, description=_FILTER)


class LSSTCamConfig(CalibrationsConfig):
    """Configuration of ``maintel/make_lsstcam_calibrations.py``."""

    instrument = LSSTCAM
    script = LSSTCAM.script

    script_mode: f.ScriptMode = Field(description=CalibrationsConfig.model_fields["script_mode"].description)
    exp_times_dark: f.DarkTimes = Field(
        30.0, description=CalibrationsConfig.model_fields["exp_times_dark"].description
    )
    pipetask_timeout: f.Seconds = Field(
        7200.0, description=CalibrationsConfig.model_fields["pipetask_timeout"].description
    )
    filter: f.Name = Field(None, description=_FILTER.replace("its name, or its number", "its name"))
    flat_setup: f.FlatSetup = Field(
        "require",
        description="What follows where the dome is not ready for flats, before the first image or the first flat. "
        "require: no flats are taken. warn: a warning. ignore: it is not looked at.",
    )
    ignore: tuple[f.Text, ...] = Field(
        (), description="Components left out of the checks of the dome, e.g. [mtdome, mtdometrajectory]."
    )

    @field_validator("ignore")
    @classmethod
    def _are_of_the_dome(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = [name.lower() for name in DOME_COMPONENTS]
        if unknown := [name for name in names if name.lower() not in known]:
            raise ValueError(
                f"{', '.join(unknown)}: only {' and '.join(known)} are checked and can be ignored"
            )
        return names


MODELS: Mapping[str, type[CalibrationsConfig]] = {
    LATISS.name: LatissConfig,
    LSSTCOMCAM.name: ComCamConfig,
    LSSTCAM.name: LSSTCamConfig,
}
"""Instrument -> model of the configuration of its script."""
