"""The verdict on a verification RUN, and the report of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import report
from ..errors import RepositoryError, StatisticsError, describe
from ..verification import Verdict, judge, parse_statistics, without_statistics
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
    selection, repository, product = desk.selection, desk.repository, choice.product
    run = run_of(selection.verification(choice))
    names = {d.id: d.name for d in repository.detectors(selection.instrument)}
    asked: dict[str, Any] = {
        "exposures": choice.verified_with,
        "detectors": [names[detector] for detector in selection.detectors],
        "threshold": threshold,
        "image_type": product.name,
    }
    try:
        found = repository.statistics(run, product.statistics)
        if not found.run:
            return without_statistics(f"{run} holds no {product.statistics[0]}", **asked)
        if skipped := [d for d in selection.detectors if found.verified and d not in found.verified]:
            return without_statistics(f"{run} holds no statistics of detectors {skipped}", **asked)
        statistics = parse_statistics(
            {key: value for level in found.run for key, value in level.items()},
            exposure_stats=found.exposures,
            detector_stats=found.detectors,
            detector_names=names,
        )
    except (RepositoryError, StatisticsError) as error:
        return without_statistics(str(error), **asked)
    return judge(statistics, **asked)


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
