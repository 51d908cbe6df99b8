"""What a subclass cannot tell of its instrument while a run goes on costs no more than what it concerns."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from in_memory import run_in_memory
from scripts_over import LatissInMemory

from lsst.ts.calibscripts.events.events import Event, ExposureTaken, Verdicted, Warned
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Outcome
from lsst.ts.calibscripts.testing.memory import Behaviour, MemoryButler, reference_calibrations

CONFIG: dict[str, Any] = {
    "script_mode": "BIAS_DARK_FLAT",
    "n_bias": 4,
    "n_dark": 4,
    "exp_times_dark": 5,
    "n_flat": 4,
    "exp_times_flat": [1, 1, 2, 2],
    "number_verification_tests_threshold_bias": 17,
    "filter": "SDSSr_65mm",
    "grating": "empty_1",
}


class WheelWithoutName(LatissInMemory):
    """Its filter is known when it is set, and not before the flats."""

    looks = 0

    async def get_physical_filter(self, *, set_up: bool) -> str | None:
        self.looks += set_up
        if self.looks > 1:
            raise RuntimeError("the wheel has no name")
        return await super().get_physical_filter(set_up=set_up)


class WheelThatDoesNotReport(LatissInMemory):
    """Nobody knows its filter."""

    async def get_physical_filter(self, *, set_up: bool) -> str | None:
        return None


class LampThatCannotBeAsked(LatissInMemory):
    """Whether it is ready for flats is an error."""

    async def not_ready_for_flats(self) -> tuple[str, ...]:
        raise OSError("no such component")


class LampThatNeverAnswers(LatissInMemory):
    """Whether it is ready for flats is not answered the second time."""

    looks = 0

    async def not_ready_for_flats(self) -> tuple[str, ...]:
        self.looks += 1
        if self.looks > 1:
            await asyncio.Event().wait()
        return ()


class CameraThatNeverAnswers(LatissInMemory):
    """Whether it can take images is not answered."""

    async def assert_feasibility(self, image_type: str) -> None:
        await asyncio.sleep(1e6)


class NoMoreCheckpoints(LatissInMemory):
    """Its checkpoints are not published any more once darks are to be taken."""

    async def checkpoint(self, name: str = "") -> None:
        if name.startswith("Taking 5 darks"):
            # The biases have arrived by then.
            await asyncio.sleep(60.0)
            raise RuntimeError("no broker")
        await super().checkpoint(name)


async def run(
    script: type[LatissInMemory], seconds: float = 5.0, **config: Any
) -> tuple[Outcome, list[LogLine], set[str]]:
    """Take all types, with jobs of so many seconds; return how that ended, its log, and what was verified."""
    butler, events = MemoryButler(), list[Event]()
    reference_calibrations(butler, "LATISS")
    outcome, log, _ = await run_in_memory(
        butler,
        lambda job: Behaviour(seconds),
        CONFIG | config,
        script=script,
        observers=[events.append],
    )
    return outcome, log, {event.product for event in events if isinstance(event, Verdicted)}


async def test_a_filter_that_cannot_be_told_any_more_costs_the_flats_alone() -> None:
    outcome, _, verified = await run(WheelWithoutName)
    assert outcome.state is ScriptState.FAILED
    failure = "The filter in the beam is unknown: the wheel has no name. No flats are taken."
    assert outcome.reason.partition("Error in run: ")[2] == failure
    assert verified == {"BIAS", "DARK"}


@pytest.mark.parametrize("mode", ["BIAS_DARK", "BIAS_DARK_FLAT"])
async def test_what_is_not_checked_without_the_filter_is_a_warning_before_the_images(mode: str) -> None:
    butler, events = MemoryButler(), list[Event]()
    reference_calibrations(butler, "LATISS")
    config = CONFIG | {"filter": None, "grating": None, "script_mode": mode}
    outcome, _, _ = await run_in_memory(
        butler,
        lambda job: Behaviour(),
        config,
        script=WheelThatDoesNotReport,
        observers=[events.append],
    )
    assert outcome.state is ScriptState.DONE, outcome.reason
    images = [number for number, event in enumerate(events) if isinstance(event, ExposureTaken)]
    warned = [
        number
        for number, event in enumerate(events)
        if isinstance(event, Warned) and "does not report the filter in the beam" in event.message
    ]
    assert len(warned) == ("FLAT" in mode)
    assert not warned or warned[0] < images[0]


async def test_a_look_that_is_never_answered_is_a_warning() -> None:
    outcome, log, verified = await run(LampThatNeverAnswers)
    assert outcome.state is ScriptState.DONE, outcome.reason
    text = "could not be looked at: the script's not_ready_for_flats did not answer within 120 s."
    assert [line.message for line in log if line.level_name == "WARNING" and text in line.message]
    assert verified == {"BIAS", "DARK", "FLAT"}


async def test_a_camera_that_is_never_known_to_be_ready_costs_no_image() -> None:
    outcome, _, verified = await run(CameraThatNeverAnswers)
    assert outcome.state is ScriptState.FAILED
    assert "the script's assert_feasibility did not answer within 120 s" in outcome.reason
    assert "No image was taken" in outcome.reason
    assert not verified


async def test_a_look_at_the_lamp_that_fails_is_a_warning_said_once() -> None:
    outcome, log, verified = await run(LampThatCannotBeAsked)
    assert outcome.state is ScriptState.DONE, outcome.reason
    warned = [line.message for line in log if line.level_name == "WARNING" and "ready" in line.message]
    assert warned == ["Whether all is ready for flats could not be looked at: no such component."]
    assert verified == {"BIAS", "DARK", "FLAT"}


async def test_a_look_at_the_lamp_that_fails_stops_flats_that_require_it() -> None:
    outcome, _, verified = await run(LampThatCannotBeAsked, flat_setup="require")
    assert outcome.state is ScriptState.FAILED
    assert (
        "No image was taken. No flats can be taken: whether all is ready for them could not be looked at "
        "(no such component)." in outcome.reason
    )
    assert not verified


async def test_what_nobody_expects_leaves_no_step_untold() -> None:
    outcome, _, verified = await run(NoMoreCheckpoints, seconds=600.0)
    assert outcome.state is ScriptState.FAILED
    assert outcome.reason.partition("Error in run: ")[2].splitlines() == [
        "Unexpected RuntimeError: no broker.",
        "VERIFY BIAS did not finish; its outcome is unknown.",
        "VERIFY DARK, VERIFY FLAT and GENERATE GAIN were not begun.",
    ]
    assert not verified
