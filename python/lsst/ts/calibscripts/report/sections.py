"""Evidence -> the tables of a page. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..verification.limits import limit_of
from .reading.evidence import Grid, Outcome, Verification

__all__ = [
    "Cell",
    "Matrix",
    "Table",
    "detector_rows",
    "failure_table",
    "matrices",
    "number",
    "short_ids",
]

_SEQUENCE_DIGITS = 5
"""Digits of an exposure id behind its date."""

MOST_FAILURES = 2000
"""Failed tests that are listed one by one; the matrices hold all."""

_VALUE_OF_TEST = {"READ_NOISE_CONSISTENT": "READ_NOISE_ADU"}
_UNITS = {"READ_NOISE_ADU": "ADU"}
_STYLES = {Outcome.FAILED: "failed", Outcome.PASSED: "passed", Outcome.NOTED: "noted", Outcome.NONE: "none"}
_MARKS = {Outcome.FAILED: "✗", Outcome.PASSED: "✓", Outcome.NOTED: "△", Outcome.NONE: "–"}


@dataclass(frozen=True)
class Cell:
    """A test of an amplifier in an exposure: what is written, and a class of the style sheet."""

    text: str
    style: str


@dataclass(frozen=True)
class Matrix:
    """One test of one detector: exposures in rows, amplifiers (or detectors) in columns."""

    #: Name of the test, and the unit of the values; empty where it has none.
    test: str
    unit: str
    columns: tuple[str, ...]  #: Heads of the columns.
    rows: tuple[tuple[int, tuple[Cell, ...]], ...]  #: Exposure and cells.
    #: Tests that failed, and tests that were made.
    failed: int
    total: int
    limit: str = ""  #: What the test asks for; empty where that is unknown.


@dataclass(frozen=True)
class Table:
    """A table that can be sorted and filtered."""

    heads: tuple[str, ...]  #: Heads of the columns.
    numeric: tuple[bool, ...]  #: Which columns hold numbers.
    rows: tuple[tuple[tuple[str, ...], bool], ...]  #: Cells as text, and whether the row holds a failed test.
    left_out: int = 0  #: Rows that are not there, since they are too many.


def statistic_of(test: str) -> str:
    """Return the statistic that a test is made on; mostly they have the same name."""
    return _VALUE_OF_TEST.get(test, test)


def unit_of(statistic: str) -> str:
    """Return the unit of a statistic."""
    return _UNITS.get(statistic, "electron")


def number(value: float) -> str:
    """Write a value with four digits, and without an exponent; nothing where it is none."""
    if not math.isfinite(value):
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def short_ids(exposures: Sequence[int]) -> tuple[str, tuple[str, ...]]:
    """Split exposure ids into what all of them begin with and what distinguishes them.

    Parameters
    ----------
    exposures : sequence of `int`
        Exposure ids.

    Returns
    -------
    common : `str`
        Date of all exposures, ``YYYYMMDD``; empty where there are several dates or few digits.
    ends : `tuple` [`str`, ...]
        The rest of each id, five digits; else the whole ids.
    """
    ids = [str(exposure) for exposure in exposures]
    dates = {text[:-_SEQUENCE_DIGITS] for text in ids}
    (common,) = dates if len(dates) == 1 else ("",)
    return (common, tuple(text[len(common) :] for text in ids)) if common else ("", tuple(ids))


def decimals(values: NDArray[np.float32]) -> int:
    """Return the digits behind the point with which values are written beneath each other, four in all."""
    good = np.abs(values[np.isfinite(values)])
    largest = float(good.max()) if good.size else 0.0
    return max(0, 3 - math.floor(math.log10(largest))) if 0 < largest < 1e4 else 0


def matrices(product: str, grid: Grid, detector: int) -> Iterator[Matrix]:
    """Return the tests of a detector, those that failed first.

    Parameters
    ----------
    product : `str`
        BIAS, DARK or FLAT.
    grid : `Grid`
        Statistics of a verification.
    detector : `int`
        Position of the detector in the grid.
    """
    found = [_matrix(grid, test, detector) for test in grid.outcomes]
    found += [_detector_matrix(grid, test, detector) for test in grid.detector_outcomes]
    limited = (replace(matrix, limit=limit_of(product, matrix.test)) for matrix in found)
    yield from sorted(limited, key=lambda matrix: matrix.failed == 0)


def _matrix(grid: Grid, test: str, detector: int) -> Matrix:
    statistic = statistic_of(test)
    outcomes = grid.outcomes[test][:, detector, :]
    values = grid.values[statistic][:, detector, :] if statistic in grid.values else None
    return _of_arrays(test, statistic, grid.amplifiers, grid.exposures, outcomes, values)


def _detector_matrix(grid: Grid, test: str, detector: int) -> Matrix:
    outcomes = grid.detector_outcomes[test][:, detector, np.newaxis]
    values = grid.detector_values[test][:, detector, np.newaxis] if test in grid.detector_values else None
    return _of_arrays(test, test, (grid.detectors[detector],), grid.exposures, outcomes, values)


def _of_arrays(
    test: str,
    statistic: str,
    columns: Sequence[str],
    exposures: Sequence[int],
    outcomes: NDArray[np.int8],
    values: NDArray[np.float32] | None,
) -> Matrix:
    digits = 0 if values is None else decimals(values)
    rows = tuple(
        (
            exposure,
            tuple(
                _cell(
                    Outcome(int(outcome)), math.nan if values is None else float(values[row, column]), digits
                )
                for column, outcome in enumerate(outcomes[row])
            ),
        )
        for row, exposure in enumerate(exposures)
    )
    unit = "" if values is None else unit_of(statistic)
    failed = int(np.count_nonzero(outcomes == Outcome.FAILED))
    return Matrix(test, unit, tuple(columns), rows, failed, int(np.count_nonzero(outcomes != Outcome.NONE)))


def _cell(outcome: Outcome, value: float, digits: int) -> Cell:
    text = f"{value:.{digits}f}" if math.isfinite(value) else ""
    mark = _MARKS[outcome]
    # Colour alone would say nothing to many readers.
    if outcome in (Outcome.FAILED, Outcome.NOTED):
        text = f"{mark} {text}".strip()
    return Cell(text or mark, _STYLES[outcome])


def detector_rows(grid: Grid) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return the detectors with failed tests, and how many failed in each exposure.

    Parameters
    ----------
    grid : `Grid`
        Statistics of a verification.

    Returns
    -------
    `tuple` [(`str`, `tuple` [`int`, ...])]
        Detector and numbers, the worst first; none where nothing failed.
    """
    failed = grid.failed_tests()
    for outcomes in grid.detector_outcomes.values():
        failed = failed + (outcomes == Outcome.FAILED)
    order = np.argsort(-failed.sum(axis=0), kind="stable")
    return tuple(
        (grid.detectors[column], tuple(int(n) for n in failed[:, column]))
        for column in order
        if failed[:, column].any()
    )


def failure_table(verifications: Sequence[Verification]) -> Table:
    """List every failed test.

    Parameters
    ----------
    verifications : sequence of `Verification`
        All of a run.
    """
    heads = ("Product", "Exposure", "Detector", "Amplifier", "Test", "Value")
    rows = [row for verification in verifications for row in _failures(verification)]
    return Table(
        heads,
        (False, True, False, False, False, True),
        tuple((row, True) for row in rows[:MOST_FAILURES]),
        max(0, len(rows) - MOST_FAILURES),
    )


def _failures(verification: Verification) -> Iterator[tuple[str, ...]]:
    grid = verification.grid
    for failure in verification.verdict.failures:
        value = (
            ""
            if grid is None
            else number(_value(grid, failure.exposure, failure.detector, failure.amplifier, failure.test))
        )
        yield (
            verification.product,
            "" if verification.verdict.thresholds.by_detector else str(failure.exposure),
            failure.detector or "",
            failure.amplifier or "",
            failure.test,
            value,
        )


def _value(grid: Grid, exposure: int, detector: str | None, amplifier: str | None, test: str) -> float:
    """Return the value of a statistic, NaN where there is none."""
    statistic = statistic_of(test)
    try:
        row = grid.exposures.index(exposure)
        column = grid.detectors.index(str(detector))
        if amplifier is None:
            return float(grid.detector_values[statistic][row, column])
        return float(grid.values[statistic][row, column, grid.amplifiers.index(amplifier)])
    except (KeyError, ValueError):
        return math.nan
