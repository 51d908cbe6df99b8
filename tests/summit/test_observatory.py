"""Groups of components and cameras, with the interface of observatory_control."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from lsst.ts.calibscripts.embedded.observatory import LATISS, ComCam, LSSTCam, RemoteGroup
from lsst.ts.calibscripts.embedded.salobj import AckError, Controller, Domain, ExpectedError, State

IDLE, BUSY = 1, 2


class Camera(Controller):
    """Takes images as the cameras of the observatory do, and keeps the commands it got."""

    def __init__(self, name: str = "ATCamera") -> None:
        self.commands: list[Any] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.taken = 41
        self.end_readout_delay = 0.0
        super().__init__(name)

    async def start(self) -> None:
        await super().start()
        self.cmd_takeImages.callback = self.take_images
        self.cmd_initGuiders.callback = self.init_guiders
        await self.evt_ccsCommandState.set_write(substate=IDLE)

    async def take_images(self, data: Any) -> None:
        self.commands.append(data)
        await self.evt_ccsCommandState.set_write(substate=BUSY)
        for _ in range(data.numImages):
            self.taken += 1
            name = f"AT_O_20260918_{self.taken:06d}"
            await self.evt_startIntegration.set_write(imageName=name, exposureTime=data.expTime)
            await asyncio.sleep(data.expTime + 2.0)
            self.later(self.end_readout_delay, self.evt_endReadout, imageName=name)
        await self.evt_ccsCommandState.set_write(substate=IDLE)

    def later(self, delay: float, event: Any, **fields: Any) -> None:
        async def write() -> None:
            await asyncio.sleep(delay)
            await event.set_write(**fields)

        self.tasks.append(asyncio.create_task(write()))

    async def close_tasks(self) -> None:
        await asyncio.gather(*self.tasks)

    async def init_guiders(self, data: Any) -> None:
        self.commands.append(data)
        raise ExpectedError("R00SG0 not configured as a guider")


class Spectrograph(Controller):
    """Moves its wheels, each in 10 s."""

    def __init__(self) -> None:
        self.commands: list[Any] = []
        super().__init__("ATSpectrograph")

    async def start(self) -> None:
        await super().start()
        for command in (self.cmd_changeFilter, self.cmd_changeDisperser, self.cmd_moveLinearStage):
            command.callback = self.move

    async def move(self, data: Any) -> None:
        self.commands.append(data)
        await asyncio.sleep(10)


@asynccontextmanager
async def opened(*controllers: Controller) -> AsyncIterator[Domain]:
    async with AsyncExitStack() as stack:
        for controller in controllers:
            await stack.enter_async_context(controller)
        yield await stack.enter_async_context(Domain())


@asynccontextmanager
async def latiss() -> AsyncIterator[tuple[LATISS, Camera, Spectrograph]]:
    camera, spectrograph = Camera(), Spectrograph()
    async with opened(camera, spectrograph) as domain, LATISS(domain) as group:
        yield group, camera, spectrograph


def elapsed_since(begin: float) -> float:
    return asyncio.get_running_loop().time() - begin


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_names_and_timeouts() -> None:
    async with Domain() as domain, RemoteGroup(["OCPS:1", "ATOODS"], domain) as group:
        assert group.components == ["OCPS:1", "ATOODS"]
        assert group.components_attr == ["ocps_1", "atoods"]
        assert group.rem.ocps_1.salinfo.index == 1
        assert group.rem.atoods.salinfo.name == "ATOODS"
        assert vars(group.check) == {"ocps_1": True, "atoods": True}
        assert (group.fast_timeout, group.long_timeout, group.long_long_timeout) == (5, 30, 120)


async def test_a_group_without_a_domain_closes_its_own() -> None:
    group = RemoteGroup(["OCPS:1"])
    await group.start_task
    await group.close()
    assert group.domain.done_task.done()


async def test_a_group_leaves_the_domain_of_others_open() -> None:
    async with Domain() as domain:
        async with RemoteGroup(["OCPS:1"], domain):
            pass
        assert domain.isopen
        assert domain.salinfo_set == set()


async def test_a_group_may_be_closed_before_it_started() -> None:
    group = RemoteGroup(["OCPS:1"])
    await group.close()
    assert not group.domain.isopen


async def test_only_all_topics_can_be_had() -> None:
    with pytest.raises(ValueError, match="intended_usage=1 selects topics"):
        RemoteGroup(["OCPS:1"], intended_usage=1)  # type: ignore[arg-type]


async def test_the_log_of_a_group_is_a_child_of_the_scripts() -> None:
    async with Domain() as domain:
        async with RemoteGroup(["OCPS:1"], domain, log=logging.getLogger("Script")) as group:
            assert group.log.name == "Script.RemoteGroup"
        async with RemoteGroup(["OCPS:1"], domain) as group:
            assert group.log.name == "RemoteGroup"


async def test_all_enabled() -> None:
    ocps, oods = Controller("OCPS", 1), Controller("ATOODS")
    async with opened(ocps, oods) as domain:
        for controller in (ocps, oods):
            await controller.evt_summaryState.set_write(summaryState=State.ENABLED)
        async with RemoteGroup(["OCPS:1", "ATOODS"], domain) as group:
            await group.assert_all_enabled("Enable them.")
            await ocps.evt_summaryState.set_write(summaryState=State.FAULT)
            assert await group.get_state("ocps_1") is State.FAULT
            with pytest.raises(AssertionError) as raised:
                await group.assert_all_enabled("Enable them.")
            text = "The following components are not enabled: ['ocps_1']. Enable them."
            assert str(raised.value) == text
            group.disable_checks_for_components(["OCPS:1"])
            assert group.components_to_check() == ["atoods"]
            await group.assert_all_enabled()


async def test_a_state_that_is_not_reported_within_5_s() -> None:
    async with Domain() as domain, RemoteGroup(["ATOODS"], domain) as group:
        begin = now()
        with pytest.raises(TimeoutError, match="Timeout getting summary state for atoods"):
            await group.assert_all_enabled()
        assert elapsed_since(begin) == pytest.approx(5)


async def test_checks_of_strangers_are_ignored(caplog: pytest.LogCaptureFixture) -> None:
    async with Domain() as domain, RemoteGroup(["ATOODS"], domain) as group:
        group.disable_checks_for_components(["mtdome"])
        assert group.components_to_check() == ["atoods"]
    assert "Component mtdome (referred to as 'mtdome') not in CSC Group." in caplog.text


async def test_the_components_of_the_cameras() -> None:
    async with Domain() as domain:
        expected = {
            LATISS: ["ATCamera", "ATSpectrograph", "ATHeaderService", "ATOODS"],
            ComCam: ["CCCamera", "CCHeaderService", "CCOODS"],
            LSSTCam: ["MTCamera", "MTHeaderService", "MTOODS"],
        }
        for kind, components in expected.items():
            async with kind(domain, log=logging.getLogger("Script")) as camera:
                assert camera.components == components
                assert camera.camera.salinfo.name == components[0]
                assert (camera.read_out_time, camera.shutter_time, camera.min_exptime) == (2.0, 1.0, 0.1)


async def test_biases() -> None:
    async with latiss() as (group, camera, spectrograph):
        exposures = await group.take_bias(3, group_id="G", reason="daily", program="BLOCK-1", note="dry run")
        assert exposures == [2026091800042, 2026091800043, 2026091800044]
        assert len(camera.commands) == 3
        data = camera.commands[0]
        assert (data.numImages, data.expTime, data.shutter, data.sensors) == (1, 0.0, False, "")
        assert data.obsNote == "dry run"
        assert data.keyValueMap == (
            "imageType: BIAS, groupId: G, testType: BIAS, stutterRows: 0, stutterNShifts: 0, "
            "stutterDelay: 0.0, reason: daily, program: BLOCK-1"
        )
        assert spectrograph.commands == []


async def test_the_first_image_of_a_session_takes_30_s_longer() -> None:
    async with latiss() as (group, camera, _):
        begin = now()
        await group.take_darks(15, 1)
        assert elapsed_since(begin) == pytest.approx(30 + 15 + 2, abs=0.1)
        begin = now()
        await group.take_darks(15, 2)
        assert elapsed_since(begin) == pytest.approx(2 * (15 + 2), abs=0.1)
        assert [data.expTime for data in camera.commands] == [15, 15, 15]
        assert not any(data.shutter for data in camera.commands)


async def test_a_camera_that_does_not_tell_whether_it_is_busy_takes_5_s_longer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Silent(Camera):
        async def start(self) -> None:
            await Controller.start(self)
            self.cmd_takeImages.callback = self.take_images

    async with opened(Silent()) as domain, LATISS(domain) as group:
        begin = now()
        await group.take_bias(1)
        assert elapsed_since(begin) == pytest.approx(30 + 5 + 2, abs=0.1)
    assert "Could not determine CCS Command State; ignoring." in caplog.messages


async def test_the_next_image_waits_for_the_readout_of_the_last() -> None:
    async with latiss() as (group, camera, _):
        await group.take_bias(1)
        camera.end_readout_delay = 20.0
        begin = now()
        assert await group.take_bias(2) == [2026091800043, 2026091800044]
        # The second is taken when the first is read out; nobody waits for the second's.
        assert elapsed_since(begin) == pytest.approx(2 + 20 + 2, abs=0.1)


async def test_a_busy_camera_is_waited_for() -> None:
    async with latiss() as (group, camera, _):
        await group.take_bias(1)
        await camera.evt_ccsCommandState.set_write(substate=BUSY)
        begin = now()
        taking = asyncio.create_task(group.take_bias(1))
        await asyncio.sleep(3)
        assert len(camera.commands) == 1
        await camera.evt_ccsCommandState.set_write(substate=IDLE)
        await taking
        assert elapsed_since(begin) == pytest.approx(3 + 2, abs=0.1)


async def test_flats_set_the_instrument_up_first() -> None:
    async with latiss() as (group, camera, spectrograph):
        begin = now()
        exposures = await group.take_flats(5, 2, filter="SDSSr_65mm", grating=4, linear_stage=67)
        # All wheels move at once.
        assert elapsed_since(begin) == pytest.approx(10 + 30 + 2 * (5 + 2), abs=0.1)
        assert exposures == [2026091800042, 2026091800043]
        assert all(data.shutter for data in camera.commands)
        change_filter, change_disperser, move = spectrograph.commands
        assert (change_filter.filter, change_filter.name) == (0, "SDSSr_65mm")
        assert (change_disperser.disperser, change_disperser.name) == (4, "")
        assert move.distanceFromHome == 67


async def test_nothing_moves_where_nothing_is_asked_for() -> None:
    async with latiss() as (group, _, spectrograph):
        await group.setup_instrument(filter=None, grating=None)
        await group.take_imgtype("FLAT", 1.0, 1)
        assert spectrograph.commands == []
        await group.setup_instrument(filter="SDSSg_65mm")
        assert len(spectrograph.commands) == 1


@pytest.mark.parametrize("imgtype", ["BIAS", "DARK"])
async def test_biases_and_darks_do_not_set_the_instrument_up(imgtype: str) -> None:
    async with latiss() as (group, camera, spectrograph):
        await group.take_imgtype(imgtype, 5, 1, filter="SDSSr_65mm")
        assert spectrograph.commands == []
        assert camera.commands[0].expTime == (0 if imgtype == "BIAS" else 5)


async def test_a_checkpoint_before_the_first_image() -> None:
    async with latiss() as (group, camera, _):
        seen = []

        async def checkpoint(name: str) -> None:
            seen.append((name, len(camera.commands)))

        await group.take_bias(2, checkpoint=checkpoint)
        assert seen == [("Expose 2 BIAS", 0)]


async def test_snaps() -> None:
    async with latiss() as (group, camera, _):
        assert await group.take_imgtype("OBJECT", 1, 2, n_snaps=2) == [2026091800042 + n for n in range(4)]
        assert [data.numImages for data in camera.commands] == [2, 2]


async def test_too_many_snaps_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    async with latiss() as (group, _, _):
        await group.take_imgtype("OBJECT", 1, 1, n_snaps=3)
    assert "Specified number of snaps 3 larger than maximum recommended value 2." in caplog.messages


async def test_a_group_id_is_made_from_the_time() -> None:
    async with latiss() as (group, camera, _):
        await group.take_bias(2)
        first, second = (data.keyValueMap.split(", ")[1] for data in camera.commands)
        assert first == second
        name, _, value = first.partition(": ")
        assert name == "groupId"
        assert len(value) == len("2026-09-18T22:59:05.721")
        assert value[10] == "T"


async def test_what_cannot_be_taken() -> None:
    async with latiss() as (group, camera, spectrograph):
        with pytest.raises(RuntimeError, match="Invalid imgtype:FALT"):
            await group.take_imgtype("FALT", 1, 1)
        with pytest.raises(RuntimeError, match=r"Invalid argument fliter\. Must be one of"):
            await group.take_flats(1, 1, fliter="r")
        with pytest.raises(RuntimeError, match="Invalid argument fliter"):
            await group.setup_instrument(fliter="r")
        with pytest.raises(RuntimeError, match=r"exposure time is 0.1. Got 0.05."):
            await group.take_flats(0.05, 1)
        with pytest.raises(TypeError, match="filter"):
            await group.take_bias(1, filter="r")  # type: ignore[call-arg]
        assert camera.commands == spectrograph.commands == []
        await group.take_darks(0.05, 1)


async def test_a_command_that_fails_ends_the_set() -> None:
    class Broken(Camera):
        async def take_images(self, data: Any) -> None:
            if len(self.commands) == 1:
                raise ExpectedError("raft power is off")
            await super().take_images(data)

    camera = Broken()
    async with opened(camera) as domain, LATISS(domain) as group:
        with pytest.raises(AckError, match="raft power is off"):
            await group.take_bias(3)
        assert len(camera.commands) == 1


async def test_a_camera_that_never_integrates() -> None:
    class Broken(Camera):
        async def take_images(self, data: Any) -> None: ...

    async with opened(Broken()) as domain, LATISS(domain) as group:
        with pytest.raises(RuntimeError, match=r"waiting for endReadout event. Expected 1 got 0"):
            await group.take_bias(1)


async def test_a_lost_end_of_readout_is_warned_of_until_it_comes(caplog: pytest.LogCaptureFixture) -> None:
    async with latiss() as (group, camera, _):
        await group.take_bias(1)
        camera.end_readout_delay = 100.0
        begin = now()
        await group.take_bias(2)
        assert elapsed_since(begin) == pytest.approx(2 + 100 + 2, abs=0.1)
    warnings = [message for message in caplog.messages if "Cannot determine if camera is ready" in message]
    assert len(warnings) == 3


class FilterCamera(Camera):
    """Changes its filter in 20 s."""

    async def start(self) -> None:
        await super().start()
        self.cmd_setFilter.callback = self.set_filter
        await self.evt_endSetFilter.set_write(filterName="r_03")

    async def set_filter(self, data: Any) -> None:
        self.commands.append(data)
        await asyncio.sleep(20)
        self.later(5, self.evt_endSetFilter, filterName=data.name)


async def test_comcam_changes_its_filter() -> None:
    camera = FilterCamera("CCCamera")
    async with opened(camera) as domain, ComCam(domain) as comcam:
        begin = now()
        await comcam.setup_instrument(filter="r_03")
        await comcam.setup_instrument(filter=None)
        await comcam.setup_instrument()
        assert elapsed_since(begin) == 0
        await comcam.setup_instrument(filter="i_06")
        assert elapsed_since(begin) == pytest.approx(25)
        assert [data.name for data in camera.commands] == ["i_06"]
        await comcam.take_flats(1, 1, filter="i_06", sensors="R22_S11:R22_S12")
        assert [data.sensors for data in camera.commands[1:]] == ["R22_S11:R22_S12"]
        with pytest.raises(RuntimeError, match="Invalid argument grating"):
            await comcam.setup_instrument(grating="empty_1")


async def test_a_filter_that_is_not_reported() -> None:
    async with opened(Camera("CCCamera")) as domain, ComCam(domain) as comcam:
        with pytest.raises(RuntimeError, match="Could not determine current filter"):
            await comcam.setup_instrument(filter="r_03")


async def test_lsstcam_does_not_change_its_filter() -> None:
    camera = FilterCamera("MTCamera")
    async with opened(camera) as domain, LSSTCam(domain) as lsstcam:
        await lsstcam.setup_instrument(filter="r_03")
        with pytest.raises(RuntimeError, match="Cannot change the LSSTCam filter without proper setup"):
            await lsstcam.setup_instrument(filter="i_39")
        assert camera.commands == []


async def test_lsstcam_prepares_its_guiders_unless_for_a_bias(caplog: pytest.LogCaptureFixture) -> None:
    camera = FilterCamera("MTCamera")
    async with opened(camera) as domain, LSSTCam(domain) as lsstcam:
        await lsstcam.take_bias(1)
        await lsstcam.take_darks(30, 2)
        assert [data.topic.attr_name for data in camera.commands] == [
            "cmd_takeImages",
            "cmd_initGuiders",
            "cmd_takeImages",
            "cmd_initGuiders",
            "cmd_takeImages",
        ]
        assert camera.commands[1].roiSpec.startswith(
            '{"common":{"rows":400,"cols":400,"integrationTimeMillis":200},'
            '"R00SG0":{"segment":7,"startRow":800,"startCol":56},"R00SG1":{"segment":0,'
        )
    assert sum("not configured as a guider" in message for message in caplog.messages) == 2
