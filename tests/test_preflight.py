"""Components that do not tell their state."""

from typing import Any

from lsst.ts.calibscripts.preflight import component_problems
from lsst.ts.calibscripts.sal import Domain, RemoteGroup


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


async def test_a_state_that_cannot_be_understood_is_told() -> None:
    async with Domain() as domain:
        group = Confused(domain=domain, components=["OCPS:1"])
        await group.start_task
        (problem,) = await component_problems(group)
        await group.close()
    assert problem.startswith("OCPS:1 is in an unknown state (")
    assert "42 is not a valid State" in problem
