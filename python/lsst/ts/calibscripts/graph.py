"""Runs the graph of steps: each as soon as what it needs is there, cancelled at once when that is lost.

A step never raises out of the graph: what went wrong is told, steps that depend on it are cancelled, and the
others go on to their ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Generic, TypeVar

from .plan import Plan, Step, StepId
from .products import ImageType

__all__ = ["Graph"]

Images = TypeVar("Images")


class Graph(Generic[Images]):
    """The steps of a run while they run.

    Parameters
    ----------
    plan : `Plan`
        Steps and what they need.
    run_step : coroutine function
        Does a step, given the images of the sets it needs.
    on_failure : callable
        Is told each step that raised, with its error, before its dependents are cancelled.
    on_cancelled : callable
        Is told each step that is cancelled.
    """

    def __init__(
        self,
        plan: Plan,
        run_step: Callable[[Step, Mapping[ImageType, Images]], Awaitable[None]],
        on_failure: Callable[[StepId, Exception], None],
        on_cancelled: Callable[[StepId], None],
    ) -> None:
        self._plan = plan
        self._run_step = run_step
        self._on_failure = on_failure
        self._on_cancelled = on_cancelled
        self._images: dict[ImageType, asyncio.Future[Images]] = {}
        self._succeeded: dict[StepId, asyncio.Event] = {step.id: asyncio.Event() for step in plan.steps}
        self._over: dict[StepId, asyncio.Event] = {step.id: asyncio.Event() for step in plan.steps}
        self._tasks: dict[StepId, asyncio.Task[None]] = {}
        self.failed: set[StepId] = set()
        self.cancelled: set[StepId] = set()

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Start a task for every step; each waits for what its step needs."""
        loop = asyncio.get_running_loop()
        self._images = {images.image_type: loop.create_future() for images in self._plan.sets}
        for step in self._plan.steps:
            self._tasks[step.id] = tasks.create_task(self._run(step), name=str(step.id))

    @property
    def lost(self) -> frozenset[StepId]:
        """Steps that failed or were cancelled."""
        return frozenset(self.failed | self.cancelled)

    def is_done(self, step_id: StepId) -> bool:
        """Has this step succeeded?"""
        return step_id in self._succeeded and self._succeeded[step_id].is_set()

    def images_are_there(self, image_type: ImageType, images: Images) -> None:
        """Let the steps that need this set begin."""
        self._images[image_type].set_result(images)

    def lose_images(self, image_type: ImageType) -> None:
        """Cancel all steps that need a set that will not come, and those that depend on them."""
        needy = [step.id for step in self._plan.steps if image_type in step.images]
        self.cancel([*needy, *self._plan.dependents(needy)])

    def cancel(self, step_ids: Iterable[StepId]) -> None:
        """Cancel steps, running ones too, unless they have ended."""
        for step_id in step_ids:
            if step_id not in self.lost and not self.is_done(step_id):
                self.cancelled.add(step_id)
                self._over[step_id].set()
                self._on_cancelled(step_id)
                self._tasks[step_id].cancel()

    async def _run(self, step: Step) -> None:
        try:
            images = {
                image_type: await asyncio.shield(self._images[image_type]) for image_type in step.images
            }
            for earlier in step.after:
                await self._succeeded[earlier].wait()
            for earlier in step.once_over:
                await self._over[earlier].wait()
            await self._run_step(step, images)
        except Exception as error:
            # Kept, and raised by the script at its end: independent steps are to finish first.
            self.failed.add(step.id)
            self._on_failure(step.id, error)
            self.cancel(self._plan.dependents([step.id]))
        else:
            self._succeeded[step.id].set()
        # Last: a verdict has cancelled by now what must not go on.
        self._over[step.id].set()
