"""LATISS: its configuration and its camera; no sequencing."""

from __future__ import annotations

from typing import Any

from ..config import LatissConfig
from ..make_calibrations import MakeCalibrations
from ..preflight.flat_setup import not_ready
from ..sal import LATISS
from ..tables import instruments
from .flat_setup import flat_setup

__all__ = ["MakeLatissCalibrations"]


class MakeLatissCalibrations(MakeCalibrations):  # numpydoc ignore=PR02
    """Take, generate, verify and certify calibrations of LATISS.

    Parameters
    ----------
    index : `int`, optional
        Index of the Script SAL component.
    """

    instrument = instruments.LATISS
    config_model = LatissConfig
    camera_type = LATISS

    def get_instrument_configuration(self) -> dict[str, Any]:
        """Return filter and grating; None leaves them as they are."""
        return {"filter": self.config.filter, "grating": self.config.grating}

    async def get_physical_filter(self, *, set_up: bool) -> str | None:
        """Return FILTER~GRATING, with ``empty`` for empty_1, of the configuration or as they are now."""
        spectrograph = self.camera.rem.atspectrograph
        now = (
            spectrograph.evt_reportedFilterPosition.get(),
            spectrograph.evt_reportedDisperserPosition.get(),
        )
        names = [
            (None if position is None else position.name) if wanted is None or set_up else wanted
            for wanted, position in zip((self.config.filter, self.config.grating), now, strict=True)
        ]
        if not all(isinstance(name, str) and name for name in names):
            return None
        return instruments.physical_filter(*map(str, names))

    async def not_ready_for_flats(self) -> tuple[str, ...]:
        """Look at lamp, dome and telescope."""
        return not_ready(await flat_setup(self.domain))

    async def get_installed(self) -> dict[str, tuple[str, ...]]:
        """Return the names of the filters and gratings in the wheels of the spectrograph."""
        applied = self.camera.rem.atspectrograph.evt_settingsAppliedValues.get()
        if applied is None:
            return {}
        return {
            "filter": instruments.listed(applied.filterNames),
            "grating": instruments.listed(applied.gratingNames),
        }
