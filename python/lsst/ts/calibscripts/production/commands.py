"""The butler and pipetask commands that do what a step does; pure.

A step prints them, so that everybody sees what is done and can do it by hand the next time.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..ground.time_range import TimeRange
from ..ocps.pipelines import Installed
from ..ocps.requests import data_query
from ..ocps.task_options import TaskOptions
from .selection.naming import run_of
from .selection.selection import ExposureChoice, Selection

__all__ = [
    "CHECKSUMS",
    "Job",
    "certify",
    "chain",
    "change_modes",
    "check_checksums",
    "export",
    "import_",
    "input_collections",
    "job",
    "make_checksums",
    "query_exposures",
    "query_statistics",
    "shell_text",
    "show_chain",
]

CHECKSUMS = "checksums.sha256"
NO_OPTIONS = TaskOptions(())

_PLAIN = re.compile(r"[^\"\\$`!]*")


@dataclass(frozen=True)
class Job:
    """A pipeline to be run."""

    name: str  #: Name of its output collection without the common beginning, e.g. ``biasGen.20240326a``.
    repo: str  #: Butler repository.
    pipeline: Installed  #: What is run.
    inputs: tuple[str, ...]  #: Input collections in the order they are searched.
    output: str  #: CHAINED collection; the outputs are in its RUN, see `run`.
    query: str  #: Data selection.
    processes: int = 1  #: How many processes of this machine.
    options: tuple[str, ...] = ()  #: Further options, as words.

    @property
    def run(self) -> str:
        """RUN with the outputs."""
        return run_of(self.output)

    def pipetask(self, *, again: bool = False) -> tuple[str, ...]:
        """Return the pipetask command, as words.

        Parameters
        ----------
        again : `bool`
            Does it resume a RUN that exists already but is incomplete?
        """
        extend = ("--extend-run", "--clobber-outputs") if again else ()
        return (
            *("pipetask", "--long-log", "run", "-b", self.repo, "-p", self.pipeline.uri),
            *("-i", ",".join(self.inputs), "-o", self.output, "--output-run", self.run),
            *("-d", self.query, "-j", str(self.processes), "--register-dataset-types"),
            *extend,
            *self.options,
        )


def job(
    selection: Selection,
    choice: ExposureChoice,
    pipeline: Installed,
    *,
    verifying: bool,
    options: TaskOptions = NO_OPTIONS,
    processes: int = 1,
) -> Job:
    """Return the job that makes a calibration, or the one that verifies it.

    Parameters
    ----------
    choice : `ExposureChoice`
        Which calibration. It is verified with the exposures it was made from and with others.
    pipeline : `Installed`
        What is run.
    verifying : `bool`
        Is it verified?
    processes : `int`
        How many processes of this machine.
    """
    output = selection.verification(choice) if verifying else selection.generation(choice)
    exposures = selection.verification_exposures(choice) if verifying else choice.generate
    return Job(
        name=output.rpartition("/")[2],
        repo=selection.repo,
        pipeline=pipeline,
        inputs=input_collections(selection, choice, verifying=verifying),
        output=output,
        query=data_query(selection.instrument, selection.detectors, exposures),
        processes=processes,
        options=options.words,
    )


def input_collections(selection: Selection, choice: ExposureChoice, *, verifying: bool) -> tuple[str, ...]:
    """Return the input collections of a job, in the order they are searched.

    First the RUNs with what the selection itself makes, found there without being certified, the latest first;
    then everybody's calibrations and the raw images.
    """
    fresh = selection.verified_from(choice) if verifying else selection.prerequisites(choice)
    runs = [run_of(selection.generation(made)) for made in reversed(fresh)]
    return (*runs, selection.names.calib, f"{selection.instrument}/raw/all")


def query_exposures(repo: str, instrument: str, days: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """Return the command that shows the exposures of some ranges of days."""
    ranges = ", ".join(f"{first}..{last}" if first != last else f"{first}" for first, last in days)
    where = f"instrument='{instrument}' AND exposure.day_obs IN ({ranges})"
    return ("butler", "query-dimension-records", repo, "exposure", "--where", where)


def query_statistics(selection: Selection, choice: ExposureChoice) -> tuple[str, ...]:
    """Return the command that shows where the statistics of a verification are."""
    run = run_of(selection.verification(choice))
    return ("butler", "query-datasets", selection.repo, choice.product.statistics[0], "--collections", run)


def certify(selection: Selection, choice: ExposureChoice, validity: TimeRange) -> tuple[str, ...]:
    """Return the command that certifies a calibration; only the RUN is searched, nothing older behind it."""
    begin, end = validity.texts
    dates = (*(("--begin-date", begin) if begin else ()), *(("--end-date", end) if end else ()))
    run, collection = run_of(selection.generation(choice)), selection.certified(choice)
    return (
        "butler",
        "certify-calibrations",
        *dates,
        selection.repo,
        run,
        collection,
        choice.product.dataset_type,
    )


def show_chain(repo: str, name: str) -> tuple[str, ...]:
    """Return the command that shows a chain."""
    return ("butler", "query-collections", repo, name)


def chain(repo: str, name: str, children: Iterable[str], mode: str = "prepend") -> tuple[str, ...]:
    """Return the command that changes a chain."""
    return ("butler", "collection-chain", "--mode", mode, repo, name, *children)


def export(selection: Selection, directory: Path) -> tuple[str, ...]:
    """Return the command that exports the certified calibrations."""
    collections = [selection.certified(choice) for choice in selection.choices]
    return ("butler", "export-calibs", "--transfer", "copy", selection.repo, str(directory), *collections)


def import_(repo: str, directory: Path) -> tuple[str, ...]:
    """Return the command that imports calibrations that were exported."""
    words = ("butler", "import", repo, str(directory), "--transfer", "copy", "--export-file")
    skip = ("-s", "instrument", "-s", "detector", "-s", "physical_filter")
    return (*words, str(directory / "export.yaml"), *skip)


def make_checksums(directory: Path) -> str:
    """Return the shell command that writes the checksums of exported files."""
    where, name = shlex.quote(str(directory)), CHECKSUMS
    return f"(cd {where} && find . -type f ! -name {name} -exec sha256sum {{}} + > {name})"


def check_checksums(directory: Path) -> str:
    """Return the shell command that compares exported files with their checksums."""
    return f"(cd {shlex.quote(str(directory))} && sha256sum --check --quiet {CHECKSUMS})"


def change_modes(repo: str, base: str, reference: Path) -> str:
    """Return the shell command that sets the permissions of files to those of another one."""
    return (
        f"find {shlex.quote(str(Path(repo) / base))} -type f "
        f"-exec chmod --reference={shlex.quote(str(reference))} {{}} +"
    )


def shell_text(words: Sequence[str]) -> str:
    """Write a command as a shell reads it, with double quotes where the words have single ones.

    What begins with ``$`` is quoted too: pipetask itself replaces environment variables.
    """
    return " ".join(
        f'"{word}"' if "'" in word and _PLAIN.fullmatch(word) else shlex.quote(word) for word in words
    )
