"""LSSTComCam: its configuration and its remotes; no sequencing."""

from __future__ import annotations

from typing import Any

from ..base_make_calibrations import BaseMakeCalibrations
from ..config import ComCamConfig, json_schema
from ..instruments import LSSTCOMCAM as RECORD
from ..sal import ComCam, RemoteGroup

__all__ = ["MakeComCamCalibrations"]


class MakeComCamCalibrations(BaseMakeCalibrations):
    """Take, generate, verify and certify calibrations of LSSTComCam.

    Parameters
    ----------
    index : `int`, optional
        Index of the Script SAL component.
    """

    config_model = ComCamConfig

    def __init__(self, index: int = 1) -> None:
        super().__init__(
            index=index,
            descr="Take biases, darks and flats with LSSTComCam; generate, verify and certify calibrations.",
        )
        self._comcam: ComCam | None = None
        self._ocps_group: RemoteGroup | None = None

    @property
    def camera(self) -> Any:
        """LSSTComCam."""
        return self._comcam

    @property
    def ocps_group(self) -> Any:
        """Group with OCPS:2."""
        return self._ocps_group

    @property
    def ocps(self) -> Any:
        """Remote of OCPS:2."""
        return self.ocps_group.rem.ocps_2

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
        """All nine detectors."""
        return list(RECORD.detectors)

    @property
    def n_detectors(self) -> int:
        """Nine, or as many as are asked for."""
        return len(RECORD.detectors)

    @property
    def image_in_oods(self) -> Any:
        """CCOODS.imageInOODS."""
        return self.camera.rem.ccoods.evt_imageInOODS

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        """Give the JSON schema of the configuration."""
        return json_schema(ComCamConfig)

    def get_instrument_configuration(self) -> dict[str, Any]:
        """Give the filter; None leaves it as it is."""
        return {"filter": self.config.filter}

    async def start_remotes(self) -> None:
        """Make and start the remotes of LSSTComCam and OCPS:2, unless they are there."""
        if self._comcam is None:
            self._comcam = ComCam(domain=self.domain, log=self.log)
            await self._comcam.start_task
        if self._ocps_group is None:
            self._ocps_group = RemoteGroup(domain=self.domain, components=["OCPS:2"], log=self.log)
            await self._ocps_group.start_task

    async def get_physical_filter(self, *, set_up: bool) -> str | None:
        """Give the filter of the configuration, or the one that is in now."""
        now = self.camera.rem.cccamera.evt_endSetFilter.get()
        here = None if now is None else now.filterName
        name = here if self.config.filter is None or set_up else self.config.filter
        return name if isinstance(name, str) and name else None
