"""What a user should know of a configuration that is right."""

from __future__ import annotations

from collections.abc import Iterator

from .base import CalibrationsConfig
from .names import name_warnings
from .times import flat_pairs

__all__ = ["RECOMMENDED_IMAGES", "warnings"]

RECOMMENDED_IMAGES = 20
"""Images that DMTN-222 recommends for each combined calibration."""


def warnings(config: CalibrationsConfig) -> tuple[str, ...]:
    """List what may not be meant, or will not come out as hoped.

    Parameters
    ----------
    config : `CalibrationsConfig`
        The configuration.

    Returns
    -------
    `tuple` [`str`]
        One sentence each.
    """
    found = (name_warnings, _flats, _thresholds, _generating, _certifying, _ignored)
    return tuple(text for advice in found for text in advice(config))


def _flats(config: CalibrationsConfig) -> Iterator[str]:
    if "FLAT" not in config.image_types:
        return
    times = config.image_set("FLAT").kept
    found = flat_pairs(times)
    named = ", ".join(f"{position + 1} ({times[position]:g} s)" for position in found.unpaired)
    if not found.pairs:
        yield (
            f"No two consecutive flats have the same exposure time, unpaired: {named}. "
            "No gain is estimated from flat pairs."
        )
    elif found.unpaired and (config.do_gain_from_flat_pairs or config.do_ptc):
        yield (
            f"Flats without a partner of the same exposure time beside them: {named}, counted without the "
            "discarded ones. They do not contribute to gains or the Photon Transfer Curve."
        )


def _thresholds(config: CalibrationsConfig) -> Iterator[str]:
    if not config.do_verify or config.instrument is None:
        return
    amplifiers = config.instrument.amplifiers
    for kind in config.image_types:
        name = f"number_verification_tests_threshold_{kind.lower()}"
        if (limit := getattr(config, name)) > amplifiers:
            yield (
                f"{name} is {limit}, but a detector has {amplifiers} amplifiers, and a test is made of each: "
                "a detector in which all of them fail does not reach it."
            )


def _generating(config: CalibrationsConfig) -> Iterator[str]:
    if not config.generate_calibrations:
        return
    there = {kind: len(ids) for kind, ids in config.exposures or ()}
    numbers = {
        f"n_{kind.lower()}": there.get(kind) or getattr(config, f"n_{kind.lower()}")
        for kind in config.image_types
    }
    if few := [f"{name} is {n}" for name, n in numbers.items() if n < RECOMMENDED_IMAGES]:
        yield f"Few images: {', '.join(few)}. DMTN-222 recommends {RECOMMENDED_IMAGES} of each type."
    if not config.do_verify:
        yield f"do_verify is False: {', '.join(config.image_types)} will be certified unverified."


def _certifying(config: CalibrationsConfig) -> Iterator[str]:
    if not (config.generate_calibrations or config.do_defects or config.do_ptc):
        return
    if config.calib_collection.endswith("/calib/daily"):
        yield (
            f"calib_collection is the default {config.calib_collection}: calibrations are certified there, "
            "where a type can be certified only once for a validity range."
        )
    begin, end = config.certify_calib_begin_date, config.certify_calib_end_date
    fields = type(config).model_fields
    if (
        begin == fields["certify_calib_begin_date"].default
        and end == fields["certify_calib_end_date"].default
    ):
        yield (
            f"The validity range is the default, {begin} to {end}: give certify_calib_begin_date and "
            "certify_calib_end_date for calibrations of a day."
        )


def _ignored(config: CalibrationsConfig) -> Iterator[str]:
    given = [name for name in ("background_task_timeout", "test_case") if getattr(config, name) is not None]
    if given:
        yield f"Deprecated and ignored: {', '.join(given)}."
