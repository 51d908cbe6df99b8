"""What one property says about another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from ..tables.instruments import INSTRUMENTS
from ..tables.products import ImageType, switched
from .base import CommonProperties
from .settings import PropertyNames
from .text.dates import range_problems
from .text.times import FlatPairs, exposure_times, flat_pairs, groups_of_times

__all__ = ["Given", "problems", "resolve"]

_SWITCHES = tuple(switch.name for _, switch in switched())
_DARKS, _FLATS = PropertyNames.of(ImageType.DARK), PropertyNames.of(ImageType.FLAT)
_RAW = frozenset(instrument.raw_collection for instrument in INSTRUMENTS.values())
_FLAT = (_FLATS.n, _FLATS.n_discard, _FLATS.times)


@dataclass(frozen=True)
class Given:
    """What a model needs to know beside the values that the user set."""

    #: Values of the properties that the user did not set, where they differ from the model's own.
    defaults: Mapping[str, Any] = field(default_factory=dict)
    wrong: Set[str] = frozenset()  #: Properties known to be wrong: rules that read them are not applied.


def resolve(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what was not set.

    Parameters
    ----------
    given : mapping
        Values by property, of any type.
    defaults : mapping
        Defaults by property.

    Returns
    -------
    `dict`
        A list of exposure times sets the number of images, where that was not set. What is made by default, such
        as the gain, is not made where it was not asked for and no flats are taken, or no flat pairs.
    """
    values = {**defaults, **given}
    for image_type in ImageType:
        names = PropertyNames.of(image_type)
        times = given.get(names.times)
        if given.get(names.n) is None:
            values[names.n] = (
                len(times) if isinstance(times, list | tuple) and times else defaults.get(names.n)
            )
        if given.get(names.n_discard) is None:
            values[names.n_discard] = defaults.get(names.n_discard)
    for product, switch in switched():
        if switch.by_default and not _asks_for(switch.name, given, defaults):
            possible = values.get("script_mode") in switch.modes
            if not possible or (product.paired and not _may_have_flat_pairs(values)):
                values[switch.name] = False
    return values


def _asks_for(name: str, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    """Return whether the user wants a product; LOVE's form writes every default, which says nothing of that."""
    every = {name for name, value in defaults.items() if value is not None}
    return given.get(name) is not None and not every <= given.keys()


def _may_have_flat_pairs(values: Mapping[str, Any]) -> bool:
    exposures = values.get("exposures")
    if exposures.get("FLAT") if isinstance(exposures, Mapping) else getattr(exposures, "FLAT", None):
        # Flats that exist already have the times of their records, which the repository has.
        return True
    try:
        n, n_discard, times = (values[name] for name in _FLAT)
        if not isinstance(times, list | tuple):
            return bool(n >= 2)
        return bool(flat_pairs(exposure_times(times, n, n_discard)[n_discard:]).pairs)
    except (TypeError, ValueError):
        # They are wrong, which is reported elsewhere.
        return True


def problems(config: CommonProperties, given: Set[str], wrong: Set[str]) -> list[str]:
    """Hold the properties against each other.

    Parameters
    ----------
    config : `CommonProperties`
        All values, each valid by itself.
    given : set of `str`
        Properties that the user set.
    wrong : set of `str`
        Properties whose values stand for wrong ones.

    Returns
    -------
    `list` [`str`]
        Everything that is wrong, one sentence each.
    """
    return [text for needs, rule in _RULES.items() if not wrong & set(needs) for text in rule(config, given)]


def _numbers(image_type: ImageType) -> Callable[[CommonProperties, Set[str]], Iterator[str]]:
    times = PropertyNames.of(image_type).times

    def rule(config: CommonProperties, given: Set[str]) -> Iterator[str]:
        if image_type not in config.image_types:
            return
        try:
            config.image_set(image_type)
        except ValueError as error:
            advice = (
                "" if times in given else f". {times} was not set, so its default list applies: set it too"
            )
            yield f"{times}: {error}{advice}"

    return rule


def _pairs(config: CommonProperties) -> FlatPairs | None:
    if config.of(ImageType.FLAT).taken:
        return None
    try:
        return flat_pairs(config.image_set("FLAT").kept)
    except ValueError:
        # The numbers do not fit, which is reported by its own rule.
        return None


def _products(config: CommonProperties, given: Set[str]) -> Iterator[str]:
    for product, switch in switched():
        if product in config.switched_on and config.script_mode not in switch.modes:
            advice = "; change it or leave this out" if switch.by_default else ""
            yield f"{switch.name}: needs {switch.needed}, not {config.script_mode}{advice}"


def _flat_pairs(config: CommonProperties, given: Set[str]) -> Iterator[str]:
    if "FLAT" not in config.image_types or (found := _pairs(config)) is None:
        return
    times = config.image_set("FLAT").kept
    different = len(groups_of_times(times[first] for first, _ in found.pairs))
    for product, switch in switched():
        wanted = product in config.switched_on and config.script_mode in switch.modes
        if not wanted or product.pairs is None or different >= product.pairs.times:
            continue
        if product.pairs.times == 1:
            how = f"set {_FLATS.n} to 2 or more" if len(times) < 2 else f"change {_FLATS.times}"
            yield (
                f"{switch.name}: needs two consecutive flats of the same exposure time, but there are none; "
                f"{how}, or leave {switch.name} out or set it to False"
            )
            continue
        there = f"pairs of {different} only" if different else "none"
        yield (
            f"{switch.name}: needs pairs of consecutive flats of at least {product.pairs.times} different "
            f"exposure times, but there are {there}; change exp_times_flat, e.g. [1, 1, 2, 2, 4, 4]"
        )


def _collection(config: CommonProperties, given: Set[str]) -> Iterator[str]:
    if config.certifies and (collection := config.calib_collection) in _RAW:
        yield (
            f"calib_collection: {collection} holds the raw images, so nothing can be certified into it; name a "
            "CALIBRATION collection, or one that does not exist yet"
        )


def _dates(config: CommonProperties, given: Set[str]) -> Iterator[str]:
    for which, text in range_problems(config.validity, "certify_calib_begin_date"):
        defaults = ", which is the default: set it too" if "certify_calib_end_date" not in given else ""
        yield f"certify_calib_{which}_date: {text}{defaults if which == 'end' else ''}"


def _counts(config: CommonProperties, given: Set[str]) -> Iterator[str]:
    low, high = config.flat_counts_min, config.flat_counts_max
    if low is not None and high is not None and low >= high:
        yield f"flat_counts_max: {high:g} ADU is not above flat_counts_min {low:g} ADU"
    if (target := config.flat_counts_target) is None:
        return
    if low is not None and target < low:
        yield f"flat_counts_target: {target:g} ADU is below flat_counts_min {low:g} ADU"
    if high is not None and target > high:
        yield f"flat_counts_target: {target:g} ADU is above flat_counts_max {high:g} ADU"


def _target(config: CommonProperties, given: Set[str]) -> Iterator[str]:
    own = config.of(ImageType.FLAT)
    wanted = "FLAT" in config.image_types and not own.taken and config.flat_counts_target is not None
    if wanted and isinstance(own.times, tuple) and config.flat_times_scale == "listed":
        yield (
            "flat_counts_target: one exposure time is looked for, but exp_times_flat is a list: write one value, or "
            "flat_times_scale: auto, which multiplies the listed times by one factor"
        )


def _exposures(config: CommonProperties, given: Set[str]) -> Iterator[str]:
    for image_type, ids in config.exposures or ():
        if ids and image_type not in config.image_types:
            yield f"exposures: {image_type} is not part of script_mode {config.script_mode}"
        if len(set(ids)) < len(ids):
            yield f"exposures: a {image_type} exposure is listed twice"


_RULES: dict[Sequence[str], Callable[[CommonProperties, Set[str]], Iterator[str]]] = {
    ("calib_collection", "generate_calibrations", *_SWITCHES): _collection,
    ("script_mode", _DARKS.n, _DARKS.n_discard, _DARKS.times): _numbers(ImageType.DARK),
    ("script_mode", *_FLAT): _numbers(ImageType.FLAT),
    ("script_mode", *_SWITCHES): _products,
    ("script_mode", *_FLAT, *_SWITCHES): _flat_pairs,
    ("certify_calib_begin_date", "certify_calib_end_date"): _dates,
    ("flat_counts_min", "flat_counts_max", "flat_counts_target"): _counts,
    ("script_mode", "exposures", _FLATS.times, "flat_counts_target", "flat_times_scale"): _target,
    ("script_mode", "exposures"): _exposures,
}
"""Each rule beside the properties it reads."""
