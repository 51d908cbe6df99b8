"""Properties that were set and change nothing in a run as it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from typing import Any

from ..ground.text import listed
from ..tables.products import ImageType, switched, verified_where_possible
from .calibrations import CalibrationsConfig
from .settings import PropertyNames

__all__ = ["effect_warnings"]

_SEARCH = ["flat_counts_target", "flat_counts_tolerance", "flat_times_scale"]
"""Properties of the search for the exposure time of flats."""


def effect_warnings(config: CalibrationsConfig) -> Iterator[str]:
    """Report which properties differ from their defaults without any effect, and why.

    Yields
    ------
    `str`
        One sentence for each reason.
    """
    defaults = config.defaults(config.instrument.name if config.instrument else None)
    reasons: dict[str, list[str]] = {}
    values = dict(config)
    for name, reason in _unused(config).items():
        if name in defaults and _value(values[name]) != _value(defaults[name]):
            reasons.setdefault(reason, []).append(name)
    for reason, names in reasons.items():
        verb = "have" if len(names) > 1 else "has"
        yield f"{', '.join(names)} {verb} no effect: {reason}."


def _unused(config: CalibrationsConfig) -> dict[str, str]:
    """Return the properties that nothing reads, with the reason; of several reasons the first."""
    unused: dict[str, str] = {}
    for holds, reason, names in _groups(config):
        unused |= {name: reason for name in names if holds and name not in unused}
    return unused


def _groups(config: CalibrationsConfig) -> Iterator[tuple[bool, str, list[str]]]:
    """Group the properties by what they need: whether it is absent, the reason, and their names."""
    absent = [kind for kind in ImageType if kind not in config.image_types]
    present = [PropertyNames.of(kind) for kind in config.image_types]
    without = f"script_mode is {config.script_mode}"
    yield (
        not config.certifies,
        "nothing is certified, since generate_calibrations is False",
        ["calib_collection", "certify_calib_begin_date", "certify_calib_end_date"],
    )
    yield bool(absent), without, [name for kind in absent for name in _of_type(config, kind)]
    of_flats = ["n_flat_dark", "flat_setup", *_SEARCH]
    yield ImageType.FLAT in absent, without, ["flat_counts_min", "flat_counts_max", *of_flats]
    yield bool(config.of(ImageType.FLAT).taken), "exposures lists flats, so that none are taken", of_flats
    yield config.flat_counts_target is None, "flat_counts_target is null", _SEARCH
    yield (
        not config.generate_calibrations,
        "no combined bias, dark or flat is made, since generate_calibrations is False",
        [name for names in present for name in (names.options, names.inputs)] + ["wait_for_certification"],
    )
    yield from _switched_off(config)
    yield from _of_verification(config, present)


def _of_verification(
    config: CalibrationsConfig, present: Iterable[PropertyNames]
) -> Iterator[tuple[bool, str, list[str]]]:
    """Group the properties of verifications."""
    yield (
        not {*config.switched_on} & {*verified_where_possible()},
        f"{listed([product.switch.name for product in verified_where_possible() if product.switch])} are False",
        ["do_verify_products"],
    )
    yield (
        not config.do_verify,
        "do_verify is False",
        [
            *(name for names in present for name in (names.verify_inputs, names.threshold)),
            "on_verification_failure",
            "do_verify_products",
            "bias_dark_counts_max",
        ],
    )


def _switched_off(config: CalibrationsConfig) -> Iterator[tuple[bool, str, list[str]]]:
    """Group the properties of products that are switched off: a product and its parts share theirs."""
    switches: dict[PropertyNames, list[str]] = {}
    for product, switch in switched():
        switches.setdefault(PropertyNames.of(product.name), []).append(switch.name)
    on = {PropertyNames.of(product.name) for product in config.switched_on}
    for own, names in switches.items():
        reason = f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} False"
        yield own not in on, reason, [own.options, own.inputs]


def _of_type(config: CalibrationsConfig, kind: ImageType) -> Iterator[str]:
    """List the properties of an image type; a number that follows a list of exposure times was not set."""
    names, own = PropertyNames.of(kind), config.of(kind)
    follows = isinstance(own.times, tuple) and own.n == len(own.times)
    yield from (name for name in astuple(names) if not (follows and name == names.n))


def _value(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
