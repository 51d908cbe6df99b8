"""The stand-in pipelines, run by the real pipetask on frames of the sensor model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.daf.butler import Butler, CollectionType, Timespan
from lsst.pipe.base import Pipeline
from tasks_support import ENVIRONMENT, PIPELINES, Summit, failed_tests, passed

from lsst.ts.calibscripts.repository import ButlerRepository
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
        "cpDark": ["cpDarkIsr", "cpDark", "cpDarkCombine"],
        "cpFlat": ["cpFlatIsr", "cpFlatCombine"],
        "cpBiasBootstrap": ["cpBiasBootstrapIsr", "cpBiasBootstrapCombine"],
        "cpDarkBootstrap": ["cpDarkBootstrapIsr", "cpDarkBootstrapCombine"],
        "cpFlatBootstrap": ["cpFlatBootstrapIsr", "cpFlatBootstrapCombine"],
        "cpDefects": [
            "cpMeasureBiasDefects",
            "cpMeasureDarkDefects",
            "cpMeasureFlatDefects",
            "cpMergeDefects",
        ],
        "cpLinearizer": [
            "cpLinearizerIsr",
            "cpLinearizerPtcExtractPair",
            "cpLinearizerPtcSolve",
            "cpLinearizerUnnormalizedSolve1",
            "cpLinearizerNormalize1",
            "cpLinearizerSolve",
        ],
        "cpPtc": ["cpPtcIsr", "cpPtcExtractPair", "cpPtcSolve", "cpPtcAdjustGainRatios"],
        "cpPtc#cpPtcGainFromFlatPairs": ["cpPtcIsr", "cpPtcExtractPair"],
        "cpBfk": [
            "cpBfkIsr",
            "cpBfkPtcExtractPair",
            "cpBfkPtcSolve",
            "cpBfkPtcAdjustGainRatios",
            "cpBfkSolveX",
        ],
        "cpCti": ["cpCtiIsr", "cpCtiSolve"],
    },
    "cp_verify": {
        f"verify{product}": [f"verify{product}{step}" for step in ("Isr", "Det", "Exp", "")]
        for product in ("Bias", "Dark", "Flat")
    }
    | {
        "verifyDefects": [
            "verifyDefectsIsr",
            "verifyUncorrectedDefectsIsr",
            "verifyDefectsDet",
            "verifyDefectsExp",
            "verifyDefects",
        ],
        "verifyPtc": ["verifyPtcDet", "verifyPtc"],
        "verifyGainFromFlatPairs": ["verifyGainDet", "verifyGain"],
        "verifyLinearizer": [
            f"verifyLinearizer{step}"
            for step in ("Isr", "PtcExtractPair", "PtcSolve", "SecondLinearizer", "Calib", "")
        ],
    },
}

MORE_DETECTORS = {
    "cpFlat": ["cpFlatMeasure", "cpFlatNormalize"],
    "cpFlatBootstrap": ["cpFlatBootstrapMeasure", "cpFlatBootstrapNormalize"],
    "cpLinearizer": ["cpLinearizerUnnormalizedSolve2", "cpLinearizerNormalize2"],
}
"""Further labels where the camera has several detectors."""

BINNED = {f"cp{product}": [f"cp{product}Bin8"] for product in ("Bias", "Dark", "Flat")}
"""Further labels of LSSTCam."""

ALL_IMAGES = {"crosstalk", "linearizer", "ptc"}
READS = {
    "cpBiasBootstrap": {"crosstalk"},
    "cpDarkBootstrap": {"crosstalk", "biasBootstrap"},
    "cpFlatBootstrap": {"crosstalk", "biasBootstrap", "darkBootstrap"},
    "cpDefects": {"biasBootstrap", "darkBootstrap", "flatBootstrap"},
    "cpLinearizer": {"crosstalk", "defects"},
    "cpPtc": {"crosstalk", "linearizer", "defects", "cti"},
    "cpPtc#cpPtcGainFromFlatPairs": {"crosstalk", "linearizer", "defects", "cti"},
    "cpBias": ALL_IMAGES,
    "cpDark": ALL_IMAGES | {"bias", "defects"},
    "cpFlat": ALL_IMAGES | {"bias", "dark", "bfk"},
    "cpBfk": {"crosstalk", "linearizer", "defects", "cti"},
    "cpCti": {"linearizer", "defects"},
    "verifyBias": ALL_IMAGES | {"bias", "defects"},
    "verifyDark": ALL_IMAGES | {"bias", "dark", "defects"},
    "verifyFlat": ALL_IMAGES | {"bias", "dark", "flat", "defects"},
    "verifyDefects": ALL_IMAGES | {"bias", "dark", "flat", "defects", "bfk"},
    "verifyPtc": {"ptc"},
    "verifyGainFromFlatPairs": set(),
    "verifyLinearizer": {"crosstalk", "linearizer", "defects"},
}
"""Calibrations that each pipeline of LATISS reads."""

OTHER_READS = {
    "cpBias": {"LSSTComCam": ALL_IMAGES | {"cti"}},
    "cpDark": {"LSSTComCam": ALL_IMAGES | {"bias", "defects", "cti"}},
    "cpFlat": dict.fromkeys(("LSSTComCam", "LSSTCam"), ALL_IMAGES | {"bias", "dark", "cti"}),
    "verifyFlat": dict.fromkeys(
        ("LSSTComCam", "LSSTCam"), ALL_IMAGES | {"bias", "dark", "flat", "defects", "cti"}
    ),
}
"""What differs for the other cameras."""


@pytest.fixture(autouse=True)
def pipeline_directories(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("instrument", ["LATISS", "LSSTComCam", "LSSTCam"])
@pytest.mark.parametrize(
    ("package", "name"), [(package, name) for package, names in LABELS.items() for name in names]
)
def test_labels_and_inputs_are_those_of_today(package: str, name: str, instrument: str):
    file, hash_sign, subset = name.partition("#")
    path = PIPELINES / package / "pipelines" / instrument / f"{file}.yaml"
    graph = Pipeline.from_uri(f"{path}{hash_sign}{subset}").to_graph()
    labels = list(LABELS[package][name])
    if instrument != "LATISS":
        labels += MORE_DETECTORS.get(name, ())
    if instrument == "LSSTCam":
        labels += BINNED.get(name, ())
    assert set(graph.tasks) == set(labels)
    read = {
        edge.parent_dataset_type_name
        for task in graph.tasks.values()
        for edge in task.iter_all_inputs()
        if edge.is_prerequisite
    }
    assert read == OTHER_READS.get(name, {}).get(instrument, READS[name])


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
def defects_run(summit: Summit, biases: list[int], darks: list[int], flats: list[int]) -> str:
    bias = summit.job("cpBiasBootstrap", biases)
    dark = summit.job("cpDarkBootstrap", darks, bias)
    flat = summit.job("cpFlatBootstrap", flats, dark, bias)
    return summit.job("cpDefects", flats, flat, dark, bias)


@pytest.fixture(scope="module")
def pairs(summit: Summit) -> list[int]:
    return summit.take("FLAT", [float(time) for time in PAIR_TIMES for _ in (1, 2)], RATE)


@pytest.fixture(scope="module")
def ptc_run(summit: Summit, pairs: list[int]) -> str:
    return summit.job("cpPtc", pairs)


def test_bias_agrees_with_the_sensor(summit: Summit, bias_run: str):
    bias = summit.get("bias", bias_run, detector=0)
    assert bias.unit == "electron"
    assert bias.meta["NCOMBINE"] == 20
    assert bias.meta["DETECTOR"] == 0
    assert "OBSID" not in bias.meta
    assert bias.meta["LSST BUTLER N_INPUTS"] == 20
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


def test_headers_say_which_calibrations_a_job_used(summit: Summit, biases: list[int], bias_run: str):
    """A butler of before October 2025 searches collections of calibrations first, however the inputs are listed."""
    with Butler.from_config(summit.root, writeable=True) as butler:
        old = butler.get("bias", instrument="LATISS", detector=0, collections=bias_run)
        butler.collections.register("old/run")
        butler.collections.register("old", CollectionType.CALIBRATION)
        ref = butler.put(old, "bias", instrument="LATISS", detector=0, run="old/run")
        butler.registry.certify("old", [ref], Timespan(None, None))
    repository = ButlerRepository(summit.root)
    sources = {}
    for name, inputs in (("today", (bias_run, "old")), ("before", ("old", bias_run))):
        run = summit.job("verifyBias", biases[:1], *inputs, name=name)
        used = repository.inputs_used(run, "verifyBiasIsrExp", [0])[0]
        sources[name] = {each.dataset_type: each.run for each in used}
    reference = "LATISS/calib/reference/run"
    shared = dict.fromkeys(("crosstalk", "linearizer", "ptc", "defects"), reference) | {
        "raw": "LATISS/raw/all"
    }
    assert sources == {"today": shared | {"bias": bias_run}, "before": shared | {"bias": "old/run"}}
    assert repository.inputs_used(bias_run, "cpBiasIsrExp", [0]).keys() == {0}
    assert repository.inputs_used(bias_run, "verifyBiasIsrExp", [0]) == {}


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
    # That of photons: with the charge that a pixel lost, its noise is whole again.
    noise = np.sqrt(1 / level / 8)
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


def test_defects_are_masked(summit: Summit, biases: list[int], bias_run: str, defects_run: str):
    run = summit.job("verifyBias", biases[:2], defects_run, bias_run)
    image = summit.get("verifyBiasIsrExp", run, exposure=biases[0], detector=0)
    mask = defect_mask(summit.get("defects", defects_run, detector=0), image.shape)
    np.testing.assert_array_equal(image.mask, mask)


def some_of(pairs: list[int]) -> list[int]:
    """Return every second pair: enough of them for all levels."""
    return [exposure for n in range(0, len(pairs), 4) for exposure in pairs[n : n + 2]]


def values(dataset: Any, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return one quantity of all amplifiers."""
    return np.array([getattr(dataset, name)[amplifier] for amplifier in AMPLIFIERS])


def test_photon_transfer_curve_agrees_with_the_sensor(summit: Summit, pairs: list[int], ptc_run: str):
    ptc = summit.get("ptc", ptc_run, detector=0)
    assert ptc.fit_type == "EXPAPPROXIMATION"
    assert ptc.exposure_pairs == tuple(zip(pairs[::2], pairs[1::2], strict=True))
    assert ptc.exposure_times == tuple(PAIR_TIMES)
    np.testing.assert_allclose(values(ptc, "gain"), MODEL.gain, rtol=0.02)
    assert (np.abs(values(ptc, "gain") - MODEL.gain) < 4 * values(ptc, "gain_error")).all()
    np.testing.assert_allclose(values(ptc, "noise"), expectation.frame_noise(MODEL), rtol=0.02)
    assert (np.abs(values(ptc, "a00") - MODEL.a00) < 4 * values(ptc, "a00_error")).all()
    # Vignetting fills the pixels of an amplifier one after another, over several per cent of the mean.
    np.testing.assert_allclose(values(ptc, "turnoff"), expectation.turnoff(MODEL), rtol=0.025)
    full = np.array([ptc.outliers[amplifier][-1] for amplifier in AMPLIFIERS])
    assert full.all()


def test_gains_relative_to_each_other_are_those_of_an_even_flat(summit: Summit, ptc_run: str):
    fitted, adjusted = (summit.get(name, ptc_run, detector=0) for name in ("ptcUnadjusted", "ptc"))
    scatter = [np.std(values(curve, "gain") / MODEL.gain) for curve in (fitted, adjusted)]
    assert scatter[1] < 0.6 * scatter[0]
    assert np.mean(values(adjusted, "gain")) == pytest.approx(np.mean(values(fitted, "gain")), rel=5e-4)


def test_linearizer_agrees_with_the_sensor(summit: Summit, pairs: list[int]):
    pairs = some_of(pairs)
    run = summit.job("cpLinearizer", pairs)
    linearizer = summit.get("linearizer", run, detector=0)
    expected = MODEL.electronics.nonlinearity
    assert (
        np.abs(values(linearizer, "coefficient") - expected) < 5 * values(linearizer, "coefficient_error")
    ).all()
    np.testing.assert_allclose(values(linearizer, "coefficient"), expected, rtol=0.1)
    verified = summit.job("verifyLinearizer", pairs, run)
    assert summit.get("verifyLinearizerStats", verified) == {"RXX_S00": {"SUCCESS": True}, "SUCCESS": True}
    detector = summit.get("verifyLinearizerDetStats", verified, detector=0)
    # What was 1 % at 100,000 ADU is almost gone.
    assert max(detector["AMP"][name]["MAX_RESIDUAL"] for name in AMPLIFIERS) < 0.2


def test_deferred_charge_agrees_with_the_sensor(summit: Summit, flats: list[int]):
    cti = summit.get("cti", summit.job("cpCti", flats), detector=0)
    expected = MODEL.electronics.deferred_charge
    assert (np.abs(values(cti, "fraction") - expected) < 4 * values(cti, "fraction_error")).all()
    assert (values(cti, "fraction_error") < 0.1 * expected).all()


def test_brighter_fatter_kernel_agrees_with_the_sensor(summit: Summit, pairs: list[int]):
    bfk = summit.get("bfk", summit.job("cpBfk", some_of(pairs)), detector=0)
    np.testing.assert_allclose(values(bfk, "a00"), MODEL.a00, rtol=0.15)


def test_good_curves_and_defects_pass(
    summit: Summit,
    pairs: list[int],
    flats: list[int],
    ptc_run: str,
    flat_run: str,
    dark_run: str,
    bias_run: str,
    defects_run: str,
):
    passed_detector = {"RXX_S00": {"SUCCESS": True}, "SUCCESS": True}
    verified = summit.job("verifyPtc", pairs, ptc_run)
    assert summit.get("verifyPtcStats", verified) == passed_detector
    # It writes no images; its tables say which calibrations it has used.
    used = ButlerRepository(summit.root).inputs_used(verified, "verifyPtcDetResults", [0])[0]
    assert {each.dataset_type: each.run for each in used} == {"raw": "LATISS/raw/all", "ptc": ptc_run}
    run = summit.job("verifyDefects", flats[:2], defects_run, flat_run, dark_run, bias_run)
    visits = failed_tests(summit.get("verifyDefectsStats", run))
    assert list(visits) == flats[:2]
    # No table passes the test that cp_verify calls bad.
    assert {test.split()[2] for failures in visits.values() for test in failures} == {"PROB_TEST"}
    assert len(summit.get("verifyDefectsExpStats", run, visit=flats[0])["RXX_S00"]["FAILURES"]) > 8
    gains = summit.job("verifyGainFromFlatPairs", pairs[8:9], ptc_run)
    assert summit.get("verifyGainStats", gains) == passed_detector


def test_gains_are_written_for_the_first_exposure_of_a_pair(summit: Summit):
    taken = summit.take("FLAT", [0.5, 0.5, 1.0, 1.2, 1.2], RATE)
    run = summit.job("cpPtc#cpPtcGainFromFlatPairs", taken)
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
    summit = Summit.make(tmp_path / "repo", *models, products=None, filters=["r_03"])
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
