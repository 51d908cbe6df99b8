"""The butler repository of the simulated summit."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.nddata import CCDData
from astropy.time import Time
from lsst.daf.butler import Butler, CollectionType, DatasetRef, Timespan
from lsst.daf.butler.registry import ConflictingDefinitionError
from lsst.pipe.base import Instrument

from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.summit.butler.repository import (
    ingest_raw,
    make_reference_calibrations,
    make_repository,
    put_raw,
)
from lsst.ts.calibscripts.summit.datasets.raw_files import write_raw
from lsst.ts.calibscripts.summit.datasets.types import split
from lsst.ts.calibscripts.summit.hardware.focalplane import illumination_rate, physical_filters
from lsst.ts.calibscripts.summit.hardware.observation import Observation
from lsst.ts.calibscripts.summit.sensor import SensorModel, expectation, expose

SCALE = 32
FLAT = Observation(
    instrument="LATISS",
    day_obs=20260918,
    seq_num=42,
    image_type="FLAT",
    exposure_time=5.0,
    dark_time=5.5,
    begin=Time("2026-09-18T12:00:00", scale="tai"),
    filter="SDSSr_65mm",
    grating="empty_1",
    rate=illumination_rate("SDSSr_65mm~empty"),
    group_id="2026-09-18T12:00:00.000#1",
    program="BLOCK-295",
    reason="weekly",
)


@pytest.fixture(scope="session")
def model() -> SensorModel:
    return SensorModel.for_detector("LATISS", seed=3, scale=SCALE)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_repository(tmp_path_factory.mktemp("empty") / "repo", ("LATISS", "LSSTComCam", "LSSTCam"))


@pytest.fixture
def root(empty: str, tmp_path: Path) -> str:
    return str(shutil.copytree(empty, tmp_path / "repo"))


@pytest.fixture
def butler(root: str) -> Iterator[Butler]:
    with Butler.from_config(root, writeable=True) as butler:
        yield butler


def _file(directory: Path, model: SensorModel, observation: Observation) -> Path:
    path = directory / f"{observation.obs_id}.fits"
    write_raw(expose(model, observation), path)
    return path


def test_cameras_are_registered_as_at_the_summit(butler: Butler) -> None:
    names = {
        name: [record.full_name for record in butler.query_dimension_records("detector", instrument=name)]
        for name in ("LATISS", "LSSTComCam", "LSSTCam")
    }
    assert names["LATISS"] == ["RXX_S00"]
    assert len(names["LSSTComCam"]) == 9
    assert (names["LSSTComCam"][0], names["LSSTComCam"][8]) == ("R22_S00", "R22_S22")
    assert len(names["LSSTCam"]) == 205
    assert [names["LSSTCam"][i] for i in (0, 27, 94, 188, 189, 204)] == [
        "R01_S00",
        "R10_S00",
        "R22_S11",
        "R43_S22",
        "R00_SG0",
        "R44_SW1",
    ]
    for name in names:
        assert Instrument.fromName(name, butler.registry).getName() == name
        assert butler.collections.get_info(f"{name}/calib").type is CollectionType.CHAINED
        assert butler.collections.get_info(f"{name}/raw/all").type is CollectionType.RUN


def test_registering_a_camera_again_changes_nothing(butler: Butler) -> None:
    before = butler.query_dimension_records("physical_filter", instrument="LATISS")
    Instrument.fromName("LATISS", butler.registry).register(butler.registry)
    assert butler.query_dimension_records("physical_filter", instrument="LATISS") == before
    bands = {record.name: record.band for record in before}
    assert bands["SDSSr_65mm~empty"] == "r"
    assert bands["empty~SDSSy_65mm"] == "y"
    assert bands["BG40_65mm_1~empty"] == "g"
    assert bands["empty~holo4_003"] == bands["empty~empty"] == "white"
    assert set(bands) == set(physical_filters("LATISS"))


@pytest.mark.parametrize(
    ("name", "certifiable"),
    [("bias", True), ("dark", True), ("flat", True), ("defects", True), ("ptc", True), ("raw", False)],
)
def test_calibrations_can_be_certified(butler: Butler, name: str, certifiable: bool) -> None:
    assert butler.get_dataset_type(name).isCalibration() is certifiable


def test_repository_is_not_made_twice(root: str) -> None:
    with pytest.raises(FileExistsError):
        make_repository(root)


def test_unknown_camera_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no camera of DECam, only those of LATISS"):
        make_repository(tmp_path / "repo", ("DECam",))
    assert not (tmp_path / "repo").exists()


def test_ingest_moves_the_file_and_the_job_query_finds_it(
    butler: Butler, model: SensorModel, tmp_path: Path
) -> None:
    path = _file(tmp_path, model, FLAT)
    (ref,) = ingest_raw(butler, [path])
    assert not path.exists()
    found = butler.query_datasets(
        "raw",
        collections="LATISS/raw/all",
        where="instrument='LATISS' AND detector IN (0) AND exposure IN (2026091800042)",
    )
    assert found == [ref]
    np.testing.assert_array_equal(butler.get(ref).data, expose(model, FLAT).data)


def test_exposure_record_tells_what_the_header_reported(butler: Butler, model: SensorModel) -> None:
    put_raw(butler, expose(model, FLAT))
    (record,) = butler.query_dimension_records("exposure", instrument="LATISS", exposure=2026091800042)
    assert record.obs_id == "AT_O_20260918_000042"
    assert (record.day_obs, record.seq_num) == (20260918, 42)
    assert (record.observation_type, record.observation_reason) == ("flat", "weekly")
    assert record.science_program == "BLOCK-295"
    assert record.group == "2026-09-18T12:00:00.000#1"
    assert (record.exposure_time, record.dark_time) == (5.0, 5.5)
    assert record.physical_filter == "SDSSr_65mm~empty"
    assert record.has_simulated
    begin, end = record.timespan.begin, record.timespan.end
    assert begin.scale == "tai"
    assert begin == FLAT.begin
    assert (end - begin).sec == pytest.approx(5.5)


def test_the_same_image_is_not_ingested_twice(butler: Butler, model: SensorModel, tmp_path: Path) -> None:
    ingest_raw(butler, [_file(tmp_path, model, FLAT)])
    with pytest.raises(ConflictingDefinitionError):
        ingest_raw(butler, [_file(tmp_path, model, FLAT)])


def test_detectors_of_an_exposure_share_its_record(butler: Butler) -> None:
    exposure = replace(FLAT, instrument="LSSTComCam", filter="r_03", grating="")
    for detector in (0, 8):
        model = SensorModel.for_detector("LSSTComCam", detector, scale=SCALE)
        put_raw(butler, expose(model, exposure))
    refs = butler.query_datasets(
        "raw", collections="LSSTComCam/raw/all", where="instrument='LSSTComCam' AND exposure=2026091800042"
    )
    assert sorted(ref.dataId["detector"] for ref in refs) == [0, 8]
    assert len(butler.query_dimension_records("exposure", instrument="LSSTComCam")) == 1


def test_reference_calibrations_are_found_by_exposure(butler: Butler, model: SensorModel) -> None:
    make_reference_calibrations(butler, "LATISS", seed=3, scale=SCALE, filters=["SDSSr_65mm~empty"])
    put_raw(butler, expose(model, FLAT))
    where = {"instrument": "LATISS", "detector": 0, "exposure": FLAT.exposure_id}
    bias, dark, flat = (
        butler.get(kind, where, collections="LATISS/calib") for kind in ("bias", "dark", "flat")
    )
    assert [str(image.unit) for image in (bias, dark, flat)] == ["electron", "electron / s", ""]
    noise = split(bias.data - expectation.bias_image(model)).std(axis=(1, 2))
    np.testing.assert_allclose(noise, expectation.frame_noise(model) / np.sqrt(50), rtol=0.08)
    noise = split(dark.data - expectation.dark_image(model)).std(axis=(1, 2))
    np.testing.assert_allclose(noise, expectation.dark_noise(model, np.full(50, 30.0)), rtol=0.08)
    noise = split(flat.data - expectation.flat_image(model, "SDSSr_65mm~empty")).std(axis=(1, 2))
    np.testing.assert_allclose(noise, expectation.flat_noise(model, 27_500, 50), rtol=0.08)


def test_every_filter_has_its_own_reference_flat(butler: Butler) -> None:
    make_reference_calibrations(butler, "LATISS", scale=SCALE, products=["flat"])
    flats = butler.query_datasets("flat", collections="LATISS/calib/reference", find_first=False)
    assert {ref.dataId["physical_filter"] for ref in flats} == set(physical_filters("LATISS"))
    first, second = (butler.get(ref).data for ref in flats[:2])
    assert np.abs(first - second).max() > 0.005


def test_reference_calibrations_are_not_made_twice(butler: Butler) -> None:
    make_reference_calibrations(butler, "LATISS", scale=SCALE, products=["bias"])
    with pytest.raises(ConflictingDefinitionError):
        make_reference_calibrations(butler, "LATISS", scale=SCALE, products=["bias"])


def test_more_reference_calibrations_can_follow(butler: Butler) -> None:
    make_reference_calibrations(butler, "LATISS", scale=SCALE, products=["bias"])
    make_reference_calibrations(butler, "LATISS", scale=SCALE, products=["dark"])
    assert butler.collections.get_info("LATISS/calib").children == ("LATISS/calib/reference",)
    assert butler.query_datasets("dark", collections="LATISS/calib/reference", find_first=False)


def test_daily_collection_beside_the_chain(butler: Butler, model: SensorModel) -> None:
    """What a script certifies into LATISS/calib/daily is found there, and the chain still has the reference."""
    make_reference_calibrations(butler, "LATISS", scale=SCALE, products=["bias"])
    put_raw(butler, expose(model, FLAT))
    where = {"instrument": "LATISS", "detector": 0}
    butler.collections.register("u/ocps/0/run")
    bias = butler.put(CCDData(np.zeros((2, 8)), unit="electron"), "bias", where, run="u/ocps/0/run")
    butler.collections.register("LATISS/calib/daily", CollectionType.CALIBRATION)
    day = Timespan(Time("2026-09-18", scale="tai"), Time("2026-09-19", scale="tai"))
    butler.registry.certify("LATISS/calib/daily", [bias], day)

    def find(*collections: str) -> DatasetRef | None:
        return butler.find_dataset(
            "bias",
            where,
            timespan=butler.registry.expandDataId(where, exposure=FLAT.exposure_id).timespan,
            collections=collections,
        )

    reference = find("LATISS/calib")
    assert reference is not None
    assert reference.run == "LATISS/calib/reference/run"
    assert find("LATISS/calib/daily") == bias
    assert find("LATISS/calib/daily", "LATISS/calib") == bias


def test_ingest_while_others_read_and_write(root: str, model: SensorModel, tmp_path: Path) -> None:
    """The OODS ingests while jobs query the same repository and write their outputs into it."""
    others = [_Other(root, write) for write in (False, True)]
    for other in others:
        other.start()
    try:
        with Butler.from_config(root, writeable=True) as butler:
            for number in range(1, 6):
                ingest_raw(butler, [_file(tmp_path, model, replace(FLAT, seq_num=number))])
    finally:
        for other in others:
            other.stop.set()
            other.join(timeout=600)
    for other in others:
        assert other.error is None
        assert other.rounds > 0
    with Butler.from_config(root) as butler:
        assert len(butler.query_datasets("raw", collections="LATISS/raw/all")) == 5


class _Other(threading.Thread):
    """Another user of a repository, with a connection of its own."""

    def __init__(self, root: str, writes: bool) -> None:
        super().__init__()
        self.root = root
        self.writes = writes
        self.stop = threading.Event()
        self.rounds = 0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            with Butler.from_config(self.root, writeable=self.writes) as butler:
                while not self.stop.wait(0.01):
                    self._use(butler)
                    self.rounds += 1
        except Exception as error:
            self.error = error

    def _use(self, butler: Butler) -> None:
        if self.writes:
            image = CCDData(np.zeros((2, 8)), unit="electron")
            run = f"u/ocps/{self.rounds}/run"
            butler.collections.register(run)
            butler.put(image, "bias", instrument="LATISS", detector=0, run=run)
        else:
            butler.query_datasets("raw", collections="LATISS/raw/all", explain=False)
