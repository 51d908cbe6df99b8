"""The fields of a topic, and its samples."""

from __future__ import annotations

import operator
import struct
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

__all__ = ["Component", "FieldInfo", "Message", "TopicInfo"]

_SINGLE = struct.Struct("f")


def _boolean(value: Any) -> bool:
    return bool(value)


def _integer(value: Any) -> int:
    # int() of the index, because readers get numbers and not members of an enumeration.
    return int(operator.index(value))


def _double(value: Any) -> float:
    if isinstance(value, str | bytes):
        raise TypeError("must be a number")
    return float(value)


def _float(value: Any) -> float:
    single: float = _SINGLE.unpack(_SINGLE.pack(_double(value)))[0]
    return single


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("must be a string")
    return str(value)


_ENCODERS: Mapping[str, Callable[[Any], Any]] = {
    "boolean": _boolean,
    "byte": _integer,
    "short": _integer,
    "int": _integer,
    "long": _integer,
    "float": _float,
    "double": _double,
    "string": _string,
}


@dataclass(frozen=True)
class FieldInfo:
    """One field of a topic."""

    name: str  #: Name of the field.
    sal_type: str  #: Its SAL type: boolean, byte, short, int, long, float, double, string.
    count: int = 1  #: Length of an array, 1 for a scalar.

    def default(self) -> Any:
        """Make the value of a field that has not been set."""
        encode = _ENCODERS[self.sal_type]
        zero = "" if encode is _string else encode(0)
        return zero if self.count == 1 else [zero] * self.count

    @cached_property
    def encode(self) -> Callable[[Any], Any]:
        """Conversion to the type that readers get; raises TypeError for a wrong one."""
        encode = _ENCODERS[self.sal_type]
        return encode if self.count == 1 else lambda value: [encode(item) for item in value]


class Message:
    """One sample of a topic; its fields are attributes.

    Parameters
    ----------
    **fields
        Fields that differ from their default.

    Raises
    ------
    TypeError
        If the topic has no such field.
    """

    topic: ClassVar[TopicInfo]

    def __init__(self, **fields: Any) -> None:
        values = vars(self)
        values.update(self.topic.scalars)
        for array in self.topic.arrays:
            values[array.name] = array.default()
        if not fields.keys() <= values.keys():
            unknown = sorted(fields.keys() - values.keys())
            raise TypeError(f"{self.topic.attr_name} got unexpected fields {unknown}")
        values.update(fields)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Message:
        """Make a sample of its own from all values of the fields."""
        message = cls.__new__(cls)
        fields = vars(message)
        fields.update(values)
        for array in cls.topic.arrays:
            fields[array.name] = list(fields[array.name])
        return message

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{self.topic.attr_name}({fields})"


@dataclass(frozen=True)
class TopicInfo:
    """One topic of a SAL component."""

    component: str  #: Name of the component.
    attr_name: str  #: Name with prefix: ``cmd_``, ``evt_`` or ``ack_``.
    fields: tuple[FieldInfo, ...]  #: Its fields, the private ones included.

    @cached_property
    def scalars(self) -> Mapping[str, Any]:
        """Defaults of the fields that are not arrays."""
        return {field.name: field.default() for field in self.fields if field.count == 1}

    @cached_property
    def arrays(self) -> tuple[FieldInfo, ...]:
        """The fields that are arrays."""
        return tuple(field for field in self.fields if field.count > 1)

    @cached_property
    def message_type(self) -> type[Message]:
        """Class of the samples."""
        return type(self.attr_name, (Message,), {"topic": self})

    @cached_property
    def _encoders(self) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
        return tuple((field.name, field.encode) for field in self.fields)

    def encode(self, message: Message) -> dict[str, Any]:
        """Convert a sample to what travels.

        Parameters
        ----------
        message : `Message`
            Sample to be written.

        Returns
        -------
        values : `dict`
            Plain values of all fields.

        Raises
        ------
        TypeError
            If a field holds a value of the wrong type.
        """
        given = vars(message)
        values = {}
        for name, encode in self._encoders:
            try:
                values[name] = encode(given[name])
            except (TypeError, ValueError, OverflowError) as error:
                raise TypeError(f"Cannot write {self.attr_name}.{name}={given[name]!r}: {error}") from error
        self.check_lengths(values)
        return values

    def check_lengths(self, values: Mapping[str, Any]) -> None:
        """Warn of arrays that do not have the length of the interface."""
        wrong = [array.name for array in self.arrays if len(values[array.name]) != array.count]
        if wrong:
            warnings.warn(f"Array fields with incorrect length: {wrong}.", stacklevel=4)


@dataclass(frozen=True)
class Component:
    """One SAL component."""

    name: str  #: Name of the component.
    indexed: bool  #: May there be several, distinguished by an index?
    topics: Mapping[str, TopicInfo]  #: Its topics by name with prefix.

    def names(self, prefix: str) -> list[str]:
        """List the topics of one kind, sorted, without the prefix."""
        return sorted(name.removeprefix(prefix) for name in self.topics if name.startswith(prefix))
