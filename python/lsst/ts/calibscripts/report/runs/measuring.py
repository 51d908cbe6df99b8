"""The evidence of a run -> the numbers that are followed over time. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ...ground.text import counted
from ..reading.evidence import Evidence, Grid, Verification
from ..reading.exposed import filters_of, times_of
from ..trends import DARK_CURRENT, DARK_RESIDUAL, DEFECTS, FLAT_LEVEL, GAIN, READ_NOISE, Measured

__all__ = ["measure"]


def measure(evidence: Evidence) -> tuple[Measured, ...]:
    """Extract from the evidence of a run the numbers that are followed over time.

    Parameters
    ----------
    evidence : `Evidence`
        What the run left in the butler. Without images there is no dark current.

    Returns
    -------
    `tuple` [`Measured`]
        Read noise from the verification of biases, residual level from that of darks, dark current from the
        combined dark (by detector), gain from the photon transfer curve or else from the flat pairs, level of the
        flats in each filter, by exposure time, pixels with defects. Those that were not measured are not there.
    """
    return tuple(measured for measured in _measure(evidence) if measured.values)


def _measure(evidence: Evidence) -> Iterator[Measured]:
    for product, statistic, quantity in (("BIAS", "NOISE", READ_NOISE), ("DARK", "MEAN", DARK_RESIDUAL)):
        verification = evidence.verification(product)
        if verification is not None and verification.grid is not None:
            yield Measured(
                quantity.name,
                _frames(evidence, verification, verification.grid),
                _by_amplifier(verification.grid, statistic),
            )
    darks = {image.detector: image.median for image in evidence.images if image.title == "combined dark"}
    yield Measured(DARK_CURRENT.name, _times(evidence, "DARK"), _finite(darks))
    yield _gain(evidence)
    yield from _flat_levels(evidence)
    filters = ", ".join(sorted({level.physical_filter for level in evidence.levels} - {""}))
    defects = {defects.detector: float(defects.pixels) for defects in evidence.defects}
    yield Measured(DEFECTS.name, filters, defects)


def _frames(evidence: Evidence, verification: Verification, grid: Grid) -> str:
    """Report which frames were verified against what."""
    name = verification.product.lower()
    # Frames verified against their own mean are low by sqrt(1 - 1/n): not to be compared with others.
    reference = (
        f"own {name} of {counted(len(grid.exposures), 'frame')}"
        if verification.internal
        else f"existing {name}"
    )
    times = _times(evidence, verification.product) if verification.product == "DARK" else ""
    return _joined(f"against {reference}", times)


def _times(evidence: Evidence, product: str) -> str:
    verification = evidence.verification(product)
    grid = None if verification is None else verification.grid
    return "" if grid is None else times_of(grid.exposures, evidence.exposures)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _gain(evidence: Evidence) -> Measured:
    """Return the gains, with the filter, times and level of the flats that they are from: all of them change it."""
    exposures = {exposure for pair in evidence.gains for exposure in pair.exposures}
    source = "photon transfer curve" if evidence.curves else "flat pairs"
    known = evidence.exposures
    levels = [level.level for level in evidence.levels if level.exposure in exposures and level.level > 0]
    gains = {" ".join(key): gain for key, gain in evidence.amplifier_gains().items()}
    return Measured(
        GAIN.name,
        _joined(source, filters_of(exposures, known), times_of(exposures, known)),
        _finite(gains),
        statistics.median(levels) if levels else None,
    )


def _flat_levels(evidence: Evidence) -> Iterator[Measured]:
    flats = evidence.verification("FLAT")
    if flats is None or flats.grid is None or "MEAN" not in flats.grid.values:
        return
    grid = flats.grid
    known = {level.exposure: level for level in evidence.levels}
    for name in dict.fromkeys(level.physical_filter for level in evidence.levels):
        rows = [
            grid.values["MEAN"][row] / np.float32(known[exposure].seconds)
            for row, exposure in enumerate(grid.exposures)
            if exposure in known and known[exposure].physical_filter == name and known[exposure].seconds > 0
        ]
        if rows:
            typical: NDArray[np.float32] = np.median(np.stack(rows), axis=0)
            times = times_of(
                (e for e, level in known.items() if level.physical_filter == name), evidence.exposures
            )
            yield Measured(FLAT_LEVEL.name, _joined(name, times), _named(grid, typical))


def _by_amplifier(grid: Grid, statistic: str) -> dict[str, float]:
    return _named(grid, grid.typical(statistic)) if statistic in grid.values else {}


def _named(grid: Grid, values: NDArray[np.float32]) -> dict[str, float]:
    return _finite({" ".join(key): value for key, value in grid.keyed(values).items()})


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if math.isfinite(value)}
