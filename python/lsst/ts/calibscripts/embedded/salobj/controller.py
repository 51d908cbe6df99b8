"""A component as it is itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from .base import ExpectedError
from .controller_command import ControllerCommand
from .domain import Domain
from .log_handler import SalLogHandler
from .messages import Message
from .sal_info import SalInfo
from .write_topic import ControllerEvent, ControllerTelemetry

__all__ = ["SHUTDOWN_DELAY", "Controller"]

SHUTDOWN_DELAY = 1.0
"""Between the cancellation of the tasks and the end of the domain, seconds.

As long as that, tasks that are being cancelled can still send commands.
"""


class Controller:
    """Carries out the commands of a SAL component and writes its events.

    Every command is an attribute ``cmd_<name>``, every event ``evt_<name>``, all telemetry ``tel_<name>``.
    It is made inside a running event loop.

    Parameters
    ----------
    name : `str`
        Name of the component.
    index : `int`, optional
        SAL index; 0 or `None` where there is none.
    do_callbacks : `bool`, optional
        Make the methods ``do_<command>`` the callbacks of the commands? Then
        there must be one for every command, and no other.

    Attributes
    ----------
    log : `logging.Logger`
        Logger whose records are written as ``logMessage`` events.
    salinfo : `SalInfo`
        Name and index.
    start_task : `asyncio.Task`
        Done when the controller can be used.
    done_task : `asyncio.Future`
        Done when it is closed; with the exception passed to `close`, if any.

    Raises
    ------
    TypeError
        If ``do_callbacks`` and the methods do not match the commands.
    ValueError
        If there is no such component, or it has no index.
    """

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, name: str, index: int | None = None, *, do_callbacks: bool = False) -> None:
        self.salinfo = SalInfo(Domain(), name, index)
        self.salinfo.identity = self.domain.default_identity = self.salinfo.name_index
        self.log = self.salinfo.log
        self.isopen = True
        self.done_task: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._do_callbacks = do_callbacks
        if do_callbacks:
            self._assert_do_methods_present()
        for command in self.salinfo.component.names("cmd_"):
            setattr(self, f"cmd_{command}", ControllerCommand(self.salinfo, command))
        for event in self.salinfo.component.names("evt_"):
            setattr(self, f"evt_{event}", ControllerEvent(self.salinfo, event))
        for topic in self.salinfo.component.names("tel_"):
            setattr(self, f"tel_{topic}", ControllerTelemetry(self.salinfo, topic))
        self._log_level = self.log.level
        self._log_handler = SalLogHandler(self)
        self.log.addHandler(self._log_handler)
        self.start_task = asyncio.create_task(self._protected_start())

    @property
    def domain(self) -> Domain:
        """The controller's domain, in which its remotes are to be made."""
        return self.salinfo.domain

    async def _protected_start(self) -> None:
        try:
            await self.start()
        except ExpectedError as error:
            self.log.error(f"start failed: {error}")
            await self.close(exception=error, cancel_start=False)
        except Exception as error:
            self.log.exception(f"start failed: {error!r}")
            await self.close(exception=error, cancel_start=False)

    async def start(self) -> None:
        """Finish the construction; called by the constructor."""
        # The remotes that a constructor has made come first.
        await asyncio.sleep(0)
        remotes = self.domain.salinfo_set - {self.salinfo}
        await asyncio.gather(*(remote.start_task for remote in remotes))
        self.salinfo.start()
        if self._do_callbacks:
            for command in self.salinfo.component.names("cmd_"):
                getattr(self, f"cmd_{command}").callback = getattr(self, f"do_{command}")
        await self.put_log_level()

    async def close(self, exception: Exception | None = None, cancel_start: bool = True) -> None:
        """Close the controller and its domain; later calls wait until it is done.

        Parameters
        ----------
        exception : `Exception`, optional
            Why; ``done_task`` will raise it.
        cancel_start : `bool`, optional
            Cancel ``start_task``? False when called from there.
        """
        if cancel_start:
            self.start_task.cancel()
        if not self.isopen:
            await asyncio.wait([self.done_task])
            return
        self.isopen = False
        try:
            await self.close_tasks()
        except Exception:
            self.log.exception("Controller.close_tasks failed; close continues")
        try:
            self.log.removeHandler(self._log_handler)
            self._log_handler.close()
            self.log.setLevel(self._log_level)
            await asyncio.sleep(SHUTDOWN_DELAY)
        finally:
            await self.domain.close()
            self._set_done(exception)

    def _set_done(self, exception: Exception | None) -> None:
        if self.done_task.done():
            return
        if exception is None:
            self.done_task.set_result(None)
        else:
            self.done_task.set_exception(exception)

    async def close_tasks(self) -> None:
        """End what runs in the background; for subclasses."""

    async def do_setLogLevel(self, data: Message) -> None:  # noqa: N802  (the command's name)
        """Set the level of the logger.

        Parameters
        ----------
        data : `Message`
            With field ``level``, as in `logging`.
        """
        self.log.setLevel(data.level)
        await self.put_log_level()

    async def put_log_level(self) -> None:
        """Write the ``logLevel`` event."""
        await self.evt_logLevel.set_write(level=self.log.getEffectiveLevel())

    def _assert_do_methods_present(self) -> None:
        commands = set(self.salinfo.component.names("cmd_"))
        methods = {name.removeprefix("do_") for name in dir(self) if name.startswith("do_")}
        problems = [
            f"must {verb} {', '.join(f'do_{name}' for name in sorted(names))} methods"
            for verb, names in (("add", commands - methods), ("remove", methods - commands))
            if names
        ]
        if problems:
            raise TypeError(f"This class {' and '.join(problems)}")

    async def __aenter__(self) -> Self:
        await self.start_task
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.close()
