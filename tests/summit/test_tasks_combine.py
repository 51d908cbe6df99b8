"""Combination of frames."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.nddata import CCDData
from numpy.typing import NDArray

from lsst.ts.calibscripts.summit.tasks.binning import bin_pixels
from lsst.ts.calibscripts.summit.tasks.combination import combine
from lsst.ts.calibscripts.summit.tasks.combine import frame_scale, shared_header

SHAPE = (40, 64)


def frames(n: int, noise: NDArray[np.float64] | None = None, seed: int = 1) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    sigma = np.ones(n) if noise is None else noise
    return (100 + rng.standard_normal((n, *SHAPE)) * sigma[:, None, None]).astype(np.float32)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 20])
def test_good_values_are_all_used(n: int):
    stack = frames(n)
    image, empty = combine(stack, np.ones(n), 8.0, 8)
    np.testing.assert_allclose(image, stack.mean(axis=0), rtol=1e-5)
    assert not empty.any()


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_cosmic_rays_are_left_out(n: int):
    stack = frames(n)
    clean = stack.copy()
    rng = np.random.default_rng(2)
    hit = (rng.integers(n, size=60), rng.integers(40, size=60), rng.integers(64, size=60))
    stack[hit] += 500
    spoiled = stack != clean
    image, _ = combine(stack, np.ones(n), 5.0, 8)
    expected = np.ma.masked_array(clean, spoiled).mean(axis=0)
    once = spoiled.sum(axis=0) == 1
    assert once.any()
    np.testing.assert_allclose(image[once], expected[once], rtol=1e-4)


def test_a_hot_pixel_is_not_clipped_though_it_is_noisier_than_the_others():
    stack = frames(20)
    stack[:, 5, 5] = np.random.default_rng(3).poisson(2500, 20)
    image, _ = combine(stack, np.ones(20), 5.0, 8)
    assert image[5, 5] == pytest.approx(stack[:, 5, 5].mean(), rel=1e-5)


def test_weights_are_inverse_variances():
    noise = np.array([6.0] * 4 + [2.0] * 2 + [1.0] * 16)
    stack = frames(22, noise)
    image, _ = combine(stack, noise, 6.0, 8)
    expected = np.average(stack.astype(float), axis=0, weights=noise**-2)
    np.testing.assert_allclose(image, expected, rtol=1e-4)
    assert np.std(image) == pytest.approx(np.sum(noise**-2) ** -0.5, rel=0.05)


def test_noise_is_compared_within_an_amplifier():
    stack = frames(20)
    stack[:, :20, 8:16] = 100 + (stack[:, :20, 8:16] - 100) * 30
    image, _ = combine(stack, np.ones(20), 5.0, 8)
    np.testing.assert_allclose(image, stack.mean(axis=0), atol=0.7 * 30 / np.sqrt(20))
    quiet = np.ones(SHAPE, dtype=bool)
    quiet[:20, 8:16] = False
    np.testing.assert_allclose(image[quiet], stack.mean(axis=0)[quiet], rtol=1e-5)


def test_masked_values_are_left_out():
    stack = frames(5)
    stack[2, 3, 4] = np.nan
    stack[:4, 6, 7] = np.nan
    stack[:, 9, 10] = np.nan
    image, empty = combine(stack, np.ones(5), 5.0, 8)
    assert image[3, 4] == pytest.approx(np.nanmean(stack[:, 3, 4]))
    assert image[6, 7] == stack[4, 6, 7]
    assert np.argwhere(empty).tolist() == [[9, 10]]
    assert image[9, 10] == 0


def test_threads_change_nothing():
    stack = frames(9)
    one, several = (combine(stack, np.ones(9), 3.0, 8, threads=n)[0] for n in (1, 3))
    np.testing.assert_array_equal(one, several)


@pytest.mark.parametrize(
    ("scaling", "scale"), [("Unity", 1.0), ("DarkTime", 30.0), ("MeanStats", 7.0), ("InputList", 8.0)]
)
def test_scale_of_a_frame(scaling: str, scale: float):
    data = np.full(SHAPE, 7.0, dtype=np.float32)
    data[0, 0] = 1e6
    mask = data > 100
    image = CCDData(data, unit="electron", mask=mask, meta={"DARKTIME": 30.0})
    assert frame_scale(scaling, image, 8.0) == pytest.approx(scale)


def test_frame_without_light_is_refused_by_name():
    image = CCDData(
        np.zeros(SHAPE, dtype=np.float32), unit="electron", meta={"OBSID": "AT_O_20260918_000042"}
    )
    with pytest.raises(ValueError, match="AT_O_20260918_000042 cannot be scaled by its MeanStats of 0"):
        frame_scale("MeanStats", image, None)


def test_header_keeps_what_all_frames_share():
    headers = [
        {"INSTRUME": "LATISS", "OBSID": name, "LSST ISR GAIN C10": 1.1, "LSST BUTLER RUN": "x"}
        for name in ("a", "b")
    ]
    header = shared_header(headers)
    assert dict(header) == {"INSTRUME": "LATISS", "LSST ISR GAIN C10": 1.1, "NCOMBINE": 2}


def test_bins_are_means_and_masked_where_one_of_their_pixels_is():
    data = np.arange(20 * 516, dtype=np.float32).reshape(20, 516)
    mask = np.zeros(data.shape, dtype=bool)
    mask[9, 3] = True
    binned = bin_pixels(CCDData(data, unit="adu", mask=mask), 8)
    assert binned.data.shape == (2, 64)
    assert binned.data[1, 2] == data[8:16, 16:24].mean()
    assert np.argwhere(binned.mask).tolist() == [[1, 0]]


def test_frames_of_a_rehearsal_are_binned_less():
    assert bin_pixels(CCDData(np.ones((124, 128)), unit="adu"), 8).data.shape == (62, 64)
