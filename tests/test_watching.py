"""What is seen of the camera's components while images are taken: one that is lost is reported at once."""

from __future__ import annotations

import asyncio

import pytest
from in_memory import run_in_memory

from lsst.ts.calibscripts.sal import Remote, State
from lsst.ts.calibscripts.summit.hardware.csc import SimulatedCsc
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import Behaviour, MemoryButler, reference_calibrations

CONFIG = {
    "script_mode": "DARK",
    "n_dark": 10,
    "exp_times_dark": 30,
    "do_verify": False,
}


async def standby(component: SimulatedCsc) -> None:
    """Leave ENABLED, and come back."""
    await component.set_state(State.STANDBY)
    await asyncio.sleep(20)
    await component.set_state(State.ENABLED)


async def blink(component: SimulatedCsc) -> None:
    """Leave ENABLED between two looks, and come back."""
    await asyncio.sleep(0.5)
    await component.set_state(State.FAULT)
    await component.set_state(State.STANDBY)
    await component.set_state(State.ENABLED)


async def die(component: SimulatedCsc) -> None:
    await component.die()


async def warnings_where(name: str, lose: object) -> list[str]:
    """Return what is said of a component that is lost 60 s after the first dark was begun."""
    butler = MemoryButler()
    reference_calibrations(butler, "LATISS")

    async def beside(summit: Summit, script: Remote) -> None:
        await asyncio.sleep(60)
        await lose(summit.components[name])  # type: ignore[operator]
        await asyncio.Event().wait()

    _, log, _ = await run_in_memory(butler, lambda job: Behaviour(seconds=1.0), CONFIG, beside)
    return [line.message for line in log if line.level_name == "WARNING" and line.message.startswith(name)]


@pytest.mark.parametrize(
    ("name", "lose", "said"),
    [
        ("ATOODS", standby, "ATOODS is STANDBY, no longer ENABLED. Recover it now: "),
        (
            "ATCamera",
            blink,
            "ATCamera was FAULT and STANDBY and is ENABLED again: an image of that time may be lost.",
        ),
        (
            "ATHeaderService",
            die,
            "ATHeaderService says ENABLED but has sent no heartbeat for 60 s: it may have died. ",
        ),
    ],
)
async def test_a_component_that_is_lost_is_reported_once_while_images_are_taken(
    name: str, lose: object, said: str
) -> None:
    (warning,) = await warnings_where(name, lose)
    assert warning.startswith(said)
