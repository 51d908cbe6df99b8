"""What runs the pipelines of a production: pipetask on this machine, or a batch system through ctrl_bps."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from ..errors import CalibScriptsError, describe
from .commands import Job, shell_text

__all__ = ["BPS_LOCAL", "Bps", "Engine", "EngineError", "Pipetask"]

BPS_LOCAL = Path(__file__).with_name("bps_local.yaml")
"""Configuration of ctrl_bps for one machine, used where the user names none."""


class EngineError(CalibScriptsError, RuntimeError):
    """A pipeline cannot be run here at all."""


class Engine(Protocol):
    """Runs pipelines. Whether they made what they should have is for others to look at."""

    def commands(self, job: Job, *, again: bool = False) -> tuple[str, ...]:
        """Return the equivalent shell commands; ``again`` resumes a RUN that exists already."""

    def run(self, job: Job, log: Path, *, again: bool = False) -> int:
        """Run a job to its end, with its output in ``log``, and return the exit code."""


@dataclass(frozen=True)
class Pipetask:
    """Runs pipetask on this machine."""

    def commands(self, job: Job, *, again: bool = False) -> tuple[str, ...]:
        """Return the pipetask command."""
        return (shell_text(job.pipetask(again=again)),)

    def run(self, job: Job, log: Path, *, again: bool = False) -> int:
        """Run pipetask."""
        return _run(job.pipetask(again=again), log, os.environ)


@dataclass(frozen=True)
class Bps:
    """Submits to a batch system through ctrl_bps, and waits where its service does."""

    config: Path  #: Configuration of ctrl_bps: service, site, clustering. The job is added to it.
    directory: Path  #: Where the configuration of a job and the files of its submission go.

    def file(self, job: Job) -> Path:
        """Return the path of the configuration of a job."""
        return self.directory / f"{job.name}.yaml"

    def content(self, job: Job, *, again: bool = False) -> str:
        """Return the configuration of a job."""
        extend = ["--extend-run", "--clobber-outputs"] if again else []
        content: dict[str, Any] = {
            "includeConfigs": [str(self.config.absolute())],
            "pipelineYaml": job.pipeline.uri,
            "project": "calibscripts",
            "campaign": job.name,
            "payload": {
                "payloadName": job.name,
                "butlerConfig": job.repo,
                "inCollection": ",".join(job.inputs),
                "output": job.output,
                "outputRun": job.run,
                "dataQuery": job.query,
            },
            # Every submission needs a directory of its own; ctrl_bps puts the time in.
            "submitPath": str(self.directory.absolute() / "submit" / job.name / "{timestamp}"),
        }
        if options := [*extend, *job.options]:
            content["extraQgraphOptions"] = shlex.join(options)
        return yaml.safe_dump(content, sort_keys=False, width=1000)

    def commands(self, job: Job, *, again: bool = False) -> tuple[str, ...]:
        """Return the commands that write the configuration and submit it."""
        file = shlex.quote(str(self.file(job)))
        text = self.content(job, again=again).rstrip()
        return (f"cat > {file} <<'EOF'\n{text}\nEOF", f"bps submit {file}")

    def run(self, job: Job, log: Path, *, again: bool = False) -> int:
        """Submit a job; the exit code is 0 even where quanta have failed."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.file(job).write_text(self.content(job, again=again), encoding="utf-8")
        prefix = str(Path(sys.executable).parents[1])
        # Where eups has not set these up, the programs are those of this environment.
        environment = {"CTRL_MPEXEC_DIR": prefix, "DAF_BUTLER_DIR": prefix, **os.environ}
        return _run(("bps", "submit", str(self.file(job))), log, environment)


def _run(words: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    """Run a program without a shell, with its output appended to a log."""
    program = _find(words[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(log, "ab") as output:
            output.write(f"{shell_text(words)}\n".encode())
            output.flush()
            done = subprocess.run(
                [program, *words[1:]],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment},
                check=False,
            )
    except OSError as error:
        raise EngineError(f"{program} could not be run: {describe(error)}") from error
    return done.returncode


def _find(name: str) -> str:
    """Find a program of this environment, else of the path."""
    here = Path(sys.executable).with_name(name)
    found = str(here) if here.exists() else shutil.which(name)
    if found is None:
        extra = "pip install 'lsst-ts-calibscripts[bps]'" if name == "bps" else "set up the Science Pipelines"
        raise EngineError(f"Program {name} is missing in this environment: {extra}")
    return found
