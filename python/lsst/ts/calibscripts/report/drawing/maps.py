"""Evidence -> maps of the amplifiers of a camera with several detectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..amplifiers import photon_noise, rates, relative_noise
from ..reading.evidence import Evidence, Grid, Outcome, Verification
from ..sections import number
from .focal_planes import focal_plane, named
from .pictures import amplifier_map, symmetric

__all__ = ["Map", "maps_of"]

_AROUND_ZERO = "coolwarm"
_COUNTS = "Reds"


@dataclass(frozen=True)
class Map:
    """A map of the amplifiers."""

    #: What it shows; the unit may be empty.
    title: str
    unit: str
    drawing: str  #: Inline SVG.
    #: Values of the first and the last colour.
    low: str
    high: str
    colours: str  #: Name of the colour map, which the style sheet knows too.
    note: str = ""  #: How the detectors are laid out where they are not at their places.


@dataclass(frozen=True)
class _Shown:
    title: str
    unit: str
    values: NDArray[np.float64]
    colours: str = "viridis"


def maps_of(evidence: Evidence, verification: Verification) -> Iterator[Map]:
    """Draw maps of failed tests and of typical values; none for a single detector.

    Parameters
    ----------
    evidence : `Evidence`
        Nominal read noises and exposure times.
    verification : `Verification`
        Of one type of images.
    """
    grid = verification.grid
    if grid is None or len(grid.detectors) < 2:
        return
    failing = _failing(grid, verification.verdict.thresholds.tests_per_detector)
    for shown in _shown(evidence, verification.product, grid):
        limits = _limits(shown)
        uri, low, high = amplifier_map(grid, shown.values, shown.colours, limits)
        title = f"{verification.product}: {shown.title}"
        cells = {
            name: (
                f"{name}: {_range(shown.values[row])} {shown.unit}".strip(),
                "failed" if failing[row] else "",
            )
            for row, name in enumerate(grid.detectors)
        }
        note = named(grid.detectors)
        drawing = focal_plane(cells, uri, title)
        yield Map(title, shown.unit, drawing, f"{low:.4g}", f"{high:.4g}", shown.colours, note)


def _limits(shown: _Shown) -> tuple[float, float] | None:
    if shown.colours == _AROUND_ZERO:
        return symmetric(shown.values)
    return (0.0, float(shown.values.max())) if shown.colours == _COUNTS else None


def _failing(grid: Grid, threshold: int) -> NDArray[np.bool_]:
    """Return which detectors reach the threshold of failed tests of one type in any exposure."""
    failing = np.zeros(len(grid.detectors), dtype=bool)
    for outcomes in grid.outcomes.values():
        failing |= (np.count_nonzero(outcomes == Outcome.FAILED, axis=2) >= threshold).any(axis=0)
    for outcomes in grid.detector_outcomes.values():
        failing |= (outcomes == Outcome.FAILED).any(axis=0)
    return failing


def _shown(evidence: Evidence, product: str, grid: Grid) -> Iterator[_Shown]:
    failed = grid.failed_by_amplifier()
    if failed.any():
        yield _Shown("failed tests", "", failed.astype(float), _COUNTS)
    if product == "FLAT":
        yield from _of_flats(evidence, grid)
        return
    if "NOISE" in grid.values:
        relative = relative_noise(grid, evidence.nominal.noises)
        if np.isfinite(relative).any():
            yield _Shown("NOISE above the nominal read noise", "%", 100 * (relative - 1), _AROUND_ZERO)
        else:
            yield _Shown("NOISE, median of the exposures", "electron", grid.typical("NOISE").astype(float))
    if "MEAN" in grid.values:
        values = grid.typical("MEAN").astype(float)
        yield _Shown("MEAN, median of the exposures", "electron", values, _AROUND_ZERO)


def _of_flats(evidence: Evidence, grid: Grid) -> Iterator[_Shown]:
    """Show what flats of different exposure times have in common."""
    noise, level = photon_noise(grid), rates(evidence, grid)
    if noise is not None:
        yield _Shown("NOISE above that of the photons, median", "%", 100 * (noise - 1), _AROUND_ZERO)
    if level is not None and np.isfinite(level).any():
        relative = level / np.nanmedian(level)
        yield _Shown("level by exposure time, from the median", "%", 100 * (relative - 1), _AROUND_ZERO)


def _range(values: NDArray[np.float64]) -> str:
    good = values[np.isfinite(values)]
    return f"{number(good.min())} to {number(good.max())}" if good.size else "no value"
