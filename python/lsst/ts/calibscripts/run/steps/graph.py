"""Runs the graph of steps: each as soon as what it needs exists, cancelled at once when that is lost.

A step never raises out of the graph: what went wrong is reported, steps that depend on it are cancelled, and the
others go on to their ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Generic, TypeVar

from ...plan import Plan, Step, StepId
from ...tables.products import ImageType

__all__ = ["Graph"]

Images = TypeVar("Images")


class Graph(Generic[Images]):
    """The steps of a run while they run.

    Parameters
    ----------
    plan : `Plan`
        Steps and what they need.
    run_step : coroutine function
        Does a step with the images of the sets it needs.
    on_success : callable
        Takes each step that has succeeded.
    on_failure : callable
        Called with each step that raised, with its error, before its dependents are cancelled.
    on_cancelled : callable
        Called with each step that is cancelled.
    """

    def __init__(
        self,
        plan: Plan,
        run_step: Callable[[Step, Mapping[ImageType, Images]], Awaitable[None]],
        on_success: Callable[[StepId], None],
        on_failure: Callable[[StepId, Exception], None],
        on_cancelled: Callable[[StepId], None],
    ) -> None:
        self._plan = plan
        self._run_step = run_step
        self._on_success = on_success
        self._on_failure = on_failure
        self._on_cancelled = on_cancelled
        self._by_urgency = _by_urgency(plan)
        self._images: dict[ImageType, Images] = {}
        self._may_begin: dict[StepId, asyncio.Event] = {step.id: asyncio.Event() for step in plan.steps}
        self._succeeded: set[StepId] = set()
        self._over: set[StepId] = set()
        self._tasks: dict[StepId, asyncio.Task[None]] = {}
        self.failed: set[StepId] = set()
        self.cancelled: set[StepId] = set()

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Start a task for every step; each waits for what its step needs."""
        for step in self._plan.steps:
            self._tasks[step.id] = tasks.create_task(self._run(step), name=str(step.id))
        self._let_begin()

    @property
    def lost(self) -> frozenset[StepId]:
        """Steps that failed or were cancelled."""
        return frozenset(self.failed | self.cancelled)

    def is_done(self, step_id: StepId) -> bool:
        """Return whether this step has succeeded."""
        return step_id in self._succeeded

    def has_begun(self, step_id: StepId) -> bool:
        """Return whether this step had all it needs, so that it was begun."""
        return self._may_begin[step_id].is_set()

    def images_are_there(self, image_type: ImageType, images: Images) -> None:
        """Let the steps that need this set begin."""
        self._images[image_type] = images
        self._let_begin()

    def lose_images(self, image_type: ImageType) -> None:
        """Cancel all steps that need a set that will not come, and those that depend on them."""
        self.cancel(step.id for step in self._plan.steps if image_type in step.images)

    def cancel(self, step_ids: Iterable[StepId]) -> None:
        """Cancel steps, running ones too, unless they have ended, and those that depend on them."""
        going_on = [step_id for step_id in step_ids if not self._has_ended(step_id)]
        # What depends on a cancelled step would wait for ever.
        for step_id in dict.fromkeys([*going_on, *self._plan.dependents(going_on)]):
            if not self._has_ended(step_id):
                self.cancelled.add(step_id)
                self._over.add(step_id)
                self._on_cancelled(step_id)
                self._tasks[step_id].cancel()
        self._let_begin()

    def _has_ended(self, step_id: StepId) -> bool:
        return step_id in self.lost or self.is_done(step_id)

    def _let_begin(self) -> None:
        """Let steps begin that have all they need, the most urgent first: the OCPS may have few workers."""
        for step in self._by_urgency:
            if (
                self._images.keys() >= set(step.images)
                and self._succeeded.issuperset(step.after)
                and self._over.issuperset(step.once_over)
            ):
                self._may_begin[step.id].set()

    async def _run(self, step: Step) -> None:
        try:
            await self._may_begin[step.id].wait()
            await self._run_step(step, {image_type: self._images[image_type] for image_type in step.images})
        except Exception as error:
            # Kept, and raised by the script at its end: independent steps are to finish first.
            self.failed.add(step.id)
            self._on_failure(step.id, error)
            self.cancel(self._plan.dependents([step.id]))
        else:
            self._succeeded.add(step.id)
            self._on_success(step.id)
        # Last: a verdict has cancelled by now what must not go on.
        self._over.add(step.id)
        self._let_begin()


def _by_urgency(plan: Plan) -> list[Step]:
    """Sort steps by the longest chain of jobs that begins with each, counted in the images they process."""
    n_kept = {images.image_type: images.n_kept for images in plan.sets}
    chains: dict[StepId, int] = {}
    for step in reversed(plan.steps):
        later = (chains[other.id] for other in plan.steps if step.id in other.after)
        chains[step.id] = sum(n_kept[image_type] for image_type in step.images) + max(later, default=0)
    return sorted(plan.steps, key=lambda step: chains[step.id], reverse=True)
