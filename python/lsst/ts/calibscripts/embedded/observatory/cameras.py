"""The three cameras."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from ..salobj import AckError
from .base_camera import BaseCamera
from .camera_exposure import CameraExposure
from .exposing_camera import CameraSubstate

__all__ = ["LATISS", "ComCam", "LSSTCam"]


class LATISS(BaseCamera):
    """Camera and spectrograph of the Auxiliary Telescope. Parameters as those of `ExposingCamera`."""

    camera_components = ("ATCamera", "ATSpectrograph", "ATHeaderService", "ATOODS")
    instrument_setup_attributes = frozenset({"filter", "grating", "linear_stage"})

    def parse_sensors(self, sensors: str | None) -> str:
        """Ignore the sensors: ATCamera has one."""
        return ""

    async def setup_instrument(self, **kwargs: Any) -> None:  # numpydoc ignore=PR02
        """Set filter, grating and linear stage, all at once.

        Parameters
        ----------
        filter, grating : `str` or `int`, optional
            Name, or number of the slot.
        linear_stage : `float`, optional
            Distance of the grating from home, mm.

        Raises
        ------
        AckError
            If the spectrograph refuses.
        RuntimeError
            If another attribute is passed.
        """
        self.check_kwargs(**kwargs)
        spectrograph = self.rem.atspectrograph
        timeout = self.long_timeout
        given = {name: value for name, value in kwargs.items() if value is not None}
        moves = []
        if "filter" in given:
            slot, name = _slot_and_name(given["filter"])
            moves.append(spectrograph.cmd_changeFilter.set_start(filter=slot, name=name, timeout=timeout))
        if "grating" in given:
            slot, name = _slot_and_name(given["grating"])
            moves.append(
                spectrograph.cmd_changeDisperser.set_start(disperser=slot, name=name, timeout=timeout)
            )
        if "linear_stage" in given:
            distance = float(given["linear_stage"])
            moves.append(
                spectrograph.cmd_moveLinearStage.set_start(distanceFromHome=distance, timeout=timeout)
            )
        if moves:
            async with self.cmd_lock:
                await asyncio.gather(*moves)


class _FilterCamera(BaseCamera):
    """A camera of the main telescope, which has its filters inside."""

    instrument_setup_attributes = frozenset({"filter"})
    filter_change_timeout: float

    @classmethod
    def get_image_types(cls) -> list[str]:
        """List the image types."""
        return [*super().get_image_types(), "SPOT"]

    def parse_sensors(self, sensors: str | None) -> str:
        """Pass the sensors on."""
        return sensors or ""

    async def get_current_filter(self) -> str:
        """Ask for the filter in place.

        Returns
        -------
        filter : `str`
            Its name.

        Raises
        ------
        RuntimeError
            If the camera does not report it within `fast_timeout`.
        """
        try:
            event = await self.camera.evt_endSetFilter.aget(timeout=self.fast_timeout)
        except TimeoutError:
            raise RuntimeError(
                "Could not determine current filter. Either data was never published or historical "
                "data is not working properly."
            ) from None
        return str(event.filterName)

    async def setup_instrument(self, **kwargs: Any) -> None:
        """Put a filter in place, unless it is in place already.

        Parameters
        ----------
        filter : `str`, optional
            Its name.

        Raises
        ------
        AckError
            If the camera refuses.
        RuntimeError
            If another attribute is passed, or the filter cannot be changed.
        """
        self.check_kwargs(**kwargs)
        wanted = kwargs.get("filter")
        if wanted is None:
            return
        if str(wanted) == await self.get_current_filter():
            self.log.info(f"The filter {wanted} is already in the light path, no change is done.")
            return
        await self.change_filter(str(wanted))

    async def change_filter(self, name: str) -> None:
        """Put a filter in place.

        Parameters
        ----------
        name : `str`
            Its name.

        Raises
        ------
        AckError
            If the camera refuses.
        asyncio.TimeoutError
            If it is not in place within `filter_change_timeout`.
        """
        async with self.cmd_lock:
            self.camera.evt_endSetFilter.flush()
            await self.camera.cmd_setFilter.set_start(name=name, timeout=self.filter_change_timeout)
            event = await self.camera.evt_endSetFilter.next(flush=False, timeout=self.filter_change_timeout)
            self.log.info(f"Filter {event.filterName} in position.")


class ComCam(_FilterCamera):
    """Commissioning camera. Parameters as those of `ExposingCamera`."""

    camera_components = ("CCCamera", "CCHeaderService", "CCOODS")
    filter_change_timeout = 60.0


class LSSTCam(_FilterCamera):
    """LSST camera. Parameters as those of `ExposingCamera`."""

    camera_components = ("MTCamera", "MTHeaderService", "MTOODS")
    filter_change_timeout = 120.0

    async def change_filter(self, name: str) -> None:
        """Refuse to put another filter in place.

        Raises
        ------
        RuntimeError
            Always: the telescope has to stand still for it, and the group
            does not know the telescope.
        """
        raise RuntimeError(
            "Cannot change the LSSTCam filter without proper setup. "
            "You might want to use a dedicated operation to change filters."
        )

    async def prepare_image(self, camera_exposure: CameraExposure) -> None:
        """Send the guiders their regions of interest before an exposure that is not a bias.

        A failure is not one of the image, and only logged.
        """
        if camera_exposure.exp_time <= 0:
            return
        await self.wait_for_camera_state(CameraSubstate.IDLE)
        try:
            await self.camera.cmd_initGuiders.set_start(roiSpec=_GUIDER_REGIONS, timeout=self.long_timeout)
        except AckError as error:
            self.log.warning(f"Ignoring init guider failure; {error.ackcmd.result}")


def _guider_regions() -> str:
    common = {"rows": 400, "cols": 400, "integrationTimeMillis": 200}
    sensors = {
        f"R{raft}SG{number}": {"segment": 0 if number else 7, "startRow": 800, "startCol": 56}
        for raft in ("00", "04", "40", "44")
        for number in (0, 1)
    }
    return json.dumps({"common": common, **sensors}, separators=(",", ":"))


_GUIDER_REGIONS = _guider_regions()


def _slot_and_name(value: int | str) -> tuple[int, str]:
    return (int(value), "") if isinstance(value, int) else (0, str(value))
