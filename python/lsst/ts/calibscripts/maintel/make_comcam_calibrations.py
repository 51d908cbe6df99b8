"""LSSTComCam: its configuration and its camera; no sequencing."""

from __future__ import annotations

from ..config import ComCamConfig
from ..make_calibrations import MakeCalibrations
from ..sal import ComCam
from ..tables import instruments

__all__ = ["MakeComCamCalibrations"]


class MakeComCamCalibrations(MakeCalibrations):  # numpydoc ignore=PR02
    """Take, generate, verify and certify calibrations of LSSTComCam.

    Parameters
    ----------
    index : `int`, optional
        Index of the Script SAL component.
    """

    instrument = instruments.LSSTCOMCAM
    config_model = ComCamConfig
    camera_type = ComCam
