"""The simulated cameras, through the observatory's camera classes and through SAL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from lsst.ts.calibscripts import sal
from lsst.ts.calibscripts.summit.faults.faults import Faults
from lsst.ts.calibscripts.summit.hardware.camera import IDLE_TIME, Readout
from lsst.ts.calibscripts.summit.hardware.csc import HardwareClock
from lsst.ts.calibscripts.summit.hardware.filter_camera import SimulatedFilterCamera
from lsst.ts.calibscripts.summit.hardware.focalplane import INSTALLED, detectors, illumination_rate
from lsst.ts.calibscripts.summit.hardware.image_numbers import ImageNumbers
from lsst.ts.calibscripts.summit.hardware.key_value_map import parse_key_value_map
from lsst.ts.calibscripts.summit.hardware.latiss_camera import SimulatedLatissCamera
from lsst.ts.calibscripts.summit.hardware.spectrograph import SimulatedSpectrograph
from lsst.ts.calibscripts.tables.instruments import INSTRUMENTS, Instrument

LATISS = INSTRUMENTS["LATISS"]
NOON = 1_789_732_800.0
"""2026-09-18T12:00:00 TAI, when the observing day 20260918 begins."""


@dataclass
class Latiss:
    remotes: Any
    readouts: list[Readout] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        return [readout.observation.exposure_id for readout in self.readouts]


def keep_in(readouts: list[Readout]) -> Callable[[Readout], Awaitable[None]]:
    async def keep(readout: Readout) -> None:
        readouts.append(readout)

    return keep


@asynccontextmanager
async def latiss(speed: float = 1.0, start: float = NOON, **options: Any) -> AsyncIterator[Latiss]:
    """Run ATCamera and ATSpectrograph with the observatory's class for them."""
    readouts: list[Readout] = []
    clock = HardwareClock(speed, start)
    async with (
        sal.Domain() as domain,
        SimulatedSpectrograph(clock) as spectrograph,
        SimulatedLatissCamera(spectrograph, LATISS, detectors("LATISS"), clock, keep_in(readouts), **options),
    ):
        remotes = sal.LATISS(domain)
        await remotes.start_task
        try:
            yield Latiss(remotes, readouts)
        finally:
            await remotes.close()


@asynccontextmanager
async def filter_camera(instrument: Instrument) -> AsyncIterator[tuple[Any, list[Readout]]]:
    """Run CCCamera or MTCamera with a remote."""
    readouts: list[Readout] = []
    async with (
        SimulatedFilterCamera(
            instrument, detectors(instrument.name), HardwareClock(1.0, NOON), keep_in(readouts)
        ) as camera,
        sal.Domain() as domain,
        sal.Remote(domain, camera.name) as remote,
    ):
        yield remote, readouts


async def test_images_are_named_as_the_camera_class_reads_them() -> None:
    async with latiss() as summit:
        ids = await summit.remotes.take_bias(
            2, group_id="g#1", program="BLOCK-295", reason="weekly, with a comma", note="cold"
        )
    assert ids == [2026091800001, 2026091800002] == summit.ids
    observation = summit.readouts[1].observation
    assert observation.obs_id == "AT_O_20260918_000002"
    assert (observation.image_type, observation.exposure_time) == ("BIAS", 0.0)
    assert (observation.group_id, observation.program) == ("g#1", "BLOCK-295")
    assert (observation.reason, observation.note) == ("weekly, with a comma", "cold")
    assert [detector.full_name for detector in summit.readouts[1].detectors] == ["RXX_S00"]


async def test_the_first_frame_of_each_set_is_bad() -> None:
    async with latiss() as summit:
        take = summit.remotes
        await take.take_bias(2, group_id="g")
        await take.take_darks(5.0, 2, group_id="g")
        await asyncio.sleep(IDLE_TIME - 1)
        await take.take_darks(5.0, 1, group_id="g")
        await asyncio.sleep(IDLE_TIME)
        await take.take_darks(5.0, 2, group_id="g")
    flags = [readout.observation.first_after_idle for readout in summit.readouts]
    assert flags == [True, False, True, False, False, True, False]


async def test_what_works_at_the_same_time_takes_the_time_of_the_longest() -> None:
    clock = HardwareClock(speed=100.0, start=NOON)
    await asyncio.gather(*map(clock.sleep, (10.0, 30.0, 20.0)))
    assert clock.tai() == pytest.approx(NOON + 30.0, abs=0.1)


async def test_the_clock_of_the_hardware_never_goes_back() -> None:
    clock = HardwareClock(speed=100.0, start=NOON)
    long = asyncio.create_task(clock.sleep(30.0))
    seen = [clock.tai()]
    for _ in range(5):
        await clock.sleep(10.0)
        seen.append(clock.tai())
    await long
    assert [after - before for before, after in pairwise(seen)] == pytest.approx([10.0] * 5, abs=0.1)
    assert clock.tai() == pytest.approx(seen[-1], abs=0.1)


@pytest.mark.parametrize("speed", [1.0, 20.0])
async def test_speed_divides_waiting_but_no_time_that_is_reported(speed: float) -> None:
    loop = asyncio.get_running_loop()
    async with latiss(speed) as summit:
        await summit.remotes.take_bias(1, group_id="g")
        begin = loop.time()
        await summit.remotes.take_darks(30.0, 2, group_id="g")
        waited = loop.time() - begin
    assert waited == pytest.approx(2 * (30 + 2) / speed, abs=0.1)
    first, second = (readout.observation for readout in summit.readouts[1:])
    assert (second.begin - first.begin).sec == pytest.approx(30 + 2, abs=0.1)
    assert (first.exposure_time, first.dark_time) == (30.0, 30.0)


async def test_flats_are_lit_through_what_is_in_the_beam() -> None:
    async with latiss() as summit:
        await summit.remotes.take_flats(5.0, 1, group_id="g", filter="SDSSg_65mm", grating="empty_1")
        await summit.remotes.take_flats(5.0, 1, group_id="g", filter="empty_1", grating="SDSSy_65mm")
        await summit.remotes.take_darks(5.0, 1, group_id="g")
        assert await in_beam(summit.remotes) == ("empty_1", "SDSSy_65mm")
    green, yellow, dark = (readout.observation for readout in summit.readouts)
    assert (green.filter, green.grating) == ("SDSSg_65mm", "empty_1")
    assert green.physical_filter == "SDSSg_65mm~empty"
    assert green.rate == illumination_rate("SDSSg_65mm~empty")
    assert yellow.rate == illumination_rate("empty~SDSSy_65mm") != green.rate
    assert dark.rate == 0.0
    assert green.dark_time > green.exposure_time


async def in_beam(latiss: Any) -> tuple[str, str]:
    spectrograph = latiss.rem.atspectrograph
    filter = await spectrograph.evt_reportedFilterPosition.aget(timeout=1)
    grating = await spectrograph.evt_reportedDisperserPosition.aget(timeout=1)
    return filter.name, grating.name


async def test_numbers_go_on_after_those_that_exist() -> None:
    async with latiss(numbers=ImageNumbers(last=2026091800041)) as summit:
        await summit.remotes.take_bias(1, group_id="g")
    async with latiss(numbers=ImageNumbers(last=2026091700041)) as other:
        await other.remotes.take_bias(1, group_id="g")
    assert summit.ids + other.ids == [2026091800042, 2026091800001]


async def test_a_new_observing_day_begins_with_number_one() -> None:
    async with latiss(start=NOON - 1) as summit:
        await summit.remotes.take_bias(2, group_id="g")
    assert summit.ids == [2026091700001, 2026091800001]


async def test_the_camera_is_idle_again_and_tells_what_it_took() -> None:
    async with latiss() as summit:
        camera = summit.remotes.camera
        before = camera.evt_endReadout.get() or await camera.evt_endReadout.aget(timeout=1)
        assert before.imageName == "AT_O_20260917_000001"
        await summit.remotes.take_bias(1, group_id="a:b")
        end = await camera.evt_endReadout.aget(timeout=1)
        state = await camera.evt_ccsCommandState.aget(timeout=1)
    assert (end.imageName, end.imageNumber, end.imageDate) == ("AT_O_20260918_000001", 1, "20260918")
    assert end.additionalKeys.split(":")[:2] == ["imageType", "groupId"]
    assert end.additionalValues.startswith(r"BIAS:a\:b:")
    assert state.substate == 1


async def take(camera: Any, **fields: Any) -> Any:
    defaults = {"numImages": 1, "expTime": 0.0, "shutter": False, "keyValueMap": "imageType: BIAS"}
    return await camera.cmd_takeImages.set_start(timeout=60, **(defaults | fields))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"numImages": 0}, "numImages is 0"),
        ({"shutter": True, "expTime": 0.05}, "must be at least 0.1 s"),
        ({"expTime": -1.0}, "expTime is -1.0 s"),
        ({"keyValueMap": "groupId: g"}, "no imageType"),
        ({"keyValueMap": "BIAS"}, "does not begin with 'key: value'"),
        ({"sensors": "R22_S11"}, "no sensors R22_S11"),
    ],
)
async def test_impossible_commands_are_rejected(fields: dict[str, Any], text: str) -> None:
    async with latiss() as summit:
        with pytest.raises(sal.AckError, match=text):
            await take(summit.remotes.camera, **fields)
        await take(summit.remotes.camera)
    assert summit.ids == [2026091800001]


async def test_a_camera_takes_images_only_when_enabled() -> None:
    async with latiss() as summit:
        camera = summit.remotes.camera
        await camera.cmd_disable.start(timeout=5)
        with pytest.raises(sal.AckError, match="takeImages not allowed in state DISABLED"):
            await take(camera)
        with pytest.raises(sal.AckError, match="disable not allowed in state DISABLED"):
            await camera.cmd_disable.start(timeout=5)
        for command in ("standby", "start", "enable"):
            await getattr(camera, f"cmd_{command}").start(timeout=5)
        await take(camera, numImages=2)
    assert summit.ids == [2026091800001, 2026091800002]


@pytest.mark.parametrize(
    ("command", "fields", "text"),
    [
        ("changeFilter", {"filter": 0, "name": "SDSSq"}, "Filter 'SDSSq' is not installed, only SDSSg_65mm"),
        ("changeFilter", {"filter": 2, "name": "SDSSg_65mm"}, "Both a filter slot"),
        ("changeDisperser", {"disperser": 99, "name": ""}, "Grating slot 99 does not exist"),
    ],
)
async def test_the_spectrograph_rejects_what_it_has_not(
    command: str, fields: dict[str, Any], text: str
) -> None:
    async with latiss() as summit:
        with pytest.raises(sal.AckError, match=text):
            await getattr(summit.remotes.rem.atspectrograph, f"cmd_{command}").set_start(timeout=5, **fields)


async def test_the_spectrograph_takes_slots_and_moves_its_stage() -> None:
    async with latiss() as summit:
        spectrograph = summit.remotes.rem.atspectrograph
        await summit.remotes.setup_instrument(filter=2, grating="holo4_003", linear_stage=40)
        stage = await spectrograph.evt_reportedLinearStagePosition.aget(timeout=1)
        values = await spectrograph.evt_settingsAppliedValues.aget(timeout=1)
        assert await in_beam(summit.remotes) == ("SDSSi_65mm", "holo4_003")
    assert stage.position == 40.0
    installed = (tuple(values.filterNames.split(",")), tuple(values.gratingNames.split(",")))
    assert installed == INSTALLED["LATISS"]


@pytest.mark.parametrize(("fault", "state"), [("exposure-rejected", "ENABLED"), ("camera-fault", "FAULT")])
async def test_camera_faults_strike_the_exposure_they_name(fault: str, state: str) -> None:
    async with latiss(faults=Faults([f"{fault}:of=DARK,at=3"])) as summit:
        await summit.remotes.take_bias(3, group_id="g")
        await summit.remotes.take_darks(1.0, 2, group_id="g")
        with pytest.raises(sal.AckError):
            await summit.remotes.take_darks(1.0, 1, group_id="g")
        found = await summit.remotes.camera.evt_summaryState.aget(timeout=1)
    assert sal.State(found.summaryState).name == state
    assert len(summit.readouts) == 5


@pytest.mark.parametrize(("name", "filter"), [("LSSTComCam", "g_01"), ("LSSTCam", "g_6")])
async def test_filter_cameras_change_filters_and_read_the_sensors_asked_for(name: str, filter: str) -> None:
    async with filter_camera(INSTRUMENTS[name]) as (camera, readouts):
        await camera.cmd_setFilter.set_start(name=filter, timeout=60)
        assert (await camera.evt_endSetFilter.aget(timeout=1)).filterName == filter
        with pytest.raises(sal.AckError, match="no filter 'SDSSr_65mm'"):
            await camera.cmd_setFilter.set_start(name="SDSSr_65mm", timeout=60)
        names = (await camera.evt_availableFilters.aget(timeout=1)).filterNames.split(",")
        flat = {"expTime": 5.0, "shutter": True, "keyValueMap": "imageType: FLAT"}
        await take(camera, **flat)
        await take(camera, sensors="R22_S00:R22_S11", **flat)
        await camera.cmd_initGuiders.set_start(roiSpec="{}", timeout=5)
    assert tuple(names) == INSTALLED[name][0]
    every, two = readouts
    assert every.detectors == detectors(name)
    assert [detector.full_name for detector in two.detectors] == ["R22_S00", "R22_S11"]
    assert every.observation.physical_filter == filter
    assert every.observation.rate == illumination_rate(filter)


async def test_a_second_command_finds_the_camera_busy() -> None:
    async with filter_camera(INSTRUMENTS["LSSTComCam"]) as (camera, readouts), asyncio.TaskGroup() as group:
        group.create_task(take(camera, expTime=10.0))
        await asyncio.sleep(1)
        with pytest.raises(sal.AckError, match="CCCamera is busy"):
            await camera.cmd_setFilter.set_start(name="g_01", timeout=60)
    assert len(readouts) == 1


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("imageType: BIAS", {"imageType": "BIAS"}),
        ("a: 1, b: 2:3 ,c:", {"a": "1", "b": "2:3", "c": ""}),
        ("reason: one, two, program: P", {"reason": "one, two", "program": "P"}),
        ("", {}),
    ],
)
def test_key_value_maps(text: str, keys: dict[str, str]) -> None:
    assert parse_key_value_map(text) == keys


async def test_an_exposure_ends_well_however_long_the_camera_waits_for_the_oods() -> None:
    async def wait(readout: Readout) -> None:
        await asyncio.sleep(1000.0)

    clock = HardwareClock(1.0, NOON)
    async with (
        sal.Domain() as domain,
        SimulatedSpectrograph(clock) as spectrograph,
        SimulatedLatissCamera(spectrograph, LATISS, detectors("LATISS"), clock, wait),
    ):
        remotes = sal.LATISS(domain)
        await remotes.start_task
        try:
            assert len(await remotes.take_bias(2)) == 2
        finally:
            await remotes.close()
