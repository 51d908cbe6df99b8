"""The simulated summit as a whole, with real jobs on a real repository."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.daf.butler import Butler

from lsst.ts.calibscripts import sal
from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.summit.butler.rehearsal import frame_scale, make_rehearsal_repository
from lsst.ts.calibscripts.summit.ocps.csc import Job, Phase
from lsst.ts.calibscripts.summit.sensor import SensorModel, expose
from lsst.ts.calibscripts.summit.site import Summit

FILTER = "SDSSr_65mm~empty"
NOON = 1_789_732_800.0
"""2026-09-18T12:00:00 TAI, when the observing day 20260918 begins."""


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - what is looked at are attributes, which have no event.
        await asyncio.sleep(0.01)


@dataclass
class Observer:
    """Somebody at the summit with the classes of the observatory."""

    summit: Summit
    latiss: Any
    ocps: Any

    async def take_biases(self, number: int) -> list[int]:
        ids = await self.latiss.take_bias(number, group_id="g", program="test")
        await until(lambda: len(self.summit.arrived) == len(self.summit.readouts))
        return list(ids)

    async def run(self, pipeline: str, inputs: str, exposures: Sequence[int]) -> Job:
        """Run a job to its end."""
        ack = await self.ocps.cmd_execute.set_start(
            pipeline=f"${{{pipeline.split('/')[0]}}}/pipelines/LATISS/{pipeline.split('/')[1]}.yaml",
            config=f"-j 8 -i {inputs} --register-dataset-types",
            data_query="instrument='LATISS' AND detector IN (0) AND exposure IN "
            f"({','.join(map(str, exposures))})",
            wait_done=False,
            timeout=60,
        )
        job_id = json.loads(ack.result)["job_id"]
        await self.ocps.cmd_execute.next_ackcmd(ack, timeout=60)
        return next(job for job in self.summit.jobs if job.job_id == job_id)


@pytest.fixture
def repo(tmp_path: Path) -> str:
    return make_rehearsal_repository(tmp_path / "repo", seed=7, filters=[FILTER])


@asynccontextmanager
async def observer(repo: str, **options: Any) -> AsyncIterator[Observer]:
    async with (
        Summit(repo, seed=7, **options) as summit,
        sal.Domain() as domain,
        sal.Remote(domain, "OCPS", 1) as ocps,
    ):
        latiss = sal.LATISS(domain)
        await latiss.start_task
        try:
            yield Observer(summit, latiss, ocps)
        finally:
            await latiss.close()


async def test_biases_are_taken_combined_and_verified(repo: str) -> None:
    changes: list[Job] = []
    async with observer(repo, on_job=changes.append) as somebody:
        first, *kept = await somebody.take_biases(4)
        generate = await somebody.run("CP_PIPE_DIR/cpBias", "LATISS/calib", kept)
        inputs = f"u/ocps/{generate.job_id}/run,LATISS/calib"
        verify = await somebody.run("CP_VERIFY_DIR/verifyBias", inputs, kept)
        log = (somebody.summit.scratch / "uws" / generate.job_id / "outs" / "ocps.log").read_text()
    assert (generate.phase, verify.phase) == (Phase.COMPLETED, Phase.COMPLETED), log
    assert [job.phase for job in changes] == [Phase.QUEUED, Phase.EXECUTING, Phase.COMPLETED] * 2
    assert str(first) not in log
    with Butler.from_config(repo, instrument="LATISS") as butler:
        bias = butler.get("bias", detector=0, collections=f"u/ocps/{generate.job_id}/run")
        statistics = butler.get("verifyBiasStats", collections=f"u/ocps/{verify.job_id}/run")
        records = list(butler.query_dimension_records("exposure"))
    assert bias.data.shape == (500, 512)
    assert {int(key) for key in statistics if str(key).isdigit()} == set(kept)
    assert {record.id for record in records} == {first, *kept}
    assert {(record.science_program, record.group) for record in records} == {("test", "g")}


async def test_frames_are_those_of_the_model_and_ids_go_on(repo: str) -> None:
    async with observer(repo) as somebody:
        before = await somebody.take_biases(2)
        observation = somebody.summit.readouts[1].observation
    async with observer(repo) as somebody:
        after = await somebody.take_biases(1)
    with Butler.from_config(repo, instrument="LATISS", collections="LATISS/raw/all") as butler:
        frame = butler.get("raw", detector=0, exposure=before[1])
    expected = expose(SensorModel.for_detector("LATISS", 0, seed=7), observation)
    np.testing.assert_array_equal(frame.data, expected.data)
    assert after == [before[-1] + 1]


async def test_no_id_is_used_twice_where_images_got_lost(repo: str) -> None:
    """A repository does not know them."""
    ids: list[int] = []
    for _ in range(3):
        async with observer(repo, start=NOON, faults=["image-missing:at=1,count=all"]) as somebody:
            ids += await somebody.latiss.take_bias(2)
    assert ids == list(range(2026091800001, 2026091800007))


async def test_a_run_can_be_repeated(tmp_path: Path) -> None:
    frames = []
    for name in ("one", "other"):
        repo = make_rehearsal_repository(tmp_path / name, filters=[])
        async with observer(repo, start=NOON) as somebody:
            (exposure,) = await somebody.take_biases(1)
        with Butler.from_config(repo, instrument="LATISS", collections="LATISS/raw/all") as butler:
            frames.append(butler.get("raw", detector=0, exposure=exposure))
    assert exposure == 2026091800001
    assert frames[0].header["DATE-BEG"].startswith("2026-09-18T12:00:")
    np.testing.assert_array_equal(frames[0].data, frames[1].data)


async def test_frames_can_be_as_large_as_real_ones(tmp_path: Path) -> None:
    repo = make_rehearsal_repository(tmp_path / "repo", filters=[], full_scale=True)
    async with observer(repo, full_scale=True) as somebody:
        (exposure,) = await somebody.take_biases(1)
    with Butler.from_config(repo, instrument="LATISS", collections="LATISS/raw/all") as butler:
        assert butler.get("raw", detector=0, exposure=exposure).image.shape == (16, 2000, 509)


async def test_leaving_kills_what_runs(repo: str) -> None:
    async with observer(repo) as somebody:
        ids = await somebody.take_biases(2)
        running = asyncio.create_task(somebody.run("CP_PIPE_DIR/cpBias", "LATISS/calib", ids))
        await until(lambda: any(job.phase is Phase.EXECUTING for job in somebody.summit.jobs))
        running.cancel()
        await asyncio.wait([running])
    (job,) = somebody.summit.jobs
    assert job.phase is Phase.ABORTED


async def test_all_components_of_all_instruments_are_there(tmp_path: Path) -> None:
    names = ["LATISS", "LSSTComCam", "LSSTCam"]
    repo = make_rehearsal_repository(tmp_path / "repo", names, detectors=[0], filters=[])
    async with Summit(repo, names) as summit, sal.Domain() as domain:
        groups = [
            sal.LATISS(domain),
            sal.ComCam(domain),
            sal.LSSTCam(domain),
            sal.RemoteGroup(["OCPS:1", "OCPS:2", "OCPS:3"], domain=domain),
        ]
        for group in groups:
            await group.start_task
            await group.assert_all_enabled("all shall be enabled")
        for group in groups:
            await group.close()
    assert {"MTDome", "MTDomeTrajectory", "ATSpectrograph"} <= summit.components.keys()


async def test_comcam_images_arrive_from_all_detectors(tmp_path: Path) -> None:
    repo = make_rehearsal_repository(tmp_path / "repo", ["LSSTComCam"], filters=[])
    async with Summit(repo, ["LSSTComCam"]) as summit, sal.Domain() as domain:
        comcam = sal.ComCam(domain)
        await comcam.start_task
        (exposure,) = await comcam.take_flats(5.0, 1, group_id="g", filter="g_01")
        await until(lambda: summit.arrived)
        await comcam.close()
    with Butler.from_config(repo) as butler:
        found = butler.query_datasets("raw", "LSSTComCam/raw/all", instrument="LSSTComCam", exposure=exposure)
        assert {ref.dataId["detector"] for ref in found} == set(range(9))
        assert {ref.dataId["physical_filter"] for ref in found} == {"g_01"}


async def test_unknown_faults_and_instruments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Unknown fault 'nonsense'"):
        Summit(str(tmp_path), faults=["nonsense"])
    with pytest.raises(KeyError, match="DECam"):
        Summit(str(tmp_path), ["DECam"])


def test_frames_of_lsstcam_are_smaller() -> None:
    assert frame_scale("LSSTCam") > frame_scale("LATISS") == frame_scale("LSSTComCam") == 8
