"""LATISS: its configuration and its remotes; no sequencing."""

from __future__ import annotations

from typing import Any

from ..base_make_calibrations import BaseMakeCalibrations
from ..config import LatissConfig, json_schema
from ..instruments import LATISS as RECORD
from ..sal import LATISS, RemoteGroup

__all__ = ["MakeLatissCalibrations"]


class MakeLatissCalibrations(BaseMakeCalibrations):
    """Take, generate, verify and certify calibrations of LATISS.

    Parameters
    ----------
    index : `int`, optional
        Index of the Script SAL component.
    """

    config_model = LatissConfig

    def __init__(self, index: int = 1) -> None:
        super().__init__(
            index=index,
            descr="Take biases, darks and flats with LATISS; generate, verify and certify calibrations.",
        )
        self._latiss: LATISS | None = None
        self._ocps_group: RemoteGroup | None = None

    @property
    def camera(self) -> Any:
        """LATISS."""
        return self._latiss

    @property
    def ocps_group(self) -> Any:
        """Group with OCPS:1."""
        return self._ocps_group

    @property
    def ocps(self) -> Any:
        """Remote of OCPS:1."""
        return self.ocps_group.rem.ocps_1

    @property
    def instrument_name(self) -> str:
        """Butler instrument name."""
        return RECORD.name

    @property
    def pipeline_instrument(self) -> str:
        """Directory of the pipelines."""
        return RECORD.name

    @property
    def detectors(self) -> list[int]:
        """The one detector."""
        return list(RECORD.detectors)

    @property
    def n_detectors(self) -> int:
        """One."""
        return len(RECORD.detectors)

    @property
    def image_in_oods(self) -> Any:
        """ATOODS.imageInOODS."""
        return self.camera.rem.atoods.evt_imageInOODS

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        """Give the JSON schema of the configuration."""
        return json_schema(LatissConfig)

    def get_instrument_configuration(self) -> dict[str, Any]:
        """Give filter and grating; None leaves them as they are."""
        return {"filter": self.config.filter, "grating": self.config.grating}

    async def start_remotes(self) -> None:
        """Make and start the remotes of LATISS and OCPS:1, unless they are there."""
        if self._latiss is None:
            self._latiss = LATISS(domain=self.domain, log=self.log)
            await self._latiss.start_task
        if self._ocps_group is None:
            self._ocps_group = RemoteGroup(domain=self.domain, components=["OCPS:1"], log=self.log)
            await self._ocps_group.start_task

    async def get_physical_filter(self, *, set_up: bool) -> str | None:
        """Give FILTER~GRATING, with ``empty`` for empty_1, of the configuration or as they are now."""
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
        return "~".join("empty" if str(name).startswith("empty") else str(name) for name in names)
