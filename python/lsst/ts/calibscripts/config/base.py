"""The properties that the calibrations of every instrument have.

Their units, defaults and descriptions stand here and nowhere else, apart from those that each product has;
`json_schema` makes of them what LOVE shows.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ..ground.time_range import TimeRange
from ..tables.products import Product, switched
from . import fields as f
from .images import Exposures, ImageProperties
from .per_product import ProductProperties
from .policies import Comparison
from .settings import TypeSettings, settings_of
from .text.times import ImageSet, exposure_times

__all__ = ["CommonProperties"]


class CommonProperties(ProductProperties, ImageProperties):
    """Properties that the calibrations of every instrument have, each valid by itself.

    The names are those of the properties, so their documentation is their description in the schema.
    """

    generate_calibrations: f.Flag = Field(
        False,
        description="True: make combined calibrations from the images taken, verify the images against them "
        '("internal verification") and certify those that pass. False: make none; the images are verified '
        'against existing calibrations of the input_collections_verify_* ("external verification").',
    )
    do_verify: f.Flag = Field(
        True,
        description="Verify the images with cp_verify. With False, what generate_calibrations makes is "
        "certified unverified.",
    )
    do_verify_products: f.Flag = Field(
        True,
        description="Verify defects, Photon Transfer Curve and linearizer, too, where cp_verify has a pipeline for "
        "it, and certify them only if they pass. With False they are certified unverified. Needs do_verify.",
    )
    on_verification_failure: f.Policy = Field(
        "fail",
        description="fail: a failed verification ends the script FAILED, which pauses the queue. warn: it "
        "ends DONE with a warning. What failed is never certified.",
    )
    compare_with_previous: Comparison = Field(
        "report",
        description="Compare each new bias, dark, flat, Photon Transfer Curve and defects with the calibration that "
        "was valid before. report: what has moved is a warning. require: it is not certified, and the script ends "
        "FAILED; where there was none before, there is a warning. off: not compared.",
    )
    compare_sigmas_max: f.Positive = Field(
        2.0,
        description="How far an amplifier of a new calibration may be from the one before: its median, and structure "
        "in it, in units of the noise of a pixel.",
    )
    compare_pixels_max: f.Counts = Field(
        0.002,
        le=1,
        description="Fraction of the pixels of an amplifier that may be more than five standard deviations from the "
        "calibration before; of defects, that are new or have vanished and touch another such pixel.",
    )
    calib_collection: f.CollectionName = Field(
        f"{f.INSTRUMENT}/calib/daily",
        description="CALIBRATION collection that new calibrations are certified into, e.g. "
        f"{f.INSTRUMENT}/calib/daily/calib.2026SEP18.1. A type of calibration can be certified there only "
        "once for a validity range.",
    )
    certify_calib_begin_date: f.DateTai | None = Field(
        "1950-01-01",
        description='Begin of the validity range of what is certified, in quotes: "2026-09-18" or '
        '"2026-09-18T12:00:00" (TAI). null: no begin.',
    )
    certify_calib_end_date: f.DateTai | None = Field(
        "2050-01-01",
        description='End of the validity range of what is certified (exclusive), in quotes: "2026-09-19" or '
        '"2026-09-19T12:00:00" (TAI). null: no end.',
    )
    wait_for_certification: f.Flag = Field(
        False,
        description="Make a dark or flat only when the calibrations it needs are certified. Slower: by "
        "default it is made while they are verified, and certified after them.",
    )
    repo: f.RepositoryUri = Field(
        f"/repo/{f.INSTRUMENT}", description="Butler repository: its path, its URI or a butler.yaml."
    )
    n_processes: f.Count = Field(8, description="Number of processes of each pipetask.")
    oods_timeout: f.Seconds = Field(
        120.0,
        description="Longest wait for the images to arrive in the OODS (s), from the last exposure of a set.",
    )
    pipetask_timeout: f.Seconds = Field(3600.0, description="Longest wait for one OCPS job (s).")
    job_attempts: f.Attempts = Field(
        1,
        description="How many times a job is submitted at most, 1 to 3: one that fails is submitted again. "
        "A job that was aborted, was rejected or took too long is not, nor is a failed verification.",
    )
    wait_between_exposures: f.Wait = Field(0.0, description="Time to wait between consecutive exposures (s).")
    flat_setup: f.FlatSetup = Field(
        "warn",
        description="What follows where lamp, dome or telescope are not ready for flats, before the first image or "
        "the first flat. warn: a warning. require: no flats are taken. ignore: they are not looked at.",
    )
    flat_counts_min: f.Counts | None = Field(
        None,
        description="Lowest acceptable level of flats (ADU, raw, overscan subtracted), e.g. 10000: where the first "
        "two are below it, no further flats are taken; single flats below it are left out. null: not checked.",
    )
    flat_counts_max: f.Counts | None = Field(
        None,
        description="Highest acceptable level of flats (ADU, raw, overscan subtracted), e.g. 110000: where the first "
        "two are above it, no further flats are taken; single flats above it are left out. null: not checked.",
    )
    flat_counts_target: f.Counts | None = Field(
        None,
        description="Level that the flats are to have (ADU, raw, overscan subtracted), e.g. 20000: their exposure "
        "time is looked for with at most 8 test flats of 0.1 to 120 s, from exp_times_flat or the time that was "
        "last found in this filter. null or 0: exp_times_flat is used as it is.",
    )
    flat_counts_tolerance: f.Fraction = Field(
        0.05, description="Fraction of flat_counts_target (ADU) by which the level may differ from it."
    )
    flat_times_scale: f.FlatTimesScale = Field(
        "listed",
        description="Only with flat_counts_target and a list in exp_times_flat. auto: all listed times are "
        "multiplied by one factor, with which flats of the longest one reach flat_counts_target and none are "
        "brighter. listed: exp_times_flat must be one value.",
    )
    bias_dark_counts_max: f.Counts | None = Field(
        None,
        description="Level of corrected biases and darks (ADU) above which there is a warning, e.g. 10. "
        "null: not checked.",
    )
    reference_age_max: f.Positive | None = Field(
        400,
        description="Age of a reference calibration (days since it was written) above which there is a warning "
        "before the first image. null: not checked.",
    )
    exposures: Exposures | None = Field(
        None,
        description="Process these exposures instead of taking images of their types, e.g. {BIAS: "
        "[2026091800002..2026091800021]}: how an interrupted run is resumed. Types of script_mode that are not "
        "listed are taken. null: take all images.",
    )
    program: f.Header | None = Field(
        None,
        description="Program the images belong to, e.g. BLOCK-295; one line in ASCII, goes to their headers.",
    )
    reason: f.Header | None = Field(
        None, description="Reason for taking the images, one line in ASCII; goes to their headers."
    )
    note: f.Note | None = Field(
        None, description="Note about the images, one line in ASCII; goes to their headers."
    )
    record: f.Flag = Field(True, description="Write a record of the run.")
    background_task_timeout: f.Number | None = Field(None, description="Deprecated: accepted and ignored.")
    test_case: dict[str, Any] | None = Field(None, description="Deprecated: accepted and ignored.")

    @property
    def validity(self) -> TimeRange:
        """The validity range of what is certified."""
        return TimeRange.of(self.certify_calib_begin_date, self.certify_calib_end_date)

    @property
    def image_types(self) -> tuple[str, ...]:
        """Image types of the script mode, in the order they are taken."""
        return tuple(self.script_mode.split("_"))

    @property
    def light_path(self) -> dict[str, str | int | None]:
        """What the flats are to be taken through: the filter and, of a camera that has gratings, the grating."""
        values = dict(self)
        return {name: values[name] for name in ("filter", "grating") if name in values}

    def of(self, kind: str) -> TypeSettings:
        """Return what is set for a type of image or calibration.

        Parameters
        ----------
        kind : `str`
            Name of a product, or an `ImageType`.
        """
        return settings_of(self, kind)

    @property
    def switched_on(self) -> tuple[Product, ...]:
        """Products with a property of their own which is True, in the order of their table."""
        values = dict(self)
        return tuple(product for product, switch in switched() if values[switch.name])

    @property
    def certifies(self) -> bool:
        """Is anything certified?"""
        return self.generate_calibrations or any(product.certified for product in self.switched_on)

    def image_set(self, image_type: str) -> ImageSet:
        """List what is taken of an image type.

        Parameters
        ----------
        image_type : `str`
            BIAS, DARK or FLAT.

        Returns
        -------
        `ImageSet`
            Exposure times (s) and how many of the first exposures are discarded.
        """
        own = self.of(image_type)
        return ImageSet(
            image_type, exposure_times(own.times, own.n, own.n_discard, image_type), own.n_discard
        )
