"""Components that do not tell their state."""

from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts.calibscripts.config import ConfigValidator, LSSTCamConfig
from lsst.ts.calibscripts.maintel.make_lsstcam_calibrations import MakeLSSTCamCalibrations
from lsst.ts.calibscripts.preflight.components import component_problems
from lsst.ts.calibscripts.preflight.ocps_settings import settings_problem, settings_warning
from lsst.ts.calibscripts.sal import Controller, Domain, Remote, RemoteGroup


class Confused(RemoteGroup):
    """A group whose states cannot be understood."""

    async def get_state(self, *args: Any, **kwargs: Any) -> Any:
        raise ValueError("42 is not a valid State")


async def test_a_component_that_is_not_there_is_silent() -> None:
    async with Domain() as domain:
        group = RemoteGroup(domain=domain, components=["OCPS:1"])
        await group.start_task
        (problem,) = await component_problems(group)
        await group.close()
    assert problem.startswith("OCPS:1 is silent (no summaryState was received), not ENABLED: enable it")


async def test_a_state_that_cannot_be_understood_is_reported() -> None:
    async with Domain() as domain:
        group = Confused(domain=domain, components=["OCPS:1"])
        await group.start_task
        (problem,) = await component_problems(group)
        await group.close()
    assert problem.startswith("OCPS:1 is in an unknown state (")
    assert "42 is not a valid State" in problem


async def test_a_dome_that_is_silent_stops_flats_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    script = MakeLSSTCamCalibrations(index=1)
    await script.start_task
    try:
        validator = ConfigValidator(script.get_schema(), LSSTCamConfig)
        given = {"script_mode": "FLAT", "generate_calibrations": True, "ignore": ["mtdometrajectory"]}
        await script.configure(SimpleNamespace(**validator.validate(given)))
        await script.start_remotes()
        camera = script.camera
        await script.start_remotes()
        assert script.camera is camera
        await script.assert_feasibility("DARK")
        with pytest.raises(RuntimeError, match="No flats can be taken: MTDome is silent"):
            await script.assert_feasibility("FLAT")
    finally:
        await script.close()


@pytest.mark.parametrize(
    ("configurations", "problem", "warning"),
    [
        ("_init, LATISS", None, None),
        ("_init.yaml,latiss.yaml", None, None),
        ("LSSTComCam,LATISS", None, None),
        (
            "_init,LSSTComCam",
            "OCPS:1 is configured for LSSTComCam, not for LATISS: start it with the configuration of LATISS",
            None,
        ),
        (
            "_init, _summit",
            None,
            "OCPS:1 may not have the configuration of LATISS: its configurations are _init, _summit.",
        ),
        (
            None,
            None,
            "OCPS:1 may not have the configuration of LATISS: it has not reported its configurations.",
        ),
    ],
)
async def test_the_settings_of_the_ocps_are_those_of_the_camera(
    configurations: str | None, problem: str | None, warning: str | None
) -> None:
    async with Controller("OCPS", 1) as ocps, Domain() as domain, Remote(domain, "OCPS", 1) as remote:
        if configurations is not None:
            await ocps.evt_configurationApplied.set_write(configurations=configurations)
            await remote.evt_configurationApplied.aget(timeout=5)
        found = settings_problem("OCPS:1", remote, "LATISS")
        assert found is None if problem is None else str(found).startswith(problem)
        assert settings_warning("OCPS:1", remote, "LATISS") == warning
