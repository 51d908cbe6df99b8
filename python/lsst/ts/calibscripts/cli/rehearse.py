"""`calibscripts rehearse`: a script, or BLOCKs, in the simulated summit."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from pathlib import Path

import click

from ..errors import CalibScriptsError

__all__ = ["rehearse"]


@click.command()
@click.argument("script", required=False)
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="YAML file.")
@click.option(
    "--resume",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Record of a run that did not come to its end: go on with the images it has taken, in its repository.",
)
@click.option(
    "--block",
    "blocks",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="BLOCK file whose scripts are run instead; may be given several times, they are run in order.",
)
@click.option(
    "--override",
    "overrides",
    multiple=True,
    metavar="NAME=VALUE",
    help="What add_block would be given as override; goes to the BLOCKs that have such a property.",
)
@click.option(
    "--ready",
    is_flag=True,
    help="Begin with a warm lamp, dome and telescope at the flat screen, as a calibration script by itself always "
    "does; BLOCKs begin with the state before BLOCK-309.",
)
@click.option(
    "--repo",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("rehearsal"),
    show_default=True,
    help="Directory of the rehearsal repository; made where there is none.",
)
@click.option(
    "--registry",
    metavar="POSTGRESQL://USER@HOST:PORT/DATABASE",
    help="PostgreSQL database for the registry of the repository, as at the summit, instead of SQLite; with "
    "?namespace=NAME in that schema, else in one called as the repository.",
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
@click.option("--full-scale", is_flag=True, help="Make frames of 4072 x 4000 pixels instead of 512 x 500.")
@click.option(
    "--fault", "faults", multiple=True, help="Something that misbehaves; may be given several times."
)
@click.option("--list-faults", is_flag=True, help="List what can misbehave.")
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
    full_scale: bool,
    faults: tuple[str, ...],
    list_faults: bool,
) -> None:
    """Run SCRIPT in the simulated summit, e.g. auxtel/make_latiss_calibrations.py, or the scripts of BLOCKs in order.

    Scripts of other packages that the weekly calibrations of LATISS use have small stand-ins. A script that ends
    FAILED pauses the queue: the rest is not run. The exit code is 0 only if all scripts ended DONE.
    """
    # A rehearsal never talks to a real summit, not even where the observatory's middleware is installed.
    os.environ.setdefault("CALIBSCRIPTS_SAL", "embedded")
    # The simulated summit needs the data middleware: imported when it is needed.
    from rich.console import Console

    if list_faults:
        from ..summit.faults import FAULTS

        for fault in FAULTS.values():
            click.echo(f"{fault.name:32}{fault.description}")
        return
    _check_usage(script, config, resume, blocks, overrides, repo)
    from ..blocks import parse_overrides
    from ..summit.rehearsal import Rehearsal, rehearse
    from ..summit.script_queue import read_config

    begun = time.time()
    try:
        text = read_config(config)
        if resume is not None:
            script, text, repo = _resumed(resume)
        records = _record_directory(repo)
        wanted = Rehearsal(
            script or "",
            text,
            repo,
            speed,
            seed,
            faults,
            workers,
            full_scale,
            blocks,
            parse_overrides(overrides),
            ready,
            registry,
        )
        finished = asyncio.run(rehearse(wanted, Console()))
        # The process ends soon: looking for garbage on the way would take longer than to leave it.
        gc.freeze()
        _report(records, begun)
    except (CalibScriptsError, LookupError) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(finished.exit_code)


def _resumed(path: Path) -> tuple[str, str, Path]:
    """Give script, configuration and repository that go on where the run of a record ended."""
    import yaml

    from ..record import read_record, resume_configuration

    record = read_record(path)
    text = yaml.safe_dump(resume_configuration(record), default_flow_style=None)
    click.echo(f"Resuming {record.about.script} with:\n{text}")
    return record.about.script, text, Path(str(record.about.config["repo"]))


def _record_directory(repo: Path) -> Path:
    """Say where the records of the rehearsal go: where the environment says, else beside its repository."""
    from ..record import DIRECTORY_VARIABLE, record_directory

    beside = repo.absolute().with_name(f"{repo.name}-scratch") / "records"
    os.environ.setdefault(DIRECTORY_VARIABLE, str(beside))
    return record_directory()


def _report(directory: Path, begun: float) -> None:
    """Write a report on every run of the rehearsal, and say where record and report are."""
    from .report import write_page

    for path in sorted(directory.glob("*.jsonl")):
        if path.stat().st_mtime >= begun:
            click.echo(f"Record: {path}\nReport: {write_page(path)}")


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
