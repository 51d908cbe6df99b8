"""How long `make rehearse` takes on two cores once everything is set up, and where the time goes.

`python tests/bench/rehearse.py`
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["Rehearsed", "main"]

REPETITIONS = 3
GOAL = 60.0
"""Seconds."""
CORES = 2
SCRIPT = "auxtel/make_latiss_calibrations.py"
CONFIG = Path(__file__).parents[2] / "doc" / "examples" / "rehearse.yaml"

_PHASES = (
    ("imports and repository", "Setup LATISS"),
    ("exposures, jobs beside them", "All images taken"),
    ("jobs after the last exposure", "ends DONE"),
    ("closing and report", ""),
)
"""Phases of a rehearsal, and what is printed at the end of each."""

_LINE = re.compile(r"(?:INFO|VERBOSE|WARNING) (\S+) \S+ \(([^:)]*).*? - (.*)")
_TOOK = re.compile(r"Execution of task .* took ([\d.]+) seconds")


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal took."""

    seconds: float  #: All of it.
    phases: Mapping[str, float]  #: Seconds of each phase.
    #: Seconds of the log of all jobs: of the quanta of each kind of task, and of all else.
    jobs: Mapping[str, float]

    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """Return what was measured, its value and the goal."""
        return (
            (
                f"make rehearse on {CORES} cores: time, {GOAL:.0f} s = 1",
                f"{self.seconds / GOAL:.2f}",
                "< 1",
            ),
            *((f"of it: {name}", share, "") for name, share in _shares(self.phases)),
            *((f"of the jobs: {name}", share, "") for name, share in _shares(self.jobs)),
        )

    def missed(self) -> Iterator[str]:
        """Return a sentence if the goal was missed."""
        if self.seconds > GOAL:
            yield f"a rehearsal takes {self.seconds:.0f} s on {CORES} cores"


def main() -> Rehearsed:
    """Measure, and print it."""
    runs = sorted((_rehearse() for _ in range(REPETITIONS)), key=lambda run: run.seconds)
    median = runs[REPETITIONS // 2]
    for row in median.rows():
        print("{:42}{:>10}   goal {}".format(*row) if row[2] else "{:42}{:>10}".format(*row[:2]), flush=True)
    print(f"seconds: {', '.join(f'{run.seconds:.1f}' for run in runs)}")
    return median


def _rehearse() -> Rehearsed:
    with TemporaryDirectory() as directory:
        repo = Path(directory) / "rehearsal"
        begin = time.perf_counter()
        stamps = [stamp - begin for stamp in _run(repo)]
        phases = {
            name: end - start for (name, _), start, end in zip(_PHASES, [0.0, *stamps], stamps, strict=False)
        }
        jobs: defaultdict[str, float] = defaultdict(float)
        for log in Path(directory).glob("rehearsal-scratch/uws/*/outs/ocps.log"):
            for part, seconds in _parts(log.read_text().splitlines()).items():
                jobs[part] += seconds
        return Rehearsed(stamps[-1], phases, jobs)


def _run(repo: Path) -> Iterator[float]:
    """Rehearse, and give the end of each phase."""
    program = Path(sys.executable).with_name("calibscripts")
    cores = set(sorted(os.sched_getaffinity(0))[:CORES])
    ends = [text for _, text in _PHASES if text]
    with subprocess.Popen(
        [program, "rehearse", SCRIPT, "--config", CONFIG, "--repo", repo],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if ends and ends[0] in line:
                ends.pop(0)
                yield time.perf_counter()
    if process.returncode or ends:
        raise RuntimeError(f"The rehearsal ended with exit code {process.returncode}, not seen: {ends}")
    yield time.perf_counter()


def _parts(lines: Iterable[str]) -> Mapping[str, float]:
    """Split the time of a job's log by kind of task; what no quantum took is of the graph and the butler."""
    found: defaultdict[str, float] = defaultdict(float)
    matches = [match for line in lines if (match := _LINE.match(line))]
    first, last = (datetime.fromisoformat(match[1]) for match in (matches[0], matches[-1]))
    found["graph and all else"] = (last - first).total_seconds()
    for _, task, text in (match.groups() for match in matches):
        if took := _TOOK.search(text):
            kind = next((kind for kind in ("Isr", "Det", "Exp", "Combine") if task.endswith(kind)), "others")
            found[f"quanta {kind}"] += float(took[1])
            found["graph and all else"] -= float(took[1])
    return found


def _shares(parts: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    total = sum(parts.values())
    for name, seconds in parts.items():
        yield name, f"{seconds / total:.0%}"


if __name__ == "__main__":
    main()
