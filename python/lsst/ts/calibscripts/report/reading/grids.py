"""cp_verify's statistics of detectors -> arrays of tests and values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...verification.shapes import Outcome, parse_detector
from .evidence import Grid

__all__ = ["make_grid"]

_Key = TypeVar("_Key", int, str)
_Number = TypeVar("_Number", np.float32, np.int8)


def make_grid(
    of_detectors: Mapping[tuple[int, int], Mapping[str, Any]],
    names: Mapping[int, str],
) -> Grid:
    """Put the statistics of a verification into arrays.

    Parameters
    ----------
    of_detectors : mapping [(`int`, `int`), mapping]
        ``verify<Type>DetStats`` by exposure and detector.
    names : mapping [`int`, `str`]
        Full names of the detectors.

    Raises
    ------
    StatisticsError
        If statistics have an unknown shape.
    """
    parsed = {
        (e, d): parse_detector(found, f"exposure {e}, detector {names.get(d, d)}")
        for (e, d), found in of_detectors.items()
    }
    exposures = sorted({exposure for exposure, _ in parsed})
    detectors = sorted({detector for _, detector in parsed})
    amplifiers = tuple(dict.fromkeys(a for statistics in parsed.values() for a in statistics.amplifiers))
    shape = len(exposures), len(detectors), len(amplifiers)
    rows, columns, places = _positions(exposures), _positions(detectors), _positions(amplifiers)
    values, detector_values = (_Arrays(shape[:n], np.float32(np.nan)) for n in (3, 2))
    outcomes, detector_outcomes = (_Arrays(shape[:n], np.int8(Outcome.NONE)) for n in (3, 2))
    for (exposure, detector), statistics in parsed.items():
        place = rows[exposure], columns[detector]
        for amplifier, part in statistics.amplifiers.items():
            values.put((*place, places[amplifier]), part.values)
            outcomes.put((*place, places[amplifier]), part.outcomes)
        detector_values.put(place, statistics.whole.values)
        detector_outcomes.put(place, statistics.whole.outcomes)
    named = tuple(names.get(detector, str(detector)) for detector in detectors)
    return Grid(
        tuple(exposures),
        named,
        amplifiers,
        dict(values),
        dict(outcomes),
        dict(detector_values),
        dict(detector_outcomes),
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

    def put(self, place: tuple[int, ...], numbers: Mapping[str, float]) -> None:
        """Put numbers into the arrays of their names."""
        for name, number in numbers.items():
            self[name][place] = number


def _positions(keys: Sequence[_Key]) -> dict[_Key, int]:
    return {key: position for position, key in enumerate(keys)}
