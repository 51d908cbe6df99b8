"""Commands, as they are sent and followed."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from .base import AckError, AckTimeoutError, SalRetCode
from .messages import Message
from .sal_info import SalInfo
from .write_topic import WriteTopic

__all__ = ["DEFAULT_TIMEOUT", "CommandInfo", "RemoteCommand"]

DEFAULT_TIMEOUT = 3600.0
"""How long a command may take where its sender does not say, seconds."""

_FAILED = frozenset(
    {
        SalRetCode.CMD_ABORTED,
        SalRetCode.CMD_FAILED,
        SalRetCode.CMD_NOACK,
        SalRetCode.CMD_NOPERM,
        SalRetCode.CMD_STALLED,
        SalRetCode.CMD_TIMEOUT,
    }
)
_DONE = _FAILED | {SalRetCode.CMD_COMPLETE}


class CommandInfo:
    """A command that was sent, and its acknowledgements.

    Parameters
    ----------
    salinfo : `SalInfo`
        The component it was sent to.
    seq_num : `int`
        Its number.
    """

    def __init__(self, salinfo: SalInfo, seq_num: int) -> None:
        self.seq_num = seq_num
        self._salinfo = salinfo
        self._acks: deque[Message] = deque()
        self._last: Message | None = None
        self._arrival: asyncio.Future[None] | None = None

    def add_ackcmd(self, ackcmd: Message) -> bool:
        """Take an acknowledgement; return whether it is the final one."""
        self._acks.append(ackcmd)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
        return ackcmd.ack in _DONE

    def close(self) -> None:
        """Cancel who waits."""
        if self._arrival is not None:
            self._arrival.cancel()

    async def next_ackcmd(self, timeout: float, wait_done: bool) -> Message:
        """Wait for the next acknowledgement, or for the final one.

        Parameters
        ----------
        timeout : `float`
            Longest wait, seconds. ``CMD_INPROGRESS`` extends it by its own.
        wait_done : `bool`
            Wait for the final one?

        Returns
        -------
        ackcmd : `Message`
            The acknowledgement.

        Raises
        ------
        AckError
            If the command failed.
        AckTimeoutError
            If none came in time.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        try:
            ackcmd = await self._next(deadline)
            while wait_done and ackcmd.ack not in _DONE:
                if ackcmd.ack == SalRetCode.CMD_INPROGRESS:
                    deadline += ackcmd.timeout
                ackcmd = await self._next(deadline)
        except TimeoutError:
            self._salinfo.running_commands.pop(self.seq_num, None)
            last = self._last or self._salinfo.make_ackcmd(
                self.seq_num, SalRetCode.CMD_NOACK, result="No command acknowledgement seen"
            )
            raise AckTimeoutError("Timed out waiting for command acknowledgement", last) from None
        if ackcmd.ack in _FAILED:
            raise AckError("Command failed", ackcmd)
        return ackcmd

    async def _next(self, deadline: float) -> Message:
        loop = asyncio.get_running_loop()
        while not self._acks:
            self._arrival = loop.create_future()
            # wait_for, as salobj has it: in Python 3.11 it can swallow a cancellation, and clients must cope.
            await asyncio.wait_for(self._arrival, max(deadline - loop.time(), 0))
        self._last = self._acks.popleft()
        return self._last


class RemoteCommand(WriteTopic):
    """A command as a remote sends it.

    Parameters
    ----------
    salinfo : `SalInfo`
        The component.
    name : `str`
        Name of the command, without prefix.
    """

    def __init__(self, salinfo: SalInfo, name: str) -> None:
        super().__init__(salinfo, f"cmd_{name}")
        # All commands share one topic of acknowledgements, so a number must not occur twice.
        self._numbers = salinfo.domain.bus.command_numbers
        salinfo.read_acks()

    def set(self, **fields: Any) -> bool:
        """Set fields of a new command, all others to their default.

        Raises
        ------
        AttributeError
            If the command has no such field.
        """
        self.data = self.DataType()
        return super().set(**fields)

    async def set_start(
        self, timeout: float = DEFAULT_TIMEOUT, wait_done: bool = True, **fields: Any
    ) -> Message:
        """Set fields of a new command and send it.

        Parameters
        ----------
        timeout : `float`
            Longest wait for the (final) acknowledgement, seconds.
        wait_done : `bool`
            Wait for the final acknowledgement? Else for the next, of any kind.
        **fields
            Fields of the command.

        Returns
        -------
        ackcmd : `Message`
            The acknowledgement.

        Raises
        ------
        AckError
            If the command failed.
        AckTimeoutError
            If no acknowledgement came in time.
        AttributeError
            If the command has no such field.
        RuntimeError
            If the remote is not started, or closed.
        TypeError
            If a field has a value of the wrong type.
        """
        self.set(**fields)
        return await self.start(timeout=timeout, wait_done=wait_done)

    async def start(
        self, data: Message | None = None, timeout: float = DEFAULT_TIMEOUT, wait_done: bool = True
    ) -> Message:
        """Send the command as it is, or one that is passed.

        Parameters
        ----------
        data : `Message`, optional
            The command, of type ``DataType``.
        timeout : `float`
            Longest wait for the (final) acknowledgement, seconds.
        wait_done : `bool`
            Wait for the final acknowledgement? Else for the next, of any kind.

        Returns
        -------
        ackcmd : `Message`
            The acknowledgement.

        Raises
        ------
        AckError
            If the command failed.
        AckTimeoutError
            If no acknowledgement came in time.
        RuntimeError
            If the remote is not started, or closed.
        TypeError
            If a field, or ``data``, has the wrong type.
        """
        self.salinfo.assert_running()
        if data is not None:
            if not isinstance(data, self.DataType):
                raise TypeError(f"data={data!r} must be an instance of {self.DataType}")
            self.data = data
        seq_num = self.publish().private_seqNum
        command = CommandInfo(self.salinfo, seq_num)
        # No acknowledgement can be here yet: those who act on the command have not had their turn.
        self.salinfo.running_commands[seq_num] = command
        return await command.next_ackcmd(timeout, wait_done)

    async def next_ackcmd(
        self, ackcmd: Message, timeout: float = DEFAULT_TIMEOUT, wait_done: bool = True
    ) -> Message:
        """Wait for a further acknowledgement of a command.

        Parameters
        ----------
        ackcmd : `Message`
            An earlier one.
        timeout : `float`
            Longest wait for the (final) acknowledgement, seconds.
        wait_done : `bool`
            Wait for the final acknowledgement? Else for the next, of any kind.

        Returns
        -------
        ackcmd : `Message`
            The acknowledgement.

        Raises
        ------
        AckError
            If the command failed.
        AckTimeoutError
            If no acknowledgement came in time.
        RuntimeError
            If the final acknowledgement has been here already.
        """
        command = self.salinfo.running_commands.get(ackcmd.private_seqNum)
        if command is None:
            raise RuntimeError(f"Command private_seqNum={ackcmd.private_seqNum} is unknown or finished")
        return await command.next_ackcmd(timeout, wait_done)
