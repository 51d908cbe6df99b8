"""What the amplifiers have in common over the exposures of a verification. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .reading.evidence import Evidence, Grid, median
from .sections import Table, number

__all__ = ["amplifier_table", "photon_noise", "rates", "relative_noise"]


def relative_noise(grid: Grid, nominal: Mapping[tuple[str, str], float]) -> NDArray[np.float64]:
    """Return the median noise of each amplifier over its nominal read noise, NaN where that is unknown."""
    known = np.array([[nominal.get((d, a), np.nan) for a in grid.amplifiers] for d in grid.detectors])
    with np.errstate(divide="ignore", invalid="ignore"):
        relative: NDArray[np.float64] = grid.typical("NOISE") / known
    return relative


def photon_noise(grid: Grid) -> NDArray[np.float64] | None:
    """Return the median over the flats of NOISE over the square root of MEAN; None without either."""
    if not {"NOISE", "MEAN"} <= grid.values.keys():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = grid.values["NOISE"] / np.sqrt(grid.values["MEAN"])
    return median(ratios.astype(np.float32)).astype(float)


def rates(evidence: Evidence, grid: Grid) -> NDArray[np.float64] | None:
    """Return the median over the flats of level by exposure time, electron/s; None where no time is known."""
    seconds = np.array(
        [evidence.exposures[e].seconds if e in evidence.exposures else np.nan for e in grid.exposures]
    )
    if "MEAN" not in grid.values or not (seconds > 0).any():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        found = grid.values["MEAN"] / seconds[:, np.newaxis, np.newaxis].astype(np.float32)
    return median(found.astype(np.float32)).astype(float)


def amplifier_table(evidence: Evidence) -> Table:
    """Return one row for each amplifier: failed tests and typical values of every verification, and its gain."""
    gains, nominal = evidence.amplifier_gains(), evidence.nominal.gains
    turnoffs = {(curve.detector, curve.amplifier): curve.turnoff for curve in evidence.curves}
    columns: list[tuple[str, Mapping[tuple[str, str], float]]] = []
    failed: dict[tuple[str, str], float] = {}
    for verification in evidence.verifications:
        if verification.grid is None:
            continue
        name, grid = verification.product, verification.grid
        counts = grid.keyed(grid.failed_by_amplifier())
        columns.append((f"{name} failed tests", counts))
        for key, n in counts.items():
            failed[key] = failed.get(key, 0.0) + n
        columns += [(head, grid.keyed(values)) for head, values in _typical(evidence, name, grid)]
    if gains:
        columns.append(("gain [electron/ADU]", gains))
        columns.append(("error of the gain", evidence.gain_errors()))
        columns.append(("gain / nominal", {k: g / nominal[k] for k, g in gains.items() if nominal.get(k)}))
    if turnoffs:
        columns.append(("turnoff [ADU]", turnoffs))
    keys = list(dict.fromkeys(key for _, values in columns for key in values))
    rows = tuple(
        ((*key, *(number(values.get(key, math.nan)) for _, values in columns)), failed.get(key, 0.0) > 0)
        for key in keys
    )
    heads = ("Detector", "Amplifier", *(head for head, _ in columns))
    return Table(heads, (False, False, *(True for _ in columns)), rows)


def _typical(evidence: Evidence, product: str, grid: Grid) -> Iterator[tuple[str, NDArray[Any]]]:
    """Return medians over the exposures; of flats what those of different exposure times have in common."""
    if product != "FLAT":
        for statistic in ("MEAN", "NOISE"):
            if statistic in grid.values:
                yield f"{product} {statistic} [electron]", grid.typical(statistic)
        return
    level, noise = rates(evidence, grid), photon_noise(grid)
    if level is not None:
        yield "FLAT level [electron/s]", level
    if noise is not None:
        yield "FLAT NOISE / photon noise", noise
