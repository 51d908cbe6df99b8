"""Plays a run in which something goes wrong: what the ScriptQueue, the observer and others do."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import yaml
from fault_table_stages import InMemory, OnRepository, Stage
from fault_table_support import Case, Deed, Played
from observatory_support import ON_OBSERVATORY, QuickEventLoop
from soak.stepping import SteppingEventLoop

from lsst.ts.calibscripts.events.events import Certified, Event, ExposureTaken, JobStarted, Verdicted
from lsst.ts.calibscripts.plan import Action
from lsst.ts.calibscripts.record import Record, find_records, read_record, record_directory
from lsst.ts.calibscripts.report.account import question_of
from lsst.ts.calibscripts.report.reading.gathering import judged
from lsst.ts.calibscripts.repository import Repository
from lsst.ts.calibscripts.sal import Domain, Remote
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Queued, ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.tables.products import PRODUCTS
from lsst.ts.calibscripts.testing.clock import JumpingEventLoop
from lsst.ts.calibscripts.verification import Verdict

__all__ = ["play"]

SPEED = 5.0
"""How much faster a run goes where the loop cannot jump."""

SCRIPTS = {
    "LATISS": "auxtel/make_latiss_calibrations.py",
    "LSSTComCam": "maintel/make_comcam_calibrations.py",
    "LSSTCam": "maintel/make_lsstcam_calibrations.py",
}


@cache
def play(case: Case) -> Played:
    """Play a run from beginning to end."""
    problems: list[str] = []
    factory = (
        QuickEventLoop if ON_OBSERVATORY else JumpingEventLoop if case.on_repository else SteppingEventLoop
    )
    with (
        TemporaryDirectory() as directory,
        patch.dict(
            os.environ,
            {
                **_cp_verify(case, Path(directory)),
                "CALIBSCRIPTS_RECORD_DIR": f"{directory}/records",
            },
        ),
        asyncio.Runner(loop_factory=factory) as runner,
    ):
        runner.get_loop().set_exception_handler(
            lambda _, context: problems.append(f"{context['message']}: {context.get('exception')!r}")
        )
        stage = OnRepository(case, Path(directory)) if case.on_repository else InMemory(case)
        return runner.run(_play(case, stage, problems))


def _cp_verify(case: Case, directory: Path) -> dict[str, str]:
    """Install pipelines where others are to be verified than combined images."""
    if not case.verifiers:
        return {}
    pipelines = directory / "cp_verify/pipelines/_ingredients"
    pipelines.mkdir(parents=True)
    for name in ("Bias", "Dark", "Flat", *case.verifiers):
        (pipelines / f"verify{name}.yaml").write_text("description: tests\ntasks:\n  verify: a.Task\n")
    return {"CP_VERIFY_DIR": str(directory / "cp_verify")}


async def _play(case: Case, stage: Stage, problems: list[str]) -> Played:
    log: list[LogLine] = []
    n_configured: list[int] = []
    events: list[Event] = []
    moments = _Moments()
    async with AsyncExitStack() as stack:
        summit = await stack.enter_async_context(stage.summit(stack))
        await stage.begin(stack)
        domain = await stack.enter_async_context(Domain())
        if case.before is not None:
            await case.before(domain)

        def note_state(state: str, reason: str, checkpoint: str) -> None:
            if state == "RUNNING":
                n_configured.append(len(log))
            loop = asyncio.get_running_loop()
            if isinstance(loop, QuickEventLoop):
                # Not before: the remotes take as long to start as they take.
                loop.speed = SPEED if state in ("RUNNING", "PAUSED") else 1.0

        outcome = await ScriptQueue(log.append, note_state).run(
            SCRIPTS[case.instrument],
            yaml.safe_dump({"repo": stage.repo, **case.asked}),
            Queued(stop=case.stop, block_id=case.block_id),
            observers=[events.append, moments.note],
            make=stage.make_script,
            while_running=lambda script: _beside(case, summit, domain, moments, script),
        )
        jobs, images = summit.jobs, len(summit.readouts)
    certified = await asyncio.to_thread(stage.certified)
    records = [read_record(path) for path in find_records(record_directory())]
    judged = await asyncio.to_thread(_judged, stage.reader(), records)
    leaked = asyncio.all_tasks() - {asyncio.current_task()}
    return Played(
        outcome,
        tuple(log),
        tuple(events),
        jobs,
        n_configured[0],
        images,
        certified,
        frozenset(stage.while_in),
        (*map(repr, leaked), *problems),
        judged,
        next(iter(records), None),
    )


def _judged(repository: Repository, records: Iterable[Record]) -> dict[str, Verdict]:
    """Judge the verifications of the run as a report of its record does; nothing of a run without one."""
    found: dict[str, Verdict] = {}
    for record in records:
        question = question_of(repository, record, ())
        names = {detector.id: detector.name for detector in repository.detectors(question.instrument)}
        products = [step.product for step in question.runs if step.action is Action.VERIFY]
        found |= {name: judged(repository, question, PRODUCTS[name], names) for name in products}
    return found


async def _beside(case: Case, summit: Summit, domain: Domain, moments: _Moments, script: Remote) -> None:
    """Do what is done while the script runs."""
    async with asyncio.TaskGroup() as group:
        group.create_task(summit.interrupt(script))
        for deed in case.deeds:
            group.create_task(_do(deed, domain, moments))


async def _do(deed: Deed, domain: Domain, moments: _Moments) -> None:
    await moments.wait(deed.after)
    name, _, index = deed.component.partition(":")
    async with Remote(domain, name, int(index) if index else None, include=[]) as remote:
        for command in deed.commands:
            await getattr(remote, f"cmd_{command}").start(timeout=60.0)


class _Moments:
    """What has happened, in the words of `Deed`."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._events: dict[str, asyncio.Event] = {}

    def note(self, event: Event) -> None:
        match event:
            case ExposureTaken(image_type=name):
                self._taken[name] += 1
                self._of(f"{name} {self._taken[name]} taken").set()
            case JobStarted(step=step):
                self._of(f"{step} started").set()
            case Verdicted(product=name):
                self._of(f"{name} judged").set()
            case Certified(product=name):
                self._of(f"{name} certified").set()

    async def wait(self, moment: str) -> None:
        await self._of(moment).wait()

    def _of(self, moment: str) -> asyncio.Event:
        return self._events.setdefault(moment, asyncio.Event())
