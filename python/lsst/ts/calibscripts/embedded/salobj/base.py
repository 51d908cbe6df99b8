"""Enumerations, exceptions and names that every part of the middleware uses."""

from __future__ import annotations

import enum
import re
from typing import Any

__all__ = [
    "AckError",
    "AckTimeoutError",
    "ExpectedError",
    "SalRetCode",
    "ScriptState",
    "State",
    "name_to_name_index",
]

_NAME_INDEX = re.compile(r"(?P<name>[a-zA-Z_-][a-zA-Z0-9_-]*)(:(?P<index>\d+))?")


class State(enum.IntEnum):
    """Summary state of a commandable SAL component (ts_xml ``SALGenerics``)."""

    DISABLED = 1
    ENABLED = 2
    FAULT = 3
    OFFLINE = 4
    STANDBY = 5


class SalRetCode(enum.IntEnum):
    """How far a command is, as reported in its acknowledgements."""

    CMD_ACK = 300
    CMD_INPROGRESS = 301
    CMD_STALLED = 302
    CMD_COMPLETE = 303
    CMD_NOPERM = -300
    CMD_NOACK = -301
    CMD_FAILED = -302
    CMD_ABORTED = -303
    CMD_TIMEOUT = -304


class ScriptState(enum.IntEnum):
    """State of a SAL script (ts_xml ``enums.Script``)."""

    UNKNOWN = 0
    UNCONFIGURED = 1
    CONFIGURED = 2
    RUNNING = 3
    PAUSED = 4
    ENDING = 5
    STOPPING = 6
    FAILING = 7
    DONE = 8
    STOPPED = 9
    FAILED = 10
    CONFIGURE_FAILED = 11


class MetadataCoordSys(enum.IntEnum):
    """Coordinate system of a script's metadata."""

    NONE = 1
    ICRS = 2
    OBSERVED = 3
    MOUNT = 4


class MetadataRotSys(enum.IntEnum):
    """Rotator coordinate system of a script's metadata."""

    NONE = 1
    SKY = 2
    HORIZON = 3
    MOUNT = 4


class MetadataDome(enum.IntEnum):
    """Dome state a script wants, in its metadata."""

    CLOSED = 1
    OPEN = 2
    EITHER = 3


class AckError(Exception):
    """A command failed.

    Parameters
    ----------
    msg : `str`
        What happened.
    ackcmd : message
        Last acknowledgement of the command.

    Attributes
    ----------
    ackcmd : message
        Last acknowledgement, with fields ``private_seqNum``, ``ack``,
        ``error``, ``result`` and ``timeout`` (seconds).
    """

    def __init__(self, msg: str, ackcmd: Any) -> None:
        super().__init__(msg)
        self.ackcmd = ackcmd

    def __str__(self) -> str:
        ack = self.ackcmd
        try:
            code = repr(SalRetCode(ack.ack))
        except ValueError:
            code = str(ack.ack)
        return (
            f"msg={self.args[0]!r}, ackcmd=(ackcmd private_seqNum={ack.private_seqNum}, "
            f"ack={code}, error={ack.error}, result={ack.result!r})"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"


class AckTimeoutError(AckError):
    """No (final) acknowledgement came in time.

    ``ackcmd`` is the last acknowledgement seen; where there was none its code
    is `SalRetCode.CMD_NOACK`.
    """


class ExpectedError(Exception):
    """An error that needs no traceback, such as a command in the wrong state."""


def name_to_name_index(name: str) -> tuple[str, int]:
    """Split the name of a SAL component into name and index.

    Parameters
    ----------
    name : `str`
        ``name`` or ``name:index``, without spaces.

    Returns
    -------
    name : `str`
        Name of the component.
    index : `int`
        SAL index; 0 where none is passed.

    Raises
    ------
    ValueError
        If the text has another form.
    """
    match = _NAME_INDEX.fullmatch(name)
    if match is None:
        raise ValueError(f"name {name!r} is not of the form 'name' or 'name:index'")
    return match["name"], int(match["index"] or 0)
