"""What topics that are written and topics that are read have in common."""

from __future__ import annotations

from .messages import Message
from .sal_info import SalInfo

__all__ = ["BaseTopic"]


class BaseTopic:
    """One topic of a component.

    Parameters
    ----------
    salinfo : `SalInfo`
        The component.
    attr_name : `str`
        Name of the topic with prefix.
    """

    def __init__(self, salinfo: SalInfo, attr_name: str) -> None:
        self.salinfo = salinfo
        self.attr_name = attr_name
        self.log = salinfo.log
        self.topic_info = salinfo.component.topics[attr_name]

    @property
    def DataType(self) -> type[Message]:  # noqa: N802  (salobj's name)
        """Class of the samples."""
        return self.topic_info.message_type

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.salinfo.name}, {self.salinfo.index}, {self.attr_name})"
