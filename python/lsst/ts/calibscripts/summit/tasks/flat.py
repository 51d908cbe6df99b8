"""Tasks that bring the flats of several detectors to one scale."""
# ruff: noqa: N815 - names of connections are those of cp_pipe
# pex_config has no type information:
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from astropy.nddata import CCDData
from lsst.daf.butler import DeferredDatasetHandle
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output

from .config import NoLogDataset
from .statistics import measure_amplifiers

__all__ = ["FlatMeasureTask", "FlatNormalizeTask", "Scales", "solve_scales"]

Scales: TypeAlias = dict[int, dict[int, float]]
"""Detector to exposure to the level that the flat is divided by, in electrons."""


def solve_scales(levels: Sequence[tuple[int, int, float]]) -> Scales:
    """Take the measured levels apart into response of the detector times light of the exposure.

    The logarithms are fitted by least squares, so a detector that misses an exposure does not disturb the others.

    Parameters
    ----------
    levels
        Detector, exposure id and mean level in electrons (positive) of each flat.

    Returns
    -------
    scales
        Light of the exposure for each of its flats, such that the responses of the detectors average to 1.
    """
    detectors = sorted({detector for detector, _, _ in levels})
    exposures = sorted({exposure for _, exposure, _ in levels})
    matrix = np.zeros((len(levels), len(detectors) + len(exposures)))
    for row, (detector, exposure, _) in enumerate(levels):
        matrix[row, detectors.index(detector)] = 1.0
        matrix[row, len(detectors) + exposures.index(exposure)] = 1.0
    solution = np.linalg.lstsq(matrix, np.log([level for _, _, level in levels]), rcond=None)[0]
    response, light = np.exp(solution[: len(detectors)]), np.exp(solution[len(detectors) :])
    light *= response.mean()
    scales: Scales = {detector: {} for detector in detectors}
    for detector, exposure, _ in levels:
        scales[detector][exposure] = float(light[exposures.index(exposure)])
    return scales


class FlatMeasureConnections(PipelineTaskConnections, dimensions=("instrument", "exposure", "detector")):
    """A processed flat and its level."""

    inputExp = Input(
        name="cpFlatProc",
        doc="Processed flat.",
        storageClass="CalibImage",
        dimensions=("instrument", "exposure", "detector"),
    )
    outputStats = Output(
        name="cpFlatStatistics",
        doc="Level of the detector and its amplifiers in electrons.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "exposure", "detector"),
    )


class FlatMeasureConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=FlatMeasureConnections):
    """Nothing to choose."""


class FlatMeasureTask(PipelineTask):
    """Measure the level of a flat."""

    ConfigClass = FlatMeasureConfig
    _DefaultName = "flatMeasure"

    def run(self, *, inputExp: CCDData) -> Struct:  # noqa: N803
        """Measure.

        Parameters
        ----------
        inputExp
            Processed flat in electrons.

        Returns
        -------
        result
            ``outputStats``: the mean level under DETECTOR, those of the amplifiers under AMP.
        """
        levels = {name: values["MEAN"] for name, values in measure_amplifiers(inputExp).items()}
        mean = float(np.mean(list(levels.values())))
        return Struct(outputStats={"DETECTOR": mean, "AMP": levels})


class FlatNormalizeConnections(PipelineTaskConnections, dimensions=("instrument", "physical_filter")):
    """The levels of all flats through a filter, and their scales."""

    inputMDs = Input(
        name="cpFlatStatistics",
        doc="Levels of the flats.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        deferLoad=True,
    )
    outputScales = Output(
        name="cpFlatNormalizeScales",
        doc="What each flat is divided by, by detector and exposure.",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "physical_filter"),
    )


class FlatNormalizeConfig(NoLogDataset, PipelineTaskConfig, pipelineConnections=FlatNormalizeConnections):
    """Nothing to choose."""


class FlatNormalizeTask(PipelineTask):
    """Find the scale of each flat, see `solve_scales`."""

    ConfigClass = FlatNormalizeConfig
    _DefaultName = "flatNormalize"

    def run(self, *, inputMDs: Sequence[DeferredDatasetHandle]) -> Struct:  # noqa: N803
        """Solve for the scales.

        Parameters
        ----------
        inputMDs
            Handles of the levels of each flat, as `FlatMeasureTask` writes them.

        Returns
        -------
        result
            ``outputScales``.

        Raises
        ------
        ValueError
            If a flat has no light.
        """
        levels = [
            (int(handle.dataId["detector"]), int(handle.dataId["exposure"]), handle.get()["DETECTOR"])
            for handle in inputMDs
        ]
        for detector, exposure, level in levels:
            if not level > 0:
                raise ValueError(
                    f"flat {exposure} of detector {detector} has no light: mean {level:g} electrons"
                )
        return Struct(outputScales=solve_scales(levels))
