"""All detectors of the cameras with the statistics of today's cp_verify, and with times as shutters measure them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from fault_table_stages import EVENING
from scripts_over import ComCamInMemory, LatissInMemory, LSSTCamInMemory

from lsst.ts.calibscripts.events.events import Event, Verdicted
from lsst.ts.calibscripts.repository import ExposureRecord
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Outcome, ScriptQueue
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

CAMERAS: dict[str, tuple[str, Any, int]] = {
    "LATISS": ("auxtel/make_latiss_calibrations.py", LatissInMemory, 1),
    "LSSTComCam": ("maintel/make_comcam_calibrations.py", ComCamInMemory, 9),
    "LSSTCam": ("maintel/make_lsstcam_calibrations.py", LSSTCamInMemory, 189),
}
FILTERS = {"LATISS": "SDSSr_65mm~empty", "LSSTComCam": "r_03", "LSSTCam": "r_57"}
DAY = 20260917_00000
JITTER = 0.004
"""Largest difference of two times that were asked to be equal, seconds."""


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(tmp_path))


class Run:
    """A run of a camera on a butler in memory."""

    def __init__(self, camera: str) -> None:
        self.camera = camera
        self.script, self.kind, self.n_detectors = CAMERAS[camera]
        self.butler = MemoryButler()
        reference_calibrations(self.butler, camera, tuple(range(self.n_detectors)))
        self.events: list[Event] = []
        self.log: list[LogLine] = []
        self.queries: dict[str, str] = {}

    async def play(self, behave: Any = lambda job: Behaviour(), **config: object) -> Outcome:
        def make(index: int) -> Any:
            script = self.kind(index)
            script.repository = MemoryRepository(self.butler)
            return script

        ingest, runner = MemoryIngest(self.butler), MemoryRunner(self.butler, behave)
        given = {"script_mode": "BIAS_DARK_FLAT", "generate_calibrations": True, **config}
        async with Summit("memory", [self.camera], start=EVENING, ingest=ingest, runner=runner) as summit:
            outcome = await ScriptQueue(self.log.append).run(
                self.script,
                yaml.safe_dump({"repo": INSTRUMENTS[self.camera].repo, **given}),
                observers=[self.events.append],
                make=make,
            )
            self.queries = {job.name: job.data_query for job in summit.jobs}
        return outcome

    @property
    def certified(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for one in self.butler.associations(INSTRUMENTS[self.camera].daily_collection):
            found.setdefault(one.dataset.dataset_type, set()).add(int(one.dataset.detector or 0))
        return found


def as_today(job: Job) -> Behaviour:
    """Let no flat pass the scatter of its detectors' means, which verifyFlatStats holds alone."""
    scattered = job.name == "verifyFlat"
    return Behaviour(verification=Verification.VAGUE_SCATTERED if scattered else Verification.PASSES)


@pytest.mark.parametrize("camera", ["LSSTComCam", "LSSTCam"])
async def test_flats_of_all_detectors_are_certified_with_the_statistics_of_today(camera: str) -> None:
    run = Run(camera)
    outcome = await run.play(as_today, n_bias=3, n_dark=3, exp_times_dark=5, n_flat=4)
    assert outcome.state is ScriptState.DONE, outcome.reason
    every = set(range(run.n_detectors))
    assert run.certified == {"bias": every, "dark": every, "flat": every}
    verdicts = {event.product: event for event in run.events if isinstance(event, Verdicted)}
    assert verdicts["FLAT"].passed
    warnings = [line.message for line in run.log if line.level_name == "WARNING"]
    assert (
        "FLAT: SCATTER of the whole exposure failed in 4 of 4 exposures. Tests of an exposure as a whole are "
        "reported and do not decide." in warnings
    )


@pytest.mark.parametrize("camera", CAMERAS)
async def test_exposures_whose_times_differ_by_milliseconds_are_used_as_equal(camera: str) -> None:
    """The records of LSSTCam hold the time that its shutter was open."""
    run, chance = Run(camera), random.Random(camera)
    asked = {"BIAS": [0.0] * 3, "DARK": [5.0] * 3, "FLAT": [1.0, 1.0, 2.0, 2.0, 4.0, 4.0]}
    exposures: dict[str, list[int]] = {}
    for image_type, times in asked.items():
        for time in times:
            exposure = DAY + 1 + sum(map(len, exposures.values()))
            measured = time + (chance.choice([0.0, JITTER, chance.uniform(0, JITTER)]) if time else 0.0)
            exposures.setdefault(image_type, []).append(exposure)
            record = ExposureRecord(exposure, image_type, measured, FILTERS[camera])
            run.butler.add_exposure(camera, record)
            for detector in range(run.n_detectors):
                place = (f"{camera}/raw/all", camera)
                run.butler.put("raw", *place, detector=detector, exposure=exposure, value=1000 * measured)
    outcome = await run.play(as_today, exposures=exposures, do_ptc=True, do_defects=True)
    assert outcome.state is ScriptState.DONE, outcome.reason
    every = set(range(run.n_detectors))
    assert run.certified == dict.fromkeys(("bias", "dark", "flat", "defects", "ptc"), every)
    assert run.queries["cpPtc"].endswith(f"exposure IN ({','.join(map(str, exposures['FLAT']))})")
    report = next(line.message for line in run.log if "Gains estimated" in line.message)
    assert report.startswith(f"Gains estimated from flats pairs: 3 pairs, {run.n_detectors} detector")
