"""What every test has: the simulated summit, a clock that jumps, and no leaked task."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# The stand-in is what tests run on, also where the observatory's middleware is installed, unless that is asked for.
os.environ.setdefault("CALIBSCRIPTS_SAL", "embedded")

from observatory_support import LOOPS, ON_OBSERVATORY, missing, name_topics

LOOK_AT_THE_SAME = {
    "tests/end_to_end/test_e2e_snippets.py": "tests/end_to_end/test_e2e_latiss.py",
    "tests/production/test_produce_alterations.py": "tests/production/test_produce_walk_through.py",
    "tests/production/test_produce_dry_run.py": "tests/production/test_produce_walk_through.py",
    "tests/production/test_produce_refusals.py": "tests/production/test_produce_walk_through.py",
    "tests/production/test_produce_shell.py": "tests/production/test_produce_walk_through.py",
}
"""File -> another file that uses the same runs of minutes, which each worker would have to make."""


class FilesTogether(LoadFileScheduling):
    """Gives a file to one worker, and files that look at the same runs to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return LOOK_AT_THE_SAME.get(file, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    return FilesTogether(config, log)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run every asynchronous test on a loop that jumps to the next timer when nothing else is to be done."""
    return LOOPS


def pytest_configure(config: pytest.Config) -> None:
    """Say what is missing where the observatory's middleware is asked for."""
    if not ON_OBSERVATORY:
        return
    if lacking := missing():
        text = "\n    ".join(lacking)
        pytest.exit(f"CALIBSCRIPTS_SAL=salobj drives the observatory's middleware. Missing:\n    {text}", 4)
    name_topics()
    # What the observatory's packages warn of is not ours to fix.
    config.addinivalue_line("filterwarnings", "default")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On the observatory's middleware run what is for both; everything else knows the stand-in only."""
    if ON_OBSERVATORY:
        config.hook.pytest_deselected(items=[i for i in items if i.get_closest_marker("observatory") is None])
        items[:] = [item for item in items if item.get_closest_marker("observatory") is not None]


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
