"""Takes the images of a run, one set after another, and waits beside it for what the OODS says of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import report
from .absences import Absences
from .cancellation import heed_cancellation
from .config import CalibrationsConfig
from .errors import ExposureError, FlatLevelError, ImageSetError, describe
from .graph import Graph
from .images import Arrivals, ImageSet, judge, strangers
from .plan import Exposure, ExposureSet, Plan
from .products import ImageType
from .progress import ExposureTaken, ImageSetClosed, Progress, Stage
from .repository import Detector, Repository
from .results import Journal, Results, Taken
from .threads import OneThread

if TYPE_CHECKING:
    from .base_make_calibrations import BaseMakeCalibrations

__all__ = ["Exposing"]

LEVELS_LOOKED_AT = 2
"""Number of flats, the discarded ones included, whose level is compared with the window."""


@dataclass
class Exposing:
    """Takes the images of a run.

    Attributes
    ----------
    script : `BaseMakeCalibrations`
        The script, for its camera.
    config, plan
        What is to be done.
    detectors : mapping [`int`, `Detector`]
        Detectors asked for.
    arrivals : `Arrivals`
        Knows what has arrived in the OODS.
    absences : `Absences`
        Finds and reports what has not arrived.
    repository : `Repository`
        The butler.
    thread : `OneThread`
        The thread in which the butler is called.
    graph : `Graph`
        Is told when the images of a set are there, and when they will not come.
    progress : `Progress`
        Stages of the products.
    journal : `Journal`
        Takes what happens.
    results : `Results`
        What has been done so far.
    checkpoint : coroutine function
        Passes a checkpoint.
    """

    script: BaseMakeCalibrations
    config: CalibrationsConfig
    plan: Plan
    detectors: Mapping[int, Detector]
    arrivals: Arrivals
    absences: Absences
    repository: Repository
    thread: OneThread
    graph: Graph[ImageSet]
    progress: Progress
    journal: Journal
    results: Results
    checkpoint: Callable[[str], Awaitable[None]]
    _wrong_level: FlatLevelError | None = field(default=None, init=False)
    _levels: asyncio.Task[None] | None = field(default=None, init=False)

    async def take_all(self, tasks: asyncio.TaskGroup) -> None:
        """Take all sets, one after another; never wait for the OODS or for a job."""
        for images in self.plan.sets:
            if images.taken:
                tasks.create_task(self._adopt(images))
        wanted = [images for images in self.plan.sets if not images.taken]
        for index, images in enumerate(wanted):
            if not self._worth_taking(images.image_type):
                why = f"No {images.image_type.plural} are taken: nothing uses them now."
                self._lose(images.image_type, why)
                continue
            try:
                await self._take(images, tasks)
            except (ExposureError, FlatLevelError) as error:
                self._fail(images.image_type, error)
                for lost in wanted[index + 1 :]:
                    self._lose(lost.image_type, f"No {lost.image_type.plural} are taken.")
                return
        await self.checkpoint("All images taken; waiting for their processing")

    async def _take(self, images: ExposureSet, tasks: asyncio.TaskGroup) -> None:
        """Take a set, as long as something uses it, and let its processing begin."""
        await self.checkpoint(f"Taking {images}")
        image_type = images.image_type
        taken = self.results.taken[image_type] = Taken(images)
        self.progress.advance(image_type.name, Stage.TAKING)
        watched = self._has_window(image_type)
        for exposure in images.exposures:
            if not self._worth_taking(image_type):
                self._lose(image_type, f"No further {image_type.plural} are taken: nothing uses them now.")
                return
            if self._wrong_level is not None:
                raise self._wrong_level
            await self._expose(exposure, taken)
            if watched and len(taken.all) == LEVELS_LOOKED_AT:
                self._levels = tasks.create_task(self._look_at_levels(tuple(taken.all)))
            if len(taken.all) == len(images.exposures):
                # Before the wait and the checkpoint: they hold the camera, not the processing.
                tasks.create_task(self._await_images(image_type))
            await asyncio.sleep(self.config.wait_between_exposures)
        await self.checkpoint(f"Images taken: {image_type.name} {report.exposure_range(taken.kept)}")

    async def _expose(self, exposure: Exposure, taken: Taken) -> None:
        """Take one exposure."""
        name = exposure.image_type.name
        try:
            if not taken.all:
                await self.script.assert_feasibility(name)
            told = await self.script.camera.take_imgtype(
                name,
                exposure.exposure_time,
                1,
                group_id=self.script.get_group_id(),
                reason=self.config.reason,
                program=self.config.program,
                note=self.config.note,
            )
            exposure_id = self._new_exposure(told)
        except Exception as error:
            # Whatever the camera or a subclass raises: the image was not taken, or nobody knows its id.
            heed_cancellation()
            raise ExposureError(name, len(taken.all), len(taken.images.exposures), error) from error
        taken.all.append(exposure_id)
        self.results.times[exposure_id] = exposure.exposure_time
        self.journal.tell(ExposureTaken(name, exposure_id, exposure.exposure_time, exposure.discarded))
        heed_cancellation()

    def _new_exposure(self, told: Any) -> int:
        """Give the id of the one exposure the camera has told; an earlier one must not be used a second time.

        Raises
        ------
        ValueError
            If it is not the id of one exposure that is later than the others of this run.
        """
        before = max((e for t in self.results.taken.values() if not t.images.taken for e in t.all), default=0)
        match told:
            case [int(exposure)] if exposure > before:
                return exposure
        after = f" after {before}" if before else ""
        raise ValueError(
            f"the camera told {told} instead of the id of one exposure{after}; "
            "if it was taken, nobody knows which it is"
        )

    async def _adopt(self, images: ExposureSet) -> None:
        """Use exposures that were taken before."""
        self.results.taken[images.image_type] = Taken(images, list(images.taken))
        try:
            there = await self.thread(self.repository.ingested, self.script.instrument_name, images.taken)
        except Exception as error:
            # Of this set nothing can be processed; what does not need it goes on.
            text = f"The {images.image_type.plural} could not be looked up in the butler: {describe(error)}."
            self._fail(images.image_type, ImageSetError(images.image_type.name, text))
            return
        self._close_set(images.image_type, judge(images.taken, tuple(self.detectors), there))

    async def _await_images(self, image_type: ImageType) -> None:
        """Wait for a set in the OODS."""
        kept = self.results.taken[image_type].kept
        found = await self.arrivals.wait(kept, tuple(self.detectors), self.config.oods_timeout)
        if await self.absences.look_for(image_type, kept):
            found = self.arrivals.judge(kept)
        if image_type is ImageType.FLAT and self._levels is not None:
            await asyncio.wait([self._levels])
        if wrong := await self._strangers(image_type, found):
            # Nothing of it is left: a run that goes on with the images that are there must not be offered these.
            found = ImageSet((), found.detectors, self.results.taken[image_type].kept, ())
            self.results.images[image_type] = found
            self.journal.tell(ImageSetClosed(image_type.name, (), found.detectors, found.left_out_exposures))
            self._fail(image_type, ImageSetError(image_type.name, wrong))
        else:
            self._close_set(image_type, found)

    async def _strangers(self, image_type: ImageType, found: ImageSet) -> str:
        """Say what in a set cannot be ours, as the butler knows it."""
        try:
            records = await self.thread(
                self.repository.exposures, self.script.instrument_name, found.exposures
            )
        except Exception as error:
            # The set may be as it should be; jobs and verification would show what is wrong with it.
            self.journal.warn(
                f"The {image_type.plural} could not be looked up in the butler: {describe(error)}."
            )
            return ""
        return strangers(image_type, records)

    def _close_set(self, image_type: ImageType, found: ImageSet) -> None:
        """Let the steps that need a set begin, with what there is of it, or give it up."""
        self.results.images[image_type] = found
        left_out = found.left_out_exposures, found.left_out_detectors
        self.journal.tell(ImageSetClosed(image_type.name, found.exposures, found.detectors, *left_out))
        if any(left_out):
            self.absences.report(self.results.taken[image_type], found)
        if self._wrong_level is not None and image_type is ImageType.FLAT:
            self._fail(image_type, self._wrong_level)
        elif found.complete:
            self.progress.advance(image_type.name, Stage.INGESTED)
            self.graph.images_are_there(image_type, found)
        else:
            text = self.absences.given_up(self.results.taken[image_type], found)
            self._fail(image_type, ImageSetError(image_type.name, text))

    # The level of flats.

    def _has_window(self, image_type: ImageType) -> bool:
        window = self.config.flat_counts_min, self.config.flat_counts_max
        return image_type is ImageType.FLAT and any(limit is not None for limit in window)

    async def _look_at_levels(self, exposures: tuple[int, ...]) -> None:
        """Compare the level of the first flats with the window; a wrong one ends the taking of flats."""
        detector = min(self.detectors)
        levels = []
        for exposure in exposures:
            found = await self.arrivals.wait([exposure], [detector], self.config.oods_timeout)
            if not found.exposures:
                continue
            try:
                level = await self.thread(
                    self.repository.level, self.script.instrument_name, exposure, detector
                )
            except Exception as error:
                # The level is a help; that it cannot be read must not cost the flats.
                self.journal.warn(f"The level of flat {exposure} could not be read: {error}")
                continue
            self.journal.log.info(f"Flat {exposure}: {level:.0f} ADU, overscan subtracted.")
            levels.append(level)
        low, high = self.config.flat_counts_min, self.config.flat_counts_max
        if levels and low is not None and max(levels) < low:
            self._wrong_level = FlatLevelError(max(levels), low, too_low=True)
        elif levels and high is not None and min(levels) > high:
            self._wrong_level = FlatLevelError(min(levels), high, too_low=False)

    # What will not come.

    def _worth_taking(self, image_type: ImageType) -> bool:
        return self.plan.worth_taking(image_type, self.graph.lost)

    def _fail(self, image_type: ImageType, error: Exception) -> None:
        self.journal.fail(str(error))
        self.progress.end(image_type.name, Stage.FAILED)
        self.graph.lose_images(image_type)

    def _lose(self, image_type: ImageType, why: str) -> None:
        self.journal.warn(why)
        self.progress.end(image_type.name, Stage.CANCELLED)
        self.graph.lose_images(image_type)
