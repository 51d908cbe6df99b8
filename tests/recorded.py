"""Recorded runs on the simulated summit, for the tests of what is made of records."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from astropy.time import Time
from once import made_once
from scripts_over import LatissInMemory

from lsst.ts.calibscripts.auxtel.make_latiss_calibrations import MakeLatissCalibrations
from lsst.ts.calibscripts.config import ConfigValidator, LatissConfig
from lsst.ts.calibscripts.events.events import Event
from lsst.ts.calibscripts.record import DIRECTORY_VARIABLE, About, Record, find_records, read_record
from lsst.ts.calibscripts.summit.butler.rehearsal import make_rehearsal_repository
from lsst.ts.calibscripts.summit.ocps.pipetask import PIPELINES
from lsst.ts.calibscripts.summit.queue.script_queue import Outcome, Queued, ScriptQueue, find_script
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import (
    Behaviour,
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    Verification,
    reference_calibrations,
)

SCRIPT = "auxtel/make_latiss_calibrations.py"
_NUMBERS = itertools.count(1)


def about(given: Mapping[str, Any] | None = None) -> About:
    """Describe a run of LATISS under a configuration."""
    config = ConfigValidator(MakeLatissCalibrations.get_schema(), LatissConfig).validate(given or {})
    return About(SCRIPT, "LATISS", 200_001, dict(given or {}), config, (0,), "group", "BLOCK-T1")


async def recorded_run(
    directory: Path,
    given: Mapping[str, Any],
    *,
    faults: Iterable[str] = (),
    verifications: Mapping[str, Verification] | None = None,
    observers: Iterable[Callable[[Event], None]] = (),
    stop: str = "",
    usual: Behaviour = Behaviour(seconds=5.0),  # noqa: B008 - it is frozen
    repository: type[MemoryRepository] = MemoryRepository,
) -> tuple[Record, Outcome]:
    """Run LATISS' script in memory, and read what was recorded of it."""
    butler = MemoryButler()
    reference_calibrations(butler, "LATISS", (0,), ("bias", "dark", "flat"))

    make = LatissInMemory.over(repository(butler))

    def behave(job: Any) -> Behaviour:
        return replace(usual, verification=(verifications or {}).get(job.name, usual.verification))

    runner = MemoryRunner(butler, behave)
    with _records_in(directory) as new_record:
        async with Summit("memory", ["LATISS"], faults=faults, ingest=MemoryIngest(butler), runner=runner):
            outcome = await ScriptQueue().run(
                SCRIPT, yaml.safe_dump(dict(given)), Queued(stop=stop), observers=observers, make=make
            )
        return new_record(), outcome


@contextmanager
def _records_in(directory: Path) -> Iterator[Callable[[], Record]]:
    """Let scripts record their runs in a directory; gives a function that reads the one record that is new."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(DIRECTORY_VARIABLE, str(directory))
        for variable, package in (("CP_PIPE_DIR", "cp_pipe"), ("CP_VERIFY_DIR", "cp_verify")):
            environment.setenv(variable, str(PIPELINES / package))
        before = set(find_records(directory))

        def new_record() -> Record:
            (path,) = set(find_records(directory)) - before
            return read_record(path)

        yield new_record


def rehearsed_run(
    directory: Path,
    repo: str,
    given: Mapping[str, Any],
    *,
    script: str = SCRIPT,
    faults: Iterable[str] = (),
    seed: int = 20,
    **summit: Any,
) -> Record:
    """Run a script with the real pipetask on a real repository, in real time, and read what was recorded.

    Where a test looks at numbers it gives a ``start``: it decides the exposure ids, and these the noise of frames.
    """
    instrument = str(find_script(script).config_model.instrument.name)

    async def run() -> None:
        async with Summit(repo, [instrument], speed=1000.0, seed=seed, faults=faults, **summit):
            await ScriptQueue().run(script, yaml.safe_dump({**given, "repo": repo}))

    with _records_in(directory) as new_record:
        asyncio.run(run())
        return new_record()


@dataclass(frozen=True)
class Rehearsed:
    """A recorded run of LATISS with everything there is, and its repository."""

    record: Record
    repo: Path


THREE_BIASES = {
    "script_mode": "BIAS",
    "generate_calibrations": True,
    "n_bias": 3,
    "number_verification_tests_threshold_bias": 17,
}
"""The smallest run that certifies: three are too few to pass, unless more amplifiers may fail than a detector has."""

REHEARSED = {
    "generate_calibrations": True,
    "n_bias": 3,
    "n_dark": 3,
    "exp_times_dark": 30,
    "n_flat": 6,
    "exp_times_flat": [1, 1, 3, 3, 5, 5],
    "do_defects": True,
    "do_ptc": True,
    # The longest of these flats are far from the full well that verifyPtc asks for.
    "do_verify_products": False,
    "calib_collection": "LATISS/calib/daily/test",
    # More than a detector has amplifiers: three images are too few to pass otherwise.
    "number_verification_tests_threshold_bias": 17,
    "number_verification_tests_threshold_dark": 17,
}


@cache
def rehearsed_once(directory: Path) -> Rehearsed:
    """Return a run that several modules look into; it is made once, and they only read it."""
    root = made_once(directory, "rehearsed", _rehearse)
    (path,) = find_records(root / "records")
    record = read_record(path)
    assert record.outcome == "DONE", record.state.failures
    return Rehearsed(record, root / "repo")


def _rehearse(root: Path) -> None:
    repo = make_rehearsal_repository(root / "repo", filters=["SDSSr_65mm~empty"], seed=20)
    # All amplifiers of three biases fail their test, and the set passes, so that there is something to look at.
    start = Time("2026-11-26T20:00:00", scale="tai").unix_tai
    rehearsed_run(root / "records", repo, REHEARSED, faults=["noise-two-sided:of=verifyBias"], start=start)
