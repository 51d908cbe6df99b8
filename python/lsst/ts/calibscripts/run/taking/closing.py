"""Closes the sets of a run: waits for their images, examines them, and has them processed or gives them up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ...errors import CalibScriptsError, ImageSetError, describe
from ...events.events import (
    ExposuresAdopted,
    ExposureTimesRead,
    FilterFound,
    ImageSetClosed,
    SetGivenUp,
    Stage,
    TooFewPairs,
)
from ...events.images import ImageSet
from ...ground.cancellation import LAST_LOOK
from ...ground.text import exposure_range, exposures_of, images_of, listed
from ...ocps.requests import different_times, pairs_of
from ...plan import Action, ExposureSet
from ...preflight.examining import Asked, Examined, Group, examine
from ...preflight.images import existing_set
from ...preflight.window import Window
from ...repository import Signal
from ...tables.products import ImageType
from ..context import RunContext
from ..steps.graph import Graph
from .absences import Absences
from .arrivals import Arrivals

__all__ = ["Closing", "Looks"]

LATE_PERIOD = 5.0
"""How often the butler is asked for images that were announced, seconds: their commit may end after the event."""


@dataclass(frozen=True)
class Looks:
    """What the levels of the flats of a set have shown while it was taken."""

    wrong: CalibScriptsError | None = None  #: Why the set must not be used.
    #: Exposure -> its signal, as far as it was read.
    signals: Mapping[int, Signal] = field(default_factory=dict)


NO_LOOKS = Looks()


@dataclass(frozen=True)
class Closing:
    """Closes the sets of a run."""

    context: RunContext  #: The run.
    arrivals: Arrivals  #: Knows what has arrived in the OODS.
    absences: Absences  #: Finds and reports what has not arrived.
    graph: Graph[ImageSet]  #: Called when the images of a set can be processed, and when they will not come.

    async def adopt(self, images: ExposureSet) -> None:
        """Use exposures that were taken before."""
        self.context.journal.report(ExposuresAdopted(images.image_type, images.taken))
        await self._close(images.image_type)

    async def wait_for(self, image_type: ImageType, looks: Callable[[], Awaitable[Looks]]) -> None:
        """Wait for a set in the OODS, and close it.

        Parameters
        ----------
        looks : coroutine function
            Returns what its levels have shown while it was taken.
        """
        kept, timeout = self.context.state.sets[image_type].kept, self.context.config.oods_timeout
        deadline = asyncio.get_running_loop().time() + timeout
        await self.arrivals.wait(kept, self.context.spec.detectors, timeout)
        await self.absences.look_for(image_type, kept)
        await self._close(image_type, await looks(), deadline)

    async def look_at_the_rest(self) -> None:
        """Examine the sets that a run which is stopped has taken but not closed: what does not fit is not offered."""
        deadline = asyncio.get_running_loop().time() + LAST_LOOK
        for image_type, images in self.context.state.sets.items():
            if not images.begun or images.closed is not None or not images.complete:
                continue
            try:
                async with asyncio.timeout_at(deadline):
                    self._note(image_type, await self._examine(image_type))
            except Exception as error:
                # The run has ended. What was not examined may be refused when it is queued, so it is not offered.
                reason = "no answer" if isinstance(error, TimeoutError) else describe(error)
                self.context.journal.warn(
                    f"The {image_type.plural} {exposure_range(images.kept)} could not be looked up in the butler "
                    f"({reason}), so they are not offered for resuming. Where they are good, name them in exposures."
                )
                self.context.journal.report(
                    ImageSetClosed(image_type, (), self.context.spec.detectors, images.kept)
                )

    def note_taken_back(self) -> None:
        """Report as failures the images that were used, and that the OODS has called bad since then."""
        state = self.context.state
        for image_type, images in state.sets.items():
            if bad := state.taken_back([images]):
                self.context.journal.fail(
                    f"{image_type.name}: the OODS has reported {images_of(bad)} as bad after "
                    f"{'it was' if len(bad) == 1 else 'they were'} used. What was made from these "
                    f"{image_type.plural}, or verified with them, is not to be trusted."
                )

    async def _close(self, image_type: ImageType, looks: Looks = NO_LOOKS, deadline: float = 0.0) -> None:
        """Compare a set with what the butler has of it, and let its processing begin or give it up."""
        try:
            examined = await self._examine_until(image_type, looks.signals, deadline)
        except Exception as error:
            # Of this set nothing can be processed; what does not need it continues.
            text = f"The {image_type.plural} could not be looked up in the butler: {describe(error)}."
            self.fail(image_type, ImageSetError(image_type.name, text))
            return
        if looks.wrong is not None and examined.refused is None:
            examined = examined.refuse(looks.wrong)
        found, images = examined.found, self.context.state.sets[image_type]
        self._note(image_type, examined)
        if examined.refused is not None:
            self.fail(image_type, examined.refused)
            return
        if found.left_out_exposures or found.left_out_detectors:
            self.absences.report(images, found, examined.why)
        if not found.complete:
            self.fail(
                image_type,
                ImageSetError(image_type.name, self.absences.given_up(images, found, examined.why)),
            )
            return
        self._warn(image_type, examined)
        if image_type is ImageType.FLAT:
            self.context.journal.report(FilterFound(examined.physical_filter))
        self.context.journal.advance(image_type.name, Stage.INGESTED)
        self.graph.images_are_there(image_type, found)

    def _warn(self, image_type: ImageType, examined: Examined) -> None:
        """Report what is unknown of images that are used."""
        if examined.other_groups:
            self.context.journal.warn(
                f"In the repository the {image_type.plural} have group id {listed(examined.other_groups)}, none has "
                f"{self.context.host.get_group_id()}: somebody else may have taken them. Check who used the camera "
                "at that time."
            )
        if examined.without_group:
            self.context.journal.warn(
                f"The repository has no group id for {image_type.name} {exposures_of(examined.without_group)}, as it "
                "has for other images of this run: used, though somebody else may have taken what has none."
            )
        for exposure in examined.found.exposures:
            if why := examined.levels.unread.get(exposure):
                self.context.journal.warn(f"The level of flat {exposure} could not be read: {why}.")

    async def _examine_until(
        self, image_type: ImageType, known: Mapping[int, Signal], deadline: float
    ) -> Examined:
        """Examine a set, until a time of the event loop as long as the butler lacks images that were announced."""
        examined = await self._examine(image_type, known)
        if examined.late:
            self.context.journal.log.info(
                f"{image_type.name}: the butler does not have all images yet that were announced."
            )
        while examined.late and not examined.refused and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(LATE_PERIOD)
            examined = await self._examine(image_type, known)
        return examined

    async def _examine(
        self, image_type: ImageType, known: Mapping[int, Signal] = MappingProxyType({})
    ) -> Examined:
        asked = replace(self._asked(image_type), known=known)
        return await self.context.repository.ask(examine, self.context.spec.instrument, asked)

    def _asked(self, image_type: ImageType) -> Asked:
        """Return what the images of a set are to be."""
        spec, state = self.context.spec, self.context.state
        planned = self.context.plan.image_set(image_type)
        if planned is not None and planned.taken:
            return existing_set(spec, planned)
        flats: dict[str, Any] = {}
        if image_type is ImageType.FLAT:
            expected = state.physical_filter
            flats["physical_filter"] = tuple(expected.split("~")) if expected else ()
            flats["window"] = Window.of(spec.config, spec.instrument)
        kept, known = state.sets[image_type].kept, state.times
        times = {exposure: (known[exposure],) for exposure in kept}
        announced = self.arrivals.announced(kept)
        return Asked(
            image_type,
            kept,
            spec.detectors,
            times=times,
            announced=announced,
            group=Group(
                self.context.host.get_group_id().strip(),
                tuple(sorted(state.exposures_taken.difference(kept))),
            ),
            **flats,
        )

    def _note(self, image_type: ImageType, examined: Examined) -> None:
        """Keep what of a set is used."""
        journal = self.context.journal
        journal.report(ExposureTimesRead(tuple(examined.times), tuple(examined.times.values())))
        journal.report(ImageSetClosed.of(image_type, examined.found))
        for exposure, signal in examined.levels.read.items():
            journal.measured(exposure, signal.level, logging.DEBUG)
        if image_type is ImageType.FLAT:
            self._note_pairs(examined.found)

    def _note_pairs(self, flats: ImageSet) -> None:
        """Keep for which steps the flats make too few pairs, also where the run ends before these begin."""
        times = self.context.state.times
        different = different_times(
            pairs_of(flats.exposures, times, self.context.spec.pipelines.pairing), times
        )
        for step in self.context.plan.steps:
            pairs = step.product.pairs
            if step.id.action is Action.GENERATE and pairs is not None and different < pairs.times:
                self.context.journal.report(TooFewPairs(step.id))

    def fail(self, image_type: ImageType, error: CalibScriptsError) -> None:
        """Give a set up, because something failed."""
        self.context.journal.fail(str(error))
        self.context.journal.report(SetGivenUp(image_type, str(error)))
        self.context.journal.end(image_type.name, Stage.FAILED)
        self.graph.lose_images(image_type)

    def lose(self, image_type: ImageType, why: str) -> None:
        """Give a set up, because nothing needs it any more, or because an earlier one failed."""
        self.context.journal.warn(why)
        self.context.journal.report(SetGivenUp(image_type, why))
        self.context.journal.end(image_type.name, Stage.CANCELLED)
        self.graph.lose_images(image_type)
