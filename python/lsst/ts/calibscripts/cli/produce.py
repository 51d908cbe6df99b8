"""`calibscripts produce`: calibrations from exposures that exist, from their selection to other repositories."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ._help import WholeSentences
from ._options import DIRECTORY, FILE
from ._production import (
    APPROVAL,
    DRY_RUN,
    ENGINE,
    ONLY,
    SELECTION,
    TYPES,
    at_desk,
    request,
    validity,
    work,
)

__all__ = ["produce"]


@click.group(cls=WholeSentences)
def produce() -> None:
    """Make calibrations from exposures that exist already.

    Each step can be run again: what is done is left as it is. Commands that do the same are printed as a shell
    reads them, all else as comments. What was done is recorded beside the selection, in a file whose name ends in
    .record.jsonl.
    """


@produce.command()
@click.argument("repo")
@click.option("--instrument", required=True, help="Butler instrument name.")
@click.option("--ticket", required=True, help="Ticket of the work, e.g. DM-43525.")
@click.option("--tag", required=True, help="What the calibrations are for, in one word.")
@click.option("--rerun", required=True, help="Date of the generation and a letter, e.g. 20240326a.")
@click.option(
    "--cert-rerun", default="", help="Date and letter of the certification, e.g. 20240405a. Default: --rerun."
)
@click.option("--day-obs", required=True, metavar="DAYS", help="Observing day, or a range FIRST..LAST.")
@click.option("--verify-day-obs", metavar="DAYS", help="Other days, for the verification sample.")
@click.option(
    "--every",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Use every Nth exposure of --verify-day-obs.",
)
@TYPES
@click.option(
    "--number",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Approximate number of exposures.",
)
@click.option("--filter", "filters", multiple=True, help="Physical filter or band of flats; all by default.")
@click.option(
    "--reason", "reasons", multiple=True, metavar="TYPE=REASON", help="observation_reason of a type."
)
@click.option(
    "--exposure-time", "times", multiple=True, metavar="TYPE=SECONDS", help="Exposure time of a type."
)
@click.option("--detectors", help="E.g. 0..8. Default: all that are used.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("selection.yaml"),
    show_default=True,
    help="Selection file to write.",
)
@DRY_RUN
def select(output: Path, dry_run: bool, **given: Any) -> None:
    """Select exposures of REPO for each calibration, and write them into a file that can be edited."""
    from ..production import select

    wanted = request(**given)
    if dry_run:
        click.echo(wanted.command())
    else:
        select(wanted, output, click.echo)


@produce.command()
@SELECTION
@ONLY
@ENGINE
@DRY_RUN
def generate(selection: Path, labels: tuple[str, ...], dry_run: bool, **engine: Any) -> None:
    """Run the pipelines that make the calibrations of SELECTION, each after its inputs."""
    _make("generate", selection, labels, dry_run, engine)


@produce.command()
@SELECTION
@ONLY
@ENGINE
@DRY_RUN
def verify(selection: Path, labels: tuple[str, ...], dry_run: bool, **engine: Any) -> None:
    """Verify the calibrations of SELECTION with the exposures they were made from, and with others."""
    _make("verify", selection, labels, dry_run, engine)


def _make(step: str, selection: Path, labels: tuple[str, ...], dry_run: bool, engine: dict[str, Any]) -> None:
    from ..production.steps.making import commands, make

    with at_desk(selection) as desk:
        how = work(desk, step, **engine)
        if dry_run:
            desk.show(commands(desk.selection, labels, how))
        else:
            make(desk, labels, how)


@produce.command()
@SELECTION
@ONLY
@APPROVAL
@DRY_RUN
def approve(selection: Path, labels: tuple[str, ...], dry_run: bool, **given: Any) -> None:
    """Show the reports of the verifications, and record who approves what."""
    from ..production import Approval
    from ..production.steps.approving import approve, commands

    with at_desk(selection) as desk:
        if dry_run:
            desk.show(commands(desk.selection, labels))
        else:
            approve(desk, labels, Approval(**given))


@produce.command()
@SELECTION
@ONLY
@validity(required=True)
@DRY_RUN
def certify(
    selection: Path, labels: tuple[str, ...], begin_date: str, end_date: str | None, dry_run: bool
) -> None:
    """Certify what is approved, each in a collection of its own."""
    from ..production import validity_range
    from ..production.steps.certifying import certify, commands

    with at_desk(selection) as desk:
        dates = validity_range(begin_date, end_date)
        if dry_run:
            desk.show(commands(desk.selection, labels, dates))
        else:
            certify(desk, labels, dates)


@produce.command()
@SELECTION
@click.option("--repo", help="Another repository that the calibrations were brought to.")
@click.option("--undo", is_flag=True, help="Restore the chains as they were before.")
@DRY_RUN
def chain(selection: Path, repo: str | None, undo: bool, dry_run: bool) -> None:
    """Put what is certified in front of <INSTRUMENT>/calib, where everybody finds it."""
    from ..production.steps import chaining

    with at_desk(selection) as desk:
        there = desk.at(repo) if repo else desk
        if dry_run:
            uri = there.repository.uri
            desk.show(chaining.undo_commands(there) if undo else chaining.commands(desk.selection, uri))
        elif undo:
            chaining.undo(there)
        else:
            chaining.chain(there)


@produce.command()
@SELECTION
@click.option(
    "--to", "directory", type=DIRECTORY, help="By default calibs.<CERT_RERUN> beside the selection."
)
@DRY_RUN
def export(selection: Path, directory: Path | None, dry_run: bool) -> None:
    """Copy the certified calibrations into a directory, with their checksums."""
    from ..production import export
    from ..production.steps.transferring import export_commands

    with at_desk(selection) as desk:
        target = directory or desk.directory / desk.selection.names.export
        if dry_run:
            desk.show(export_commands(desk.selection, target))
        else:
            export(desk, target, selection)


@produce.command("import-to")
@click.argument("repo")
@SELECTION
@click.option(
    "--from",
    "directory",
    type=DIRECTORY,
    help="The export; by default calibs.<CERT_RERUN> beside the selection.",
)
@click.option("--reference", type=FILE, help="File whose permissions the imported files get.")
@DRY_RUN
def import_to(
    repo: str, selection: Path, directory: Path | None, reference: Path | None, dry_run: bool
) -> None:
    """Bring exported calibrations into REPO, compare their checksums, and chain them there.

    SELECTION may be the copy in the export itself, where only that was brought here.
    """
    from ..production import import_to
    from ..production.steps.transferring import export_directory, import_commands

    with at_desk(selection) as desk:
        source = directory or export_directory(desk)
        if dry_run:
            desk.show(import_commands(desk.selection, repo, source, reference))
        else:
            import_to(desk, repo, source, reference)


@produce.command()
@SELECTION
@ENGINE
@APPROVAL
@validity(required=True)
@DRY_RUN
def run(selection: Path, dry_run: bool, begin_date: str, end_date: str | None, **given: Any) -> None:
    """Do all steps from generate to export, as far as they are approved."""
    from ..production import Approval, validity_range
    from ..production.steps.running import commands, run

    engine = {name: given.pop(name) for name in ("engine", "bps_config", "processes")}
    with at_desk(selection) as desk:
        dates = validity_range(begin_date, end_date)
        steps = [work(desk, step, **engine) for step in ("generate", "verify")]
        if dry_run:
            desk.show(commands(desk, steps, dates))
        else:
            run(desk, steps, Approval(**given), dates, selection)


@produce.command()
@click.argument("repos", nargs=-1, required=True)
@click.option("--collection", required=True, help="E.g. LATISS/calib, or LATISS/calib/DM-43525.")
@DRY_RUN
def compare(repos: tuple[str, ...], collection: str, dry_run: bool) -> None:
    """Report whether REPOS hold the same calibrations behind a collection; the exit code is 1 if not."""
    from ..production.commands import shell_text, show_chain
    from ..production.comparing import contents, text

    if len(repos) < 2:
        raise click.UsageError("Name two repositories or more")
    for repo in repos:
        click.echo(shell_text(show_chain(repo, collection)))
    if not dry_run:
        agree, lines = text([contents(repo, collection) for repo in repos])
        click.echo(lines)
        sys.exit(0 if agree else 1)


@produce.command("check-deployed")
@click.argument("repo")
@click.argument("exposure", type=int)
@click.option("--instrument", help="Needed where several instruments have an exposure of that number.")
@click.option("--detectors", help="E.g. 0..8. Default: all that are used.")
@click.option("--collection", help="Where to look. Default: <INSTRUMENT>/calib.")
@DRY_RUN
def check_deployed(repo: str, exposure: int, dry_run: bool, **narrowed: str | None) -> None:
    """Report which calibrations EXPOSURE would get in REPO now, and where it gets none, why.

    The exit code is 1 where a bias, dark or flat is not found.
    """
    from ..production.deployed import check

    complete = check(repo, exposure, click.echo, look=not dry_run, **narrowed)
    sys.exit(0 if complete else 1)
