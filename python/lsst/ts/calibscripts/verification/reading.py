"""What the outputs of a RUN are worth: cp_verify's statistics -> verdict, gains -> doubts.

For scripts, productions and reports.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import RepositoryError, StatisticsError
from ..ground.text import exposures_of
from ..tables.products import Product
from .detectors import judge_detectors
from .failing import Measured, Place
from .outputs import Details, RunStatistics, WrittenGains
from .rule import Thresholds, Verdict, enough_detectors, judge
from .shapes import parse_detector
from .statistics import Statistics, exposures_in, parse_statistics

__all__ = ["THRESHOLD", "Verification", "doubtful_gains", "measured", "verdict_on"]

THRESHOLD = 8
"""Failed tests of one type that a detector may have where nothing else is set, as of the scripts'
``number_verification_tests_threshold_*``."""

LOWEST_GAIN, HIGHEST_GAIN = 0.5, 2.0
"""A gain beyond these factors of the nominal one is not that of the sensor: the flats had no light, or too much."""


@dataclass(frozen=True)
class Verification:
    """What was verified."""

    product: Product  #: The product whose images, or which itself, was verified.
    run: str  #: RUN of the verification.
    exposures: Sequence[int] | None  #: Exposures asked for; None for all that there are statistics of.
    #: Full names of the detectors asked for; None for all that there are statistics of.
    detectors: Sequence[str] | None
    known: Mapping[int, str] = field(repr=False)  #: Full names of all detectors of the instrument.
    #: Detectors that were verified, of which there must be statistics; empty for all that were asked for.
    processed: Collection[int] = ()
    threshold: int = THRESHOLD  #: Failed tests of one type per detector.

    @property
    def verified(self) -> tuple[str, ...]:
        """Full names of the detectors that were verified, which the limits count."""
        return tuple(self.known.get(i, str(i)) for i in self.processed) or tuple(self.detectors or ())

    @property
    def by_detector(self) -> bool:
        """Are the statistics about each detector?"""
        return self.product.verify is not None and self.product.verify.by_detector

    @property
    def lost(self) -> str:
        """Why the set is not judged: half or fewer of the detectors asked for are left of it; else empty."""
        n_left, n_asked = len(self.verified), len(set(self.detectors or ()))
        if self.detectors is None or enough_detectors(n_left, n_asked):
            return ""
        return f"only {n_left} of the {n_asked} detectors asked for were verified"

    def failed(self, reason: str) -> Verdict:
        """Return the verdict where there is nothing to judge by: a failed one, with every exposure missing.

        Parameters
        ----------
        reason : `str`
            Why: statistics missing, unreadable or damaged, with dataset type and collection, or too few detectors.
        """
        asked = tuple(sorted({*(self.processed if self.by_detector else self.exposures or ())}))
        limits = Thresholds(self.threshold, len({*self.verified}), len(asked), self.by_detector)
        return Verdict(self.product.name, asked, limits, missing=asked, reason=reason)


def verdict_on(asked: Verification, read: Callable[[], RunStatistics]) -> Verdict:
    """Read the statistics of a verification and judge them; those that cannot be read are a failed one.

    A set in which half or fewer of the detectors asked for are left is not judged: it has failed.

    Parameters
    ----------
    read : callable
        Returns the statistics of its RUN; may raise `RepositoryError`.
    """
    if asked.lost:
        return asked.failed(asked.lost)
    try:
        found = read()
        if asked.by_detector:
            return _of_detectors(asked, found)
        statistics = _parsed(asked, found)
        asked = _completed(asked, found, statistics)
    except (RepositoryError, StatisticsError) as error:
        return asked.failed(str(error))
    strange = {failure.detector for failure in statistics.failures} - {None, *asked.known.values()}
    if strange and len(asked.known) > 1:
        listed = ", ".join(sorted(map(str, strange)))
        return asked.failed(f"they name unknown detectors: {listed}")
    return judge(
        statistics,
        exposures=asked.exposures or (),
        # Strange to an instrument with one detector: that one, by another of its names.
        detectors=1 if strange else asked.verified,
        threshold=asked.threshold,
        image_type=asked.product.name,
    )


def _of_detectors(asked: Verification, found: RunStatistics) -> Verdict:
    """Judge a product by the statistics of its detectors."""
    if not found.detectors:
        raise StatisticsError(f"{asked.run} holds no {asked.product.statistics[2]}")
    verified = {detector for _, detector in found.detectors}
    return judge_detectors(asked.product.name, found.detectors, asked.processed or verified, asked.known)


def _parsed(asked: Verification, found: RunStatistics) -> Statistics:
    if not found.run:
        raise StatisticsError(f"{asked.run} holds no {asked.product.statistics[0]}")
    merged: dict[Any, Any] = {}
    seen: frozenset[int] = frozenset()
    for level in found.run:
        if twice := seen & exposures_in(level):
            raise StatisticsError(
                f"{asked.run} holds statistics of {exposures_of(twice)} for several filters"
            )
        seen |= exposures_in(level)
        merged |= level
    # One run level for each filter: all of them must have succeeded.
    merged["SUCCESS"] = all(level.get("SUCCESS") is True for level in found.run)
    statistics = parse_statistics(
        merged,
        exposure_stats=found.exposures,
        detector_stats=found.detectors,
        detector_names=asked.known,
    )
    undecided = asked.product.verify.undecided if asked.product.verify else frozenset()
    return replace(statistics, failures=tuple(f for f in statistics.failures if f.test not in undecided))


def _completed(asked: Verification, found: RunStatistics, statistics: Statistics) -> Verification:
    """Ask for all that there are statistics of, where nothing else is asked for, and check that they exist.

    Raises
    ------
    StatisticsError
        If those of a detector do not, in an exposure that the statistics of the run cover.
    """
    exposures, detectors, processed = asked.exposures, asked.detectors, asked.processed
    if exposures is None:
        exposures = sorted(statistics.exposures.union(exposure for exposure, _ in found.verified))
    if detectors is None:
        processed = sorted({detector for _, detector in found.verified})
        detectors = [asked.known.get(detector, str(detector)) for detector in processed]
        if not detectors:
            kind = asked.product.statistics[2]
            raise StatisticsError(
                f"{asked.run} holds no {kind}, so the detectors that were verified are unknown"
            )
    if skipped := found.skipped(statistics.exposures.intersection(exposures), processed):
        raise StatisticsError(
            f"{asked.run} does not hold statistics of all exposures for detector{'' if len(skipped) == 1 else 's'} "
            f"{', '.join(map(str, skipped))}"
        )
    return replace(asked, exposures=exposures, detectors=detectors, processed=processed)


def measured(details: Details, names: Mapping[int, str]) -> Measured:
    """Parse the values behind failed tests.

    Parameters
    ----------
    details : `Details`
        As the butler returns them.
    names : mapping [`int`, `str`]
        Full names of the detectors.

    Returns
    -------
    `Measured`
        The values by exposure, detector and amplifier.

    Raises
    ------
    StatisticsError
        The statistics have an unknown shape.
    """
    values: dict[Place, Mapping[str, float]] = {}
    for (exposure, detector), found in details.detectors.items():
        name = names.get(detector, str(detector))
        parsed = parse_detector(found, f"exposure {exposure}, detector {name}")
        values[exposure, name, None] = parsed.whole.values
        values |= {(exposure, name, amplifier): part.values for amplifier, part in parsed.amplifiers.items()}
    nominal = {
        (names.get(d, str(d)), amplifier): noise for (d, amplifier), noise in details.nominal_noise.items()
    }
    return Measured(values, nominal)


def doubtful_gains(
    written: Sequence[WrittenGains], nominal: Mapping[tuple[int, str], float], names: Mapping[int, str]
) -> tuple[str, bool]:
    """Find the gains that cannot be right.

    Parameters
    ----------
    written : sequence of `WrittenGains`
        Gains of a job.
    nominal : mapping [(`int`, `str`), `float`]
        Nominal gain by detector and amplifier, electron/ADU, as far as it is known; of the others only what is not
        above zero is found.
    names : mapping [`int`, `str`]
        Full names of the detectors.

    Returns
    -------
    text : `str`
        Which amplifiers have one, in a sentence; empty for none.
    most : `bool`
        Whether these are more than half of the gains.
    """
    total = 0
    wrong: dict[int, dict[str, list[float]]] = {}
    for one in written:
        for amplifier, gain in one.gain.items():
            total += 1
            expected = nominal.get((one.detector, amplifier), math.nan)
            if not gain > 0 or math.isinf(gain) or not _near(gain, expected):
                wrong.setdefault(one.detector, {}).setdefault(amplifier, []).append(gain)
    if not wrong:
        return "", False
    values = [gain for amplifiers in wrong.values() for gains in amplifiers.values() for gain in gains]
    known = [gain for gain in values if math.isfinite(gain)]
    between = f" ({min(known):.4g} to {max(known):.4g} electron/ADU)" if known else ""
    where = "; ".join(f"{names[detector]} {', '.join(found)}" for detector, found in sorted(wrong.items()))
    text = (
        f"{len(values)} of {total} gains are outside {LOWEST_GAIN:g} to {HIGHEST_GAIN:g} times nominal, negative or "
        f"not measured{between}: {where}"
    )
    return text, 2 * len(values) > total


def _near(gain: float, nominal: float) -> bool:
    """Return whether a gain can be right; so it can where nothing is known of the nominal one."""
    return not nominal > 0 or LOWEST_GAIN * nominal <= gain <= HIGHEST_GAIN * nominal
