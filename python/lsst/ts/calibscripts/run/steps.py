"""The steps of a run: generate, verify, certify. What each does, one after another; when is the graph's business."""

from __future__ import annotations

import asyncio
import logging
import shlex
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from ..config import CalibrationsConfig, Pairing
from ..errors import (
    CertificationError,
    GainsError,
    ImageSetError,
    JobError,
    NoAnswerError,
    NotJudgedError,
    OutputsMissingError,
    ReadBackError,
    VerificationFailedError,
    job_log,
)
from ..events.events import Certified, Doubtful, Progress, Stage, Verdicted
from ..events.images import ImageSet
from ..ground.text import counted, detectors_of, exposure_range
from ..ground.threads import OneThread
from ..ocps.client import Ocps
from ..ocps.job_logs import last_error
from ..ocps.jobs import ABORTED, JobResult
from ..ocps.requests import (
    StepPipelines,
    data_query,
    different_times,
    input_collections,
    job_request,
    pairs_of,
    planned_pairs,
)
from ..plan import Action, Plan, Step, StepId
from ..preflight.examining import Asked, wrong_filter
from ..preflight.spec import certification
from ..repository import Certification, Detector, Repository
from ..tables.products import ImageType
from ..verification import enough_detectors
from .judging import Judged, Judging
from .results import Journal, Results

__all__ = ["Processing"]

LOG_TIMEOUT = 5.0
"""Longest wait for the log of a job that failed, seconds."""


@dataclass(frozen=True)
class Processing:
    """Does the steps of a run.

    Attributes
    ----------
    config, plan, pipelines
        What is to be done.
    instrument : `str`
        Butler instrument name.
    detectors : mapping [`int`, `Detector`]
        Detectors asked for.
    judging : `Judging`
        Knows what the outputs of the jobs mean; called in ``thread``.
    calib_exists : `bool`
        Was there a ``calib_collection`` before the run?
    ocps : `Ocps`
        Runs jobs.
    repository : `Repository`
        The butler.
    thread : `OneThread`
        The thread in which the butler is called.
    journal : `Journal`
        Takes what happens.
    progress : `Progress`
        Stages of the products.
    may_commit : callable
        May a certification be committed at this moment? Called from the repository's thread.
    until_may_certify : coroutine function
        Waits while the script is paused.
    results : `Results`
        What has been done so far.
    """

    config: CalibrationsConfig
    plan: Plan
    pipelines: StepPipelines
    instrument: str
    detectors: Mapping[int, Detector]
    judging: Judging
    calib_exists: bool
    ocps: Ocps
    repository: Repository
    thread: OneThread
    journal: Journal
    progress: Progress
    may_commit: Callable[[], bool]
    until_may_certify: Callable[[], Awaitable[object]]
    results: Results

    async def run(self, step: Step, images: Mapping[ImageType, ImageSet]) -> None:
        """Do a step.

        Raises
        ------
        CalibScriptsError
            If it did not succeed; the text says why and what was not done.
        """
        try:
            match step.id.action:
                case Action.GENERATE:
                    await self._generate(step, images)
                case Action.VERIFY:
                    await self._verify(step, images)
                case Action.CERTIFY:
                    await self._certify(step)
        except JobError as error:
            # A job that was aborted did not fail by itself: an error in its log would mislead.
            if error.job_id and error.exit_code != ABORTED:
                error.last_error = await self._last_error(error.job_id)
            raise

    async def _last_error(self, job_id: str) -> str:
        """Return the last error in the log of a job; nothing where its disk is not there or does not answer."""
        thread = OneThread("log of a job")
        try:
            async with asyncio.timeout(LOG_TIMEOUT):
                return await thread(last_error, job_log(job_id))
        except TimeoutError:
            return ""
        finally:
            thread.close()

    async def _generate(self, step: Step, images: Mapping[ImageType, ImageSet]) -> None:
        """Make a product, and see that the job wrote it for every detector."""
        product = step.product
        exposures = self._exposures_for(step, images)
        result, run = await self._job(step, exposures, images)
        if run is None:
            reason = "the job left no RUN with outputs"
            raise OutputsMissingError(str(step.id), reason, job_id=result.job_id, exit_code=result.exit_code)
        wanted = self.results.detectors[step.id]
        made: frozenset[int] = frozenset()
        for dataset_type in product.dataset_types:
            made = made or await self.thread(self.repository.made, run, dataset_type)
        lacking = [detector for detector in wanted if detector not in made]
        if lacking:
            reason = f"the job wrote no {product.dataset_type} for {detectors_of(lacking)}"
            raise OutputsMissingError(str(step.id), reason, job_id=result.job_id, exit_code=result.exit_code)
        if product.measures_gains:
            await self._look_at_gains(step, run, result)
        self._note_silent(step, result)
        self.progress.advance(product.name, Stage.GENERATED)

    async def _look_at_gains(self, step: Step, run: str, result: JobResult) -> None:
        """Report the gains that a job has found, and fail where there are none, or none that can be right."""
        found = await self.thread(self.judging.gains, step, run)
        for text in found.texts:
            self.journal.log.info(text)
        if found.lacking:
            reason = f"the job wrote no gains for {detectors_of(found.lacking)}"
            raise OutputsMissingError(str(step.id), reason, job_id=result.job_id, exit_code=result.exit_code)
        if found.none_left:
            raise GainsError(f"{step.id}: {found.doubts}. Check that the flats had light, and how much.")
        if found.doubts:
            self.journal.warn(
                f"{step.id}: {found.doubts}. Check the light of the flats before these are used."
            )

    async def _verify(self, step: Step, images: Mapping[ImageType, ImageSet]) -> None:
        """Verify the images of a type, judge the statistics and report."""
        name = step.id.product
        exposures = self._exposures_for(step, images)
        result, run = await self._job(step, exposures, images)
        judged = await self.thread(self.judging.judge, step, run, exposures)
        verdict = judged.verdict
        if result.exit_code is None and (verdict.reason or verdict.missing):
            reason = "no job_result came, and its statistics are not complete"
            raise OutputsMissingError(str(step.id), reason, job_id=result.job_id)
        if run is not None:
            # Before the verdict is reported: what it stops must not go on while the butler is asked.
            await self._look_at_level(step, run)
        self.results.verdicts[name] = verdict
        self._note_silent(step, result)
        self._report(step, judged)
        where = f"(see {self.results.collection(step.id)})"
        if not verdict.judged:
            raise NotJudgedError(
                f"{judged.headline.rstrip('.')}: {verdict.reason or judged.numbers} {where}. The images need not be "
                "taken again because of that."
            )
        if not verdict.passed:
            raise VerificationFailedError(name, f"{judged.numbers}. {judged.headline} {where}")
        self.progress.advance(name, Stage.VERIFIED)

    async def _certify(self, step: Step) -> None:
        """Certify a product, all its detectors or none, and only while the script is not paused."""
        name = step.id.product
        generated = StepId(Action.GENERATE, name)
        physical_filter = self.results.physical_filter
        wanted = certification(
            self.config, name, self.instrument, self.results.detectors[generated], physical_filter
        )
        run, stopped = self.results.runs[generated], threading.Event()
        if problem := await self._filter_problem(step):
            raise CertificationError(
                name, wanted.collection, self.results.certified, ImageSetError("FLAT", problem)
            )

        def may_commit() -> bool:
            return self.may_commit() and not stopped.is_set()

        datasets: tuple[str, ...] | None = None
        while datasets is None:
            await self.until_may_certify()
            try:
                datasets = await self.thread.to_its_end(
                    self.repository.certify,
                    wanted,
                    run,
                    may_commit,
                    on_cancel=stopped.set,
                    on_unknown=lambda: self._doubt(name, wanted),
                )
            except (NoAnswerError, ReadBackError):
                self._doubt(name, wanted)
                raise
            except Exception as error:
                self.results.refusing = wanted.collection
                raise CertificationError(name, wanted.collection, self.results.certified, error) from error
        verified = name in self.results.verdicts
        certified = Certified(name, wanted.collection, wanted.begin, wanted.end, datasets, not verified)
        self.results.certified[name] = certified
        self.progress.advance(name, Stage.CERTIFIED)
        self.journal.tell(certified)
        where = f"into {wanted.collection} for {wanted.validity}"
        if verified:
            self.journal.log.info(f"{name} was certified {where}.")
        else:
            self.journal.warn(f"{name} was certified WITHOUT verification {where}.")

    async def _filter_problem(self, step: Step) -> str:
        """Report which flats that a product was made from have another filter than they are to have."""
        flats, expected = self.results.images.get(ImageType.FLAT), self.results.physical_filter
        if ImageType.FLAT not in step.product.images or flats is None or expected is None:
            return ""
        records = await self.thread(self.repository.exposures, self.instrument, flats.exposures)
        asked = Asked(
            ImageType.FLAT, flats.exposures, flats.detectors, physical_filter=tuple(expected.split("~"))
        )
        return wrong_filter(asked, records)

    def _doubt(self, name: str, wanted: Certification) -> None:
        """Report that it is unknown whether a product is certified."""
        self.results.doubtful = wanted.collection
        self.journal.tell(Doubtful(name, wanted.collection))
        words = ("butler", "query-datasets", self.config.repo, wanted.dataset_type, "--collections")
        self.journal.warn(
            f"{name} may be certified into {wanted.collection} for {wanted.validity}: check with "
            f"`{shlex.join((*words, wanted.collection))}`."
        )

    def _exposures_for(self, step: Step, images: Mapping[ImageType, ImageSet]) -> tuple[int, ...]:
        """Return the exposures of a step's job: those that arrived, of flats for PTC and GAIN the pairs only."""
        exposures = tuple(e for image_type in step.images for e in images[image_type].exposures)
        if step.product.pairs is None:
            return exposures
        pairing, times = self.pipelines.pairing, self.results.times
        pairs = pairs_of(exposures, times, pairing)
        flats = self.plan.image_set(ImageType.FLAT)
        planned = planned_pairs(flats, times, pairing) if flats else len(pairs)
        different = different_times(pairs, times)
        needed = step.product.pairs.times
        if different < needed:
            self.results.lacking_pairs = True
            arrived = f"pairs of {different} different exposure times arrived, a curve needs {needed}"
            which = arrived if pairs else f"none of {planned} planned flat pairs can be used"
            raise ImageSetError("FLAT", f"{step.id}: {which}.")
        if len(pairs) < planned:
            self.journal.warn(f"{step.id}: only {len(pairs)} of {planned} planned flat pairs can be used.")
        if pairing is not Pairing.EXPID:
            # Left out, the others could no longer separate two pairs of equal time, which would then be one run.
            return exposures
        return tuple(exposure for pair in pairs for exposure in pair)

    def _detectors_for(self, step: Step, images: Mapping[ImageType, ImageSet]) -> tuple[int, ...]:
        """Return the detectors of a step: those of its images for which everything it reads was made.

        Raises
        ------
        ImageSetError
            If half or fewer of those asked for are left.
        """
        wanted = set(self.detectors)
        for image_type in step.images:
            wanted &= set(images[image_type].detectors)
        for name in (*step.product.made_from, step.id.product):
            # Of what this run makes itself nothing else may be read: a detector it was not made for is left out.
            wanted &= set(self.results.detectors.get(StepId(Action.GENERATE, name), wanted))
        if not enough_detectors(len(wanted), len(self.detectors)):
            left = detectors_of(wanted) if wanted else "none"
            raise ImageSetError(
                step.id.product,
                f"{step.id}: of the {len(self.detectors)} detectors asked for only {left} "
                f"{'is' if len(wanted) == 1 else 'are'} left, more than half are needed. The others have lost "
                "their images or a calibration that this step reads.",
            )
        return tuple(sorted(wanted))

    async def _job(
        self, step: Step, exposures: Sequence[int], images: Mapping[ImageType, ImageSet]
    ) -> tuple[JobResult, str | None]:
        """Run the job of a step and return its result and its RUN, None if it left none."""
        detectors = self._detectors_for(step, images)
        fresh = {s.product: run for s, run in self.results.runs.items() if s.action is Action.GENERATE}
        inputs = input_collections(self.config, step.id, fresh, self.calib_exists)
        query = data_query(self.instrument, detectors, exposures)
        request = job_request(self.config, step.id, self.pipelines, inputs, query)
        self.journal.log.info(
            f"{step.id}: {request.pipeline} {request.config} on {_words(detectors, exposures)}"
        )
        result = await self.ocps.run(
            request, self.config.pipetask_timeout, on_started=lambda job_id: self._started(step.id, job_id)
        )
        run = await self.thread(self.repository.run_of, result.job_id)
        if run is not None:
            self.results.runs[step.id] = run
        self.results.detectors[step.id] = detectors
        return result, run

    def _started(self, step_id: StepId, job_id: str) -> None:
        self.results.jobs[step_id] = job_id
        self.journal.log.info(f"{step_id}: OCPS job {job_id}, log {job_log(job_id)}")

    def _note_silent(self, step: Step, result: JobResult) -> None:
        """Report where a job's outputs exist but its result never came."""
        if result.exit_code is None:
            self.journal.warn(
                f"{step.id}: no job_result came for OCPS job {result.job_id}; its outputs exist, "
                "so the run continues."
            )

    def _report(self, step: Step, judged: Judged) -> None:
        """Report and log a verdict: failed tests of one that passed are a warning, one that failed is an error."""
        verdict, name = judged.verdict, step.id.product
        verification = self.results.collection(step.id) or ""
        self.journal.tell(
            Verdicted(
                name,
                verdict.passed,
                verification,
                judged.headline,
                len(verdict.exposures),
                len(verdict.failed_exposures),
                verdict.thresholds.exposures,
                verdict.judged,
            )
        )
        if verdict.passed and not verdict.clean:
            text = f"{judged.numbers}, but there are tests that did not pass (see {verification})."
            self.journal.warn(text, in_full=judged.text)
        elif not verdict.reason:
            # Without statistics there is nothing to report but the failure itself.
            self.journal.log.log(logging.INFO if verdict.clean else logging.ERROR, judged.text)
        if judged.undecisive:
            self.journal.warn(judged.undecisive)

    async def _look_at_level(self, step: Step, run: str) -> None:
        """Warn of images that are too bright after correction; the verdict does not depend on it."""
        try:
            text = await self.thread(self.judging.too_bright, step, run)
        except NoAnswerError as error:
            text = f"The level of the corrected {step.id.product} images could not be read: {error}"
        if text:
            self.journal.warn(text)


def _words(detectors: Sequence[int], exposures: Sequence[int]) -> str:
    """Return the selection of a job in words; the record has its data query, with each exposure."""
    noun = "detector" if len(detectors) == 1 else "detectors"
    return f"{noun} {exposure_range(detectors)}, {counted(len(exposures), 'exposure')} {exposure_range(exposures)}"
