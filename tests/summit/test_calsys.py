"""Lamp, dome and telescope, and what they do to the flats of LATISS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from lsst.ts.calibscripts import sal
from lsst.ts.calibscripts.summit.faults.faults import Faults
from lsst.ts.calibscripts.summit.hardware.calsys import (
    ATCS,
    ATTEMPTS,
    DOME_AZIMUTH,
    AzimuthState,
    CalibrationSystem,
    LampState,
    MountState,
    ShutterState,
    lit_fraction,
)
from lsst.ts.calibscripts.summit.hardware.csc import HardwareClock

MINUTE = 60.0
SDSSR = "SDSSr_65mm~empty"
FULL = 4896.0
"""ADU/s of the screen through SDSSr_65mm."""


@dataclass
class Bench:
    """The components and remotes of some of them."""

    system: CalibrationSystem
    light: Any
    dome: Any
    pointing: Any
    mount: Any

    @property
    def rate(self) -> float:
        return self.system.illumination(SDSSR)

    async def turn_on(self) -> None:
        await self.light.cmd_startChiller.start(timeout=60)
        await self.light.cmd_openShutter.start(timeout=60)
        await self.light.cmd_turnLampOn.set_start(power=910, timeout=60)

    async def logged(self, seconds: float) -> list[str]:
        """Wait, then give what ATWhiteLight logged since this was last asked."""
        await asyncio.sleep(seconds)
        messages = []
        while (data := self.light.evt_logMessage.get_oldest()) is not None:
            messages.append(data.message)
        return messages


@asynccontextmanager
async def bench(*faults: str, ready: bool = False, speed: float = 1.0) -> AsyncIterator[Bench]:
    system = CalibrationSystem(HardwareClock(speed), ready=ready, faults=Faults(faults))
    async with sal.Domain() as domain:
        remotes = [sal.Remote(domain, name) for name in ("ATWhiteLight", "ATDome", "ATPtg", "ATMCS")]
        await asyncio.gather(*(remote.start_task for remote in remotes))
        for component in system.components:
            await component.__aenter__()
        try:
            yield Bench(system, *remotes)
        finally:
            for component in system.components:
                await component.__aexit__(None, None, None)


def refused(text: str) -> Any:
    return pytest.raises(sal.AckError, match=text)


# Together.


async def test_when_it_is_ready_the_screen_is_fully_lit() -> None:
    async with bench(ready=True) as all_is_on:
        assert all_is_on.rate == pytest.approx(FULL)
        six_seconds = 6 * all_is_on.rate
        saturation = 25 * all_is_on.rate
    assert six_seconds == pytest.approx(29_500, rel=0.01)
    assert saturation == pytest.approx(123_000, rel=0.01)


async def test_before_the_setup_it_is_dark_and_parked() -> None:
    async with bench() as parked:
        assert parked.rate == 0.0
        assert {component.name for component in parked.system.components} == {*ATCS, "ATWhiteLight"}
        described = dict(parked.system.describe())
    assert described == {
        "ATWhiteLight": "lamp off, shutter closed, chiller off",
        "ATDome": "azimuth 285.0 degrees by its encoder",
        "ATMCS": "azimuth 0.0, elevation 80.0 degrees: at something else than the flat screen, not tracking",
    }


# The lamp.


async def test_the_lamp_gives_no_light_before_it_is_warm_after_15_minutes() -> None:
    async with bench(ready=True) as there:
        there.system.light.lamp = LampState.OFF
        await there.turn_on()
        assert there.system.light.lamp is LampState.WARMUP
        assert there.rate == 0.0
        await asyncio.sleep(15 * MINUTE - 1)
        assert there.rate == 0.0
        await asyncio.sleep(2)
        assert there.rate == pytest.approx(FULL)


async def test_the_speed_divides_the_warm_up() -> None:
    async with bench(ready=True, speed=100) as there:
        there.system.light.lamp = LampState.OFF
        await there.turn_on()
        await asyncio.sleep(8.9)
        assert there.rate == 0.0
        await asyncio.sleep(0.2)
        assert there.rate == pytest.approx(FULL)


async def test_states_and_times_of_the_lamp_are_published() -> None:
    async with bench() as there:
        there.light.evt_lampState.flush()
        await there.turn_on()
        await asyncio.sleep(15 * MINUTE + 1)
        states = []
        while (data := there.light.evt_lampState.get_oldest()) is not None:
            states.append(data)
    assert [LampState(data.basicState) for data in states] == [
        LampState.TURNING_ON,
        LampState.WARMUP,
        LampState.ON,
    ]
    assert [data.lightDetected for data in states] == [False, True, True]
    assert states[1].setPower == pytest.approx(910)
    assert states[2].private_sndStamp == pytest.approx(states[1].warmupEndTime, abs=2)


async def test_the_lamp_tells_its_retry_loop_and_how_long_it_will_be() -> None:
    async with bench("lamp-not-lit:count=2") as there:
        await there.turn_on()
        messages = await there.logged(15 * MINUTE + 1)
    assert messages[:9] == [
        "Lighting the lamp at 910 W, attempt 1 of 5.",
        "No light is seen after attempt 1 of 5.",
        "Lighting the lamp at 910 W, attempt 2 of 5.",
        "No light is seen after attempt 2 of 5.",
        "Lighting the lamp at 910 W, attempt 3 of 5.",
        "The lamp is lit.",
        "The lamp is warming up: 15 minutes left.",
        "The lamp is warming up: 14 minutes left.",
        "The lamp is warming up: 13 minutes left.",
    ]
    assert messages[-2:] == ["The lamp is warming up: 1 minute left.", "The lamp is warm."]


async def test_a_lamp_that_never_lights_fails_the_command_and_stays_off() -> None:
    async with bench(f"lamp-not-lit:count={ATTEMPTS}") as there:
        with refused("failed") as caught:
            await there.turn_on()
        assert "did not light in 5 attempts" in caught.value.ackcmd.result
        assert there.system.light.lamp is LampState.OFF
        await there.light.cmd_stopChiller.start(timeout=60)


async def test_the_lamp_protects_itself() -> None:
    async with bench() as there:
        light = there.light
        results = []

        async def refuse(command: str, **fields: Any) -> None:
            with refused("failed") as caught:
                await getattr(light, f"cmd_{command}").set_start(**fields, timeout=60)
            results.append(caught.value.ackcmd.result.removeprefix("Failed: "))

        await refuse("turnLampOn", power=910)
        await light.cmd_startChiller.start(timeout=60)
        await refuse("turnLampOn", power=700)
        await light.cmd_turnLampOn.set_start(power=0, timeout=60)
        await asyncio.sleep(5 * MINUTE + 30)
        await refuse("turnLampOff")
        await refuse("stopChiller")
        await light.cmd_turnLampOff.set_start(force=True, timeout=60)
        await refuse("turnLampOn", power=910)
        await refuse("stopChiller")
        await light.cmd_disable.start(timeout=60)
        await refuse("standby")
        await refuse("turnLampOn", power=910)
    assert results == [
        "The chiller is off; send startChiller first",
        "power is 700 W; it must be 0 or from 800 to 1200 W",
        "The lamp is warming up: turned off now it would live shorter. Wait 10 minutes, or use force",
        "The chiller cannot be stopped: the lamp is warming up",
        "The lamp is cooling down; wait 15 minutes",
        "The chiller cannot be stopped: the lamp is cooling down; wait 15 minutes",
        "ATWhiteLight cannot go to STANDBY: the lamp is cooling down; wait 15 minutes",
        "turnLampOn not allowed in state DISABLED of ATWhiteLight",
    ]


async def test_the_lamp_is_cold_after_15_minutes_and_all_can_be_turned_off() -> None:
    async with bench(ready=True) as there:
        await there.light.cmd_turnLampOff.start(timeout=60)
        assert (there.system.light.lamp, there.rate) == (LampState.COOLDOWN, 0.0)
        await asyncio.sleep(15 * MINUTE + 1)
        await there.light.cmd_closeShutter.start(timeout=60)
        await there.light.cmd_stopChiller.start(timeout=60)
        await there.light.cmd_disable.start(timeout=60)
        await there.light.cmd_standby.start(timeout=60)
        assert dict(there.system.describe())["ATWhiteLight"] == "lamp off, shutter closed, chiller off"
        assert not there.light.evt_lampConnected.get().connected


async def test_a_lamp_that_is_on_is_not_lit_again_but_takes_another_power() -> None:
    async with bench(ready=True) as there:
        await there.light.cmd_turnLampOn.set_start(power=1000, timeout=60)
        assert there.light.evt_lampState.get().setPower == pytest.approx(1000)
        assert there.rate == pytest.approx(FULL)


async def test_in_fault_the_lamp_goes_out() -> None:
    async with bench(ready=True) as there:
        await there.system.light.fault("the chiller reports an alarm")
        assert (there.system.light.lamp, there.rate) == (LampState.COOLDOWN, 0.0)


async def test_a_fault_while_it_is_being_lit_fails_the_command() -> None:
    async with bench() as there:
        await there.light.cmd_startChiller.start(timeout=60)
        async with asyncio.TaskGroup() as group:
            lighting = group.create_task(_result(there.light.cmd_turnLampOn.start(timeout=60)))
            await asyncio.sleep(1)
            await there.system.light.fault("the chiller reports an alarm")
        assert "since the CSC is FAULT" in lighting.result()
        assert there.system.light.lamp is LampState.COOLDOWN


async def _result(command: Any) -> str:
    with refused("failed") as caught:
        await command
    return str(caught.value.ackcmd.result)


async def test_behind_a_closed_shutter_it_is_dark() -> None:
    async with bench(ready=True) as there:
        await there.light.cmd_closeShutter.start(timeout=60)
        assert there.rate == 0.0
        assert ShutterState(there.light.evt_shutterState.get().actualState) is ShutterState.CLOSED
        await there.light.cmd_openShutter.start(timeout=60)
        assert there.rate == pytest.approx(FULL)


# The dome.


@pytest.mark.parametrize(
    ("azimuth", "expected"), [(3.0, 1.0), (1.5, 1.0), (4.5, 1.0), (2.0, 1.0), (5.0, 0.55), (1.0, 0.55)]
)
def test_the_screen_is_lit_within_one_and_a_half_degrees(azimuth: float, expected: float) -> None:
    assert lit_fraction(azimuth) == pytest.approx(expected)


@pytest.mark.parametrize("azimuth", [0.0, 5.5, 6.0, 180.0, 285.0, 359.9])
def test_beside_the_screen_a_flat_of_6_s_is_below_10000(azimuth: float) -> None:
    assert 0.0 < lit_fraction(azimuth) * FULL * 6 < 10_000


async def move(there: Bench, azimuth: float) -> float:
    """Move the dome and give how long it takes."""
    clock = asyncio.get_running_loop().time
    begin = clock()
    there.dome.evt_azimuthInPosition.flush()
    await there.dome.cmd_moveAzimuth.set_start(azimuth=azimuth, timeout=60)
    while not (await there.dome.evt_azimuthInPosition.next(flush=False, timeout=600)).inPosition:
        pass
    return clock() - begin


async def test_the_dome_takes_the_shorter_way_and_stops_within_half_a_degree() -> None:
    async with bench() as there:
        positions = []
        seconds = await move(there, 3.0)
        for _ in range(5):
            positions.append(there.system.dome.azimuth)
            await move(there, 350.0)
            assert there.system.dome.azimuth == pytest.approx(350.0, abs=0.5)
            await move(there, 3.0)
    assert seconds == pytest.approx(78 / 3, abs=1)
    assert positions == pytest.approx([3.0] * 5, abs=0.5)
    assert len(set(positions)) == 5


@pytest.mark.parametrize(
    ("azimuth", "direction"), [(200.0, AzimuthState.MOVING_CCW), (3.0, AzimuthState.MOVING_CW)]
)
async def test_the_dome_tells_that_it_moves(azimuth: float, direction: AzimuthState) -> None:
    async with bench() as there:
        await there.dome.cmd_moveAzimuth.set_start(azimuth=azimuth, timeout=60)
        assert there.dome.evt_azimuthState.get().state == direction
        assert not there.dome.evt_azimuthInPosition.get().inPosition
        assert there.dome.evt_azimuthCommandedState.get().azimuth == azimuth
        await asyncio.sleep(60)
        assert there.dome.evt_azimuthState.get().state == AzimuthState.NOT_IN_MOTION
        assert there.dome.evt_azimuthInPosition.get().inPosition


async def test_a_misaligned_dome_says_that_it_is_there_but_is_not_until_it_is_homed() -> None:
    async with bench("dome-misaligned", ready=True) as there:
        dome = there.system.dome
        assert dome.encoder_azimuth == pytest.approx(DOME_AZIMUTH)
        assert 6 * there.rate < 10_000
        await move(there, DOME_AZIMUTH)
        assert dome.encoder_azimuth == pytest.approx(DOME_AZIMUTH, abs=0.5)
        assert 6 * there.rate < 10_000
        assert "lost 3.0 degrees" in dict(there.system.describe())["ATDome"]
        await there.dome.cmd_homeAzimuth.start(timeout=60)
        assert there.dome.evt_azimuthState.get().homing
        await asyncio.sleep(120)
        assert there.dome.evt_azimuthState.get().homed
        # "... causing the dome to move away from the whitelight position"
        assert 6 * there.rate < 10_000
        await move(there, DOME_AZIMUTH)
        assert there.rate == pytest.approx(FULL)


async def test_a_dome_that_is_aligned_stays_so_when_homed() -> None:
    async with bench(ready=True) as there:
        await there.dome.cmd_homeAzimuth.start(timeout=60)
        await asyncio.sleep(120)
        await move(there, DOME_AZIMUTH)
        assert there.rate == pytest.approx(FULL)


async def test_small_adjustments_bring_a_misaligned_dome_to_the_screen() -> None:
    async with bench("dome-misaligned", ready=True) as there:
        await move(there, DOME_AZIMUTH - 3.0)
        assert there.rate == pytest.approx(FULL)


async def test_while_the_dome_moves_the_screen_is_not_lit_and_it_can_be_stopped() -> None:
    async with bench(ready=True) as there:
        await there.dome.cmd_moveAzimuth.set_start(azimuth=180.0, timeout=60)
        assert 0.0 < there.rate < FULL / 2
        await there.dome.cmd_moveAzimuth.set_start(azimuth=90.0, timeout=60)
        await there.dome.cmd_stopMotion.start(timeout=60)
        assert there.rate == pytest.approx(FULL)
        await asyncio.sleep(120)
        assert there.system.dome.azimuth == pytest.approx(DOME_AZIMUTH, abs=0.5)


async def test_the_doors_of_the_dome_open_and_close() -> None:
    async with bench() as there:
        await there.dome.cmd_openShutter.start(timeout=10)
        assert (there.dome.evt_mainDoorState.get().state, there.dome.evt_dropoutDoorState.get().state) == (
            2,
            2,
        )
        await there.dome.cmd_closeShutter.start(timeout=10)
        assert (there.dome.evt_mainDoorState.get().state, there.dome.evt_dropoutDoorState.get().state) == (
            1,
            1,
        )


# The telescope.


async def test_where_the_telescope_looks_elsewhere_it_is_dark() -> None:
    async with bench(ready=True) as there:
        await there.pointing.cmd_azElTarget.set_start(azDegs=188.7, elDegs=45.0, timeout=60)
        assert there.rate == 0.0
        await asyncio.sleep(60)
        assert there.rate == 0.0
        assert there.mount.evt_allAxesInPosition.get().inPosition
        await there.pointing.cmd_azElTarget.set_start(azDegs=188.7, elDegs=39.0, timeout=60)
        await asyncio.sleep(60)
        assert there.rate == pytest.approx(FULL)


async def test_the_telescope_stops() -> None:
    async with bench() as there:
        await there.pointing.cmd_azElTarget.set_start(azDegs=188.7, elDegs=39.0, timeout=60)
        assert there.mount.evt_atMountState.get().state == MountState.TRACKING_ENABLED
        await there.pointing.cmd_stopTracking.start(timeout=60)
        assert there.mount.evt_atMountState.get().state == MountState.TRACKING_DISABLED
        await asyncio.sleep(120)
        assert (there.system.mount.azimuth, there.system.mount.elevation) == (0.0, 80.0)
        assert not there.mount.evt_allAxesInPosition.get().inPosition


async def test_targets_are_refused_below_the_horizon_and_of_a_mount_that_is_not_enabled() -> None:
    async with bench() as there:
        with refused("failed") as caught:
            await there.pointing.cmd_azElTarget.set_start(azDegs=0.0, elDegs=-1.0, timeout=60)
        assert "from 0 to 90 degrees" in caught.value.ackcmd.result
        await there.mount.cmd_disable.start(timeout=60)
        with refused("failed") as caught:
            await there.pointing.cmd_azElTarget.set_start(azDegs=0.0, elDegs=1.0, timeout=60)
        assert "DISABLED of ATMCS" in caught.value.ackcmd.result
