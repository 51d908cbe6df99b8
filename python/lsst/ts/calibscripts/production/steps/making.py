"""The steps `generate` and `verify`: pipelines over exposures that exist."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import ConfigurationError
from ...ground.text import exposure_range, images_of
from ...ocps.task_options import with_reading
from ...verification import words
from ..commands import NO_OPTIONS, Job, job
from ..desk import Desk, chosen, fail
from ..engines import Engine
from ..ledger import Did
from ..pipelines import following, generator, generator_options, verifier
from ..selection.naming import run_of, runs_among
from ..selection.rules import problems
from ..selection.selection import ExposureChoice, Selection
from .judging import replaced, verdict_on
from .references import missing_references

__all__ = ["ANEW", "GENERATE", "VERIFY", "Work", "check_exposures", "commands", "make"]

GENERATE, VERIFY = "generate", "verify"

_LONGEST_LINE = 300
ANEW = "Write another `rerun` into the selection, for all or for this set."


@dataclass(frozen=True)
class Work:
    """How pipelines are to be run."""

    step: str  #: `GENERATE` or `VERIFY`.
    engine: Engine  #: What runs them.
    processes: int = 1  #: How many processes of this machine, with pipetask.


def commands(selection: Selection, labels: Sequence[str], work: Work) -> Iterator[str]:
    """Return the commands of a step.

    Raises
    ------
    ConfigurationError
        If a pipeline is not installed or an option not one of its.
    """
    selection = following(selection)
    for each in _jobs(selection, chosen(selection, labels), work).values():
        yield from work.engine.commands(each)


def make(desk: Desk, labels: Sequence[str], work: Work) -> None:
    """Generate or verify calibrations, those that are not yet, each after its inputs.

    Raises
    ------
    ConfigurationError
        If the exposures will not do, or calibrations are missing that no job makes; nothing was started.
    RunFailedError
        If not everything was made; what does not depend on it was.
    """
    asked = chosen(desk.selection, labels)
    _check_packages(asked, work)
    desk = replace(desk, selection=following(desk.selection))
    jobs = _jobs(desk.selection, chosen(desk.selection, labels), work)
    check_exposures(desk, [*jobs])
    for choice in asked:
        if choice not in jobs:
            desk.say(f"{work.step} {choice.label}: the installed cp_verify has no pipeline for it")
    makers = [_Maker(desk, choice, job, work) for choice, job in jobs.items()]
    _check_references(desk, makers, work)
    fail([problem for maker in makers if (problem := maker.make())])


def check_exposures(desk: Desk, concerned: Sequence[ExposureChoice]) -> None:
    """Look at the exposures that somebody may have edited.

    Raises
    ------
    ConfigurationError
        If they are not suitable; all that is wrong is reported.
    """
    selection, repository = desk.selection, desk.repository
    every = {exposure for choice in concerned for exposure in choice.verified_with}
    days = repository.days_of(selection.instrument, every)
    frames = {frame.id: frame for frame in repository.frames(selection.instrument, days)}
    states = repository.states(selection.instrument, every & frames.keys(), selection.detectors[0])
    ingested = repository.ingested(selection.instrument, every)
    found = []
    for choice in concerned:
        exposures = choice.generate, choice.verify
        of_choice = [*problems(choice.product, choice.physical_filter, *exposures, frames, states)]
        lacking = [
            exposure
            for exposure in choice.verified_with
            if exposure in frames and not all((exposure, d) in ingested for d in selection.detectors)
        ]
        if lacking:
            of_choice.append(f"{exposure_range(lacking)} has no raw image of some detector")
        found += [f"{choice.label}: {problem}" for problem in of_choice]
    if found:
        raise ConfigurationError([*found, "Nothing was started. Edit the selection."])


def _check_packages(asked: Sequence[ExposureChoice], work: Work) -> None:
    products = [choice.product for choice in asked]
    verified = [p.verify.pipeline for p in products if p.verify is not None]
    pipelines = [p.generate for p in products] if work.step == GENERATE else verified
    unset = {pipeline.package for pipeline in pipelines} - os.environ.keys()
    if unset:
        packages = ", ".join(sorted(unset))
        raise ConfigurationError(
            [f"{packages} is not set: set up cp_pipe and cp_verify. Nothing was started."]
        )


def _jobs(selection: Selection, asked: Sequence[ExposureChoice], work: Work) -> dict[ExposureChoice, Job]:
    """Return the jobs of a step; none to verify what this installation cannot."""
    jobs: dict[ExposureChoice, Job] = {}
    verifying = work.step == VERIFY
    for choice in asked:
        found = (verifier if verifying else generator)(selection.instrument, choice.product)
        if found is None:
            continue
        options = NO_OPTIONS if verifying else generator_options(choice, found)
        found = with_reading(found, options, selection.instrument)
        jobs[choice] = job(
            selection, choice, found, verifying=verifying, options=options, processes=work.processes
        )
    return jobs


def _check_references(desk: Desk, makers: Sequence[_Maker], work: Work) -> None:
    """Look for what the jobs that are to be run read from other productions."""
    jobs = {maker.choice: maker.job for maker in makers if not maker.done}
    verifying = work.step == VERIFY
    if found := [*missing_references(desk.repository, desk.selection, jobs, verifying=verifying)]:
        raise ConfigurationError(
            [*found, "Nothing was started. Add them to the selection, or certify and chain some first."]
        )


def _last_line(log: Path) -> str:
    """Return the last line of a log, where Python says what it died of."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:_LONGEST_LINE] if lines else "none"


@dataclass(frozen=True)
class _Maker:
    """Makes one calibration, or verifies it."""

    desk: Desk
    choice: ExposureChoice
    job: Job
    work: Work

    @property
    def done(self) -> bool:
        """Whether all outputs exist."""
        return not self._missing()

    def make(self) -> str:
        """Run the job unless all outputs exist, and report what went wrong; nothing if nothing did."""
        label = f"{self.work.step} {self.choice.label}"
        if self.done:
            return self._check_inputs(label)
        if blocked := self._blocked():
            self.desk.say(f"{label}: not started: {blocked}")
            return f"{label} was not started: {blocked}"
        again = not self.desk.repository.missing_collections([self.job.run])
        if again and (other := self._other_exposures(extra_only=True) or self._other_inputs()):
            return f"{label} was not started: {other}"
        return self._run(label, again)

    def _run(self, label: str, again: bool) -> str:
        texts = self.work.engine.commands(self.job, again=again)
        self.desk.show(texts)
        log = self.desk.directory / "logs" / f"{self.job.name}.log"
        begun = time.monotonic()
        exit_code = self.work.engine.run(self.job, log, again=again)
        seconds = time.monotonic() - begun
        missing = self._missing() or self._other_exposures() or self._left_out()
        facts = {
            "run": self.job.run,
            "exit_code": str(exit_code),
            "seconds": f"{seconds:.1f}",
            "log": str(log),
            "options": shlex.join(self.job.options),
        }
        if missing:
            text = f"{missing} (exit code {exit_code}, log {log}, its last line: {_last_line(log)})"
            self.desk.failed(self.work.step, self.choice.label, text, texts, **facts)
            return f"{label} failed: {text}"
        self.desk.did(
            self.work.step, self.choice.label, f"{self._result()} ({seconds:.0f} s)", texts, **facts
        )
        return ""

    def _missing(self) -> str:
        """Report what the RUN lacks; nothing where all outputs exist."""
        repository, selection = self.desk.repository, self.desk.selection
        if self.work.step == VERIFY:
            verdict = verdict_on(self.desk, self.choice)
            if verdict.missing and not verdict.reason:
                what = f"{verdict.thresholds.noun}s " if verdict.thresholds.by_detector else ""
                return f"no statistics of {what}{exposure_range(verdict.missing)}"
            return verdict.reason
        made = repository.made(self.job.run, self.choice.product.dataset_type)
        lost = [detector for detector in selection.detectors if detector not in made]
        what = self.choice.product.dataset_type
        return f"{self.job.run} has no {what} of detectors {', '.join(map(str, lost))}" if lost else ""

    def _result(self) -> str:
        if self.work.step == VERIFY:
            return words.verdict_line(verdict_on(self.desk, self.choice), generating=False)
        return f"made in {self.job.run}"

    def _check_inputs(self, label: str) -> str:
        made_otherwise = self._other_exposures() or self._left_out() or self._other_inputs()
        if other := made_otherwise or self._other_options() or self._replaced():
            return f"{label}: {other}"
        self.desk.already(label, self._result())
        return ""

    def _other_exposures(self, *, extra_only: bool = False) -> str:
        """Report in which exposures the RUN differs from the selection."""
        selection, verifying = self.desk.selection, self.work.step == VERIFY
        wanted = {*(selection.verification_exposures(self.choice) if verifying else self.choice.generate)}
        used = self.desk.repository.processed(self.job.run)
        extra, lacking = used - wanted, set() if extra_only or not used else wanted - used
        parts = [f"it has {exposure_range(extra)}"] if extra else []
        parts += [f"it lacks {exposure_range(lacking)}"] if lacking else []
        if not parts:
            return ""
        return f"{self.job.run} was made from other exposures than are selected now: {' and '.join(parts)}. {ANEW}"

    def _left_out(self) -> str:
        """Report which images a generation has left out; nothing where it wrote none that say it."""
        processed = self.desk.repository.images(self.job.run, self.choice.product.processed)
        lost = {(e, d) for e in self.choice.generate for d in self.desk.selection.detectors} - processed
        known = processed and lost and self.work.step != VERIFY
        return f"{self.job.run} was made without {images_of(lost)}. {ANEW}" if known else ""

    def _other_inputs(self) -> str:
        """Report from which other calibrations of this production the RUN was made than it would be made from now."""
        names = self.desk.selection.names
        used, wanted = (
            [name for name in runs_among(collections, names) if name != self.job.run]
            for collections in (self.desk.repository.chain(self.job.output) or (), self.job.inputs)
        )
        lost = ", ".join(name for name in used if name not in wanted)
        new = ", ".join(name for name in wanted if name not in used)
        if not lost and not new:
            return ""
        then, now = (
            (f"from {lost}" if lost else f"without {new}"),
            (f"from {new}" if new else f"without {lost}"),
        )
        return f"{self.job.run} was made {then}, and would now be made {now}. {ANEW}"

    def _other_options(self) -> str:
        """Report with which other options the RUN was made, as far as the ledger knows, than it would be now."""
        did = [
            one
            for one in self.desk.ledger.events(Did)
            if one.succeeded and (one.step, one.facts.get("run")) == (self.work.step, self.job.run)
        ]
        used, wanted = did[-1].facts.get("options") if did else None, shlex.join(self.job.options)
        if used in (None, wanted):
            return ""
        return (
            f"{self.job.run} was made with options {used or 'none'}, and would now be made with {wanted or 'none'}. "
            f"{ANEW}"
        )

    def _replaced(self) -> str:
        """Report that what is in the verification's RUN is not about the calibration that exists now."""
        why = replaced(self.desk, self.choice) if self.work.step == VERIFY else ""
        return f"{why}. {ANEW}" if why else ""

    def _blocked(self) -> str:
        """Report which prerequisite of the selection is missing."""
        selection = self.desk.selection
        verifying = self.work.step == VERIFY
        for made in (selection.verified_from if verifying else selection.prerequisites)(self.choice):
            there = self.desk.repository.made(run_of(selection.generation(made)), made.product.dataset_type)
            if lost := {*selection.detectors} - there.keys():
                return f"{made.label} of detectors {', '.join(map(str, sorted(lost)))} is not generated"
        return ""
