"""A butler repository on disk, as the script asks it."""

from __future__ import annotations

import math
import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.time import Time
from lsst.daf.butler import Butler, CollectionType
from sqlalchemy import Engine, event

from lsst.ts.calibscripts.errors import ConflictError, RepositoryError
from lsst.ts.calibscripts.ground.time_range import ALWAYS, TimeRange
from lsst.ts.calibscripts.repository import ButlerRepository, Certification, lacking
from lsst.ts.calibscripts.repository.gains import written_gains
from lsst.ts.calibscripts.repository.levels import corrected_level, raw_signal
from lsst.ts.calibscripts.summit.butler.repository import make_repository, put_raw, register_exposure
from lsst.ts.calibscripts.summit.hardware.observation import Observation
from lsst.ts.calibscripts.summit.sensor import SensorModel, expose
from lsst.ts.calibscripts.verification import RunStatistics

FLAT = Observation(
    "LATISS",
    20260918,
    1,
    "FLAT",
    2.0,
    2.0,
    Time("2026-09-18T20:00:00", scale="tai"),
    "SDSSr_65mm",
    "empty_1",
    1000.0,
    group_id="2026-09-18T20:00:00.000",
    reason="calibration",
)
RUN, COLLECTION = "made/run", "LATISS/calib/daily"
DAY = TimeRange.of("2026-09-18T20:00:00", "2026-09-18T21:00:00")
LATER = TimeRange.of("2026-10-02", "2026-10-03")
BIAS = Certification("BIAS", "LATISS", "bias", COLLECTION, TimeRange.of("2026-01-01", "2027-01-01"), (0,))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository with one raw flat, a bias in a RUN, and two corrected images."""
    root = tmp_path_factory.mktemp("repository") / "repo"
    with Butler.from_config(make_repository(root, ["LATISS"]), writeable=True) as butler:
        put_raw(butler, expose(SensorModel.for_detector("LATISS", 0, 0, 32), FLAT))
        butler.collections.register(RUN, CollectionType.RUN)
        butler.put(
            CCDData(np.zeros((4, 4), np.float32), unit="electron"),
            "bias",
            instrument="LATISS",
            detector=0,
            run=RUN,
        )
        corrected = CCDData(np.full((4, 4), -7.0, np.float32), unit="adu")
        place = {"instrument": "LATISS", "detector": 0, "exposure": FLAT.exposure_id}
        butler.put(corrected, "verifyFlatIsrExp", place, run=RUN)
    return root


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "repo"))


@pytest.fixture
def repository(root: Path) -> Iterator[ButlerRepository]:
    repository = ButlerRepository(str(root))
    repository.check(writing=True)
    yield repository
    repository.close()


def test_what_is_known_of_exposures(repository: ButlerRepository):
    (record,) = repository.exposures("LATISS", [FLAT.exposure_id, 2026091800099])
    assert (record.id, record.image_type, record.exposure_time) == (FLAT.exposure_id, "FLAT", 2.0)
    assert record.group == FLAT.group_id
    assert repository.exposures("LATISS", []) == ()
    assert repository.ingested("LATISS", [FLAT.exposure_id]) == {(FLAT.exposure_id, 0)}
    assert repository.stored("LATISS", [FLAT.exposure_id], [0, 1]) == {(FLAT.exposure_id, 0)}
    assert repository.stored("LATISS", [FLAT.exposure_id], [1]) == frozenset()


def test_an_image_whose_header_has_no_group_id_has_no_group(repository: ButlerRepository, root: Path):
    untold = replace(FLAT, seq_num=2, group_id=""), replace(FLAT, seq_num=3, group_id="2026091800003")
    with Butler.from_config(root, writeable=True) as butler:
        for observation in untold:
            frame = expose(SensorModel.for_detector("LATISS", 0, 0, 32), observation)
            register_exposure(butler, frame.header)
    records = repository.exposures("LATISS", [observation.exposure_id for observation in untold])
    assert [record.group for record in records] == ["", ""]


def test_flats_have_visits_where_they_are_defined(repository: ButlerRepository, root: Path):
    assert repository.have_visits("LATISS", []) is True
    assert repository.have_visits("LATISS", [FLAT.exposure_id]) is True
    assert repository.have_visits("LATISS", [FLAT.exposure_id, 2026091800099]) is False
    with Butler.from_config(str(root), writeable=True) as butler:
        butler.registry.insertDimensionData("exposure", _without_visit(butler))
    assert repository.have_visits("LATISS", [FLAT.exposure_id + 1]) is False
    assert repository.have_visits("LATISS", []) is True


def _without_visit(butler: Butler) -> dict[str, object]:
    (record,) = butler.query_dimension_records("exposure", instrument="LATISS", exposure=FLAT.exposure_id)
    return record.toDict() | {"id": FLAT.exposure_id + 1, "obs_id": "another", "seq_num": record.seq_num + 1}


def test_levels_before_and_after_correction(repository: ButlerRepository):
    assert repository.level("LATISS", FLAT.exposure_id, 0).level > 100
    with pytest.raises(RepositoryError, match="exposure 2026091800099 has no raw image of detector 0"):
        repository.level("LATISS", 2026091800099, 0)
    assert repository.residual(RUN, "verifyFlatIsrExp") == 7.0
    assert repository.residual(RUN, "verifyBiasIsrExp") is None


def test_what_is_certified_is_in_the_way(repository: ButlerRepository):
    assert repository.certify(BIAS, RUN, lambda: False) is None
    assert repository.conflicts(BIAS) == ()
    assert repository.certify(BIAS, RUN, lambda: True) is not None
    (conflict,) = repository.conflicts(BIAS)
    assert str(conflict) == (
        f"{COLLECTION} already holds bias (detector 0) valid 2026-01-01 to 2027-01-01, which overlaps 2026-01-01 to "
        "2027-01-01: set another calib_collection, or other certify_calib_begin_date and certify_calib_end_date."
    )
    with pytest.raises(ConflictError, match="already holds bias"):
        repository.certify(
            replace(BIAS, validity=TimeRange.of("2026-06-01", "2027-01-01")), RUN, lambda: True
        )


@pytest.mark.parametrize("spoil", ["remove", "empty", "cut", "forget"])
def test_what_cannot_be_read_is_not_certified(root: Path, repository: ButlerRepository, spoil: str):
    with Butler.from_config(root, writeable=True) as butler:
        bias = butler.find_dataset("bias", instrument="LATISS", detector=0, collections=RUN)
        assert bias is not None
        file = Path(butler.getURI(bias).ospath)
        if spoil == "forget":
            butler.pruneDatasets([bias], unstore=True, disassociate=False)
    if spoil == "remove":
        file.unlink()
    elif spoil == "empty":
        file.write_bytes(b"")
    elif spoil == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(
        RepositoryError, match=f"the file of bias of detector 0 in {RUN} is missing, empty or cut off"
    ):
        repository.certify(BIAS, RUN, lambda: True)
    assert repository.conflicts(BIAS) == ()


@pytest.mark.parametrize("spoil", ["", "remove", "cut", "forget"])
def test_a_calibration_without_a_file_is_known_before_it_is_needed(
    root: Path, repository: ButlerRepository, spoil: str
):
    with Butler.from_config(root, writeable=True) as butler:
        bias = butler.find_dataset("bias", instrument="LATISS", detector=0, collections=RUN)
        assert bias is not None
        if spoil == "forget":
            butler.pruneDatasets([bias], unstore=True, disassociate=False)
        elif spoil:
            file = Path(butler.getURI(bias).ospath)
            whole = file.read_bytes()
            file.unlink()
            if spoil == "cut":
                file.write_bytes(whole[: len(whole) // 2])
    (source,) = repository.sources("bias", "LATISS", [RUN], None, [DAY])
    assert source.detectors == {0}
    assert repository.unstored(RUN, "bias", {"instrument": "LATISS"}) == ({0} if spoil else frozenset())
    assert repository.unstored(RUN, "dark", {"instrument": "LATISS"}) == frozenset()
    assert repository.unstored("no/such", "bias", {"instrument": "LATISS"}) == frozenset()


def test_what_was_replaced_since_it_was_made_is_not_certified(root: Path, repository: ButlerRepository):
    made = repository.made(RUN, "bias")
    wanted = replace(BIAS, datasets=tuple(made.values()))
    with Butler.from_config(root, writeable=True) as butler:
        bias = butler.find_dataset("bias", instrument="LATISS", detector=0, collections=RUN)
        assert bias is not None
        assert made == {0: str(bias.id)}
        butler.pruneDatasets([bias], purge=True, unstore=True, disassociate=True)
        other = CCDData(np.ones((4, 4), np.float32), unit="electron")
        butler.put(other, "bias", instrument="LATISS", detector=0, run=RUN)
    with pytest.raises(
        RepositoryError, match=f"{RUN} no longer holds the bias that the job wrote for detector 0"
    ):
        repository.certify(wanted, RUN, lambda: True)
    assert repository.conflicts(BIAS) == ()
    assert repository.certify(BIAS, RUN, lambda: True) is not None


@pytest.mark.parametrize(
    ("changes", "in_the_way"),
    [
        ({"validity": TimeRange.of("2026-12-31T23:59:59", "2027-01-01")}, True),
        ({"validity": TimeRange.of(None, "2026-01-01T00:00:01")}, True),
        ({"validity": ALWAYS}, True),
        ({"detectors": (0, 1)}, True),
        ({"detectors": (1,)}, False),
        ({"validity": TimeRange.of("2027-01-01", None)}, False),
        ({"validity": TimeRange.of(None, "2026-01-01")}, False),
    ],
)
def test_only_the_same_detectors_and_an_overlapping_range_are_in_the_way(
    repository: ButlerRepository, changes: dict[str, Any], in_the_way: bool
):
    assert repository.certify(BIAS, RUN, lambda: True) is not None
    assert bool(repository.conflicts(replace(BIAS, **changes))) is in_the_way


def test_a_flat_in_another_filter_is_not_in_the_way(root: Path, repository: ButlerRepository):
    certified = replace(BIAS, product="FLAT", dataset_type="flat", physical_filter="SDSSr_65mm~empty")
    with Butler.from_config(root, writeable=True) as butler:
        butler.put(
            CCDData(np.ones((4, 4), np.float32), unit="adu"),
            "flat",
            instrument="LATISS",
            detector=0,
            physical_filter=certified.physical_filter,
            run=RUN,
        )
    assert repository.certify(certified, RUN, lambda: True) is not None
    assert repository.conflicts(certified)
    assert repository.conflicts(replace(certified, physical_filter=None))
    assert repository.conflicts(replace(certified, physical_filter="SDSSg_65mm~empty")) == ()


def test_another_kind_of_collection_is_in_the_way(repository: ButlerRepository):
    (conflict,) = repository.conflicts(replace(BIAS, collection=RUN))
    assert f"calib_collection {RUN} is a RUN collection" in str(conflict)


def test_a_type_that_nobody_made_is_in_nobodys_way(root: Path, repository: ButlerRepository):
    assert repository.certify(BIAS, RUN, lambda: True) is not None
    assert repository.conflicts(replace(BIAS, dataset_type="linearizer")) == ()


def test_detectors_are_skipped_only_where_statistics_are_reported_per_detector():
    run = ({11: {"SUCCESS": True}, "12": {"SUCCESS": True}, "SUCCESS": True},)
    assert RunStatistics(run, {}, {}).skipped([11, 12], [0, 1]) == ()
    verified = frozenset({(11, 0), (12, 0), (11, 1)})
    assert RunStatistics(run, {}, {}, verified).skipped([11, 12], [0, 1]) == (1,)


def test_gains_that_no_job_wrote(repository: ButlerRepository):
    assert repository.gains(RUN, ["cpPtcPartial", "cpPtcExtract"]) == ()


def test_a_database_that_refuses_to_be_written_to(root: Path):
    with sqlite3.connect(root / "gen3.sqlite3") as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON instrument BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
    database.close()
    repository = ButlerRepository(str(root))
    with pytest.raises(RepositoryError, match=r"cannot be written to: .*the disk is full"):
        repository.check(writing=True)
    repository.check(writing=False)
    repository.close()


def written(path: Path, *hdus: fits.hdu.base.ExtensionHDU) -> str:
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    return str(path)


def amplifier(level: float, overscan: float, **cards: str) -> fits.ImageHDU:
    pixels = np.full((4, 6), level, np.float32)
    pixels[:, 4:] = overscan
    return fits.ImageHDU(pixels, fits.Header(cards))


SECTIONS = {"DATASEC": "[1:4,1:4]", "BIASSEC": "[5:6,1:4]"}


def test_the_signal_is_the_image_less_the_overscan(tmp_path: Path):
    amplifiers = [
        amplifier(110, 10, **SECTIONS),
        amplifier(220, 20, **SECTIONS),
        amplifier(330, 30, **SECTIONS),
    ]
    path = written(tmp_path / "raw.fits", *amplifiers, fits.ImageHDU(np.zeros((2, 2))))
    assert raw_signal(path).level == 200.0


def test_the_noise_of_a_signal_is_that_of_its_pixels(tmp_path: Path):
    rng = np.random.default_rng(1)
    sections = {"DATASEC": "[1:200,1:200]", "BIASSEC": "[201:210,1:200]"}
    pixels = np.full((200, 210), 10.0)
    # A slope that is far larger than the noise does not count.
    pixels[:, :200] += 2500 + 5 * np.arange(200) + rng.normal(0, 50, (200, 200))
    hdu = fits.ImageHDU(pixels)
    hdu.header.update(sections)
    signal = raw_signal(written(tmp_path / "raw.fits", hdu))
    assert signal.noise == pytest.approx(50, rel=0.05)
    assert signal.over_noise == pytest.approx(3000 / 50, rel=0.05)


@pytest.mark.parametrize(
    ("cards", "problem"),
    [
        ({}, "no extension with DATASEC and BIASSEC"),
        ({**SECTIONS, "DATASEC": "all"}, "all is not a FITS section"),
    ],
)
def test_a_signal_needs_sections(tmp_path: Path, cards: dict[str, str], problem: str):
    path = written(tmp_path / "raw.fits", amplifier(1, 1, **cards))
    with pytest.raises(ValueError, match=problem):
        raw_signal(path)


@pytest.mark.parametrize(
    ("cards", "level"),
    [
        ({}, 12.0),
        ({"BUNIT": "electron", "HIERARCH LSST ISR GAIN C00": 1.5, "HIERARCH LSST ISR GAIN C01": 2.5}, 6.0),
        ({"HIERARCH LSST ISR UNITS": "electron", "HIERARCH LSST ISR GAIN C00": 4.0}, 3.0),
        ({"BUNIT": "adu", "HIERARCH LSST ISR GAIN C00": 4.0}, 12.0),
    ],
)
def test_what_is_left_is_reported_in_adu(tmp_path: Path, cards: dict[str, Any], level: float):
    image = fits.ImageHDU(np.full((4, 4), 12.0, np.float32), fits.Header(cards))
    assert corrected_level(written(tmp_path / "image.fits", image)) == level


@pytest.mark.parametrize(
    "cards", [{}, {"HIERARCH LSST ISR GAIN C00": 0.0}, {"HIERARCH LSST ISR GAIN C00": "nan"}]
)
def test_electrons_without_a_gain_have_no_level(tmp_path: Path, cards: dict[str, Any]):
    image = fits.ImageHDU(np.full((4, 4), 12.0, np.float32), fits.Header({"BUNIT": "electron", **cards}))
    with pytest.raises(ValueError, match="no gain that is a positive number"):
        corrected_level(written(tmp_path / "image.fits", image))


def test_a_file_without_an_image_has_no_level(tmp_path: Path):
    with pytest.raises(ValueError, match="holds no image"):
        corrected_level(written(tmp_path / "empty.fits"))


def test_pixels_without_a_value_do_not_hide_the_level(tmp_path: Path):
    pixels = np.full((4, 4), 12.0, np.float32)
    pixels[0, :2] = np.nan, np.inf
    assert corrected_level(written(tmp_path / "image.fits", fits.ImageHDU(pixels))) == 12.0
    nothing = fits.ImageHDU(np.full((4, 4), np.nan, np.float32))
    with pytest.raises(ValueError, match=r"no pixel of .*nothing.fits has a value"):
        corrected_level(written(tmp_path / "nothing.fits", nothing))


class Curve:
    """A PhotonTransferCurveDataset of the Science Pipelines, as far as gains are read from it."""

    gain: Mapping[str, float] = {"C00": 2.0}
    noise: Mapping[str, float] = {"C00": 5.0}
    ptcFitType = "PARTIAL"  # noqa: N815

    def __init__(self, pairs: Any) -> None:
        self.inputExpIdPairs = {"C00": pairs}


@pytest.mark.parametrize("pairs", [[[(7, 8)]], [(7, 8)], [[(5, 6)], [(7, 8)]]])
def test_pairs_of_the_science_pipelines(pairs: Any):
    reference: Any = SimpleNamespace(dataId={"detector": 3, "exposure": 7})
    found = written_gains(reference, Curve(pairs))
    assert found is not None
    assert (found.detector, found.exposures, found.gain) == (3, (7, 8), {"C00": 2.0})
    assert found.noise_unit == "ADU"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_gains_that_are_no_numbers_are_none(value: float):
    reference: Any = SimpleNamespace(dataId={"detector": 3, "exposure": 7})
    curve = Curve([(7, 8)])
    curve.gain = {"C00": value, "C01": math.nan}
    assert written_gains(reference, curve) is None


class TestHistory:
    """What a call costs must not depend on how many OCPS jobs there ever were: each left two collections."""

    CALLS: Mapping[str, Any] = {
        "missing_collections": lambda r: r.missing_collections(["LATISS/calib", "no/such"]),
        "run_of": lambda r: r.run_of("past7"),
        "made": lambda r: r.made("u/ocps/past7/run", "bias"),
        "unstored": lambda r: r.unstored(RUN, "bias", {"instrument": "LATISS"}),
        "conflicts": lambda r: r.conflicts(BIAS),
        "sources": lambda r: r.sources("bias", "LATISS", ["LATISS/calib"], None, [DAY]),
        "exposures": lambda r: r.exposures("LATISS", [FLAT.exposure_id]),
        "ingested": lambda r: r.ingested("LATISS", [FLAT.exposure_id]),
        "stored": lambda r: r.stored("LATISS", [FLAT.exposure_id], [0]),
        "statistics": lambda r: r.statistics(
            "u/ocps/past7/run", ("verifyBiasStats", "verifyBiasExpStats", "verifyBiasDetStats")
        ),
        "certify": lambda r: r.certify(BIAS, RUN, lambda: True),
    }

    @pytest.mark.parametrize("name", CALLS)
    def test_no_call_reads_all_collections(self, template: Path, tmp_path: Path, name: str) -> None:
        root = tmp_path / "repo"
        shutil.copytree(template, root)
        with Butler.from_config(str(root), writeable=True) as butler, butler.transaction():
            for job in range(30):
                butler.collections.register(f"u/ocps/past{job}/run", CollectionType.RUN)
                butler.collections.register(f"u/ocps/past{job}", CollectionType.CHAINED)
        repository = ButlerRepository(str(root))
        repository.check(writing=True)
        read: list[int] = []

        @event.listens_for(Engine, "after_cursor_execute")
        def count(_: Any, cursor: Any, statement: str, *others: Any) -> None:
            if re.search(r"\bFROM collection\b", statement) and not re.search(r"\bWHERE\b", statement):
                read.append(1)

        try:
            self.CALLS[name](repository)
        finally:
            event.remove(Engine, "after_cursor_execute", count)
            repository.close()
        assert not read


"""When images are taken."""


@pytest.mark.parametrize(
    ("ranges", "when", "valid"),
    [
        ([(None, None)], [DAY], True),
        ([("2026-09-18T20:00:00", "2026-09-18T21:00:00")], [DAY], True),
        ([("2026-09-18T20:00:01", None)], [DAY], False),
        ([(None, "2026-09-18T20:59:59")], [DAY], False),
        ([(None, "2026-09-18T20:00:00")], [DAY], False),
        ([(None, "2026-09-18T20:30:00"), ("2026-09-18T20:30:00", None)], [DAY], True),
        ([(None, "2026-09-18T20:30:00"), ("2026-09-18T20:30:01", None)], [DAY], False),
        ([("2026-09-01", "2026-10-01")], [DAY, LATER], False),
        ([("2026-09-01", "2026-10-01"), ("2026-10-02", None)], [DAY, LATER], True),
    ],
)
def test_a_reference_must_be_valid_all_the_time(
    template: Path,
    tmp_path: Path,
    ranges: list[tuple[str | None, str | None]],
    when: list[TimeRange],
    valid: bool,
) -> None:
    root = tmp_path / "repo"
    shutil.copytree(template, root)
    repository = ButlerRepository(str(root))
    repository.check(writing=True)
    for begin, end in ranges:
        repository.certify(replace(BIAS, validity=TimeRange.of(begin, end)), RUN, lambda: True)
    sources = repository.sources("bias", "LATISS", [COLLECTION], None, when)
    assert lacking(sources, (0,), when) == (() if valid else (0,))
    repository.close()
