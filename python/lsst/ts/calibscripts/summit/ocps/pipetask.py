"""Runs the jobs of the simulated OCPS with the real pipetask, in processes that start quickly."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import shlex
import signal
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection, forkserver, resource_tracker
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from .job import ABORTED, Job

__all__ = [
    "PIPELINES",
    "PRELOADED",
    "Invocation",
    "PipetaskRunner",
    "invocation",
    "sort_options",
    "start_server",
]

PIPELINES = Path(__file__).parents[1] / "pipelines"
"""Where the stand-ins of cp_pipe and cp_verify are."""

PRELOADED = [
    "lsst.ctrl.mpexec.cli.pipetask",
    "lsst.ctrl.mpexec.cli.cmd.commands",
    "lsst.ctrl.mpexec.cli.script",
    "lsst.daf.butler.datastores.fileDatastore",
    "lsst.daf.butler.direct_butler",
    "lsst.daf.butler.formatters.json",
    "lsst.daf.butler.formatters.packages",
    "lsst.daf.butler.formatters.yaml",
    "lsst.daf.butler.registry.collections.synthIntKey",
    "lsst.daf.butler.registry.databases.sqlite",
    "lsst.daf.butler.registry.datasets.byDimensions",
    "lsst.daf.butler.registry.dimensions.static",
    "lsst.pipe.base.formatters.pexConfig",
    "lsst.pipe.base.tests.mocks",
    "lsst.ts.calibscripts.summit.datasets.formatters",
    "lsst.ts.calibscripts.summit.ocps.warm",
    *(
        f"lsst.ts.calibscripts.summit.tasks.{path.stem}"
        for path in sorted((Path(__file__).parents[1] / "tasks").glob("[!_]*.py"))
    ),
]
"""Imported once, by the server that all jobs are forked from."""

_CONTEXT = multiprocessing.get_context("forkserver")

_USAGE = 2


@dataclass(frozen=True)
class Invocation:
    """How pipetask is called."""

    arguments: tuple[str, ...]  #: Its words.
    notes: tuple[str, ...]  #: What was changed of the options that were passed.


def invocation(job: Job, repo: str) -> Invocation:
    """Make the call of pipetask for a job, as dm_OCPS does.

    The default input collection comes after those that were passed. ``-j N`` becomes ``-j 1``: otherwise pipetask
    starts an interpreter per quantum, which takes much longer than it saves.

    Parameters
    ----------
    job : `Job`
        The job.
    repo : `str`
        Butler repository.

    Returns
    -------
    invocation : `Invocation`
        The call.

    Raises
    ------
    ValueError
        If a quotation in the options is not closed.
    """
    inputs, processes, others = sort_options(shlex.split(job.config))
    chain = f"u/ocps/{job.job_id}"
    arguments = ["--long-log", "run", "-b", repo, "-p", job.pipeline]
    arguments += ["-i", ",".join(dict.fromkeys([*inputs, f"{job.instrument}/raw/all"]))]
    arguments += ["-o", chain, "--output-run", f"{chain}/run", "-d", job.data_query, "-j", "1", *others]
    notes = [f"-j {n} was replaced by -j 1: quanta run one after another." for n in processes if n != "1"]
    return Invocation(tuple(arguments), tuple(notes))


def sort_options(words: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Separate input collections and numbers of processes from the other options.

    Parameters
    ----------
    words : sequence of `str`
        Options of pipetask.

    Returns
    -------
    inputs, processes, others : `list` [`str`]
        Collections in their order, numbers of processes, and the other words.
    """
    inputs: list[str] = []
    processes: list[str] = []
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in ("-i", "--input"):
            inputs += [item for item in (value if equals else next(rest, "")).split(",") if item]
        elif name in ("-j", "--processes"):
            processes.append(value if equals else next(rest, ""))
        else:
            others.append(word)
    return inputs, processes, others


def start_server() -> None:
    """Start the server that jobs are forked from, without waiting for it; once it runs, this does nothing.

    It imports what jobs need, which takes seconds: the earlier it begins, the less the first job waits.
    """
    _CONTEXT.set_forkserver_preload(PRELOADED)
    # Unless it runs already, this is started by the call below, and lets Ctrl-C through again.
    resource_tracker.ensure_running()
    # Ctrl-C reaches all processes of a terminal, but is for the rehearsal, which aborts its jobs: they inherit this.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class PipetaskRunner:
    """Runs each job in a process of its own, forked from a server that has imported everything already.

    A context manager: entering starts the server, leaving waits for the threads that wait for jobs. All jobs must
    have ended by then.

    Parameters
    ----------
    repo : `str`
        Butler repository.
    scratch : `pathlib.Path`
        Where the log of a job is written: ``uws/<jobId>/outs/ocps.log`` below it.
    environment : mapping
        Environment variables of the jobs beside those of this process and the directories of the stand-ins of
        cp_pipe and cp_verify.
    """

    def __init__(self, repo: str, scratch: Path, environment: Mapping[str, str] | None = None) -> None:
        self._repo = repo
        self._scratch = scratch
        self._environment = {
            "CP_PIPE_DIR": str(PIPELINES / "cp_pipe"),
            "CP_VERIFY_DIR": str(PIPELINES / "cp_verify"),
            **(environment or {}),
        }
        self._threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="pipetask")

    def __enter__(self) -> Self:
        start_server()
        return self

    def __exit__(self, *args: object) -> None:
        self._threads.shutdown()

    def log_path(self, job_id: str) -> Path:
        """Return the path of a job's log."""
        return self._scratch / "uws" / job_id / "outs" / "ocps.log"

    async def run(self, job: Job) -> int:
        """Run a job to its end; a job that is cancelled has ended when this raises.

        Returns
        -------
        exit_code : `int`
            That of pipetask: 0 for success, 2 for wrong usage, else 1.
        """
        child = _Child(self._target(job))
        loop = asyncio.get_running_loop()
        ending = loop.run_in_executor(self._threads, child.run)
        try:
            return await asyncio.shield(ending)
        except asyncio.CancelledError:
            child.stop()
            await ending
            raise

    def _target(self, job: Job) -> _Target:
        log = self._ensure_log(job.job_id)
        try:
            call = invocation(job, self._repo)
        except ValueError as error:
            return _Target((), f"pipetask options {job.config!r}: {error}\n", log, self._environment)
        lines = [shlex.join(["pipetask", *call.arguments]), *call.notes, ""]
        return _Target(call.arguments, "\n".join(lines), log, self._environment)

    def _ensure_log(self, job_id: str) -> Path:
        path = self.log_path(job_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@dataclass(frozen=True)
class _Target:
    """What a child process does: it writes ``preface`` and then the output of pipetask into its log."""

    arguments: tuple[str, ...]
    preface: str
    log: Path
    environment: Mapping[str, str]

    def __call__(self) -> None:
        # This is how a job is aborted; one that was sent meanwhile ends it here.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(output, stream)
        os.write(1, self.preface.encode())
        if not self.arguments:
            raise SystemExit(_USAGE)
        os.environ.update(self.environment)
        # What the server imported is never garbage: looking for any in it takes a tenth of a job's time.
        gc.freeze()
        from lsst.ctrl.mpexec.cli.pipetask import cli

        # A directory that pipetask makes for itself stays: it is removed as an interpreter ends, and a fork does not.
        with TemporaryDirectory(prefix="butler-cache-", dir=self.log.parent) as cache:
            os.environ["DAF_BUTLER_CACHE_DIRECTORY_IF_UNSET"] = cache
            cli.main(args=list(self.arguments), prog_name="pipetask", standalone_mode=True)


class _Child:
    """A child process, driven from a thread and stopped from another."""

    # multiprocessing looks at all its children whenever it starts one; two looks at the same time can lose an
    # exit code.
    _lock = threading.Lock()

    def __init__(self, target: _Target) -> None:
        self._process = _CONTEXT.Process(target=target, daemon=True)
        self._stopped = False

    def run(self) -> int:
        """Start the process and wait for its end."""
        with self._lock:
            if self._stopped:
                return ABORTED
            self._process.start()
        if self._stopped:
            self._process.terminate()
        connection.wait([self._process.sentinel])
        with self._lock:
            self._process.join()
            exit_code = self._process.exitcode
            self._process.close()
        return ABORTED if exit_code is None or exit_code < 0 else exit_code

    def stop(self) -> None:
        """End the process as soon as it can be."""
        self._stopped = True
        # Not started yet, or closed already: `run` does the rest.
        with suppress(AttributeError, ValueError):
            self._process.terminate()
