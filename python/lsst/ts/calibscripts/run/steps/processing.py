"""The steps of a run, beside the camera: each begins as soon as what it needs exists, and reports how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from ...errors import (
    CalibScriptsError,
    JobError,
    NotJudgedError,
    RepositoryError,
    VerificationFailedError,
    describe,
)
from ...events.events import Planned, PlannedSet, Stage, StepEnded, StepOutcome
from ...events.images import ImageSet
from ...ground.text import listed
from ...ocps.jobs import ABORTED
from ...plan import Action, Step, StepId
from ...tables.products import ImageType
from ..context import RunContext
from .comparing import compare
from .graph import Graph
from .jobs import last_error_of

__all__ = ["Doing", "Processing", "report_plan"]

Doing: TypeAlias = Callable[[RunContext, Step, Mapping[ImageType, ImageSet]], Awaitable[None]]
"""Does a step with the images of the sets it needs; raises where it did not succeed."""


class Processing:
    """The steps of a run. Reports the plan when it is made, and how each step ended.

    Parameters
    ----------
    context : `RunContext`
        The run.
    doing : mapping [`Action`, `Doing`]
        What does the steps.
    """

    def __init__(self, context: RunContext, doing: Mapping[Action, Doing]) -> None:
        self._context = context
        self._doing = doing
        #: The steps while they run; None before they are started.
        self.graph: Graph[ImageSet] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._comparing: dict[str, asyncio.Task[None]] = {}
        report_plan(context)

    def start(self, tasks: asyncio.TaskGroup) -> Graph[ImageSet]:
        """Start the steps, each waiting for what it needs."""
        self._tasks = tasks
        self.graph = Graph(self._context.plan, self._do, self._done, self._failed, self._cancelled)
        self.graph.start(tasks)
        return self.graph

    async def _do(self, step: Step, images: Mapping[ImageType, ImageSet]) -> None:
        if step.id.action is Action.CERTIFY and step.id.product in self._comparing:
            await self._comparing[step.id.product]
        try:
            await self._doing[step.id.action](self._context, step, images)
        except JobError as error:
            # A job that was aborted did not fail by itself: an error in its log would mislead.
            if error.job_id and error.exit_code != ABORTED:
                error.last_error = await last_error_of(error.job_id)
            if error.job_id and error.exit_code is None and self._context.state.step(step.id).completed:
                # Nobody has said how it ended: it may still run, beside whatever is started again.
                await self._context.ocps.give_up(step.id, error.job_id)
            raise

    def _done(self, step_id: StepId) -> None:
        self._context.journal.report(StepEnded(step_id, StepOutcome.DONE))
        if step_id.action is Action.GENERATE and self._tasks is not None:
            # Beside the jobs that need it: only what is certified must wait for that.
            task = self._tasks.create_task(compare(self._context, step_id.product))
            self._comparing[step_id.product] = task

    def _failed(self, step_id: StepId, error: Exception) -> None:
        """Keep why a step failed, and cancel what must not go on."""
        context, journal = self._context, self._context.journal
        text = str(error)
        if not isinstance(error, CalibScriptsError) or isinstance(error, RepositoryError):
            collection = context.state.step(step_id).collection
            text = f"{step_id}{f' ({collection})' if collection else ''}: {describe(error)}."
        if not isinstance(error, CalibScriptsError):
            journal.log.error(f"{step_id} failed", exc_info=error)
        verdict = isinstance(error, VerificationFailedError)
        if verdict and context.config.on_verification_failure == "warn":
            journal.warn(text)
        else:
            journal.fail(text)
        not_judged = isinstance(error, NotJudgedError)
        journal.report(StepEnded(step_id, StepOutcome.NOT_JUDGED if not_judged else StepOutcome.FAILED, text))
        context.journal.end(step_id.product, Stage.FAILED)
        if (verdict or not_judged) and self.graph is not None:
            self.graph.cancel(context.plan.spoiled(step_id.product))

    def _cancelled(self, step_id: StepId) -> None:
        # A consequence of a failure that has been reported: counted as a cancelled step, not as a warning.
        self._context.journal.log.info(f"{step_id} is cancelled, since something it needs has failed.")
        self._context.journal.report(StepEnded(step_id, StepOutcome.CANCELLED))
        self._context.journal.end(step_id.product, Stage.CANCELLED)

    def note_unfinished(self) -> None:
        """Report steps that were begun, and whose outcome is unknown, as failures, and those that were not begun."""
        graph = self.graph
        if graph is None:
            return
        steps = (step.id for step in self._context.plan.steps)
        left = [step_id for step_id in steps if not graph.is_done(step_id) and step_id not in graph.lost]
        for step_id in filter(graph.has_begun, left):
            self._context.journal.fail(f"{step_id} did not finish; its outcome is unknown.")
        if never := [str(step_id) for step_id in left if not graph.has_begun(step_id)]:
            self._context.journal.fail(f"{listed(never)} {'was' if len(never) == 1 else 'were'} not begun.")


def report_plan(context: RunContext) -> None:
    """Report what a run is to do.

    Parameters
    ----------
    context : `RunContext`
        The run.
    """
    sets = tuple(PlannedSet.of(images) for images in context.plan.sets)
    steps = context.plan.steps
    made_from = {step.id.product: step.reads for step in steps if step.id.action is Action.GENERATE}
    context.journal.report(Planned(sets, tuple(step.id for step in steps), made_from))
