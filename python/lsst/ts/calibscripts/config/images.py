"""The properties of the images that are taken, or were taken before."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from . import fields as f

__all__ = ["Exposures", "ImageProperties"]


class Exposures(BaseModel):
    """Exposures that were taken before, by image type."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    BIAS: f.ExposureIds = Field(
        (),
        description="Exposures of the biases: ids, ranges of ids as reports print them "
        "(2026091800002..2026091800021), names of images (AT_O_20260918_000002).",
    )
    DARK: f.ExposureIds = Field((), description="Exposures of the darks.")
    FLAT: f.ExposureIds = Field((), description="Exposures of the flats.")


class ImageProperties(BaseModel):
    """Which images are taken, and how long they are exposed; each property valid by itself.

    The names are those of the properties, so their documentation is their description in the schema.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    script_mode: f.ScriptMode = Field(
        "BIAS_DARK_FLAT",
        description="Images to take, and calibrations to verify or make from them: BIAS, DARK or FLAT alone, "
        "BIAS_DARK (biases, then darks), or BIAS_DARK_FLAT (biases, darks, then flats). Calibrations that "
        "are needed and not made in this mode come from the input collections.",
    )
    n_bias: f.NumberOfImages = Field(
        20, description="Number of biases to use. DMTN-222 recommends 20. null: the default."
    )
    n_discard_bias: f.Discards = Field(
        1, description="Number of additional biases that are taken first and not used."
    )
    n_dark: f.NumberOfImages = Field(
        20,
        description="Number of darks to use. DMTN-222 recommends 20. If omitted or null: as many as "
        "exp_times_dark lists, or the default.",
    )
    n_discard_dark: f.Discards = Field(
        1, description="Number of additional darks that are taken first and not used."
    )
    exp_times_dark: f.DarkTimes = Field(
        5.0,
        description="Exposure time of the darks (s): one value for all, or a list in brackets with one value "
        "for each dark: n_dark values, or n_dark + n_discard_dark where the discarded ones are listed too.",
    )
    n_flat: f.NumberOfImages = Field(
        20,
        description="Number of flats to use. DMTN-222 recommends 20. If omitted or null: as many as "
        "exp_times_flat lists, or the default.",
    )
    n_discard_flat: f.Discards = Field(
        1, description="Number of additional flats that are taken first and not used."
    )
    exp_times_flat: f.FlatTimes = Field(
        5.0,
        description="Exposure time of the flats (s): one value for all, or a list in brackets with one value "
        "for each flat: n_flat values, or n_flat + n_discard_flat where the discarded ones are listed too. "
        "For do_gain_from_flat_pairs at least two consecutive flats must have the same time, for do_ptc there "
        "must be such pairs of at least three different times.",
    )
    n_flat_dark: f.Discards = Field(
        0,
        description="Number of darks of each different exposure time of the flats that are taken after the flats. "
        "They are named in log, record and report; no job reads them, they are not verified and not certified.",
    )
    detectors: tuple[f.DetectorId, ...] = Field(
        (),
        description="Detector ids that are processed, e.g. [0, 1, 2]. An empty list stands for all.",
    )
