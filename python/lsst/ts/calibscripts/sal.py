"""The one import of the observatory middleware.

Where lsst.ts.salobj and lsst.ts.observatory.control are installed they are taken, else the in-process
stand-ins of the simulated summit, which offer the same names with the same meaning. The environment variable
``CALIBSCRIPTS_SAL`` forces one of them: ``salobj`` or ``embedded``.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = [
    "LATISS",
    "MIDDLEWARE",
    "AckError",
    "AckTimeoutError",
    "BaseScript",
    "ComCam",
    "Controller",
    "Domain",
    "ExpectedError",
    "LSSTCam",
    "Remote",
    "RemoteGroup",
    "SalRetCode",
    "ScriptState",
    "State",
    "name_to_name_index",
]


def _choose() -> str:
    """Report which middleware this process uses: ``salobj`` or ``embedded``."""
    forced = os.environ.get("CALIBSCRIPTS_SAL", "")
    if forced:
        if forced not in ("embedded", "salobj"):
            raise ImportError(f"CALIBSCRIPTS_SAL is {forced!r}; write 'embedded' or 'salobj'")
        return forced
    try:
        found = all(
            importlib.util.find_spec(name) for name in ("lsst.ts.salobj", "lsst.ts.observatory.control")
        )
    except ModuleNotFoundError:
        found = False
    return "salobj" if found else "embedded"


MIDDLEWARE = _choose()

if TYPE_CHECKING:
    from .embedded.observatory import LATISS, ComCam, LSSTCam, RemoteGroup
    from .embedded.salobj import (
        AckError,
        AckTimeoutError,
        BaseScript,
        Controller,
        Domain,
        ExpectedError,
        Remote,
        SalRetCode,
        ScriptState,
        State,
        name_to_name_index,
    )

_CAMERAS = {
    "LATISS": "lsst.ts.observatory.control.auxtel.latiss",
    "ComCam": "lsst.ts.observatory.control.maintel.comcam",
    "LSSTCam": "lsst.ts.observatory.control.maintel.lsstcam",
    "RemoteGroup": "lsst.ts.observatory.control",
}
"""Name -> the module of the observatory that has it; all others are salobj's."""


def _home(name: str) -> ModuleType:
    """Import the module that has a name."""
    if MIDDLEWARE == "embedded":
        room = "observatory" if name in _CAMERAS else "salobj"
        return importlib.import_module(f".embedded.{room}", __package__)
    # The observatory's middleware, which no public package index has.
    if name == "ScriptState":
        try:
            return importlib.import_module("lsst.ts.xml.enums.Script")
        except ModuleNotFoundError:
            return importlib.import_module("lsst.ts.idl.enums.Script")
    return importlib.import_module(_CAMERAS.get(name, "lsst.ts.salobj"))


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for: salobj takes seconds to import, and the cameras as long again.

    Raises
    ------
    AttributeError
        For a name that is not one of the middleware's.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(_home(name), name)
    return value
