"""Rehearses a script or BLOCKs in the simulated summit, from the ScriptQueue's commands to what is certified."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from ..blocks import Block, expand, expand_all, load_block
from ..errors import ConfigurationError, RepositoryError
from ..instruments import LATISS
from ..job_logs import JOB_LOGS_VARIABLE, job_log
from ..sal import MIDDLEWARE
from .pipetask import PIPELINES, start_server
from .script_queue import Entry, Finished, block_entries, find_queued, script_names
from .site import Summit, make_rehearsal_repository
from .stage import Stage, instrument_of

__all__ = ["Rehearsal", "rehearse"]


@dataclass(frozen=True)
class Rehearsal:
    """What to rehearse, and how.

    Attributes
    ----------
    script : `str`
        Name of the script, e.g. ``auxtel/make_latiss_calibrations.py``; empty where BLOCKs are rehearsed.
    config : `str`
        Configuration of the script, YAML.
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
    blocks : `tuple` [`pathlib.Path`]
        BLOCK files whose scripts are run, one BLOCK after another.
    overrides : mapping
        Values for the BLOCKs that have a property of that name, as add_block takes them.
    ready : `bool`
        Begin with LATISS ready for flats. A calibration script by itself always does, else the summit is as before
        BLOCK-309.
    registry : `str` or `None`
        PostgreSQL database for the registry of a repository that is made; SQLite where it is None.
    """

    script: str = ""
    config: str = ""
    repo: Path = Path("rehearsal")
    speed: float = 100.0
    seed: int = 0
    faults: tuple[str, ...] = ()
    workers: int | None = None
    full_scale: bool = False
    blocks: tuple[Path, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    ready: bool = False
    registry: str | None = None

    @property
    def begins_ready(self) -> bool:
        """Does the summit begin ready for flats?"""
        return self.ready or self.script in script_names()


async def rehearse(rehearsal: Rehearsal, console: Console) -> Finished:
    """Run a script, or the scripts of BLOCKs, in the simulated summit.

    Parameters
    ----------
    rehearsal : `Rehearsal`
        What and how.
    console : `rich.console.Console`
        Takes what LOVE would log, the progress and the closing tables.

    Returns
    -------
    `Finished`
        How the scripts ended.

    Raises
    ------
    ConfigurationError
        If a configuration is no YAML, a BLOCK cannot be read or expanded, or a fault is unknown.
    LookupError
        If there is no such script.
    RepositoryError
        If the database for the registry cannot be used.
    """
    blocks = [_load(path) for path in rehearsal.blocks]
    entries = _expand(blocks, rehearsal.overrides) if blocks else [Entry(rehearsal.script, rehearsal.config)]
    instruments = _instruments(entries)
    what = ", ".join(block.program for block in blocks) or rehearsal.script
    console.print(f"Rehearsing {what} on {MIDDLEWARE} middleware, speed {rehearsal.speed:g}.", soft_wrap=True)
    start_server()
    repo = await asyncio.to_thread(_repository, rehearsal, instruments, console)
    summit = Summit(
        repo,
        instruments,
        speed=rehearsal.speed,
        seed=rehearsal.seed,
        faults=rehearsal.faults,
        workers=rehearsal.workers,
        full_scale=rehearsal.full_scale,
        ready=rehearsal.begins_ready,
    )
    with _environment(summit.scratch / "uws"):
        console.print(f"Logs of jobs: {job_log('<jobId>')}", highlight=False, soft_wrap=True)
        async with summit:
            return await Stage(console, summit, blocks, rehearsal.begins_ready).run(entries)


@contextmanager
def _environment(logs: Path) -> Iterator[None]:
    """Set the variables that the summit's environment has, until the context is left."""
    before = dict(os.environ)
    os.environ |= {
        # The script looks its pipelines up where the Science Pipelines' packages say they are.
        "CP_PIPE_DIR": str(PIPELINES / "cp_pipe"),
        "CP_VERIFY_DIR": str(PIPELINES / "cp_verify"),
        JOB_LOGS_VARIABLE: str(logs),
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


def _load(path: Path) -> Block:
    try:
        return load_block(path)
    except ConfigurationError as error:
        raise ConfigurationError([f"{path}: {problem}" for problem in error.problems]) from None


def _expand(blocks: Iterable[Block], overrides: Mapping[str, Any]) -> list[Entry]:
    """Give the scripts of BLOCKs; every override goes to those BLOCKs that know it."""
    entries: list[Entry] = []
    unknown = dict(overrides)
    for execution, block in enumerate(blocks, 1):
        properties = expand_all(block).configuration.properties
        known = {name: value for name, value in overrides.items() if name in properties}
        unknown = {name: value for name, value in unknown.items() if name not in known}
        try:
            entries += block_entries(block.program, expand(block, known), execution)
        except ConfigurationError as error:
            raise ConfigurationError([f"{block.program}: {problem}" for problem in error.problems]) from None
    if unknown:
        raise ConfigurationError(
            [f"override {name}: none of the BLOCKs has such a property" for name in unknown]
        )
    return entries


def _instruments(entries: Iterable[Entry]) -> list[str]:
    """Give the instruments of some scripts, after a look whether all scripts are there.

    Raises
    ------
    LookupError
        If one is not there.
    """
    instruments: dict[str, None] = {}
    for entry in entries:
        try:
            find_queued(entry.name, entry.standard)
        except LookupError as error:
            raise LookupError(f"{entry.program}: {error}" if entry.program else str(error)) from None
        # The scripts of other packages all are of the auxiliary telescope.
        instruments[instrument_of(entry.name) if entry.name in script_names() else LATISS.name] = None
    return list(instruments)


def _repository(rehearsal: Rehearsal, instruments: Iterable[str], console: Console) -> str:
    """Give the rehearsal repository, made afresh where there is none."""
    if (rehearsal.repo / "butler.yaml").exists():
        if rehearsal.registry is not None:
            raise RepositoryError(
                f"{rehearsal.repo} holds a repository already, whose registry stays where it is: leave out "
                "--registry, or name another directory with --repo"
            )
        console.print(f"Using the repository in {rehearsal.repo}.", highlight=False, soft_wrap=True)
        return str(rehearsal.repo.absolute())
    repo = make_rehearsal_repository(
        rehearsal.repo.absolute(),
        instruments,
        seed=rehearsal.seed,
        full_scale=rehearsal.full_scale,
        registry=rehearsal.registry,
    )
    console.print(
        f"Made a rehearsal repository with reference calibrations in {rehearsal.repo}.",
        highlight=False,
        soft_wrap=True,
    )
    return repo
