"""What the failed tests of a verification have in common: where, how far from what, and the limit. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ..ground.text import counted, listed
from ..tables.instruments import AMPLIFIERS
from .limits import NOMINAL_NOISE, Comparison, comparison_of, limit_of
from .patterns import percents
from .rule import Verdict
from .statistics import Failure

__all__ = ["Measured", "Place", "failure_patterns", "headline_pattern", "places_to_read"]

Place: TypeAlias = tuple[int, str | None, str | None]
"""Exposure, detector and amplifier."""

_MOST_READ = 200
"""How many detectors of exposures are read for their values: those of a large camera would take minutes."""

_MOST_NAMES = 6
_MOST_IN_HEADLINE = 2


@dataclass(frozen=True)
class Measured:
    """The values behind failed tests, as far as they are known."""

    #: Statistics, electron; of a detector that was read, of all its amplifiers.
    values: Mapping[Place, Mapping[str, float]] = field(default_factory=dict)
    #: By detector and amplifier, electron.
    nominal_noise: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def n_amplifiers(self) -> int:
        """How many amplifiers a detector has."""
        numbers = Counter(
            (exposure, detector) for exposure, detector, name in self.values if name is not None
        )
        return max(numbers.values(), default=AMPLIFIERS)

    def of(self, failure: Failure, statistic: str) -> float:
        """Return a value at the place of a failed test; nan where it is unknown."""
        if statistic == NOMINAL_NOISE:
            return self.nominal_noise.get((failure.detector or "", failure.amplifier or ""), math.nan)
        return self.values.get(_place(failure), {}).get(statistic, math.nan)


def places_to_read(verdict: Verdict) -> tuple[tuple[int, str], ...]:
    """Return the exposures and detectors whose values say how far failed tests are from their limits.

    Returns
    -------
    `tuple` [(`int`, `str`)]
        All with failed tests; of very many an even choice.
    """
    every = [*dict.fromkeys((f.exposure, f.detector) for f in verdict.failures if f.detector is not None)]
    return tuple(every[:: max(1, math.ceil(len(every) / _MOST_READ))])


def failure_patterns(verdict: Verdict, measured: Measured | None = None) -> tuple[str, ...]:
    """Report for each test type that failed where it did, the worst values, and the limit.

    Parameters
    ----------
    measured : `Measured`, optional
        The values of the failed tests; without them only places and limits are reported.

    Returns
    -------
    `tuple` [`str`]
        The test that failed most often first, e.g. ``NOISE: all 16 amplifiers in 20 of 20 exposures, 28 to 33 %
        above nominal; limit 5 %`` or ``MEAN: C04 only, in 3 of 20 exposures``. Tests of an exposure as a whole, which
        do not decide, are left out.
    """
    if verdict.failed_exposures and not verdict.failures:
        return ("The statistics do not say which tests failed",)
    by_test: dict[str, list[Failure]] = {}
    for failure in verdict.failures:
        if failure.decides:
            by_test.setdefault(failure.test, []).append(failure)
    ordered = sorted(by_test.items(), key=lambda item: -len(item[1]))
    return tuple(_pattern(verdict, test, found, measured or Measured()) for test, found in ordered)


def headline_pattern(patterns: Sequence[str]) -> str:
    """Return the first of the patterns as a sentence for a headline; empty without any.

    Parameters
    ----------
    patterns : sequence of `str`
        As `failure_patterns` returns them.
    """
    more = len(patterns) - _MOST_IN_HEADLINE
    also = f" {counted(more, 'other test type')} failed, too." if more > 0 else ""
    return " ".join(f"{pattern}." for pattern in patterns[:_MOST_IN_HEADLINE]) + also


def _pattern(verdict: Verdict, test: str, failures: Sequence[Failure], measured: Measured) -> str:
    values, limit = _values(verdict.image_type, test, failures, measured)
    read = len({(f.exposure, f.detector) for f in failures if _place(f) in measured.values})
    every = len({(f.exposure, f.detector) for f in failures})
    sampled = f" ({read} of {every} images read)" if values and read < every else ""
    where = "; ".join(_places(verdict, failures, measured))
    return f"{test}: {where}{values}{sampled}{f'; limit {limit}' if limit else ''}"


def _places(verdict: Verdict, failures: Sequence[Failure], measured: Measured) -> Iterator[str]:
    """Name the detectors, amplifiers and exposures of the failures of one test."""
    of_amplifiers = [f for f in failures if f.amplifier is not None]
    of_detectors = [f for f in failures if f.amplifier is None]
    for found, whole in ((of_amplifiers, False), (of_detectors, True)):
        if found:
            detectors = dict.fromkeys(str(f.detector) for f in found)
            amplifiers = dict.fromkeys((str(f.detector), str(f.amplifier)) for f in found)
            names = [name for _, name in amplifiers]
            where = (
                "the detector as a whole"
                if whole
                else _amplifiers(names, len(detectors), measured.n_amplifiers)
            )
            yield (
                where + _of_detectors(verdict, [*detectors]) + _in_exposures(verdict, found, len(amplifiers))
            )


def _amplifiers(names: Sequence[str], n_detectors: int, n_amplifiers: int) -> str:
    total, n = n_detectors * n_amplifiers, len(names)
    if 1 < n == total:
        return f"all {n} amplifiers"
    if n_detectors == 1 and n <= _MOST_NAMES:
        return f"{', '.join(names)}{' only' if n == 1 else ''}"
    always = f" (always {names[0]})" if n > 1 and len(set(names)) == 1 else ""
    return f"{n} of {total} amplifiers{always}"


def _of_detectors(verdict: Verdict, detectors: Sequence[str]) -> str:
    n = verdict.thresholds.n_detectors
    if n == 1:
        return ""
    named = f" ({listed(detectors)})" if 1 < len(detectors) <= 4 else ""
    return f" of {detectors[0]}" if len(detectors) == 1 else f" of {len(detectors)} of {n} detectors{named}"


def _in_exposures(verdict: Verdict, failures: Sequence[Failure], n_places: int) -> str:
    if verdict.thresholds.by_detector:
        return ""
    exposures = {failure.exposure for failure in failures}
    every = len(failures) == len(exposures) * n_places
    tests = "" if every else f" ({counted(len(failures), 'failed test')})"
    return f" in {len(exposures)} of {counted(len(verdict.exposures), 'exposure')}{tests}"


def _values(product: str, test: str, failures: Sequence[Failure], measured: Measured) -> tuple[str, str]:
    """Return how far the values of failed tests are from what they are compared with, and the limit."""
    compared = comparison_of(product, test)
    values = [(measured.of(f, test), _reference(f, compared, measured)) for f in failures]
    ratios = [value / reference for value, reference in values if reference > 0 and math.isfinite(value)]
    if compared is not None and ratios:
        return f", {percents(ratios)} {compared.above}", compared.limit
    finite = [value for value, _ in values if math.isfinite(value)]
    if not finite:
        return "", compared.limit if compared is not None else limit_of(product, test)
    low, high = f"{min(finite):.4g}", f"{max(finite):.4g}"
    return f", {low if low == high else f'{low} to {high}'} electron", limit_of(product, test)


def _reference(failure: Failure, compared: Comparison | None, measured: Measured) -> float:
    if compared is None:
        return math.nan
    value = measured.of(failure, compared.reference)
    return math.sqrt(value) if compared.of_photons and value > 0 else value


def _place(failure: Failure) -> Place:
    return failure.exposure, failure.detector, failure.amplifier
