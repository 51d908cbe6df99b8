"""The report of the gains estimated from flat pairs or from a photon transfer curve."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..ground.text import counted

__all__ = ["PairGains", "gain_report"]

_SIGMA_PER_MAD = 1.4826
_OUTLIER_SIGMA = 5.0
_OUTLIER_FRACTION = 0.01
_COLUMNS = 10
"""Pairs in a row of a table: LOVE shows some hundred characters."""


@dataclass(frozen=True)
class PairGains:
    """Gain and read noise of the amplifiers of one detector, from one flat pair.

    Attributes
    ----------
    exposures : `tuple` [`int`]
        The two exposures of the pair; empty for the fit of a photon transfer curve.
    detector : `str` or `int`
        Name or id.
    gain : mapping [`str`, `float`]
        By amplifier, electron/ADU; nan where it could not be measured.
    noise : mapping [`str`, `float`]
        Read noise by amplifier, in `noise_unit`; nan where it could not be measured.
    noise_unit : `str`
        ADU for a pair (cp_pipe notes down the noise of the overscan, before any gain is applied), electron
        for a fitted photon transfer curve.
    """

    exposures: tuple[int, ...]
    detector: str | int
    gain: Mapping[str, float]
    noise: Mapping[str, float]
    noise_unit: str = "ADU"

    @property
    def label(self) -> str:
        """The pair, as text."""
        return ", ".join(str(exposure) for exposure in self.exposures) or "Photon transfer curve"


@dataclass(frozen=True)
class _Value:
    """One gain, in electron/ADU, and where it is from."""

    source: str
    amplifier: str
    gain: float


def gain_report(pairs: Sequence[PairGains]) -> str:
    """Report gains and read noises per exposure pair, detector and amplifier, after a summary.

    Parameters
    ----------
    pairs : sequence of `PairGains`
        Of the detectors asked for.

    Returns
    -------
    `str`
        The summary, one paragraph per detector, then every value in tables: amplifiers down, pairs across. The
        spread is 1.4826 times the median absolute deviation, which is the standard deviation of normally
        distributed values. An outlier is more than 5 spreads, and more than 1%, from the median of its detector.
    """
    title = "Gains estimated from flats pairs:"
    if not pairs:
        return f"{title} none"
    detectors = list(dict.fromkeys(pair.detector for pair in pairs))
    numbers = {
        exposures: str(number)
        for number, exposures in enumerate(
            dict.fromkeys(pair.exposures for pair in pairs if pair.exposures), 1
        )
    }
    fitted = any(not pair.exposures for pair in pairs)
    lines = [
        f"{title} {counted(len(numbers), 'pair')}, {counted(len(detectors), 'detector')}"
        + (", and the photon transfer curve" if fitted else "")
    ]
    of_detectors = {d: [pair for pair in pairs if pair.detector == d] for d in detectors}
    for detector, found in of_detectors.items():
        lines += _summary(detector, found)
    lines += [f"Pair {number}: {', '.join(map(str, exposures))}" for exposures, number in numbers.items()]
    for detector, found in of_detectors.items():
        lines += _tables(detector, found, numbers)
    return "\n".join(lines)


def _tables(
    detector: str | int, pairs: Sequence[PairGains], numbers: Mapping[tuple[int, ...], str]
) -> Iterator[str]:
    """Write every value of a detector, a table for the gains and one for each unit of the read noise."""
    columns = {numbers.get(pair.exposures, "curve"): pair for pair in pairs}
    gains = {title: {name: f"{g:.4f}" for name, g in pair.gain.items()} for title, pair in columns.items()}
    yield from _table(f"Detector {detector}, gain (electron/ADU)", gains)
    for unit in dict.fromkeys(pair.noise_unit for pair in pairs):
        noises = {
            title: {name: f"{pair.noise.get(name, math.nan):.3f}" for name in pair.gain}
            for title, pair in columns.items()
            if pair.noise_unit == unit
        }
        yield from _table(f"Detector {detector}, read noise ({unit})", noises)


def _table(title: str, columns: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Write a table with amplifiers down and pairs across, in as many blocks as there are tens of pairs."""
    yield f"{title}:"
    names = list(dict.fromkeys(name for values in columns.values() for name in values))
    for start in range(0, len(columns), _COLUMNS):
        block = list(columns.items())[start : start + _COLUMNS]
        cells = {heading: [heading, *(values.get(name, "-") for name in names)] for heading, values in block}
        widths = {heading: max(map(len, column)) for heading, column in cells.items()}
        first = ["pair", *names]
        for row, name in enumerate(first):
            numbers = "  ".join(cells[heading][row].rjust(width) for heading, width in widths.items())
            yield f"    {name.ljust(max(map(len, first)))}  {numbers}"


def _summary(detector: str | int, pairs: Sequence[PairGains]) -> Iterator[str]:
    values = [_Value(pair.label, name, gain) for pair in pairs for name, gain in pair.gain.items()]
    measured = [value for value in values if math.isfinite(value.gain)]
    if not measured:
        yield f"    Detector {detector}: none of {counted(len(values), 'gain')} could be measured"
        return
    median, spread = _median_and_spread([value.gain for value in measured])
    yield (
        f"    Detector {detector}: gain median {median:.4f} electron/ADU, spread {spread:.4f} electron/ADU, "
        f"{counted(len(measured), 'value')}{_noise(pairs)}"
    )
    limit = max(_OUTLIER_SIGMA * spread, _OUTLIER_FRACTION * abs(median))
    for value in values:
        if not math.isfinite(value.gain):
            yield f"        not measured: {value.amplifier} in {value.source}"
        elif abs(value.gain - median) > limit:
            yield (
                f"        outlier: {value.amplifier} {value.gain:.4f} electron/ADU "
                f"({value.gain - median:+.4f}) in {value.source}"
            )


def _noise(pairs: Sequence[PairGains]) -> str:
    text = ""
    for unit in dict.fromkeys(pair.noise_unit for pair in pairs):
        noise = [
            n for pair in pairs if pair.noise_unit == unit for n in pair.noise.values() if math.isfinite(n)
        ]
        text += f"; read noise median {statistics.median(noise):.3f} {unit}" if noise else ""
    return text


def _median_and_spread(values: Sequence[float]) -> tuple[float, float]:
    median = statistics.median(values)
    return median, _SIGMA_PER_MAD * statistics.median(abs(value - median) for value in values)
