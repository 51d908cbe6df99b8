"""The simulated OODS: what it ingests and what it announces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from astropy.time import Time

from lsst.ts.calibscripts import sal
from lsst.ts.calibscripts.summit.faults.faults import Faults
from lsst.ts.calibscripts.summit.hardware.camera import Readout
from lsst.ts.calibscripts.summit.hardware.focalplane import Detector, detectors
from lsst.ts.calibscripts.summit.hardware.observation import Observation
from lsst.ts.calibscripts.summit.oods.csc import BUFFER, SimulatedOods
from lsst.ts.calibscripts.tables.instruments import INSTRUMENTS


def readout(seq_num: int, instrument: str = "LATISS", image_type: str = "BIAS") -> Readout:
    observation = Observation(
        instrument=instrument,
        day_obs=20260918,
        seq_num=seq_num,
        image_type=image_type,
        exposure_time=0.0,
        dark_time=0.0,
        begin=Time("2026-09-18T20:00:00", scale="tai"),
        filter="SDSSr_65mm",
    )
    return Readout(observation, detectors(instrument), seq_num)


@dataclass
class Repository:
    """Takes images, and refuses some as a butler does that is out of order."""

    refused: tuple[int, ...] = ()
    seconds: float = 0.0
    images: list[tuple[int, int]] = field(default_factory=list)

    async def __call__(self, observation: Observation, detectors: tuple[Detector, ...]) -> None:
        if observation.seq_num in self.refused:
            raise OSError("database is locked")
        await asyncio.sleep(self.seconds)
        self.images += [(observation.seq_num, detector.id) for detector in detectors]


@dataclass
class Oods:
    csc: SimulatedOods
    repository: Repository
    events: list[Any] = field(default_factory=list)

    async def send(self, readouts: Iterable[Readout], seconds: float = 60.0) -> list[tuple[str, int]]:
        """Send exposures, and give obsid and status code of what is announced within some time."""
        for each in readouts:
            await self.csc.receive(each)
        await asyncio.sleep(seconds)
        return [(event.obsid, event.statusCode) for event in self.events]


@asynccontextmanager
async def oods(instrument: str = "LATISS", *faults: str, **options: Any) -> AsyncIterator[Oods]:
    repository = Repository(**options)
    async with (
        SimulatedOods(INSTRUMENTS[instrument], repository, faults=Faults(faults)) as csc,
        sal.Domain() as domain,
        sal.Remote(domain, csc.name) as remote,
    ):
        found = Oods(csc, repository)

        async def note(event: Any) -> None:
            found.events.append(event)

        remote.evt_imageInOODS.callback = note
        yield found


def name(seq_num: int, controller: str = "O") -> str:
    return f"AT_{controller}_20260918_{seq_num:06d}"


async def test_every_image_is_ingested_and_then_announced() -> None:
    async with oods() as summit:
        assert await summit.send(map(readout, (1, 2))) == [(name(1), 0), (name(2), 0)]
    event = summit.events[0]
    assert (event.camera, event.raft, event.sensor) == ("LATISS", "R00", "S00")
    assert summit.repository.images == [(1, 0), (2, 0)]
    assert summit.csc.arrived == [2026091800001, 2026091800002]


async def test_a_camera_that_is_far_ahead_waits() -> None:
    loop = asyncio.get_running_loop()
    async with oods(seconds=10.0) as summit:
        begin = loop.time()
        await summit.send(map(readout, range(1, BUFFER + 1)), seconds=0)
        assert loop.time() == begin
        await summit.csc.receive(readout(BUFFER + 1))
        assert loop.time() - begin == pytest.approx(10.0, abs=0.1)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
async def test_however_slow_the_machine_is_few_images_are_left_when_the_last_exposure_has_been_taken(
    instrument: str,
) -> None:
    """What is left must come within the time that a script waits for it."""
    n_detectors = len(detectors(instrument))
    seconds_an_image = 4.0
    async with oods(instrument, seconds=seconds_an_image * n_detectors) as summit:
        for number in range(1, 9):
            await summit.csc.receive(readout(number, instrument))
        await asyncio.sleep(120.0)
        assert len(summit.repository.images) == 8 * n_detectors


async def test_a_camera_does_not_wait_for_images_that_never_come() -> None:
    loop = asyncio.get_running_loop()
    for fault in ("image-missing:count=all,at=1", "image-late:count=all,at=1,delay=500", "oods-fault:at=1"):
        async with oods("LSSTCam", fault) as summit:
            begin = loop.time()
            for number in range(1, 4):
                await summit.csc.receive(readout(number, "LSSTCam"))
            assert loop.time() - begin < 1.0


async def test_one_event_per_detector() -> None:
    async with oods("LSSTComCam") as summit:
        await summit.send([readout(1, "LSSTComCam")])
    assert [f"{e.raft}_{e.sensor}" for e in summit.events] == [
        detector.full_name for detector in detectors("LSSTComCam")
    ]


async def test_an_image_that_cannot_be_ingested_is_announced_as_such() -> None:
    async with oods(refused=(1,)) as summit:
        assert await summit.send(map(readout, (1, 2))) == [(name(1), 1), (name(2), 0)]
    assert summit.events[0].description == "OSError: database is locked"


@pytest.mark.parametrize(
    ("fault", "announced", "ingested"),
    [
        ("image-missing:at=2", [(name(1), 0), (name(3), 0)], [1, 3]),
        ("image-missing:of=DARK", [(name(1), 0), (name(2), 0), (name(3), 0)], [1, 2, 3]),
        ("image-late:at=1,delay=20", [(name(2), 0), (name(3), 0), (name(1), 0)], [2, 3, 1]),
        ("image-duplicated:at=2,count=1", [(name(n), 0) for n in (1, 2, 2, 3)], [1, 2, 3]),
        ("image-status-1:at=3", [(name(1), 0), (name(2), 0), (name(3), 1)], [1, 2]),
        (
            "image-foreign:at=1,count=1",
            [(name(1, "P"), 0), (f"X{name(1)}", 0), *((name(n), 0) for n in (1, 2, 3))],
            [1, 2, 3],
        ),
        ("oods-fault:at=2", [(name(1), 0)], [1]),
    ],
)
async def test_faults(fault: str, announced: list[tuple[str, int]], ingested: list[int]) -> None:
    async with oods("LATISS", fault) as summit:
        assert await summit.send(map(readout, (1, 2, 3))) == announced
    assert [seq_num for seq_num, _ in summit.repository.images] == ingested


async def test_a_detector_can_be_missing() -> None:
    async with oods("LSSTComCam", "detector-missing:of=4") as summit:
        await summit.send([readout(1, "LSSTComCam"), readout(2, "LSSTComCam")])
    assert [detector for _, detector in summit.repository.images] == [0, 1, 2, 3, 5, 6, 7, 8] * 2
    assert len(summit.events) == 16


@pytest.mark.parametrize(
    ("fault", "state"), [("component-standby", sal.State.STANDBY), ("component-fault", sal.State.FAULT)]
)
async def test_a_component_can_be_out_of_order_from_the_start(fault: str, state: sal.State) -> None:
    async with oods("LATISS", f"{fault}:of=ATOODS") as summit:
        assert await summit.send([readout(1)]) == []
        assert summit.csc.state == state
