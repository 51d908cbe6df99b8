"""How far the values of failed tests are from their limits, in a line for each test. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .evidence import Grid, Outcome, Verification
from .limits import limit_of
from .sections import number, statistic_of, unit_of

__all__ = ["numbers_told"]


def numbers_told(verification: Verification) -> Iterator[str]:
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
