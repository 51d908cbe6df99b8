"""The acceptance rule for a product whose statistics are about its detectors, not about exposures. Pure.

A detector fails when a test of one type fails in a majority of its amplifiers, or one of the detector as a whole
fails; the product fails when a majority of its detectors does. What succeeds without a test was not verified.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from .rule import Thresholds, Verdict
from .shapes import DetectorStatistics, Untyped, flag, parse_detector
from .statistics import Failure

__all__ = ["judge_detectors"]


def judge_detectors(
    product: str,
    statistics: Mapping[tuple[int, int], Untyped],
    detectors: Collection[int],
    names: Mapping[int, str],
) -> Verdict:
    """Decide whether a product passed its verification.

    Parameters
    ----------
    product : `str`
        E.g. PTC.
    statistics : mapping [(`int`, `int`), mapping]
        ``verify<Product>DetStats`` by exposure (any number where there is one for all) and detector. A detector may
        have several: then a test has failed in an amplifier when it failed in a majority of them.
    detectors : collection of `int`
        Detectors that were verified.
    names : mapping [`int`, `str`]
        Full names of the detectors.

    Returns
    -------
    `Verdict`
        By detector.

    Raises
    ------
    StatisticsError
        The statistics have an unknown shape.
    """
    wanted = sorted(set(detectors))
    by_detector: dict[int, list[Untyped]] = {}
    for (_, number), value in sorted(statistics.items()):
        by_detector.setdefault(number, []).append(value)
    failures: list[Failure] = []
    amplifiers: dict[int, int] = {}
    unexplained: list[int] = []
    for detector in wanted:
        found, name = by_detector.get(detector, []), names.get(detector, str(detector))
        parsed = [parse_detector(one, f"detector {name}") for one in found]
        good = [flag(one, "SUCCESS", f"detector {name}") for one in found]
        own = [Failure(detector, name, *words) for words in _failed(parsed)]
        untested = any(success and not one.tested for one, success in zip(parsed, good, strict=True))
        if not parsed or (untested and not own):
            continue
        amplifiers[detector] = max(len(one.amplifiers) for one in parsed)
        failures += own
        if not own and 2 * good.count(False) > len(good):
            unexplained.append(detector)
    limit = max(amplifiers.values(), default=0) // 2 + 1
    return Verdict(
        product,
        tuple(wanted),
        Thresholds(limit, len(wanted), len(wanted), by_detector=True),
        tuple(failures),
        tuple(detector for detector in wanted if detector not in amplifiers),
        tuple(unexplained),
        amplifiers=amplifiers,
    )


def _failed(parsed: Collection[DetectorStatistics]) -> Iterable[tuple[str | None, str]]:
    """Return amplifier and test of what failed in a majority of the statistics of a detector."""
    counts: Counter[tuple[str | None, str]] = Counter()
    for one in parsed:
        counts.update((None, test) for test in one.whole.failed)
        counts.update((name, test) for name, part in one.amplifiers.items() for test in part.failed)
    failed = [key for key, count in counts.items() if 2 * count > len(parsed)]
    return sorted(failed, key=lambda key: (key[0] or "", key[1]))
