"""Detectors that get lost on the way: what is judged by what is left, and what is not judged at all."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from fault_table_stages import EVENING
from scripts_over import ComCamInMemory

from lsst.ts.calibscripts.events.comparisons import Compared, comparison_line
from lsst.ts.calibscripts.events.events import Event, Verdicted
from lsst.ts.calibscripts.repository import ExposureRecord
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.queue.script_queue import Outcome, ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import (
    Behaviour,
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    Trouble,
    Verification,
    reference_calibrations,
)

DAY = 20260917_00000
DETECTORS = range(9)
SETS = {"BIAS": [DAY + n for n in range(1, 4)], "DARK": [DAY + n for n in range(4, 7)]}


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(tmp_path))


class Run:
    """A run on biases and darks that exist, for the detectors that were ingested."""

    outcome: Outcome
    events: list[Event]
    certified: dict[str, set[int]]

    async def play(
        self,
        ingested: dict[str, Collection[int]],
        behave: Any,
        *,
        before: Collection[int] = DETECTORS,
        troubles: Sequence[Trouble] = (),
        **more: str,
    ) -> None:
        butler = MemoryButler()
        reference_calibrations(butler, "LSSTComCam", DETECTORS, ("dark", "flat"))
        reference_calibrations(butler, "LSSTComCam", before, ("bias",), electronics=())
        for image_type, exposures in SETS.items():
            for exposure in exposures:
                seconds = 5.0 if image_type == "DARK" else 0.0
                butler.add_exposure("LSSTComCam", ExposureRecord(exposure, image_type, seconds, "r_03"))
                for detector in ingested[image_type]:
                    butler.put(
                        "raw",
                        "LSSTComCam/raw/all",
                        "LSSTComCam",
                        detector=detector,
                        exposure=exposure,
                        value=0.0,
                    )
        self.events = []

        make = ComCamInMemory.over(MemoryRepository(butler, troubles))

        config = {
            "script_mode": "BIAS_DARK",
            "generate_calibrations": True,
            "exposures": SETS,
            "repo": "/repo/LSSTComCam",
            **more,
        }
        ingest, runner = MemoryIngest(butler), MemoryRunner(butler, behave)
        async with Summit("memory", ["LSSTComCam"], start=EVENING, ingest=ingest, runner=runner):
            self.outcome = await ScriptQueue(lambda line: None).run(
                "maintel/make_comcam_calibrations.py",
                yaml.safe_dump(config),
                observers=[self.events.append],
                make=make,
            )
        self.certified = {}
        for one in butler.associations("LSSTComCam/calib/daily"):
            self.certified.setdefault(one.dataset.dataset_type, set()).add(int(one.dataset.detector or 0))

    @property
    def reason(self) -> str:
        return str(self.outcome.reason)


def broken_darks(job: Job) -> Behaviour:
    """Let all amplifiers fail the verification of the darks."""
    return Behaviour(verification=Verification.FAILS if job.name == "verifyDark" else Verification.PASSES)


async def test_one_detector_of_nine_is_not_judged() -> None:
    run = Run()
    await run.play({"BIAS": range(4, 9), "DARK": [0, 1, 2, 3, 8]}, broken_darks)
    assert run.outcome.state is ScriptState.FAILED
    assert run.certified == {"bias": set(range(4, 9))}
    assert "GENERATE DARK: of the 9 detectors asked for only detector 8 is left" in run.reason
    assert [event.product for event in run.events if isinstance(event, Verdicted)] == ["BIAS"]


async def test_the_limits_count_the_detectors_that_are_left() -> None:
    """Five detectors in which everything fails: 80 tests of 5 x 16, where 9 detectors would have allowed 40."""
    run = Run()
    await run.play({"BIAS": range(9), "DARK": range(5)}, broken_darks)
    assert run.outcome.state is ScriptState.FAILED
    assert "DARK calibration failed verification" in run.reason
    assert run.certified == {"bias": set(range(9))}


async def test_detectors_that_have_no_calibration_before_are_named() -> None:
    run = Run()
    everything = {"BIAS": DETECTORS, "DARK": DETECTORS}
    await run.play(everything, lambda job: Behaviour(), before=range(2, 9), compare_with_previous="require")
    assert run.outcome.state is ScriptState.DONE, run.reason
    compared = {event.product: event for event in run.events if isinstance(event, Compared)}
    assert compared["BIAS"].alone == ("R22_S00", "R22_S01")
    assert len(compared["BIAS"].differences) == 7
    assert comparison_line(compared["BIAS"]).endswith(" No calibration before: R22_S00; R22_S01.")
    assert compared["DARK"].alone == ()


async def test_a_calibration_that_cannot_be_read_hides_none_that_has_moved() -> None:
    run = Run()
    # The third call is for the new bias of the second detector.
    damaged = Trouble("master", at=3, error=OSError("the file is damaged"))
    await run.play(
        {"BIAS": DETECTORS, "DARK": DETECTORS}, lambda job: Behaviour(shift=5.0), troubles=[damaged]
    )
    assert run.outcome.state is ScriptState.DONE, run.reason
    bias, dark = (event for event in run.events if isinstance(event, Compared))
    assert bias.problem == "the file is damaged (R22_S01)"
    assert len(bias.moved) == 8 * 16
    assert "MOVED: R22_S00 all 16 amplifiers; R22_S02 " in comparison_line(bias)
    assert comparison_line(bias).endswith(" Not compared: the file is damaged (R22_S01).")
    assert (dark.problem, len(dark.differences)) == ("", 9)


@pytest.mark.parametrize("seed", range(10))
async def test_nothing_is_certified_of_half_or_fewer_of_the_detectors(seed: int) -> None:
    """Whatever is lost: what is certified was verified and is more than half of what was asked for."""
    chance = random.Random(seed)
    ingested = {kind: sorted(chance.sample(DETECTORS, chance.randint(5, 9))) for kind in SETS}
    broken = chance.random() < 0.5
    run = Run()
    await run.play(ingested, broken_darks if broken else lambda job: Behaviour())
    both = set(ingested["BIAS"]) & set(ingested["DARK"])
    expected = {"bias": set(ingested["BIAS"])}
    if len(both) > 4 and not broken:
        expected["dark"] = both
    assert run.certified == expected
    complete = len(both) == len(DETECTORS) and not broken
    assert run.outcome.state is (ScriptState.DONE if complete else ScriptState.FAILED), run.reason
