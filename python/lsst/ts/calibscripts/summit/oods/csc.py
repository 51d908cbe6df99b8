"""The simulated ATOODS, CCOODS and MTOODS: they put images into the butler and announce them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import ParamSpec, Protocol

from ...tables.instruments import Instrument
from ..faults.faults import Faults
from ..hardware.camera import Readout
from ..hardware.csc import SimulatedCsc, write
from ..hardware.focalplane import Detector
from ..hardware.observation import Observation

__all__ = ["BUFFER", "Ingest", "SimulatedOods"]

P = ParamSpec("P")

BUFFER = 20
"""Images, of one detector each, that the camera may be ahead.

Only a camera that is sped up ever is. One of many detectors waits for each exposure: making and ingesting its images
takes seconds, on a busy machine many, which would add up to more than a script waits for the last one.
"""

_DOUBT = "Traceback (most recent call last):\n  ...\nRuntimeError: the checksum of the file is wrong."


class Ingest(Protocol):
    """Puts the images of an exposure where jobs find them."""

    async def __call__(self, observation: Observation, detectors: tuple[Detector, ...]) -> None:
        """Ingest the images of these detectors.

        Raises
        ------
        Exception
            If they cannot be ingested; the text goes into the description of the events.
        """


class SimulatedOods(SimulatedCsc):
    """An OODS that takes images from the camera in the order they were read out.

    Parameters
    ----------
    instrument : `Instrument`
        Its names.
    ingest : `Ingest`
        Puts the images where jobs find them.
    faults : `Faults`
        What misbehaves.

    Attributes
    ----------
    arrived : `list` [`int`]
        Exposure ids that were ingested and announced, in that order.
    """

    def __init__(self, instrument: Instrument, ingest: Ingest, *, faults: Faults | None = None) -> None:
        super().__init__(instrument.components.oods, faults=faults)
        self.instrument = instrument
        self.arrived: list[int] = []
        self._ingest = ingest
        self._queue: asyncio.Queue[Readout] = asyncio.Queue()
        self._ahead = 0
        self._caught_up = asyncio.Condition()

    async def receive(self, readout: Readout) -> None:
        """Take an exposure from the camera; the camera waits while more than `BUFFER` images are to be handled."""
        self._ahead += len(readout.detectors)
        self._queue.put_nowait(readout)
        async with self._caught_up:
            await self._caught_up.wait_for(lambda: self._ahead <= BUFFER)

    async def begin(self) -> None:
        """Begin to work through what the camera sends."""
        self.spawn(self._work())

    async def _work(self) -> None:
        while True:
            readout = await self._queue.get()
            await self._handle(readout)
            self._ahead -= len(readout.detectors)
            async with self._caught_up:
                self._caught_up.notify_all()

    async def _handle(self, readout: Readout) -> None:
        if self._hits("oods-fault", readout):
            await self.fault("the butler registry does not answer")
        if self._hits("image-missing", readout) or not self.enabled:
            return
        if self._hits("image-late", readout):
            self.spawn(_after(self.faults["image-late"].delay, self._put, readout))
            return
        await self._put(readout)

    async def _put(self, readout: Readout) -> None:
        detectors = tuple(d for d in readout.detectors if not self._is_missing(d))
        status, description = await self._try(readout, detectors)
        if self._hits("image-foreign", readout):
            for name in self._foreign(readout.observation):
                await self._announce(name, readout.detectors, 0, "file ingested")
        times = 0 if self._hits("image-unannounced", readout) else 1
        if self._hits("detectors-renamed", readout):
            detectors = tuple(replace(detector, sensor=f"X{detector.sensor}") for detector in detectors)
        for _ in range(2 if self._hits("image-duplicated", readout) else times):
            await self._announce(readout.observation.obs_id, detectors, status, description)
        if self._hits("image-taken-back", readout):
            bad = readout.observation.obs_id, detectors, 2, _DOUBT
            self.spawn(_after(self.faults["image-taken-back"].delay, self._announce, *bad))
        if status == 0:
            self.arrived.append(readout.observation.exposure_id)

    async def _try(self, readout: Readout, detectors: tuple[Detector, ...]) -> tuple[int, str]:
        """Ingest, and return the status code and its description."""
        if self._hits("image-status-1", readout):
            return 1, "RuntimeError: the file is truncated"
        if self._hits("image-not-ingested", readout):
            return 0, "file ingested"
        if self._hits("image-behind", readout):
            delay = self.faults["image-behind"].delay
            self.spawn(_after(delay, self._ingest, readout.observation, detectors))
            return 0, "file ingested"
        try:
            await self._ingest(readout.observation, detectors)
        except Exception as error:  # As the OODS does: whatever it is, the event reports it.
            return 1, f"{type(error).__name__}: {error}"
        if self._hits("image-doubted", readout):
            return 2, _DOUBT
        return 0, "file ingested"

    async def _announce(
        self, obs_id: str, detectors: tuple[Detector, ...], status: int, description: str
    ) -> None:
        for detector in detectors:
            await write(
                self.controller.evt_imageInOODS,
                camera=self.instrument.name,
                obsid=obs_id,
                # The files of LATISS are named R00_S00, though its only raft is called RXX.
                raft="R00" if detector.raft == "RXX" else detector.raft,
                sensor=detector.sensor,
                statusCode=status,
                description=description,
            )

    def _foreign(self, observation: Observation) -> tuple[str, str]:
        """Name images of the same day and number: a played back one (controller P), and another camera's."""
        number = f"{observation.day_obs}_{observation.seq_num:06d}"
        return f"{self.instrument.prefix}_P_{number}", f"X{self.instrument.prefix}_O_{number}"

    def _hits(self, fault: str, readout: Readout) -> bool:
        return self.faults.hits(fault, readout.observation.image_type, readout.number)

    def _is_missing(self, detector: Detector) -> bool:
        return self.faults.hits("detector-missing", str(detector.id))


async def _after(
    delay: float, act: Callable[P, Awaitable[object]], *args: P.args, **kwargs: P.kwargs
) -> None:
    """Do something so many seconds later."""
    await asyncio.sleep(delay)
    await act(*args, **kwargs)
