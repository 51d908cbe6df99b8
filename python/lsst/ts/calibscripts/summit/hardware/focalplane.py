"""Detectors and filters of the cameras, and how bright the flat screen is through each filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...tables import instruments
from ...tables.instruments import LATISS

__all__ = ["INSTALLED", "Detector", "detectors", "illumination_rate", "physical_filter", "physical_filters"]


@dataclass(frozen=True)
class Detector:
    """Place and purpose of one detector."""

    id: int  #: Number of the detector within its camera.
    #: For example R22 and S11; the header's RAFTBAY and CCDSLOT.
    raft: str
    sensor: str
    purpose: str = "SCIENCE"  #: SCIENCE, GUIDER or WAVEFRONT.

    @property
    def full_name(self) -> str:
        """Name as in verification reports, for example ``R22_S11``."""
        return f"{self.raft}_{self.sensor}"


_SLOTS = tuple(f"S{row}{column}" for row in range(3) for column in range(3))
_CORNER_RAFTS = ("R00", "R04", "R40", "R44")
_SCIENCE_RAFTS = tuple(
    raft for row in range(5) for column in range(5) if (raft := f"R{row}{column}") not in _CORNER_RAFTS
)


def _lsstcam() -> tuple[Detector, ...]:
    science = [(raft, slot, "SCIENCE") for raft in _SCIENCE_RAFTS for slot in _SLOTS]
    corners = [
        (raft, slot, "GUIDER" if slot.startswith("SG") else "WAVEFRONT")
        for raft in _CORNER_RAFTS
        for slot in ("SG0", "SG1", "SW0", "SW1")
    ]
    return tuple(Detector(id, *place) for id, place in enumerate(science + corners))


_DETECTORS: Mapping[str, tuple[Detector, ...]] = {
    "LATISS": (Detector(0, "RXX", "S00"),),
    "LSSTComCam": tuple(Detector(id, "R22", slot) for id, slot in enumerate(_SLOTS)),
    "LSSTCam": _lsstcam(),
}

INSTALLED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "LATISS": (
        (
            "SDSSg_65mm",
            "SDSSr_65mm",
            "SDSSi_65mm",
            "SDSSz_65mm",
            "SDSSy_65mm",
            "BG40_65mm_1",
            "OG550_65mm_1",
            "empty_1",
        ),
        ("empty_1", "SDSSy_65mm", "holo4_003", "blue300lpmm_qn1"),
    ),
    "LSSTComCam": (("u_02", "g_01", "r_03", "i_06", "z_03", "y_04", "NONE"), ()),
    "LSSTCam": (("u_24", "g_6", "r_57", "i_39", "z_20", "y_10", "NONE"), ()),
}
"""Filters and gratings in the wheels of the simulated cameras; the real ones know more, and change them."""

_EMPTY_RATE = 13600.0
"""ADU/s at the field centre with nothing in the beam: 5 s stay below saturation, see `illumination_rate`."""

_TRANSMISSION: Mapping[str, float] = {
    "empty": 1.0,
    "none": 1.0,
    "SDSSg_65mm": 0.29,
    "SDSSr_65mm": 0.36,
    "SDSSi_65mm": 0.40,
    "SDSSz_65mm": 0.66,
    "SDSSy_65mm": 0.066,
    "BG40_65mm_1": 0.45,
    "OG550_65mm_1": 0.60,
    "holo4_003": 0.60,
    "blue300lpmm_qn1": 0.50,
}

_BAND_RATES: Mapping[str, float] = {
    "u": 400.0,
    "g": 3000.0,
    "r": 4900.0,
    "i": 4500.0,
    "z": 3500.0,
    "y": 1200.0,
}


def detectors(instrument: str) -> tuple[Detector, ...]:
    """Return the detectors of a camera in the order of their ids.

    Parameters
    ----------
    instrument
        LATISS, LSSTComCam or LSSTCam.

    Returns
    -------
    detectors
        LATISS has 1, LSSTComCam 9, LSSTCam 205: 0..188 for science, raft by raft, then guiders and wavefront
        sensors of the corner rafts.

    Raises
    ------
    KeyError
        If the camera is not simulated.
    """
    return _DETECTORS[instrument]


def physical_filter(instrument: str, filter: str, grating: str = "empty_1") -> str:
    """Return the butler name of what is in the beam.

    Parameters
    ----------
    instrument
        LATISS, LSSTComCam or LSSTCam.
    filter, grating
        Names as the observer writes them; only LATISS has gratings.

    Returns
    -------
    physical_filter
        For LATISS ``FILTER~GRATING`` with ``empty`` for ``empty_1``, else the filter.
    """
    gratings = (grating,) if instrument == LATISS.name else ()
    return instruments.physical_filter(filter, *gratings)


def physical_filters(instrument: str) -> tuple[str, ...]:
    """Return all physical filters of a camera.

    Parameters
    ----------
    instrument
        LATISS, LSSTComCam or LSSTCam.

    Returns
    -------
    physical_filters
        For LATISS every filter with every grating.
    """
    filters, gratings = INSTALLED[instrument]
    return tuple(
        physical_filter(instrument, name, grating) for grating in gratings or ("",) for name in filters
    )


def illumination_rate(physical_filter: str) -> float:
    """Return the signal of the lit flat screen at the field centre in ADU/s, for a gain of `sensor.REFERENCE_GAIN`.

    For LATISS the white light yields 4900 ADU/s through ``SDSSr_65mm~empty``, so that 123,000 ADU are
    reached in 25 s, and less than that with the exposure times of the weekly calibrations, 1 to 30 s.

    Parameters
    ----------
    physical_filter
        A physical filter of any of the cameras.

    Returns
    -------
    rate
        ADU/s.

    Raises
    ------
    KeyError
        If the filter is unknown.
    """
    if "~" not in physical_filter and physical_filter[1:2] == "_":
        return _BAND_RATES[physical_filter[0]]
    rate = _EMPTY_RATE
    for element in physical_filter.split("~"):
        rate *= _TRANSMISSION[element]
    return rate
