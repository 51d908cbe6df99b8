"""Plays a scenario: the real script, real simulated components, a butler in memory, and a journal of all of it."""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import re
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from scripts_over import OverRepository
from soak.scenarios import DETECTORS, FILTERS, INTRUDED, Scenario
from soak.stepping import SteppingEventLoop
from soak.story import Committed, Ended, Exposed, Journal, Sent, Story

from lsst.ts.calibscripts.auxtel.make_latiss_calibrations import MakeLatissCalibrations
from lsst.ts.calibscripts.ground.time_range import TimeRange
from lsst.ts.calibscripts.maintel.make_comcam_calibrations import MakeComCamCalibrations
from lsst.ts.calibscripts.repository import ExposureRecord
from lsst.ts.calibscripts.sal import AckError, Domain, Remote, ScriptState
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.tables.instruments import INSTRUMENTS
from lsst.ts.calibscripts.testing.memory import (
    Behaviour,
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    Verification,
    reference_calibrations,
)

__all__ = ["play"]

FINAL = frozenset({ScriptState.DONE, ScriptState.STOPPED, ScriptState.FAILED, ScriptState.CONFIGURE_FAILED})
EVENING, DAY = 1_789_761_600.0, 86_400.0
"""2026-09-18T20:00:00 TAI, so that exposures have the same ids whenever the runs are played, and a day, seconds."""

LIMIT = 50_000.0
"""Seconds after which a run has not ended."""


class _OnStage(OverRepository):
    """A script whose repository is in memory, and whose schema is made once for all runs."""

    @classmethod
    @functools.cache
    def get_schema(cls) -> dict[str, Any]:
        schema: dict[str, Any] = super().get_schema()  # type: ignore[misc]
        return schema


class LatissScript(_OnStage, MakeLatissCalibrations):
    """LATISS on stage."""


class ComCamScript(_OnStage, MakeComCamCalibrations):
    """LSSTComCam on stage."""


_SCRIPTS: dict[str, Callable[[int], Any]] = {"LATISS": LatissScript, "LSSTComCam": ComCamScript}
_INDICES = itertools.count(200_001)


def play(
    scenario: Scenario,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    *,
    after: Story | None = None,
) -> Story:
    """Play a scenario from beginning to end; ``after`` another one, a day later in the same repository."""
    factory = loop_factory or (lambda: SteppingEventLoop(scenario.latency))
    problems: list[str] = []
    # What earlier runs have found of the flats must not decide how this one goes.
    with (
        TemporaryDirectory() as records,
        pytest.MonkeyPatch.context() as environment,
        asyncio.Runner(loop_factory=factory) as runner,
    ):
        environment.setenv("CALIBSCRIPTS_RECORD_DIR", records)
        loop = runner.get_loop()
        loop.set_exception_handler(
            lambda _, context: problems.append(f"{context['message']}: {context.get('exception')!r}")
        )
        story = runner.run(_play(scenario, problems, after))
    return story


async def _play(scenario: Scenario, problems: list[str], after: Story | None) -> Story:
    loop = asyncio.get_running_loop()
    journal = Journal(loop)
    script = _SCRIPTS[scenario.instrument](next(_INDICES))
    butler = _butler(scenario) if after is None else after.butler
    collections = frozenset(butler.collections)
    butler.on_certified = lambda associations: journal.note(
        Committed(associations, ScriptState(script.state.state))
    )
    hold_up = getattr(loop, "hold_up", lambda seconds: None)
    script.repository = MemoryRepository(butler, scenario.troubles, hold_up)
    script.observers.append(journal.note)
    async with AsyncExitStack() as stack:
        summit = await stack.enter_async_context(
            Summit(
                "memory",
                [scenario.instrument],
                faults=scenario.summit_faults(),
                detectors=DETECTORS,
                start=EVENING if after is None else EVENING + DAY,
                ingest=MemoryIngest(butler, scenario.alterations),
                runner=MemoryRunner(butler, lambda job: _behave(scenario, job)),
                on_job=journal.note,
            )
        )
        domain = await stack.enter_async_context(Domain())
        await _make_unready(scenario, domain)
        stack.push_async_callback(script.close)
        await _watch_camera(domain, scenario.instrument, journal)
        began = loop.time()
        state, reason = await _drive(scenario, script, domain, journal, butler)
        journal.note(Ended(state, reason))
        at_end, ended = summit.jobs, loop.time()
        await script.done_task
        await asyncio.sleep(20.0)
        jobs = summit.jobs
    await asyncio.sleep(0.1)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    leaked = [*(f"task {task!r}" for task in tasks), *problems]
    return Story(
        scenario,
        entries=tuple(journal.entries),
        state=state,
        reason=reason,
        jobs_at_end=at_end,
        jobs=jobs,
        began=began,
        ended=ended,
        collections=collections,
        butler=butler,
        leaked=tuple(leaked),
    )


def _butler(scenario: Scenario) -> MemoryButler:
    """Make the butler as the script finds it."""
    butler, instrument = MemoryButler(), scenario.instrument
    reference_calibrations(butler, instrument, DETECTORS, scenario.references)
    if scenario.age is not None:
        butler.written = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=scenario.age)
    for dataset_type, (begin, end) in scenario.present.items():
        _certify(butler, scenario, dataset_type, begin, end)
    raws = INSTRUMENTS[instrument].raw_collection
    for exposure, earlier in scenario.earlier.items():
        record = ExposureRecord(exposure, earlier.image_type, earlier.exposure_time, earlier.physical_filter)
        butler.add_exposure(instrument, record)
        for detector in earlier.detectors:
            butler.put("raw", raws, instrument, detector=detector, exposure=exposure, value=earlier.level)
    return butler


def _certify(butler: MemoryButler, scenario: Scenario, dataset_type: str, begin: str, end: str) -> None:
    """Certify something that is not ours."""
    record = INSTRUMENTS[scenario.instrument]
    physical_filter = next(iter(FILTERS[scenario.instrument].values()))
    datasets = [
        butler.put(
            dataset_type,
            "somebody/else",
            scenario.instrument,
            detector=detector,
            physical_filter=physical_filter if dataset_type == "flat" else None,
        )
        for detector in DETECTORS
    ]
    butler.certify(record.daily_collection, datasets, TimeRange.of(begin, end))


def _behave(scenario: Scenario, job: Job) -> Behaviour:
    return Behaviour(
        seconds=scenario.job_seconds.get(job.name, 5.0),
        writes_not=scenario.writes_not.get(job.name, frozenset()),
        verification=scenario.verifications.get(job.name, Verification.PASSES),
        certified_first=scenario.certified_first(job),
        shift=scenario.shifts.get(job.name, 0.0),
    )


async def _make_unready(scenario: Scenario, domain: Domain) -> None:
    """Close the shutter of the lamp, or turn the dome away from the screen."""
    match scenario.unready:
        case "shutter":
            async with Remote(domain, "ATWhiteLight") as light:
                await light.cmd_closeShutter.start(timeout=60.0)
        case "dome":
            async with Remote(domain, "ATDome") as dome:
                await dome.cmd_moveAzimuth.set_start(azimuth=285.0, timeout=60.0)
                await asyncio.sleep(60.0)


async def _watch_camera(domain: Domain, instrument: str, journal: Journal) -> None:
    events = ("startIntegration", "endReadout")
    camera = Remote(domain, INSTRUMENTS[instrument].components.camera, readonly=True, include=events)
    await camera.start_task
    for event in events:
        getattr(camera, f"evt_{event}").callback = _noting(journal, event == "endReadout")


def _noting(journal: Journal, ended: bool) -> Callable[[Any], Any]:
    seen: set[str] = set()

    async def note(data: Any) -> None:
        keys = dict(
            zip(data.additionalKeys.split(":"), re.split(r"(?<!\\):", data.additionalValues), strict=False)
        )
        _, _, day, number = data.imageName.split("_")
        # A camera that tells the name of an image once more has not taken that image once more.
        if keys.get("imageType") and data.imageName not in seen:
            seen.add(data.imageName)
            journal.note(Exposed(int(day) * 100_000 + int(number), keys["imageType"], ended))

    return note


async def _drive(
    scenario: Scenario, script: Any, domain: Domain, journal: Journal, butler: MemoryButler
) -> tuple[ScriptState, str]:
    """Do with the script what the ScriptQueue and the operator do; give final state and reason."""
    remote = Remote(domain, "Script", script.salinfo.index)
    await asyncio.gather(script.start_task, remote.start_task)
    ended = asyncio.Event()
    last: list[tuple[ScriptState, str]] = [(ScriptState.UNKNOWN, "")]

    async def state(data: Any) -> None:
        if ended.is_set():
            return
        last[0] = ScriptState(data.state), str(data.reason)
        journal.note(last[0][0])
        if last[0][0] in FINAL:
            ended.set()
        if last[0][0] is ScriptState.PAUSED:
            others.append(asyncio.create_task(_resume(remote, scenario.operator.resume_after)))

    async def log(data: Any) -> None:
        journal.note(LogLine(int(data.level), str(data.message)))

    others: list[asyncio.Task[None]] = []
    remote.evt_state.callback, remote.evt_logMessage.callback = state, log
    others += [
        asyncio.create_task(_command(scenario, remote)),
        asyncio.create_task(_operate(scenario, script, remote, journal)),
        asyncio.create_task(_intrude(scenario, journal, butler)),
        asyncio.create_task(_change_filter(scenario, domain, journal)),
    ]
    waiting = [asyncio.create_task(ended.wait()), asyncio.ensure_future(asyncio.shield(script.done_task))]
    done, _ = await asyncio.wait(waiting, timeout=LIMIT, return_when=asyncio.FIRST_COMPLETED)
    if not ended.is_set() and script.done_task.done():
        # Ended by a signal: what amain does then.
        await script.close()
    for task in [*others, *waiting]:
        task.cancel()
    await asyncio.wait([*others, *waiting])
    assert done, "the run did not end"
    return last[0] if ended.is_set() else (ScriptState.UNKNOWN, "")


async def _command(scenario: Scenario, remote: Remote) -> None:
    try:
        await remote.cmd_configure.set_start(
            config=yaml.safe_dump(dict(scenario.config)),
            stopCheckpoint=scenario.operator.stop_checkpoint,
            pauseCheckpoint=scenario.operator.pause_checkpoint,
            logLevel=logging.INFO,
            timeout=60.0,
        )
        await remote.cmd_setGroupId.set_start(groupId="2026-09-18T20:00:00.000", timeout=60.0)
        await remote.cmd_run.start(timeout=LIMIT)
    except AckError:
        # The final state tells why.
        pass


async def _resume(remote: Remote, delay: float) -> None:
    await asyncio.sleep(delay)
    # It may have been stopped in the meantime.
    with suppress(AckError):
        await remote.cmd_resume.start(timeout=60.0)


async def _operate(scenario: Scenario, script: Any, remote: Remote, journal: Journal) -> None:
    operator = scenario.operator
    if not operator.stop:
        return
    await journal.reaches(operator.at, operator.after)
    await asyncio.sleep(operator.delay)
    journal.note(Sent(operator.stop))
    if operator.stop == "signal":
        script.signal_handler()
        return
    # It may have ended already.
    with suppress(AckError):
        await remote.cmd_stop.start(timeout=LIMIT)


async def _intrude(scenario: Scenario, journal: Journal, butler: MemoryButler) -> None:
    intruder = scenario.intruder
    if intruder is None:
        return
    await journal.reaches(intruder.at)
    _certify(butler, scenario, intruder.dataset_type, *INTRUDED)


async def _change_filter(scenario: Scenario, domain: Domain, journal: Journal) -> None:
    change = scenario.filter_change
    if change is None:
        return
    usual, other = FILTERS[scenario.instrument]
    await journal.reaches(change.number, f"{change.after} taken")
    await _put_into_beam(scenario.instrument, other, domain)
    if change.back_after is not None:
        await asyncio.sleep(change.back_after)
        await _put_into_beam(scenario.instrument, usual, domain)


async def _put_into_beam(instrument: str, name: str, domain: Domain) -> None:
    """Change the filter as soon as the camera is not busy."""
    component, command, fields = {
        "LATISS": ("ATSpectrograph", "changeFilter", {"filter": 0}),
        "LSSTComCam": ("CCCamera", "setFilter", {}),
    }[instrument]
    remote = Remote(domain, component, readonly=False, include=())
    await remote.start_task
    while True:
        with suppress(AckError):
            await getattr(remote, f"cmd_{command}").set_start(name=name, timeout=60.0, **fields)
            return
        await asyncio.sleep(0.01)
