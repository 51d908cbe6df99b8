"""The butler is asked in one thread of its own: the event loop, and with it the heartbeat, goes on meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from fault_table_stages import EVENING
from scripts_over import LatissInMemory

from lsst.ts.calibscripts.repository import AwaitableRepository, Certification
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.queue.script_queue import ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import (
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    reference_calibrations,
)

LONG = 60.0
"""Longer than any of these calls takes, seconds."""

BIAS = Certification("BIAS", "LATISS", "bias", "LATISS/calib/daily", "1950-01-01", "2050-01-01", (0,))


class Watched:
    """A repository of which it is known in which threads its methods were called."""

    def __init__(self, repository: MemoryRepository) -> None:
        self._repository = repository
        self.threads: defaultdict[str, set[int]] = defaultdict(set)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._repository, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.threads[name].add(threading.get_ident())
            return method(*args, **kwargs)

        return call


async def test_a_run_asks_the_butler_in_one_thread_that_is_not_the_loops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    butler = MemoryButler()
    reference_calibrations(butler, "LATISS", (0,))
    repository = Watched(MemoryRepository(butler))
    config = {
        "repo": "/repo/LATISS",
        "script_mode": "BIAS_DARK_FLAT",
        "generate_calibrations": True,
        "do_ptc": True,
        "n_bias": 3,
        "n_dark": 3,
        "exp_times_dark": 1,
        "exp_times_flat": [1, 1, 2, 2, 4, 4],
        "flat_counts_min": 1,
        "bias_dark_counts_max": 10,
    }

    make = LatissInMemory.over(repository)

    summit = Summit(
        "memory", ["LATISS"], start=EVENING, ingest=MemoryIngest(butler), runner=MemoryRunner(butler)
    )
    async with summit:
        outcome = await ScriptQueue().run(
            "auxtel/make_latiss_calibrations.py", yaml.safe_dump(config), make=make
        )
    assert outcome.state is ScriptState.DONE, outcome.reason
    before = {"check", "detectors", "conflicts", "missing_collections", "ingested", "exposures", "level"}
    after = {"run_of", "made", "statistics", "residual", "gains", "nominal_gains", "certify"}
    assert repository.threads.keys() >= before | after
    (thread,) = set.union(*repository.threads.values())
    assert thread != threading.get_ident()


class Held(MemoryRepository):
    """A repository whose answers wait until they are let go."""

    def __init__(self) -> None:
        super().__init__(MemoryButler())
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.order: list[str] = []

    def made(self, run: str, dataset_type: str) -> Mapping[int, str]:
        self.order.append(run)
        self.begun.set()
        assert self.let_go.wait(LONG)
        return super().made(run, dataset_type)

    def certify(
        self, wanted: Certification, run: str, may_commit: Callable[[], bool]
    ) -> tuple[str, ...] | None:
        self.begun.set()
        assert self.let_go.wait(LONG)
        return ("committed",) if may_commit() else None


async def test_the_loop_goes_on_while_the_butler_takes_its_time() -> None:
    held = Held()
    repository = AwaitableRepository(held)
    answer = asyncio.create_task(repository.made("u/ocps/1/run", "bias"))
    # Were the call made on the loop, nobody would come to let it go.
    await asyncio.to_thread(held.begun.wait, LONG)
    assert not answer.done()
    held.let_go.set()
    assert await answer == {}
    repository.close()


async def test_calls_are_answered_one_at_a_time_in_the_order_they_come() -> None:
    held = Held()
    repository = AwaitableRepository(held)
    runs = [f"u/ocps/{number}/run" for number in range(5)]
    answers = [asyncio.create_task(repository.made(run, "bias")) for run in runs]
    await asyncio.to_thread(held.begun.wait, LONG)
    assert held.order == runs[:1]
    held.let_go.set()
    await asyncio.gather(*answers)
    assert held.order == runs
    repository.close()


@pytest.mark.parametrize("allowed", [True, False])
async def test_whether_a_certification_may_be_committed_is_asked_in_the_end(allowed: bool) -> None:
    held = Held()
    held.let_go.set()
    repository = AwaitableRepository(held)
    answer = await repository.certify(BIAS, "u/ocps/1/run", lambda: allowed, on_unknown=lambda: None)
    assert answer == (("committed",) if allowed else None)
    repository.close()


async def test_nothing_is_committed_after_the_caller_was_cancelled() -> None:
    held, unknown = Held(), list[None]()
    repository = AwaitableRepository(held)
    certifying = asyncio.create_task(
        repository.certify(BIAS, "u/ocps/1/run", lambda: True, on_unknown=lambda: unknown.append(None))
    )
    await asyncio.to_thread(held.begun.wait, LONG)
    certifying.cancel()
    await asyncio.sleep(0)
    held.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await certifying
    assert not unknown
    repository.close()


async def test_what_is_raised_in_the_thread_is_raised_where_it_is_awaited() -> None:
    repository = AwaitableRepository(MemoryRepository(MemoryButler()))

    def refuse(repository: Any, reason: str) -> None:
        raise ValueError(reason)

    with pytest.raises(ValueError, match="no such RUN"):
        await repository.ask(refuse, "no such RUN")
    repository.close()
