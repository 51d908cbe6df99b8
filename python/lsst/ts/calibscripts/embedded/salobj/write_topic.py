"""Topics that are written."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .base_topic import BaseTopic
from .domain import Values
from .messages import Message
from .sal_info import SalInfo

__all__ = ["ControllerEvent", "ControllerTelemetry", "SetWriteResult", "WriteTopic"]


@dataclass
class SetWriteResult:
    """What `WriteTopic.set_write` did."""

    did_change: bool  #: Did a field change?
    was_written: bool  #: Was the sample written?
    data: Message  #: The fields as they are now.


class WriteTopic(BaseTopic):
    """A topic that is written.

    Attributes
    ----------
    data : `Message`
        The fields as set last.
    has_data : `bool`
        Has any field been set?
    """

    def __init__(self, salinfo: SalInfo, attr_name: str) -> None:
        super().__init__(salinfo, attr_name)
        self.data = self.DataType()
        self.has_data = False
        self._numbers: Iterator[int] = itertools.count(1)

    def set(self, **fields: Any) -> bool:
        """Set fields without writing.

        Parameters
        ----------
        **fields
            New values; `None` leaves a field as it is.

        Returns
        -------
        did_change : `bool`
            Did a field change? Always true the first time.

        Raises
        ------
        AttributeError
            If the topic has no such field.
        """
        data = vars(self.data)
        unknown = sorted(fields.keys() - data.keys())
        if unknown:
            raise AttributeError(f"{self.attr_name} has no fields {unknown}")
        given = {name: value for name, value in fields.items() if value is not None}
        did_change = not self.has_data or any(not _same(data[name], value) for name, value in given.items())
        data.update(given)
        self.has_data = True
        return did_change

    def publish(self) -> Message:
        """Write the fields as they are, without giving way to other tasks.

        Returns
        -------
        data : `Message`
            A copy of what was written.

        Raises
        ------
        RuntimeError
            If the component is not started, or closed.
        SampleTooLargeError
            If it is too large.
        TypeError
            If a field has a value of the wrong type.
        """
        self.salinfo.publish(self.topic_info, self.stamp())
        return self.DataType.from_values(vars(self.data))

    def stamp(self) -> Values:
        """Number and stamp the fields as they are, and return what travels when it is written.

        Returns
        -------
        values : `dict`
            Values of all fields.

        Raises
        ------
        RuntimeError
            If the component is not started, or closed.
        TypeError
            If a field has a value of the wrong type.
        """
        self.salinfo.assert_running()
        self.data.private_seqNum = next(self._numbers)
        return self.salinfo.stamp_data(self.topic_info, self.data)


class ControllerEvent(WriteTopic):
    """An event of a controller.

    Parameters
    ----------
    salinfo : `SalInfo`
        The component.
    name : `str`
        Name of the event, without prefix.
    """

    kind = "evt"  #: First part of the names of such topics.

    def __init__(self, salinfo: SalInfo, name: str) -> None:
        super().__init__(salinfo, f"{self.kind}_{name}")

    async def write(self) -> Message:
        """Write the event, changed or not.

        Returns
        -------
        data : `Message`
            A copy of what was written.

        Raises
        ------
        RuntimeError
            If the component is not started, or closed.
        TypeError
            If a field has a value of the wrong type.
        """
        written = self.publish()
        await asyncio.sleep(0)
        return written

    async def set_write(self, *, force_output: bool | None = None, **fields: Any) -> SetWriteResult:
        """Set fields, and write the event if one of them changed.

        Parameters
        ----------
        force_output : `bool`, optional
            Write in any case?
        **fields
            New values; `None` leaves a field as it is.

        Returns
        -------
        result : `SetWriteResult`
            What was done.

        Raises
        ------
        AttributeError
            If the topic has no such field.
        RuntimeError
            If the component is not started, or closed.
        TypeError
            If a field has a value of the wrong type.
        """
        did_change = self.set(**fields)
        do_output = did_change or bool(force_output)
        data = await self.write() if do_output else self.data
        return SetWriteResult(did_change=did_change, was_written=do_output, data=data)


class ControllerTelemetry(ControllerEvent):
    """Telemetry of a controller, which is not kept for who listens later; as `ControllerEvent`."""

    kind = "tel"


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, list):
        new = list(new)
        return len(old) == len(new) and all(map(_same, old, new))
    # A float that is not a number is unlike itself.
    return bool(old == new or (old != old and new != new))
