"""The last that is heard of a run: how its steps ended, a checkpoint that says so, the summary and the record."""

from __future__ import annotations

import asyncio
import re

from ..errors import describe
from ..events.summary import RunSummary, headline_of_run, run_summary
from ..ground.text import for_log
from ..record import Recorder
from .context import RunContext
from .processing import Processing
from .summary import summarise

__all__ = ["end"]


async def end(context: RunContext, processing: Processing, record: Recorder | None, ended: str) -> None:
    """Report how a run has ended, and what was done and what was not.

    Parameters
    ----------
    context : `RunContext`
        The run.
    processing : `Processing`
        Its steps.
    record : `Recorder` or `None`
        Its record, None where none is kept.
    ended : `str`
        DONE, STOPPED or FAILED.
    """
    processing.tell_endings()
    try:
        await _pass_last_checkpoint(context, processing, ended)
    except asyncio.CancelledError:
        # Stopped at the last checkpoint: that is the state which the script ends in.
        ended = "STOPPED"
        raise
    finally:
        await _report(context, processing, record, ended)


async def _pass_last_checkpoint(context: RunContext, processing: Processing, ended: str) -> None:
    """Pass a last checkpoint that says how the run ended, where the script can still pass one."""
    headline = headline_of_run(_summary(context, processing, ended))
    if ended == "STOPPED" and re.fullmatch(context.host.checkpoints.pause, headline):
        # Who stops a script does not want it to pause.
        return
    try:
        await context.checkpoints.reach(headline)
    except RuntimeError as error:
        # It was stopped while it was paused or at a checkpoint, or its process is being terminated.
        context.journal.log.debug(f"No last checkpoint: {describe(error)}")


async def _report(context: RunContext, processing: Processing, record: Recorder | None, ended: str) -> None:
    """Log the summary, and end the record."""
    log = context.journal.log
    try:
        text = run_summary(_summary(context, processing, ended))
        log.info(for_log(text, where="the record of this run"))
    finally:
        if record is not None:
            record.end(ended)
            await record.aclose()
            if not record.problem:
                log.info(f"Record of this run: {record.path}")


def _summary(context: RunContext, processing: Processing, ended: str) -> RunSummary:
    name = type(context.host).__name__
    return summarise(name, ended, context.plan, context.results, processing.graph, context.spec.given)
