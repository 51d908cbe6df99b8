"""The verdict on a verification RUN, and the report of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import report
from ..errors import RepositoryError, StatisticsError, describe
from ..verification import Statistics, Verdict, judge, parse_statistics, without_statistics
from .desk import Desk
from .naming import run_of
from .selection import ExposureChoice

__all__ = ["THRESHOLD", "verdict_on", "write_report"]

THRESHOLD = 8
"""Failed tests of one type that a detector may have, as of the scripts' ``number_verification_tests_threshold_*``."""


def verdict_on(desk: Desk, choice: ExposureChoice, threshold: int = THRESHOLD) -> Verdict:
    """Read the statistics of a verification and judge them; those that cannot be read are a failed one.

    Parameters
    ----------
    desk : `Desk`
        Where they are.
    choice : `ExposureChoice`
        What was verified.
    threshold : `int`
        Failed tests per detector and test type.
    """
    known = {d.id: d.name for d in desk.repository.detectors(desk.selection.instrument)}
    asked: dict[str, Any] = {
        "exposures": choice.verified_with,
        "detectors": [known[detector] for detector in desk.selection.detectors],
        "threshold": threshold,
        "image_type": choice.product.name,
    }
    try:
        statistics = _statistics(desk, choice, known)
    except (RepositoryError, StatisticsError) as error:
        return without_statistics(str(error), **asked)
    strange = {failure.detector for failure in statistics.failures} - {None, *known.values()}
    if strange and len(known) > 1:
        listed = ", ".join(sorted(map(str, strange)))
        return without_statistics(f"they name detectors there are not: {listed}", **asked)
    if strange:
        # The only detector there is, by another of its names.
        asked["detectors"] = 1
    return judge(statistics, **asked)


def _statistics(desk: Desk, choice: ExposureChoice, known: Mapping[int, str]) -> Statistics:
    run, types = run_of(desk.selection.verification(choice)), choice.product.statistics
    found = desk.repository.statistics(run, types)
    if not found.run:
        raise StatisticsError(f"{run} holds no {types[0]}")
    if skipped := found.skipped(choice.verified_with, desk.selection.detectors):
        raise StatisticsError(
            f"{run} does not hold statistics of all exposures for detectors {list(skipped)}"
        )
    merged = {key: value for level in found.run for key, value in level.items()}
    # One run level for each filter: all of them must have succeeded.
    merged["SUCCESS"] = all(level.get("SUCCESS") is True for level in found.run)
    return parse_statistics(
        merged, exposure_stats=found.exposures, detector_stats=found.detectors, detector_names=known
    )


def write_report(desk: Desk, choice: ExposureChoice, verdict: Verdict) -> Path:
    """Write the documented report of a verification beside the selection, and give its path.

    Raises
    ------
    RepositoryError
        If it cannot be written.
    """
    generated, verified = desk.selection.generation(choice), desk.selection.verification(choice)
    path = desk.directory / "reports" / f"{verified.rpartition('/')[2]}.txt"
    text = f"{report.headline(verdict, generating=True)}\n{report.failure_report(verdict, generated, verified)}\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RepositoryError(f"The report {path} cannot be written: {describe(error)}") from error
    return path
