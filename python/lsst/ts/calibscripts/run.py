"""One run of a script: what it checks before the first exposure, and how its parts work together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import report
from .cancellation import heed_cancellation
from .errors import (
    CalibScriptsError,
    PreconditionError,
    RepositoryError,
    RunFailedError,
    VerificationFailedError,
    describe,
)
from .exposing import Exposing
from .graph import Graph
from .images import Arrivals, ImageSet
from .judging import Judging
from .ocps import Ocps
from .plan import Action, StepId
from .preflight import RepositoryFindings, component_problems, flat_conflicts, repository_findings
from .processing import Processing
from .products import ImageType
from .progress import Progress, Stage
from .record import About, Recorder, open_record
from .repository import Detector
from .results import Journal, Results
from .sal import ExpectedError, ScriptState
from .summary import summarise
from .threads import OneThread

if TYPE_CHECKING:
    from .base_make_calibrations import BaseMakeCalibrations

__all__ = ["Run"]

REPOSITORY_TIMEOUT = 60.0
"""Longest wait for the repository before the first exposure, seconds."""

FILTER_TIMEOUT, FILTER_PERIOD = 5.0, 0.2
"""How long, and how often, the filter that was set is looked for in the beam, seconds."""


class _ReportedFailureError(RunFailedError, ExpectedError):
    """What salobj logs no traceback of: every failure has been told already."""


class _RefusalError(PreconditionError, ExpectedError):
    """What salobj logs no traceback of: nothing has begun, and the text says why."""


class Run:
    """One run of a script.

    Parameters
    ----------
    script : `BaseMakeCalibrations`
        The configured script.
    given : mapping
        Configuration as the user gave it.
    """

    def __init__(self, script: BaseMakeCalibrations, given: Mapping[str, Any]) -> None:
        self._script = script
        self._given = given
        self._config = script.settings
        self._plan = script.plan
        self._results = Results()
        self._observers = list(script.observers)
        self._journal = Journal(script.log, self._observers, self._results)
        self._record = self._open_record() if self._config.record else None
        self._thread = OneThread("butler")
        self._repository = script.make_repository(self._config.repo)
        self._detectors: dict[int, Detector] = {}
        self._known_detectors: frozenset[str] = frozenset()
        self._filter: str | None = None
        self._detector_names: dict[tuple[str, str], int] = {}
        self._not_paused = asyncio.Event()
        self._not_paused.set()
        self._ocps = Ocps(script.ocps, script.log, self._journal.tell)
        self._arrivals = Arrivals(self._detector_of, self._journal.tell)
        self._progress = Progress(self._plan.products, self._journal.tell)
        self._calib_exists = False
        self._graph: Graph[ImageSet] | None = None

    def _open_record(self) -> Recorder:
        """Begin the record of the run; that it cannot be written is a warning."""
        script = self._script
        about = About(
            script=script.config_model.script or type(script).__name__,
            instrument=script.instrument_name,
            index=int(script.salinfo.index),
            given=dict(self._given),
            config=self._config.model_dump(mode="json"),
            detectors=script.asked_detectors(),
            group_id=str(script.group_id),
            obs_id=str(script.obs_id),
        )
        record = open_record(about, warn=self._journal.warn, clock=asyncio.get_running_loop().time)
        self._observers.append(record)
        return record

    async def close(self, ended: str) -> None:
        """Give back the event callbacks and the thread, and log what was done and what was not.

        Parameters
        ----------
        ended : `str`
            DONE, STOPPED or FAILED.
        """
        self._script.image_in_oods.callback = None
        self._ocps.close()
        self._thread.close()
        try:
            self._journal.log.info(self._summary(ended))
        finally:
            if self._record is not None:
                self._record.end(ended, self._results.failures)
                await self._record.aclose()
                self._journal.log.info(f"Record of this run: {self._record.path}")

    # Before the first exposure.

    async def check(self) -> None:
        """Look at everything that can be seen before the first exposure, and tell all that is wrong.

        Raises
        ------
        PreconditionError
            If something is.
        """
        problems = await component_problems(self._script.ocps_group)
        if self._exposing:
            problems += await component_problems(self._script.camera)
        for image_type in self._exposing:
            try:
                await self._script.assert_feasibility(image_type.name)
            except Exception as error:
                # Subclasses raise what they like; here it only means no.
                problems.append(describe(error) + ".")
        heed_cancellation()
        findings = await self._ask_repository()
        problems += findings.problems
        if problems:
            raise self._refusal(problems)
        self._calib_exists = findings.calib_exists
        self._results.times.update(findings.exposure_times)
        if findings.without_pairs and self._plan.step(StepId(Action.GENERATE, "GAIN")):
            self._journal.warn("No two consecutive flats have the same exposure time: no gain is estimated.")
            self._plan = self._plan.without("GAIN")

    @property
    def _exposing(self) -> list[ImageType]:
        """Image types that are taken; the others exist already."""
        return [images.image_type for images in self._plan.sets if not images.taken]

    async def _ask_repository(self) -> RepositoryFindings:
        script, asked = self._script, self._script.asked_detectors()
        try:
            async with asyncio.timeout(REPOSITORY_TIMEOUT):
                self._filter = await script.get_physical_filter(set_up=False)
                findings = await self._thread(
                    repository_findings,
                    self._repository,
                    self._config,
                    self._plan,
                    script.pipelines,
                    script.instrument_name,
                    asked,
                    self._filter,
                )
                if not findings.problems:
                    known = await self._thread(self._repository.detectors, script.instrument_name)
                    self._known_detectors = frozenset(detector.name for detector in known)
                    self._detectors = {d.id: d for d in known if d.id in asked}
                    self._detector_names = {(d.raft, d.sensor): d.id for d in self._detectors.values()}
        except TimeoutError:
            text = f"Butler repository {self._config.repo} did not answer within {REPOSITORY_TIMEOUT:.0f} s."
            return RepositoryFindings((text,))
        return findings

    def _detector_of(self, raft: str, sensor: str) -> int | None:
        """Give the detector of an arrival; the name of a camera's only detector is taken as it comes."""
        if len(self._detectors) == 1 and self._script.n_detectors == 1:
            return next(iter(self._detectors))
        return self._detector_names.get((raft, sensor))

    async def set_up_instrument(self) -> None:
        """Set filter and the like once, before the images."""
        if not self._exposing:
            return
        wanted = self._script.get_instrument_configuration()
        given = {name: value for name, value in wanted.items() if value is not None}
        words = ", ".join(f"{name} {value}" for name, value in given.items()) or "left as it is"
        await self._checkpoint(f"Setup {self._script.instrument_name}: {words}")
        if given:
            try:
                await self._script.camera.setup_instrument(**given)
            except Exception as error:
                heed_cancellation()
                raise self._refusal([f"{words} was not set: {describe(error)}."]) from error
            heed_cancellation()
        if ImageType.FLAT in self._exposing:
            await self._check_filter()

    async def _check_filter(self) -> None:
        """Refuse flats in another filter than asked for, and conflicts in one that shows only now."""
        in_beam = await self._filter_in_beam()
        if in_beam is None:
            return
        if self._filter is None:
            problems = await self._thread(
                flat_conflicts,
                self._repository,
                self._config,
                self._plan,
                self._script.instrument_name,
                self._script.asked_detectors(),
                in_beam,
            )
        elif in_beam != self._filter:
            problems = (
                f"The filter is to be {self._filter}, but {in_beam} is in the beam: look at its wheel or changer.",
            )
        else:
            return
        if problems:
            raise self._refusal(problems)

    async def _filter_in_beam(self) -> str | None:
        """Give the filter the flats will have; the event that tells it may come after its command has ended."""
        deadline = asyncio.get_running_loop().time() + FILTER_TIMEOUT
        while True:
            in_beam = await self._script.get_physical_filter(set_up=True)
            if self._filter in (None, in_beam) or asyncio.get_running_loop().time() >= deadline:
                return in_beam
            await asyncio.sleep(FILTER_PERIOD)

    def _refusal(self, problems: Sequence[str]) -> PreconditionError:
        """Keep what stands in the way of the first exposure, and give the error that says so."""
        self._results.failures.extend(problems)
        return _RefusalError(problems)

    # Taking, and processing beside it.

    def begin(self, tasks: asyncio.TaskGroup) -> Exposing:
        """Start the steps, each waiting for what it needs, and give what takes the images for them."""
        common: dict[str, Any] = {
            "config": self._config,
            "plan": self._plan,
            "detectors": self._detectors,
            "repository": self._repository,
            "thread": self._thread,
            "progress": self._progress,
            "journal": self._journal,
            "results": self._results,
        }
        processing = Processing(
            pipelines=self._script.pipelines,
            instrument=self._script.instrument_name,
            judging=Judging(
                self._config,
                self._script.instrument_name,
                self._detectors,
                self._known_detectors,
                self._repository,
                self._results,
            ),
            calib_exists=self._calib_exists,
            ocps=self._ocps,
            may_commit=lambda: self._script.state.state == ScriptState.RUNNING,
            until_may_certify=self._not_paused.wait,
            **common,
        )
        graph = self._graph = Graph(self._plan, processing.run, self._step_failed, self._step_cancelled)
        self._script.image_in_oods.callback = self._arrivals.note
        graph.start(tasks)
        return Exposing(
            script=self._script,
            arrivals=self._arrivals,
            graph=graph,
            checkpoint=self._checkpoint,
            **common,
        )

    def _step_failed(self, step_id: StepId, error: Exception) -> None:
        """Keep why a step failed, and cancel what must not go on."""
        text = str(error)
        if not isinstance(error, CalibScriptsError) or isinstance(error, RepositoryError):
            text = f"{step_id}: {describe(error)}."
        if not isinstance(error, CalibScriptsError):
            self._journal.log.error(f"{step_id} failed", exc_info=error)
        verdict = isinstance(error, VerificationFailedError)
        if verdict and self._config.on_verification_failure == "warn":
            self._journal.warn(text)
        else:
            self._journal.fail(text)
        self._progress.end(step_id.product, Stage.FAILED)
        if verdict and self._graph is not None:
            self._graph.cancel(self._plan.spoiled(step_id.product))

    def _step_cancelled(self, step_id: StepId) -> None:
        self._journal.log.warning(f"{step_id} is cancelled, since something it needs has failed.")
        self._progress.end(step_id.product, Stage.CANCELLED)

    async def _checkpoint(self, name: str) -> None:
        """Pass a checkpoint; a pause there holds the camera, and certifications, but no other processing."""
        self._not_paused.clear()
        try:
            await self._script.checkpoint(name)
        finally:
            self._not_paused.set()

    # The end.

    def fail(self, error: Exception) -> None:
        """Keep what nobody expected, each error as a sentence; tracebacks are for whoever mends it."""
        if isinstance(error, ExceptionGroup):
            for each in error.exceptions:
                self.fail(each)
            return
        self._journal.log.error("Unexpected error", exc_info=error)
        self._journal.fail(f"Unexpected {type(error).__name__}: {describe(error)}.")

    def conclude(self) -> None:
        """End the run, well or by raising everything that went wrong.

        Raises
        ------
        RunFailedError
            If something did.
        """
        for step in self._plan.steps:
            if (
                self._graph is not None
                and not self._graph.is_done(step.id)
                and step.id not in self._graph.lost
            ):
                self._journal.fail(f"{step.id} came to no end that is known.")
        if self._results.failures:
            raise _ReportedFailureError(self._results.failures)

    def _summary(self, ended: str) -> str:
        name = type(self._script).__name__
        summary = summarise(name, ended, self._plan, self._results, self._graph, self._given)
        return report.for_log(report.run_summary(summary), where="the record of this run")
