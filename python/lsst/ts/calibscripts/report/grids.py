"""cp_verify's statistics of detectors and exposures -> arrays of tests and values. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import StatisticsError
from .evidence import Grid, Outcome

__all__ = ["make_grid"]

_NOISE_OF_OVERSCAN = "READ_NOISE_ADU"
_Number = TypeVar("_Number", np.float32, np.int8)


def make_grid(
    of_detectors: Mapping[tuple[int, int], Mapping[str, Any]],
    of_exposures: Mapping[int, Mapping[str, Any]],
    names: Mapping[int, str],
) -> Grid:
    """Put the statistics of a verification into arrays.

    Parameters
    ----------
    of_detectors : mapping [(`int`, `int`), mapping]
        ``verify<Type>DetStats`` by exposure and detector.
    of_exposures : mapping [`int`, mapping]
        ``verify<Type>ExpStats`` by exposure.
    names : mapping [`int`, `str`]
        Full names of the detectors.

    Returns
    -------
    `Grid`
        The arrays.

    Raises
    ------
    StatisticsError
        If statistics have an unknown shape.
    """
    exposures = sorted({exposure for exposure, _ in of_detectors} | set(of_exposures))
    detectors = sorted({detector for _, detector in of_detectors})
    amplifiers = tuple(dict.fromkeys(a for s in of_detectors.values() for a in _part(s, "AMP")))
    shape = len(exposures), len(detectors), len(amplifiers)
    rows, columns = (_positions(keys) for keys in (exposures, detectors))
    places = {name: place for place, name in enumerate(amplifiers)}
    values, detector_values = (_Arrays(shape[:n], np.float32(np.nan)) for n in (3, 2))
    outcomes, detector_outcomes, exposure_outcomes = (
        _Arrays(shape[:n], np.int8(Outcome.NONE)) for n in (3, 2, 1)
    )
    for (exposure, detector), statistics in of_detectors.items():
        place = rows[exposure], columns[detector]
        for amplifier, name, value in _amplifier_values(statistics):
            if amplifier in places:
                values[name][(*place, places[amplifier])] = value
        verify = _part(statistics, "VERIFY")
        for amplifier, tests in _part(verify, "AMP").items():
            for name, outcome in _tests(tests):
                outcomes[name][(*place, places[amplifier])] = outcome
        for name, value in _numbers(_part(statistics, "DET")):
            detector_values[name][place] = value
        for name, outcome in _tests(_part(verify, "DET")):
            detector_outcomes[name][place] = outcome
    for exposure, statistics in of_exposures.items():
        for name, outcome in _tests(_part(_part(statistics, "VERIFY"), "EXP")):
            exposure_outcomes[name][rows[exposure]] = outcome
    return Grid(
        exposures=tuple(exposures),
        detectors=tuple(names.get(detector, str(detector)) for detector in detectors),
        amplifiers=amplifiers,
        values=dict(values),
        outcomes=dict(outcomes),
        detector_values=dict(detector_values),
        detector_outcomes=dict(detector_outcomes),
        exposure_outcomes=dict(exposure_outcomes),
    )


class _Arrays(dict[str, NDArray[_Number]]):
    """Arrays by name; a new one holds the same number everywhere."""

    def __init__(self, shape: tuple[int, ...], blank: _Number) -> None:
        super().__init__()
        self._shape = shape
        self._blank: _Number = blank

    def __missing__(self, name: str) -> NDArray[_Number]:
        self[name] = np.full(self._shape, self._blank, dtype=self._blank.dtype)
        return self[name]


def _positions(keys: Sequence[int]) -> dict[int, int]:
    return {key: position for position, key in enumerate(keys)}


def _part(statistics: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(statistics, Mapping):
        raise StatisticsError(
            f"cp_verify statistics: expected a mapping with {name}, found {statistics!r:.80}"
        )
    found = statistics.get(name, {})
    if not isinstance(found, Mapping):
        raise StatisticsError(f"cp_verify statistics: expected a mapping as {name}, found {found!r:.80}")
    return found


def _amplifier_values(statistics: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    for amplifier, found in _part(statistics, "AMP").items():
        for name, value in _numbers(found):
            yield amplifier, name, value
    overscan = _part(_part(statistics, "METADATA"), _NOISE_OF_OVERSCAN)
    for amplifier, value in _numbers(overscan):
        yield amplifier, _NOISE_OF_OVERSCAN, value


def _numbers(found: Any) -> Iterator[tuple[str, float]]:
    if isinstance(found, Mapping):
        for name, value in found.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield str(name), float(value)


def _tests(flags: Any) -> Iterator[tuple[str, Outcome]]:
    """Return tests and outcomes; where the whole succeeded, one that was not fulfilled is only noted."""
    if not isinstance(flags, Mapping):
        raise StatisticsError(f"cp_verify statistics: expected tests, found {flags!r:.80}")
    succeeded = flags.get("SUCCESS") is True
    for name, passed in flags.items():
        if name != "SUCCESS":
            yield name, (Outcome.PASSED if passed else Outcome.NOTED if succeeded else Outcome.FAILED)
