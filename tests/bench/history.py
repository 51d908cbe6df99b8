"""What questions to a repository cost after ten years of use, beside a new one.

``python -m bench.history`` measures and prints this alone; with a repository it asks all questions of that one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.load import LoadFreeClock
from bench.past import DAILY, FILTER, JOB, RUN, SIZES, make
from bench.writing import EXPOSURES
from click.testing import CliRunner
from postgresql_support import find_server, serve

from lsst.ts.calibscripts.check import check_text, look_up_pipelines
from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.config.scripts import find_record
from lsst.ts.calibscripts.ground.time_range import TimeRange
from lsst.ts.calibscripts.preflight.findings import repository_findings
from lsst.ts.calibscripts.preflight.spec import RunSpec
from lsst.ts.calibscripts.repository import ButlerRepository, Certification
from lsst.ts.calibscripts.summit.ocps.pipetask import PIPELINES
from lsst.ts.calibscripts.tables.instruments import LSSTCAM

__all__ = ["History", "measure_histories"]

REPETITIONS = 3
"""How often a question is asked; the quickest answer counts, the first one imports what it needs."""

GOAL = 2.0
"""Time and memory, divided by those in a new repository."""

PREFLIGHT = "preflight of LSSTCam, all products"
PREFLIGHT_GOAL = 10.0
"""Seconds, in the largest repository."""

SCRIPT = "maintel/make_lsstcam_calibrations.py"
CONFIG = f"""\
script_mode: BIAS_DARK_FLAT
generate_calibrations: true
do_defects: true
do_ptc: true
filter: {FILTER}
n_flat: 6
exp_times_flat: [1, 1, 2, 2, 3, 3]
certify_calib_begin_date: 2090-09-18
certify_calib_end_date: 2090-09-19
"""


@dataclass(frozen=True)
class History:
    """What the questions cost in repositories with one kind of database."""

    database: str  #: Kind of the database.
    #: By question, in a repository of each of `SIZES`: time without what was waited for a core, and most
    #: memory.
    seconds: tuple[Mapping[str, float], ...]
    megabytes: tuple[Mapping[str, float], ...]

    def ratios(self, question: str) -> Iterator[tuple[int, float, float]]:
        """Return jobs, and time and memory divided by those in a new repository, of all but that."""
        for past, seconds, megabytes in zip(SIZES[1:], self.seconds[1:], self.megabytes[1:], strict=True):
            yield (
                past.jobs,
                seconds[question] / self.seconds[0][question],
                megabytes[question] / self.megabytes[0][question],
            )

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Return database, question, milliseconds in a new repository, and the ratios of time and memory by size."""
        for question, new in self.seconds[0].items():
            cells = (f"{time:.2f}, {memory:.2f}" for _, time, memory in self.ratios(question))
            yield (self.database, question, f"{1000 * new:.0f}", *cells)

    def missed(self) -> Iterator[str]:
        """Return a sentence for every goal that was missed."""
        for question in self.seconds[0]:
            for jobs, time, memory in self.ratios(question):
                if max(time, memory) > GOAL:
                    yield (
                        f"{self.database}, {question}: {time:.2f} times as long and {memory:.2f} times the memory "
                        f"after {jobs:,} jobs"
                    )
        if (last := self.seconds[-1][PREFLIGHT]) > PREFLIGHT_GOAL:
            yield f"{self.database}, {PREFLIGHT}: {last:.1f} s"


def measure_histories() -> list[History]:
    """Measure with each kind of database there is here, and print it."""
    with ExitStack() as stack:
        registries: dict[str, Callable[[int], str] | None] = {"SQLite": None}
        if (programs := find_server()) is not None:
            server = stack.enter_context(serve(programs))
            registries["PostgreSQL"] = lambda size: server.make_database(f"past{size}")
        return [_measure(name, registry) for name, registry in registries.items()]


def _measure(database: str, registry: Callable[[int], str] | None) -> History:
    found = []
    for size, past in enumerate(SIZES):
        with TemporaryDirectory() as directory:
            root = Path(directory) / "repo"
            make(root, past, None if registry is None else registry(size))
            command = [sys.executable, "-m", "bench.history", str(root)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"{database}, {past.jobs:,} jobs: {found[-1][0][PREFLIGHT]:.2f} s for preflight", flush=True)
    history = History(database, tuple(seconds for seconds, _ in found), tuple(peaks for _, peaks in found))
    for row in history.rows():
        print("{:12}{:40}{:>8}".format(*row[:3]), *(f"{cell:>16}" for cell in row[3:]), flush=True)
    return history


def _questions(root: str) -> dict[str, Callable[[int], object]]:
    """Return what is asked; of the number of the repetition a certification makes its dates."""
    repository = ButlerRepository(root)
    repository.check(writing=True)
    spec = look_up_pipelines(check_text(find_record(SCRIPT), CONFIG), insist=True).spec
    assert spec is not None
    config = Path(root).with_name("config.yaml")
    config.write_text(CONFIG)
    exposure = str(EXPOSURES[0])

    def wanted(number: int) -> Certification:
        year = TimeRange.of(f"{2030 + number}-01-01", f"{2031 + number}-01-01")
        return Certification("BIAS", LSSTCAM.name, "bias", DAILY, year, LSSTCAM.detectors)

    return {
        PREFLIGHT: lambda _: _preflight(repository, spec),
        "run_of": lambda _: repository.run_of(JOB),
        "made": lambda _: repository.made(RUN, "bias"),
        "conflicts": lambda n: repository.conflicts(wanted(n)),
        "certify with read-back": lambda n: repository.certify(wanted(n), RUN, lambda: True),
        "check --repo": lambda _: _command("check", SCRIPT, str(config), "--repo", root),
        "report": lambda _: _command(
            "report", "--collections", f"u/ocps/{JOB}", "--repo", root, "--format", "text"
        ),
        "check-deployed": lambda _: _command(
            "produce", "check-deployed", root, exposure, "--detectors", "0..8"
        ),
    }


def _preflight(repository: ButlerRepository, spec: RunSpec) -> None:
    problems = repository_findings(repository, spec).problems
    assert not problems, problems


def _command(*words: str) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output


def _ask_all(root: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return seconds and megabytes by question."""
    seconds: dict[str, float] = {}
    megabytes: dict[str, float] = {}
    for name, ask in _questions(root).items():
        took = []
        # The most memory since now, not since the process began (proc_pid_clear_refs(5)).
        Path("/proc/self/clear_refs").write_text("5")
        for number in range(REPETITIONS):
            clock = LoadFreeClock()
            begin = clock()
            ask(number)
            took.append(clock() - begin)
        seconds[name], megabytes[name] = min(took), _peak()
    return seconds, megabytes


def _peak() -> float:
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


def _main(words: Sequence[str]) -> int:
    """Measure all, or ask one repository, and return the exit code."""
    if not words:
        problems = [problem for history in measure_histories() for problem in history.missed()]
        print("\n".join(f"Missed: {problem}" for problem in problems) or "All goals were reached.")
        return int(bool(problems))
    os.environ["CP_PIPE_DIR"] = str(PIPELINES / "cp_pipe")
    os.environ["CP_VERIFY_DIR"] = str(PIPELINES / "cp_verify")
    print(json.dumps(_ask_all(words[0])))
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
