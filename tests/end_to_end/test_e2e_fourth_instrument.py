"""An instrument that the package does not know: a subclass in the style of upstream's, run with the real pipetask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from e2e_support import SEED, Rehearsed, opened, rehearse
from recorded import THREE_BIASES

from lsst.ts.calibscripts.base_make_calibrations import BaseMakeCalibrations
from lsst.ts.calibscripts.events.events import Certified, ImageArrived
from lsst.ts.calibscripts.sal import ComCam, RemoteGroup, ScriptState
from lsst.ts.calibscripts.summit.butler.rehearsal import make_rehearsal_repository

SCRIPT = "maintel/make_corner_calibrations.py"
SCHEMA = """
$schema: http://json-schema.org/draft-07/schema#
title: MakeCornerCalibrations v1
type: object
properties:
    filter: {type: [string, "null"], description: Filter name., default: null}
    repo: {type: string, description: Butler repository., default: /repo/LSSTComCam}
    calib_collection: {type: string, description: Where to certify., default: LSSTComCam/calib/corner}
additionalProperties: false
"""


class MakeCornerCalibrations(BaseMakeCalibrations):
    """Calibrations of two detectors of LSSTComCam, as if they were a camera of their own."""

    instrument_name = pipeline_instrument = "LSSTComCam"
    detectors, n_detectors = [0, 8], 2
    camera = ocps_group = None
    ocps = property(lambda self: self.ocps_group.rem.ocps_2)
    image_in_oods = property(lambda self: self.camera.rem.ccoods.evt_imageInOODS)

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="Take calibrations of two detectors.")

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        schema = yaml.safe_load(SCHEMA)
        schema["properties"] |= super().get_schema()["properties"]
        return schema

    def get_instrument_configuration(self) -> dict[str, Any]:
        return {"filter": self.config.filter}

    async def start_remotes(self) -> None:
        if self.camera is None:
            self.camera = ComCam(domain=self.domain, log=self.log)
            self.ocps_group = RemoteGroup(domain=self.domain, components=["OCPS:2"], log=self.log)
            await self.camera.start_task
            await self.ocps_group.start_task


@pytest.fixture(scope="module")
def corner(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    root: Path = tmp_path_factory.mktemp("corner") / "repo"
    repo = make_rehearsal_repository(root, ["LSSTComCam"], seed=SEED, detectors=[0, 8], filters=["g_01"])
    config = THREE_BIASES | {"filter": "g_01"}
    return rehearse(
        repo,
        SCRIPT,
        config,
        instruments=["LSSTComCam"],
        make=MakeCornerCalibrations,
        begin="2022-11-04T13:00:00",
        detectors=[0, 4, 8],
    )


def test_fourth_instrument_certifies_its_detectors(corner: Rehearsed) -> None:
    assert corner.outcome.state is ScriptState.DONE, corner.text
    assert corner.outcome.checkpoints[0] == "Setup LSSTComCam: filter g_01"
    assert {readout.observation.filter for readout in corner.readouts} == {"g_01"}
    assert [len(readout.detectors) for readout in corner.readouts] == [3] * 4
    (certified,) = corner.events(Certified)
    assert (certified.product, certified.collection) == ("BIAS", "LSSTComCam/calib/corner")
    with opened(corner.repo, "LSSTComCam/calib/corner") as butler:
        found = butler.query_datasets("bias", find_first=False)
        assert {ref.dataId["detector"] for ref in found} == {0, 8}


def test_fourth_instrument_asks_for_its_detectors_alone(corner: Rehearsed) -> None:
    assert {event.detector for event in corner.events(ImageArrived)} == {0, 8}
    assert all("detector IN (0,8)" in job.data_query for job in corner.jobs)
    assert [job.pipeline.split("/")[-2:] for job in corner.jobs] == [
        ["LSSTComCam", "cpBias.yaml"],
        ["LSSTComCam", "verifyBias.yaml"],
    ]
    assert all("LSSTComCam/calib" in job.config for job in corner.jobs)
