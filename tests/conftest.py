"""What every test has: a clock that jumps, and no leaked task."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from lsst.ts.calibscripts.summit.clock import JumpingEventLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run every asynchronous test on a loop that jumps to the next timer when nothing else is to be done."""
    return {"jumping": JumpingEventLoop}


@pytest.fixture(scope="session", autouse=True)
def records_stay_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the records of runs out of the user's directory."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CALIBSCRIPTS_RECORD_DIR", str(tmp_path_factory.mktemp("records")))
        yield


@pytest.fixture(autouse=True)
async def no_task_is_leaked() -> AsyncIterator[None]:
    """Fail a test that leaves a task behind on its event loop."""
    before = asyncio.all_tasks()
    yield
    leaked = asyncio.all_tasks() - before - {asyncio.current_task()}
    for task in leaked:
        task.cancel()
    assert not leaked, f"tasks that still run: {leaked}"
