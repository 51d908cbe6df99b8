"""What a run does before its first exposure: it looks at all that can be seen, and sets up the instrument."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from ..config import as_installed, key_problem, not_installed
from ..errors import PreconditionError, describe
from ..events.images import closing
from ..ground.cancellation import heed_cancellation
from ..ground.threads import OneThread
from ..ocps.pairing import pairing_warning
from ..plan import Action, StepId
from ..preflight.components import component_problems
from ..preflight.findings import RepositoryFindings, repository_findings
from ..preflight.ocps_settings import settings_problem, settings_warning
from ..repository import Detector, Repository
from ..sal import ExpectedError
from ..tables.products import ImageType
from .beam import filter_in_beam, filter_problem
from .host import Host
from .results import Journal, Results

__all__ = ["Opening"]

REPOSITORY_TIMEOUT = 60.0
"""Longest wait for the repository before the first exposure, seconds."""


class _RefusalError(PreconditionError, ExpectedError):
    """What salobj logs no traceback of: nothing has begun, and the text says why."""


class Opening:
    """The opening of a run.

    Parameters
    ----------
    script : `Host`
        The configured script.
    repository : `Repository`
        The butler.
    thread : `OneThread`
        The thread in which the butler is called.
    journal : `Journal`
        Takes what happens.
    results : `Results`
        Called with what stands in the way, and the exposure times of images that exist already.
    checkpoint : coroutine function
        Passes a checkpoint.

    Attributes
    ----------
    plan : `Plan`
        What is to be done, after `check` without what cannot be.
    detectors : `dict` [`int`, `Detector`]
        Detectors asked for.
    known_detectors : `dict` [`int`, `str`]
        Names of all detectors of the instrument.
    calib_exists : `bool`
        Is there a ``calib_collection`` already?
    """

    def __init__(
        self,
        script: Host,
        repository: Repository,
        thread: OneThread,
        journal: Journal,
        results: Results,
        checkpoint: Callable[[str], Awaitable[None]],
    ) -> None:
        self.plan = script.spec.plan
        self.detectors: dict[int, Detector] = {}
        self.known_detectors: dict[int, str] = {}
        self.calib_exists = False
        self._script = script
        self._config = script.spec.config
        self._repository = repository
        self._thread = thread
        self._journal = journal
        self._results = results
        self._checkpoint = checkpoint
        self._filter: str | None = None
        self._detector_names: dict[tuple[str, str], int] = {}

    async def check(self) -> None:
        """Check everything that can be seen before the first exposure, and report all that is wrong.

        Raises
        ------
        PreconditionError
            If something is.
        """
        problems = await component_problems(self._script.ocps_group)
        if not problems:
            problems += self._ocps_settings()
        if self._exposing:
            problems += await component_problems(self._script.camera)
        for image_type in self._exposing:
            try:
                await self._script.assert_feasibility(image_type.name)
            except Exception as error:
                # Subclasses raise what they like; here it only means no.
                problems.append(describe(error) + ".")
        heed_cancellation()
        if self._exposing:
            problems += not_installed(
                self._script.get_instrument_configuration(), await self._script.get_installed()
            )
            if problem := key_problem(self._script.get_group_id()):
                problems.append(f"The group id of the images {problem}.")
        self._filter = await self._script.get_physical_filter(set_up=False)
        findings = await self._ask_repository()
        problems += findings.problems
        self._note_refused(findings)
        if problems:
            raise self._refusal(problems)
        self.known_detectors = {detector.id: detector.name for detector in findings.detectors}
        self.detectors = {d.id: d for d in findings.detectors if d.id in self._script.spec.detectors}
        self._detector_names = {(d.raft, d.sensor): d.id for d in findings.detectors}
        self.calib_exists = findings.calib_exists
        for examined in findings.examined.values():
            self._results.times.update(examined.times)
        if ImageType.FLAT in findings.examined:
            self._results.physical_filter = findings.examined[ImageType.FLAT].physical_filter
        if remark := self._pairs_not_used(findings):
            self._journal.warn(remark)
        if findings.without_pairs and self.plan.step(StepId(Action.GENERATE, "GAIN")):
            self._journal.warn("No two consecutive flats have the same exposure time: no gain is estimated.")
            self.plan = self.plan.without("GAIN")

    def _pairs_not_used(self, findings: RepositoryFindings) -> str:
        """Report which pairs of flats that exist already cp_pipe will not use; of others configure has said it."""
        flats = findings.examined.get(ImageType.FLAT)
        if flats is None or not any(step.product.paired for step in self.plan.steps):
            return ""
        times = [flats.times[exposure] for exposure in sorted(flats.found.exposures)]
        return pairing_warning(times, self._script.spec.pipelines.pairing)

    def _note_refused(self, findings: RepositoryFindings) -> None:
        """Keep that a set which exists already was refused: it is not offered to go on with."""
        for image_type, examined in findings.examined.items():
            if examined.refused is not None:
                self._journal.tell(closing(image_type, examined.found))

    @property
    def _exposing(self) -> list[ImageType]:
        """Image types that are taken; the others exist already."""
        return [images.image_type for images in self.plan.sets if not images.taken]

    def _ocps_settings(self) -> list[str]:
        """Return what is wrong with the settings of the OCPS; that they are unknown is a warning."""
        script = self._script
        which = ", ".join(script.ocps_group.components), script.ocps, script.instrument_name
        if warning := settings_warning(*which):
            self._journal.warn(warning)
        problem = settings_problem(*which)
        return [problem] if problem else []

    async def _ask_repository(self) -> RepositoryFindings:
        try:
            async with asyncio.timeout(REPOSITORY_TIMEOUT):
                return await self._thread(
                    repository_findings,
                    self._repository,
                    replace(self._script.spec, plan=self.plan, physical_filter=self._filter),
                )
        except TimeoutError:
            text = (
                f"Butler repository {self._config.repo} did not answer within {REPOSITORY_TIMEOUT:.0f} s: look at "
                "its database and its disk, then queue the script or its BLOCK again."
            )
            return RepositoryFindings((text,))

    def detector_of(self, raft: str, sensor: str) -> int | None:
        """Return the detector of an arrival, None for unknown names; any name is that of a camera's only detector."""
        if len(self.detectors) == 1 and self._script.n_detectors == 1:
            return next(iter(self.detectors))
        return self._detector_names.get((raft, sensor))

    async def set_up_instrument(self) -> None:
        """Set filter and the like once, before the images."""
        if not self._exposing:
            return
        wanted = self._script.get_instrument_configuration()
        installed = await self._script.get_installed()
        given = {
            name: as_installed(value, installed.get(name, ()))
            for name, value in wanted.items()
            if value is not None
        }
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
        """Refuse flats in another filter than asked for, and what cannot work in one that shows only now."""
        in_beam = await filter_in_beam(self._script, self._filter)
        if problem := filter_problem(self._filter, in_beam):
            raise self._refusal([problem])
        if self._filter is None and in_beam is not None:
            self._filter = in_beam
            if problems := (await self._ask_repository()).problems:
                raise self._refusal(problems)
        self._results.physical_filter = self._filter

    def _refusal(self, problems: Sequence[str]) -> PreconditionError:
        """Keep what stands in the way of the first exposure, and return the error that says so."""
        for problem in problems:
            self._journal.keep_failure(problem)
        return _RefusalError(problems)
