"""SAL scripts: the state machine that operators see."""

from __future__ import annotations

import abc
import asyncio
import re
import types

from .base import ExpectedError, MetadataCoordSys, MetadataDome, MetadataRotSys, ScriptState
from .messages import Message
from .script_process import ScriptProcess
from .script_status import FINAL_STATES
from .validator import ConfigValidator, DefaultingValidator, read_config

__all__ = ["HEARTBEAT_INTERVAL", "BaseScript"]

HEARTBEAT_INTERVAL = 5.0
"""Time between heartbeats, seconds."""


class BaseScript(ScriptProcess):
    """A SAL script.

    It is made inside a running event loop, in the main thread.

    Parameters
    ----------
    index : `int`
        SAL index of the script; not 0.
    descr : `str`
        One line for the operator: what the script does.
    help : `str`, optional
        More of it.

    Attributes
    ----------
    config_validator : `ConfigValidator` or `None`
        Checks the configuration; `None` where there is none.
    final_state_delay : `float`
        How long the final state is to be seen before the script ends,
        seconds; kept for subclasses, it changes nothing.

    Raises
    ------
    ValueError
        If ``index`` is 0.
    """

    def __init__(self, index: int, descr: str, help: str = "") -> None:
        if index == 0:
            raise ValueError("index must be nonzero")
        schema = self.get_schema()
        self.config_validator: ConfigValidator | None = (
            None if schema is None else DefaultingValidator(schema)
        )
        self.final_state_delay = 0.3
        self._run_task: asyncio.Task[None] | None = None
        self._pause: asyncio.Future[None] | None = None
        self._heartbeat_task: asyncio.Task[None] | None = None
        self._close_task: asyncio.Task[None] | None = None
        super().__init__(index)
        self.evt_description.set(classname=type(self).__name__, description=descr, help=help)

    # What a script provides.

    @abc.abstractmethod
    async def configure(self, config: types.SimpleNamespace) -> None:
        """Take the configuration.

        Parameters
        ----------
        config : `types.SimpleNamespace`
            The configuration, checked and with defaults.
        """

    @abc.abstractmethod
    def set_metadata(self, metadata: Message) -> None:
        """Fill in what the queue is to know, such as ``duration`` in seconds."""

    @abc.abstractmethod
    async def run(self) -> None:
        """Do the work."""

    async def cleanup(self) -> None:
        """Tidy up after `run`, however that ended; not called after a signal."""

    async def checkpoint(self, name: str = "") -> None:
        """Report how far `run` is; pause or stop here if the operator wants it.

        Parameters
        ----------
        name : `str`, optional
            Name of the checkpoint.

        Raises
        ------
        asyncio.CancelledError
            If the script is to stop here.
        RuntimeError
            If the script is not running, as while it is paused.
        """
        if self.state.state != ScriptState.RUNNING:
            raise RuntimeError(
                f"checkpoint error: state={self.state_name} instead of RUNNING; "
                "did you call checkpoint from somewhere other than `run`?"
            )
        if self._run_task is None or self._run_task.done():
            raise RuntimeError("checkpoint error: state is RUNNING but run is not")
        self.num_checkpoints += 1
        self.last_checkpoint = name
        if re.fullmatch(self.checkpoints.stop, name):
            await self.set_state(ScriptState.STOPPING)
            raise asyncio.CancelledError(
                f"stop by request: checkpoint {name} matches {self.checkpoints.stop}"
            )
        if re.fullmatch(self.checkpoints.pause, name):
            self._pause = asyncio.get_running_loop().create_future()
            await self.set_state(ScriptState.PAUSED)
            await self._pause
            await self.set_state(ScriptState.RUNNING)
        else:
            await self.set_state(force_output=True)
            await asyncio.sleep(0.001)

    # Commands.

    async def do_configure(self, data: Message) -> None:
        """Configure the script.

        Parameters
        ----------
        data : `Message`
            With fields config (YAML), logLevel, pauseCheckpoint,
            stopCheckpoint, blockId.

        Raises
        ------
        ExpectedError
            If the script is not unconfigured, or the configuration fails.
        """
        self.assert_state("configure", [ScriptState.UNCONFIGURED])
        try:
            await self.configure(read_config(data.config, self.config_validator))
        except Exception as error:
            failure = f"config({data.config}) failed"
            self.log.exception(failure)
            await self.set_state(ScriptState.CONFIGURE_FAILED, reason=f"{failure}: {error}")
            await self._exit()
            raise ExpectedError(f"{failure}: {error}") from error
        await self._set_checkpoints(pause=data.pauseCheckpoint, stop=data.stopCheckpoint)
        if data.logLevel != 0:
            self.log.setLevel(data.logLevel)
            await self.put_log_level()
        self.evt_metadata.set(
            coordinateSystem=MetadataCoordSys.NONE,
            rotationSystem=MetadataRotSys.NONE,
            filters="",
            dome=MetadataDome.EITHER,
            duration=0,
        )
        self.set_metadata(self.evt_metadata.data)
        self.evt_state.set(blockId=data.blockId)
        await self.evt_metadata.write()
        await self.set_state(ScriptState.CONFIGURED)
        await asyncio.sleep(0.001)

    async def do_setGroupId(self, data: Message) -> None:  # noqa: N802  (the command's name)
        """Set the group id; "" clears it.

        Raises
        ------
        ExpectedError
            If the script is not configured.
        """
        self.assert_state("setGroupId", [ScriptState.CONFIGURED])
        await self.evt_state.set_write(groupId=data.groupId, force_output=True)
        self._sub_group_id = 0

    async def do_run(self, data: Message) -> None:
        """Run the script to its end.

        Raises
        ------
        ExpectedError
            If the script is not configured, or has no group id.
        """
        self.assert_state("run", [ScriptState.CONFIGURED])
        if not self.group_id:
            raise ExpectedError("Group ID not set")
        try:
            await self.set_state(ScriptState.RUNNING)
            self._run_task = asyncio.create_task(self.run())
            await self._run_task
            await self.set_state(ScriptState.ENDING)
        except asyncio.CancelledError:
            if self.state.state != ScriptState.STOPPING:
                await self.set_state(ScriptState.STOPPING)
        except Exception as error:
            if not isinstance(error, ExpectedError):
                self.log.exception("Error in run")
            await self.set_state(ScriptState.FAILING, reason=f"Error in run: {error}")
        await asyncio.sleep(0.001)
        await self._exit()

    async def do_resume(self, data: Message) -> None:
        """Go on after a pause.

        Raises
        ------
        ExpectedError
            If the script is not paused.
        """
        self.assert_state("resume", [ScriptState.PAUSED])
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    async def do_setCheckpoints(self, data: Message) -> None:  # noqa: N802  (the command's name)
        """Set the checkpoints at which to pause and to stop.

        Parameters
        ----------
        data : `Message`
            With fields pause and stop, regular expressions.

        Raises
        ------
        ExpectedError
            If the script is ending, or an expression is not one.
        """
        not_ending = (
            ScriptState.UNCONFIGURED,
            ScriptState.CONFIGURED,
            ScriptState.RUNNING,
            ScriptState.PAUSED,
        )
        self.assert_state("setCheckpoints", not_ending)
        await self._set_checkpoints(pause=data.pause, stop=data.stop)

    async def do_stop(self, data: Message) -> None:
        """Stop the script; nothing happens when it is ending."""
        if self._is_exiting:
            return
        if self._run_task is not None and not self._run_task.done():
            self._run_task.cancel()
        else:
            await self.set_state(ScriptState.STOPPING)
            await self._exit()

    # Beginning and end.

    async def start(self) -> None:
        """Finish the construction; called by the constructor."""
        await super().start()
        self._heartbeat_task = asyncio.create_task(self._heartbeat_loop())
        remotes = self.domain.salinfo_set - {self.salinfo}
        await asyncio.gather(*(remote.start_task for remote in remotes))
        await self.set_state(ScriptState.UNCONFIGURED)
        await self.evt_description.set_write(
            remotes=",".join(sorted(f"{remote.name}:{remote.index}" for remote in remotes)),
            force_output=True,
        )

    async def _heartbeat_loop(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_INTERVAL)
            await self.evt_heartbeat.write()

    async def _exit(self) -> None:
        if self._is_exiting:
            return
        self._is_exiting = True
        try:
            if self._run_task is not None:
                await self.cleanup()
            final_state = FINAL_STATES.get(self.state.state)
            reason = None if final_state else f"unexpected state for _exit {self.state_name}"
            final_state = final_state or ScriptState.FAILED
            self.log.info(f"Setting final state to {final_state!r}")
            await self.set_state(final_state, reason=reason, keep_old_reason=True)
            self._close_task = asyncio.create_task(self.close())
        except Exception as error:
            if not isinstance(error, ExpectedError):
                self.log.exception("Error in run")
            await self.set_state(ScriptState.FAILED, reason=f"failed in _exit: {error}", keep_old_reason=True)
            self._close_task = asyncio.create_task(self.close(exception=error))

    async def close_tasks(self) -> None:
        """End what runs in the background; `run` has until the end of `SHUTDOWN_DELAY`."""
        self._is_exiting = True
        await super().close_tasks()
        for waiting in (self._pause, self._run_task):
            if waiting is not None:
                waiting.cancel()
        if self._heartbeat_task is not None:
            self._heartbeat_task.cancel()
            await asyncio.gather(self._heartbeat_task, return_exceptions=True)
