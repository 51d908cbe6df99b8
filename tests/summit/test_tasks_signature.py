"""Signature removal: what it leaves of a frame is what the sensor model put into it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.nddata import CCDData
from astropy.table import Table
from tasks_support import observe

from lsst.ts.calibscripts.summit.datasets.types import AMPLIFIERS, RawFrame, amplifier_views, assemble
from lsst.ts.calibscripts.summit.sensor import REFERENCE_GAIN, SensorModel, expectation, expose
from lsst.ts.calibscripts.summit.tasks.signature import (
    GAIN,
    OVERSCAN_NOISE,
    READ_NOISE,
    Calibrations,
    amplifier_values,
    defect_mask,
    overscan_level,
    remove_signature,
)

MODEL = SensorModel.for_detector("LATISS", seed=1)
FILTER = "SDSSr_65mm~empty"


def correct(frame: RawFrame, calibrations: Calibrations | None = None, *, electrons: bool = True) -> CCDData:
    return remove_signature(frame, calibrations or Calibrations(), order=5, electrons=electrons)


def perfect() -> Calibrations:
    """Make calibrations without noise."""
    return Calibrations(
        bias=CCDData(expectation.bias_image(MODEL), unit="electron"),
        dark=CCDData(expectation.dark_image(MODEL), unit="electron/s"),
        flat=CCDData(expectation.flat_image(MODEL, FILTER), unit=""),
    )


def test_overscan_level_follows_the_rows():
    rows = np.linspace(-1, 1, 250)
    level = 20_000 + 30 * rows + np.arange(16)[:, None] - 12 * rows**3
    overscan = np.repeat(level[:, :, None], 8, axis=2)
    np.testing.assert_allclose(overscan_level(overscan, 5), level, atol=1e-6)


def test_overscan_level_adds_little_noise():
    overscan = np.random.default_rng(1).normal(0.0, 7.0, (16, 250, 8))
    # Six coefficients from 2000 pixels, instead of a mean of eight pixels for every row.
    assert np.std(overscan_level(overscan, 5)) == pytest.approx(7.0 * np.sqrt(6 / 2000), rel=0.3)
    assert np.std(overscan_level(overscan, 249)) == pytest.approx(7.0 / np.sqrt(8), rel=0.05)


def test_bias_is_assembled_in_electrons():
    image = correct(expose(MODEL, observe(1)))
    assert image.unit == "electron"
    assert image.data.shape == (500, 512)
    assert image.data.dtype == np.float32
    assert image.mask is None
    residual = amplifier_views(image.data - expectation.bias_image(MODEL))
    noise = [np.std(pixels) for pixels in residual.values()]
    np.testing.assert_allclose(noise, expectation.frame_noise(MODEL), rtol=0.03)
    # The level of the overscan is known from 2000 pixels.
    assert max(abs(np.mean(pixels)) for pixels in residual.values()) < 5 * 8 / np.sqrt(2000)


def test_header_tells_gain_and_noise():
    header = correct(expose(MODEL, observe(1))).meta
    assert header["OBSID"] == "AT_O_20260918_000001"
    assert list(amplifier_values(header, GAIN)) == list(AMPLIFIERS)
    np.testing.assert_allclose(list(amplifier_values(header, GAIN).values()), MODEL.gain, atol=1e-4)
    np.testing.assert_allclose(
        list(amplifier_values(header, READ_NOISE).values()), MODEL.read_noise, atol=1e-3
    )
    overscan = np.array(list(amplifier_values(header, OVERSCAN_NOISE).values())) * MODEL.gain
    np.testing.assert_allclose(overscan, expectation.frame_noise(MODEL), rtol=0.08)
    with pytest.raises(KeyError, match="not made by an ISR task"):
        amplifier_values({"OBSID": "x"}, GAIN)


def test_dark_is_subtracted_by_dark_time():
    calibrations = replace(perfect(), flat=None)
    image = correct(expose(MODEL, observe(2, "DARK", 60.0)), calibrations)
    uncorrected = correct(expose(MODEL, observe(2, "DARK", 60.0)), replace(calibrations, dark=None))
    hot = expectation.hot_pixels(MODEL)
    assert np.mean(uncorrected.data[hot]) > 200
    assert abs(np.mean(image.data[hot])) < 10
    assert abs(np.median(image.data)) < 0.5


def test_flat_is_even_after_correction():
    # Of frames that are not sharpened, as this one is not.
    flat = CCDData(expectation.flat_image(MODEL, FILTER, 5.0 * 4900.0 * REFERENCE_GAIN), unit="")
    image = correct(expose(MODEL, observe(3, "FLAT", 5.0, rate=4900.0)), replace(perfect(), flat=flat))
    means = [np.mean(pixels) for pixels in amplifier_views(image.data).values()]
    np.testing.assert_allclose(means, np.mean(means), rtol=0.01)
    shrinkage = expectation.variance_shrinkage(np.mean(means), MODEL.a00)
    expected = np.sqrt(np.array(means) * shrinkage + expectation.frame_noise(MODEL) ** 2)
    noise = [np.std(pixels) for pixels in amplifier_views(image.data).values()]
    np.testing.assert_allclose(noise, expected, rtol=0.03)


def test_adu_are_those_of_the_frame():
    frame = expose(MODEL, observe(1))
    adu, electrons = correct(frame, electrons=False), correct(frame)
    assert adu.unit == "adu"
    np.testing.assert_allclose(
        amplifier_views(adu.data)["C12"] * frame.gains[2], amplifier_views(electrons.data)["C12"], atol=1e-3
    )
    level = amplifier_views(adu.data)["C12"] - frame.image[2]
    assert np.std(level.mean(axis=1)) < 1.0


def test_pixels_that_hardly_respond_are_masked():
    flat = perfect().flat
    assert flat is not None
    flat.data[7, 11] = 0.01
    image = correct(expose(MODEL, observe(3, "FLAT", 5.0, rate=4900.0)), replace(perfect(), flat=flat))
    assert image.mask is not None
    assert np.argwhere(image.mask).tolist() == [[7, 11]]
    assert np.isfinite(image.data).all()


def test_masks_of_calibrations_and_defects_are_united():
    bias = perfect().bias
    assert bias is not None
    bias.mask = np.zeros(bias.shape, dtype=bool)
    bias.mask[0, 0] = True
    defects = Table({"x0": [3], "y0": [490], "width": [2], "height": [10], "amplifier": ["C10"]})
    image = correct(expose(MODEL, observe(1)), Calibrations(bias=bias, defects=defects))
    assert image.mask is not None
    assert image.mask.sum() == 21
    assert image.mask[490:, 3:5].all()
    assert (defect_mask(defects, (500, 512)) <= image.mask).all()


def test_amplifiers_lie_where_the_storage_says():
    frame = expose(MODEL, observe(1))
    image = correct(frame, electrons=False)
    raw = assemble(frame.image)
    for name, view in amplifier_views(image.data).items():
        difference = view - amplifier_views(raw)[name]
        assert np.ptp(difference) < 15, name
