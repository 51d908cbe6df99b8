"""Gains from pairs of flats and the photon transfer curve."""

from __future__ import annotations

import numpy as np
import pytest
from lsst.pipe.base import InMemoryDatasetHandle

from lsst.ts.calibscripts.summit.sensor import SensorModel, expectation
from lsst.ts.calibscripts.summit.tasks.flat import FlatNormalizeTask, solve_scales
from lsst.ts.calibscripts.summit.tasks.photon_transfer import (
    PairMeasurement,
    exponential_variance,
    find_pairs,
    fit_curve,
    measure_pair,
)

MODEL = SensorModel.for_detector("LATISS")
GAIN, NOISE, A00, FULL = 1.1, 6.5, -2.4e-6, 120_000.0


@pytest.mark.parametrize(
    ("times", "by_time", "by_id"),
    [
        ([1.2, 1.2], [(0, 1)], [(0, 1)]),
        ([0.1, 0.1, 0.35, 0.35, 1, 1.5, 1.7], [(0, 1), (2, 3)], [(0, 1), (2, 3), (4, 5)]),
        ([5, 5, 5], [(0, 1)], [(0, 1)]),
        ([5, 5, 5, 5], [(0, 1)], [(0, 1), (2, 3)]),
        ([5, 5, 5, 5, 7, 7, 5, 5], [(0, 1), (4, 5), (6, 7)], [(0, 1), (2, 3), (4, 5), (6, 7)]),
        # Of LSSTCam the measured times of the shutter: equal within 5 ms of the first.
        ([2.0004, 2.0011, 4.0002, 4.0009], [(0, 1), (2, 3)], [(0, 1), (2, 3)]),
        ([1, 2, 2, 1], [(1, 2)], [(0, 1), (2, 3)]),
        ([1, 2, 3], [], [(0, 1)]),
        ([], [], []),
    ],
)
def test_pairs_are_those_of_cp_pipe(
    times: list[float], by_time: list[tuple[int, int]], by_id: list[tuple[int, int]]
):
    assert find_pairs(list(enumerate(times)), "TIME") == by_time
    assert find_pairs(list(enumerate(times)), "EXPID") == by_id


@pytest.mark.parametrize("drift", [1.0, 1.05])
def test_gain_of_a_pair(drift: float):
    rng = np.random.default_rng(6)
    response = 1 + 0.02 * rng.standard_normal((1000, 500))
    frames = [
        ((rng.poisson(5000 * scale * response) + rng.normal(0, NOISE, response.shape)) / GAIN).astype(
            np.float32
        )
        for scale in (1.0, drift)
    ]
    frames[0][3, :20] += 2000
    pair = measure_pair(*frames, NOISE / GAIN)
    assert pair.gain == pytest.approx(GAIN, abs=4 * pair.gain_error)
    assert pair.gain_error == pytest.approx(GAIN * np.sqrt(2 / response.size), rel=0.02)
    assert pair.mean == pytest.approx(2500 * (1 + drift) / GAIN, rel=0.002)


def test_pair_without_photons_has_no_gain():
    same = np.full((100, 100), 120_000.0, dtype=np.float32)
    pair = measure_pair(same, same, 6.0)
    assert np.isnan(pair.gain)
    assert np.isnan(pair.gain_error)


def test_curve_is_that_of_the_sensor():
    means = np.geomspace(10, 1e5, 20)
    expected = expectation.flat_variance(MODEL, np.repeat(means[:, None], 16, axis=1))
    noise = (expectation.frame_noise(MODEL) / MODEL.gain) ** 2
    for index in range(16):
        curve = exponential_variance(means, MODEL.gain[index], MODEL.a00, noise[index])
        np.testing.assert_allclose(curve, expected[:, index], rtol=1e-9)
    np.testing.assert_allclose(exponential_variance(means, 1.1, 0.0, 30.0), means / 1.1 + 30.0)


def pairs(means: np.ndarray, error: float = 0.002, seed: int = 1) -> list[PairMeasurement]:
    """Make the measurements of a sensor that is full at FULL ADU."""
    noise = NOISE / GAIN
    scatter = 1 + error * np.random.default_rng(seed).standard_normal(means.size)
    variance = np.where(
        means < FULL, exponential_variance(means, GAIN, A00, noise**2) * scatter, 0.5 * noise**2
    )
    measurements = []
    for mean, total in zip(np.minimum(means, FULL), variance, strict=True):
        photons = total - noise**2
        gain = mean / photons if photons > 0 else np.nan
        measurements.append(PairMeasurement(mean, total, noise, gain, gain * error * total / photons))
    return measurements


def test_fit_finds_gain_and_brighter_fatter_term():
    fit = fit_curve(pairs(np.linspace(1000, 100_000, 30)), brighter_fatter=True, clip=5.0)
    assert fit.gain == pytest.approx(GAIN, abs=4 * fit.gain_error)
    assert fit.gain_error < 0.005 * GAIN
    assert fit.a00 == pytest.approx(A00, abs=4 * fit.a00_error)
    assert not fit.outliers.any()
    assert fit.turnoff == 100_000


def test_fit_leaves_out_saturated_and_wrong_pairs():
    means = np.linspace(5000, 150_000, 30)
    measured = pairs(means)
    measured[4] = PairMeasurement(measured[4].mean, 1.5 * measured[4].variance, 5.9, GAIN / 1.5, 0.003)
    fit = fit_curve(measured, brighter_fatter=True, clip=5.0)
    expected = means >= FULL
    expected[4] = True
    np.testing.assert_array_equal(fit.outliers, expected)
    assert fit.gain == pytest.approx(GAIN, abs=4 * fit.gain_error)
    # Between the last pair below and the first pair above it.
    assert fit.turnoff == pytest.approx(FULL, abs=5000)


def test_one_level_makes_a_straight_line():
    fit = fit_curve(pairs(np.array([1000.0, 1000.0, 1010.0])), brighter_fatter=True, clip=5.0)
    assert (fit.a00, np.isnan(fit.a00_error)) == (0.0, True)
    assert fit.gain == pytest.approx(GAIN, rel=0.01)
    straight = fit_curve(pairs(np.linspace(500, 5000, 20)), brighter_fatter=False, clip=5.0)
    assert straight.a00 == 0.0
    assert straight.gain == pytest.approx(GAIN, rel=0.01)


def test_amplifier_without_any_gain_has_no_fit():
    fit = fit_curve(pairs(np.array([2 * FULL, 2 * FULL])), brighter_fatter=True, clip=5.0)
    assert np.isnan([fit.gain, fit.a00, fit.turnoff]).all()
    assert fit.outliers.all()


def test_scales_separate_light_from_response():
    response, light = {0: 0.9, 1: 1.0, 4: 1.1}, {11: 2e4, 12: 2.1e4, 13: 1.5e4}
    levels = [
        (detector, exposure, factor * level)
        for detector, factor in response.items()
        for exposure, level in light.items()
        if (detector, exposure) != (4, 12)
    ]
    scales = solve_scales(levels)
    assert set(scales[4]) == {11, 13}
    for detector, exposure, _ in levels:
        assert scales[detector][exposure] == pytest.approx(light[exposure])


def test_flat_without_light_is_named():
    with pytest.raises(ValueError, match="flat 2026091800012 of detector 4 has no light"):
        FlatNormalizeTask().run(
            inputMDs=[InMemoryDatasetHandle({"DETECTOR": 0.0}, detector=4, exposure=2026091800012)]
        )
