"""What the jobs of a run left in the butler, as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...verification import Verdict
from ...verification.shapes import Outcome
from .exposed import Exposed, Levels

__all__ = [
    "Change",
    "Curve",
    "Defects",
    "Evidence",
    "Grid",
    "Image",
    "Levels",
    "Nominal",
    "Outcome",
    "PairGain",
    "Verification",
]


_MEDIAN_TO_MEAN = 1.2533
"""Error of a median over that of a mean, of normal deviates."""


@dataclass(frozen=True, eq=False)
class Grid:
    """All statistics and tests of one verification."""

    exposures: tuple[int, ...]  #: Exposures, ascending.
    detectors: tuple[str, ...]  #: Full names of the detectors, in the order of their ids.
    amplifiers: tuple[str, ...]  #: Names of the amplifiers of a detector.
    #: Statistics of amplifiers, float32 of shape ``(n_exposures, n_detectors, n_amplifiers)``, in electrons
    #: (READ_NOISE_ADU in ADU); NaN where there is none.
    values: Mapping[str, NDArray[np.float32]]
    outcomes: Mapping[str, NDArray[np.int8]]  #: Tests of amplifiers, `Outcome` as int8 of the same shape.
    #: The same for detectors as a whole, of shape ``(n_exposures, n_detectors)``.
    detector_values: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    detector_outcomes: Mapping[str, NDArray[np.int8]] = field(default_factory=dict)

    def failed_tests(self) -> NDArray[np.int64]:
        """Return the number of failed tests of amplifiers, shape ``(n_exposures, n_detectors)``."""
        total = np.zeros((len(self.exposures), len(self.detectors)), dtype=np.int64)
        for outcomes in self.outcomes.values():
            total += np.count_nonzero(outcomes == Outcome.FAILED, axis=2)
        return total

    def failed_by_amplifier(self) -> NDArray[np.int64]:
        """Return the number of failed tests of amplifiers, shape ``(n_detectors, n_amplifiers)``."""
        total = np.zeros((len(self.detectors), len(self.amplifiers)), dtype=np.int64)
        for outcomes in self.outcomes.values():
            total += np.count_nonzero(outcomes == Outcome.FAILED, axis=0)
        return total

    def keyed(self, values: NDArray[Any]) -> dict[tuple[str, str], float]:
        """Return values of shape ``(n_detectors, n_amplifiers)`` by detector and amplifier."""
        return dict(zip(product(self.detectors, self.amplifiers), map(float, values.flat), strict=True))

    def typical(self, statistic: str) -> NDArray[np.float32]:
        """Return the median over the exposures of a statistic, shape ``(n_detectors, n_amplifiers)``."""
        return median(self.values[statistic])


def median(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median along the first axis of what is finite; NaN where nothing is.

    Parameters
    ----------
    values : array
        Of any shape, with at least one axis.
    """
    ordered = np.sort(np.where(np.isfinite(values), values, np.nan), axis=0)
    n = np.count_nonzero(np.isfinite(ordered), axis=0)
    low, high = np.maximum(n - 1, 0) // 2, np.minimum(n // 2, np.maximum(n - 1, 0))
    middle = [np.take_along_axis(ordered, index[np.newaxis], axis=0)[0] for index in (low, high)]
    result: NDArray[np.float32] = (middle[0] + middle[1]) / np.float32(2)
    return result


@dataclass(frozen=True)
class Verification:
    """A verification: what was decided and on which grounds."""

    product: str  #: BIAS, DARK or FLAT.
    run: str  #: RUN with the statistics.
    verdict: Verdict  #: As judged by the rule of the scripts.
    grid: Grid | None = None  #: The statistics of the detectors; None where there are none.
    internal: bool = False  #: Was it made with a calibration of the same run?


@dataclass(frozen=True, eq=False)
class Curve:
    """The photon transfer curve of one amplifier."""

    #: Whose.
    detector: str
    amplifier: str
    means: NDArray[np.float64]  #: Mean level of each pair of flats, ADU.
    #: Variance of one frame, measured and as the fit has it, ADU².
    variances: NDArray[np.float64]
    fitted: NDArray[np.float64]
    used: NDArray[np.bool_]  #: False where a pair was left out of the fit.
    #: electron/ADU.
    gain: float
    gain_error: float
    noise: float  #: Read noise, electron.
    turnoff: float  #: Highest mean level before the variance breaks down, ADU.


@dataclass(frozen=True)
class PairGain:
    """Gains of the amplifiers of a detector from one pair of flats, electron/ADU, and their read noise."""

    detector: str
    exposures: tuple[int, ...]
    gain: Mapping[str, float]
    noise: Mapping[str, float]
    noise_unit: str


@dataclass(frozen=True)
class Defects:
    """Boxes of defects of a detector."""

    detector: str  #: Full name.
    #: First column and row, width and height of each box, pixels of the assembled image.
    places: tuple[tuple[int, int, int, int], ...] = field(repr=False)

    @property
    def boxes(self) -> int:
        """How many boxes."""
        return len(self.places)

    @property
    def pixels(self) -> int:
        """How many pixels the boxes cover."""
        return sum(width * height for _, _, width, height in self.places)


@dataclass(frozen=True, eq=False)
class Image:
    """An image of one detector, binned so that it is small."""

    title: str  #: What it shows, e.g. ``combined bias``.
    detector: str  #: Full name.
    pixels: NDArray[np.float32]  #: float32, row 0 at the bottom; NaN where pixels are masked.
    unit: str  #: Of the pixels.
    median: float  #: Of the pixels before they were binned.
    exposure: int | None = None  #: None for a combined image.
    binned: int = 1  #: Pixels of the detector that make one pixel here, along each side.


@dataclass(frozen=True, eq=False)
class Change:
    """How a new combined image of a detector differs from the one before it."""

    product: str  #: BIAS, DARK or FLAT.
    image: Image  #: The difference over the noise of both, binned.
    #: Pixels by their difference; those beyond the last edge are in the last place.
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Nominal:
    """Nominal values by detector and amplifier."""

    gains: Mapping[tuple[str, str], float] = field(default_factory=dict)  #: Electron/ADU.
    noises: Mapping[tuple[str, str], float] = field(default_factory=dict)  #: Read noise, electron.


@dataclass(frozen=True)
class Evidence:
    """Everything the butler has of a run."""

    verifications: tuple[Verification, ...] = ()  #: In the order of the products.
    curves: tuple[Curve, ...] = ()  #: Of a PTC.
    gains: tuple[PairGain, ...] = ()  #: Of pairs of flats.
    nominal: Nominal = Nominal()  #: As the headers of the images say.
    #: Time and filter of the exposures that were verified, or that gains are measured from.
    exposures: Mapping[int, Exposed] = field(default_factory=dict)
    levels: tuple[Levels, ...] = ()  #: Of the flats.
    defects: tuple[Defects, ...] = ()  #: Of each detector.
    images: tuple[Image, ...] = ()  #: Combined images and residuals.
    changes: tuple[Change, ...] = ()  #: Combined images beside those before them.
    problems: tuple[str, ...] = ()  #: What could not be read, one sentence each.

    def verification(self, product: str) -> Verification | None:
        """Return the verification of a product, None where there was none."""
        return next((v for v in self.verifications if v.product == product), None)

    def amplifier_gains(self) -> dict[tuple[str, str], float]:
        """Return the gain of every amplifier, of the curve where there is one, else the median over the pairs."""
        if self.curves:
            return {(curve.detector, curve.amplifier): curve.gain for curve in self.curves}
        return {key: float(np.median(values)) for key, values in self._pair_gains().items()}

    def gain_errors(self) -> dict[tuple[str, str], float]:
        """Return the errors of `amplifier_gains`, of the curve's fit, else from the scatter of the pairs.

        A gain of a single pair has none.
        """
        if self.curves:
            return {(c.detector, c.amplifier): c.gain_error for c in self.curves if np.isfinite(c.gain_error)}
        return {
            key: _MEDIAN_TO_MEAN * float(np.std(values, ddof=1)) / len(values) ** 0.5
            for key, values in self._pair_gains().items()
            if len(values) > 1
        }

    def _pair_gains(self) -> dict[tuple[str, str], list[float]]:
        found: dict[tuple[str, str], list[float]] = {}
        for pair in self.gains:
            for amplifier, gain in pair.gain.items():
                if np.isfinite(gain):
                    found.setdefault((pair.detector, amplifier), []).append(gain)
        return found
