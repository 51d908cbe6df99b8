"""How a camera is asked for images."""

from __future__ import annotations

import abc
import asyncio
import enum
import logging
from datetime import UTC, datetime

from ..salobj import Domain, Remote
from .camera_exposure import CameraExposure
from .remote_group import RemoteGroup

__all__ = ["CameraSubstate", "ExposingCamera"]

_MAX_SNAPS = 2


class CameraSubstate(enum.IntEnum):
    """What ``ccsCommandState`` reports."""

    IDLE = 1
    BUSY = 2


class ExposingCamera(RemoteGroup, abc.ABC):
    """A camera that takes images, one command after another.

    Parameters
    ----------
    domain : `Domain`, optional
        Domain; without, one of its own.
    log : `logging.Logger`, optional
        Parent of the logger.
    intended_usage : `None`, optional
        Only all topics can be had.

    Attributes
    ----------
    read_out_time, shutter_time : `float`
        Time to read out, and to open or close the shutter, seconds.
    min_exptime : `float`
        Shortest exposure with open shutter, seconds.
    """

    camera_components: tuple[str, ...]  #: The camera, then what belongs to it.

    def __init__(
        self,
        domain: Domain | None = None,
        log: logging.Logger | None = None,
        intended_usage: None = None,
    ) -> None:
        super().__init__(list(self.camera_components), domain=domain, log=log, intended_usage=intended_usage)
        self.read_out_time = 2.0
        self.shutter_time = 1.0
        self.min_exptime = 0.1
        self.cmd_lock = asyncio.Lock()

    @property
    def camera(self) -> Remote:
        """Remote of the camera."""
        remote: Remote = getattr(self.rem, self.components_attr[0])
        return remote

    @abc.abstractmethod
    def parse_sensors(self, sensors: str | None) -> str:
        """Convert the sensors to what the camera takes."""

    async def expose(self, camera_exposure: CameraExposure) -> list[int]:
        """Take the images of a request.

        Parameters
        ----------
        camera_exposure : `CameraExposure`
            The request.

        Returns
        -------
        exposures : `list` [`int`]
            Exposure ids.

        Raises
        ------
        AckError
            If a command fails.
        RuntimeError
            If the exposure time is too short for an open shutter, or the
            camera does not report that an integration started.
        """
        async with self.cmd_lock:
            if camera_exposure.shutter and camera_exposure.exp_time < self.min_exptime:
                raise RuntimeError(
                    f"Minimum allowed open-shutter exposure time is {self.min_exptime}. "
                    f"Got {camera_exposure.exp_time}."
                )
            if camera_exposure.n_snaps > _MAX_SNAPS:
                self.log.warning(
                    f"Specified number of snaps {camera_exposure.n_snaps} larger "
                    f"than maximum recommended value {_MAX_SNAPS}."
                )
            exposures = []
            for _ in range(camera_exposure.n):
                await self.prepare_image(camera_exposure)
                exposures += await self._take_images(camera_exposure)
            return exposures

    async def prepare_image(self, camera_exposure: CameraExposure) -> None:
        """Do what the camera needs before each takeImages command."""

    async def _take_images(self, camera_exposure: CameraExposure) -> list[int]:
        camera = self.camera
        camera.cmd_takeImages.set(
            numImages=camera_exposure.n_snaps,
            expTime=camera_exposure.exp_time,
            shutter=camera_exposure.shutter,
            keyValueMap=camera_exposure.key_value_map(),
            sensors=self.parse_sensors(camera_exposure.sensors),
            obsNote=camera_exposure.note or "",
        )
        await self.wait_for_camera_readiness()
        await self.wait_for_camera_state(CameraSubstate.IDLE)
        timeout = (camera_exposure.exp_time + self.read_out_time) * camera_exposure.n + self.long_long_timeout
        await camera.cmd_takeImages.start(timeout=timeout)
        exposures: list[int] = []
        for _ in range(camera_exposure.n_snaps):
            try:
                exposures.append(await self.next_exposure_id())
            except TimeoutError:
                raise RuntimeError(
                    "Timeout waiting for endReadout event. "
                    f"Expected {camera_exposure.n_snaps} got {len(exposures)}."
                ) from None
        return exposures

    async def wait_for_camera_readiness(self) -> None:
        """Wait until the last integration has been read out.

        A camera that reports none within `long_timeout` is taken as ready.
        """
        camera = self.camera
        camera.evt_endReadout.flush()
        try:
            begun, ended = await asyncio.gather(
                camera.evt_startIntegration.aget(timeout=self.long_timeout),
                camera.evt_endReadout.aget(timeout=self.long_timeout),
            )
        except TimeoutError:
            self.log.info(
                "Timeout getting last camera start integration and/or end readout events. "
                "This usually means no data was taken with the camera yet, "
                "or there is loss of historical data. Assuming camera is ready to take data."
            )
            return
        timeout = self.long_timeout + begun.exposureTime * 2.0 + self.read_out_time
        while ended.imageName != begun.imageName:
            self.log.info(f"Last integration started: {begun.imageName}, completed: {ended.imageName}.")
            try:
                ended = await camera.evt_endReadout.next(flush=False, timeout=timeout)
            except TimeoutError:
                self.log.warning(
                    f"No new end readout event in {timeout}s. "
                    "Cannot determine if camera is ready to take data. "
                    "This is most likely due to a camera fault not producing the last "
                    "end readout event. Continuing..."
                )
        camera.evt_startIntegration.flush()

    async def wait_for_camera_state(self, substate: CameraSubstate) -> None:
        """Wait until ``ccsCommandState`` is as wanted; no longer than `fast_timeout` for each event.

        Parameters
        ----------
        substate : `CameraSubstate`
            What is wanted.
        """
        event = self.camera.evt_ccsCommandState
        try:
            state = await event.aget(timeout=self.fast_timeout)
            event.flush()
            while state.substate != substate:
                state = await event.next(flush=False, timeout=self.fast_timeout)
        except TimeoutError:
            self.log.warning("Could not determine CCS Command State; ignoring.")

    async def next_exposure_id(self) -> int:
        """Wait for the next ``startIntegration`` and read the exposure id from its image name.

        Returns
        -------
        exposure : `int`
            Exposure id: the date, then the last five digits of the sequence
            number; AT_O_20260918_000042 is 2026091800042.

        Raises
        ------
        asyncio.TimeoutError
            If none comes within `long_long_timeout`.
        """
        begun = await self.camera.evt_startIntegration.next(flush=False, timeout=self.long_long_timeout)
        _, _, date, number = begun.imageName.split("_")
        return int(date + number[1:])

    def next_group_id(self) -> str:
        """Make a group id from the time, TAI, as in 2020-01-17T22:59:05.721."""
        now = datetime.fromtimestamp(self.domain.bus.tai(), UTC)
        return now.replace(tzinfo=None).isoformat(timespec="milliseconds")
