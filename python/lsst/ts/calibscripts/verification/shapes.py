"""What cp_verify writes of one detector or one exposure: its values and its tests, parsed into types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any, TypeAlias

from ..errors import StatisticsError

__all__ = [
    "NOTHING",
    "DetectorStatistics",
    "Outcome",
    "Part",
    "Untyped",
    "flag",
    "mapping",
    "outcomes_of_exposure",
    "parse_detector",
    "shown",
    "unknown_shape",
]

# Untyped on purpose: this is what YAML read, and this module and `statistics` are the edge where it gets types.
Untyped: TypeAlias = Mapping[Any, Any]

NOTHING: Untyped = MappingProxyType({})

NOISE_OF_OVERSCAN = "READ_NOISE_ADU"
"""Read noise of the overscan, ADU: cp_verify writes it beside the statistics of the amplifiers."""

_SHOWN_CHARACTERS = 80


class Outcome(IntEnum):
    """Outcome of a test of cp_verify."""

    NONE = -1
    FAILED = 0
    PASSED = 1
    NOTED = 2
    """It was not fulfilled, which cp_verify writes down but does not count."""


@dataclass(frozen=True)
class Part:
    """Values and tests of an amplifier, or of a detector as a whole."""

    #: Statistics, electron (``READ_NOISE_ADU`` ADU).
    values: Mapping[str, float] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)  #: Tests.

    @property
    def failed(self) -> tuple[str, ...]:
        """The tests that failed."""
        return tuple(name for name, outcome in self.outcomes.items() if outcome is Outcome.FAILED)


@dataclass(frozen=True)
class DetectorStatistics:
    """What cp_verify says of a detector in an exposure."""

    whole: Part  #: The detector as a whole.
    amplifiers: Mapping[str, Part]  #: Its amplifiers.

    @property
    def tested(self) -> bool:
        """Is there the outcome of any test?"""
        return any(part.outcomes for part in (self.whole, *self.amplifiers.values()))


def parse_detector(found: object, where: str) -> DetectorStatistics:
    """Parse ``verify<Type>DetStats`` of a detector in an exposure.

    Parameters
    ----------
    found : `object`
        What YAML read: values in ``["AMP"][<amplifier>]`` and ``["DET"]``, tests and whether they passed in
        ``["VERIFY"]["AMP"][<amplifier>]`` and in the other levels of ``["VERIFY"]``.
    where : `str`
        Exposure and detector, for errors.

    Returns
    -------
    `DetectorStatistics`
        Values and tests.

    Raises
    ------
    StatisticsError
        The statistics have an unknown shape; the text names what was found where.
    """
    statistics = mapping(found, where)
    verify = mapping(statistics.get("VERIFY"), where)
    values = {str(name): dict(_numbers(part)) for name, part in _part(statistics, "AMP", where).items()}
    tests = {str(name): _outcomes(part, where) for name, part in _part(verify, "AMP", where).items()}
    for name, noise in _numbers(_part(statistics, "METADATA", where).get(NOISE_OF_OVERSCAN)):
        if name in values:
            values[name][NOISE_OF_OVERSCAN] = noise
    whole: dict[str, Outcome] = {}
    for level, part in verify.items():
        for name, outcome in _outcomes(part, where).items() if level != "AMP" else ():
            # The worst, where two levels have a test of the same name.
            whole[name] = min(outcome, whole.get(name, outcome))
    return DetectorStatistics(
        Part(dict(_numbers(statistics.get("DET"))), whole),
        {name: Part(values.get(name, {}), tests.get(name, {})) for name in dict.fromkeys([*values, *tests])},
    )


def outcomes_of_exposure(found: object, where: str) -> dict[str, Outcome]:
    """Parse the tests of an exposure as a whole out of its ``verify<Type>ExpStats``.

    Parameters
    ----------
    found : `object`
        What YAML read; the tests are in ``["VERIFY"]["EXP"]``.
    where : `str`
        Which exposure, for errors.

    Returns
    -------
    `dict` [`str`, `Outcome`]
        By test; empty where there are none.

    Raises
    ------
    StatisticsError
        The statistics have an unknown shape.
    """
    return _outcomes(_part(_part(mapping(found, where), "VERIFY", where), "EXP", where), where)


def _outcomes(tests: object, where: str) -> dict[str, Outcome]:
    flags = mapping(tests, where)
    # As in cp_verify, whose READ_NOISE_CONSISTENT is noted down but decides nothing.
    unfulfilled = Outcome.NOTED if flags.get("SUCCESS") is True else Outcome.FAILED
    return {
        str(test): Outcome.PASSED if flag(flags, test, where) else unfulfilled
        for test in flags
        if test != "SUCCESS"
    }


def _part(found: Untyped, name: str, where: str) -> Untyped:
    return mapping(found.get(name, NOTHING), where)


def _numbers(found: object) -> Iterator[tuple[str, float]]:
    if isinstance(found, Mapping):
        for name, value in found.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield str(name), float(value)


def flag(found: Untyped, name: object, where: str) -> bool:
    """Return what is true or false; anything else raises `StatisticsError`."""
    value = found.get(name)
    if not isinstance(value, bool):
        raise unknown_shape(where, f"true or false as {name}", value if name in found else found)
    return value


def mapping(value: object, where: str) -> Untyped:
    """Return what is a mapping; anything else raises `StatisticsError`."""
    if not isinstance(value, Mapping):
        raise unknown_shape(where, "a mapping", value)
    return value


def unknown_shape(where: str, wanted: str, found: object) -> StatisticsError:
    """Return the error for something of another shape than expected."""
    return StatisticsError(f"cp_verify statistics of {where}: expected {wanted}, found {shown(found)}")


def shown(value: object) -> str:
    """Return what was found, shortened."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
