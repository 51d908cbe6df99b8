"""What somebody decides against while a run works is not certified by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from in_memory import BIAS_AND_DARK
from recorded import recorded_run

from lsst.ts.calibscripts.decisions import (
    LEDGER,
    ExposureSubject,
    MasterSubject,
    ProductSubject,
    Subject,
    Verb,
    decide,
)
from lsst.ts.calibscripts.events.events import DatasetsMade, Event, ImageSetClosed, OutputsFound
from lsst.ts.calibscripts.events.resume import next_steps, to_resume
from lsst.ts.calibscripts.record import Record, find_records
from lsst.ts.calibscripts.repository import Certification
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.queue.script_queue import Outcome
from lsst.ts.calibscripts.testing.memory import MemoryRepository

Choice = Callable[[Mapping[str, Any]], Subject]


def _name(directory: Path) -> str:
    return find_records(directory)[-1].stem


async def run(
    directory: Path, when: str, verb: Verb, choose: Choice, *, withdrawn: bool = False, **config: Any
) -> tuple[Record, Outcome]:
    """Decide on something of a run as soon as the job of a product has made it; a withdrawn decision is none."""
    seen: dict[str, Any] = {"kept": {}, "runs": {}, "directory": directory}

    def watch(event: Event) -> None:
        match event:
            case ImageSetClosed():
                seen["kept"][str(event.image_type)] = event.exposures
            case OutputsFound():
                seen["runs"][event.step.product] = event.run
            case DatasetsMade() if event.step.product == when:
                subject = choose(seen)
                decision = decide(directory, "ada", "a streak", verb, subject)
                if withdrawn:
                    decide(directory, "ada", "no", Verb.WITHDRAW, subject, withdraws=decision.id)

    return await recorded_run(directory, {**BIAS_AND_DARK, **config}, observers=[watch])


def of_product(name: str) -> Choice:
    return lambda seen: ProductSubject(_name(seen["directory"]), name)


def of_exposure(image_type: str) -> Choice:
    return lambda seen: ExposureSubject("LATISS", seen["kept"][image_type][-1])


def of_master(name: str) -> Choice:
    return lambda seen: MasterSubject("LATISS", name.lower(), seen["runs"][name])


@pytest.mark.parametrize(
    ("when", "verb", "choose", "certified"),
    [
        ("BIAS", Verb.REJECT, of_product("BIAS"), []),
        ("DARK", Verb.REJECT, of_product("BIAS"), ["BIAS"]),
        ("BIAS", Verb.MARK_BAD, of_exposure("BIAS"), []),
        ("BIAS", Verb.MARK_BAD, of_master("BIAS"), []),
        ("DARK", Verb.REJECT, of_product("DARK"), ["BIAS"]),
        ("DARK", Verb.MARK_BAD, of_exposure("DARK"), ["BIAS"]),
        ("DARK", Verb.MARK_BAD, of_master("DARK"), ["BIAS"]),
    ],
)
async def test_nothing_is_certified_against_a_decision(
    tmp_path: Path, when: str, verb: Verb, choose: Choice, certified: list[str]
) -> None:
    record, outcome = await run(tmp_path, when, verb, choose)
    assert outcome.state is ScriptState.FAILED, outcome.reason
    assert sorted(record.state.certified) == certified
    text = f"CERTIFY {when} into LATISS/calib/daily failed and nothing of it was certified"
    (failure,) = [failure for failure in record.state.failures if text in failure]
    assert f"is {verb.past} by ada on" in failure
    assert "a streak (decision" in failure
    assert "`calibscripts decide certify`" in failure
    assert to_resume(record.state, record.about.given) is None
    assert [step for step in next_steps(record.state) if f"{when}: not certified because of decision" in step]


@pytest.mark.parametrize(
    ("verb", "choose"),
    [
        (Verb.APPROVE, of_product("BIAS")),
        (Verb.REJECT, of_product("FLAT")),
        (Verb.REJECT, lambda _: ProductSubject("LATISS_20261127T010203_00000000", "BIAS")),
        (Verb.MARK_BAD, lambda _: ExposureSubject("LATISS", 1)),
        (Verb.MARK_BAD, lambda seen: ExposureSubject("LSSTCam", seen["kept"]["BIAS"][-1])),
        (Verb.MARK_BAD, lambda seen: MasterSubject("LATISS", "dark", seen["runs"]["BIAS"])),
    ],
)
async def test_other_decisions_stand_against_nothing(tmp_path: Path, verb: Verb, choose: Choice) -> None:
    record, outcome = await run(tmp_path, "BIAS", verb, choose)
    assert outcome.state is ScriptState.DONE, outcome.reason
    assert sorted(record.state.certified) == ["BIAS", "DARK"]


@pytest.mark.parametrize(
    ("verb", "choose"),
    [
        (Verb.REJECT, of_product("BIAS")),
        (Verb.MARK_BAD, of_exposure("BIAS")),
        (Verb.MARK_BAD, of_master("BIAS")),
    ],
)
async def test_what_was_withdrawn_stands_against_nothing(tmp_path: Path, verb: Verb, choose: Choice) -> None:
    record, outcome = await run(tmp_path, "BIAS", verb, choose, withdrawn=True)
    assert outcome.state is ScriptState.DONE, outcome.reason
    assert sorted(record.state.certified) == ["BIAS", "DARK"]


async def test_a_decision_at_the_last_moment_is_heeded(tmp_path: Path) -> None:
    """A database may be locked for minutes between the question and the commit."""

    class Locked(MemoryRepository):
        def certify(
            self, wanted: Certification, run: str, may_commit: Callable[[], bool]
        ) -> tuple[str, ...] | None:
            if wanted.product == "BIAS" and not (tmp_path / LEDGER).exists():
                decide(tmp_path, "ada", "a streak", Verb.MARK_BAD, MasterSubject("LATISS", "bias", run))
            return super().certify(wanted, run, may_commit)

    record, outcome = await recorded_run(tmp_path, BIAS_AND_DARK, repository=Locked)
    assert outcome.state is ScriptState.FAILED, outcome.reason
    assert not record.state.certified
    assert [text for text in record.state.failures if "is marked as bad by ada" in text]


async def test_a_ledger_that_became_unreadable_is_a_warning(tmp_path: Path) -> None:
    def damage(event: Event) -> None:
        if isinstance(event, DatasetsMade):
            (tmp_path / LEDGER).write_text("no decision\nnor this\n")

    record, outcome = await recorded_run(tmp_path, BIAS_AND_DARK, observers=[damage])
    assert outcome.state is ScriptState.DONE, outcome.reason
    warnings = [text for text in record.state.warnings if "is not a decision and is not heeded" in text]
    assert len(warnings) == 2


async def test_a_ledger_that_is_a_directory_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / LEDGER).mkdir()
    record, outcome = await recorded_run(tmp_path, BIAS_AND_DARK)
    assert outcome.state is ScriptState.DONE, outcome.reason
    warnings = [text for text in record.state.warnings if "None of them is heeded" in text]
    assert len(warnings) == 1
