"""The report of the gains estimated from flat pairs or from a photon transfer curve."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from ..ground.text import counted, exposure_range, listed
from .patterns import amplifiers_named, clusters, percents

__all__ = ["PairGains", "gain_report"]

_SIGMA_PER_MAD = 1.4826
_OUTLIER_SIGMA = 5.0
_OUTLIER_FRACTION = 0.01
_COLUMNS = 10
"""Pairs in a row of a table: LOVE shows some hundred characters."""


@dataclass(frozen=True)
class PairGains:
    """Gain and read noise of the amplifiers of one detector, from one flat pair."""

    #: The two exposures of the pair; empty for the fit of a photon transfer curve.
    exposures: tuple[int, ...]
    detector: str | int  #: Name or id.
    gain: Mapping[str, float]  #: By amplifier, electron/ADU; nan where it could not be measured.
    #: Read noise by amplifier, in `noise_unit`; nan where it could not be measured.
    noise: Mapping[str, float]
    #: ADU for a pair (cp_pipe notes down the noise of the overscan, before any gain is applied), electron for
    #: a fitted photon transfer curve.
    noise_unit: str = "ADU"


@dataclass(frozen=True)
class _Detector:
    """The gains of one detector: by heading of a column (number of the pair, or curve), then by amplifier."""

    name: str | int
    columns: Mapping[str, PairGains]
    nominal: Mapping[str, float]

    @cached_property
    def amplifiers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for pair in self.columns.values() for name in pair.gain))

    @cached_property
    def measured(self) -> tuple[float, ...]:
        return tuple(g for pair in self.columns.values() for g in pair.gain.values() if math.isfinite(g))

    @cached_property
    def units(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(pair.noise_unit for pair in self.columns.values()))

    def gains(self, amplifier: str) -> tuple[float, ...]:
        """Return the gains of an amplifier that were measured; of the pairs alone, where there are any."""
        pairs = [p for p in self.columns.values() if p.exposures] or [*self.columns.values()]
        return tuple(g for p in pairs if math.isfinite(g := p.gain.get(amplifier, math.nan)))

    def noises(self, unit: str, amplifier: str | None = None) -> tuple[float, ...]:
        """Return the read noises of an amplifier, or of all, that were measured."""
        return tuple(
            noise
            for pair in self.columns.values()
            if pair.noise_unit == unit
            for name, noise in pair.noise.items()
            if amplifier in (None, name) and math.isfinite(noise)
        )


def gain_report(pairs: Sequence[PairGains], nominal: Mapping[tuple[str, str], float] | None = None) -> str:
    """Report the gains per exposure pair, detector and amplifier.

    Parameters
    ----------
    pairs : sequence of `PairGains`
        Of the detectors asked for.
    nominal : mapping [(`str`, `str`), `float`], optional
        Nominal gain by detector (its name, or its id as text) and amplifier, electron/ADU, as far as it is known.

    Returns
    -------
    `str`
        For each detector one table with every gain, amplifiers down and pairs across. At its end are the median of
        each amplifier, its spread, the nominal gain and the median of the read noise, then the medians of each pair;
        after it the detector in one line, and outliers in words. A spread is 1.4826 times the median absolute
        deviation, which is the standard deviation of normally distributed values. An outlier is more than 5 spreads,
        and more than 1%, from the median of its detector.
    """
    title = "Gains estimated from flats pairs:"
    if not pairs:
        return f"{title} none"
    exposures = tuple(dict.fromkeys(pair.exposures for pair in pairs if pair.exposures))
    numbers = {pair: str(number) for number, pair in enumerate(exposures, 1)}
    known = nominal or {}
    detectors = [
        _Detector(
            name,
            {numbers.get(pair.exposures, "curve"): pair for pair in pairs if pair.detector == name},
            {amplifier: gain for (detector, amplifier), gain in known.items() if detector == str(name)},
        )
        for name in dict.fromkeys(pair.detector for pair in pairs)
    ]
    fitted = ", and the photon transfer curve" if any(not pair.exposures for pair in pairs) else ""
    doubts = {detector.name: [*_doubts(detector)] for detector in detectors}
    lines = [
        f"{title} {counted(len(numbers), 'pair')}, {counted(len(detectors), 'detector')}{fitted}",
        *_pairs(exposures),
    ]
    if len(detectors) > 1:
        named = ", ".join(str(name) for name, found in doubts.items() if found)
        lines.append(f"Detectors with outliers or with gains that were not measured: {named or 'none'}")
    for detector in detectors:
        lines += [*_table(detector), _summary(detector), *doubts[detector.name]]
    return "\n".join(lines)


def _pairs(pairs: Sequence[tuple[int, ...]]) -> Iterator[str]:
    """Name the exposures of each pair, those that follow one another in one line."""
    starts = [0, *(n for n, (one, other) in enumerate(pairwise(pairs), 1) if other[0] != one[-1] + 1)]
    for start, end in pairwise([*starts, len(pairs)] if pairs else []):
        # A pair whose own exposures do not follow one another shows as two ranges.
        if end - start == 1:
            yield f"Pair {start + 1}: {', '.join(map(str, pairs[start]))}"
        else:
            exposures = exposure_range(exposure for pair in pairs[start:end] for exposure in pair)
            yield f"Pairs {start + 1}..{end}: {exposures}, two each"


def _table(detector: _Detector) -> Iterator[str]:
    """Write every gain of a detector, in as many blocks as there are tens of pairs; medians are in the last one."""
    units = ", ".join(f"read noise ({unit})" for unit in detector.units)
    yield f"Detector {detector.name}, gain (electron/ADU); median, spread and nominal; {units}:"
    columns = [
        _column(
            title,
            [f"{pair.gain[name]:.3f}" if name in pair.gain else "-" for name in detector.amplifiers],
            [*pair.gain.values()],
        )
        for title, pair in detector.columns.items()
    ]
    labels = ["pair", *detector.amplifiers, "median"]
    # The photon transfer curve stays beside the last pairs.
    starts = range(0, max(1, sum(bool(pair.exposures) for pair in detector.columns.values())), _COLUMNS)
    for start in starts:
        last = start == starts[-1]
        block = [*columns[start:], *_ends(detector)] if last else columns[start : start + _COLUMNS]
        widths = [max(map(len, column)) for column in block]
        for row, label in enumerate(labels):
            cells = " ".join(column[row].rjust(width) for column, width in zip(block, widths, strict=True))
            yield f"  {label.ljust(max(map(len, labels)))} {cells}"


def _ends(detector: _Detector) -> Iterator[list[str]]:
    """Return the columns at the end of a table."""
    names = detector.amplifiers
    gains = [detector.gains(name) for name in names]
    yield _end("median", [statistics.median(values) if values else math.nan for values in gains])
    yield _end("spread", [_spread(values) if len(values) > 1 else math.nan for values in gains])
    if detector.nominal:
        yield _end("nominal", [detector.nominal.get(name, math.nan) for name in names])
    for unit in detector.units:
        noises = [detector.noises(unit, name) for name in names]
        yield _end("noise", [statistics.median(n) if n else math.nan for n in noises], decimals=2)


def _end(title: str, values: Sequence[float], decimals: int = 3) -> list[str]:
    cells = ["-" if math.isnan(value) else f"{value:.{decimals}f}" for value in values]
    return _column(title, cells, values, decimals)


def _column(title: str, cells: Iterable[str], values: Iterable[float], decimals: int = 3) -> list[str]:
    """Return a column of a table, with the median of its values at its end."""
    finite = [value for value in values if math.isfinite(value)]
    return [title, *cells, f"{statistics.median(finite):.{decimals}f}" if finite else "-"]


def _summary(detector: _Detector) -> str:
    """Return the medians of a detector in one line."""
    n = len(detector.measured)
    if not n:
        n_all = sum(len(pair.gain) for pair in detector.columns.values())
        return f"Detector {detector.name}: none of {counted(n_all, 'gain')} could be measured"
    known = [g for name in detector.amplifiers if math.isfinite(g := detector.nominal.get(name, math.nan))]
    nominal = f", nominal {statistics.median(known):.4f} electron/ADU" if known else ""
    noise = "".join(
        f"; read noise median {statistics.median(noises):.3f} {unit}"
        for unit in detector.units
        if (noises := detector.noises(unit))
    )
    return (
        f"Detector {detector.name}: gain median {statistics.median(detector.measured):.4f} electron/ADU, spread "
        f"{_spread(detector.measured):.4f} electron/ADU{nominal}, {counted(n, 'value')}{noise}"
    )


def _doubts(detector: _Detector) -> Iterator[str]:
    """Name the gains of a detector that were not measured, and the outliers."""
    every = [(n, title, gain) for title, pair in detector.columns.items() for n, gain in pair.gain.items()]
    lost = clusters((name, title) for name, title, gain in every if not math.isfinite(gain))
    for titles, names in lost.items():
        yield f"    not measured: {_where(detector, names, titles)}"
    if not detector.measured:
        return
    median = statistics.median(detector.measured)
    limit = max(_OUTLIER_SIGMA * _spread(detector.measured), _OUTLIER_FRACTION * abs(median))
    outliers = {
        (name, title): gain
        for name, title, gain in every
        if math.isfinite(gain) and abs(gain - median) > limit
    }
    # What is above and what is below the median have different causes.
    for side in (True, False):
        found = {place: gain for place, gain in outliers.items() if (gain > median) is side}
        for titles, names in clusters(found).items():
            values = [found[name, title] for name in names for title in titles]
            yield f"    outlier: {_where(detector, names, titles)}: {_far(values, median)}"


def _where(detector: _Detector, names: Sequence[str], titles: Sequence[str]) -> str:
    """Name amplifiers and pairs; of a single pair the exposures, too."""
    pairs = [title for title in titles if detector.columns[title].exposures]
    words = []
    if 1 < len(pairs) == sum(bool(pair.exposures) for pair in detector.columns.values()):
        words.append(f"all {len(pairs)} pairs")
    elif len(pairs) == 1:
        exposures = ", ".join(map(str, detector.columns[pairs[0]].exposures))
        words.append(f"pair {pairs[0]} ({exposures})")
    elif pairs:
        words.append(f"pairs {exposure_range(map(int, pairs))}")
    if len(pairs) < len(titles):
        words.append("the photon transfer curve")
    return f"{amplifiers_named(names, detector.amplifiers)} in {listed(words)}"


def _far(gains: Sequence[float], median: float) -> str:
    low, high = f"{min(gains):.4f}", f"{max(gains):.4f}"
    values = low if low == high else f"{low} to {high}"
    far = f", {percents([gain / median for gain in gains])} the median" if median > 0 else ""
    return f"{values} electron/ADU{far}"


def _spread(values: Sequence[float]) -> float:
    median = statistics.median(values)
    return _SIGMA_PER_MAD * statistics.median(abs(value - median) for value in values)
