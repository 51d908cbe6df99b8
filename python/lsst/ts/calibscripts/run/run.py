"""One run of a script: how its parts come together, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

from ..errors import PreconditionError, RunFailedError, describe
from ..events.events import RunOutcome
from ..ground.threads import responsive_loop
from ..ocps.client import Ocps
from ..plan import Action
from ..record import About, Recorder, open_record
from ..repository import AwaitableRepository
from ..sal import ExpectedError, RemoteGroup
from . import opening
from .checkpoints import Checkpoints
from .context import RunContext
from .ending import end
from .host import Host, script_name
from .journal import Journal
from .steps.processing import Doing, Processing, report_plan
from .taking.absences import Absences
from .taking.arrivals import Arrivals, detector_finder
from .taking.closing import Closing
from .taking.exposing import Exposing
from .taking.watching import watch_components

__all__ = ["Run"]


class _ReportedFailureError(RunFailedError, ExpectedError):
    """What salobj logs no traceback of: every failure has been reported already."""


class Run:
    """One run of a script, for ``async with``: however that is left, it is reported what was done and what was not.

    Parameters
    ----------
    host : `Host`
        The configured script.

    Notes
    -----
    Errors that are left to it are reported, and raised as one `RunFailedError` with a sentence for each failure.
    """

    def __init__(self, host: Host) -> None:
        observers = list(host.observers)
        journal = Journal(host.log, observers)
        self._record: Recorder | None = None
        if host.spec.config.record:
            self._record = _open_record(host, journal)
            observers.append(self._record)
        for warning in host.spec.warnings:
            journal.keep_warning(warning)
        self._context = RunContext(
            host=host,
            spec=host.spec,
            repository=AwaitableRepository(host.make_repository(host.spec.config.repo)),
            ocps=Ocps(host.ocps, host.log, journal.report, journal.warn, _remotes(host.camera)),
            journal=journal,
            checkpoints=Checkpoints(host),
            record=self._record.name if self._record else "",
        )
        self._processing: Processing | None = None
        self._closing: Closing | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        ended = RunOutcome.FAILED
        try:
            match error:
                case None:
                    self._conclude()
                    ended = RunOutcome.DONE
                case asyncio.CancelledError():
                    ended = RunOutcome.STOPPED
                case PreconditionError() | RunFailedError():
                    # Its failures have been reported.
                    pass
                case Exception():
                    self._fail(error)
                    self._conclude()
        finally:
            # Not in the script's cleanup(): one that is terminated by a signal never calls that.
            await self._close(ended)

    # What the script does, in this order.

    async def check(self) -> None:
        """Check everything that can be seen before the first exposure.

        Raises
        ------
        PreconditionError
            If something is wrong; the text has a sentence for each problem.
        """
        self._context = await opening.check(self._context)

    async def set_up_instrument(self) -> None:
        """Set filter and the like once, before the images.

        Raises
        ------
        PreconditionError
            If that fails.
        """
        await opening.set_up_instrument(self._context)

    @asynccontextmanager
    async def processing(self, *, generate: Doing, verify: Doing, certify: Doing) -> AsyncIterator[Exposing]:
        """Process images beside the camera, each step as soon as what it needs exists; wait for all at the end.

        Parameters
        ----------
        generate, verify, certify : `Doing`
            What does the steps of a product.

        Yields
        ------
        `Exposing`
            Takes the images.
        """
        doing = {Action.GENERATE: generate, Action.VERIFY: verify, Action.CERTIFY: certify}
        # Middleware and butler are loaded by now.
        with responsive_loop():
            async with asyncio.TaskGroup() as tasks:
                self._processing = Processing(self._context, doing)
                graph = self._processing.start(tasks)
                context = self._context
                find = detector_finder(context.found.detectors, context.detectors, context.host.n_detectors)
                prefix = context.config.instrument.prefix if context.config.instrument else None
                arrivals = Arrivals(find, context.detectors, context.journal.report, prefix)
                context.host.image_in_oods.callback = arrivals.note
                self._closing = Closing(context, arrivals, Absences(context, arrivals), graph)
                watch = tasks.create_task(watch_components(context))
                yield Exposing(context, self._closing, tasks)
                watch.cancel()

    # The end.

    def _fail(self, error: Exception) -> None:
        """Keep unexpected errors, each as a sentence; tracebacks are for whoever fixes them."""
        if isinstance(error, ExceptionGroup):
            for each in error.exceptions:
                self._fail(each)
            return
        self._context.journal.log.error("Unexpected error", exc_info=error)
        self._context.journal.fail(f"Unexpected {type(error).__name__}: {describe(error)}.")

    def _conclude(self) -> None:
        """Raise everything that went wrong, if something did."""
        if self._processing is not None:
            self._processing.note_unfinished()
        if self._closing is not None:
            self._closing.note_taken_back()
        if failures := self._context.state.failures:
            raise _ReportedFailureError(failures)

    async def _close(self, ended: RunOutcome) -> None:
        """Return the event callbacks and the thread, and report what was done and what was not."""
        context = self._context
        context.host.image_in_oods.callback = None
        context.ocps.close()
        try:
            if self._closing is not None:
                await self._closing.look_at_the_rest()
        finally:
            context.repository.close()
            if self._processing is None:
                # What was to be done is known to the record, too, where nothing of it has begun.
                report_plan(context)
            await end(context, self._record, ended)


def _remotes(group: RemoteGroup) -> list[Any]:
    """Return the remotes of a group; one that was made for some use may lack some."""
    return [remote for remote in vars(group.rem).values() if remote is not None]


def _open_record(host: Host, journal: Journal) -> Recorder:
    """Begin the record of a run; that it cannot be written is a warning."""
    spec = host.spec
    about = About(
        script=script_name(host),
        instrument=host.instrument_name,
        index=int(host.salinfo.index),
        given=dict(spec.given),
        config=spec.config.model_dump(mode="json"),
        detectors=spec.detectors,
        group_id=str(host.group_id),
        obs_id=str(host.obs_id),
    )
    return open_record(about, warn=journal.warn, clock=asyncio.get_running_loop().time)
