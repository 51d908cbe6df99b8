"""What every test has: the simulated summit, a clock that jumps, and no leaked task."""

import asyncio
import gc
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# There are enough workers for all cores already; before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The stand-in is what tests run on, also where the observatory's middleware is installed, unless that is asked for.
os.environ.setdefault("CALIBSCRIPTS_SAL", "embedded")

from observatory_support import LOOPS, ON_OBSERVATORY, missing, name_topics

from lsst.ts.calibscripts.summit.ocps.pipetask import PIPELINES

IN_MEMORY = Path("/dev/shm")
ROOM = 8e9
"""Bytes that must be free, twice what all tests together write."""

if IN_MEMORY.is_dir() and min(shutil.disk_usage(IN_MEMORY).free, psutil.virtual_memory().available) > ROOM:
    # Thousands of commits to repositories wait for a disk, and nothing of them is to outlive the tests.
    os.environ.setdefault("TMPDIR", str(IN_MEMORY))
    # It was chosen before this was read.
    tempfile.tempdir = None

GARBAGE = 200_000
"""New objects after which it is looked for within a test; 700 are usual, of which a butler makes thousands for each
dataset."""

GARBAGE_LEFT = 5_000
"""New objects that a test leaves, after which it is looked for among them: the sooner, the fewer they are."""

STAYED = 50_000
"""Objects that stay after tests, modules that they import for instance, after which these are looked through; fewer
than those for which a run would freeze all there is, and let it go again."""

LOOK_AT_THE_SAME = {
    "tests/end_to_end/test_e2e_snippets.py": "tests/end_to_end/test_e2e_latiss.py",
    "tests/production/test_produce_alterations.py": "tests/production/test_produce_walk_through.py",
    "tests/production/test_produce_dry_run.py": "tests/production/test_produce_walk_through.py",
    "tests/production/test_produce_refusals.py": "tests/production/test_produce_walk_through.py",
    "tests/production/test_produce_shell.py": "tests/production/test_produce_walk_through.py",
}
"""File -> another file that uses the same runs of minutes, which each worker would have to make."""


END_TO_END = Path(__file__).parent / "end_to_end"
PRODUCTION = Path(__file__).parent / "production"

SLOW = re.compile(
    r"\b(subprocess|multiprocessing|Popen|recorded|e2e_support|walk_through|rehearsal|cli_support)\b"
    r"|from lsst\.daf\.butler|summit\.(butler|datasets|rehearsing|sensor|tasks)|make_repository"
    r"|(from|import) (bench|fault_table_\w+|lsstcam_scale|soak)\b"
)
"""What the text of a file has that starts processes, makes a repository on disk, computes with pixels, or makes whole
runs by the dozen."""

SLOW_FIXTURES = frozenset({"walk", "site", "copy", "server", "database"})

# How long an example takes says how busy the machine is.
settings.register_profile("whole", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("whole"), max_examples=10)


class FilesTogether(LoadFileScheduling):
    """Gives a file to one worker, and files that look at the same runs to the same one; a test, on the observatory's.

    In the order in which tests are collected, those that take minutes first: otherwise one worker is left with them.
    """

    def _split_scope(self, nodeid: str) -> str:
        if ON_OBSERVATORY:
            # Nothing is shared but the run of a row of the fault table, by the tests with its name in brackets.
            return nodeid.partition("[")[2] or nodeid
        file = super()._split_scope(nodeid)
        return LOOK_AT_THE_SAME.get(file, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Start one worker more than there are cores: some wait for processes, servers and disks.

    Through a broker each of them is in real time, and xdist decides; so it does where it has been told a number.
    """
    if ON_OBSERVATORY or "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    config.option.loadscopereorder = False
    return FilesTogether(config, log)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run every asynchronous test on a loop that jumps to the next timer when nothing else is to be done."""
    return LOOPS


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --quick."""
    parser.addoption(
        "--quick", action="store_true", help="only what needs no process, no repository on disk and no pixels"
    )


@cache
def _is_slow(path: Path) -> bool:
    return SLOW.search(path.read_text()) is not None


def pytest_configure(config: pytest.Config) -> None:
    """Draw fewer examples where it is to be quick, and say what is missing of the observatory's middleware."""
    settings.load_profile("quick" if config.getoption("--quick") else "whole")
    if not ON_OBSERVATORY:
        return
    if lacking := missing():
        text = "\n    ".join(lacking)
        pytest.exit(f"CALIBSCRIPTS_SAL=salobj drives the observatory's middleware. Missing:\n    {text}", 4)
    name_topics()
    # What the observatory's packages warn of is not ours to fix: they leave sockets to the garbage collector, too.
    config.addinivalue_line("filterwarnings", "default")
    warnings.simplefilter("ignore", ResourceWarning)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Say where the pipelines are, as the Science Pipelines' set-up does, in the end-to-end tests and nowhere else.

    Before the fixtures of a session are made, and whatever an earlier test has left: which pipelines are found
    decides in which order the steps of a run go.
    """
    with pytest.MonkeyPatch.context() as environment:
        for package in ("cp_pipe", "cp_verify"):
            name = f"{package.upper()}_DIR"
            environment.delenv(name, raising=False)
            if item.path.is_relative_to(END_TO_END):
                environment.setenv(name, str(PIPELINES / package))
        try:
            return (yield)
        finally:
            if gc.get_count()[0] > GARBAGE_LEFT:
                _tidy_up()


def _tidy_up() -> None:
    """Look for garbage among what is new, and now and then among what has stayed, which is looked at once only."""
    gc.collect(0)
    if len(gc.get_objects(generation=2)) > STAYED:
        gc.collect()
        gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Look for garbage in what tests make: in what is imported and collected before it takes a tenth of all time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(GARBAGE)
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Look for garbage once more: pytest would do it five times, which takes seconds in each worker."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Select what is quick, or, on the observatory's middleware, what is for both; what takes longest comes first."""
    kept = items[:]
    if config.getoption("--quick"):
        kept = [item for item in kept if not _is_slow(item.path) and not SLOW_FIXTURES & {*_fixtures(item)}]
    kept = [item for item in kept if _is_for(item.get_closest_marker("observatory"))]
    if len(kept) < len(items):
        chosen = {*kept}
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = sorted(kept, key=lambda item: _place(item.path))


def _is_for(mark: pytest.Mark | None) -> bool:
    """Return whether a test is for the middleware that the tests drive."""
    if ON_OBSERVATORY:
        return mark is not None
    return mark is None or not mark.kwargs.get("alone", False)


def _place(path: Path) -> int:
    """Return in which place the tests of a file come: the longer it may take, the sooner."""
    for place, directory in enumerate((PRODUCTION, END_TO_END)):
        if path.is_relative_to(directory):
            return place
    return 2 if _is_slow(path) else 3


def _fixtures(item: pytest.Item) -> Iterator[str]:
    return iter(getattr(item, "fixturenames", ()))


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
