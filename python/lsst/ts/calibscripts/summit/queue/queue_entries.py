"""Scripts in a queue: where they are found, in which order they are run, how they ended."""

from __future__ import annotations

import datetime
import importlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from ... import get_scripts_dir
from ...check.blocks import ScriptCall, queue_prefix
from ...config.scripts import UnknownScriptError
from ...sal import BaseScript, ScriptState
from .stand_ins import STAND_INS

__all__ = [
    "Entry",
    "Finished",
    "LogLine",
    "Outcome",
    "block_entries",
    "find_queued",
    "find_script",
    "run_in_order",
    "script_names",
]

_HALF_DAY = datetime.timedelta(hours=12)


@dataclass(frozen=True)
class LogLine:
    """One logMessage event of a script: what LOVE shows."""

    level: int
    message: str

    @property
    def level_name(self) -> str:
        """Name of the level."""
        return logging.getLevelName(self.level)


@dataclass(frozen=True)
class Outcome:
    """How a script ended."""

    script: str  #: Its name.
    state: ScriptState  #: Final state.
    reason: str  #: Reason of the final state.
    checkpoints: tuple[str, ...]  #: Checkpoints it passed.
    states: tuple[ScriptState, ...]  #: States it went through, in order.

    @property
    def exit_code(self) -> int:
        """0 only for DONE."""
        return 0 if self.state is ScriptState.DONE else 1


@dataclass(frozen=True)
class Entry:
    """A script in the queue."""

    name: str  #: Its name.
    config: str = ""  #: Configuration, YAML.
    #: Is it a standard script, of another package, or one of ours? None where it does not matter.
    standard: bool | None = None
    program: str = ""  #: Program of the BLOCK it belongs to; empty for none.
    block_id: str = ""  #: Identifier of the execution of this BLOCK; empty for none.

    def __str__(self) -> str:
        return f"{self.program} {self.name}".strip()


@dataclass(frozen=True)
class Finished:
    """What became of the scripts of a queue."""

    outcomes: tuple[Outcome, ...]  #: Those that were run, in order.
    waiting: tuple[Entry, ...] = ()  #: Those that were not, since one before them did not end DONE.

    @property
    def exit_code(self) -> int:
        """0 only if all were run and ended DONE."""
        return 1 if self.waiting or any(outcome.exit_code for outcome in self.outcomes) else 0


def script_names() -> tuple[str, ...]:
    """Return the names of the scripts of this package, e.g. ``auxtel/make_latiss_calibrations.py``."""
    root = get_scripts_dir()
    return tuple(sorted(str(path.relative_to(root)) for path in root.glob("*/*.py")))


def find_script(name: str) -> Callable[[int], BaseScript]:
    """Return the class of a script by its name in the ScriptQueue.

    Raises
    ------
    UnknownScriptError
        If there is no such script; the text names those there are.
    """
    if name not in script_names():
        raise UnknownScriptError(f"Unknown script {name}; known are {', '.join(script_names())}")
    package = __name__.split(".summit.")[0]
    module = importlib.import_module(f"{package}.{name.removesuffix('.py').replace('/', '.')}")
    found: Callable[[int], BaseScript] = getattr(module, module.__all__[0])
    return found


def find_queued(name: str, standard: bool | None = None) -> Callable[[int], BaseScript]:
    """Return the class of a script of this package, or of the stand-in for one of another package.

    Parameters
    ----------
    name : `str`
        Its name in the ScriptQueue.
    standard : `bool` or `None`
        Where it is looked for: among the standard scripts, which all are of other packages, among the external ones,
        where ours are, or among both.

    Raises
    ------
    UnknownScriptError
        If it is not there; the text says where it is, or names those there are.
    """
    places = {True: tuple(STAND_INS), False: script_names()}
    for place, names in places.items():
        if name in names and standard in (None, place):
            return STAND_INS[name] if place else find_script(name)
    known = [each for place, names in places.items() if standard in (None, place) for each in names]
    hint = f"write standard: {str(not standard).lower()}" if name in places[not standard] else ""
    raise UnknownScriptError(
        f"Unknown script {name}; {hint or 'the simulated summit has ' + ', '.join(known)}"
    )


def block_entries(program: str, calls: Iterable[ScriptCall], execution: int = 1) -> tuple[Entry, ...]:
    """Return the scripts of a BLOCK as the Scheduler queues them.

    Parameters
    ----------
    program : `str`
        As in ``BLOCK-295``, ``BLOCK-T60`` or ``BLOCK-T595_v4``.
    calls : iterable of `ScriptCall`
        Its scripts.
    execution : `int`
        The how-manieth BLOCK of the day this is, for an identifier such as ``BL295_O_20260918_000001``.
    """
    day = (datetime.datetime.now(datetime.UTC) - _HALF_DAY).strftime("%Y%m%d")
    block_id = f"{queue_prefix(program)}_O_{day}_{execution:06d}"
    return tuple(Entry(call.name, call.config_text, call.standard, program, block_id) for call in calls)


async def run_in_order(
    entries: Iterable[Entry],
    run: Callable[[Entry], Awaitable[Outcome]],
    added: Callable[[], Iterable[Entry]] = tuple,
) -> Finished:
    """Run scripts one after another until one does not end DONE.

    A script that ends FAILED pauses the ScriptQueue; after one that was stopped or could not be configured the
    Scheduler takes the rest of its BLOCK out of the queue.

    Parameters
    ----------
    entries : iterable of `Entry`
        The scripts.
    run : coroutine function
        Runs one.
    added : callable
        Returns what was added to the queue meanwhile; it is asked after each script.

    Returns
    -------
    `Finished`
        What was run, and what was not.
    """
    waiting, outcomes = deque(entries), list[Outcome]()
    while waiting and all(outcome.exit_code == 0 for outcome in outcomes):
        outcomes.append(await run(waiting.popleft()))
        waiting.extend(added())
    return Finished(tuple(outcomes), tuple(waiting))
