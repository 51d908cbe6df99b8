"""The one import of the observatory middleware.

Where lsst.ts.salobj and lsst.ts.observatory.control are installed they are taken, else the in-process
stand-ins of the simulated summit, which offer the same names with the same meaning. The environment variable
``CALIBSCRIPTS_SAL`` forces one of them: ``salobj`` or ``embedded``.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import TYPE_CHECKING

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

if TYPE_CHECKING or MIDDLEWARE == "embedded":
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
else:  # pragma: no cover: the observatory's middleware, which no public package index has
    from lsst.ts.observatory.control import RemoteGroup
    from lsst.ts.observatory.control.auxtel.latiss import LATISS
    from lsst.ts.observatory.control.maintel.comcam import ComCam
    from lsst.ts.observatory.control.maintel.lsstcam import LSSTCam
    from lsst.ts.salobj import (
        AckError,
        AckTimeoutError,
        BaseScript,
        Controller,
        Domain,
        ExpectedError,
        Remote,
        SalRetCode,
        State,
        name_to_name_index,
    )

    try:
        ScriptState = importlib.import_module("lsst.ts.xml.enums.Script").ScriptState
    except ModuleNotFoundError:
        ScriptState = importlib.import_module("lsst.ts.idl.enums.Script").ScriptState
