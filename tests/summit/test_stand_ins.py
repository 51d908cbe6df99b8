"""The stand-ins for scripts of other packages, each run through the queue."""

from __future__ import annotations

import pytest
import yaml
from weekly_support import Rehearsed, latiss, remotes

from lsst.ts.calibscripts import get_scripts_dir, sal
from lsst.ts.calibscripts.summit.hardware.calsys import ATCS, DoorState, LampState, ShutterState
from lsst.ts.calibscripts.summit.queue.script_queue import ScriptQueue
from lsst.ts.calibscripts.summit.queue.stand_ins import STAND_INS, StandIn

State = sal.ScriptState
LATISS = ("ATCamera", "ATSpectrograph", "ATHeaderService", "ATOODS")

SUMMARY = "set_summary_state.py"
POWER_ON = "auxtel/calibrations/power_on_atcalsys.py"
POWER_OFF = "auxtel/calibrations/power_off_atcalsys.py"
FLAT = "auxtel/prepare_for/flat.py"
TAKE = "auxtel/take_image_latiss.py"
HOME = "auxtel/atdome/home_dome.py"
SLEW = "auxtel/atdome/slew_dome.py"
STOP = "auxtel/stop_tracking.py"
ATCS_ON = "auxtel/enable_atcs.py"
LATISS_ON = "auxtel/enable_latiss.py"
SCHEDULER_ON = "auxtel/scheduler/enable.py"
ADD_BLOCK = "auxtel/scheduler/add_block.py"


async def done(there: Rehearsed, name: str, config: str = "") -> None:
    outcome = await there.script(name, config)
    assert outcome.state is State.DONE, outcome.reason


async def failed(there: Rehearsed, name: str, config: str = "") -> str:
    outcome = await there.script(name, config)
    assert outcome.state in (State.FAILED, State.CONFIGURE_FAILED)
    return outcome.reason


def test_all_that_the_procedure_uses_are_there() -> None:
    assert set(STAND_INS) == {
        SUMMARY,
        POWER_ON,
        POWER_OFF,
        FLAT,
        TAKE,
        HOME,
        SLEW,
        STOP,
        ATCS_ON,
        LATISS_ON,
        SCHEDULER_ON,
        ADD_BLOCK,
    }


@pytest.mark.parametrize("name", STAND_INS)
async def test_none_is_for_production_and_each_says_so(name: str) -> None:
    assert not (get_scripts_dir() / name).exists()
    script = STAND_INS[name](1)
    try:
        await script.start_task
        assert isinstance(script, StandIn)
        assert "stand-in of the simulated summit" in script.evt_description.data.description
    finally:
        await script.close()


# Summary states.


async def test_summary_states_are_set_the_shortest_way() -> None:
    async with latiss() as there:
        assert there.states("ATWhiteLight", "OCPS:1") == {"STANDBY"}
        await done(there, SUMMARY, "data: [[ATWhiteLight, ENABLED], ['OCPS:1', enabled]]")
        assert there.states("ATWhiteLight", "OCPS:1") == {"ENABLED"}
        await done(there, SUMMARY, "data: [[ATWhiteLight, ENABLED], ['OCPS:1', STANDBY, '']]")
        assert (there.states("ATWhiteLight"), there.states("OCPS:1")) == ({"ENABLED"}, {"STANDBY"})
        await there.system.dome.fault("an encoder is lost")
        await done(there, SUMMARY, "data: [[ATDome, DISABLED]]")
        assert there.states("ATDome") == {"DISABLED"}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("data: [[ATWhiteLight, 'ON']]", "state is 'ON'; write one of STANDBY, DISABLED, ENABLED"),
        ("data: [[ATWhiteLamp, ENABLED]]", "ATWhiteLamp"),
        ("", "data"),
        ("data: [[ATWhiteLight]]", "too short"),
    ],
)
async def test_summary_states_that_cannot_be_are_refused(config: str, reason: str) -> None:
    async with latiss() as there:
        assert reason in await failed(there, SUMMARY, config)


@pytest.mark.parametrize(("script", "group"), [(ATCS_ON, ATCS), (LATISS_ON, LATISS)])
async def test_groups_are_enabled_but_for_those_to_be_ignored(script: str, group: tuple[str, ...]) -> None:
    async with latiss() as there:
        standby = yaml.safe_dump({"data": [[name, "STANDBY"] for name in group]})
        await done(there, SUMMARY, standby)
        await done(there, script, yaml.safe_dump({"ignore": [group[0].lower()]}))
        assert there.states(*group[1:]) == {"ENABLED"}
        assert there.states(group[0]) == {"STANDBY"}
        await done(there, script)
        assert there.states(*group) == {"ENABLED"}


# The white light.


async def test_the_white_light_is_turned_on_and_off() -> None:
    async with latiss() as there:
        light = there.system.light
        assert "ATWhiteLight is STANDBY, not ENABLED" in await failed(there, POWER_ON)
        await done(there, SUMMARY, "data: [[ATWhiteLight, ENABLED]]")
        await done(there, POWER_ON)
        assert (light.lamp, light.shutter, light.chilling) == (LampState.ON, ShutterState.OPEN, True)
        assert "Lamp state: WARMUP." in there.text
        await done(there, POWER_ON)
        await done(there, POWER_OFF)
        assert (light.lamp, light.shutter, light.chilling) == (LampState.OFF, ShutterState.CLOSED, False)
        await done(there, SUMMARY, "data: [[ATWhiteLight, STANDBY]]")


async def test_a_lamp_that_does_not_light_fails_the_script() -> None:
    async with latiss(faults=["lamp-not-lit:count=5"]) as there:
        await done(there, SUMMARY, "data: [[ATWhiteLight, ENABLED]]")
        assert (await there.script(POWER_ON)).state is State.FAILED
        assert there.system.light.lamp is LampState.OFF


async def test_there_is_no_monochromator() -> None:
    async with latiss() as there:
        assert "no ATMonochromator" in await failed(there, POWER_ON, "use_atmonochromator: true")
        assert "extra" in await failed(there, POWER_ON, "extra: 1")


# Telescope and dome.


async def test_telescope_and_dome_go_to_the_flat_screen() -> None:
    async with latiss() as there:
        system = there.system
        await done(there, FLAT)
        assert (system.mount.azimuth, system.mount.elevation) == (188.7, 39.0)
        assert system.dome.azimuth == pytest.approx(3.0, abs=0.5)
        assert there.states("ATDomeTrajectory") == {"ENABLED"}
        assert system.mount.tracking
        await done(there, STOP)
        assert not system.mount.tracking


async def test_open_doors_are_closed_for_flats() -> None:
    async with latiss() as there, remotes("ATDome") as (dome,):
        await dome.cmd_openShutter.start(timeout=120)
        await done(there, FLAT)
        assert dome.evt_mainDoorState.get().state == DoorState.CLOSED


async def test_nothing_moves_unless_all_of_the_telescope_is_enabled() -> None:
    async with latiss() as there:
        await done(there, SUMMARY, "data: [[ATAOS, STANDBY]]")
        assert "ataos" in await failed(there, FLAT)
        assert there.system.mount.azimuth == 0.0


async def test_the_dome_is_slewed_and_homed() -> None:
    async with latiss(faults=["dome-misaligned"], ready=True) as there:
        dome = there.system.dome
        await done(there, SLEW, "az: 90.0")
        assert dome.azimuth == pytest.approx(93.0, abs=0.5)
        assert there.states("ATDomeTrajectory") == {"DISABLED"}
        await done(there, HOME)
        assert (dome.azimuth, dome.encoder_loss) == (0.0, 0.0)
        assert "az" in await failed(there, SLEW)


# Images.


async def test_images_are_taken_as_configured() -> None:
    async with latiss(ready=True) as there:
        config = {
            "image_type": "FLAT",
            "exp_times": [0.25, 0.25, 1.42],
            "filter": "SDSSg_65mm",
            "grating": "empty_1",
            "program": "BLOCK-295",
            "reason": "weekly_PTC",
        }
        await done(there, TAKE, yaml.safe_dump(config))
        taken = [readout.observation for readout in there.summit.readouts]
    assert [each.exposure_time for each in taken] == [0.25, 0.25, 1.42]
    assert {each.physical_filter for each in taken} == {"SDSSg_65mm~empty"}
    assert {(each.image_type, each.program, each.reason) for each in taken} == {
        ("FLAT", "BLOCK-295", "weekly_PTC")
    }
    assert len({each.group_id for each in taken}) == 1


async def test_one_time_is_for_all_images() -> None:
    async with latiss(ready=True) as there:
        await done(there, TAKE, "{image_type: DARK, exp_times: 5, nimages: 2}")
        await done(there, TAKE, "{image_type: BIAS}")
        taken = [readout.observation for readout in there.summit.readouts]
    assert [(each.image_type, each.exposure_time) for each in taken] == [
        ("DARK", 5),
        ("DARK", 5),
        ("BIAS", 0),
    ]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        # As seed 004 prints it: without brackets YAML reads one text.
        ("image_type: FLAT\nexp_times:\n  0.25,\n  0.25,\n  1.42", "'0.25, 0.25, 1.42'"),
        ("{image_type: FLAT, exp_times: [1, 2], nimages: 3}", "nimages is 3, but exp_times has 2 times"),
        ("exp_times: 1", "image_type"),
        ("image_type: FLATS", "FLATS"),
    ],
)
async def test_configurations_that_cannot_work_are_refused(config: str, reason: str) -> None:
    async with latiss(ready=True) as there:
        assert reason in await failed(there, TAKE, config)
        assert not there.summit.readouts


async def test_no_image_is_taken_with_a_camera_that_is_not_enabled() -> None:
    async with latiss(ready=True, faults=["component-standby:of=ATCamera"]) as there:
        assert "atcamera" in await failed(there, TAKE, "image_type: BIAS")
        assert not there.summit.readouts


# The Scheduler.


async def test_the_scheduler_adds_a_block_it_knows_when_it_is_enabled() -> None:
    async with latiss() as there:
        scheduler = there.scheduler
        await done(there, SUMMARY, "data: [['Scheduler:2', STANDBY]]")
        assert (await there.script(ADD_BLOCK, "id: BLOCK-309")).state is State.FAILED
        await done(there, SCHEDULER_ON, "config: any.yaml")
        await done(there, ADD_BLOCK, "id: BLOCK-309")
        ((block, calls),) = scheduler.take()
        assert (block.program, len(calls)) == ("BLOCK-309", 4)
        await done(there, ADD_BLOCK, "{id: BLOCK-295, override: {set1_filter: SDSSi_65mm}}")
        ((_, calls),) = scheduler.take()
        assert "filter: SDSSi_65mm" in calls[0].config_text
        assert scheduler.take() == ()


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("id: BLOCK-1", "Block BLOCK-1 is unknown; known are BLOCK-295, BLOCK-309, BLOCK-310"),
        ("{id: BLOCK-295, override: {filter: SDSSi_65mm}}", "no such property"),
    ],
)
async def test_a_block_that_cannot_be_added_is_refused(config: str, told: str) -> None:
    async with latiss() as there, remotes("Scheduler:2") as (scheduler,):
        wanted = yaml.safe_load(config)
        override = yaml.safe_dump(wanted["override"]) if "override" in wanted else ""
        with pytest.raises(sal.AckError) as caught:
            await scheduler.cmd_addBlock.set_start(id=wanted["id"], override=override, timeout=30)
        assert told in caught.value.ackcmd.result
        assert (await there.script(ADD_BLOCK, config)).state is State.FAILED


async def test_the_scheduler_is_only_informed_in_its_own_queue() -> None:
    async with latiss() as there:
        queue = ScriptQueue(queue="maintel")
        outcome = await queue.run("add_block.py", "id: BLOCK-309", make=STAND_INS[ADD_BLOCK])
        assert "another queue" in outcome.reason
        assert there.scheduler.take() == ()
