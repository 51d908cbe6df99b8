"""How far the values of failed tests are from their limits, in a line for each test. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..verification.failing import Measured, Place, failure_patterns
from ..verification.limits import limit_of
from .reading.evidence import Grid, Outcome, Verification
from .sections import number, statistic_of, unit_of

__all__ = ["number_lines", "patterns_of"]


def number_lines(verification: Verification) -> Iterator[str]:
    """Report how often each test failed, with which values, and what it requires.

    Parameters
    ----------
    verification : `Verification`
        With its statistics.

    Yields
    ------
    `str`
        E.g. ``NOISE: 48 of 48 failed, values 5.5 to 5.9 electron (median 5.7); limit: ...``.
    """
    grid = verification.grid
    if grid is None:
        return
    for test, outcomes in (*grid.outcomes.items(), *grid.detector_outcomes.items()):
        failed = outcomes == Outcome.FAILED
        if failed.any():
            n, total = int(np.count_nonzero(failed)), int(np.count_nonzero(outcomes != Outcome.NONE))
            limit = limit_of(verification.product, test)
            values = _values(grid, test, failed)
            yield f"{test}: {n} of {total} failed{values}" + (f"; limit: {limit}" if limit else "") + "."


def _values(grid: Grid, test: str, failed: np.ndarray) -> str:
    statistic = statistic_of(test)
    values = (grid.values if failed.ndim == 3 else grid.detector_values).get(statistic)
    if values is None:
        return ""
    good = values[failed & np.isfinite(values)]
    if not good.size:
        return ""
    return (
        f", values {number(float(good.min()))} to {number(float(good.max()))} {unit_of(statistic)} "
        f"(median {number(float(np.median(good)))})"
    )


def patterns_of(
    verification: Verification, nominal_noises: Mapping[tuple[str, str], float]
) -> tuple[str, ...]:
    """Report for each test type that failed where it did, the worst values, and the limit.

    Parameters
    ----------
    verification : `Verification`
        With its statistics, where there are any.
    nominal_noises : mapping [(`str`, `str`), `float`]
        Nominal read noise by detector and amplifier, electron.

    Returns
    -------
    `tuple` [`str`]
        As the script logs it.
    """
    grid, verdict = verification.grid, verification.verdict
    if grid is None:
        return failure_patterns(verdict)
    rows = {exposure: row for row, exposure in enumerate(grid.exposures)}
    columns = {name: column for column, name in enumerate(grid.detectors)}
    values: dict[Place, Mapping[str, float]] = {}
    for exposure, detector in dict.fromkeys((f.exposure, f.detector) for f in verdict.failures):
        if exposure in rows and detector in columns:
            place = rows[exposure], columns[detector]
            values[exposure, detector, None] = {
                name: float(of[place]) for name, of in grid.detector_values.items()
            }
            for index, amplifier in enumerate(grid.amplifiers):
                found = {name: float(of[(*place, index)]) for name, of in grid.values.items()}
                values[exposure, detector, amplifier] = found
    return failure_patterns(verdict, Measured(values, nominal_noises))
