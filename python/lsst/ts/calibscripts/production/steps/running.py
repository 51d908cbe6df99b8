"""All steps from generation to export, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...ground.time_range import TimeRange
from ..desk import Desk
from . import approving, certifying, chaining, making, transferring
from .approving import Approval
from .making import Work

__all__ = ["commands", "run"]


def commands(desk: Desk, steps: Sequence[Work], validity: TimeRange) -> Iterator[str]:
    """Return the commands of all steps."""
    selection = desk.selection
    for work in steps:
        yield from making.commands(selection, (), work)
    yield from certifying.commands(selection, (), validity)
    yield from chaining.commands(selection, selection.repo)
    yield from transferring.export_commands(selection, desk.directory / selection.names.export)


def run(desk: Desk, steps: Sequence[Work], approval: Approval, validity: TimeRange, selection: Path) -> None:
    """Do all steps.

    Raises
    ------
    CalibScriptsError
        If one does not succeed; the later ones were not begun.
    """
    for work in steps:
        making.make(desk, (), work)
    approving.approve(desk, (), approval)
    if not approval.approved_by and not approving.all_approved(desk):
        return
    certifying.certify(desk, (), validity)
    chaining.chain(desk)
    transferring.export(desk, desk.directory / desk.selection.names.export, selection)
