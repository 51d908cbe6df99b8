"""A whole run of LATISS with its repository and its jobs in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import yaml
from fault_table_stages import EVENING
from scripts_over import LatissInMemory

from lsst.ts.calibscripts.events.events import Event
from lsst.ts.calibscripts.sal import Remote
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Outcome, ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import (
    Behaviour,
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
)

__all__ = ["BIAS_AND_DARK", "run_in_memory"]

BIAS_AND_DARK: Mapping[str, object] = {
    "script_mode": "BIAS_DARK",
    "n_bias": 4,
    "n_dark": 4,
    "exp_times_dark": 5,
    "generate_calibrations": True,
    "calib_collection": "LATISS/calib/daily",
}
"""Configuration of a run that certifies a bias and a dark."""


async def run_in_memory(
    butler: MemoryButler,
    behave: Callable[[Job], Behaviour],
    config: Mapping[str, object],
    beside: Callable[[Summit, Remote], Awaitable[None]] | None = None,
    *,
    script: type[LatissInMemory] = LatissInMemory,
    observers: Sequence[Callable[[Event], None]] = (),
) -> tuple[Outcome, list[LogLine], list[str]]:
    """Run LATISS on a butler, and return how it ended, its log, and the dataset types it certified, sorted.

    What goes on beside it gets the summit, and the remote of the script.
    """
    log: list[LogLine] = []

    make = script.over(MemoryRepository(butler))

    ingest, runner = MemoryIngest(butler), MemoryRunner(butler, behave)
    async with Summit("memory", ["LATISS"], start=EVENING, ingest=ingest, runner=runner) as summit:
        given = yaml.safe_dump({"repo": "/repo/LATISS", **config})
        outcome = await ScriptQueue(log.append).run(
            "auxtel/make_latiss_calibrations.py",
            given,
            observers=observers,
            make=make,
            while_running=None if beside is None else partial(beside, summit),
        )
    certified = [one.dataset.dataset_type for one in butler.associations("LATISS/calib/daily")]
    return outcome, log, sorted(certified)
