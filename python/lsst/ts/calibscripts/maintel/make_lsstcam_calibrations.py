"""LSSTCam: its configuration and its remotes; no sequencing."""

from __future__ import annotations

from typing import Any

from ..base_make_calibrations import BaseMakeCalibrations
from ..config import LSSTCamConfig, json_schema
from ..instruments import LSSTCAM as RECORD
from ..sal import LSSTCam, RemoteGroup, State

__all__ = ["MakeLSSTCamCalibrations"]


DOME_STATES = {"MTDomeTrajectory": (State.ENABLED,), "MTDome": (State.DISABLED, State.ENABLED)}
"""Components of the dome and the states in which flats may be taken (as upstream's class has it)."""


class MakeLSSTCamCalibrations(BaseMakeCalibrations):
    """Take, generate, verify and certify calibrations of LSSTCam.

    Parameters
    ----------
    index : `int`, optional
        Index of the Script SAL component.
    """

    config_model = LSSTCamConfig

    def __init__(self, index: int = 1) -> None:
        super().__init__(
            index=index,
            descr="Take biases, darks and flats with LSSTCam; generate, verify and certify calibrations.",
        )
        self._lsstcam: LSSTCam | None = None
        self._ocps_group: RemoteGroup | None = None
        self._dome: RemoteGroup | None = None

    @property
    def camera(self) -> Any:
        """LSSTCam."""
        return self._lsstcam

    @property
    def ocps_group(self) -> Any:
        """Group with OCPS:3."""
        return self._ocps_group

    @property
    def ocps(self) -> Any:
        """Remote of OCPS:3."""
        return self.ocps_group.rem.ocps_3

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
        """The science detectors; 189..204 may be asked for."""
        return list(RECORD.detectors)

    @property
    def n_detectors(self) -> int:
        """Number of science detectors."""
        return len(RECORD.detectors)

    @property
    def image_in_oods(self) -> Any:
        """MTOODS.imageInOODS."""
        return self.camera.rem.mtoods.evt_imageInOODS

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        """Give the JSON schema of the configuration."""
        return json_schema(LSSTCamConfig)

    def get_instrument_configuration(self) -> dict[str, Any]:
        """Give the filter; None leaves it as it is."""
        return {"filter": self.config.filter}

    async def start_remotes(self) -> None:
        """Make and start the remotes of LSSTCam, OCPS:3 and the dome, unless they are there."""
        if self._lsstcam is None:
            self._lsstcam = LSSTCam(domain=self.domain, log=self.log)
            await self._lsstcam.start_task
        if self._ocps_group is None:
            self._ocps_group = RemoteGroup(domain=self.domain, components=["OCPS:3"], log=self.log)
            await self._ocps_group.start_task
        if self._dome is None:
            self._dome = RemoteGroup(domain=self.domain, components=list(DOME_STATES), log=self.log)
            await self._dome.start_task

    async def assert_feasibility(self, image_type: str) -> None:
        """Check the dome before flats: what it says of its vignetting goes into their headers.

        Raises
        ------
        RuntimeError
            If a component of the dome, unless the property ``ignore`` names it, is in another state than it must be.
        """
        if image_type != "FLAT" or self._dome is None:
            return
        ignored = {name.lower() for name in self.config.ignore}
        problems = []
        for name, wanted in DOME_STATES.items():
            if name.lower() in ignored:
                continue
            try:
                state = await self._dome.get_state(name.lower())
            except TimeoutError:
                problems.append(f"{name} is silent")
                continue
            if state not in wanted:
                problems.append(f"{name} is {State(state).name}")
        if problems:
            allowed = "; ".join(
                f"{n} must be {' or '.join(s.name for s in w)}" for n, w in DOME_STATES.items()
            )
            raise RuntimeError(
                f"No flats can be taken: {', '.join(problems)}. {allowed}; or name it in 'ignore'"
            )

    async def get_physical_filter(self, *, set_up: bool) -> str | None:
        """Give the filter of the configuration, or the one that is in now."""
        now = self.camera.rem.mtcamera.evt_endSetFilter.get()
        here = None if now is None else now.filterName
        name = here if self.config.filter is None or set_up else self.config.filter
        return name if isinstance(name, str) and name else None
