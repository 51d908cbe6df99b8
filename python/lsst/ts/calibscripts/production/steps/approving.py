"""The step `approve`: the verdicts, the report, and a name to stand for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...errors import ConfigurationError
from ...verification import words
from ..commands import query_statistics, shell_text
from ..desk import Desk, chosen, fail
from ..ledger import Approved
from ..pipelines import verifies
from ..selection.naming import run_of
from ..selection.selection import ExposureChoice, Selection
from .judging import replaced, verdict_on, write_report
from .making import ANEW

__all__ = ["Approval", "all_approved", "approve", "approved_datasets", "commands"]

NOT_VERIFIED = "no verification of {} exists: approved without one"


@dataclass(frozen=True)
class Approval:
    """Who approves, and why."""

    #: A name and why; without a name the reports are shown and nothing is approved.
    approved_by: str
    reason: str
    #: Why a calibration is approved although it failed its verification; empty where none is.
    despite_failures: str
    threshold: int  #: Failed tests per detector and test type, as of the scripts.


def commands(selection: Selection, labels: Sequence[str]) -> Iterator[str]:
    """Return the commands that show what there is to be approved."""
    for choice in chosen(selection, labels):
        if verifies(selection.instrument, choice.product):
            yield shell_text(query_statistics(selection, choice))


def approve(desk: Desk, labels: Sequence[str], approval: Approval) -> None:
    """Report the verifications, and record who approves which datasets.

    Raises
    ------
    ConfigurationError
        If somebody approves without a reason.
    RunFailedError
        If not all could be approved; those that could were.
    """
    if approval.approved_by and not approval.reason:
        raise ConfigurationError(["--approved-by needs --reason, e.g. why it is good. Nothing was approved."])
    failures = [
        problem for choice in chosen(desk.selection, labels) if (problem := _approve(desk, choice, approval))
    ]
    if not approval.approved_by and not all_approved(desk):
        desk.say("Nothing was approved: certification waits for --approved-by NAME --reason TEXT.")
    fail(failures)


def _approve(desk: Desk, choice: ExposureChoice, approval: Approval) -> str:
    """Approve a calibration, and say what stands in the way; nothing if nothing does."""
    label, run = choice.label, run_of(desk.selection.generation(choice))
    ids = desk.repository.made(run, choice.product.dataset_type)
    datasets = tuple(sorted(ids[detector] for detector in desk.selection.detectors if detector in ids))
    if not ids:
        return f"{label} was not approved: it is not generated yet ({run} holds no {choice.product.dataset_type})"
    if lost := [detector for detector in desk.selection.detectors if detector not in ids]:
        return f"{label} was not approved: {run} has none of detectors {', '.join(map(str, lost))}"
    if why := replaced(desk, choice):
        return f"{label} was not approved: {why}. {ANEW}"
    if (known := _known(desk, label, datasets)) is not None:
        desk.already(f"approve {label}", f"by {known.approved_by}: {known.reason}. {known.verdict}")
        return ""
    passed, text = _verdict(desk, choice, approval.threshold)
    if not approval.approved_by:
        return ""
    if not passed and not approval.despite_failures:
        return (
            f"{label} was not approved, since it failed its verification: generate it from other exposures, or "
            "say with --despite-failures why it is good enough"
        )
    despite = "" if passed else approval.despite_failures
    desk.ledger.write(Approved(label, approval.approved_by, approval.reason, despite, text, run, datasets))
    but = f" DESPITE failures: {despite}" if despite else ""
    desk.say(f"{label}: approved by {approval.approved_by}: {approval.reason}{but}")
    return ""


def _verified(desk: Desk, choice: ExposureChoice) -> bool:
    """Return whether a calibration is verified in this installation, or was in the one it was made with."""
    if verifies(desk.selection.instrument, choice.product):
        return True
    return not desk.repository.missing_collections([run_of(desk.selection.verification(choice))])


def _verdict(desk: Desk, choice: ExposureChoice, threshold: int) -> tuple[bool, str]:
    """Report a verification; one that a product does not have counts as passed, with a warning."""
    if not _verified(desk, choice):
        text = NOT_VERIFIED.format(choice.product.name)
        desk.say(f"{choice.label}: WARNING: {text}")
        return True, text
    verdict = verdict_on(desk, choice, threshold)
    desk.say(f"{choice.label}: {words.headline(verdict, generating=True).rstrip(': ')}")
    desk.say(f"    {words.verdict_line(verdict, generating=True)}")
    if not verdict.clean:
        desk.say(f"    the report is in {write_report(desk, choice, verdict)}")
    return verdict.passed, words.verdict_line(verdict, generating=False)


def _known(desk: Desk, label: str, datasets: Sequence[str]) -> Approved | None:
    """Return the approval of these datasets, None where there is none."""
    return next(
        (e for e in desk.ledger.events(Approved) if e.label == label and {*e.datasets} >= {*datasets}), None
    )


def all_approved(desk: Desk) -> bool:
    """Return whether everything is approved as it is now."""
    return all(approved_datasets(desk, choice) is not None for choice in desk.selection.choices)


def approved_datasets(desk: Desk, choice: ExposureChoice) -> Approved | None:
    """Return the approval of what is in the RUN of a calibration now, None where it is not approved."""
    run = run_of(desk.selection.generation(choice))
    ids = desk.repository.made(run, choice.product.dataset_type)
    wanted = [ids[detector] for detector in desk.selection.detectors if detector in ids]
    return _known(desk, choice.label, wanted) if len(wanted) == len(desk.selection.detectors) else None
