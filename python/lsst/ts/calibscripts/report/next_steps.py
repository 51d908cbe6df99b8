"""A recorded run -> what to do next. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..record import Record, is_complete, resume_configuration

__all__ = ["next_steps"]


def next_steps(record: Record) -> tuple[str, ...]:
    """Report what to do after a run.

    Parameters
    ----------
    record : `Record`
        The run.
    """
    return tuple(_next_steps(record))


def _next_steps(record: Record) -> Iterator[str]:
    failed = {
        name: verdict for name, verdict in record.verdicts.items() if verdict.judged and not verdict.passed
    }
    for name, verdict in failed.items():
        yield (
            f"{name}: look at the failed tests in {verdict.collection}, and at the images, before it is taken again."
        )
    if record.ended is None:
        yield "The record has no end: the script still runs, or it was killed. Check in LOVE whether it still runs."
    elif record.failures and not failed and not record.certified:
        yield "Fix the failures listed above, then queue the script or its BLOCK again."
    if not is_complete(record) and not failed and resume_configuration(record).get("exposures"):
        yield (
            "To go on with the images that exist, queue the script with the configuration under "
            "“The configuration that goes on where the run ended”."
        )
