"""Files and storage classes of the simulated summit."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.daf.butler import Butler, DatasetProvenance, DatasetType

from lsst.ts.calibscripts.summit.butler.repository import make_repository
from lsst.ts.calibscripts.summit.datasets.raw_files import read_raw, write_raw
from lsst.ts.calibscripts.summit.datasets.types import (
    AMPLIFIERS,
    PhotonTransferCurve,
    RawFrame,
    amplifier_views,
    assemble,
    split,
)

ROWS, COLUMNS, IMAGE_COLUMNS = 5, 9, 7


@pytest.fixture
def frame() -> RawFrame:
    counts = np.random.default_rng(1).integers(0, 2**18, (16, ROWS, COLUMNS), dtype=np.int32)
    return RawFrame(
        header={"OBSID": "AT_O_20260918_000042", "SEQNUM": 42, "EXPTIME": 1.5, "SIMULATE": True, "NOTE": ""},
        amplifiers=AMPLIFIERS,
        data=counts,
        image_columns=IMAGE_COLUMNS,
        gains=tuple(1.0 + 0.01 * i for i in range(16)),
        read_noises=tuple(6.0 + 0.1 * i for i in range(16)),
    )


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_repository(tmp_path_factory.mktemp("empty") / "repo")


@pytest.fixture
def butler(empty: str, tmp_path: Path) -> Iterator[Butler]:
    root = shutil.copytree(empty, tmp_path / "repo")
    with Butler.from_config(str(root), writeable=True, run="test") as butler:
        yield butler


def test_raw_frame_comes_back_as_it_was_written(frame: RawFrame, tmp_path: Path) -> None:
    write_raw(frame, tmp_path / "raw.fits")
    back = read_raw(tmp_path / "raw.fits")
    np.testing.assert_array_equal(back.data, frame.data)
    assert back.data.dtype == np.int32
    assert replace(back, data=frame.data) == frame


@settings(max_examples=60)
@given(kept=st.integers(0, 16 * 2880 * 2 + 2880))
def test_a_raw_file_that_ends_early_is_refused(kept: int) -> None:
    frame = RawFrame({"OBSID": "x"}, AMPLIFIERS, np.ones((16, 5, 9), np.int32), 7, (1.0,) * 16, (6.0,) * 16)
    with TemporaryDirectory() as directory:
        path = Path(directory) / "raw.fits"
        write_raw(frame, path)
        content = path.read_bytes()
        path.write_bytes(content[: min(kept, len(content) - 2880)])
        with pytest.raises(OSError, match=re.escape(str(path))):
            read_raw(path)


@pytest.mark.parametrize("content", [b"", b"not FITS at all", b"x" * 2877 + b"END", b"\0" * 28800])
def test_what_is_no_fits_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "raw.fits").write_bytes(content)
    with pytest.raises(OSError, match="raw"):
        read_raw(tmp_path / "raw.fits")


def test_raw_file_is_valid_fits_with_a_section_for_every_amplifier(frame: RawFrame, tmp_path: Path) -> None:
    write_raw(frame, tmp_path / "raw.fits")
    with fits.open(tmp_path / "raw.fits") as file:
        file.verify("exception")
        assert tuple(extension.name for extension in file[1:]) == AMPLIFIERS
        image = np.zeros((2 * ROWS, 8 * IMAGE_COLUMNS), dtype=np.int32)
        for extension in file[1:]:
            assert extension.header["DATASEC"] == f"[1:{IMAGE_COLUMNS},1:{ROWS}]"
            assert extension.header["BIASSEC"] == f"[{IMAGE_COLUMNS + 1}:{COLUMNS},1:{ROWS}]"
            columns, rows = extension.header["DETSEC"].strip("[]").split(",")
            (x, _), (y, _) = (map(int, span.split(":")) for span in (columns, rows))
            image[y - 1 : y - 1 + ROWS, x - 1 : x - 1 + IMAGE_COLUMNS] = extension.data[:, :IMAGE_COLUMNS]
        assert (file["C03"].header["GAIN"], file["C03"].header["RDNOISE"]) == pytest.approx((1.11, 7.1))
    np.testing.assert_array_equal(image, assemble(frame.image))


def test_image_and_overscan_share_the_columns(frame: RawFrame) -> None:
    both = np.concatenate([frame.image, frame.overscan], axis=2)
    np.testing.assert_array_equal(both, frame.data)
    assert frame.image.shape == (16, ROWS, IMAGE_COLUMNS)


def test_amplifiers_are_two_rows_of_eight(frame: RawFrame) -> None:
    image = assemble(frame.image)
    np.testing.assert_array_equal(image[ROWS:, :IMAGE_COLUMNS], frame.image[AMPLIFIERS.index("C10")])
    np.testing.assert_array_equal(image[:ROWS, -IMAGE_COLUMNS:], frame.image[AMPLIFIERS.index("C07")])
    np.testing.assert_array_equal(split(image), frame.image)


def test_amplifier_views_write_through(frame: RawFrame) -> None:
    image = assemble(frame.image)
    views = amplifier_views(image)
    assert tuple(views) == AMPLIFIERS
    for name, amplifier in zip(AMPLIFIERS, frame.image, strict=True):
        np.testing.assert_array_equal(views[name], amplifier)
    views["C05"][:] = -1
    assert (split(image)[AMPLIFIERS.index("C05")] == -1).all()
    assert np.count_nonzero(image == -1) == ROWS * IMAGE_COLUMNS


def test_combined_image_keeps_header_unit_and_mask(butler: Butler) -> None:
    data = np.random.default_rng(2).normal(size=(6, 16))
    meta = fits.Header({"OBSID": "AT_O_20260918_000042", "NCOMBINE": 20})
    meta["HIERARCH LSST ISR GAIN C00"] = 1.1
    image = CCDData(data, unit="electron/s", mask=data > 1, meta=meta)
    butler.put(image, "bias", instrument="LATISS", detector=0)
    back = butler.get("bias", instrument="LATISS", detector=0)
    assert back.data.dtype == np.dtype(np.float32)
    np.testing.assert_array_equal(back.data, data.astype(np.float32))
    np.testing.assert_array_equal(back.mask, image.mask)
    assert back.unit == image.unit
    assert (back.meta["NCOMBINE"], back.meta["LSST ISR GAIN C00"]) == (20, 1.1)
    assert "NCOMBINE" in image.meta
    assert not any(key.startswith("BUTLER") for key in image.meta)


def test_a_calibration_that_is_written_again_is_read_again(butler: Butler) -> None:
    """Calibrations are kept in memory: one that takes the place of another must not be mistaken for it."""
    where = {"instrument": "LATISS", "detector": 0}
    ref = butler.put(CCDData(np.ones((2, 8)), unit="adu"), "bias", where)
    assert butler.get(ref).data[0, 0] == 1
    butler.pruneDatasets([ref], disassociate=True, unstore=True, purge=True)
    ref = butler.put(CCDData(np.full((2, 8), 3.0), unit="adu"), "bias", where)
    assert butler.get(ref).data[0, 0] == 3


def test_the_pixels_of_a_calibration_cannot_be_changed(butler: Butler) -> None:
    """The next who gets it would see the change."""
    ref = butler.put(CCDData(np.ones((2, 8)), unit="adu"), "bias", instrument="LATISS", detector=0)
    with pytest.raises(ValueError, match="read-only"):
        butler.get(ref).data[0, 0] = 2


def test_statistics_come_back_in_their_order(butler: Butler) -> None:
    statistics = {"AMP": {"C01": {"MEAN": 1.25e-7, "NOISE": math.nan}, "C00": {}}, "SUCCESS": True, "N": [1]}
    dimensions = butler.dimensions.conform(["instrument", "detector"])
    butler.registry.registerDatasetType(DatasetType("verifyStats", dimensions, "StructuredDataDict"))
    ref = butler.put(statistics, "verifyStats", instrument="LATISS", detector=0)
    back = butler.get(ref)
    assert repr(back) == repr(statistics)
    assert butler.getURI(ref).getExtension() == ".yaml"


def test_combined_image_without_mask(butler: Butler) -> None:
    butler.put(CCDData(np.ones((2, 8)), unit="adu"), "bias", instrument="LATISS", detector=0)
    assert butler.get("bias", instrument="LATISS", detector=0).mask is None


def test_combined_image_tells_what_it_was_made_from(butler: Butler) -> None:
    """The header of a dark names the bias, by id and RUN, and does not keep the bias's own inputs."""
    where = {"instrument": "LATISS", "detector": 0}
    run = "u/ocps/0123456789abcdef0123456789abcdef/run"
    for name in ("older", run):
        butler.collections.register(name)
    older = butler.put(CCDData(np.zeros((2, 8)), unit="electron"), "bias", where, run="older")
    provenance = DatasetProvenance()
    provenance.add_input(older)
    bias = butler.put(butler.get(older), "bias", where, run=run, provenance=provenance)
    provenance = DatasetProvenance()
    provenance.add_input(bias)
    dark = butler.put(butler.get(bias), "dark", where, provenance=provenance)
    header = butler.get(dark).meta
    assert header["LSST BUTLER DATASETTYPE"] == "dark"
    assert header["LSST BUTLER N_INPUTS"] == 1
    assert header["LSST BUTLER INPUT 0 DATASETTYPE"] == "bias"
    assert header["LSST BUTLER INPUT 0 ID"] == str(bias.id)
    assert header["LSST BUTLER INPUT 0 RUN"] == run
    assert not any(str(older.id) == value for value in header.values())


def test_defects_come_back_with_provenance(butler: Butler) -> None:
    rows = [(3, 0, 1, 250, "C00"), (17, 40, 1, 1, "C13")]
    table = Table(rows=rows, names=("x0", "y0", "width", "height", "amplifier"))
    ref = butler.put(table, "defects", instrument="LATISS", detector=0)
    back = butler.get(ref)
    assert [tuple(row) for row in back] == rows
    assert back.meta["provenance"]["LSST BUTLER ID"] == str(ref.id)
    assert not table.meta


def test_empty_table_of_defects(butler: Butler) -> None:
    names = ("x0", "y0", "width", "height", "amplifier")
    table = Table(names=names, dtype=(int, int, int, int, str))
    back = butler.get(butler.put(table, "defects", instrument="LATISS", detector=0))
    assert len(back) == 0
    assert back.colnames == list(names)


def test_photon_transfer_curve_comes_back(butler: Butler) -> None:
    curve = PhotonTransferCurve(
        gain={"C00": 1.1, "C01": math.inf},
        gain_error={"C00": 0.01, "C01": 0.0},
        noise={"C00": 6.5, "C01": 7.5},
        noise_error={"C00": 0.1, "C01": 0.1},
        turnoff={"C00": 118_000.0},
        exposure_pairs=((2026091800001, 2026091800002),),
        means={"C00": (20_000.5,)},
        variances={"C00": (18_000.25,)},
        outliers={"C00": (False,)},
        fit_type="EXPAPPROXIMATION",
    )
    ref = butler.put(curve, "ptc", instrument="LATISS", detector=0)
    back = butler.get(ref)
    assert back.provenance["LSST BUTLER RUN"] == "test"
    assert replace(back, provenance={}) == curve


def test_photon_transfer_curve_keeps_nan(butler: Butler) -> None:
    nothing = {"C00": math.nan}
    curve = PhotonTransferCurve(gain=nothing, gain_error=nothing, noise=nothing, noise_error=nothing)
    back = butler.get(butler.put(curve, "ptc", instrument="LATISS", detector=0))
    assert math.isnan(back.gain["C00"])


def test_raw_frame_in_the_butler(butler: Butler, frame: RawFrame) -> None:
    kind = DatasetType("frame", ("instrument", "detector"), "RawFrame", universe=butler.dimensions)
    butler.registry.registerDatasetType(kind)
    back = butler.get(butler.put(frame, "frame", instrument="LATISS", detector=0))
    np.testing.assert_array_equal(back.data, frame.data)
    assert back.header == frame.header
