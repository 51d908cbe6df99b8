"""The shapes that cp_verify writes, parsed once into typed failures.

Its tasks write one dict per detector of an exposure, its merge tasks (``mergeResults.py``) one per exposure
and one per run; each of these keeps only what failed at the level below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import StatisticsError
from .shapes import (
    NOTHING,
    Outcome,
    Untyped,
    flag,
    mapping,
    outcomes_of_exposure,
    parse_detector,
    shown,
    unknown_shape,
)

__all__ = ["Failure", "Statistics", "exposures_in", "exposures_to_look_into", "parse_statistics"]

_NOT_DETECTORS = frozenset({"SUCCESS", "VERIFY", "EXP", "RUN"})


@dataclass(frozen=True)
class Failure:
    """One test that the camera, or a part of it, did not pass in one exposure."""

    exposure: int  #: Exposure id.
    detector: str | None  #: Full name, e.g. ``R22_S11``; None for a test of the exposure as a whole.
    amplifier: str | None  #: Name, e.g. ``C01``; None for a test of the detector or the exposure as a whole.
    test: str  #: Test type, e.g. ``NOISE`` (DMTN-101); the names are an open set.

    @property
    def decides(self) -> bool:
        """Whether it counts in a verdict: tests of an exposure as a whole are only reported."""
        return self.detector is not None


@dataclass(frozen=True)
class Statistics:
    """The outcome of a cp_verify run."""

    #: Every failed test once, by exposure, then what concerns the whole before its parts, then by name.
    failures: tuple[Failure, ...]
    exposures: frozenset[int]  #: Exposures that were verified.
    #: Exposure and detector that did not succeed though no test is named; the detector is None where not even
    #: that is known.
    unexplained: frozenset[tuple[int, str | None]] = frozenset()


@dataclass(frozen=True)
class _Entry:
    """What a merge task says of one part: whether it succeeded, and the words of each failure, test last."""

    success: bool
    failures: tuple[tuple[str, ...], ...]

    @property
    def is_vague(self) -> bool:
        """Whether something failed, and no smaller part is named."""
        return not self.success and all(len(words) == 1 for words in self.failures)


def exposures_to_look_into(run: Untyped, exposure_stats: Mapping[int, Untyped]) -> frozenset[int]:
    """Find the exposures whose failed tests neither the statistics of the run nor their own have in full.

    Parameters
    ----------
    run : mapping
        As for `parse_statistics`.
    exposure_stats : mapping [`int`, mapping]
        As for `parse_statistics`.

    Returns
    -------
    `frozenset` [`int`]
        Exposures of which only the statistics of the detectors say what failed: those without statistics of their
        own that did not succeed though the run names no detector (today's ``verifyFlatStats`` keeps only what failed
        for an exposure as a whole), and those with a detector that did not succeed though no test is named.

    Raises
    ------
    StatisticsError
        The statistics have an unknown shape.
    """
    unexplained = {
        exposure
        for exposure, whole in exposure_stats.items()
        if any(not (entry.success or entry.failures) for _, entry in _detector_entries(exposure, whole))
    }
    vague = {exposure for exposure, entry in _run_entries(run).items() if entry.is_vague}
    return frozenset(unexplained | (vague - exposure_stats.keys()))


def exposures_in(run: Untyped) -> frozenset[int]:
    """Return the exposures that the statistics of a run are about; none where they are about detectors.

    Parameters
    ----------
    run : mapping
        As for `parse_statistics`.
    """
    ids = map(_exposure_id, mapping(run, "the run"))
    return frozenset(exposure for exposure in ids if exposure is not None)


def parse_statistics(
    run: Untyped,
    *,
    exposure_stats: Mapping[int, Untyped] = NOTHING,
    detector_stats: Mapping[tuple[int, Any], Untyped] = NOTHING,
    detector_names: Mapping[int, str] = NOTHING,
) -> Statistics:
    """Parse the statistics of a cp_verify run.

    Parameters
    ----------
    run : mapping
        ``verify<Type>Stats``: by exposure id (`int` or its text) ``{"SUCCESS": True}`` or ``{"SUCCESS":
        False, "FAILURES": ["RXX_S00 C01 NOISE", "R22_S11 SCATTER", "SCATTER"]}``, and ``SUCCESS`` of the run.
        Before May 2024 an exposure that failed had ``FAILURES`` alone, without ``SUCCESS``.
        Other text keys (``RUN``, ``VERIFY``) are not exposures. Where there is one dict for each physical
        filter, these merged.
    exposure_stats : mapping [`int`, mapping], optional
        ``verify<Type>ExpStats`` by exposure id: as above, but by detector, and the tests of the exposure as a
        whole in ``["VERIFY"]["EXP"]``. What they say failed has failed, also where the run says it succeeded.
    detector_stats : mapping [(`int`, `str` or `int`), mapping], optional
        ``verify<Type>DetStats`` by exposure id and detector (name or id), for `exposures_to_look_into`: tests
        and whether they passed, in ``["VERIFY"]["AMP"][<amplifier>]`` and ``["VERIFY"]["DET"]``.
    detector_names : mapping [`int`, `str`], optional
        Full names of the detectors, for keys that are ids.

    Returns
    -------
    `Statistics`
        Failures, exposures covered, and what stays unexplained.

    Raises
    ------
    StatisticsError
        The statistics have an unknown shape; the text names what was found where.
    """
    entries = _run_entries(run)
    of_detectors: dict[int, dict[str, Untyped]] = {}
    for (exposure, detector), found in detector_stats.items():
        of_detectors.setdefault(exposure, {})[_detector_name(detector, detector_names)] = found
    failures: list[Failure] = []
    unexplained: set[tuple[int, str | None]] = set()
    for exposure, entry in sorted(entries.items()):
        known = {_failure(exposure, words) for words in entry.failures}
        unknown: set[str] = set()
        details = of_detectors.get(exposure, {})
        if (whole := exposure_stats.get(exposure)) is not None:
            # What an exposure's own statistics say failed has failed, whatever the run says of it.
            more, unknown = _look_into(exposure, whole, details, detector_names)
            known |= more
        elif entry.is_vague and details:
            known.update(_failures_of_detectors(exposure, details))
        elif entry.is_vague:
            # What failed for the exposure as a whole says nothing about its amplifiers.
            unexplained.add((exposure, None))
        # One exposure at a time: sorting all at once would hold up every other thread for a tenth of a second.
        failures += sorted(known, key=_rank)
        unexplained |= {(exposure, detector) for detector in unknown}
        if not (entry.success or known or unknown):
            unexplained.add((exposure, None))
    return Statistics(tuple(failures), frozenset(entries), frozenset(unexplained))


def _run_entries(run: Untyped) -> dict[int, _Entry]:
    entries: dict[int, _Entry] = {}
    for key, value in mapping(run, "the run").items():
        exposure = _exposure_id(key)
        if exposure in entries:
            raise StatisticsError(f"cp_verify statistics of the run hold exposure {exposure} twice")
        if exposure is not None:
            entries[exposure] = _entry(value, f"exposure {exposure}")
    if not flag(run, "SUCCESS", "the run") and entries and all(e.success for e in entries.values()):
        raise StatisticsError(
            f"cp_verify statistics say that the run failed and that all of its {len(entries)} exposures "
            f"succeeded; what it says of the run: {shown(run.get('VERIFY'))}"
        )
    return entries


def _look_into(
    exposure: int, found: Untyped, of_detectors: Mapping[str, Untyped], names: Mapping[int, str]
) -> tuple[set[Failure], set[str]]:
    """Return the failures that the statistics of an exposure name, and the detectors that failed without a reason."""
    where = f"exposure {exposure}"
    outcomes = outcomes_of_exposure(found, where)
    failures = {_failure(exposure, (test,)) for test, o in outcomes.items() if o is Outcome.FAILED}
    unknown: set[str] = set()
    for key, entry in _detector_entries(exposure, found):
        detector = _detector_name(key, names)
        known = {_failure(exposure, (detector, *words)) for words in entry.failures}
        if not (entry.success or known) and detector in of_detectors:
            known.update(_failures_of_detectors(exposure, {detector: of_detectors[detector]}))
        if not (entry.success or known):
            unknown.add(detector)
        failures |= known
    return failures, unknown


def _detector_entries(exposure: int, found: Untyped) -> Iterator[tuple[object, _Entry]]:
    for key, value in mapping(found, f"exposure {exposure}").items():
        if key not in _NOT_DETECTORS:
            yield key, _entry(value, f"exposure {exposure}, detector {key}")


def _failures_of_detectors(exposure: int, of_detectors: Mapping[str, Untyped]) -> Iterator[Failure]:
    for detector, found in of_detectors.items():
        parsed = parse_detector(found, f"exposure {exposure}, detector {detector}")
        yield from (Failure(exposure, detector, None, test) for test in parsed.whole.failed)
        for amplifier, part in parsed.amplifiers.items():
            yield from (Failure(exposure, detector, amplifier, test) for test in part.failed)


def _failure(exposure: int, words: Sequence[str]) -> Failure:
    match words:
        case (test,):
            return Failure(exposure, None, None, test)
        case (detector, test):
            return Failure(exposure, detector, None, test)
        case (detector, amplifier, test):
            return Failure(exposure, detector, amplifier, test)
    raise unknown_shape(f"exposure {exposure}", "detector, amplifier and test", " ".join(words))


def _rank(failure: Failure) -> tuple[str, str, str]:
    return failure.detector or "", failure.amplifier or "", failure.test


def _exposure_id(key: object) -> int | None:
    if isinstance(key, int) and not isinstance(key, bool):
        return key
    if isinstance(key, str):
        return int(key) if key.isdecimal() else None
    raise unknown_shape("the run", "an exposure id or a text as key", key)


def _detector_name(key: object, names: Mapping[int, str]) -> str:
    if isinstance(key, int) and key in names:
        return names[key]
    if isinstance(key, str):
        return key
    raise unknown_shape("an exposure", "a detector's name or the id of a known one", key)


def _entry(value: object, where: str) -> _Entry:
    found = mapping(value, where)
    texts = found.get("FAILURES", [])
    if not isinstance(texts, list | tuple) or not all(
        isinstance(text, str) and text.split() for text in texts
    ):
        raise unknown_shape(where, "texts as FAILURES", texts)
    # Before May 2024 the merge task of cp_verify wrote no SUCCESS beside the FAILURES of an exposure.
    success = "SUCCESS" in found or "FAILURES" not in found
    return _Entry(success and flag(found, "SUCCESS", where), tuple(tuple(text.split()) for text in texts))
