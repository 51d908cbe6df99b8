"""Groups of components and cameras, with the interface of ``lsst.ts.observatory.control``."""

from .cameras import LATISS, ComCam, LSSTCam
from .remote_group import RemoteGroup

__all__ = ["LATISS", "ComCam", "LSSTCam", "RemoteGroup"]
