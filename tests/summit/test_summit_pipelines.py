"""The stand-in pipelines, run by the real pipetask on frames of the sensor model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.daf.butler import Butler
from lsst.pipe.base import Pipeline
from tasks_support import ENVIRONMENT, PIPELINES, Summit, failed_tests, passed

from lsst.ts.calibscripts.summit.butler.repository import make_reference_calibrations
from lsst.ts.calibscripts.summit.datasets.types import AMPLIFIERS, amplifier_views
from lsst.ts.calibscripts.summit.sensor import SensorModel, expectation, noisier
from lsst.ts.calibscripts.summit.tasks.signature import defect_mask

MODEL = SensorModel.for_detector("LATISS")
FILTER = "SDSSr_65mm~empty"
RATE = 4900.0
DARK_TIMES = [5.0] * 4 + [15.0] * 2 + [30.0] * 12
PAIR_TIMES = [1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 20, 22, 23, 23.5, 24, 24.5, 25, 25.25, 25.5, 26]

LABELS = {
    "cp_pipe": {
        "cpBias": ["cpBiasIsr", "cpBiasCombine"],
        "cpDark": ["cpDarkIsr", "cpDarkCombine"],
        "cpFlat": ["cpFlatIsr", "cpFlatCombine"],
        "cpDefects": [
            "cpMeasureBiasDefects",
            "cpMeasureDarkDefects",
            "cpMeasureFlatDefects",
            "cpMergeDefects",
        ],
        "cpPtc": ["cpPtcIsr", "cpPtcExtractPair", "cpPtcSolve"],
        "cpPtc#cpPtcGainFromFlatPairs": ["cpPtcIsr", "cpPtcExtractPair"],
    },
    "cp_verify": {
        f"verify{product}": [f"verify{product}{step}" for step in ("Isr", "Det", "Exp", "")]
        for product in ("Bias", "Dark", "Flat")
    },
}


@pytest.fixture(autouse=True)
def pipeline_directories(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("instrument", ["LATISS", "LSSTComCam", "LSSTCam"])
@pytest.mark.parametrize(
    ("package", "name"), [(package, name) for package, names in LABELS.items() for name in names]
)
def test_labels_are_those_of_today(package: str, name: str, instrument: str):
    file, hash_sign, subset = name.partition("#")
    path = PIPELINES / package / "pipelines" / instrument / f"{file}.yaml"
    graph = Pipeline.from_uri(f"{path}{hash_sign}{subset}").to_graph()
    labels = list(LABELS[package][name])
    if name == "cpFlat" and instrument != "LATISS":
        labels += ["cpFlatMeasure", "cpFlatNormalize"]
    assert set(graph.tasks) == set(labels)


@pytest.fixture(scope="module")
def summit(tmp_path_factory: pytest.TempPathFactory) -> Summit:
    return Summit.make(tmp_path_factory.mktemp("pipelines") / "repo", MODEL)


@pytest.fixture(scope="module")
def biases(summit: Summit) -> list[int]:
    return summit.take("BIAS", [0.0] * 20)


@pytest.fixture(scope="module")
def bias_run(summit: Summit, biases: list[int]) -> str:
    return summit.job("cpBias", biases, options=["-c", "cpBiasIsr:doDefect=False"])


@pytest.fixture(scope="module")
def darks(summit: Summit) -> list[int]:
    return summit.take("DARK", DARK_TIMES)


@pytest.fixture(scope="module")
def dark_run(summit: Summit, darks: list[int], bias_run: str) -> str:
    return summit.job("cpDark", darks, bias_run)


@pytest.fixture(scope="module")
def flats(summit: Summit) -> list[int]:
    return summit.take("FLAT", [5.0] * 8, RATE)


@pytest.fixture(scope="module")
def flat_run(summit: Summit, flats: list[int], dark_run: str, bias_run: str) -> str:
    return summit.job("cpFlat", flats, dark_run, bias_run)


@pytest.fixture(scope="module")
def defects_run(summit: Summit, darks: list[int], flat_run: str, dark_run: str, bias_run: str) -> str:
    return summit.job("cpDefects", [*darks, *summit.take("FLAT", [5.0], RATE)], flat_run, dark_run, bias_run)


def test_bias_agrees_with_the_sensor(summit: Summit, bias_run: str):
    bias = summit.get("bias", bias_run, detector=0)
    assert bias.unit == "electron"
    assert bias.meta["NCOMBINE"] == 20
    assert bias.meta["DETECTOR"] == 0
    assert "OBSID" not in bias.meta
    assert bias.meta["BUTLER N_INPUTS"] == 20
    residual = amplifier_views(bias.data - expectation.bias_image(MODEL)).values()
    expected = expectation.frame_noise(MODEL) / np.sqrt(20)
    # The error of a standard deviation of 16,000 pixels is 0.6 %.
    np.testing.assert_allclose([np.std(pixels) for pixels in residual], expected, rtol=0.03)
    means = np.array([np.mean(pixels) for pixels in residual])
    assert (np.abs(means) < 4 * expectation.level_error(MODEL, 20)).all()


def test_biases_pass_against_their_own_mean(summit: Summit, biases: list[int], bias_run: str):
    run = summit.job("verifyBias", biases, bias_run)
    statistics = summit.get("verifyBiasStats", run)
    assert statistics == passed(biases)
    detector = summit.get("verifyBiasDetStats", run, exposure=biases[0], detector=0)
    ratio = [detector["AMP"][name]["NOISE"] for name in AMPLIFIERS] / expectation.frame_noise(MODEL)
    np.testing.assert_allclose(ratio, np.sqrt(1 - 1 / 20), rtol=0.025)
    image = summit.get("verifyBiasIsrExp", run, exposure=biases[0], detector=0)
    assert np.std(image.data[:250, :64]) == pytest.approx(detector["AMP"]["C00"]["NOISE"], rel=1e-3)


def test_three_biases_fail_against_their_own_mean_in_older_stacks_only(summit: Summit, bias_run: str):
    taken = summit.take("BIAS", [0.0] * 3)
    bias = summit.job("cpBias", taken)
    assert summit.get("verifyBiasStats", summit.job("verifyBias", taken, bias)) == passed(taken)
    options = ["-c", "verifyBiasDet:twoSidedNoise=True"]
    statistics = summit.get(
        "verifyBiasStats", summit.job("verifyBias", taken, bias, options=options, name="two_sided")
    )
    assert statistics["SUCCESS"] is False
    assert failed_tests(statistics) == {
        exposure: [f"RXX_S00 {name} NOISE" for name in AMPLIFIERS] for exposure in taken
    }


def test_noisy_amplifier_fails_noise(summit: Summit, bias_run: str):
    noisy = replace(summit, models=(noisier(MODEL, ["C03", "C15"], 1.4),))
    taken = noisy.take("BIAS", [0.0] * 2)
    summit.seq_num = noisy.seq_num
    run = summit.job("verifyBias", taken, bias_run)
    expected = [f"{name} {test}" for name in ("C15", "C03") for test in ("NOISE", "READ_NOISE_CONSISTENT")]
    assert failed_tests(summit.get("verifyBiasStats", run)) == {
        exposure: [f"RXX_S00 {failure}" for failure in expected] for exposure in taken
    }
    assert summit.get("verifyBiasExpStats", run, exposure=taken[0]) == {
        "RXX_S00": {"SUCCESS": False, "FAILURES": expected},
        "SUCCESS": False,
    }


def test_dark_agrees_with_the_sensor(summit: Summit, dark_run: str):
    dark = summit.get("dark", dark_run, detector=0)
    assert dark.unit == "electron / s"
    expected = expectation.dark_image(MODEL)
    hot = expectation.hot_pixels(MODEL)
    noise = expectation.dark_noise(MODEL, np.array(DARK_TIMES))
    residual = np.where(hot, np.nan, dark.data - expected)
    # The bias of 20 frames is in all darks: it adds the part sum(t) / sum(t²) of its noise.
    times = np.array(DARK_TIMES)
    bias = expectation.frame_noise(MODEL) / np.sqrt(20) * times.sum() / (times**2).sum()
    measured = [np.nanstd(pixels) for pixels in amplifier_views(residual).values()]
    np.testing.assert_allclose(measured, np.hypot(noise, bias), rtol=0.03)
    assert abs(np.nanmean(residual)) < 0.003
    np.testing.assert_allclose(dark.data[hot], expected[hot], atol=6 * np.sqrt(200 / times.sum()) + 0.6)


def test_darks_pass_against_their_own_mean(summit: Summit, darks: list[int], dark_run: str, bias_run: str):
    statistics = summit.get("verifyDarkStats", summit.job("verifyDark", darks, dark_run, bias_run))
    assert statistics == passed(darks)


def test_flat_agrees_with_the_sensor(summit: Summit, flat_run: str):
    flat = summit.get("flat", flat_run, detector=0, physical_filter=FILTER)
    assert flat.unit == ""
    expected = expectation.flat_image(MODEL, FILTER)
    assert flat.data.mean() == pytest.approx(1.0, abs=1e-5)
    level = 5 * np.mean(MODEL.illumination(FILTER)) * RATE
    noise = np.sqrt(expectation.variance_shrinkage(level, MODEL.a00) / level / 8)
    good = ~expectation.insensitive_pixels(MODEL)
    assert np.std((flat.data - expected)[good]) == pytest.approx(noise, rel=0.03)


def test_flats_pass(summit: Summit, flats: list[int], flat_run: str, dark_run: str, bias_run: str):
    run = summit.job("verifyFlat", flats, flat_run, dark_run, bias_run)
    statistics = summit.get("verifyFlatStats", run, physical_filter=FILTER)
    assert statistics == passed(flats)


def test_noisy_flats_are_named_by_their_exposures_only(summit: Summit, dark_run: str, bias_run: str):
    noisy = replace(summit, models=(noisier(MODEL, ["C05"], 40.0),))
    taken = noisy.take("FLAT", [5.0] * 3, RATE)
    summit.seq_num = noisy.seq_num
    flat = summit.job("cpFlat", taken, dark_run, bias_run)
    run = summit.job("verifyFlat", taken, flat, dark_run, bias_run)
    statistics = summit.get("verifyFlatStats", run, physical_filter=FILTER)
    failed = {exposure: {"SUCCESS": False, "FAILURES": []} for exposure in taken}
    assert statistics == failed | {"SUCCESS": False}
    exposure = summit.get("verifyFlatExpStats", run, exposure=taken[0])
    assert exposure["RXX_S00"] == {"SUCCESS": False, "FAILURES": ["C05 NOISE"]}
    detector = summit.get("verifyFlatDetStats", run, exposure=taken[0], detector=0)
    assert detector["VERIFY"]["AMP"]["C05"] == {"NOISE": False, "SUCCESS": False}


def test_defects_are_complete_and_pure(summit: Summit, defects_run: str):
    defects = summit.get("defects", defects_run, detector=0)
    found = defect_mask(defects, (500, 512))
    injected = expectation.hot_pixels(MODEL) | expectation.insensitive_pixels(MODEL)
    completeness = (found & injected).sum() / injected.sum()
    purity = (found & injected).sum() / found.sum()
    assert completeness >= 0.99
    assert purity >= 0.99
    assert set(defects["amplifier"]) <= set(AMPLIFIERS)


def test_defects_are_masked_where_asked_for(
    summit: Summit, biases: list[int], bias_run: str, defects_run: str
):
    options = ["-c", "verifyBiasIsr:doDefect=True"]
    run = summit.job("verifyBias", biases[:2], defects_run, bias_run, options=options)
    image = summit.get("verifyBiasIsrExp", run, exposure=biases[0], detector=0)
    mask = defect_mask(summit.get("defects", defects_run, detector=0), image.shape)
    np.testing.assert_array_equal(image.mask, mask)


def test_photon_transfer_curve_agrees_with_the_sensor(summit: Summit, dark_run: str, bias_run: str):
    taken = summit.take("FLAT", [float(time) for time in PAIR_TIMES for _ in (1, 2)], RATE)
    ptc = summit.get("ptc", summit.job("cpPtc", taken, dark_run, bias_run), detector=0)
    assert ptc.fit_type == "EXPAPPROXIMATION"
    assert ptc.exposure_pairs == tuple(zip(taken[::2], taken[1::2], strict=True))

    def values(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([getattr(ptc, name)[amplifier] for amplifier in AMPLIFIERS])

    np.testing.assert_allclose(values("gain"), MODEL.gain, rtol=0.02)
    assert (np.abs(values("gain") - MODEL.gain) < 4 * values("gain_error")).all()
    np.testing.assert_allclose(values("noise"), expectation.frame_noise(MODEL), rtol=0.02)
    assert (np.abs(values("a00") - MODEL.a00) < 4 * values("a00_error")).all()
    # Vignetting fills the pixels of an amplifier one after another, over several per cent of the mean.
    np.testing.assert_allclose(values("turnoff"), expectation.turnoff(MODEL), rtol=0.025)
    full = np.array([ptc.outliers[amplifier][-1] for amplifier in AMPLIFIERS])
    assert full.all()


def test_gains_are_written_for_the_first_exposure_of_a_pair(summit: Summit, dark_run: str, bias_run: str):
    taken = summit.take("FLAT", [0.5, 0.5, 1.0, 1.2, 1.2], RATE)
    run = summit.job("cpPtc#cpPtcGainFromFlatPairs", taken, dark_run, bias_run)
    partials = [summit.get("cpPtcPartial", run, detector=0, exposure=exposure) for exposure in taken]
    pairs = [((taken[0], taken[1]),), (), (), ((taken[3], taken[4]),), ()]
    assert [partial.exposure_pairs for partial in partials] == pairs
    for partial in partials:
        gains = np.array([partial.gain[name] for name in AMPLIFIERS])
        if not partial.exposure_pairs:
            assert np.isnan(gains).all()
            continue
        errors = np.array([partial.gain_error[name] for name in AMPLIFIERS])
        mean = np.array([partial.means[name][0] for name in AMPLIFIERS]) * MODEL.gain
        expected = MODEL.gain / expectation.variance_shrinkage(mean, MODEL.a00)
        assert (np.abs(gains - expected) < 4.5 * errors).all()
        noise = [partial.noise[name] for name in AMPLIFIERS]
        np.testing.assert_allclose(noise, expectation.frame_noise(MODEL), rtol=0.08)


def test_certified_calibrations_serve_as_well_as_fresh_ones(tmp_path: Path):
    models = [SensorModel.for_detector("LSSTComCam", detector, scale=32) for detector in (0, 4)]
    models[1] = replace(models[1], response=models[1].response * np.float32(0.9))
    summit = Summit.make(tmp_path / "repo", *models)
    with Butler.from_config(summit.root, writeable=True) as butler:
        make_reference_calibrations(butler, "LSSTComCam", filters=["r_03"], detectors=[0, 4], scale=32)
    taken = summit.take("FLAT", [5.0] * 3, 3000.0)
    run = summit.job("cpFlat", taken, "LSSTComCam/calib")
    levels = [summit.get("flat", run, detector=id, physical_filter="r_03").data.mean() for id in (0, 4)]
    assert np.mean(levels) == pytest.approx(1.0, abs=1e-4)
    assert levels[1] / levels[0] == pytest.approx(0.9, abs=0.005)
    verified = summit.job("verifyFlat", taken, run, "LSSTComCam/calib")
    exposure = summit.get("verifyFlatExpStats", verified, exposure=taken[0])
    # As with cp_verify, no flat of several detectors passes: their means differ by more than 0.05 electrons.
    # Means that agree within 1e-4 of their level are too far apart for cp_verify.
    scatter = [summit.get("verifyFlatExpStats", verified, exposure=e) for e in taken]
    assert [e["VERIFY"]["EXP"]["SCATTER"] for e in scatter] == [e["EXP"]["SCATTER"] <= 0.05 for e in scatter]
    assert max(e["EXP"]["SCATTER"] for e in scatter) > 0.05
    assert exposure["R22_S00"] == exposure["R22_S11"] == {"SUCCESS": True}
    defects = summit.job("cpDefects", taken, "LSSTComCam/calib")
    found = defect_mask(summit.get("defects", defects, detector=0), (124, 128))
    hot = expectation.hot_pixels(models[0], 3.0)
    assert (found & hot).sum() == hot.sum()
