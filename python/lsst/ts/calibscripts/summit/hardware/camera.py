"""What the simulated ATCamera, CCCamera and MTCamera have in common."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from astropy.time import Time

from ...sal import ExpectedError
from ...tables.instruments import Instrument
from ..faults.faults import Faults
from .csc import HardwareClock, SimulatedCsc, write
from .focalplane import Detector, illumination_rate, physical_filter
from .image_numbers import ImageNumbers
from .key_value_map import parse_key_value_map
from .observation import Observation

__all__ = [
    "IDLE_TIME",
    "Readout",
    "SimulatedCamera",
]

READOUT_TIME = 2.0
SHUTTER_TIME = 1.0
MINIMUM_EXPOSURE_TIME = 0.1

DELIVERY_TIMEOUT = 3600.0
"""Longest time that the OODS is waited for, seconds."""

_GROUP_OF_OTHERS = "2020-01-17T22:59:05.721"
"""Group id of images that another client has taken."""

IDLE_TIME = 30.0
"""Seconds of the event loop after which the next frame is bad because the camera idled."""


@dataclass(frozen=True)
class Readout:
    """An exposure that was read out."""

    observation: Observation  #: What the headers say of it.
    detectors: tuple[Detector, ...]  #: Detectors that were read out.
    number: int  #: Number of the exposure within its image type since the camera started, from 1.


class _CommandState(IntEnum):
    """Substates of ccsCommandState."""

    IDLE = 1
    BUSY = 2


class SimulatedCamera(SimulatedCsc, ABC):
    """A camera that takes images one after another.

    The first frame of all, the first after `IDLE_TIME` and the first of another image type are bad: the
    detectors were not cleared as regularly before them as they are within a set. That is why the first frames
    of a set are discarded.

    Parameters
    ----------
    instrument : `Instrument`
        Its names.
    detectors : iterable of `Detector`
        Detectors that can be read out.
    clock : `HardwareClock`
        Time of exposure and readout.
    deliver : coroutine function
        Takes every `Readout`, and may make the camera wait.
    illumination : callable
        Returns the light on the detectors through a physical filter with the shutter open, in ADU/s.
    numbers : `ImageNumbers`
        Ids that were used before, so that ids stay unique.
    faults : `Faults`
        What misbehaves.
    """

    def __init__(
        self,
        instrument: Instrument,
        detectors: Iterable[Detector],
        clock: HardwareClock,
        deliver: Callable[[Readout], Awaitable[None]],
        *,
        illumination: Callable[[str], float] = illumination_rate,
        numbers: ImageNumbers | None = None,
        faults: Faults | None = None,
    ) -> None:
        super().__init__(instrument.components.camera, faults=faults)
        self.instrument = instrument
        self.detectors = tuple(detectors)
        self._clock = clock
        self._deliver = deliver
        self._illumination = illumination
        self._numbers = ImageNumbers() if numbers is None else numbers
        self._day, self._sequence = divmod(self._numbers.last, 100_000)
        self._taken: Counter[str] = Counter()
        self._last_type = ""
        self._idle_since = -float("inf")
        self._busy = False

    @property
    @abstractmethod
    def filter(self) -> str:
        """Name of the filter in the beam."""

    @property
    def grating(self) -> str:
        """Name of the grating in the beam; empty where the instrument has none."""
        return ""

    async def begin(self) -> None:
        """Handle commands; publish an image of the day before, as a camera that is in use has taken one."""
        self.controller.cmd_takeImages.callback = self.take_images
        await self._set_command_state(_CommandState.IDLE)
        name = self._name_of_the_day_before()
        await self.controller.evt_startIntegration.set_write(imageName=name)
        await self.controller.evt_endReadout.set_write(imageName=name)

    async def take_images(self, data: Any) -> None:
        """Take the images of one takeImages command and end when the last one is read out.

        Parameters
        ----------
        data : sample
            Fields numImages, expTime (seconds), shutter, sensors, keyValueMap, obsNote.

        Raises
        ------
        lsst.ts.salobj.ExpectedError
            If the camera is not enabled, is busy, or cannot do what is asked for.
        """
        self.assert_enabled("takeImages")
        if self._busy:
            raise ExpectedError(f"{self.name} is busy; send takeImages when the image has been read out")
        keys = self._check(data)
        self._busy = True
        await self._set_command_state(_CommandState.BUSY)
        # Not reported when it is cancelled: the summit is closing, and nothing listens any more.
        try:
            for index in range(1, data.numImages + 1):
                await self._take(data, keys, index)
        except Exception:
            await self._set_command_state(_CommandState.IDLE)
            raise
        else:
            await self._set_command_state(_CommandState.IDLE)
        finally:
            self._busy = False

    def _check(self, data: Any) -> dict[str, str]:
        if data.numImages < 1:
            raise ExpectedError(f"numImages is {data.numImages}; it must be at least 1")
        shortest = MINIMUM_EXPOSURE_TIME if data.shutter else 0.0
        if data.expTime < shortest:
            raise ExpectedError(f"expTime is {data.expTime} s; it must be at least {shortest} s")
        try:
            keys = parse_key_value_map(data.keyValueMap)
        except ValueError as error:
            raise ExpectedError(str(error)) from None
        if not keys.get("imageType"):
            raise ExpectedError("keyValueMap names no imageType")
        return keys

    async def _take(self, data: Any, keys: dict[str, str], index: int, seconds: float | None = None) -> None:
        image_type = keys["imageType"]
        detectors = self._read_out(data.sensors)
        self._taken[image_type] += 1
        await self._misbehave(image_type)
        await self._take_for_somebody_else(data, keys, index)
        before = self._sequence
        observation = self._expose(
            data, keys, self._seconds(data, image_type) if seconds is None else seconds
        )
        await self._numbers.keep(observation.exposure_id)
        common = self._image_fields(observation, keys) | {
            "imagesInSequence": data.numImages,
            "imageIndex": index,
        }
        if self.faults.hits("exposure-repeated", image_type, self._taken[image_type]):
            common["imageName"] = replace(observation, seq_num=before).obs_id
        await write(self.controller.evt_startIntegration, exposureTime=observation.exposure_time, **common)
        await self._clock.sleep(observation.dark_time)
        await self._clock.sleep(READOUT_TIME)
        # It may have to wait for the OODS, longer than the command's own timeout on a busy machine.
        await self.controller.cmd_takeImages.ack_in_progress(data, timeout=DELIVERY_TIMEOUT)
        await self._deliver(Readout(observation, detectors, self._taken[image_type]))
        self._last_type, self._idle_since = image_type, asyncio.get_running_loop().time()
        if not self.faults.hits("readout-lost", image_type, self._taken[image_type]):
            await self._report_readout(observation, common)

    async def _report_readout(self, observation: Observation, common: dict[str, Any]) -> None:
        await write(
            self.controller.evt_endReadout,
            requestedExposureTime=observation.exposure_time,
            timestampEndOfReadout=self._clock.tai(),
            **common,
        )

    async def _take_for_somebody_else(self, data: Any, keys: dict[str, str], index: int) -> None:
        """Take another client's image first, if one is to be."""
        image_type = keys["imageType"]
        number = self._taken[image_type]
        theirs = {**keys, "groupId": _GROUP_OF_OTHERS}
        if self.faults.hits("exposure-foreign", image_type, number):
            await self._take(data, {**theirs, "imageType": "ENGTEST"}, index)
        if self.faults.hits("exposure-foreign-alike", image_type, number):
            await self._take(data, theirs, index, data.expTime + self.faults["exposure-foreign-alike"].delay)

    def _seconds(self, data: Any, image_type: str) -> float:
        """Return the exposure time that the header will hold, seconds."""
        number = self._taken[image_type]
        if self.faults.hits("exposure-longer", image_type, number):
            return float(data.expTime + self.faults["exposure-longer"].delay)
        if self.faults.hits("shutter-measured", image_type, number):
            return float(data.expTime + 0.001 * (number % 5))
        return float(data.expTime)

    def _expose(self, data: Any, keys: dict[str, str], seconds: float) -> Observation:
        idle = asyncio.get_running_loop().time() - self._idle_since
        in_beam = physical_filter(self.instrument.name, self.filter, self.grating)
        self._advance()
        return Observation(
            instrument=self.instrument.name,
            day_obs=self._day,
            seq_num=self._sequence,
            image_type=keys["imageType"],
            exposure_time=seconds,
            dark_time=seconds + (SHUTTER_TIME if data.shutter else 0.0),
            begin=Time(self._clock.tai(), format="unix_tai"),
            filter=self.filter,
            grating=self.grating,
            rate=self._illumination(in_beam) if data.shutter else 0.0,
            group_id=keys.get("groupId", ""),
            program=keys.get("program", ""),
            reason=keys.get("reason", ""),
            note=data.obsNote,
            first_after_idle=keys["imageType"] != self._last_type or idle >= IDLE_TIME,
        )

    def _advance(self) -> None:
        """Go to the next image number; a new observing day begins with 1."""
        today = self._clock.day_obs()
        if today > self._day:
            self._day, self._sequence = today, 0
        self._sequence += 1

    def _read_out(self, sensors: str) -> tuple[Detector, ...]:
        wanted = {name for name in sensors.split(":") if name}
        unknown = wanted - {detector.full_name for detector in self.detectors}
        if unknown:
            raise ExpectedError(f"{self.name} has no sensors {', '.join(sorted(unknown))}")
        return tuple(d for d in self.detectors if not wanted or d.full_name in wanted)

    def _image_fields(self, observation: Observation, keys: dict[str, str]) -> dict[str, Any]:
        return {
            "additionalKeys": ":".join(keys),
            "additionalValues": ":".join(value.replace(":", r"\:") for value in keys.values()),
            "imageName": observation.obs_id,
            "imageSource": self.instrument.prefix,
            "imageController": "O",
            "imageDate": str(observation.day_obs),
            "imageNumber": observation.seq_num,
            "timestampAcquisitionStart": observation.begin.unix_tai,
        }

    def _name_of_the_day_before(self) -> str:
        today = datetime.strptime(str(self._clock.day_obs()), "%Y%m%d")
        return f"{self.instrument.prefix}_O_{today - timedelta(days=1):%Y%m%d}_000001"

    async def _set_command_state(self, state: _CommandState) -> None:
        await write(
            self.controller.evt_ccsCommandState, substate=state, timestampTransition=self._clock.tai()
        )

    @abstractmethod
    async def lose_filter(self) -> None:
        """Put another filter into the beam, as another user may do at any time."""

    async def _misbehave(self, image_type: str) -> None:
        number = self._taken[image_type]
        if self.faults.hits("filter-changed", image_type, number):
            await self.lose_filter()
        if self.faults.hits("exposure-rejected", image_type, number):
            raise ExpectedError(f"{self.name} cannot take the exposure: raft power is off")
        if self.faults.hits("camera-fault", image_type, number):
            await self.fault("clearing the detectors failed")
            raise ExpectedError(f"{self.name} went to FAULT: clearing the detectors failed")
