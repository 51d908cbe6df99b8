"""Takes the images of a run, one set after another, and waits beside it for what the OODS says of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from ...errors import ExposureError, FlatLevelError, ImageSetError, NoAnswerError, describe
from ...events.events import Event, ExposureTaken, FlatDarkTaken, Stage, TrialFlatTaken
from ...ground.cancellation import heed_cancellation
from ...ground.text import exposure_range
from ...plan import Exposure, ExposureSet, FlatGoal
from ...preflight.window import LEVELS_LOOKED_AT, Window, read_signal
from ...repository import Signal
from ...tables.products import ImageType
from ..context import RunContext
from .beam import filter_in_beam, filter_problem
from .camera import Camera, Count
from .closing import Closing, Looks
from .flat_search import FlatSearch
from .flat_setup import Looked, warn_of_flat_setup

__all__ = ["Exposing"]

_NOT_NEEDED = "every step that needs them has failed or was cancelled"


@dataclass
class Exposing:
    """Takes the images of a run."""

    context: RunContext  #: The run.
    closing: Closing  #: Waits for the images of each set and examines them.
    tasks: asyncio.TaskGroup  #: Has what goes on beside the camera.
    _wrong_level: FlatLevelError | None = field(default=None, init=False)
    _signals: dict[int, Signal] = field(default_factory=dict, init=False)
    _flat_times: dict[float, None] = field(default_factory=dict, init=False)
    _looks: list[asyncio.Task[None]] = field(default_factory=list, init=False)
    _looked: Looked = field(init=False)
    _camera: Camera = field(init=False)

    def __post_init__(self) -> None:
        self._looked = Looked(self.context, self.tasks)
        self._camera = Camera(self.context, self._looked)

    async def take_images(self) -> None:
        """Take all sets, one after another; never wait for the OODS or for a job."""
        for images in self.context.plan.sets:
            if images.taken:
                self.tasks.create_task(self.closing.adopt(images))
        wanted = [images for images in self.context.plan.sets if not images.taken]
        for index, images in enumerate(wanted):
            if not self._worth_taking(images.image_type):
                why = f"Skipping the {images.image_type.plural}: {_NOT_NEEDED}."
                self.closing.lose(images.image_type, why)
                continue
            try:
                await self._take(images)
            except (ExposureError, FlatLevelError, ImageSetError) as error:
                self.closing.fail(images.image_type, error)
                for lost in wanted[index + 1 :]:
                    self.closing.lose(lost.image_type, f"No {lost.image_type.plural} are taken.")
                return
        try:
            await self._take_flat_darks()
        except (ExposureError, ImageSetError) as error:
            # The sets are complete: their processing goes on.
            self.context.journal.fail(str(error))
            return
        await self.context.checkpoints.reach("All images taken; waiting for their processing")

    async def _take(self, images: ExposureSet) -> None:
        """Take a set, as long as something uses it, and let its processing begin."""
        await self.context.checkpoints.reach(f"Taking {images}")
        image_type = images.image_type
        self.context.journal.advance(image_type.name, Stage.TAKING)
        window = self._window if image_type is ImageType.FLAT else None
        if image_type is ImageType.FLAT:
            await self._check_filter()
            # Nobody waits for a warning.
            self.tasks.create_task(warn_of_flat_setup(self.context))
        search = None if images.goal is None else self._search(images, images.goal)
        for number, planned in enumerate(images.exposures, 1):
            exposure = planned if search is None else await search.timed(planned)
            if not self._worth_taking(image_type):
                self.closing.lose(image_type, f"Skipping the remaining {image_type.plural}: {_NOT_NEEDED}.")
                return
            if self._wrong_level is not None:
                raise self._wrong_level
            if number == len(images.exposures):
                self._look_ahead(images)
            exposure_id = await self._expose(exposure, images, "" if search is None else search.note)
            if image_type is ImageType.FLAT and not exposure.discarded:
                self._flat_times[exposure.exposure_time] = None
            # Before an exposure time is looked for, those that are discarded have only the first guess.
            if window is not None and not (exposure.discarded and images.goal):
                self._looks.append(self.tasks.create_task(self._look_at_level(exposure_id, window)))
            if number == len(images.exposures):
                # Before the wait and the checkpoint: they hold the camera, not the processing.
                self.tasks.create_task(self.closing.wait_for(image_type, self._after_looks))
            await asyncio.sleep(self.context.config.wait_between_exposures)
        kept = self.context.state.sets[image_type].kept
        await self.context.checkpoints.reach(f"Images taken: {image_type.name} {exposure_range(kept)}")

    def _look_ahead(self, images: ExposureSet) -> None:
        """Look beside the last exposure of a set whether those of the next one can be taken."""
        wanted = [each for each in self.context.plan.sets if not each.taken]
        for following in wanted[wanted.index(images) + 1 :][:1]:
            self._looked.begin(following.image_type.name)

    def _search(self, images: ExposureSet, goal: FlatGoal) -> FlatSearch:
        """Return what looks for the exposure times of flats that are to have a level."""

        async def take(seconds: float, note: str) -> int:
            exposure = Exposure(images.image_type, seconds, False)
            return await self._take_one(exposure, note, self._count(images), TrialFlatTaken)

        def wanted() -> bool:
            return self._worth_taking(images.image_type)

        return FlatSearch(self.context, self.closing.arrivals, images, goal, take, wanted)

    async def _expose(self, exposure: Exposure, images: ExposureSet, note: str) -> int:
        """Take one exposure of a set, and return its id."""

        def taken(exposure_id: int, seconds: float) -> Event:
            return ExposureTaken(exposure.image_type, exposure_id, seconds, exposure.discarded)

        return await self._take_one(exposure, note, self._count(images), taken)

    async def _take_flat_darks(self) -> None:
        """Take the darks of the flats' exposure times, unless there are no flats that they could belong to."""
        if self.context.plan.flat_darks is None:
            return
        flats = self.context.state.sets.get(ImageType.FLAT)
        if flats is None or not flats.complete or flats.given_up is not None:
            self.context.journal.warn("Skipping the flat-darks: the flats were not taken, or are given up.")
            return
        # Not those of the plan: flats to a level have other exposure times than were planned.
        times = [time for time in self._flat_times for _ in range(self.context.config.n_flat_dark)]
        await self.context.checkpoints.reach(f"Taking {len(times)} flat-darks")
        for number, seconds in enumerate(times):
            if not self._worth_taking(ImageType.FLAT):
                why = "every step that needs the flats has failed or was cancelled"
                self.context.journal.warn(f"Skipping the remaining flat-darks: {why}.")
                return
            dark = Exposure(ImageType.DARK, seconds, False)
            await self._take_one(dark, "", Count("flat-dark", number, len(times)), FlatDarkTaken)
            await asyncio.sleep(self.context.config.wait_between_exposures)
        taken = exposure_range(self.context.state.flat_darks)
        self.context.journal.log.info(
            f"Flat-darks {taken} are kept for later use: no job of this run reads them."
        )
        await self.context.checkpoints.reach(f"Images taken: flat-darks {taken}")

    def _count(self, images: ExposureSet) -> Count:
        """Return how far the exposures of a set have come."""
        taken = self.context.state.sets[images.image_type].taken
        return Count(images.image_type.name, len(taken), len(images.exposures))

    async def _take_one(
        self,
        exposure: Exposure,
        note: str,
        count: Count,
        taken: Callable[[int, float], Event],
    ) -> int:
        """Take one exposure, report it as an event of its id and exposure time (s), and return its id."""
        exposure_id = await self._camera.expose(exposure, note, count)
        self.context.journal.report(taken(exposure_id, exposure.exposure_time))
        heed_cancellation()
        return exposure_id

    async def _check_filter(self) -> None:
        """Check that the filter has not been changed since it was set up.

        Raises
        ------
        ImageSetError
            If somebody has, or it is not known.
        """
        expected = self.context.state.physical_filter
        if expected is None:
            return
        try:
            in_beam = await filter_in_beam(self.context.host, expected)
        except Exception as error:
            # Whatever a subclass raises: what does not need flats continues.
            heed_cancellation()
            text = f"The filter in the beam is unknown: {describe(error)}. No flats are taken."
            raise ImageSetError(ImageType.FLAT.name, text) from error
        if problem := filter_problem(expected, in_beam):
            text = f"{problem} It was changed after the instrument was set up; no flats are taken."
            raise ImageSetError(ImageType.FLAT.name, text)

    # The level of flats.

    @property
    def _window(self) -> Window | None:
        return Window.of(self.context.config, self.context.spec.instrument)

    async def _look_at_level(self, exposure: int, window: Window) -> None:
        """Read the level of a flat while others are taken; if the first ones are outside the limits, that ends."""
        spec, detector = self.context.spec, min(self.context.spec.detectors)
        found = await self.closing.arrivals.wait([exposure], [detector], spec.config.oods_timeout)
        if not found.exposures:
            return
        signal: Signal | str
        try:
            signal = await self.context.repository.ask(read_signal, spec.instrument, exposure, [detector])
        except NoAnswerError as error:
            signal = describe(error)
        if isinstance(signal, str):
            # Another flat will do; that none can be read is an error once all exist.
            self.context.journal.log.info(f"The level of flat {exposure} could not be read: {signal}.")
            return
        self._signals[exposure] = signal
        first = len(self._signals) <= LEVELS_LOOKED_AT
        self.context.journal.measured(exposure, signal.level, logging.INFO if first else logging.DEBUG)
        if len(self._signals) == LEVELS_LOOKED_AT:
            self._wrong_level = window.wrong([known.level for known in self._signals.values()])

    async def _after_looks(self) -> Looks:
        """Return what the levels of the flats have shown, once they are read."""
        if self._looks:
            await asyncio.wait(self._looks)
        return Looks(self._wrong_level, self._signals)

    def _worth_taking(self, image_type: ImageType) -> bool:
        return self.context.plan.worth_taking(image_type, self.closing.graph.lost)
