"""The verdict on a verification RUN, and the report of it."""

from __future__ import annotations

from pathlib import Path

from ...errors import RepositoryError, describe
from ...verification import Verdict, words
from ...verification import reading as acceptance
from ...verification.reading import THRESHOLD
from ..desk import Desk
from ..selection.naming import run_of
from ..selection.selection import ExposureChoice

__all__ = ["replaced", "verdict_on", "write_report"]


def verdict_on(desk: Desk, choice: ExposureChoice, threshold: int = THRESHOLD) -> Verdict:
    """Read the statistics of a verification and judge them; those that cannot be read are a failed one.

    Parameters
    ----------
    threshold : `int`
        Failed tests per detector and test type.
    """
    known = {d.id: d.name for d in desk.repository.detectors(desk.selection.instrument)}
    run = run_of(desk.selection.verification(choice))
    asked = acceptance.Verification(
        product=choice.product,
        run=run,
        exposures=desk.selection.verification_exposures(choice),
        detectors=[known[detector] for detector in desk.selection.detectors],
        known=known,
        processed=desk.selection.detectors,
        threshold=threshold,
    )
    return acceptance.verdict_on(asked, lambda: desk.repository.statistics(run, choice.product.statistics))


def replaced(desk: Desk, choice: ExposureChoice) -> str:
    """Report that a calibration is not the one that was verified; empty if it is, or nothing was verified."""
    generation, verification = (run_of(name) for name in _collections(desk, choice))
    made = desk.repository.ingest_dates(generation, choice.product.dataset_type)
    verified = desk.repository.ingest_dates(verification, choice.product.statistics[0])
    if not made or not verified or max(made) < min(verified):
        return ""
    return (
        f"the {choice.product.dataset_type} in {generation} was written after it was verified in {verification}, so "
        "it is not the one that was verified"
    )


def _collections(desk: Desk, choice: ExposureChoice) -> tuple[str, str]:
    return desk.selection.generation(choice), desk.selection.verification(choice)


def write_report(desk: Desk, choice: ExposureChoice, verdict: Verdict) -> Path:
    """Write the documented report of a verification beside the selection, and return its path.

    Raises
    ------
    RepositoryError
        If it cannot be written.
    """
    generated, verified = _collections(desk, choice)
    path = desk.directory / "reports" / f"{verified.rpartition('/')[2]}.txt"
    text = (
        f"{words.headline(verdict, generating=True)}\n{words.failure_report(verdict, generated, verified)}\n"
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RepositoryError(f"The report {path} cannot be written: {describe(error)}") from error
    return path
