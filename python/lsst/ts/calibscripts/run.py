"""One run of a script: what it checks, what it has taken, and what became of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from . import report
from .errors import (
    CalibScriptsError,
    ExposureError,
    ImageSetError,
    PreconditionError,
    RunFailedError,
    VerificationFailedError,
    describe,
)
from .graph import Graph
from .images import Arrivals, ImageSet, judge
from .ocps import Ocps
from .plan import Exposure, ExposureSet, StepId
from .preflight import RepositoryFindings, component_problems, repository_findings
from .processing import Processing, Results
from .products import ImageType
from .progress import Event, ExposureTaken, ImageSetClosed, Progress, Stage, Warned
from .repository import Detector
from .sal import ExpectedError, ScriptState
from .summary import Taken, summarise
from .threads import OneThread

if TYPE_CHECKING:
    from .base_make_calibrations import BaseMakeCalibrations

__all__ = ["Run"]

REPOSITORY_TIMEOUT = 60.0
"""Longest wait for the repository before the first exposure, seconds."""

_FINAL_STATES = {
    ScriptState.ENDING: "DONE",
    ScriptState.STOPPING: "STOPPED",
    ScriptState.FAILING: "FAILED",
}
"""State in which cleanup runs -> final state."""


class _ReportedFailureError(RunFailedError, ExpectedError):
    """What salobj logs no traceback of: every failure has been told already."""


class Run:
    """One run of a script: what it has taken and what became of it.

    Parameters
    ----------
    script : `BaseMakeCalibrations`
        The configured script.
    """

    def __init__(self, script: BaseMakeCalibrations) -> None:
        self._script = script
        self._config = script.settings
        self._plan = script.plan
        self._log = script.log
        self._thread = OneThread("butler")
        self._repository = script.make_repository(self._config.repo)
        self._detectors: dict[int, Detector] = {}
        self._detector_names: dict[tuple[str, str], int] = {}
        self._times: dict[int, float] = {}
        self._taken: dict[ImageType, Taken] = {}
        self._images: dict[ImageType, ImageSet] = {}
        self._failures: list[str] = []
        self._not_paused = asyncio.Event()
        self._not_paused.set()
        self._ocps = Ocps(script.ocps, script.log, self._tell)
        self._arrivals = Arrivals(self._detector_of, self._tell)
        self._progress = Progress(self._plan.products, self._tell)
        self._results = Results()
        self._graph: Graph[ImageSet] | None = None

    def close(self) -> None:
        """Give back the event callbacks and the thread."""
        self._script.image_in_oods.callback = None
        self._ocps.close()
        self._thread.close()

    @property
    def _steps(self) -> Graph[ImageSet]:
        """The graph, which is there once the checks have passed."""
        if self._graph is None:
            raise RuntimeError("the run has not begun")
        return self._graph

    @property
    def _exposing(self) -> list[ImageType]:
        """Image types that are taken; the others exist already."""
        return [images.image_type for images in self._plan.sets if not images.taken]

    def start_processing(self, tasks: asyncio.TaskGroup) -> None:
        """Start the steps; each waits for what it needs."""
        self._steps.start(tasks)

    def _warn(self, message: str) -> None:
        """Log a warning and keep it for the summary."""
        self._results.warnings.append(message)
        self._log.warning(message)
        self._tell(Warned(message))

    def _tell(self, event: Event) -> None:
        for observer in self._script.observers:
            observer(event)

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
        findings = await self._ask_repository()
        problems += findings.problems
        if problems:
            raise PreconditionError(problems)
        self._times.update(findings.exposure_times)
        self._begin(findings)

    async def _ask_repository(self) -> RepositoryFindings:
        script, asked = self._script, self._script.asked_detectors()
        try:
            async with asyncio.timeout(REPOSITORY_TIMEOUT):
                physical_filter = await script.get_physical_filter()
                findings = await self._thread(
                    repository_findings,
                    self._repository,
                    self._config,
                    self._plan,
                    script.pipelines,
                    script.instrument_name,
                    asked,
                    physical_filter,
                )
                if not findings.problems:
                    known = await self._thread(self._repository.detectors, script.instrument_name)
                    self._detectors = {d.id: d for d in known if d.id in asked}
                    self._detector_names = {(d.raft, d.sensor): d.id for d in self._detectors.values()}
        except TimeoutError:
            text = f"Butler repository {self._config.repo} did not answer within {REPOSITORY_TIMEOUT:.0f} s."
            return RepositoryFindings((text,))
        return findings

    def _begin(self, findings: RepositoryFindings) -> None:
        """Begin to listen, and make the graph of steps."""
        script = self._script
        processing = Processing(
            config=self._config,
            plan=self._plan,
            pipelines=script.pipelines,
            instrument=script.instrument_name,
            detectors=self._detectors,
            exposure_times=self._times,
            calib_exists=findings.calib_exists,
            ocps=self._ocps,
            repository=self._repository,
            thread=self._thread,
            log=self._log,
            progress=self._progress,
            tell=self._tell,
            warn=self._warn,
            may_commit=lambda: script.state.state == ScriptState.RUNNING,
            until_may_certify=self._not_paused.wait,
            results=self._results,
        )
        self._graph = Graph(self._plan, processing.run, self._step_failed, self._step_cancelled)
        script.image_in_oods.callback = self._arrivals.note

    def _detector_of(self, raft: str, sensor: str) -> int | None:
        """Give the detector of an arrival; the name of a camera's only detector is taken as it comes."""
        if len(self._detectors) == 1 and self._script.n_detectors == 1:
            return next(iter(self._detectors))
        return self._detector_names.get((raft, sensor))

    async def set_up_instrument(self) -> None:
        """Set filter and the like once, before the images."""
        wanted = self._script.get_instrument_configuration()
        given = {name: value for name, value in wanted.items() if value is not None}
        if not self._exposing:
            return
        words = ", ".join(f"{name} {value}" for name, value in given.items()) or "left as it is"
        await self._checkpoint(f"Setup {self._script.instrument_name}: {words}")
        if given:
            await self._script.camera.setup_instrument(**given)

    # Images.

    async def take_images(self, tasks: asyncio.TaskGroup) -> None:
        """Take all sets, one after another; never wait for the OODS or for a job."""
        for images in self._plan.sets:
            if not self._plan.worth_taking(images.image_type, self._steps.lost):
                self._lose(
                    images.image_type, f"No {images.image_type.plural} are taken: nothing uses them now."
                )
                continue
            if images.taken:
                tasks.create_task(self._adopt(images))
                continue
            try:
                complete = await self._take(images)
            except ExposureError as error:
                self._fail(images.image_type, error)
                for lost in self._plan.sets[self._plan.sets.index(images) + 1 :]:
                    self._lose(lost.image_type, f"No {lost.image_type.plural} are taken.")
                return
            if complete:
                tasks.create_task(self._await_images(images.image_type))
        await self._checkpoint("All images taken; waiting for their processing")

    async def _adopt(self, images: ExposureSet) -> None:
        """Use exposures that were taken before."""
        taken = self._taken[images.image_type] = Taken(images)
        taken.all.extend(images.taken)
        there = await self._thread(self._repository.ingested, self._script.instrument_name, images.taken)
        self._close_set(images.image_type, judge(images.taken, tuple(self._detectors), there))

    async def _take(self, images: ExposureSet) -> bool:
        """Take a set; False if it was given up since nothing uses it any more."""
        await self._checkpoint(f"Taking {images}")
        image_type = images.image_type
        taken = self._taken[image_type] = Taken(images)
        self._progress.advance(image_type.name, Stage.TAKING)
        for exposure in images.exposures:
            if not self._plan.worth_taking(image_type, self._steps.lost):
                self._lose(image_type, f"No further {image_type.plural} are taken: nothing uses them now.")
                return False
            await self._expose(exposure, taken)
            await asyncio.sleep(self._config.wait_between_exposures)
        await self._checkpoint(f"Images taken: {image_type.name} {report.exposure_range(taken.kept)}")
        return True

    async def _expose(self, exposure: Exposure, taken: Taken) -> None:
        """Take one exposure."""
        try:
            if not taken.all:
                await self._script.assert_feasibility(exposure.image_type.name)
            ids = await self._script.camera.take_imgtype(
                exposure.image_type.name,
                exposure.exposure_time,
                1,
                group_id=self._group_id(),
                reason=self._config.reason,
                program=self._config.program,
                note=self._config.note,
            )
        except Exception as error:
            n = len(taken.images.exposures)
            raise ExposureError(exposure.image_type.name, len(taken.all), n, error) from error
        taken.add(int(ids[0]))
        self._times[int(ids[0])] = exposure.exposure_time
        self._tell(
            ExposureTaken(exposure.image_type.name, int(ids[0]), exposure.exposure_time, exposure.discarded)
        )

    def _group_id(self) -> str:
        """Give the group id of the images, as upstream has it."""
        script = self._script
        return f"{script.obs_id}_{script.salinfo.index}" if script.obs_id else str(script.group_id)

    async def _await_images(self, image_type: ImageType) -> None:
        """Wait for a set in the OODS, and let the steps that need it begin."""
        kept = self._taken[image_type].kept
        found = await self._arrivals.wait(kept, tuple(self._detectors), self._config.oods_timeout)
        self._close_set(image_type, found)

    def _close_set(self, image_type: ImageType, found: ImageSet) -> None:
        """Let the steps that need a set begin, with what there is of it, or give it up."""
        kept = self._taken[image_type].kept
        self._images[image_type] = found
        self._tell(
            ImageSetClosed(
                image_type.name,
                found.exposures,
                found.detectors,
                found.left_out_exposures,
                found.left_out_detectors,
            )
        )
        if found.left_out_exposures or found.left_out_detectors:
            self._report_left_out(image_type, found)
        if not found.complete:
            text = (
                f"Only {len(found.exposures)} of {len(kept)} {image_type.plural} and {len(found.detectors)} of "
                f"{len(self._detectors)} detectors arrived in the OODS: the set is given up."
            )
            self._fail(image_type, ImageSetError(image_type.name, text))
            return
        self._progress.advance(image_type.name, Stage.INGESTED)
        self._steps.images_are_there(image_type, found)

    def _report_left_out(self, image_type: ImageType, found: ImageSet) -> None:
        """Log which images did not arrive, and keep it for the end."""
        bad = {arrival.exposure: arrival for arrival in self._arrivals.bad(self._taken[image_type].kept)}
        for arrival in bad.values():
            self._log.error(
                f"{image_type.name} {arrival.exposure} was not ingested: status {arrival.status_code}, "
                f"{arrival.description}"
            )
        within = f"within oods_timeout, {self._config.oods_timeout:g} s"
        if found.left_out_exposures:
            ids = report.exposure_range(found.left_out_exposures)
            text = f"{image_type.name} exposures {ids} did not arrive {within}, and are left out."
            self._log.error(text)
            self._warn(text)
        if found.left_out_detectors and found.complete:
            text = (
                f"{image_type.name}: detectors {list(found.left_out_detectors)} did not arrive {within} for more "
                "than half of the set, and are left out; the rest was processed."
            )
            self._log.error(text)
            self._failures.append(text)

    # Processing beside it.

    def _step_failed(self, step_id: StepId, error: Exception) -> None:
        """Keep why a step failed, and cancel what must not go on."""
        text = str(error) if isinstance(error, CalibScriptsError) else f"{step_id}: {describe(error)}."
        if not isinstance(error, CalibScriptsError):
            self._log.exception(f"{step_id} failed", exc_info=error)
        self._progress.end(step_id.product, Stage.FAILED)
        if isinstance(error, VerificationFailedError):
            self._steps.cancel(self._plan.spoiled(error.product))
        if isinstance(error, VerificationFailedError) and self._config.on_verification_failure == "warn":
            self._warn(text)
        else:
            self._failures.append(text)
            self._log.error(text)

    def _step_cancelled(self, step_id: StepId) -> None:
        self._log.warning(f"{step_id} is cancelled, since something it needs has failed.")
        self._progress.end(step_id.product, Stage.CANCELLED)

    def _fail(self, image_type: ImageType, error: Exception) -> None:
        self._failures.append(str(error))
        self._log.error(str(error))
        self._progress.end(image_type.name, Stage.FAILED)
        self._steps.lose_images(image_type)

    def _lose(self, image_type: ImageType, why: str) -> None:
        self._log.warning(why)
        self._steps.lose_images(image_type)
        self._progress.end(image_type.name, Stage.CANCELLED)

    # Checkpoints, and the end.

    async def _checkpoint(self, name: str) -> None:
        """Pass a checkpoint; a pause there holds the camera, and certifications, but no other processing."""
        self._not_paused.clear()
        try:
            await self._script.checkpoint(name)
        finally:
            self._not_paused.set()

    def conclude(self) -> None:
        """End the run, well or by raising everything that went wrong.

        Raises
        ------
        RunFailedError
            If something did.
        """
        if self._failures:
            raise _ReportedFailureError(self._failures)

    def summary(self) -> str:
        """Say what was taken, what is certified and what is not."""
        return report.run_summary(
            summarise(
                type(self._script).__name__,
                _FINAL_STATES.get(self._script.state.state, "RUNNING"),
                self._plan,
                self._taken,
                self._images,
                self._results,
                self._graph,
                self._failures,
            )
        )
