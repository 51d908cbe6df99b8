"""Statistics of many detectors in a form that a page can hold. Pure."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .evidence import Grid, Verification
from .limits import limit_of
from .sections import decimals, statistic_of, unit_of

__all__ = ["packed"]


def packed(verification: Verification) -> dict[str, Any]:
    """Return all tests of a verification in a form that a page with many detectors can hold.

    Parameters
    ----------
    verification : `Verification`
        With a grid.

    Returns
    -------
    `dict`
        For JSON: names, and for each test the outcomes (four in a byte, plus one) and the values (16 bits,
        between ``low`` and ``high``, 65535 for none) in base64.
    """
    grid = verification.grid
    assert grid is not None
    return {
        "product": verification.product,
        "exposures": list(grid.exposures),
        "detectors": list(grid.detectors),
        "amplifiers": list(grid.amplifiers),
        "tests": [
            _packed_test(grid, test) | {"limit": limit_of(verification.product, test)}
            for test in grid.outcomes
        ],
    }


def _packed_test(grid: Grid, test: str) -> dict[str, Any]:
    statistic = statistic_of(test)
    flat = (grid.outcomes[test].ravel() + 1).astype(np.uint8)
    padded = np.concatenate([flat, np.zeros(-len(flat) % 4, dtype=np.uint8)]).reshape(-1, 4)
    outcomes = padded[:, 0] | padded[:, 1] << 2 | padded[:, 2] << 4 | padded[:, 3] << 6
    test_data: dict[str, Any] = {"name": test, "unit": "", "outcomes": _base64(outcomes.astype(np.uint8))}
    if statistic in grid.values:
        values = grid.values[statistic].ravel().astype(np.float64)
        good = np.isfinite(values)
        low, high = (float(values[good].min()), float(values[good].max())) if good.any() else (0.0, 1.0)
        steps = np.round((np.where(good, values, low) - low) / ((high - low) or 1.0) * 65534)
        steps[~good] = 65535
        test_data |= {
            "unit": unit_of(statistic),
            "low": low,
            "high": high,
            "decimals": decimals(grid.values[statistic]),
            "values": _base64(steps.astype("<u2")),
        }
    return test_data


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
