"""The cameras that have a script: one frozen record each.

Where would I add an instrument: a record here, a config model, a thin script and its executable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "DOME_COMPONENTS",
    "INSTRUMENTS",
    "LATISS",
    "LSSTCAM",
    "LSSTCOMCAM",
    "Components",
    "Instrument",
    "Light",
    "filter_fits",
    "listed",
    "physical_filter",
]


AMPLIFIERS = 16
"""Amplifiers of a science detector of any camera."""


@dataclass(frozen=True)
class Components:
    """The SAL components that serve a camera."""

    #: Their names.
    camera: str
    oods: str
    header_service: str
    ocps_index: int  #: Index of the OCPS that is configured for this camera.


@dataclass(frozen=True)
class Light:
    """What the light of the flats comes through."""

    #: Names to propose; what is installed changes, and only the instrument can say it. Empty where there is
    #: none.
    filters: tuple[str, ...] = ()
    gratings: tuple[str, ...] = ()
    #: What to do where the flats are too dark.
    too_dark: str = (
        "Check that the flat-field source is on and that dome and telescope are in the flat position."
    )


@dataclass(frozen=True)
class Instrument:
    """What distinguishes one camera from another."""

    name: str  #: Butler instrument name, and the directory of its pipelines.
    script: str  #: Name of its script in the ScriptQueue, e.g. ``auxtel/make_latiss_calibrations.py``.
    detectors: tuple[int, ...]  #: Detectors used where the user asks for none.
    valid_detectors: tuple[int, ...]  #: Detectors that may be asked for.
    components: Components  #: Its SAL components.
    prefix: str  #: First part of an image name, e.g. ``AT`` in ``AT_O_20260918_000042``.
    light: Light  #: What the light of the flats comes through.
    amplifiers: int = AMPLIFIERS  #: Amplifiers of a detector.
    #: Are its combined calibrations so many that they are compared binned by eight, where pipelines write them so?
    compared_binned: bool = False

    @property
    def calib_collection(self) -> str:
        """Collection with the certified calibrations that everybody uses."""
        return f"{self.name}/calib"

    @property
    def daily_collection(self) -> str:
        """Collection that new calibrations are certified into by default."""
        return f"{self.name}/calib/daily"

    @property
    def raw_collection(self) -> str:
        """Collection with the raw images, which the OCPS adds to every job by itself."""
        return f"{self.name}/raw/all"

    @property
    def repo(self) -> str:
        """Butler repository at the summit."""
        return f"/repo/{self.name}"


_SDSS = tuple(f"SDSS{band}_65mm" for band in "ugrizy")
"""They fit into either wheel of LATISS."""

_PINHOLES = tuple(
    f"pinhole_{size}_{width}"
    for size in ("1", "2_1", "2_2", "2_3", "2_4")
    for width in ("1000", "0500", "0200", "0100")
)

LATISS = Instrument(
    name="LATISS",
    script="auxtel/make_latiss_calibrations.py",
    detectors=(0,),
    valid_detectors=(0,),
    components=Components("ATCamera", "ATOODS", "ATHeaderService", ocps_index=1),
    prefix="AT",
    light=Light(
        filters=(
            *_SDSS,
            "BG40_65mm_1",
            "BG40_65mm_2",
            "OG550_65mm_1",
            "OG550_65mm_2",
            "BG40",
            "OG550",
            "RG610",
            "FELH0600",
            "blank_bk7_wg05",
            "cyl_lens",
            "collimator",
            "diffuser",
            "empty_1",
            "empty_2",
            "empty_3",
        ),
        gratings=(
            "empty_1",
            "empty_2",
            *_SDSS,
            "holo4_001",
            "holo4_003",
            "ronchi90lpmm",
            "ronchi170lpmm",
            "blue300lpmm_qn1",
            "quadnotch1",
            *_PINHOLES,
        ),
        too_dark="Check that the lamp is on and warm (15 minutes). Otherwise dome and white light are misaligned: "
        "re-home the dome (auxtel/atdome/home_dome.py), prepare for flats again (BLOCK-309, or "
        "auxtel/prepare_for/flat.py), make small adjustments with auxtel/atdome/slew_dome.py, and report it to the "
        "AuxTel team.",
    ),
)

LSSTCOMCAM = Instrument(
    name="LSSTComCam",
    script="maintel/make_comcam_calibrations.py",
    detectors=tuple(range(9)),
    valid_detectors=tuple(range(9)),
    components=Components("CCCamera", "CCOODS", "CCHeaderService", ocps_index=2),
    prefix="CC",
    light=Light(
        filters=("u_02", "u_05", "g_01", "g_07", "r_03", "i_06", "z_03", "z_04", "y_02", "y_04", "NONE")
    ),
)

LSSTCAM = Instrument(
    name="LSSTCam",
    script="maintel/make_lsstcam_calibrations.py",
    detectors=tuple(range(189)),
    valid_detectors=tuple(range(205)),
    components=Components("MTCamera", "MTOODS", "MTHeaderService", ocps_index=3),
    prefix="MC",
    compared_binned=True,
    light=Light(filters=("u_24", "g_6", "r_57", "i_39", "z_20", "y_10", "ef_43", "ph_5", "NONE")),
)

DOME_COMPONENTS = ("MTDomeTrajectory", "MTDome")
"""Components of the dome of LSSTCam, whose states are checked before flats."""

INSTRUMENTS = {instrument.name: instrument for instrument in (LATISS, LSSTCOMCAM, LSSTCAM)}


def physical_filter(filter: str, *gratings: str) -> str:
    """Return the butler's name of what is in the beam.

    Parameters
    ----------
    filter : `str`
        Name of the filter.
    *gratings : `str`
        Name of the grating, of a camera that has gratings.

    Returns
    -------
    `str`
        With a grating ``FILTER~GRATING``, with ``empty`` for any empty place, e.g. empty_1; else the filter, ``none``
        where the camera says NONE.
    """
    if not gratings:
        return "none" if filter.lower() == "none" else filter
    return "~".join("empty" if name.startswith("empty") else name for name in (filter, *gratings))


def listed(names: str) -> tuple[str, ...]:
    """Read the names in a list that an event holds as one text.

    Parameters
    ----------
    names : `str`
        E.g. ``u_24,g_6,NONE``; in older interfaces with colons.
    """
    return tuple(name for part in names.replace(":", ",").split(",") if (name := part.strip()))


def filter_fits(found: str, asked: Sequence[str | None]) -> bool:
    """Compare a physical filter with what is asked for.

    Parameters
    ----------
    found : `str`
        The butler's name of what is in the beam.
    asked : sequence of `str` or `None`
        Name of the filter and, of a camera that has gratings, of the grating. None where any will do; nothing where
        nothing is asked for.
    """
    if not asked:
        return True
    parts = found.split("~") if len(asked) > 1 else [found]
    return len(parts) == len(asked) and all(
        name is None or physical_filter(name, *[""] * (len(asked) - 1)).split("~")[0] == part
        for name, part in zip(asked, parts, strict=True)
    )
