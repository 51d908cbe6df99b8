"""What the camera knows about one exposure, and the FITS header that describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from astropy.time import Time, TimeDelta

from ...tables.instruments import INSTRUMENTS
from .focalplane import Detector, physical_filter

__all__ = ["Observation", "raw_header"]

_TELESCOPES = {"LATISS": "LSST AuxTelescope"}
_CONTROLLERS = {"LATISS": "ats", "LSSTComCam": "comcam"}
"""Names of the controllers of the cameras that are not called as their camera."""


@dataclass(frozen=True)
class Observation:
    """One exposure, as the camera took it."""

    instrument: str  #: LATISS, LSSTComCam or LSSTCam.
    day_obs: int  #: Observing day, YYYYMMDD.
    seq_num: int  #: Number of the exposure within the day, from 1.
    image_type: str  #: BIAS, DARK or FLAT.
    #: Time with the shutter commanded open, and time from the last clear to the readout, in s.
    exposure_time: float
    dark_time: float
    begin: Time  #: Start of the exposure; the header has it in TAI.
    #: What is in the beam, as the observer names it; no grating where the camera has none.
    filter: str
    grating: str = ""
    #: Light at the field centre in ADU/s, for a gain of `sensor.REFERENCE_GAIN`; 0 in the dark.
    rate: float = 0.0
    #: What the observer or the script says about it.
    group_id: str = ""
    program: str = ""
    reason: str = ""
    note: str = ""
    first_after_idle: bool = False  #: True if the camera had been idle: the frame is bad.

    @property
    def exposure_id(self) -> int:
        """Butler exposure id, YYYYMMDDNNNNN."""
        return self.day_obs * 100_000 + self.seq_num

    @property
    def physical_filter(self) -> str:
        """Butler name of what is in the beam."""
        return physical_filter(self.instrument, self.filter, self.grating)

    @property
    def obs_id(self) -> str:
        """Name of the image, for example ``AT_O_20260918_000042``."""
        return f"{INSTRUMENTS[self.instrument].prefix}_O_{self.day_obs}_{self.seq_num:06d}"


def raw_header(observation: Observation, detector: Detector) -> dict[str, Any]:
    """Return the primary header of a raw frame with the keywords of the observatory's header service.

    Parameters
    ----------
    observation
        The exposure.
    detector
        The detector.

    Returns
    -------
    header
        Keyword to value. Times are TAI.
    """
    return _identity(observation, detector) | _times(observation) | _setup(observation)


def _identity(observation: Observation, detector: Detector) -> dict[str, Any]:
    code = INSTRUMENTS[observation.instrument].prefix
    return {
        "ORIGIN": "LSST DM Header Service (simulated)",
        "TELESCOP": _TELESCOPES.get(observation.instrument, "LSST"),
        "INSTRUME": observation.instrument,
        "TELCODE": code,
        "CAMCODE": code,
        "CONTRLLR": "O",
        "OBSID": observation.obs_id,
        "DAYOBS": str(observation.day_obs),
        "SEQNUM": observation.seq_num,
        "GROUPID": observation.group_id or observation.obs_id,
        # The raft that LATISS has no place in is R00 in its files and RXX in the butler.
        "RAFTBAY": "R00" if detector.raft == "RXX" else detector.raft,
        "CCDSLOT": detector.sensor,
        "DETECTOR": detector.id,
        "SIMULATE": True,
    }


def _times(observation: Observation) -> dict[str, Any]:
    begin = observation.begin.tai
    end = begin + TimeDelta(max(observation.exposure_time, observation.dark_time), format="sec")
    return {
        "TIMESYS": "TAI",
        "DATE-BEG": begin.isot,
        "DATE-END": end.isot,
        "MJD-BEG": begin.mjd,
        "MJD-END": end.mjd,
        "EXPTIME": float(observation.exposure_time),
        "SHUTTIME": float(observation.exposure_time) if observation.image_type == "FLAT" else 0.0,
        "DARKTIME": float(observation.dark_time),
    }


def _setup(observation: Observation) -> dict[str, Any]:
    return {
        "IMGTYPE": observation.image_type,
        "PROGRAM": observation.program,
        "REASON": observation.reason,
        "NOTE": observation.note,
        "TESTTYPE": f"{observation.instrument}:{observation.image_type}",
        "FILTER": observation.filter,
        "GRATING": observation.grating,
        "SEQFILE": f"FP_{_CONTROLLERS.get(observation.instrument, observation.instrument.lower())}_2s_v30.seq",
        "TEMP_SET": -94.15,
        "CCDTEMP": -94.15,
        "BUNIT": "adu",
    }
