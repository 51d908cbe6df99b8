"""A calibration that is replaced in its RUN is never certified for the one that was made there and verified."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from in_memory import BIAS_AND_DARK, run_in_memory

from lsst.ts.calibscripts.events.events import Certified, DatasetsMade, Event
from lsst.ts.calibscripts.sal import Remote, ScriptState
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.queue.script_queue import Outcome
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import Behaviour, MemoryButler, reference_calibrations


async def run(product: str, **config: Any) -> tuple[Outcome, list[str], list[Event]]:
    """Run with jobs of a minute each; what was made of a product, of none where it is empty, is replaced
    while it is verified.

    Return how it ended, what was certified, and what happened.
    """
    butler, made, ids = MemoryButler(), asyncio.Event(), dict[str, str]()
    events: list[Event] = []
    reference_calibrations(butler, "LATISS")

    def behave(job: Job) -> Behaviour:
        ids[job.name] = job.job_id
        return Behaviour(60.0)

    def watch(event: Event) -> None:
        events.append(event)
        if isinstance(event, DatasetsMade) and event.step.product == product:
            made.set()

    async def replace_it(_: Summit, __: Remote) -> None:
        if not product:
            return
        await made.wait()
        await asyncio.sleep(1.0)
        run = f"u/ocps/{ids[f'cp{product.title()}']}/run"
        (removed,) = butler.remove(run, product.lower())
        butler.put(product.lower(), run, "LATISS", detector=removed.detector)

    outcome, _, certified = await run_in_memory(
        butler, behave, {**BIAS_AND_DARK, **config}, replace_it, observers=[watch]
    )
    return outcome, certified, events


@pytest.mark.parametrize(("product", "left"), [("BIAS", []), ("DARK", ["bias"])])
async def test_what_was_replaced_since_it_was_made_is_not_certified(product: str, left: list[str]) -> None:
    outcome, certified, _ = await run(product)
    assert outcome.state is ScriptState.FAILED, outcome.reason
    assert certified == left
    assert (
        f"CERTIFY {product} into LATISS/calib/daily failed and nothing of it was certified" in outcome.reason
    )
    assert f"no longer holds the {product.lower()} that the job wrote for detector 0" in outcome.reason


async def test_a_run_keeps_which_datasets_were_made_of_what_is_certified() -> None:
    _, _, events = await run("", n_flat=4, exp_times_flat=1, script_mode="BIAS_DARK_FLAT")
    made = {event.step: event.datasets for event in events if isinstance(event, DatasetsMade)}
    certified = {event.product: event.datasets for event in events if isinstance(event, Certified)}
    assert {*certified} == {"BIAS", "DARK", "FLAT"}
    assert {step.product: ids for step, ids in made.items()} == certified
