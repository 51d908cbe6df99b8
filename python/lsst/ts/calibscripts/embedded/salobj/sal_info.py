"""One SAL component as a remote or a controller sees it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from .base import SalRetCode
from .domain import Domain, SampleTooLargeError, Subscription, Values
from .messages import Message, TopicInfo
from .topic_table import component

__all__ = ["SalInfo"]


class Reader(Protocol):
    """A topic that is read: a `ReadTopic`, which stands above this module."""

    attr_name: str
    reads_history: bool

    def deliver(self, values: Values) -> None:
        """Take a sample."""

    async def close(self) -> None:
        """Read no more."""


class Command(Protocol):
    """A command that was sent: a `CommandInfo`, which stands above this module."""

    seq_num: int

    def add_ackcmd(self, ackcmd: Message) -> bool:
        """Take an acknowledgement; return whether it is the final one."""

    async def next_ackcmd(self, timeout: float, wait_done: bool) -> Message:
        """Wait for the next acknowledgement, or for the final one."""

    def close(self) -> None:
        """Cancel who waits."""


class SalInfo:
    """Name, index and open topics of a SAL component.

    Parameters
    ----------
    domain : `Domain`
        Domain.
    name : `str`
        Name of the component.
    index : `int` or `None`
        SAL index; 0 or `None` where there is none, or to read all.

    Attributes
    ----------
    log : `logging.Logger`
        Logger named after the component, at level INFO or below.
    start_task : `asyncio.Future`
        Done when samples can be written and arrive.

    Raises
    ------
    TypeError
        If ``domain`` or ``index`` have the wrong type.
    ValueError
        If there is no such component, or it has no index.
    """

    def __init__(self, domain: Domain, name: str, index: int | None = 0) -> None:
        if not isinstance(domain, Domain):
            raise TypeError(f"domain {domain!r} must be a Domain")
        if index is not None and not isinstance(index, int):
            raise TypeError(f"index {index!r} must be an integer, enum.IntEnum, or None")
        self.component = component(name)
        if index and not self.component.indexed:
            raise ValueError(f"Index={index!r} must be 0 or None; {name} is not an indexed SAL component")
        self.domain = domain
        self.name = name
        self.index = int(index or 0)
        self.identity = domain.default_identity
        self.isopen = True
        self.start_called = False
        self.start_task: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.running_commands: dict[int, Command] = {}
        self.log = logging.getLogger(name)
        if self.log.getEffectiveLevel() > logging.INFO:
            self.log.setLevel(logging.INFO)
        self._readers: list[Reader] = []
        self._subscriptions: list[tuple[tuple[str, str], Subscription]] = []
        self._reads_acks = False
        domain.salinfo_set.add(self)

    @property
    def indexed(self) -> bool:
        """Whether there may be several of this component."""
        return self.component.indexed

    @property
    def name_index(self) -> str:
        """``name:index`` for an indexed component, else the name."""
        return f"{self.name}:{self.index}" if self.indexed else self.name

    @property
    def started(self) -> bool:
        """Whether it has been started."""
        return self.start_task.done() and not self.start_task.cancelled()

    @property
    def running(self) -> bool:
        """Whether it is started and not closed."""
        return self.started and self.isopen

    def assert_started(self) -> None:
        """Raise RuntimeError unless started."""
        if not self.started:
            raise RuntimeError("Not started")

    def assert_running(self) -> None:
        """Raise RuntimeError unless started and open."""
        self.assert_started()
        if not self.isopen:
            raise RuntimeError("No longer open")

    def add_reader(self, reader: Reader) -> None:
        """Have a topic read from `start` on."""
        self._readers.append(reader)

    def read_acks(self) -> None:
        """Have the acknowledgements of our commands read from `start` on."""
        self._reads_acks = True

    def start(self) -> None:
        """Begin to read, with the last sample of each event.

        Raises
        ------
        RuntimeError
            If already started or closed.
        """
        if self.start_called:
            raise RuntimeError("Start already called")
        if not self.isopen:
            raise RuntimeError("Already closing or closed")
        self.start_called = True
        self.start_task.set_result(None)
        if self._reads_acks:
            self._subscribe("ack_ackcmd", Subscription(self.index, self._read_ack), history=False)
        for reader in self._readers:
            subscription = Subscription(self.index, reader.deliver)
            self._subscribe(reader.attr_name, subscription, history=reader.reads_history)

    def _subscribe(self, attr_name: str, subscription: Subscription, history: bool) -> None:
        key = (self.name, attr_name)
        self._subscriptions.append((key, subscription))
        self.domain.bus.subscribe(key, subscription, history)

    def _read_ack(self, values: Values) -> None:
        if values["identity"] != self.identity or values["origin"] != self.domain.origin:
            return
        command = self.running_commands.get(values["private_seqNum"])
        if command is not None and command.add_ackcmd(self.make_ackcmd(**values)):
            del self.running_commands[command.seq_num]

    def write_data(self, topic: TopicInfo, data: Message) -> None:
        """Write a sample, and say in it whose it is and when it was written.

        Parameters
        ----------
        topic : `TopicInfo`
            Its topic.
        data : `Message`
            The sample.

        Raises
        ------
        RuntimeError
            If not started, or closed.
        SampleTooLargeError
            If it is too large.
        TypeError
            If a field has a value of the wrong type.
        """
        self.publish(topic, self.stamp_data(topic, data))

    def stamp_data(self, topic: TopicInfo, data: Message) -> Values:
        """Say in a sample whose it is and when it was written, and return what travels.

        Parameters
        ----------
        topic : `TopicInfo`
            Its topic.
        data : `Message`
            The sample.

        Returns
        -------
        values : `dict`
            Values of all fields.

        Raises
        ------
        RuntimeError
            If not started, or closed.
        TypeError
            If a field has a value of the wrong type.
        """
        self.assert_running()
        vars(data).update(
            private_sndStamp=self.domain.bus.send_stamp(),
            private_identity=self.identity,
            private_origin=self.domain.origin,
            **({"salIndex": self.index} if self.indexed else {}),
        )
        return topic.encode(data)

    def publish(self, topic: TopicInfo, values: Values) -> None:
        """Write what `stamp_data` has made.

        Parameters
        ----------
        topic : `TopicInfo`
            Its topic.
        values : `dict`
            Values of all fields.

        Raises
        ------
        SampleTooLargeError
            If it is too large.
        """
        try:
            self.domain.bus.publish((self.name, topic.attr_name), values)
        except SampleTooLargeError:
            self.log.exception(f"write_data for {self.name}.{topic.attr_name} failed.")
            raise

    def make_ackcmd(
        self,
        private_seqNum: int,  # noqa: N803  (the field's name)
        ack: SalRetCode | int,
        error: int = 0,
        result: str = "",
        timeout: float = 0,
        **fields: Any,
    ) -> Message:
        """Make an acknowledgement.

        Parameters
        ----------
        private_seqNum : `int`
            Number of the command.
        ack : `SalRetCode`
            How far it is.
        error : `int`
            Error code.
        result : `str`
            What to report.
        timeout : `float`
            For ``CMD_INPROGRESS``: how long it will take, seconds.
        **fields
            Further fields.

        Returns
        -------
        ackcmd : `Message`
            The acknowledgement.
        """
        return self.component.topics["ack_ackcmd"].message_type(
            private_seqNum=private_seqNum, ack=ack, error=error, result=result, timeout=timeout, **fields
        )

    async def close(self) -> None:
        """Read and write no more; end callbacks and waits for acknowledgements."""
        if not self.isopen:
            return
        self.isopen = False
        self.domain.salinfo_set.discard(self)
        for key, subscription in self._subscriptions:
            self.domain.bus.unsubscribe(key, subscription)
        if not self.start_task.done():
            self.start_task.cancel()
        for command in self.running_commands.values():
            command.close()
        self.running_commands.clear()
        # In this task, so that a reader sees when it is its own callback that closes it.
        for reader in self._readers:
            await reader.close()

    def __repr__(self) -> str:
        return f"SalInfo({self.name}, {self.index})"
