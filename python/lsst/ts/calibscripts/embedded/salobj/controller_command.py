"""Commands, as they are carried out."""

from __future__ import annotations

import asyncio

from .base import ExpectedError, SalRetCode
from .messages import Message
from .read_topic import ReadTopic
from .sal_info import SalInfo

__all__ = ["ControllerCommand"]


class ControllerCommand(ReadTopic):
    """A command as a controller carries it out.

    What the callback does decides the final acknowledgement: ``CMD_COMPLETE``
    when it returns (or the acknowledgement that it returns), ``CMD_FAILED``
    when it raises, ``CMD_TIMEOUT`` for a `TimeoutError`, ``CMD_ABORTED`` when
    it is cancelled.

    Parameters
    ----------
    salinfo : `SalInfo`
        The component.
    name : `str`
        Name of the command, without prefix.
    """

    reads_history = False

    def __init__(self, salinfo: SalInfo, name: str) -> None:
        super().__init__(salinfo, f"cmd_{name}")
        self._ack_topic = salinfo.component.topics["ack_ackcmd"]
        self._cmdtype = sorted(salinfo.component.topics).index(self.attr_name)

    async def next(self, *, timeout: float | None = None) -> Message:  # type: ignore[override]
        """Take the oldest command from the queue; wait where it is empty.

        Parameters
        ----------
        timeout : `float`, optional
            Longest wait, seconds.

        Returns
        -------
        data : `Message`
            The command.

        Raises
        ------
        asyncio.TimeoutError
            If none comes in time.
        RuntimeError
            If not started, or there is a callback.
        """
        return await super().next(flush=False, timeout=timeout)

    async def ack(self, data: Message, ackcmd: Message) -> None:
        """Acknowledge a command.

        Parameters
        ----------
        data : `Message`
            The command.
        ackcmd : `Message`
            The acknowledgement.

        Raises
        ------
        RuntimeError
            If the controller is closed.
        """
        vars(ackcmd).update(
            private_seqNum=data.private_seqNum,
            identity=data.private_identity,
            origin=data.private_origin,
            cmdtype=self._cmdtype,
        )
        self.salinfo.write_data(self._ack_topic, ackcmd)
        await asyncio.sleep(0)

    async def ack_in_progress(self, data: Message, timeout: float, result: str = "") -> None:
        """Report that a command takes its time.

        Parameters
        ----------
        data : `Message`
            The command.
        timeout : `float`
            How long it will take, seconds.
        result : `str`, optional
            What to report.

        Raises
        ------
        RuntimeError
            If the controller is closed.
        """
        ackcmd = self.salinfo.make_ackcmd(
            data.private_seqNum, SalRetCode.CMD_INPROGRESS, result=result, timeout=timeout
        )
        await self.ack(data, ackcmd)

    async def _run_callback(self, sample: Message) -> None:
        try:
            ackcmd = await self._call_back(sample)
            if ackcmd is None:
                ackcmd = self.salinfo.make_ackcmd(
                    sample.private_seqNum, SalRetCode.CMD_COMPLETE, result="Done"
                )
            await self._ack_if_running(sample, ackcmd)
        except asyncio.CancelledError:
            await self._fail(sample, SalRetCode.CMD_ABORTED, "Aborted")
        except TimeoutError:
            await self._fail(sample, SalRetCode.CMD_TIMEOUT, "Timeout")
        except Exception as error:
            await self._fail(sample, SalRetCode.CMD_FAILED, f"Failed: {error}")
            if not isinstance(error, ExpectedError):
                self.log.exception(f"Callback {self._callback} failed with data={sample}")

    async def _fail(self, sample: Message, code: SalRetCode, result: str) -> None:
        ackcmd = self.salinfo.make_ackcmd(sample.private_seqNum, code, error=1, result=result)
        await self._ack_if_running(sample, ackcmd)

    async def _ack_if_running(self, sample: Message, ackcmd: Message) -> None:
        if self.salinfo.running:
            await self.ack(sample, ackcmd)
        else:
            self.log.warning(f"Cannot issue {ackcmd=}; SalInfo is not running")
