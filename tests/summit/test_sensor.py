"""Frames of the simulated detectors have the statistics that their model promises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from astropy.time import Time
from numpy.typing import NDArray

from lsst.ts.calibscripts.summit.datasets.types import AMPLIFIERS, RawFrame, split
from lsst.ts.calibscripts.summit.hardware.focalplane import (
    detectors,
    illumination_rate,
    physical_filter,
    physical_filters,
)
from lsst.ts.calibscripts.summit.hardware.observation import Observation, raw_header
from lsst.ts.calibscripts.summit.sensor import REFERENCE_GAIN, SensorModel, expectation, expose, noisier

PIXELS = 250 * 64
"""Imaging pixels of an amplifier at the scale of a rehearsal."""
RATE = illumination_rate("SDSSr_65mm~empty")
WEEKLY = {
    "SDSSr_65mm~empty": 6.0,
    "SDSSg_65mm~empty": 6.0,
    "SDSSz_65mm~empty": 3.0,
    "empty~SDSSy_65mm": 30.0,
    "empty~empty": 1.0,
}


@pytest.fixture(scope="module")
def model() -> SensorModel:
    return SensorModel.for_detector("LATISS", seed=1)


@pytest.fixture(scope="module")
def quiet(model: SensorModel) -> SensorModel:
    """The detector without cosmic rays, where a test combines frames without clipping."""
    return replace(model, cosmic_ray_rate=0.0)


def observe(number: int, image_type: str = "BIAS", time: float = 0.0, **fields: Any) -> Observation:
    return Observation(
        instrument="LATISS",
        day_obs=20260918,
        seq_num=number,
        image_type=image_type,
        exposure_time=time,
        dark_time=time,
        begin=Time("2026-09-18T12:00:00", scale="tai"),
        **({"filter": "SDSSr_65mm", "grating": "empty_1"} | fields),
    )


def electrons(model: SensorModel, frame: RawFrame) -> NDArray[np.float64]:
    """Overscan-subtracted image in electrons, without crosstalk and linear, shape ``(16, rows, columns)``."""
    level = frame.overscan[:, :, 1:].mean(axis=(1, 2))
    gain = model.gain[:, None, None]
    signal = (frame.image - level[:, None, None]) * gain
    mixing = np.eye(16) + model.electronics.crosstalk
    own = np.linalg.solve(mixing, signal.reshape(16, -1)).reshape(signal.shape) / gain
    return np.asarray((own + model.electronics.nonlinearity[:, None, None] * own**2) * gain)


def noise_of(image: NDArray[Any]) -> NDArray[np.float64]:
    """Noise of each amplifier without its outliers, from the central 68%."""
    low, high = np.percentile(image, (15.865, 84.135), axis=(1, 2))
    return np.asarray((high - low) / 2)


def within(measured: NDArray[Any], expected: NDArray[Any], error: NDArray[Any] | float) -> bool:
    """Do all 16 amplifiers agree within 4.5 standard deviations?"""
    return bool((np.abs(measured - expected) < 4.5 * error).all())


def test_same_seed_and_exposure_give_the_same_pixels(model: SensorModel) -> None:
    again = SensorModel.for_detector("LATISS", seed=1)
    first, other = (expose(model, observe(number, "DARK", 30.0)) for number in (2, 3))
    np.testing.assert_array_equal(expose(again, observe(2, "DARK", 30.0)).data, first.data)
    assert (first.data != other.data).mean() > 0.9


def test_seed_and_detector_make_a_difference(model: SensorModel) -> None:
    assert (SensorModel.for_detector("LATISS", seed=2).gain != model.gain).all()
    rafts = [SensorModel.for_detector("LSSTComCam", detector, scale=32) for detector in (0, 1)]
    assert (rafts[0].gain != rafts[1].gain).all()


@pytest.mark.parametrize(
    ("scale", "shape", "columns"), [(1, (16, 2000, 573), 509), (8, (16, 250, 72), 64), (32, (16, 62, 20), 16)]
)
def test_size_of_a_frame(scale: int, shape: tuple[int, ...], columns: int) -> None:
    frame = expose(SensorModel.for_detector("LATISS", scale=scale), observe(1))
    assert frame.data.shape == shape
    assert frame.image_columns == columns
    assert frame.amplifiers == AMPLIFIERS


def test_bias_has_level_structure_and_read_noise(model: SensorModel) -> None:
    n = 10
    frames = [expose(model, observe(number)) for number in range(n)]
    levels = np.mean([frame.overscan.mean(axis=(1, 2)) for frame in frames], axis=0)
    assert within(levels, model.bias_level, 2.0 / np.sqrt(n) + 0.1)
    images = np.array([electrons(model, frame) for frame in frames])
    residual = images.mean(axis=0) - split(expectation.bias_image(model))
    assert within(residual.mean(axis=(1, 2)), np.zeros(16), expectation.level_error(model, n))
    expected = expectation.frame_noise(model) / np.sqrt(n)
    assert within(residual.std(axis=(1, 2)), expected, expected / np.sqrt(2 * PIXELS))


def test_headers_tell_the_nominal_gain_and_noise(model: SensorModel) -> None:
    frame = expose(noisier(model, ["C03"], 1.5), observe(1))
    np.testing.assert_allclose(frame.gains, model.gain, rtol=1e-4)
    np.testing.assert_allclose(frame.read_noises, model.read_noise, rtol=1e-4)
    measured = noise_of(frame.overscan) * model.gain / frame.read_noises
    assert measured[AMPLIFIERS.index("C03")] == pytest.approx(1.5, rel=0.1)
    assert np.delete(measured, AMPLIFIERS.index("C03")) == pytest.approx(1.0, rel=0.1)


def test_first_frame_after_idling_is_visibly_bad(model: SensorModel) -> None:
    """It fails the tests of DMTN-101 that a good frame passes: mean below the noise, noise within 5%."""
    bias = split(expectation.bias_image(model))
    good, bad = (
        electrons(model, expose(model, observe(number, first_after_idle=idle))) - bias
        for number, idle in ((2, False), (1, True))
    )
    assert (np.abs(good.mean(axis=(1, 2))) < 0.1 * noise_of(good)).all()
    assert (bad.mean(axis=(1, 2)) > noise_of(good)).all()
    np.testing.assert_allclose(noise_of(good), model.read_noise, rtol=0.05)
    assert (noise_of(bad) > 1.5 * model.read_noise).all()


def test_dark_current_and_hot_pixels(quiet: SensorModel) -> None:
    frames = [expose(quiet, observe(number, "DARK", 100.0)) for number in range(8)]
    rate = np.mean([electrons(quiet, frame) for frame in frames], axis=0) - split(
        expectation.bias_image(quiet)
    )
    residual = rate / 100.0 - split(expectation.dark_image(quiet))
    error = expectation.dark_noise(quiet, np.full(8, 100.0))
    level = expectation.level_error(quiet, 8) / 100.0
    assert within(np.median(residual, axis=(1, 2)), np.zeros(16), level + 2 * error / np.sqrt(PIXELS))
    assert within(noise_of(residual), error, 0.01 * error)
    hot = expectation.hot_pixels(quiet)
    found = np.median([electrons(quiet, frame) for frame in frames], axis=0) / 100.0 > 2.0
    np.testing.assert_array_equal(found, split(hot))
    assert 50 < hot.sum() < 200


def test_noise_of_darks_weighted_by_time_squared(quiet: SensorModel) -> None:
    times = np.array([5.0, 5.0, 15.0, 30.0, 30.0, 30.0])
    bias = split(expectation.bias_image(quiet))
    total = sum(
        time * (electrons(quiet, expose(quiet, observe(number, "DARK", time))) - bias)
        for number, time in enumerate(times)
    )
    residual = total / (times**2).sum() - split(expectation.dark_image(quiet))
    expected = expectation.dark_noise(quiet, times)
    assert within(noise_of(residual), expected, 0.01 * expected)


def test_noise_of_a_dark_has_that_of_its_bias(quiet: SensorModel) -> None:
    n_bias, times = 4, np.full(6, 30.0)
    bias = np.mean([electrons(quiet, expose(quiet, observe(90 + i))) for i in range(n_bias)], axis=0)
    frames = [electrons(quiet, expose(quiet, observe(i, "DARK", 30.0))) for i in range(len(times))]
    residual = (np.mean(frames, axis=0) - bias) / 30.0 - split(expectation.dark_image(quiet))
    expected = expectation.dark_noise(quiet, times, n_bias)
    assert within(noise_of(residual), expected, 0.01 * expected)
    assert (expected > 1.4 * expectation.dark_noise(quiet, times)).all()


def test_cosmic_rays_come_with_dark_time(model: SensorModel) -> None:
    touched = {
        time: sum(_touched(model, number, time) for number in range(20)) for time in (0.0, 100.0, 400.0)
    }
    assert touched[0.0] == 0
    assert touched[100.0] > 50
    assert touched[400.0] / touched[100.0] == pytest.approx(4.0, rel=0.4)


def _touched(model: SensorModel, number: int, time: float) -> int:
    """Pixels far above what the dark current explains, hot ones aside."""
    image = electrons(model, expose(model, observe(number, "DARK", time)))
    return int((image > 150)[~split(expectation.hot_pixels(model))].sum())


def test_good_darks_look_like_read_noise(model: SensorModel) -> None:
    """Corrected darks of 5 to 30 s pass DMTN-101, so that a rehearsal does not fail by itself."""
    bias, dark = split(expectation.bias_image(model)), split(expectation.dark_image(model))
    for number, time in enumerate((5.0, 15.0, 30.0, 30.0)):
        image = electrons(model, expose(model, observe(number, "DARK", time))) - bias - dark * time
        passed = np.abs(noise_of(image) / model.nominal_read_noise - 1) < 0.05
        assert passed.sum() >= 15
        assert (np.abs(image.mean(axis=(1, 2))) < noise_of(image)).all()


def test_flat_shows_illumination_response_and_dust(quiet: SensorModel) -> None:
    n, time = 12, 5.0
    images = [
        electrons(quiet, expose(quiet, observe(number, "FLAT", time, rate=RATE))) for number in range(n)
    ]
    combined = np.mean(images, axis=0) - split(expectation.bias_image(quiet))
    flat = combined / combined.mean()
    expected = split(expectation.flat_image(quiet, "SDSSr_65mm~empty", float(combined.mean())))
    noise = expectation.flat_noise(quiet, float(combined.mean()), n)
    assert within(noise_of((flat - expected) / np.sqrt(expected)), noise, 0.01 * noise)
    assert within((flat - expected).mean(axis=(1, 2)), np.zeros(16), noise / np.sqrt(PIXELS) + 1e-5)
    center = expected[:, -1, -1].max()
    level = combined[AMPLIFIERS.index("C03")][-20:, -20:].mean() / REFERENCE_GAIN / time
    assert level == pytest.approx(RATE, rel=0.05)
    assert center == pytest.approx(1.0, abs=0.1)


def test_each_filter_has_a_flat_of_its_own(model: SensorModel) -> None:
    first, second = (expectation.flat_image(model, name) for name in ("SDSSr_65mm~empty", "SDSSz_65mm~empty"))
    assert 0.002 < np.abs(first - second).max() < 0.05
    assert first.mean() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("time", [0.5, 5.0, 12.0, 20.0])
def test_pairs_of_flats_follow_the_photon_transfer_curve(quiet: SensorModel, time: float) -> None:
    """Astier et al. (2019), equation 16: the variance of half differences bends below that of Poisson."""
    first, second = (expose(quiet, observe(number, "FLAT", time, rate=RATE)) for number in (1, 2))
    counts = [electrons(quiet, frame) / quiet.gain[:, None, None] for frame in (first, second)]
    means = np.mean(counts, axis=(0, 2, 3))
    variances = (counts[0] - counts[1]).var(axis=(1, 2)) / 2
    expected = expectation.flat_variance(quiet, means)
    assert within(variances, expected, expected * np.sqrt(2 / PIXELS))
    assert (variances / expected).mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / PIXELS / 16))
    read_noise = (quiet.read_noise / quiet.gain) ** 2
    shrinkage = ((expected - read_noise) * quiet.gain / means).mean()
    assert shrinkage == pytest.approx(1 + quiet.a00 * means.mean() * REFERENCE_GAIN, abs=0.04)


def test_gain_from_faint_pairs(quiet: SensorModel) -> None:
    """Mean over variance of faint pairs, corrected for read noise, is the gain."""
    ratios = []
    for pair in range(12):
        first, second = (
            electrons(quiet, expose(quiet, observe(2 * pair + i, "FLAT", 0.5, rate=RATE))) for i in (0, 1)
        )
        counts = [image / quiet.gain[:, None, None] for image in (first, second)]
        variance = (counts[0] - counts[1]).var(axis=(1, 2)) / 2 - (
            expectation.frame_noise(quiet) / quiet.gain
        ) ** 2
        bend = expectation.variance_shrinkage(np.mean(counts, axis=(0, 2, 3)) * quiet.gain, quiet.a00)
        ratios.append(np.mean(counts, axis=(0, 2, 3)) * bend / variance)
    assert within(np.mean(ratios, axis=0), quiet.gain, quiet.gain * np.sqrt(2 / PIXELS / 12) * 1.1)


def test_neighbours_share_the_charge_that_a_pixel_repels(quiet: SensorModel) -> None:
    first, second = (
        electrons(quiet, expose(quiet, observe(number, "FLAT", 20.0, rate=RATE))) for number in (1, 2)
    )
    difference = (first - second) / np.sqrt(2)
    variance = difference.var(axis=(1, 2)).mean()
    beside = (difference[:, :, 1:] * difference[:, :, :-1]).mean() / variance
    above = (difference[:, 1:] * difference[:, :-1]).mean() / variance
    diagonal = (difference[:, 1:, 1:] * difference[:, :-1, :-1]).mean() / variance
    assert (beside, above) == (pytest.approx(above, abs=0.01), pytest.approx(0.07, abs=0.03))
    assert diagonal == pytest.approx(0.0, abs=0.01)


def test_brighter_fatter_effect_conserves_charge(quiet: SensorModel) -> None:
    frame, without = (
        electrons(quiet, expose(sensor, observe(1, "FLAT", 20.0, rate=RATE)))
        for sensor in (quiet, replace(quiet, a00=-1e-12))
    )
    assert frame.mean(axis=(1, 2)) == pytest.approx(without.mean(axis=(1, 2)), rel=1e-6)
    # Of neighbours, which see the same light.
    assert (noise_of(np.diff(frame)) < noise_of(np.diff(without))).all()


def test_a_dead_column_shares_charge_as_fluctuations_do(quiet: SensorModel) -> None:
    n, time = 12, 5.0
    frames = (expose(quiet, observe(number, "FLAT", time, rate=RATE)) for number in range(n))
    combined = np.mean([electrons(quiet, frame) for frame in frames], axis=0)
    combined -= split(expectation.bias_image(quiet))
    level = float(combined.mean())
    dead = split(expectation.insensitive_pixels(quiet))
    as_they_are, corrected = (
        split(expectation.flat_image(quiet, "SDSSr_65mm~empty", at))[dead] for at in (level, 0.0)
    )
    assert (combined[dead] / level).mean() == pytest.approx(as_they_are.mean(), abs=5e-4)
    assert as_they_are.mean() > corrected.mean() + 5e-3


def test_full_wells_saturate_below_the_converter(model: SensorModel) -> None:
    frame = expose(model, observe(1, "FLAT", 40.0, rate=RATE))
    counts = np.median(electrons(model, frame), axis=(1, 2)) / model.gain
    np.testing.assert_allclose(counts, expectation.turnoff(model), rtol=1e-3)
    np.testing.assert_allclose(counts, 123_000, rtol=0.05)
    assert frame.data.max() < 2**18 - 1


def test_counts_have_18_bits(model: SensorModel) -> None:
    frame = expose(replace(model, full_well=np.full(16, 1e6)), observe(1, "FLAT", 200.0, rate=RATE))
    assert frame.data.max() == 2**18 - 1
    assert expose(replace(model, bias_level=np.zeros(16)), observe(2)).data.min() == 0


@pytest.mark.parametrize(("name", "time"), WEEKLY.items())
def test_weekly_flats_stay_below_saturation(name: str, time: float) -> None:
    assert 10_000 < illumination_rate(name) * time < 40_000


def test_default_flats_stay_below_saturation_in_every_filter() -> None:
    for instrument in ("LATISS", "LSSTComCam", "LSSTCam"):
        for name in physical_filters(instrument):
            assert 0 < illumination_rate(name) * 5.0 < 100_000


def test_insensitive_pixels_are_few_and_known(quiet: SensorModel) -> None:
    image = electrons(quiet, expose(quiet, observe(1, "FLAT", 20.0, rate=RATE)))
    flat = image / np.median(image, axis=(1, 2))[:, None, None]
    known = split(expectation.insensitive_pixels(quiet))
    np.testing.assert_array_equal(flat < 0.75, known)
    assert 100 < known.sum() < 300


def test_names_of_detectors_and_filters() -> None:
    assert [detector.full_name for detector in detectors("LATISS")] == ["RXX_S00"]
    assert [len(detectors(name)) for name in ("LSSTComCam", "LSSTCam")] == [9, 205]
    assert [detector.id for detector in detectors("LSSTCam")] == list(range(205))
    assert {detector.purpose for detector in detectors("LSSTCam")[:189]} == {"SCIENCE"}
    assert physical_filter("LATISS", "SDSSr_65mm", "empty_1") == "SDSSr_65mm~empty"
    assert physical_filter("LATISS", "empty_1", "SDSSy_65mm") == "empty~SDSSy_65mm"
    assert physical_filter("LSSTComCam", "r_03") == "r_03"
    with pytest.raises(KeyError, match="unheard_of"):
        illumination_rate("unheard_of~empty")


def test_header_says_what_the_observer_asked_for() -> None:
    observation = observe(42, "FLAT", 6, group_id="g#1", program="BLOCK-295", reason="weekly", note="clouds")
    header = raw_header(observation, detectors("LATISS")[0])
    expected = {
        "INSTRUME": "LATISS",
        "OBSID": "AT_O_20260918_000042",
        "DAYOBS": "20260918",
        "SEQNUM": 42,
        "GROUPID": "g#1",
        "IMGTYPE": "FLAT",
        "EXPTIME": 6.0,
        "DARKTIME": 6.0,
        "FILTER": "SDSSr_65mm",
        "GRATING": "empty_1",
        "PROGRAM": "BLOCK-295",
        "REASON": "weekly",
        "NOTE": "clouds",
        "CAMCODE": "AT",
        "CONTRLLR": "O",
        "TIMESYS": "TAI",
        "DATE-BEG": "2026-09-18T12:00:00.000",
        "DATE-END": "2026-09-18T12:00:06.000",
    }
    assert header | expected == header
    assert (header["MJD-END"] - header["MJD-BEG"]) * 86_400 == pytest.approx(6.0, abs=1e-3)


def test_header_times_are_tai() -> None:
    utc = Time("2026-09-18T12:00:00", scale="utc")
    header = raw_header(replace(observe(1), begin=utc), detectors("LATISS")[0])
    assert header["DATE-BEG"] == "2026-09-18T12:00:37.000"
