"""In-process stand-in for the part of ``lsst.ts.salobj`` that scripts and simulated components use.

Names, meaning and errors are those of ``lsst.ts.salobj`` 8. Samples travel
inside one event loop, where every `Domain` talks to every other.
"""

from .base import (
    AckError,
    AckTimeoutError,
    ExpectedError,
    SalRetCode,
    ScriptState,
    State,
    name_to_name_index,
)
from .base_script import BaseScript
from .controller import Controller
from .domain import Domain
from .remote import Remote
from .validator import DefaultingValidator

__all__ = [
    "AckError",
    "AckTimeoutError",
    "BaseScript",
    "Controller",
    "DefaultingValidator",
    "Domain",
    "ExpectedError",
    "Remote",
    "SalRetCode",
    "ScriptState",
    "State",
    "name_to_name_index",
]
