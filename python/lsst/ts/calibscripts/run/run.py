"""One run of a script: how its parts work together, and how it ends."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from ..errors import (
    CalibScriptsError,
    NotJudgedError,
    RepositoryError,
    RunFailedError,
    VerificationFailedError,
    describe,
)
from ..events.events import Ending, Planned, Progress, Stage, StepEnded
from ..events.images import ImageSet
from ..events.summary import RunSummary, headline_of_run, run_summary
from ..ground.text import for_log
from ..ground.threads import OneThread
from ..ocps.client import Ocps
from ..plan import Plan, StepId
from ..record import About, Recorder, open_record
from ..run.arrivals import Arrivals
from ..sal import ExpectedError, ScriptState
from .absences import Absences
from .closing import Closing
from .executing import Graph
from .exposing import Exposing
from .host import Host
from .judging import Judging
from .opening import Opening
from .results import Journal, Results
from .steps import Processing
from .summary import endings, summarise

__all__ = ["Run"]


class _ReportedFailureError(RunFailedError, ExpectedError):
    """What salobj logs no traceback of: every failure has been reported already."""


class Run:
    """One run of a script.

    Parameters
    ----------
    script : `Host`
        The configured script.
    given : mapping
        Configuration as the user wrote it.

    Attributes
    ----------
    opening : `Opening`
        What is done before the first exposure.
    """

    def __init__(self, script: Host, given: Mapping[str, Any]) -> None:
        self._script = script
        self._given = given
        self._config = script.spec.config
        self._results = Results()
        self._observers = list(script.observers)
        self._journal = Journal(script.log, self._observers, self._results)
        self._record = self._open_record() if self._config.record else None
        for warning in script.spec.warnings:
            self._journal.keep_warning(warning)
        self._thread = OneThread("butler")
        self._repository = script.make_repository(self._config.repo)
        self.opening = Opening(
            script, self._repository, self._thread, self._journal, self._results, self._checkpoint
        )
        self._not_paused = asyncio.Event()
        self._not_paused.set()
        self._ocps = Ocps(script.ocps, script.log, self._journal.tell, self._journal.warn)
        self._progress = Progress(self._plan.products, self._journal.tell)
        self._graph: Graph[ImageSet] | None = None
        self._closing: Closing | None = None
        self._ended: dict[StepId, Ending] = {}

    @property
    def _plan(self) -> Plan:
        return self.opening.plan

    def _open_record(self) -> Recorder:
        """Begin the record of the run; that it cannot be written is a warning."""
        script = self._script
        about = About(
            script=script.config_model.script or type(script).__name__,
            instrument=script.instrument_name,
            index=int(script.salinfo.index),
            given=dict(self._given),
            config=self._config.model_dump(mode="json"),
            detectors=script.spec.detectors,
            group_id=str(script.group_id),
            obs_id=str(script.obs_id),
        )
        record = open_record(about, warn=self._journal.warn, clock=asyncio.get_running_loop().time)
        self._observers.append(record)
        return record

    async def close(self, ended: str) -> None:
        """Give back the event callbacks and the thread, and say what was done and what was not.

        Parameters
        ----------
        ended : `str`
            DONE, STOPPED or FAILED.
        """
        self._script.image_in_oods.callback = None
        self._ocps.close()
        try:
            if self._closing is not None:
                await self._closing.look_at_the_rest()
        finally:
            self._thread.close()
            await self._tell_the_end(ended)

    async def _tell_the_end(self, ended: str) -> None:
        if self._graph is None:
            self._tell_the_plan()
        for step_id in endings(self._plan, self._results, self._graph):
            self._step_ended(step_id)
        try:
            await self._say_end(ended)
        except asyncio.CancelledError:
            # Stopped at the last checkpoint: that is the state which the script ends in.
            ended = "STOPPED"
            raise
        finally:
            await self._report_end(ended)

    def _tell_the_plan(self) -> None:
        self._journal.tell(Planned(tuple(str(step.id) for step in self._plan.steps)))

    async def _say_end(self, ended: str) -> None:
        """Pass a last checkpoint that says how the run ended, where the script can still pass one."""
        headline = headline_of_run(self._summary(ended))
        if ended == "STOPPED" and re.fullmatch(self._script.checkpoints.pause, headline):
            # Who stops a script does not want it to pause.
            return
        try:
            await self._checkpoint(headline)
        except RuntimeError as error:
            # It was stopped while it was paused or at a checkpoint, or its process is being terminated.
            self._journal.log.debug(f"No last checkpoint: {describe(error)}")

    async def _report_end(self, ended: str) -> None:
        """Log the summary, and end the record."""
        try:
            text = run_summary(self._summary(ended))
            self._journal.log.info(for_log(text, where="the record of this run"))
        finally:
            if self._record is not None:
                self._record.end(ended)
                await self._record.aclose()
                if not self._record.problem:
                    self._journal.log.info(f"Record of this run: {self._record.path}")

    # Taking, and processing beside it.

    def begin(self, tasks: asyncio.TaskGroup) -> Exposing:
        """Start the steps, each waiting for what it needs, and return what takes the images for them."""
        self._tell_the_plan()
        processing = Processing(
            config=self._config,
            plan=self._plan,
            detectors=self.opening.detectors,
            repository=self._repository,
            thread=self._thread,
            progress=self._progress,
            journal=self._journal,
            results=self._results,
            pipelines=self._script.spec.pipelines,
            instrument=self._script.instrument_name,
            judging=Judging(
                self._config,
                self.opening.detectors,
                self.opening.known_detectors,
                self._repository,
                self._results,
            ),
            calib_exists=self.opening.calib_exists,
            ocps=self._ocps,
            may_commit=lambda: self._script.state.state == ScriptState.RUNNING,
            until_may_certify=self._not_paused.wait,
        )
        graph = self._graph = Graph(
            self._plan, processing.run, self._step_ended, self._step_failed, self._step_cancelled
        )
        arrivals = Arrivals(self.opening.detector_of, self.opening.detectors, self._journal.tell)
        self._script.image_in_oods.callback = arrivals.note
        graph.start(tasks)
        self._closing = Closing(
            self.opening,
            self._config,
            arrivals,
            Absences(
                self._script.instrument_name,
                self._config,
                arrivals,
                self._repository,
                self._thread,
                self._journal,
            ),
            graph,
            self._progress,
            self._journal,
            self._results,
        )
        return Exposing(
            self._script,
            self._config,
            self._plan,
            self._closing,
            self._journal,
            self._results,
            self._checkpoint,
        )

    def _step_ended(self, step_id: StepId) -> None:
        """Report how a step has ended, unless that is known already."""
        ending = endings(self._plan, self._results, self._graph)[step_id]
        if self._ended.get(step_id) is not ending:
            self._ended[step_id] = ending
            self._journal.tell(StepEnded(str(step_id), ending))

    def _step_failed(self, step_id: StepId, error: Exception) -> None:
        """Keep why a step failed, and cancel what must not go on."""
        text = str(error)
        if not isinstance(error, CalibScriptsError) or isinstance(error, RepositoryError):
            collection = self._results.collection(step_id)
            text = f"{step_id}{f' ({collection})' if collection else ''}: {describe(error)}."
        if not isinstance(error, CalibScriptsError):
            self._journal.log.error(f"{step_id} failed", exc_info=error)
        verdict = isinstance(error, VerificationFailedError)
        if verdict and self._config.on_verification_failure == "warn":
            self._journal.warn(text)
        else:
            self._journal.fail(text)
        self._step_ended(step_id)
        self._progress.end(step_id.product, Stage.FAILED)
        if (verdict or isinstance(error, NotJudgedError)) and self._graph is not None:
            self._graph.cancel(self._plan.spoiled(step_id.product))

    def _step_cancelled(self, step_id: StepId) -> None:
        # A consequence of a failure that has been reported: counted as a cancelled step, not as a warning.
        self._journal.log.info(f"{step_id} is cancelled, since something it needs has failed.")
        self._step_ended(step_id)
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
        """Keep unexpected errors, each as a sentence; tracebacks are for whoever fixes them."""
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
                self._journal.fail(f"{step.id} did not finish; its outcome is unknown.")
        if self._results.failures:
            raise _ReportedFailureError(self._results.failures)

    def _summary(self, ended: str) -> RunSummary:
        name = type(self._script).__name__
        return summarise(name, ended, self._plan, self._results, self._graph, self._given)
