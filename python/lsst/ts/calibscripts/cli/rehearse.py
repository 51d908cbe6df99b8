"""`calibscripts rehearse`: a script, or BLOCKs, in the simulated summit."""

from __future__ import annotations

import gc
import os
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from ..errors import ConfigurationError
from ..ground.text import parse_ranges
from ._options import DIRECTORY, FILE

if TYPE_CHECKING:
    from ..summit.rehearsing.rehearsal import Rehearsal
    from ..summit.rehearsing.termination import Termination

__all__ = ["rehearse"]


@click.command()
@click.argument("script", required=False)
@click.option("--config", type=FILE, help="YAML file.")
@click.option(
    "--resume",
    type=FILE,
    help="Record of a run that did not finish: resume it with the images it has taken, in its repository.",
)
@click.option(
    "--block",
    "blocks",
    multiple=True,
    type=FILE,
    help="BLOCK file whose scripts are run instead; may be repeated; they are run in order.",
)
@click.option(
    "--override",
    "overrides",
    multiple=True,
    metavar="NAME=VALUE",
    help="What add_block would get as override; goes to the BLOCKs that have such a property.",
)
@click.option(
    "--ready",
    is_flag=True,
    help="Begin with a warm lamp, dome and telescope at the flat screen, as a calibration script by itself always "
    "does; BLOCKs begin with the state before BLOCK-309.",
)
@click.option(
    "--repo",
    type=DIRECTORY,
    default=Path("rehearsal"),
    show_default=True,
    help="Directory of the rehearsal repository; created if missing.",
)
@click.option(
    "--registry",
    metavar="POSTGRESQL://USER@HOST:PORT/DATABASE",
    help="PostgreSQL database for the registry of the repository, as at the summit, instead of SQLite; with "
    "?namespace=NAME in that schema, else in one named after the repository.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0.01),
    default=100.0,
    show_default=True,
    help="Divides exposure, readout and other times of the simulated hardware, but no timeout.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the simulated detectors.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="How many OCPS jobs run at once; no limit by default."
)
@click.option(
    "--detectors",
    metavar="IDS",
    callback=lambda context, option, text: _parse_detectors(text),
    help="Read out and process only these detectors, e.g. 0..5,94. Default: those that the configuration asks for.",
)
@click.option("--full-scale", is_flag=True, help="Make frames of 4072 x 4000 pixels instead of 512 x 500.")
@click.option("--fault", "faults", multiple=True, help="Fault to simulate; may be repeated.")
@click.option("--list-faults", is_flag=True, help="List the faults and their options.")
@click.option("--serve", is_flag=True, help="Serve the page of the running rehearsal; it stays until Ctrl-C.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8600, show_default=True, help="Port of --serve; 0: any."
)
@click.option("--open", "open_report", is_flag=True, help="Open the report in a web browser at the end.")
def rehearse(
    script: str | None,
    config: Path | None,
    resume: Path | None,
    blocks: tuple[Path, ...],
    overrides: tuple[str, ...],
    ready: bool,
    repo: Path,
    registry: str | None,
    speed: float,
    seed: int,
    workers: int | None,
    detectors: tuple[int, ...],
    full_scale: bool,
    faults: tuple[str, ...],
    list_faults: bool,
    serve: bool,
    port: int,
    open_report: bool,
) -> None:
    """Run SCRIPT in the simulated summit, e.g. auxtel/make_latiss_calibrations.py, or the scripts of BLOCKs in order.

    Scripts of other packages that the weekly calibrations of LATISS use have small stand-ins. A script that ends
    FAILED pauses the queue: the rest is not run. The exit code is 0 only if all scripts ended DONE.

    Ctrl-C stops the script as an observer would: its jobs are aborted, no further certification begins, and the exit
    code is 130 (after SIGTERM 143). A second Ctrl-C ends the rehearsal at once.
    """
    # A rehearsal never talks to a real summit, not even where the observatory's middleware is installed.
    os.environ.setdefault("CALIBSCRIPTS_SAL", "embedded")
    from ..summit.rehearsing.termination import Termination

    if list_faults:
        _list_faults()
        return
    _check_usage(script, config, resume, blocks, overrides, repo)
    with ExitStack() as pages, Termination() as termination:
        try:
            # The simulated summit needs the data middleware: imported when it is needed.
            from ..check.blocks import parse_overrides
            from ..summit.faults.faults import Faults
            from ..summit.queue.script_queue import read_config
            from ..summit.rehearsing.rehearsal import Rehearsal, Surroundings

            text = read_config(config)
            if resume is not None:
                script, text, repo = _resumed(resume)
            summit = Surroundings(
                repo, registry, speed, seed, Faults(faults), workers, full_scale, detectors, ready
            )
            wanted = Rehearsal(script or "", text, blocks, parse_overrides(overrides), summit)
            show = _Show(pages, port if serve else None, open_report)
            exit_code = _rehearse(wanted, termination, show)
        finally:
            # The process ends soon: looking for garbage on the way takes seconds, longer than to leave it.
            gc.freeze()
    sys.exit(exit_code)


@dataclass(frozen=True)
class _Show:
    """How a rehearsal is shown: what closes at its end, the port of its pages (None for none), and in a browser?"""

    pages: ExitStack
    port: int | None
    in_browser: bool

    def begin(self, records: Path) -> None:
        """Serve the pages of the records."""
        if self.port is None:
            return
        from ..web.app import Setup
        from ..web.server import served

        url = self.pages.enter_context(served(Setup((records,)), "127.0.0.1", self.port))
        click.echo(f"Watch it at {url}")
        if self.in_browser:
            click.launch(url)

    def stay(self) -> None:
        """Keep the pages until Ctrl-C."""
        if self.port is not None:
            self.pages.callback(_wait)


def _wait() -> None:
    click.echo("The pages stay until Ctrl-C.")
    with suppress(KeyboardInterrupt):
        Event().wait()


def _list_faults() -> None:
    """Print all faults with their options, and what the option ``of`` names."""
    from ..summit.faults.faults import FAULTS

    for fault in FAULTS.values():
        click.echo(f"{fault.text}\n    {fault.description}{fault.names}")
    click.echo(
        "\nThe options with their defaults. of: what is hit, empty for any; at: the first image or job of that "
        "kind, from 1; count: how many, or all; delay: seconds."
    )


def _parse_detectors(text: str | None) -> tuple[int, ...]:
    """Read detector ids and ranges of them, e.g. ``0..5,94``."""
    try:
        return tuple(dict.fromkeys(parse_ranges(text))) if text else ()
    except ValueError as error:
        raise click.BadParameter(f"{error}; write for example 0..5,94") from error


def _rehearse(wanted: Rehearsal, termination: Termination, show: _Show) -> int:
    """Rehearse, write the reports, and return the exit code."""
    from rich.console import Console

    from ..summit.rehearsing.rehearsal import rehearse

    begun = time.time()
    records = _record_directory(wanted.summit.repo)
    show.begin(records)
    finished = rehearse(wanted, Console(), termination)
    _report(records, begun, show.in_browser and show.port is None)
    if termination.received is None:
        show.stay()
    return finished.exit_code


def _resumed(path: Path) -> tuple[str, str, Path]:
    """Return script, configuration and repository that go on where the run of a record ended."""
    from ..events.resume import resumption
    from ..record import read_record

    record = read_record(path)
    if record.state.is_complete:
        raise ConfigurationError(
            [
                f"{path}: nothing to resume: the run ended {record.outcome}, and all that it was asked for is done"
            ]
        )
    text = resumption(record.state, record.about.given).text
    click.echo(f"Resuming {record.about.script} with:\n{text}")
    return record.about.script, text, Path(str(record.about.config["repo"]))


def _record_directory(repo: Path) -> Path:
    """Report where the records of the rehearsal go: where the environment says, else beside its repository."""
    from ..record import DIRECTORY_VARIABLE, record_directory

    beside = repo.absolute().with_name(f"{repo.name}-scratch") / "records"
    os.environ.setdefault(DIRECTORY_VARIABLE, str(beside))
    return record_directory()


def _report(directory: Path, begun: float, open_report: bool) -> None:
    """Write a report on every run of the rehearsal, and say where record and report are."""
    from .report import write_page

    for path in sorted(directory.glob("*.jsonl")):
        if path.stat().st_mtime >= begun:
            page = write_page(path).absolute().as_uri()
            click.echo(f"Record: {path}\nReport: {page}")
            if open_report:
                click.launch(page)


def _check_usage(
    script: str | None,
    config: Path | None,
    resume: Path | None,
    blocks: tuple[Path, ...],
    overrides: tuple[str, ...],
    repo: Path,
) -> None:
    """Refuse options that do not go together, and a directory that no butler could be in."""
    if repo.suffix:
        raise click.UsageError(
            f"--repo {repo}: the butler takes {repo.name!r} for the name of a file; choose a name without a dot"
        )
    if "%" in str(repo.absolute()):
        raise click.UsageError(
            f"--repo {repo}: the butler reads % in a path as the beginning of an escaped character; choose another"
        )
    if sum((script is not None, bool(blocks), resume is not None)) != 1:
        raise click.UsageError(
            "Name a script, e.g. auxtel/make_latiss_calibrations.py, or BLOCK files with --block, or a record with "
            "--resume"
        )
    if resume and config:
        raise click.UsageError("--resume takes the configuration from the record")
    if blocks and config:
        raise click.UsageError(
            "--config is for a script by itself; the parameters of a BLOCK take --override"
        )
    if overrides and not blocks:
        raise click.UsageError("--override is for BLOCKs; a script by itself takes --config")
