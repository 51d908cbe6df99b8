"""Rehearses a script in the simulated summit, from the ScriptQueue's commands to what is certified."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from ..config import read_yaml
from ..errors import ConfigurationError
from ..instruments import INSTRUMENTS
from ..progress import Certified, Event
from ..sal import MIDDLEWARE
from .display import Display
from .pipetask import PIPELINES
from .script_queue import Outcome, ScriptQueue, find_script
from .site import Summit, make_rehearsal_repository

__all__ = ["Rehearsal", "rehearse"]


@dataclass(frozen=True)
class Rehearsal:
    """What to rehearse, and how.

    Attributes
    ----------
    script : `str`
        Name of the script, e.g. ``auxtel/make_latiss_calibrations.py``.
    config : `str`
        Configuration, YAML.
    repo : `pathlib.Path`
        Directory of the rehearsal repository; made where there is none.
    speed : `float`
        Divides the times of the simulated hardware.
    seed : `int`
        Seed of the simulated detectors.
    faults : `tuple` [`str`]
        What misbehaves.
    workers : `int` or `None`
        How many OCPS jobs run at once.
    full_scale : `bool`
        Make frames of the size of real ones.
    """

    script: str
    config: str = ""
    repo: Path = Path("rehearsal")
    speed: float = 100.0
    seed: int = 0
    faults: tuple[str, ...] = ()
    workers: int | None = None
    full_scale: bool = False


async def rehearse(rehearsal: Rehearsal, console: Console) -> Outcome:
    """Run a script in the simulated summit.

    Parameters
    ----------
    rehearsal : `Rehearsal`
        What and how.
    console : `rich.console.Console`
        Takes what LOVE would log, the progress and the closing tables.

    Returns
    -------
    `Outcome`
        How the script ended.

    Raises
    ------
    ConfigurationError
        If the configuration is no YAML, or a fault is unknown.
    LookupError
        If there is no such script.
    """
    instrument = instrument_of(rehearsal.script)
    console.print(f"Rehearsing {rehearsal.script} on {MIDDLEWARE} middleware, speed {rehearsal.speed:g}.")
    repo = await asyncio.to_thread(_repository, rehearsal, instrument, console)
    config = _replace_repo(rehearsal.config, instrument, repo, console)
    # The script looks its pipelines up where the Science Pipelines' packages say they are.
    os.environ |= {"CP_PIPE_DIR": str(PIPELINES / "cp_pipe"), "CP_VERIFY_DIR": str(PIPELINES / "cp_verify")}
    certified: list[Certified] = []

    def keep(event: Event) -> None:
        if isinstance(event, Certified):
            certified.append(event)

    with Display(console) as display:
        async with Summit(
            repo,
            [instrument],
            speed=rehearsal.speed,
            seed=rehearsal.seed,
            faults=rehearsal.faults,
            workers=rehearsal.workers,
            full_scale=rehearsal.full_scale,
        ) as summit:
            console.print(f"Logs of jobs: {summit.scratch}/uws/<jobId>/outs/ocps.log", highlight=False)
            queue = ScriptQueue(display.log, display.state)
            outcome = await queue.run(
                rehearsal.script, config, observers=[display, keep], while_running=summit.interrupt
            )
    _close(console, display, certified, outcome, repo)
    return outcome


def instrument_of(script: str) -> str:
    """Give the instrument of a calibration script of this package.

    Raises
    ------
    LookupError
        If there is no such script.
    """
    model = getattr(find_script(script), "config_model", None)
    if model is None or model.instrument is None:
        raise LookupError(f"{script} takes no calibrations of an instrument")
    return str(model.instrument.name)


def _repository(rehearsal: Rehearsal, instrument: str, console: Console) -> str:
    """Give the rehearsal repository, made afresh where there is none."""
    if (rehearsal.repo / "butler.yaml").exists():
        console.print(f"Using the repository in {rehearsal.repo}.")
        return str(rehearsal.repo.absolute())
    repo = make_rehearsal_repository(
        rehearsal.repo.absolute(), [instrument], seed=rehearsal.seed, full_scale=rehearsal.full_scale
    )
    console.print(f"Made a rehearsal repository with reference calibrations in {rehearsal.repo}.")
    return repo


def _replace_repo(text: str, instrument: str, repo: str, console: Console) -> str:
    """Replace the default ``repo`` of a configuration by the rehearsal's, and say so."""
    given, problems = read_yaml(text)
    if problems:
        raise ConfigurationError(problems)
    default = INSTRUMENTS[instrument].repo
    if given.get("repo", default) != default:
        return text
    console.print(f"repo: {default} is replaced by {repo}")
    return yaml.safe_dump({**given, "repo": repo})


def _close(
    console: Console, display: Display, certified: Iterable[Certified], outcome: Outcome, repo: str
) -> None:
    """Print what took how long, what was certified and where, and how the script ended."""
    console.print("\nTime line")
    for line in display.timeline():
        console.print(line, highlight=False, soft_wrap=True)
    table = Table(
        "product", "collection", "validity range (TAI)", "datasets", title="Certified", title_justify="left"
    )
    commands = []
    for product in certified:
        kind = product.product.lower()
        validity = f"{product.begin or 'open'} to {product.end or 'open'}"
        table.add_row(product.product, product.collection, validity, str(len(product.datasets)))
        commands.append(f"butler query-datasets {repo} {kind} --collections {product.collection}")
    console.print()
    if commands:
        console.print(table)
        console.print("To see it:")
        for command in commands:
            console.print(f"  {command}", highlight=False, soft_wrap=True)
    else:
        console.print("Nothing was certified.")
    reason = f": {outcome.reason}" if outcome.reason else ""
    console.print(f"\n{outcome.script} ended {outcome.state.name}{reason}", soft_wrap=True)
