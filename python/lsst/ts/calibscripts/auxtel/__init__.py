"""Scripts of the Auxiliary Telescope."""

from .make_latiss_calibrations import MakeLatissCalibrations

__all__ = ["MakeLatissCalibrations"]
