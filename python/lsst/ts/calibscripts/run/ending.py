"""The last that is heard of a run: a checkpoint that says how it ended, the summary and the record."""

from __future__ import annotations

import asyncio
import re

from ..errors import describe
from ..events.events import Ended, RunOutcome
from ..events.folding import fold
from ..events.summary import headline_of_run, run_summary
from ..ground.cancellation import LAST_LOOK
from ..ground.text import for_log
from ..record import Recorder
from .context import RunContext
from .host import script_name

__all__ = ["end"]


async def end(context: RunContext, record: Recorder | None, ended: RunOutcome) -> None:
    """Report how a run has ended, and what was done and what was not.

    Parameters
    ----------
    record : `Recorder` or `None`
        Its record, None where none is kept.
    ended : `RunOutcome`
        DONE, STOPPED or FAILED.
    """
    try:
        await _pass_last_checkpoint(context, ended)
    except asyncio.CancelledError:
        # Stopped at the last checkpoint: that is the state which the script ends in.
        ended = RunOutcome.STOPPED
        raise
    finally:
        await _report(context, record, ended)


async def _pass_last_checkpoint(context: RunContext, ended: RunOutcome) -> None:
    """Pass a last checkpoint that says how the run ended, where the script can still pass one."""
    # It has not ended yet: it may still be stopped here.
    headline = headline_of_run(fold(context.state, Ended(ended)))
    if ended is RunOutcome.STOPPED and re.fullmatch(context.host.checkpoints.pause, headline):
        # Who stops a script does not want it to pause.
        return
    try:
        await context.checkpoints.reach(headline)
    except RuntimeError as error:
        # It was stopped while it was paused or at a checkpoint, or its process is being terminated.
        context.journal.log.debug(f"No last checkpoint: {describe(error)}")


async def _report(context: RunContext, record: Recorder | None, ended: RunOutcome) -> None:
    """End the record, and log the summary."""
    log = context.journal.log
    try:
        context.journal.report(Ended(ended))
        text = run_summary(context.state, script_name(context.host), context.spec.given)
        log.info(for_log(text, where="the record of this run"))
    finally:
        if record is not None:
            # A stop must not take longer than the ScriptQueue waits.
            await (record.aclose(LAST_LOOK) if ended is RunOutcome.STOPPED else record.aclose())
            if not record.problem:
                log.info(f"Record of this run: {record.path}")
