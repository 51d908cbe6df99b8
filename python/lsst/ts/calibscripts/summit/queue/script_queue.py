"""Runs scripts and BLOCKs in order, as the ScriptQueue does: configure, setGroupId, run."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...config import read_yaml
from ...errors import ConfigurationError
from ...ground.untrusted import InputError, read_text
from ...sal import AckError, BaseScript, Domain, Remote, ScriptState
from .queue_entries import (
    Entry,
    Finished,
    LogLine,
    Outcome,
    block_entries,
    find_queued,
    find_script,
    run_in_order,
    script_names,
)

__all__ = [
    "FINAL_STATES",
    "FIRST_INDEX",
    "Entry",
    "Finished",
    "LogLine",
    "Outcome",
    "Queued",
    "ScriptQueue",
    "block_entries",
    "find_queued",
    "find_script",
    "run_in_order",
    "script_names",
]

FIRST_INDEX = {"maintel": 100_000, "auxtel": 200_000, "ocs": 300_000}
"""First Script index of each queue."""

FINAL_STATES = frozenset(
    {ScriptState.DONE, ScriptState.STOPPED, ScriptState.FAILED, ScriptState.CONFIGURE_FAILED}
)

CONFIGURE_TIMEOUT = 60.0
"""configure must end within this time, seconds."""


@dataclass(frozen=True)
class Queued:
    """How a script is queued, apart from its name and configuration."""

    #: Look for it only among the standard scripts, or only among the others; None among both.
    standard: bool | None = None
    block_id: str = ""  #: Identifier of the execution of a BLOCK.
    #: Regular expressions of checkpoints.
    pause: str = ""
    stop: str = ""


class ScriptQueue:
    """Runs scripts one after another in this process, over whichever middleware is installed.

    Parameters
    ----------
    on_log : callable
        Takes each `LogLine` of a script.
    on_state : callable
        Takes name and reason of each state of a script, and its last checkpoint.
    queue : `str`
        Whose queue it is, for scripts whose name does not say: maintel, auxtel or ocs.

    Attributes
    ----------
    on_log, on_state : callable
        As given; another one takes what comes of the next script.
    """

    def __init__(
        self,
        on_log: Callable[[LogLine], None] = lambda line: None,
        on_state: Callable[[str, str, str], None] = lambda state, reason, checkpoint: None,
        queue: str = "auxtel",
    ) -> None:
        self.on_log = on_log
        self._queue = queue
        self.on_state = on_state
        self._next_index = dict(FIRST_INDEX)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Stop the script that runs, as its stop command does, and each later one before it runs."""
        self._stopped.set()

    async def run(
        self,
        name: str,
        config: str,
        queued: Queued = Queued(),
        *,
        observers: Iterable[Any] = (),
        make: Callable[[int], BaseScript] | None = None,
        while_running: Callable[[Any], Any] | None = None,
    ) -> Outcome:
        """Run a script to its final state.

        Parameters
        ----------
        name : `str`
            Its name.
        config : `str`
            Configuration, YAML.
        queued : `Queued`, optional
            How it is queued.
        observers : iterable
            Called with the events of a calibration script.
        make : callable, optional
            Makes the script from its index.
        while_running : coroutine function, optional
            Is started with the remote of the script when it is asked to run, e.g. to stop or to resume it.

        Returns
        -------
        `Outcome`
            How it ended.
        """
        index = self._index(name)
        script = (make or find_queued(name, queued.standard))(index)
        if hasattr(script, "observers"):
            script.observers.extend(observers)
        follower = _Follower(self.on_log, self.on_state)
        async with AsyncExitStack() as stack:
            domain = await stack.enter_async_context(Domain())
            stack.push_async_callback(script.close)
            remote = Remote(domain, "Script", index)
            await asyncio.gather(script.start_task, remote.start_task)
            remote.evt_logMessage.callback = follower.log
            remote.evt_state.callback = follower.state
            async with asyncio.TaskGroup() as tasks:
                await self._drive(remote, config, queued, follower, tasks, while_running)
            await follower.ended.wait()
            await script.done_task
        return follower.outcome(name)

    def _index(self, name: str) -> int:
        """Return the next index of the queue that a script belongs to."""
        folder = name.split("/")[0]
        queue = folder if folder in self._next_index else self._queue
        self._next_index[queue] += 1
        return self._next_index[queue]

    async def _drive(
        self,
        remote: Remote,
        config: str,
        queued: Queued,
        follower: _Follower,
        tasks: asyncio.TaskGroup,
        while_running: Callable[[Any], Any] | None,
    ) -> None:
        """Send the commands of the ScriptQueue; a command that fails ends in the script's final state."""
        if await self._stop_before_it_runs(remote):
            return
        try:
            await remote.cmd_configure.set_start(
                config=config,
                blockId=queued.block_id,
                pauseCheckpoint=queued.pause,
                stopCheckpoint=queued.stop,
                logLevel=logging.INFO,
                timeout=CONFIGURE_TIMEOUT,
            )
            group_id = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
            await remote.cmd_setGroupId.set_start(groupId=group_id, timeout=CONFIGURE_TIMEOUT)
        except AckError:
            return
        if await self._stop_before_it_runs(remote):
            return
        beside = [tasks.create_task(self._stop_if_asked(remote, follower))]
        if while_running is not None:
            beside.append(tasks.create_task(while_running(remote)))
        # If it fails, the final state says why.
        with suppress(AckError):
            await remote.cmd_run.start()
        await follower.ended.wait()
        for task in beside:
            task.cancel()

    async def _stop_before_it_runs(self, remote: Remote) -> bool:
        """Stop a script that is not to run any more; return whether that is so."""
        if self._stopped.is_set():
            await remote.cmd_stop.start(timeout=CONFIGURE_TIMEOUT)
        return self._stopped.is_set()

    async def _stop_if_asked(self, remote: Remote, follower: _Follower) -> None:
        """Stop a script that has been sent the command to run."""
        await self._stopped.wait()
        # Before, run could overtake the stop.
        await follower.running.wait()
        # Fails where the script has ended by itself meanwhile.
        with suppress(AckError):
            await remote.cmd_stop.start(timeout=CONFIGURE_TIMEOUT)


class _Follower:
    """Follows the events of one script."""

    def __init__(self, on_log: Callable[[LogLine], None], on_state: Callable[[str, str, str], None]) -> None:
        self._on_log, self._on_state = on_log, on_state
        self._states: list[ScriptState] = []
        self._checkpoints: list[str] = []
        self._n_checkpoints = 0
        self._reason = ""
        self.running = asyncio.Event()
        self.ended = asyncio.Event()

    async def log(self, data: Any) -> None:
        self._on_log(LogLine(int(data.level), str(data.message)))

    async def state(self, data: Any) -> None:
        state = ScriptState(data.state)
        if not self._states or self._states[-1] is not state:
            self._states.append(state)
        if data.numCheckpoints > self._n_checkpoints:
            self._n_checkpoints = int(data.numCheckpoints)
            self._checkpoints.append(str(data.lastCheckpoint))
        self._reason = str(data.reason)
        self._on_state(state.name, self._reason, str(data.lastCheckpoint))
        if state is ScriptState.RUNNING:
            self.running.set()
        if state in FINAL_STATES:
            self.ended.set()

    def outcome(self, script: str) -> Outcome:
        return Outcome(script, self._states[-1], self._reason, tuple(self._checkpoints), tuple(self._states))


def read_config(path: Path | None) -> str:
    """Return the text of a configuration file; no file is an empty configuration.

    Raises
    ------
    ConfigurationError
        If it cannot be read, is not YAML, or holds more than anybody means.
    """
    try:
        text = "" if path is None else read_text(path)
    except InputError as error:
        raise ConfigurationError([f"{path}: {error}"]) from error
    if problems := read_yaml(text)[1]:
        raise ConfigurationError(problems)
    return text
