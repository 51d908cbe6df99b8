"""Closes the sets of a run: waits for their images, examines them, and has them processed or gives them up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..config import CalibrationsConfig
from ..errors import CalibScriptsError, ImageSetError, describe
from ..events.events import Progress, Stage
from ..events.images import ImageSet, closing
from ..ground.text import exposure_range
from ..plan import ExposureSet
from ..preflight.examining import Asked, Examined, examine
from ..preflight.images import existing_set
from ..preflight.window import Window
from ..run.arrivals import Arrivals
from ..tables.products import ImageType
from .absences import Absences
from .executing import Graph
from .results import Journal, Results, Taken

if TYPE_CHECKING:
    from .opening import Opening

__all__ = ["Closing"]

LAST_LOOK_TIMEOUT = 3.0
"""Longest look at the sets of a run that is stopped, seconds: the ScriptQueue waits 10 s for its end."""


@dataclass(frozen=True)
class Closing:
    """Closes the sets of a run.

    Attributes
    ----------
    opening : `Opening`
        Knows the instrument and the detectors asked for.
    config : `CalibrationsConfig`
        Configuration.
    arrivals : `Arrivals`
        Knows what has arrived in the OODS.
    absences : `Absences`
        Finds and reports what has not arrived; has the butler and its thread.
    graph : `Graph`
        Called when the images of a set can be processed, and when they will not come.
    progress : `Progress`
        Stages of the products.
    journal : `Journal`
        Takes what happens.
    results : `Results`
        What has been done so far.
    """

    opening: Opening
    config: CalibrationsConfig
    arrivals: Arrivals
    absences: Absences
    graph: Graph[ImageSet]
    progress: Progress
    journal: Journal
    results: Results

    async def adopt(self, images: ExposureSet) -> None:
        """Use exposures that were taken before."""
        self.results.taken[images.image_type] = Taken(images, list(images.taken))
        await self._close(images.image_type)

    async def wait_for(
        self, image_type: ImageType, looks: Callable[[], Awaitable[CalibScriptsError | None]]
    ) -> None:
        """Wait for a set in the OODS, and close it.

        Parameters
        ----------
        image_type : `ImageType`
            The set.
        looks : coroutine function
            Returns why the set must not be used, as far as that showed while it was taken.
        """
        kept = self.results.taken[image_type].kept
        await self.arrivals.wait(kept, tuple(self.opening.detectors), self.config.oods_timeout)
        await self.absences.look_for(image_type, kept)
        await self._close(image_type, await looks())

    async def look_at_the_rest(self) -> None:
        """Examine the sets that a run which is stopped has taken but not closed: what does not fit is not offered."""
        for image_type, taken in self.results.taken.items():
            if image_type in self.results.images or len(taken.kept) < taken.images.n_kept:
                continue
            try:
                async with asyncio.timeout(LAST_LOOK_TIMEOUT):
                    self._note(image_type, await self._examine(image_type))
            except Exception as error:
                # The run has ended. What was not examined may be refused when it is queued, so it is not offered.
                reason = "no answer" if isinstance(error, TimeoutError) else describe(error)
                self.journal.warn(
                    f"The {image_type.plural} {exposure_range(taken.kept)} could not be looked up in the butler "
                    f"({reason}), so they are not offered to go on with. Where they are good, name them in exposures."
                )
                found = ImageSet((), tuple(self.opening.detectors), taken.kept, ())
                self.results.images[image_type] = found
                self.journal.tell(closing(image_type, found))

    async def _close(self, image_type: ImageType, wrong: CalibScriptsError | None = None) -> None:
        """Compare a set with what the butler has of it, and let its processing begin or give it up."""
        try:
            examined = await self._examine(image_type)
        except Exception as error:
            # Of this set nothing can be processed; what does not need it continues.
            text = f"The {image_type.plural} could not be looked up in the butler: {describe(error)}."
            self.fail(image_type, ImageSetError(image_type.name, text))
            return
        if wrong is not None and examined.refused is None:
            examined = examined.refuse(wrong)
        found, taken = examined.found, self.results.taken[image_type]
        self._note(image_type, examined)
        if examined.refused is not None:
            self.fail(image_type, examined.refused)
            return
        if found.left_out_exposures or found.left_out_detectors:
            self.absences.report(taken, found, examined.why)
        if not found.complete:
            self.fail(
                image_type, ImageSetError(image_type.name, self.absences.given_up(taken, found, examined.why))
            )
            return
        for exposure, why in examined.levels.unread.items():
            self.journal.warn(f"The level of flat {exposure} could not be read: {why}.")
        if image_type is ImageType.FLAT:
            self.results.physical_filter = examined.physical_filter
        self.progress.advance(image_type.name, Stage.INGESTED)
        self.graph.images_are_there(image_type, found)

    async def _examine(self, image_type: ImageType) -> Examined:
        where = self.absences.repository, self.absences.instrument
        return await self.absences.thread(examine, *where, self._asked(image_type))

    def _asked(self, image_type: ImageType) -> Asked:
        """Return what the images of a set are to be."""
        taken, detectors = self.results.taken[image_type], tuple(self.opening.detectors)
        if taken.images.taken:
            return existing_set(self.config, taken.images, self.absences.instrument, detectors)
        flats: dict[str, Any] = {}
        if image_type is ImageType.FLAT:
            expected = self.results.physical_filter
            flats["physical_filter"] = tuple(expected.split("~")) if expected else ()
            flats["window"] = Window.of(self.config, self.absences.instrument)
        times = {exposure: (self.results.times[exposure],) for exposure in taken.kept}
        return Asked(image_type, taken.kept, detectors, times=times, **flats)

    def _note(self, image_type: ImageType, examined: Examined) -> None:
        """Keep what of a set is used."""
        self.results.images[image_type] = examined.found
        self.results.times.update(examined.times)
        self.journal.tell(closing(image_type, examined.found))
        for exposure, level in examined.levels.read.items():
            self.journal.measured(exposure, level)

    def fail(self, image_type: ImageType, error: CalibScriptsError) -> None:
        """Give a set up, because something failed."""
        self.journal.fail(str(error))
        self.progress.end(image_type.name, Stage.FAILED)
        self.graph.lose_images(image_type)

    def lose(self, image_type: ImageType, why: str) -> None:
        """Give a set up, because nothing needs it any more, or because an earlier one failed."""
        self.journal.warn(why)
        self.progress.end(image_type.name, Stage.CANCELLED)
        self.graph.lose_images(image_type)
