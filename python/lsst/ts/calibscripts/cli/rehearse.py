"""`calibscripts rehearse`: a script in the simulated summit."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from ..errors import CalibScriptsError

__all__ = ["rehearse"]


@click.command()
@click.argument("script", required=False)
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="YAML file.")
@click.option(
    "--repo",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("rehearsal"),
    show_default=True,
    help="Directory of the rehearsal repository; made where there is none.",
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
    repo: Path,
    speed: float,
    seed: int,
    workers: int | None,
    full_scale: bool,
    faults: tuple[str, ...],
    list_faults: bool,
) -> None:
    """Run SCRIPT in the simulated summit, e.g. auxtel/make_latiss_calibrations.py.

    The exit code is 0 only if the script ended DONE.
    """
    # The simulated summit needs the data middleware: imported when it is needed.
    from rich.console import Console

    if list_faults:
        from ..summit.faults import FAULTS

        for fault in FAULTS.values():
            click.echo(f"{fault.name:32}{fault.description}")
        return
    if script is None:
        raise click.UsageError("Name a script, e.g. auxtel/make_latiss_calibrations.py")
    from ..summit.rehearsal import Rehearsal, rehearse
    from ..summit.script_queue import read_config

    wanted = Rehearsal(script, read_config(config), repo, speed, seed, faults, workers, full_scale)
    try:
        outcome = asyncio.run(rehearse(wanted, Console()))
    except (CalibScriptsError, LookupError) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(outcome.exit_code)
