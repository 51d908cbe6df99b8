"""The cameras of the simulated summit as the butler knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsst.daf.butler import FormatterV2
from lsst.daf.butler.registry import Registry
from lsst.pipe.base import Instrument

from ...tables.instruments import INSTRUMENTS
from ..datasets.formatters import RawFrameFormatter
from ..hardware.focalplane import detectors, physical_filters

__all__ = ["SUMMIT_INSTRUMENTS", "SummitInstrument"]

_ID_LIMIT = 10**13
"""Exposure ids YYYYMMDDNNNNN are below this one."""


class SummitInstrument(Instrument):
    """A camera of the simulated summit; the name of the class is the butler's name of the camera."""

    @classmethod
    def getName(cls) -> str:  # noqa: N802 - the name is pipe_base's
        """Return the name of the instrument dimension."""
        return cls.__name__

    def getRawFormatter(self, dataId: Any) -> type[FormatterV2]:  # noqa: N802, N803 - the names are pipe_base's
        """Return the formatter of raw images, the same for all."""
        return RawFrameFormatter

    def register(self, registry: Registry, *, update: bool = False) -> None:
        """Register the camera with its detectors and physical filters; a second time changes nothing.

        Parameters
        ----------
        registry
            Registry of a writeable repository.
        update
            Change records that differ.

        Raises
        ------
        lsst.daf.butler.registry.ConflictingDefinitionError
            If records differ and are not to be changed.
        """
        with registry.transaction():
            for element, record in self._records():
                registry.syncDimensionData(element, record, update=update)

    def _records(self) -> list[tuple[str, dict[str, Any]]]:
        name = self.getName()
        camera = {
            "name": name,
            "class_name": f"{__name__}.{name}",
            "detector_max": len(detectors(name)),
            "exposure_max": _ID_LIMIT,
            "visit_max": _ID_LIMIT,
        }
        sensors = [
            {
                "instrument": name,
                "id": detector.id,
                "full_name": detector.full_name,
                "name_in_raft": detector.sensor,
                "raft": detector.raft,
                "purpose": detector.purpose,
            }
            for detector in detectors(name)
        ]
        filters = [
            {"instrument": name, "name": filter, "band": _band(filter)} for filter in physical_filters(name)
        ]
        return [
            ("instrument", camera),
            *(("detector", record) for record in sensors),
            *(("physical_filter", record) for record in filters),
        ]


SUMMIT_INSTRUMENTS: Mapping[str, type[SummitInstrument]] = {
    name: type(name, (SummitInstrument,), {"__module__": __name__}) for name in INSTRUMENTS
}
"""The cameras by name."""


def __getattr__(name: str) -> type[SummitInstrument]:
    """Return the class of a camera: the registry and the pipelines know it by its place in this module."""
    if name not in SUMMIT_INSTRUMENTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return SUMMIT_INSTRUMENTS[name]


_BANDS = {"BG40_65mm_1": "g", "OG550_65mm_1": "g"}
"""Bands of filters whose names do not say them, as obs_lsst has them."""


def _band(physical_filter: str) -> str:
    """Return the band of ``r_03``, ``SDSSr_65mm~empty`` or ``empty~SDSSy_65mm``; white for what has none."""
    for element in physical_filter.split("~"):
        name = element.removeprefix("SDSS")
        if name[1:2] == "_" or element in _BANDS:
            return _BANDS.get(element, name[0])
    return "white"
