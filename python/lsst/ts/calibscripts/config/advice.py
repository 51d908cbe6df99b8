"""What a user should know of a configuration that is right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from ..ground.time_range import TimeRange, day_of, night_of
from ..tables.instruments import INSTRUMENTS
from ..tables.products import PRODUCTS
from .calibrations import CalibrationsConfig
from .effects import effect_warnings
from .names import name_warnings
from .settings import PropertyNames
from .text.times import flat_pairs

__all__ = ["RECOMMENDED_IMAGES", "last_night", "warnings"]

RECOMMENDED_IMAGES = 20
"""Images that DMTN-222 recommends for each combined calibration."""


MOST_COUNTS = 2**18 - 1
"""Highest level that a raw image of any of the cameras can hold, ADU (18 bits)."""


def warnings(config: CalibrationsConfig, now: datetime) -> tuple[str, ...]:
    """List what may not be meant, or will not come out as hoped.

    Parameters
    ----------
    now : `datetime.datetime`
        When the images will be taken, UTC.

    Returns
    -------
    `tuple` [`str`]
        One sentence each.
    """
    found = (
        name_warnings,
        _flats,
        _levels,
        _thresholds,
        _generating,
        _collections,
        _certifying,
        effect_warnings,
    )
    advice = [text for advisor in found for text in advisor(config)]
    return (*advice, *_night(config, now), *_ignored(config))


def _flats(config: CalibrationsConfig) -> Iterator[str]:
    if "FLAT" not in config.image_types or config.of("FLAT").taken:
        return
    times = config.image_set("FLAT").kept
    found = flat_pairs(times)
    named = ", ".join(f"{position + 1} ({times[position]:g} s)" for position in found.unpaired)
    if not found.pairs:
        yield (
            f"No two consecutive flats have the same exposure time, unpaired: {named}. "
            "No gain is estimated from flat pairs."
        )
    elif found.unpaired and any(product.paired for product in config.switched_on):
        yield (
            f"Flats without a partner of the same exposure time beside them: {named}, counted without the "
            "discarded ones. They do not contribute to gains or the Photon Transfer Curve."
        )


def _levels(config: CalibrationsConfig) -> Iterator[str]:
    low, high = config.flat_counts_min, config.flat_counts_max
    if "FLAT" not in config.image_types:
        return
    if low is not None and low > MOST_COUNTS:
        yield (
            f"flat_counts_min is {low:g} ADU, but a raw image holds at most {MOST_COUNTS} ADU: no flat can reach it, "
            "and all would be refused as too dark."
        )
    if (target := config.flat_counts_target) is not None and target > MOST_COUNTS:
        yield (
            f"flat_counts_target is {target:g} ADU, but a raw image holds at most {MOST_COUNTS} ADU: no flat can "
            "reach it, and none will be taken."
        )
    if high is not None and high < 1:
        yield f"flat_counts_max is {high:g} ADU: every flat is brighter, and all would be refused as too bright."
    elif high is not None and high > MOST_COUNTS:
        yield (
            f"flat_counts_max is {high:g} ADU, but a raw image holds at most {MOST_COUNTS} ADU: it has no effect."
        )


def _thresholds(config: CalibrationsConfig) -> Iterator[str]:
    if not config.do_verify or config.instrument is None:
        return
    amplifiers = config.instrument.amplifiers
    for kind in config.image_types:
        name, limit = PropertyNames.of(kind).threshold, config.of(kind).threshold
        if limit > amplifiers:
            yield (
                f"{name} is {limit}, but a detector has only {amplifiers} amplifiers, so even one test failing on "
                "every amplifier would not reach this threshold."
            )


def _generating(config: CalibrationsConfig) -> Iterator[str]:
    if not config.generate_calibrations:
        return
    numbers = {
        PropertyNames.of(kind).n: len(config.of(kind).taken) or config.of(kind).n
        for kind in config.image_types
    }
    if few := [f"{name} is {n}" for name, n in numbers.items() if n < RECOMMENDED_IMAGES]:
        yield f"Few images: {', '.join(few)}. DMTN-222 recommends {RECOMMENDED_IMAGES} of each type."
    if not config.do_verify:
        yield f"do_verify is False: {', '.join(config.image_types)} will be certified unverified."


def _collections(config: CalibrationsConfig) -> Iterator[str]:
    """Find collections of another camera, which hold nothing that fits."""
    if (instrument := config.instrument) is None:
        return
    others = {name for name in INSTRUMENTS if name != instrument.name}
    named: dict[str, tuple[str, ...]] = {}
    for kind in PRODUCTS:
        names, own = PropertyNames.of(kind), config.of(kind)
        named |= {names.inputs: own.inputs, names.verify_inputs: own.verify_inputs}
    for name, collections in {**named, "calib_collection": (config.calib_collection,)}.items():
        for collection in collections:
            if (owner := collection.partition("/")[0]) in others:
                yield f"{name}: {collection} is a collection of {owner}, not of {instrument.name}."


def _certifying(config: CalibrationsConfig) -> Iterator[str]:
    if not config.certifies:
        return
    collection, instrument = config.calib_collection, config.instrument
    if instrument and collection in (instrument.calib_collection, f"{instrument.name}/defaults"):
        yield (
            f"calib_collection is {collection}, which everyone reads: what is certified there is used at once, and "
            f"by all. Certify into a collection of your own, e.g. {instrument.daily_collection}/<date>."
        )
    if collection.endswith("/calib/daily") and (
        instrument is None or collection == instrument.daily_collection
    ):
        yield (
            f"calib_collection is the default {collection}: calibrations are certified there, "
            "where a type can be certified only once for a validity range."
        )
    fields = type(config).model_fields
    names = "certify_calib_begin_date", "certify_calib_end_date"
    if config.validity == TimeRange.of(*(fields[name].default for name in names)):
        yield (
            f"The validity range is the default, {config.validity}: set certify_calib_begin_date and "
            "certify_calib_end_date for calibrations of a day."
        )


def last_night(config: CalibrationsConfig, now: datetime) -> date:
    """Return the last night in which images are taken.

    Parameters
    ----------
    now : `datetime.datetime`
        When images will be taken, UTC.
    """
    return _nights(config, now)[-1]


def _nights(config: CalibrationsConfig, now: datetime) -> list[date]:
    """List the observing days of the images, which end at 12:00 UTC."""
    existing = dict(config.exposures or ())
    days = {day_of(exposure) for ids in existing.values() for exposure in ids}
    if not all(existing.get(kind) for kind in config.image_types):
        days.add((now - timedelta(hours=12)).date())
    return sorted(days)


def _night(config: CalibrationsConfig, now: datetime) -> Iterator[str]:
    """Find a validity range outside the nights of the images."""
    if not config.certifies:
        return
    outside = [day for day in _nights(config, now) if not config.validity.overlaps(night_of(day))]
    if outside:
        yield (
            f"The validity range, {config.validity}, does not contain the night of "
            f"{outside[0]}, when images are taken: check certify_calib_begin_date and certify_calib_end_date."
        )


def _ignored(config: CalibrationsConfig) -> Iterator[str]:
    deprecated = {"background_task_timeout": config.background_task_timeout, "test_case": config.test_case}
    if given := [name for name, value in deprecated.items() if value is not None]:
        yield f"Deprecated and ignored: {', '.join(given)}."
