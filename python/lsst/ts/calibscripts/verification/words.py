"""The reports of a verification.

The texts are those of the procedure for LATISS combined calibrations, with its misprints: people search for
them. Only the first lines of a report, before its list of exposures, are ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..ground.text import counted, exposure_range
from . import Failure, Thresholds, Verdict
from .failing import failure_patterns

__all__ = ["failure_report", "headline", "undecisive_line", "verdict_line"]

_CRITERIUM = """\
Verification failure criterium: if, for at least une type of test,
the majority of tests fail in the majority of detectors and the
the majority of exposures, verification will fail and the calibration
will not be certified. In terms of the threshold values, this amounts for the condition that
the final number of exposures that failed verification is greater than
or equal to the acceptable maximum number of failed exposures.
"""


def headline(verdict: Verdict, generating: bool, *, in_vain: bool = False) -> str:
    """Report in the documented words what follows from a verdict.

    Parameters
    ----------
    generating : `bool`
        Whether a calibration was generated, so that there is something to certify.
    in_vain : `bool`, optional
        Has something else failed that its certification needs?

    Returns
    -------
    `str`
        One line.
    """
    what = f"{verdict.image_type} {'calibration' if generating else 'exposures'}"
    if not verdict.passed:
        return f"{what} {'failed verification' if verdict.judged else 'could not be judged'}" + (
            " and will not be certified." if generating else "; there was nothing to certify."
        )
    certified = " and will be certified" if generating else ""
    if generating and in_vain:
        certified = ", but will not be certified, since something else that it needs has failed"
    if verdict.clean:
        return f"{what} passed verification criteria{certified}."
    return (
        f"{what} passed the overall verification  criteria{certified}, but the are tests that did not pass: "
    )


def verdict_line(verdict: Verdict, generating: bool) -> str:
    """Return a verdict and its numbers in one line.

    Parameters
    ----------
    generating : `bool`
        Whether a calibration was generated, so that there is something to certify.

    Returns
    -------
    `str`
        E.g. ``BIAS: 3 of 3 exposures failed, limit 3: NOT certified``.
    """
    unsuccessful = "verification FAILED" if verdict.judged else "NOT judged"
    failed = "NOT certified" if generating else unsuccessful
    result = "verification passed" if verdict.passed else failed
    if verdict.reason:
        return f"{verdict.image_type}: could not be judged ({verdict.reason}): {result}"
    n, limits = len(verdict.exposures), verdict.thresholds
    absent = "not verified" if limits.by_detector else "not in the statistics"
    missing = f", {len(verdict.missing)} of {n} {absent}" if verdict.missing else ""
    failed_parts = f"{len(verdict.failed_exposures)} of {n} {limits.noun}s failed"
    return f"{verdict.image_type}: {failed_parts}, limit {limits.exposures}{missing}: {result}"


def failure_report(
    verdict: Verdict,
    generation_collection: str | None,
    verification_collection: str,
    patterns: Sequence[str] | None = None,
) -> str:
    """Report a verification in full.

    Parameters
    ----------
    generation_collection : `str` or `None`
        Collection of the calibration that was generated, ``u/ocps/<jobId>``; None where none was.
    verification_collection : `str`
        Collection of the verification job, ``u/ocps/<jobId>``.
    patterns : sequence of `str`, optional
        Where tests failed and how far they were from their limits, as `failure_patterns` reports it; without
        values by default.

    Returns
    -------
    `str`
        Lines of ours (the numbers, then one for each test type that failed), then the documented report: exposures
        with failed tests, counts per test type, every failed test, the thresholds, the criterium and the collections.
    """
    if verdict.thresholds.by_detector:
        return _report_by_detector(verdict, verification_collection)
    shown = failure_patterns(verdict) if patterns is None else patterns
    generation = generation_collection or "None. 'generate_calibrations' is False."
    lines = [
        verdict_line(verdict, generating=generation_collection is not None),
        *(f"    {pattern}" for pattern in shown),
        *([] if verdict.reason else _findings(verdict)),
        *_remarks(verdict),
        *_threshold_values(verdict.thresholds, len(verdict.failed_exposures)),
        _CRITERIUM,
        f"Generation collection: {generation}",
        f"Verification collection: {verification_collection}",
    ]
    return "\n".join(lines)


def _report_by_detector(verdict: Verdict, verification_collection: str) -> str:
    """Report the verification of a product in full: which tests failed in how many amplifiers of which detector."""
    lines = [verdict_line(verdict, generating=True)]
    for detector in verdict.exposures:
        failed = "failed" if detector in verdict.failed_exposures else "passed"
        counts = Counter(
            (f.detector, f.test, f.amplifier is None) for f in verdict.by_exposure.get(detector, ())
        )
        n = verdict.amplifiers.get(detector, 0)
        for (name, test, whole), count in counts.items():
            where = "the detector as a whole" if whole else f"{count} of {n} amplifiers (limit {n // 2 + 1})"
            lines.append(f"    {name} {failed}: {test} failed in {where}")
        if detector in verdict.unexplained:
            lines.append(f"    detector {detector} failed, and the statistics do not say in which tests")
        if detector in verdict.missing:
            lines.append(
                f"    detector {detector} was not verified (no statistics, or no test in them): counts as a failed "
                "verification"
            )
    lines.append(f"Verification collection: {verification_collection}")
    return "\n".join(lines)


def _findings(verdict: Verdict) -> Iterator[str]:
    yield "Exposures with verification tests that failed:"
    concerned = [e for e in verdict.exposures if e in verdict.counts or e in verdict.unexplained]
    yield "  ".join(str(exposure) for exposure in concerned) or "none"
    yield "Number of tests that failed per test type:"
    for exposure, tests in verdict.counts.items():
        yield f"    Exposure ID: {exposure}"
        yield from (f"        {test}: {count}" for test, count in tests.items())
    yield "Test types that failed verification per exposure,"
    yield "detector, and amplifier:"
    for exposure in verdict.exposures:
        yield f"    Exposure ID: {exposure}"
        yield from (f"        {line}" for line in _failed_tests(verdict, exposure))


def _failed_tests(verdict: Verdict, exposure: int) -> Iterator[str]:
    if exposure in verdict.missing:
        yield "Not in the statistics of cp_verify: counts as a failed verification."
        return
    for failure in verdict.by_exposure.get(exposure, ()):
        yield _words(failure)
    if exposure in verdict.unexplained:
        yield "Did not succeed, and the statistics do not say in which tests: counts as a failed exposure."
    elif exposure not in verdict.by_exposure:
        yield "No failures in 'verify_stats' for this exposure."


def _words(failure: Failure) -> str:
    return " ".join(word for word in (failure.detector, failure.amplifier, failure.test) if word is not None)


def undecisive_line(verdict: Verdict) -> str:
    """Report in one line which failed tests do not decide.

    Returns
    -------
    `str`
        E.g. ``FLAT: SCATTER of the whole exposure failed in 20 of 20 exposures. Tests of an exposure as a whole are
        reported and do not decide.``; empty where none failed.
    """
    exposures = Counter(test for tests in verdict.undecisive.values() for test in dict.fromkeys(tests))
    if not exposures:
        return ""
    of = f"of {counted(len(verdict.exposures), 'exposure')}"
    counts = ", ".join(f"{test} of the whole exposure failed in {n} {of}" for test, n in exposures.items())
    return f"{verdict.image_type}: {counts}. Tests of an exposure as a whole are reported and do not decide."


def _remarks(verdict: Verdict) -> Iterator[str]:
    if verdict.missing:
        yield f"Exposures without statistics: {exposure_range(verdict.missing)}"
    if text := undecisive_line(verdict):
        yield text
    if verdict.others:
        yield f"Failed tests of detectors that were not asked for do not count: {', '.join(verdict.others)}"


def _threshold_values(thresholds: Thresholds, failed_exposures: int) -> list[str]:
    per_detector = thresholds.tests_per_detector
    return [
        "Threshold values:",
        f"    Acceptable maximum number of failures per detector per test type: {per_detector}",
        "    This value is controlled by the configuration parameter: "
        "'number_verification_tests_threshold_<IMGTYPE>'",
        f"    Acceptable maximum number of failed detectors: {thresholds.detectors}",
        f"    Acceptable maximum number of failed tests per exposure: {thresholds.tests_per_exposure}",
        f"    Acceptable maximum number of failed exposures: {thresholds.exposures}",
        f"    Final number of exposures that failed verification: {failed_exposures}",
    ]
