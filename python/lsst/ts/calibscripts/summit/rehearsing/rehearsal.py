"""Rehearses a script or BLOCKs in the simulated summit, from the ScriptQueue's commands to what is certified."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from ...check.blocks import Block, expand, expand_all, load_block
from ...config.scripts import UnknownScriptError
from ...errors import JOB_LOGS_VARIABLE, ConfigurationError, RepositoryError, job_log
from ...repository import ButlerRepository
from ...sal import MIDDLEWARE
from ...tables.instruments import LATISS
from ..butler.rehearsal import make_rehearsal_repository
from ..ocps.pipetask import PIPELINES, start_server
from ..queue.script_queue import Entry, Finished, block_entries, find_queued, script_names
from ..site import Summit
from .adapting import choose_detectors
from .fault_targets import targets
from .stage import Stage, instrument_of
from .surroundings import Surroundings
from .termination import RehearsalLoop, Termination

__all__ = ["Rehearsal", "Surroundings", "rehearse"]


@dataclass(frozen=True)
class Rehearsal:
    """What to rehearse."""

    #: Name of the script, e.g. ``auxtel/make_latiss_calibrations.py``; empty where BLOCKs are rehearsed.
    script: str = ""
    config: str = ""  #: Configuration of the script, YAML.
    blocks: tuple[Path, ...] = ()  #: BLOCK files whose scripts are run, one BLOCK after another.
    #: Values for the BLOCKs that have a property of that name, as add_block takes them.
    overrides: Mapping[str, Any] = field(default_factory=dict)
    summit: Surroundings = field(default_factory=Surroundings)  #: Where it is run.


def rehearse(rehearsal: Rehearsal, console: Console, termination: Termination) -> Finished:
    """Run a script, or the scripts of BLOCKs, in the simulated summit. Blocks until they have ended.

    Parameters
    ----------
    rehearsal : `Rehearsal`
        What and how.
    console : `rich.console.Console`
        Takes what LOVE would log, the progress and the closing tables.
    termination : `Termination`
        Receives Ctrl-C and SIGTERM, which stop the script that runs.

    Returns
    -------
    `Finished`
        How the scripts ended.

    Raises
    ------
    ConfigurationError
        If a configuration is not YAML, a BLOCK cannot be read or expanded, or a fault is unknown.
    UnknownScriptError
        If a script is missing.
    RepositoryError
        If the database for the registry cannot be used.
    """
    blocks = [_load(path) for path in rehearsal.blocks]
    entries = _expand(blocks, rehearsal.overrides) if blocks else [Entry(rehearsal.script, rehearsal.config)]
    instruments = _instruments(entries)
    wanted = replace(rehearsal.summit, detectors=_detectors(entries, instruments, rehearsal.summit.detectors))
    if not wanted.ready:
        wanted = replace(wanted, ready=rehearsal.script in script_names())
    wanted.faults.check(targets(instruments, wanted.detectors))
    what = ", ".join(block.program for block in blocks) or rehearsal.script
    where = f"on {MIDDLEWARE} middleware, speed {wanted.speed:g}"
    console.print(f"Rehearsing {what} {where}. Times are UTC.", soft_wrap=True)
    start_server()
    termination.heed()
    repo = _repository(wanted, instruments, console)
    termination.heed()

    async def run() -> Finished:
        summit = _summit(repo, instruments, wanted)
        for directory in (Path(repo), summit.scratch):
            _hide_from_git(directory)
        with _environment(summit.scratch / "uws"):
            console.print(f"Logs of jobs: {job_log('<jobId>')}", highlight=False, soft_wrap=True)
            async with summit:
                stage = Stage(console, summit, blocks, wanted)
                stop = partial(asyncio.get_running_loop().call_soon_threadsafe, stage.stop)
                with termination.stopping(stop):
                    return await stage.run(entries)

    with asyncio.Runner(loop_factory=RehearsalLoop) as runner:
        return runner.run(run())


def _hide_from_git(directory: Path) -> None:
    """Let git ignore a directory and all in it, wherever it is; one that is in git already is left alone."""
    directory.mkdir(parents=True, exist_ok=True)
    ignored = directory / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n")


def _summit(repo: str, instruments: Iterable[str], wanted: Surroundings) -> Summit:
    return Summit(
        repo,
        instruments,
        speed=wanted.speed,
        seed=wanted.seed,
        faults=wanted.faults,
        workers=wanted.workers,
        full_scale=wanted.full_scale,
        detectors=wanted.detectors or None,
        ready=wanted.ready,
    )


def _detectors(
    entries: Iterable[Entry], instruments: Sequence[str], wanted: Sequence[int]
) -> tuple[int, ...]:
    """Return the only detectors that are read out; empty for all, as always where there are several cameras."""
    if len(instruments) == 1:
        texts = [entry.config for entry in entries if entry.name in script_names()]
        return choose_detectors(texts, instruments[0], wanted)
    if wanted:
        raise ConfigurationError(["--detectors: the scripts are of several cameras; leave it out."])
    return ()


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
    """Return the scripts of BLOCKs; every override goes to those BLOCKs that know it."""
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
    """Return the instruments of some scripts, after checking that all scripts exist.

    Raises
    ------
    UnknownScriptError
        If one is not there.
    """
    instruments: dict[str, None] = {}
    for entry in entries:
        try:
            find_queued(entry.name, entry.standard)
        except UnknownScriptError as error:
            raise UnknownScriptError(f"{entry.program}: {error}" if entry.program else str(error)) from None
        # The scripts of other packages all are of the auxiliary telescope.
        instruments[instrument_of(entry.name) if entry.name in script_names() else LATISS.name] = None
    return list(instruments)


def _repository(wanted: Surroundings, instruments: Iterable[str], console: Console) -> str:
    """Return the rehearsal repository, made afresh where there is none."""
    if (wanted.repo / "butler.yaml").exists():
        if wanted.registry is not None:
            raise RepositoryError(
                f"{wanted.repo} holds a repository already, whose registry stays where it is: leave out "
                "--registry, or name another directory with --repo"
            )
        existing = ButlerRepository(str(wanted.repo.absolute()))
        try:
            existing.check(writing=True)
        finally:
            existing.close()
        console.print(f"Using the repository in {wanted.repo}.", highlight=False, soft_wrap=True)
        return str(wanted.repo.absolute())
    # Before: with all detectors of a large camera it takes minutes.
    console.print(
        f"Making a rehearsal repository with reference calibrations in {wanted.repo} ...",
        highlight=False,
        soft_wrap=True,
    )
    return make_rehearsal_repository(
        wanted.repo.absolute(),
        instruments,
        seed=wanted.seed,
        full_scale=wanted.full_scale,
        detectors=wanted.detectors or None,
        registry=wanted.registry,
    )
